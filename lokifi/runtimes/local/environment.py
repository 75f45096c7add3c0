"""The environments that programs are started with: a part gets what the file says and no more."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

# What could make a program load or run something of a stranger's (ld.so(8), python(1), node(1), bash(1)).
_POISON = re.compile(
    r"(LD_|DYLD_|PYTHON|PERL5|RUBY|GIT_|BASH_FUNC_)"
    r"|(NODE_OPTIONS|NODE_PATH|BASH_ENV|ENV|IFS|SHELLOPTS|BASHOPTS|GCONV_PATH|VIRTUAL_ENV)\Z"
)
SYSTEM_PATH = ("/usr/local/bin", "/usr/bin", "/bin", "/usr/local/sbin", "/usr/sbin", "/sbin")


def path_of(first: Iterable[Path]) -> str:
    """A PATH of `first` and then the system's folders; absolute, none twice."""
    folders = [str(folder) for folder in first if folder.is_absolute()]
    return ":".join(dict.fromkeys([*folders, *SYSTEM_PATH]))


def of_part(home: Path, first: Iterable[Path], own: Mapping[str, str]) -> dict[str, str]:
    """A part's whole environment: the same on every machine but for its folders."""
    base = {"PATH": path_of(first), "HOME": str(home), "LANG": "C.UTF-8", "TZ": "UTC", "PYTHONUNBUFFERED": "1"}
    return base | dict(own)


def of_build(caller: Mapping[str, str], first: Iterable[Path], own: Mapping[str, str]) -> dict[str, str]:
    """An install's or build's environment: the caller's (mirrors, proxies, certificates) without what could
    smuggle code into it."""
    passed = {name: value for name, value in caller.items() if not _POISON.match(name)}
    own_path = [Path(entry) for entry in caller.get("PATH", "").split(":") if entry.startswith("/")]
    return passed | {"PATH": path_of([*first, *own_path]), "LANG": "C.UTF-8"} | dict(own)
