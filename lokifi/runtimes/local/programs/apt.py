"""The distribution's own packages without root: apt with private lists, cache and status.

apt keeps the system's sources, keyrings and proxy settings, and its signature checks. The copied status
of dpkg tells it what the machine already has, so only the rest is fetched. Nothing is installed.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from lokifi.kit import process
from lokifi.kit.errors import LokifiError, RuntimeFailed
from lokifi.kit.files import ensure_dir, write_atomic
from lokifi.runtimes.local.programs.needs import Need, numbers, runnable
from lokifi.runtimes.local.programs.prefix import Package
from lokifi.runtimes.local.programs.recipes import recipe

STATUS = Path("/var/lib/dpkg/status")
GET, CACHE, UNPACK = Path("/usr/bin/apt-get"), Path("/usr/bin/apt-cache"), Path("/usr/bin/dpkg-deb")
SETPRIV = Path("/usr/bin/setpriv")
UPDATE_TIMEOUT, DOWNLOAD_TIMEOUT, QUERY_TIMEOUT = 300.0, 3600.0, 60.0
# The C library and its loader must be of one build: a private one beside the machine's loader crashes.
CORE = ("libc6", "libc-bin", "base-files", "dpkg")

_UPSTREAM = re.compile(r"(?:[0-9]+:)?([0-9]{1,5}(?:\.[0-9]{1,5}){0,3})")
_PLANNED = re.compile(r"^'[^']+' (\S+\.deb) (\d+) SHA256:([0-9a-f]{64})$", re.MULTILINE)
_PERCENT = re.compile(r"dlstatus:\d+:(\d+(?:\.\d+)?):")

# Hooks of the system (apt.conf(5)) act on the system's own cache, and extra indexes only cost time.
_CONFIGURATION = """\
Dir::State "{root}/state/";
Dir::State::Lists "{root}/lists/";
Dir::State::status "{root}/status";
Dir::State::extended_states "{root}/extended_states";
Dir::Cache "{root}/cache/";
Dir::Cache::archives "{root}/archives/";
Dir::Cache::pkgcache "pkgcache.bin";
Dir::Cache::srcpkgcache "srcpkgcache.bin";
Dir::Log "{root}/log/";
APT::Update::Error-Mode "any";
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear DPkg::Pre-Invoke;
#clear DPkg::Post-Invoke;
#clear DPkg::Pre-Install-Pkgs;
Acquire::Languages "none";
Acquire::Retries "3";
Acquire::http::Timeout "30";
Acquire::https::Timeout "30";
Acquire::ForceHash "sha256";
Acquire::AllowInsecureRepositories "false";
Acquire::AllowWeakRepositories "false";
Acquire::AllowDowngradeToInsecureRepositories "false";
Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled "false";
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
Acquire::IndexTargets::deb::CNF::DefaultEnabled "false";
APT::Get::AllowUnauthenticated "false";
APT::Get::Assume-Yes "true";
APT::Get::ReInstall "true";
APT::Install-Recommends "false";
APT::Install-Suggests "false";
APT::Keep-Downloaded-Packages "true";
"""


class Unsuitable(RuntimeFailed):
    """apt cannot deliver these packages here; another way may."""


@dataclass(frozen=True, slots=True)
class Archive:
    """A package that apt would fetch: the file's name, its size in bytes and its SHA-256."""

    file: str
    size: int
    sha256: str

    @property
    def package(self) -> Package:
        """What the name of the file says: `name_version_architecture.deb`, with `%3a` for a colon."""
        name, version, architecture = unquote(self.file).removesuffix(".deb").split("_")
        return Package(name, version, architecture, self.sha256, self.size)


