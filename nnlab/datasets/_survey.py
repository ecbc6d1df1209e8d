"""A survey of a table: what each column would be read as, and what a config that trains on it would have to say."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from nnlab.datasets import _columns, _targets
from nnlab.datasets._table_keys import Params
from nnlab.errors import DataError
from nnlab.tables import Table
from nnlab.tables.cells import short

SHOWN = 5
"""First rows, and texts of a column, that are shown."""
MOST_CATEGORIES: int = Params.model_fields["max_categories"].default
COMMA = 'dataset.decimal: ","'
"""What the reader says of numbers with a decimal comma."""
POINTS = 'dataset.thousands: "."'
"""And of those that have points between thousands besides."""
DATE_PARTS = ("year", "month", "day", "weekday")


@dataclass(frozen=True)
class ColumnSurvey:
    """One column of a table."""

    name: str
    kind: str
    """number, boolean, date or text."""
    missing: int
    distinct: int
    """Different values, missing ones left out."""
    content: str
    """What stands in it: a range, or its most frequent texts."""
    becomes: str
    """What it would be as it is: a feature, several, or why it is none."""


@dataclass(frozen=True)
class Survey:
    """What a table would be read as."""

    path: str
    rows: int
    notes: tuple[str, ...]
    """What was found out about how it is written, and about its target."""
    columns: tuple[ColumnSurvey, ...]
    first: tuple[tuple[str, ...], ...]
    """The first rows, cell by cell, as they are read."""
    keys: Mapping[str, Any]
    """The dataset's section of a config that trains on it."""


def survey(table: Table, target: str | None, given: Mapping[str, Any]) -> Survey:
    """Every column of a table; ``given`` are the keys it was read with, to which those are added that it needs.

    Without a ``target`` the last column stands in for it.
    """
    target = target or table.names[-1]
    needs: dict[str, Any] = {"target": target, **given}
    columns = tuple(_surveyed(table, name, name == target, needs) for name in table.names)
    first = [[_as_read(table, row, name) for name in table.names] for row in range(min(SHOWN, table.rows))]
    notes = [*table.style.notes]
    for written in (table.people(name) for name in table.names if table.kind(name) == "text"):
        if written is not None and table.style.decimal == "," and written[1] == POINTS:
            needs["thousands"] = "."
    if (written := table.people(target)) is not None and COMMA in written[1] and table.style.delimiter == ";":
        needs["decimal"] = ","
    try:
        wanted = needs.get("classes")
        rows = _targets.there(table, [target], wanted, None)
        found = _targets.read(table, [target], needs.get("task"), wanted, rows)
        notes += [*found.notes, *found.warnings]
    except DataError as error:
        notes.append(f"{error.message}; {error.hint}")
    return Survey(str(table.path), table.rows, tuple(notes), columns, tuple(map(tuple, first)), needs)


def _surveyed(table: Table, name: str, target: bool, needs: dict[str, Any]) -> ColumnSurvey:
    """A column; what keeps it from being a feature puts a key into ``needs``."""
    kind, missing = table.kind(name), int(table.missing(name).sum())
    if kind == "number":
        there = np.unique(table.numbers(name)[~table.missing(name)])
        distinct, content = len(there), f"{there[0]:.6g} to {there[-1]:.6g}" if len(there) else "nothing"
    else:
        counts = table.counts(name)
        often = [f"{short(str(text))[1:-1]} ({count:,})" for text, count in counts.most_common(SHOWN)]
        distinct, content = len(counts), ", ".join(often) + (", …" if len(counts) > SHOWN else "")
    becomes = "the target" if target else _becomes(table, name, kind, missing, distinct, needs)
    return ColumnSurvey(name, kind, missing, distinct, content, becomes)


def _becomes(table: Table, name: str, kind: str, missing: int, distinct: int, needs: dict[str, Any]) -> str:
    if name in (needs.get("exclude") or []):
        return "left out"
    filled = ""
    if missing:
        needs.setdefault("missing", "median")
        filled = f", {missing:,} cells {'dropped with their rows' if needs['missing'] == 'drop' else 'filled'}"
    match kind:
        case "number":
            if missing == table.rows:
                return _left_out(name, "nothing stands in it", needs)
            if _columns.id_like(table.numbers(name)):
                return _left_out(name, "all different, rising whole numbers: an id", needs)
            return f"1 feature{filled}"
        case "boolean":
            return f"1 feature, 1 for true{filled}"
        case "date":
            parts = needs.setdefault("dates", list(DATE_PARTS))
            shown = parts.get(name, []) if isinstance(parts, dict) else parts
            return f"{len(shown)} features: {', '.join(shown)}{filled}"
    if (found := table.people(name)) is not None:
        if found[1] == COMMA or (COMMA in found[1] and table.style.delimiter == ";"):
            needs["decimal"] = ","  # with which the table is to be looked at again
        return f"refused: {short(table.cell(found[0], name))} is written for people; {found[1]}"
    if (row := table.mixed(name)) is not None:
        return f"refused: {short(table.cell(row, name))} in {table.unit} {table.line(row):,} is no number"
    if not table.text[name].declared and (row := table.dated(name)) is not None:
        return f"refused: {short(table.cell(row, name))} is a date, and not all are of one form that can be told"
    if distinct > needs.get("max_categories", MOST_CATEGORIES):
        return _left_out(name, f"text, {distinct:,} different ones", needs)
    return f"{distinct} features, one for each text{filled}"


def _left_out(name: str, why: str, needs: dict[str, Any]) -> str:
    needs["exclude"] = [*needs.get("exclude", []), name]
    return f"{why}; better left out"


def _as_read(table: Table, row: int, name: str) -> str:
    """A cell as it is understood."""
    if table.missing(name)[row]:
        return "missing"
    kind = table.kind(name)
    if kind == "number":
        return f"{table.numbers(name)[row]:g}"
    return short(table.cell(row, name))[1:-1]
