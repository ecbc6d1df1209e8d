"""Text: names are data, may hold anything and be of any length, and still have to fit."""

import unicodedata
from bisect import bisect_left


def clean(text: str) -> str:
    """The text on one line, without control characters, surrogates and the like, and of a length worth measuring."""
    if len(text) > 400:
        text = f"{text[:200]}…{text[-200:]}"
    kept = "".join(" " if unicodedata.category(c)[0] in "CZ" else c for c in text)
    return " ".join(kept.split()) or "–"


def short(text: str, size: float, inches: float, *, bold: bool = False) -> str:
    """The text, with as much of its middle left out as it takes to be no wider than that."""
    text = clean(text)
    if width_of(text, size, bold=bold) <= inches:
        return text
    wide = bisect_left(range(len(text)), True, key=lambda kept: width_of(_cut(text, kept), size, bold=bold) > inches)
    return _cut(text, max(0, wide - 1))


def _cut(text: str, kept: int) -> str:
    """The text's first and last characters, so many in all."""
    return f"{text[: kept - kept // 2]}…{text[len(text) - kept // 2 :]}"


def width_of(text: str, size: float, *, bold: bool = False) -> float:
    """How wide the text will be."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    font = FontProperties(size=size, weight="bold" if bold else "normal")
    return text_to_path.get_text_width_height_descent(text, font, False)[0] / 72
