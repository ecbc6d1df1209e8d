"""Groups: entries on the same data, best first; those on other data are never ranked together."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nnlab.comparison.entries import Entry, fold
from nnlab.comparison.rows import SEED, SPLITS, Data, Row, chosen_by_test, read_row
from nnlab.errors import ConfigError, NnlabError, RunError
from nnlab.metrics import HIGHER_IS_BETTER, PRIMARY
from nnlab.rundir import RunDir

MOST_KEYS = 50
"""Columns that are shown; no config has as many keys, but a damaged one may."""


@dataclass(frozen=True)
class Group:
    """Entries on the same data, which may be ranked: best first, those without a score last."""

    data: Data
    differing: list[str]
    """The dotted keys in which its runs differ."""
    ranked_by: str
    """The column the entries are sorted by."""
    columns: tuple[str, ...]
    entries: list[Entry]
    rows: list[Row]
    """Every run by itself, sorted in the same way."""
    baselines: dict[str, dict[str, float]]
    """What a model scores on this data that has learnt next to nothing, or by scikit-learn, by its name and column."""

    @property
    def chosen_by_test(self) -> bool:
        """Whether other configs are ranked here by the very examples that are to judge the one that is chosen."""
        by_test = self.ranked_by.removeprefix("-").startswith("test_") and any(map(chosen_by_test, self.rows))
        return by_test and len(self.entries) > 1 and bool(set(self.differing) - {SEED})


@dataclass(frozen=True)
class Comparison:
    """Groups of comparable runs, the largest first."""

    groups: list[Group]
    warnings: list[str] = field(default_factory=list)

    def _repr_html_(self) -> str:
        """What a notebook shows: tables and curves."""
        from nnlab.comparison.page import fragment

        return fragment(self)


def compare(runs: Sequence[RunDir], sort: str | None = None, *, each: bool = False) -> Comparison:
    """Read the runs and group them by task and data; runs that differ only in their seed are folded into an entry.

    ``sort`` names a column: a metric, ``seconds``, ``name`` or a dotted key; a leading hyphen turns the order round.
    Without it the best comes first, by test accuracy (or loss), else by val, else by train. With ``each`` nothing is
    folded. A run whose directory is damaged is left out with a warning. Raises RunError where no run is left,
    ConfigError for an unknown column.
    """
    rows, warnings = read_rows(runs)
    if not rows:
        raise RunError("there are no runs to compare", "train one first: nnlab train configs/ann.yaml")
    if sort:
        _check_sort(sort, rows)
    by_data: dict[Data, list[Entry]] = {}
    for entry in [Entry((row,)) for row in rows] if each else fold(rows):
        by_data.setdefault(entry.data, []).append(entry)
    groups = [_group(data, entries, sort) for data, entries in by_data.items()]
    groups.sort(key=lambda group: -len(group.rows))
    return Comparison(groups, warnings)


def read_rows(runs: Sequence[RunDir]) -> tuple[list[Row], list[str]]:
    """Each run once, in this order, and a warning for each that is damaged."""
    unique: dict[Path, RunDir] = {}
    for run in runs:
        unique.setdefault(run.path.resolve(), run)
    rows: list[Row] = []
    warnings: list[str] = []
    for run in unique.values():
        try:
            rows.append(read_row(run))
        except NnlabError as error:
            warnings.append(error.message)
    return rows, warnings


def _group(data: Data, entries: list[Entry], sort: str | None) -> Group:
    rows = [row for entry in entries for row in entry.rows]
    best = PRIMARY[data.task]
    split = next((split for split in SPLITS if any(f"{split}_{best}" in row.values for row in rows)), "train")
    names = ("accuracy", "loss") if data.task == "classification" else ("loss", "r2")
    columns = [f"{other}_{name}" for other in SPLITS for name in names]
    columns = [name for name in columns if any(name in row.values for row in rows)]
    ranked_by = sort or f"{split}_{best}"
    entries = _sorted(entries, ranked_by)
    alone = [entry.rows[0] for entry in _sorted([Entry((row,)) for row in rows], ranked_by)]
    return Group(data, _differing(rows), ranked_by, tuple(columns), entries, alone, _baselines(rows))


def _differing(rows: Sequence[Row]) -> list[str]:
    """Keys with different values in the runs that have them: a key of only one of the models says nothing new.

    ``threads`` is chosen from the model's size, so it counts only where runs of the same model differ in it.
    """
    values: dict[str, set[str]] = {}
    for row in rows:
        for key, value in row.config.items():
            values.setdefault(key, set()).add(value)
    found = [key for key, different in values.items() if key != "threads" and len(different) > 1]
    threads: dict[str | None, set[str]] = {}
    for row in rows:
        if "threads" in row.config:
            threads.setdefault(row.config.get("model"), set()).add(row.config["threads"])
    same = any(len(different) > 1 for different in threads.values())
    return [*found[:MOST_KEYS], "threads"] if same else found[:MOST_KEYS]


def _baselines(rows: Sequence[Row]) -> dict[str, dict[str, float]]:
    """Of the runs' data, as the first of them that has any says."""
    found: dict[str, Any] = next((row.summary["baselines"] for row in rows if row.summary.get("baselines")), {})
    return {
        name: {f"{split}_{metric}": value for split, values in splits.items() for metric, value in values.items()}
        for name, splits in found.items()
    }


def _check_sort(column: str, rows: Sequence[Row]) -> None:
    """Raise ConfigError for a column that no run has."""
    known = {"name", "seconds", *(key for row in rows for key in (*row.values, *row.config))}
    name = column.removeprefix("-")
    if name not in known and name.partition("_")[2] not in HIGHER_IS_BETTER:
        hint = ", ".join(sorted(known, key=lambda key: ("." in key, key)))
        raise ConfigError(f"--sort: there is no column {column!r}", f"columns: {hint}")


def _sorted(entries: list[Entry], column: str) -> list[Entry]:
    """By a column, the best or else the smallest first; a leading hyphen turns it round; those without come last."""
    name = column.removeprefix("-")
    metric = name.partition("_")[2]
    falling = HIGHER_IS_BETTER.get(metric, False) != column.startswith("-")
    keys = [(_key(entry, name), entry) for entry in entries]
    having = [(key, entry) for key, entry in keys if key is not None]
    having.sort(key=lambda pair: pair[0], reverse=falling)
    return [entry for _, entry in having] + [entry for key, entry in keys if key is None]


def _key(entry: Entry, column: str) -> tuple[int, float, str] | None:
    """A sort key that puts numbers in order of size and before text; None where the entry has nothing there."""
    value: Any = {"name": entry.name, "seconds": entry.seconds}.get(column)
    if value is None:
        spread = entry.values.get(column)
        value = spread.mean if spread else entry.config.get(column)
    if value is None:
        return None
    try:
        number = float(value)
    except ValueError:
        return 1, 0.0, str(value)
    return (0, number, "") if math.isfinite(number) else None
