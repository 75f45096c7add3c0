"""Fetching what is missing into the private prefix: by apt where there is one, else from wheels."""

from __future__ import annotations

import hashlib
import re
import secrets
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from lokifi.kit.errors import Refused, ToolMissing
from lokifi.kit.files import ensure_dir
from lokifi.runtimes.local.programs.apt import Apt, Unsuitable
from lokifi.runtimes.local.programs.find import find
from lokifi.runtimes.local.programs.needs import Need, Program, Unfit
from lokifi.runtimes.local.programs.prefix import Prefix
from lokifi.runtimes.local.programs.recipes import recipe
from lokifi.runtimes.local.programs.unpack import unpack
from lokifi.runtimes.local.programs.wheels import NoWheel, install

Progress = Callable[[str, int, int], None]

# What a fetch may know of the caller's environment: the way to the network and the user's own mirror.
PASSED_ON = re.compile(
    r"HOME|(HTTPS?|ALL|NO)_PROXY|SSL_CERT_(FILE|DIR)|(REQUESTS|CURL)_CA_BUNDLE"
    r"|PIP_(CONFIG_FILE|INDEX_URL|EXTRA_INDEX_URL|FIND_LINKS|TRUSTED_HOST|CERT|PROXY|DEFAULT_TIMEOUT)"
    r"|UV_(DEFAULT_INDEX|INDEX|INDEX_URL|CONFIG_FILE)",
    re.IGNORECASE,
)
_NETWORK = re.compile(r"Failed to fetch|Could not (connect|resolve)|cannot be fetched")
_NOTHING: Mapping[str, str] = MappingProxyType({})


def fetch(
    needs: Sequence[Need],
    prefix: Path,
    progress: Progress,
    environment: Mapping[str, str] = _NOTHING,
    *,
    ways: Sequence[str] = ("apt", "wheel"),
) -> list[Program]:
    """Bring a program for each of `needs` into `prefix`, in their order; what is there already is kept.

    Needs no root, installs nothing into the system and starts no service. `progress` gets what is
    being done and the bytes done and in all (0 when not known), in the thread of the caller.
    Of `environment` only proxies, certificates and package mirrors are used. Two fetches into one
    prefix go one after the other; an interrupted one is continued by the next. `ways` restricts and
    orders the ways. Raises `ToolMissing` with the way out for what could not be had, after fetching
    the rest, and `Refused` when the folder cannot be written.
    """
    place = Prefix(prefix)
    passed = {key: value for key, value in environment.items() if PASSED_ON.fullmatch(key)}
    with place.locked(lambda: progress("waiting for another fetch", 0, 0)):
        ways_tried: dict[str, list[str]] = {need.name: [] for need in needs}
        for way in ways:
            missing = [need for need in needs if isinstance(find(need, place.root, ()), Unfit)]
            if not missing:
                break
            by = _by_apt if way == "apt" else _by_wheel
            try:
                by(missing, place, _scratch(place), passed, progress, ways_tried)
            except OSError as error:
                hint = "make room or give yourself the right to write there, then run 'lokifi setup' again"
                raise Refused(f"cannot be written: {error.strerror}", hint=hint, place=str(place.root)) from error
            finally:
                shutil.rmtree(place.root / "scratch", ignore_errors=True)
        return _answers(needs, place, ways_tried)


def _scratch(place: Prefix) -> Path:
    # Under the lock nobody else writes here: what an interrupted fetch left is removed.
    shutil.rmtree(place.root / "scratch", ignore_errors=True)
    return ensure_dir(place.root / "scratch" / secrets.token_hex(6))


def _by_apt(
    needs: Sequence[Need],
    place: Prefix,
    scratch: Path,
    environment: Mapping[str, str],
    progress: Progress,
    tried: Mapping[str, list[str]],
) -> None:
    needs = [need for need in needs if recipe(need.name).packages]
    if not needs or not Apt.available():
        return
    try:
        apt = Apt(place.root / "apt", environment)
        apt.prepare()
        progress("package lists", 0, 0)
        complaint = apt.update()
    except Unsuitable as error:
        for need in needs:
            tried[need.name].append(str(error))
        return
    chosen: dict[str, list[str]] = {}
    for need in needs:
        packages = apt.choose(need)
        if packages:
            chosen[need.name] = packages
        else:
            tried[need.name].append(complaint or f"no package of the distribution is {need.name} {need.wanted}")
    # One set for all is the quickest; if one package spoils it, each is tried by itself.
    sets = [list(chosen)] if chosen else []
    while sets:
        names = sets.pop(0)
        try:
            _one_set(apt, [package for name in names for package in chosen[name]], names, place, scratch, progress)
        except Unsuitable as error:
            if len(names) > 1:
                sets = [[name] for name in names]
            else:
                tried[names[0]].append(str(error))
    apt.forget_downloads()


def _one_set(apt: Apt, packages: list[str], names: Iterable[str], place: Prefix, scratch: Path, progress: Progress) -> None:
    what = ", ".join(names)
    plan = apt.plan(packages)
    content = "\n".join(sorted(f"{archive.file} {archive.sha256}" for archive in plan))
    identity = hashlib.sha256(content.encode()).hexdigest()[:16]
    final = ensure_dir(place.root / "trees") / identity
    if not final.is_dir():
        progress(f"download {what}", 0, sum(archive.size for archive in plan))
        debs = apt.download(packages, plan, lambda done, total: progress(f"download {what}", done, total))
        sizes = {deb: archive.size for deb, archive in zip(debs, plan, strict=True)}
        finished = 0

        def unpacked(deb: Path) -> None:
            nonlocal finished
            finished += sizes[deb]
            progress(f"unpack {what}", finished, sum(sizes.values()))

        unpack(debs, scratch / identity, apt.unpacker, unpacked)
        (scratch / identity).rename(final)
    place.add_tree(identity, [archive.package for archive in plan])


def _by_wheel(
    needs: Sequence[Need],
    place: Prefix,
    scratch: Path,
    environment: Mapping[str, str],
    progress: Progress,
    tried: Mapping[str, list[str]],
) -> None:
    for need in needs:
        wheel = recipe(need.name).wheel
        what = f"wheel {wheel.project}" if wheel else need.name

        def report(done: int, total: int, what: str = what) -> None:
            progress(what, done, total)

        try:
            install(need, place, scratch, environment, report)
        except NoWheel as error:
            tried[need.name].append(str(error))


def _answers(needs: Sequence[Need], place: Prefix, tried: Mapping[str, list[str]]) -> list[Program]:
    programs: list[Program] = []
    problems: dict[str, list[str]] = {}
    ways_out: list[str] = []
    for need in needs:
        answer = find(need, place.root, ())
        if isinstance(answer, Program):
            programs.append(answer)
            continue
        reasons = tried[need.name] + [str(seen) for seen in answer.found]
        problems.setdefault("; ".join(reasons) or answer.reason, []).append(f"{need.name} ({need.wanted})")
        ways_out.append(recipe(need.name).otherwise)
        if any(_NETWORK.search(reason) for reason in reasons):
            ways_out.insert(0, "check the network and run 'lokifi setup' again")
    if problems:
        sentence = "; ".join(f"{' and '.join(names)} could not be fetched: {why}" for why, names in problems.items())
        raise ToolMissing(sentence, hint=", or ".join(dict.fromkeys(ways_out)), place=str(place.root))
    return programs
