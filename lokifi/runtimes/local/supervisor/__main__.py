"""The program `supervisor FOLDER [down]`, run by its path so that it imports nothing it does not need.

The packages above are entered without running their `__init__`, which serve the command line and may
grow; asyncio is told that there is no OpenSSL. Together that is half of the memory.
"""

from __future__ import annotations

import importlib
import sys
import types
from pathlib import Path

HERE = Path(__file__).resolve().parent
ABOVE = ("lokifi", "lokifi.runtimes", "lokifi.runtimes.local")

if __name__ == "__main__":
    sys.modules["ssl"] = None  # type: ignore[assignment]
    for package, path in zip(ABOVE, reversed(HERE.parents[:3]), strict=True):
        bare = types.ModuleType(package)
        bare.__path__ = [str(path)]
        sys.modules[package] = bare
    daemon = importlib.import_module("lokifi.runtimes.local.supervisor.daemon")
    sys.exit(daemon.main(Path(sys.argv[1]), "down" in sys.argv[2:]))
