"""Markets: the reference application's backend."""

from __future__ import annotations

import gc

# Importing makes some hundred thousand objects that stay for good. At Python's default (700) the collector
# looks through them again and again, a fifth of the start-up time. Here and not in a program's module: it
# has to come before the other imports.
gc.set_threshold(50_000, 10, 10)
