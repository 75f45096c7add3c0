"""`python -m bench [NAME…] [--json]`: one table of all figures. A promise that is missed is printed as missed."""

from __future__ import annotations

import argparse
import json
import os
import platform as machine
from collections.abc import Callable, Iterator

from bench import commands, footprint, others, startup, zeroloss
from bench.figures import Figure, row
from bench.platform import Reference, cores, reference

Measure = Callable[[Reference], Iterator[Figure]]
NAMES: dict[str, Measure] = {
    "cold": startup.cold,
    "warm": startup.warm,
    "again": startup.again,
    "footprint": footprint.measure,
    "commands": commands.measure,
    "loss": zeroloss.measure,
    "restart": others.restart,
    "hostile": others.hostile,
}


def main() -> None:
    """Measure what was asked for, else all."""
    arguments = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    arguments.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}")
    arguments.add_argument("--json", action="store_true", help="an object for a program")
    options = arguments.parse_args()
    if unknown := set(options.names) - set(NAMES):
        arguments.error(f"there is no figure {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    found: list[Figure] = []
    with reference() as copy:
        if not options.json:
            print(f"{cores()} cores, {machine.system()}, Python {machine.python_version()}, load {load()}")
            print(f"{'':38}{'min / median / max':>24}      {'promise':>12}")
        for name in options.names or NAMES:
            for figure in NAMES[name](copy):
                found.append(figure)
                if not options.json:
                    print(row(figure), flush=True)
    if options.json:
        print(json.dumps({"cores": cores(), "load": load(), "figures": [each.as_json() for each in found]}, indent=2))
    else:
        print(f"load at the end {load()}")


def load() -> str:
    """How busy the machine is: the load averages of 1, 5 and 15 minutes."""
    return " ".join(f"{value:.1f}" for value in os.getloadavg())


if __name__ == "__main__":
    main()
