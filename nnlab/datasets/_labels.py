"""Labels: what the classes of your own data are called, in which order they stand, and which are doubtful."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from nnlab.dataset import Array
from nnlab.dataset.natural import natural
from nnlab.datasets import listed
from nnlab.tables.keys import MISSING

_NOTHING = {word.lower() for word in MISSING} - {"-", "--", "."}
"""What a label says that says nothing, in small letters; a stroke or a point may be a class."""
MOST_CLASSES = 20
"""More different whole numbers than this are taken for values, such as ages or prices."""
_NUMBER = re.compile(r"[-+]?[0-9][0-9.,'_ \u00a0\u202f]*(e[-+]?[0-9]+)?", re.IGNORECASE)
_WHOLE = re.compile(r"-?[0-9]+")


@dataclass(frozen=True)
class Targets:
    """What is to be learnt from your own data."""

    classes: tuple[str, ...]
    """Their names in natural order; empty for values."""
    arrays: tuple[Array, ...]
    """Of each split (n,) int64 class numbers, or (n, outputs) values: float32 where that loses nothing, or float64."""
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def tidy(name: str) -> str:
    """A name without blanks around it, each accent as one character with its letter: the same from every computer."""
    return unicodedata.normalize("NFC", name.strip())


def order(name: str) -> tuple[Any, ...]:
    """Sorts -2 before -1 before 2 before 10, and a2 before a10; ties by the name itself."""
    if _WHOLE.fullmatch(name):
        sign, digits = name.startswith("-"), name.lstrip("-").lstrip("0")
        size = (-len(digits), [-int(digit) for digit in digits]) if sign else (len(digits), [int(d) for d in digits])
        return ((0, *size), name)  # digit by digit: Python takes no number of more than 4,300 at once
    return ((1, natural(name)), name)


def is_missing(name: str) -> bool:
    """Whether a label is a word for none."""
    return name.lower() in _NOTHING


def is_written_number(name: str) -> bool:
    """Whether a label is a number as people write one, and no plain whole number: 2,100 or 10.5."""
    return not _WHOLE.fullmatch(name) and bool(_NUMBER.fullmatch(name))


def doubts(names: Sequence[str]) -> list[str]:
    """A warning for classes that differ in nothing but case."""
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(name.casefold(), []).append(name)
    return [f"classes differ only in case: {listed(group)}" for group in groups.values() if len(group) > 1]


def counted(count: int, one: str, many: str = "") -> str:
    """``1 file``, ``3 files``, ``1,000 files``."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def few(names: Iterable[str], most: int = 5) -> str:
    """The first few names of many, in their order."""
    names = list(names)
    return listed(names[:most]) + (f" and {len(names) - most:,} more" if len(names) > most else "")
