from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from lokifi.kit.errors import RuntimeFailed
from lokifi.runtimes.local.supervisor.client import Supervisor
from lokifi.runtimes.local.supervisor.spec import PartSpec
from tests.runtimes.local.supervisor.aids import ENV, MakeSpec


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / ".lokifi" / "test"


@pytest.fixture
def supervisor(folder: Path) -> Iterator[Supervisor]:
    one = Supervisor(folder)
    one.start()
    yield one
    try:
        one.shutdown()
    except RuntimeFailed:
        os.kill(one.pid(), signal.SIGKILL)
        raise


@pytest.fixture
def make(folder: Path) -> MakeSpec:
    def spec(name: str, *argv: str, **more: object) -> PartSpec:
        env = {**ENV, **more.pop("env", {})}  # type: ignore[dict-item]
        log = folder / "logs" / f"{name}.log"
        return PartSpec(name, argv, env, Path("/"), log, **more)  # type: ignore[arg-type]

    return spec
