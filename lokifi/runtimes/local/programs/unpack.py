"""Unpacking Debian packages into one folder: each alone first, checked, then moved together.

`dpkg-deb -x` follows links that an earlier package left in the target, so a package could be written
through them to anywhere; a folder of its own for each one, and a merge that follows nothing, prevent it.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath

from lokifi.kit import process
from lokifi.kit.errors import RuntimeFailed

TIMEOUT = 300.0


def unpack(debs: Sequence[Path], target: Path, command: Sequence[str], done: Callable[[Path], None]) -> None:
    """Unpack `debs` into the new folder `target` with `command` (`dpkg-deb` and what goes before it).

    Modes become 0755 or 0644, so another user can read and run the files and no set-uid bit remains.
    Raises `RuntimeFailed` for a package that is damaged or holds anything but plain files, folders
    and links that stay inside.
    """
    target.mkdir(parents=True)
    target.chmod(0o755)
    parts = [target.with_name(f"{target.name}.{index}") for index in range(len(debs))]

    def extract(deb: Path, part: Path) -> None:
        part.mkdir()
        # The C locale, because its message is shown; PATH, because dpkg-deb runs tar and decompressors.
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}
        result = process.run([*command, "-x", deb, part], env=environment, timeout=TIMEOUT)
        if result.returncode != 0:
            said = (result.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise RuntimeFailed(f"cannot be unpacked: {said}", hint="run 'lokifi setup' again", place=deb.name)

    with ThreadPoolExecutor(max_workers=min(4, os.cpu_count() or 1)) as pool:
        futures = [pool.submit(extract, deb, part) for deb, part in zip(debs, parts, strict=True)]
        for deb, part, future in zip(debs, parts, futures, strict=True):
            future.result()
            _merge(part, target, PurePosixPath(), deb.name)
            done(deb)


def _merge(source: Path, target: Path, inside: PurePosixPath, package: str) -> None:
    source.chmod(0o755)
    for entry in list(os.scandir(source)):
        path, place = Path(entry.path), target / entry.name
        mode = entry.stat(follow_symlinks=False).st_mode
        if stat.S_ISDIR(mode):
            if place.is_symlink() or (place.exists() and not place.is_dir()):
                raise _refused(package, inside / entry.name, "is a folder here, something else in another package")
            place.mkdir(exist_ok=True)
            place.chmod(0o755)
            _merge(path, place, inside / entry.name, package)
            continue
        if stat.S_ISLNK(mode):
            if _escapes(inside, str(path.readlink())):
                raise _refused(package, inside / entry.name, "is a link that leaves the package's folder")
        elif stat.S_ISREG(mode):
            path.chmod(0o755 if mode & 0o111 else 0o644)
        else:
            raise _refused(package, inside / entry.name, "is no file, folder or link")
        if place.is_dir() and not place.is_symlink():
            raise _refused(package, inside / entry.name, "is a file here and a folder in another package")
        path.replace(place)
    source.rmdir()


def _escapes(inside: PurePosixPath, link: str) -> bool:
    # An absolute link points at the machine's own file, as it does on an ordinary system: only read.
    if link.startswith("/"):
        return False
    depth = len(inside.parts)
    for part in PurePosixPath(link).parts:
        depth += -1 if part == ".." else 1
        if depth < 0:
            return True
    return False


def _refused(package: str, path: PurePosixPath, why: str) -> RuntimeFailed:
    return RuntimeFailed(f"{path} {why}", hint="the package is refused", place=package)
