"""Text that somebody else wrote, made harmless for a terminal.

A part's log line, a file name or an argument may hold escape sequences that move the cursor, set the window's title or
hide text, and marks that reorder it (Trojan Source, CVE-2021-42574). They are shown as escapes instead of being obeyed.
"""

from __future__ import annotations

import re

# C0, DEL, C1, line and paragraph separators, bidirectional controls (Unicode UAX #9 §2), zero-width and tag characters,
# the byte order mark, and surrogates, which no encoding can write.
_HARMFUL = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"
)
# Select Graphic Rendition, ECMA-48 §8.3.117: only colours, so its loss loses nothing.
_COLOURS = re.compile(r"\x1b\[[0-9;:]*m")


def safe(text: str) -> str:
    """`text` on one line with every control, reordering or invisible character as a visible escape."""
    return _HARMFUL.sub(_escape, text)


def safe_line(text: str) -> str:
    """A line of a log: colours are dropped, tabs become spaces, the rest is as in `safe`."""
    return safe(_COLOURS.sub("", text.rstrip("\r\n")).expandtabs(4))


def _escape(found: re.Match[str]) -> str:
    return found.group().encode("unicode_escape").decode("ascii")
