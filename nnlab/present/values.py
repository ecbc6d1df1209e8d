"""Values: what there is to show, a table or curves, whatever shows it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nnlab.dataset import Array


@dataclass(frozen=True)
class Listing:
    """Rows of cells under the names of their columns; a renderer shows a cell as its text."""

    columns: Sequence[object]
    rows: Sequence[Sequence[object]]
    title: str = ""
    left: Collection[int] = (0,)
    """The columns of text; the others are numbers."""
    faint: Collection[int] = ()
    """The rows that stand back."""
    strong: Collection[tuple[int, int]] = ()
    """The cells that stand out, by row and column."""
    notes: Sequence[str] = ()
    """What is to be said below it, each a line."""


class Format(StrEnum):
    """What results can be written as."""

    md = "md"
    csv = "csv"
    latex = "latex"
    json = "json"


@dataclass(frozen=True)
class Series:
    """A curve: a value at each of some steps; of several seeds the means."""

    name: str
    x: "Array"
    """(points,): the steps."""
    y: "Array"
    seconds: "Array | None" = None
    """(points,): when that was."""
    sd: "Array | None" = None
    """(points,): the standard deviations over the seeds, drawn as a band."""
    place: int = 0
    """Among what is compared, which gives it its colour and its line."""


@dataclass(frozen=True)
class Chart:
    """Curves on one pair of axes."""

    column: str
    """What they are of: loss, accuracy, r2; or, of runs beside each other, loss, score, train."""
    title: str
    series: Sequence[Series]
    percent: bool = False
    """Whether the values are fractions, to be shown in percent."""
    log: bool = False
    """Whether the axis may be logarithmic, where the values span enough for one."""
