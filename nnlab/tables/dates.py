"""Dates: days and times as people and programs write them, and the numbers in them."""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta, timezone

import numpy as np

from nnlab.dataset import Array

PARTS = ("year", "month", "day", "weekday", "yearday", "hour", "minute", "second", "timestamp")
"""weekday: 0 on Monday; yearday: 1 on 1 January; timestamp: seconds since 1970, UTC where no zone is said."""

_TIME = r"(?:[T ]+(?P<hour>\d{1,2}):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:[.,](?P<fraction>\d{1,9}))?)?)?"
_ZONE = r"(?P<zone> ?Z| ?[-+]\d\d:?\d\d)?"
FORMS = {
    "2024-01-31": re.compile(rf"(?P<year>\d{{4}})-(?P<month>\d\d)-(?P<day>\d\d){_TIME}{_ZONE}", re.ASCII),
    "2024/01/31": re.compile(rf"(?P<year>\d{{4}})/(?P<month>\d\d?)/(?P<day>\d\d?){_TIME}", re.ASCII),
    "31.01.2024": re.compile(rf"(?P<day>\d\d?)\.(?P<month>\d\d?)\.(?P<year>\d{{4}}){_TIME}", re.ASCII),
    "31/01/2024": re.compile(rf"(?P<day>\d\d?)/(?P<month>\d\d?)/(?P<year>\d{{4}}){_TIME}", re.ASCII),
    "01/31/2024": re.compile(rf"(?P<month>\d\d?)/(?P<day>\d\d?)/(?P<year>\d{{4}}){_TIME}", re.ASCII),
}
"""Each form by how it writes the last of January 2024."""


def form(cells: Iterable[str]) -> str | None:
    """The one form that reads every cell; None where none does, or two do, as for 01/02/2024 alone."""
    left = list(FORMS)
    for cell in cells:
        left = [form for form in left if read(cell, form) is not None]
        if not left:
            return None
    return left[0] if len(left) == 1 else None


def read(cell: str, form: str) -> datetime | None:
    """The moment in a cell written in this form, with a zone only where the cell says one; None for anything else."""
    if len(cell) > 50 or not (found := FORMS[form].fullmatch(cell)):
        return None
    part = found.groupdict()
    try:
        year, month, day = (int(part[name]) for name in ("year", "month", "day"))
        hour, minute, second = (int(part[name] or 0) for name in ("hour", "minute", "second"))
        fraction = int((part["fraction"] or "").ljust(6, "0")[:6])
        return datetime(year, month, day, hour, minute, second, fraction, _zone(part.get("zone")))
    except ValueError:  # the 30th of February
        return None


def parts(moment: datetime, names: Sequence[str]) -> list[float]:
    """These parts of a moment, as its own zone has them; the timestamp alone is UTC."""
    return [_part(moment, name) for name in names]


def table(moments: Sequence[datetime | None], names: Sequence[str]) -> Array:
    """(n, parts) float64 of these moments, NaN where there is none. Raises ValueError for a part that is none."""
    if unknown := set(names) - set(PARTS):
        raise ValueError(f"{', '.join(sorted(unknown))}: not one of {', '.join(PARTS)}")
    nothing = [np.nan] * len(names)
    rows = [nothing if moment is None else parts(moment, names) for moment in moments]
    return np.array(rows, np.float64).reshape(len(moments), len(names))


def _part(moment: datetime, name: str) -> float:
    match name:
        case "weekday":
            return moment.weekday()
        case "yearday":
            return moment.timetuple().tm_yday
        case "second":
            return moment.second + moment.microsecond / 1e6
        case "timestamp":
            moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            return (moment - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(seconds=1)
    return float(getattr(moment, name))


def _zone(text: str | None) -> timezone | None:
    if not text:
        return None
    text = text.strip().replace(":", "")
    if text == "Z":
        return UTC
    sign = -1 if text[0] == "-" else 1
    return timezone(sign * timedelta(hours=int(text[1:3]), minutes=int(text[3:5])))
