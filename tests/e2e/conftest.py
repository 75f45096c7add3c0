"""One reference platform for all, small toys for each; what happened is kept when a test fails."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.platform import REPOSITORY, Platform
from tests.e2e.toys import Toys, ports, toys

ARTEFACTS = REPOSITORY / "test-artefacts"
MADE = shutil.ignore_patterns("node_modules", "dist", ".lokifi", "__pycache__", ".*_cache", "tests", "test")
UMASK_ZERO = ("sh", "-c", 'umask 000; exec "$@"', "sh")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here starts real programs."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.engine)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    """Keep logs, history and status of the platforms of a test that failed."""
    report = yield
    if report.failed and report.when in ("setup", "call"):
        for number, platform in enumerate(_platforms(getattr(item, "funcargs", {}))):
            target = ARTEFACTS / re.sub(r"[^A-Za-z0-9_-]+", "-", item.name)[:80] / str(number)
            platform.keep(target)
            report.sections.append(("kept", str(target)))
    return report


def _platforms(given: dict[str, Any]) -> list[Platform]:
    found: list[Platform] = []
    for value in given.values():
        found += [value] if isinstance(value, Platform) else value.made if isinstance(value, Toys) else []
    return found


@pytest.fixture
def toy(tmp_path: Path) -> Iterator[Toys]:
    """Makes toy platforms. As root they lie where no other account can go, so their parts run in a user namespace."""
    with toys(tmp_path) as made:
        yield made


@pytest.fixture(scope="session")
def reference() -> Iterator[Platform]:
    """The platform of the repository, built and started once, under a umask that forbids nothing, where an unprivileged
    account can reach it. At the end it is purged, and nothing may be left."""
    root = Path(tempfile.mkdtemp(prefix="lokifi-e2e-"))
    root.chmod(0o755)
    shutil.copytree(REPOSITORY / "apps", root / "apps", ignore=MADE)
    door = ports(30)
    file = (REPOSITORY / "lokifi.yaml").read_text()
    assert "127.0.0.1:8080" in file
    (root / "lokifi.yaml").write_text(file.replace("127.0.0.1:8080", f"127.0.0.1:{door}"))
    platform = Platform(root, door)
    try:
        platform.run("up", before=UMASK_ZERO, timeout=300)
        yield platform
        platform.run("down", "--purge", "--yes")
        platform.gone()
        assert not platform.folder.exists()
    finally:
        platform.end()
        shutil.rmtree(root)


@pytest.fixture
def markets(reference: Platform) -> Iterator[Platform]:
    """The reference platform, ready and at three copies, whatever the test before did to it; its file is put back."""
    before = reference.file.read_text()
    if not reference.all_ready() or "backend-3" not in reference.states() or "backend-4" in reference.states():
        reference.run("scale", "backend=3")
    yield reference
    if reference.file.read_text() != before:
        reference.file.write_text(before)
        reference.run("up")
