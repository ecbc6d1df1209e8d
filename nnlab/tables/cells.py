"""Cells: what the text of one cell says, as a number, a truth value or nothing, in one way for every reader."""

import re
import unicodedata
from collections.abc import Sequence
from functools import cache

from nnlab.errors import DataError

BLANKS = " \t\n\r\v\f\x85\xa0\u1680" + "".join(map(chr, range(0x2000, 0x200B))) + "\u2028\u2029\u202f\u205f\u3000"
"""What is taken off both ends of a cell: the white space of Unicode, no-break spaces among it."""
GRAMMAR = r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?"
"""A plain number: what Python, C and every other tool read alike."""
SPACES = " \xa0\u2009\u202f"
"""What people put between thousands where they say a space."""
MOST_DIGITS = 1000
"""Of a whole number that is taken for one; Python itself refuses those of more than 4,300."""

_NUMBER = re.compile(GRAMMAR)
_WHOLE = re.compile(r"[-+]?(?:0|[1-9][0-9]*)(?:\.0*)?")
_SEPARATORS = re.compile("[^-+0-9]")
_SIGN = re.compile(r"^[-+]? ?[$€£¥₹₽₩¢]|[$€£¥₹₽₩¢%‰]$")
_ENCLOSED = re.compile(r"\((.*)\)")
_INFINITE = re.compile(r"[-+]?inf(?:inity)?", re.IGNORECASE)
_MINUS = str.maketrans("\u2212\u2013\ufe63\uff0d", "----")


def stripped(cell: str) -> str:
    """The cell without blanks around it, in Unicode's composed form (NFC)."""
    cell = cell.strip(BLANKS)
    return cell if cell.isascii() else unicodedata.normalize("NFC", cell)


def short(value: object) -> str:
    """A value out of a file as it can be shown: on one line, without control characters and not too long."""
    text = repr(value[:100] if isinstance(value, str) else value)
    return text if len(text) <= 40 else f"{text[:36]}...{text[-1]}"


def refuse_names(names: Sequence[str], place: str, first: int = 1, otherwise: str = "") -> None:
    """Raises DataError where one is empty, unprintable or there twice; ``first`` is the number of the first column."""
    seen = set[str]()
    for i, name in enumerate(names, first):
        if not name or not name.isprintable():
            raise DataError(f"{place}: column {i} has no printable name: {short(name)}", f"give it one{otherwise}")
        if name in seen:
            raise DataError(f"{place}: two columns are called {short(name)}", f"rename one of them{otherwise}")
        seen.add(name)


def number(cell: str, decimal: str = ".", thousands: str | None = None) -> float | None:
    """The number in a cell, correctly rounded; None where it is no plain number. An overflow is infinite."""
    cell = cell.strip(BLANKS)
    if thousands is not None or decimal != ".":
        written = _written(decimal, thousands).fullmatch(cell)
        if not written:
            return None
        whole, fraction, exponent = written.groups()
        cell = f"{_SEPARATORS.sub('', whole)}{(fraction or '').replace(decimal, '.')}{exponent or ''}"
    return float(cell) if _NUMBER.fullmatch(cell) else None


def plain_whole(cell: str, decimal: str = ".", thousands: str | None = None) -> int | None:
    """The whole number that a cell holds in its plain form, of any size: 1, -7 and 2.0, but neither 01 nor 1e3."""
    cell = cell.strip(BLANKS)
    if thousands is not None or decimal != ".":
        if number(cell, decimal, thousands) is None:
            return None
        cell = "".join(c for c in cell if c in "+-0123456789eE" or c == decimal).replace(decimal, ".")
    if len(cell) > MOST_DIGITS or not _WHOLE.fullmatch(cell):
        return None
    return int(cell.partition(".")[0])


def boolean(cell: str) -> bool | None:
    """Whether a cell says true or false, in capitals or not; None where it says neither."""
    return {"true": True, "false": False}.get(cell.strip(BLANKS).lower())


def people_number(cell: str, decimal: str = ".", thousands: str | None = None) -> str | None:
    """The key that would read a number written for people, or what to do where none does; None for all other text.

    ``decimal`` and ``thousands`` are those in force: what they read is a number already.
    """
    cell = cell.strip(BLANKS)
    if not 0 < len(cell) <= 60 or number(cell, decimal, thousands) is not None:
        return None
    if found := _keys(cell, decimal):
        return found
    bare, signs = cell, ""
    if enclosed := _ENCLOSED.fullmatch(bare):
        bare, signs = enclosed[1].strip(BLANKS), "the brackets"
    if sign := _SIGN.search(bare):
        bare, signs = _SIGN.sub("", bare).strip(BLANKS), repr(sign[0].strip("+- "))
    plain = unicodedata.normalize("NFKC", bare.translate(_MINUS)).strip(BLANKS)
    plain = "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in plain)
    if plain == cell or not (number(plain, decimal, thousands) is not None or _keys(plain, decimal)):
        return None
    return f"take {signs} out of the file" if signs else "write it with the digits 0 to 9 and a plain minus sign"


def infinite(cell: str) -> bool:
    """Whether a cell is a word for infinity, which no column of numbers may hold."""
    return _INFINITE.fullmatch(cell.strip(BLANKS)) is not None


def digits(thousands: str | None) -> str:
    """The pattern of the whole digits of a number, with what stands between groups of three."""
    if thousands is None:
        return "[0-9]+"
    between = f"[{SPACES}]" if thousands == " " else "['\u2019]" if thousands == "'" else re.escape(thousands)
    # Not shorter nor longer groups, nor a zero before them: 1,5 is no 15, 12,34 no 1234, and 0,190 no 190.
    return f"(?:[1-9][0-9]{{0,2}}(?:{between}[0-9]{{3}})+|[0-9]+)"


def _keys(cell: str, decimal: str) -> str:
    """The keys with which a cell is a number; empty where there are none."""
    found: list[str] = []
    for thousands, point in ((t, p) for t in (None, ",", ".", " ", "'", "_") for p in ".,"):
        if number(cell, point, thousands) is None or thousands == point:
            continue
        said = [f'dataset.decimal: "{point}"'] if point != decimal else []
        said += [f'dataset.thousands: "{thousands}"'] if thousands else []
        if not any(set(said) >= set(other.split(" and ")) for other in found):
            found.append(" and ".join(said))
    return " or ".join(sorted(found, key=lambda keys: "thousands" not in keys))


@cache
def _written(decimal: str, thousands: str | None) -> re.Pattern[str]:
    """The parts of a number with these signs: sign and whole digits, fraction, exponent."""
    point, whole = re.escape(decimal), digits(thousands)
    return re.compile(f"([-+]?{whole}|[-+]?(?={point}[0-9]))({point}[0-9]*)?([eE][-+]?[0-9]+)?")
