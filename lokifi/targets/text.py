"""What every rendered file has in common: its first line, and that nothing unprintable gets into it."""

from __future__ import annotations

from lokifi.kit.errors import UsageError

HEADER = "# Rendered by lokifi from lokifi.yaml; change that file, not this one."


def writable(value: str, where: str, forbidden: str = "") -> str:
    """`value`, when every character of it can stand in a file of one line a setting.

    Raises `UsageError` for a control character, a line separator, a lone surrogate (a file name that
    is not UTF-8) or a character of `forbidden`, for which the format of `where` has no notation.
    """
    for character in value:
        if character in forbidden or _breaks(character):
            raise UsageError(
                f"{value!r} cannot be written into {where}: it has no notation for {character!r} there",
                hint="rename the folder or change the value in the platform file",
            )
    return value


def _breaks(character: str) -> bool:
    code = ord(character)
    return code < 0x20 or 0x7F <= code < 0xA0 or code in (0x2028, 0x2029) or 0xD800 <= code < 0xE000
