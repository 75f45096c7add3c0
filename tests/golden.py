"""The reference platform as every target renders it, kept as files: `python -m tests.golden --write` renews them.

Without `--write` it names the files that differ and ends with 1.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from lokifi.contracts import Artefact
from lokifi.flow import TARGETS
from lokifi.model.load import load
from lokifi.plan.layout import LocalLayout, allocate
from lokifi.plan.resolve import copies_of, ports_of, resolve
from lokifi.plan.stack import Address, Stack, Words

HERE = Path(__file__).parent
ROOT = "/srv/markets"


def reference() -> Stack:
    """The stack of the reference file as it would be below `ROOT`, from port 8080 on."""
    project = load(HERE.parent / "lokifi.yaml", "development", {})
    copies = copies_of(project.platform, {})
    ports = allocate(ports_of(project.platform, copies), 8080, {})
    layout = LocalLayout(ROOT, project.environment, ports, Address("127.0.0.1", 8080), "nobody")
    return resolve(project, layout, copies)


def rendered() -> dict[Path, Artefact]:
    """Every golden file and the artefact that it must be."""
    stack = reference()
    return {
        HERE / "targets" / name / "golden" / Path(artefact.path).name: artefact
        for name, target in TARGETS.items()
        for artefact in target.render(stack).artefacts
    }


def shown(words: Words) -> str:
    """A text with the names of its secrets in their places."""
    return "".join(word if isinstance(word, str) else f"<{word.name} as {word.form}>" for word in words)


def differing() -> list[Path]:
    """Golden files that are missing, not as rendered, or of nothing that is rendered."""
    wanted = rendered()
    there = set(HERE.glob("targets/*/golden/*"))
    wrong = [path for path, artefact in wanted.items() if path not in there or path.read_text() != shown(artefact.text)]
    return sorted([*wrong, *(there - set(wanted))])


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.golden", description=__doc__)
    parser.add_argument("--write", action="store_true", help="make the files what is rendered")
    write = parser.parse_args(arguments).write
    wanted, wrong = rendered(), differing()
    for path in wrong:
        print(path.relative_to(HERE.parent))
        if write and path in wanted:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(shown(wanted[path].text))
        elif write:
            path.unlink()
    return 0 if write or not wrong else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
