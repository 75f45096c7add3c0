from __future__ import annotations

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lokifi.report.safe import safe, safe_line


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain – ünïcode 漢字 🦊", "plain – ünïcode 漢字 🦊"),
        ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        ("a\r\nb", "a\\r\\nb"),
        ("\x9b31m", "\\x9b31m"),
        ("user\u202etxt.exe", "user\\u202etxt.exe"),
        ("zero\u200bwidth\ufeff", "zero\\u200bwidth\\ufeff"),
        ("\udc80", "\\udc80"),
    ],
)
def test_what_could_deceive_is_shown_as_an_escape(text: str, shown: str) -> None:
    assert safe(text) == shown


def test_a_line_of_a_log_loses_its_colours_and_tabs_but_nothing_else() -> None:
    assert safe_line("\x1b[1;31mred\x1b[0m\tand\x1b[2J\n") == "red and\\x1b[2J"


@given(st.text(st.characters(codec=None)))
def test_no_text_reaches_the_terminal_with_power_over_it(text: str) -> None:
    for shown in (safe(text), safe_line(text)):
        categories = {unicodedata.category(char) for char in shown}
        assert not categories & {"Cc", "Cs", "Zl", "Zp"}
        assert not {unicodedata.bidirectional(char) for char in shown} & {
            "LRE",
            "RLE",
            "LRO",
            "RLO",
            "PDF",
            "LRI",
            "RLI",
            "FSI",
            "PDI",
        }
        shown.encode("utf-8")


def test_every_character_that_reorders_text_is_covered() -> None:
    reordering = [
        chr(code) for code in range(sys.maxunicode + 1) if unicodedata.bidirectional(chr(code))[-1:] in ("E", "O", "I", "F")
    ]
    assert [char for char in reordering if safe(char) == char] == []
