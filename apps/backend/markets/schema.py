"""Which version of the database this code was written for."""

from __future__ import annotations

from pathlib import Path

# The newest revision in `migrations/versions`; a test holds the two together. Written down so that
# "nothing to do" is known without loading the migration tool.
HEAD = "0001"

MIGRATIONS = Path(__file__).resolve().parent.parent / "migrations"
