from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.run import FILE


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with a small platform file that is right."""
    (tmp_path / "app").mkdir()
    (tmp_path / "lokifi.yaml").write_text(FILE)
    return tmp_path
