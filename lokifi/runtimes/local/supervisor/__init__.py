"""One small process per environment that keeps the parts alive; it knows programs, not platforms.

`client.Supervisor` is the way in; `spec` is what it is told and what it tells; `logs.read` reads what
the parts wrote. Only the standard library and `lokifi.kit` are imported here, to stay small.
"""
