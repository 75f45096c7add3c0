from __future__ import annotations

import pytest

from lokifi.cli.since import moment
from lokifi.kit.errors import UsageError

NOW = 1_795_383_600.0


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30s", NOW - 30),
        ("10m", NOW - 600),
        ("2h", NOW - 7200),
        ("1d", NOW - 86400),
        ("2026-11-22T21:40:00Z", NOW),
        ("2026-11-22T22:40+01:00", NOW),
    ],
)
def test_spans_and_times(text: str, seconds: float) -> None:
    assert moment(text, NOW) == seconds


@pytest.mark.parametrize("text", ["", "10", "m", "-5m", "1.5h", "١٠m", "yesterday", "2026-13-01", "9" * 30 + "d", "0001-01-01"])
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(UsageError, match="is no time"):
        moment(text, NOW)
