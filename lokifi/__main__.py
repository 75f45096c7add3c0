"""`python -m lokifi`."""

from __future__ import annotations

import importlib
import signal
import sys


def main() -> int:
    """Load and run the command line. Until it is loaded Ctrl-C ends the process, where Python would show half an import."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    code: int = importlib.import_module("lokifi.cli.main").main()
    return code


if __name__ == "__main__":
    sys.exit(main())