class Apt:
    """apt on private folders below `root`; `environment` holds proxy variables and the like."""

    def __init__(self, root: Path, environment: Mapping[str, str]) -> None:
        # apt.conf(5) knows no quoted quotation mark, and LD_LIBRARY_PATH is divided by ':' and ';' (ld.so(8)).
        if not re.fullmatch(r"/[^\"\n\\:;]*", str(root)):
            raise Unsuitable("apt cannot work below a folder of this name", place=str(root))
        self.root = root
        self.archives = root / "archives"
        self.environment = {**environment, "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}
        # apt dies with this process; otherwise an interrupted fetch would still write beside the next one.
        self.guard = [str(SETPRIV), "--pdeathsig", "KILL"] if runnable(SETPRIV) else []

    @staticmethod
    def available() -> bool:
        """Whether this machine has apt and dpkg."""
        return all(map(runnable, (GET, CACHE, UNPACK))) and STATUS.is_file()

    @property
    def unpacker(self) -> list[str]:
        """The command that unpacks a package, without its arguments."""
        return [*self.guard, str(UNPACK)]

    def prepare(self) -> None:
        """Lay out the private folders, apt's configuration and the copied status. Raises `Refused`."""
        for name in ("state", "lists", "cache", "archives", "plan", "log"):
            ensure_dir(self.root / name)
        status = STATUS.read_text(encoding="utf-8", errors="replace")
        # A package on hold may still be fetched into the prefix; the machine's own stays as it is.
        write_atomic(self.root / "status", re.sub(r"(?m)^Status: hold ok", "Status: install ok", status))
        write_atomic(self.root / "apt.conf", _CONFIGURATION.format(root=self.root))

    def update(self) -> str:
        """Fetch the package lists; returns apt's complaint when some source failed, else an empty text."""
        lines: list[str] = []
        code = self._stream([GET, "update"], lines.append, UPDATE_TIMEOUT)
        return _complaint(lines) if code != 0 else ""

    def choose(self, need: Need) -> list[str]:
        """The packages that satisfy `need`, newest version first choice; empty when no version fits."""
        for group in recipe(need.name).packages:
            for packages in self._majors(group):
                version = self._candidate(packages[0])
                if version is not None and not need.objection(version):
                    return packages
        return []

    def plan(self, packages: Iterable[str]) -> list[Archive]:
        """What would be fetched for `packages` and their dependencies. Raises `Unsuitable`."""
        # Files that are there already are left out of the plan, hence an archive folder that stays empty.
        where = f"Dir::Cache::archives={self.root}/plan/"
        result = self._run([GET, "-q", "-o", where, "--print-uris", "install", *packages])
        if result.returncode != 0:
            raise Unsuitable(_complaint(result.stderr.splitlines()))
        archives = [Archive(file, int(size), sha256) for file, size, sha256 in _PLANNED.findall(result.stdout)]
        listed = sum(1 for line in result.stdout.splitlines() if line.startswith("'"))
        if not archives or len(archives) != listed:
            raise Unsuitable("apt names no file, or a file without a SHA-256 sum")
        core = sorted({archive.package.name for archive in archives} & set(CORE))
        if core:
            raise Unsuitable(f"the packages want another {' and '.join(core)} than this machine has")
        return archives

    def download(self, packages: Iterable[str], plan: Sequence[Archive], progress: Callable[[int, int], None]) -> list[Path]:
        """Fetch the files of `plan` and check their sums; `progress` gets (done, total) bytes.

        A file with a wrong sum is removed and fetched once more. Raises `Unsuitable`.
        """
        total = sum(archive.size for archive in plan)

        def on_line(line: str) -> None:
            lines.append(line)
            if found := _PERCENT.search(line):
                progress(int(total * min(float(found.group(1)), 100.0) / 100), total)

        for _ in range(2):
            lines: list[str] = []
            argv: list[str | Path] = [
                GET,
                "-q",
                "-o",
                "APT::Status-Fd=1",
                "--download-only",
                "install",
                *packages,
            ]
            if self._stream(argv, on_line, DOWNLOAD_TIMEOUT) != 0:
                raise Unsuitable(_complaint(lines))
            wrong = [archive for archive in plan if _sum(self.archives / archive.file) != archive.sha256]
            if not wrong:
                progress(total, total)
                return [self.archives / archive.file for archive in plan]
            for archive in wrong:
                (self.archives / archive.file).unlink(missing_ok=True)
        raise Unsuitable(f"{wrong[0].file} does not have the SHA-256 sum its package list names")

    def forget_downloads(self) -> None:
        """Remove the fetched files, whose content is unpacked, and apt's caches, which it can make again."""
        for file in (*self.archives.glob("*.deb"), *(self.root / "cache").glob("*.bin")):
            file.unlink(missing_ok=True)

    def _majors(self, group: Sequence[str]) -> list[list[str]]:
        if "{major}" not in group[0]:
            return [list(group)]
        stem = group[0].removesuffix("{major}")
        names = self._run([CACHE, "pkgnames", stem]).stdout.split()
        majors = {int(name.removeprefix(stem)) for name in names if re.fullmatch(re.escape(stem) + r"\d{1,5}", name)}
        return [[name.format(major=major) for name in group] for major in sorted(majors, reverse=True)]

    def _candidate(self, package: str) -> tuple[int, ...] | None:
        policy = self._run([CACHE, "policy", package]).stdout
        found = re.search(r"^  Candidate: (\S+)$", policy, re.MULTILINE)
        version = _UPSTREAM.match(found.group(1)) if found else None
        return numbers(version.group(1)) if version else None

    def _run(self, argv: Sequence[str | Path]) -> process.Completed:
        return process.run(self._command(argv), env=self.environment, cwd=Path("/"), timeout=QUERY_TIMEOUT)

    def _stream(self, argv: Sequence[str | Path], on_line: Callable[[str], None], timeout: float) -> int:
        try:
            return process.stream(self._command(argv), on_line=on_line, env=self.environment, cwd=Path("/"), timeout=timeout)
        except LokifiError as error:
            raise Unsuitable(error.sentence, hint=error.hint) from error

    def _command(self, argv: Sequence[str | Path]) -> list[str | Path]:
        # With -c the file is read after the system's own configuration and so has the last word.
        return [*self.guard, argv[0], "-c", self.root / "apt.conf", *argv[1:]]


def _complaint(lines: Sequence[str]) -> str:
    errors = [line.removeprefix("E: ") for line in lines if line.startswith("E: ")]
    return f"apt: {errors[0] if errors else (lines or ['failed without a reason'])[-1]}"


def _sum(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""
