"""Natural order: names as people sort them, 2 before 10."""

import re


def natural(name: str) -> list[tuple[int, int, str]]:
    """Sorts a2 before a10, and a before a2: digits by their size, and before text."""
    return [_part(part) for part in re.split(r"([0-9]+)", name) if part]


def _part(part: str) -> tuple[int, int, str]:
    digits = part.lstrip("0")
    return (0, len(digits), digits) if part[0].isdecimal() and part.isascii() else (1, 0, part)
