"""A promise → an experiment → verdicts; speaks only to `Stack` and `Running`. None is built yet: docs/adding.md."""
