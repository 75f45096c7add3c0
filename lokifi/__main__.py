"""`python -m lokifi`."""

from __future__ import annotations

import sys

from lokifi.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
