"""Groups: entries scored on the same examples, best first; those scored on others are never ranked together."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nnlab.comparison.comparable import TRAINED_APART, trained_apart
from nnlab.comparison.entries import Entry, fold
from nnlab.comparison.rows import SEED, Data, Row, read_row
from nnlab.comparison.twins import twins
from nnlab.dataset.split import SCORED_FIRST
from nnlab.dataset.task import every_metric, metric_of
from nnlab.errors import ConfigError, NnlabError, RunError
from nnlab.rundir import RunDir

MOST_KEYS = 50
"""Columns that are shown; no config has as many keys, but a damaged one may."""


@dataclass(frozen=True)
class Group:
    """Entries scored on the same examples, which may be ranked: best first, those without a score last."""

    data: Data
    differing: list[str]
    """The dotted keys in which its runs differ, or that only some of them have."""
    ranked_by: str
    """The column the entries are sorted by."""
    columns: tuple[str, ...]
    entries: list[Entry]
    rows: list[Row]
    """Every run by itself, sorted in the same way."""
    remarks: list[str]
    """What a reader of the ranking should know."""

    @property
    def baselines(self) -> dict[str, dict[str, float]]:
        """What a model scores that has learnt next to nothing, or scikit-learn's, by name and column.

        Only where it is every entry's own: a baseline depends on what it was trained on too. Else there is none here,
        and each entry has its own.
        """
        found = [entry.baselines for entry in self.entries if entry.baselines]
        if not found or any(other != found[0] for other in found):
            return {}
        alone = len(found) < len(self.entries) and trained_apart(self.rows)
        return {} if alone else found[0]

    @property
    def chosen_by_test(self) -> bool:
        """Whether other configs are ranked here by the very examples that are to judge the one that is chosen."""
        by_test = self.ranked_by.removeprefix("-").startswith("test_") and any(row.chosen_by_test for row in self.rows)
        return by_test and len(self.entries) > 1 and bool(set(self.differing) - {SEED})


@dataclass(frozen=True)
class Comparison:
    """Groups of comparable runs, the largest first."""

    groups: list[Group]
    warnings: list[str] = field(default_factory=list)


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
    entries = [Entry((row,)) for row in rows] if each else fold(rows)
    groups = [_group(together, sort) for together in _by_examples(entries)]
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


def _by_examples(entries: Sequence[Entry]) -> list[list[Entry]]:
    """The entries that are scored on the same examples together.

    Those of runs that keep no hash of them join one that does where all that decides the examples is the same.
    """
    decided = [(entry.rows[0].task.name, *dict.fromkeys(row.without_hashes for row in entry.rows)) for entry in entries]
    hashed = {key: entry.which for key, entry in zip(decided, entries, strict=True) if entry.which}
    found: dict[object, list[Entry]] = {}
    for key, entry in zip(decided, entries, strict=True):
        examples = entry.which or hashed.get(key)
        found.setdefault((entry.rows[0].task.name, examples) if examples else key, []).append(entry)
    return list(found.values())


def _group(entries: list[Entry], sort: str | None) -> Group:
    data = entries[0].data
    rows = [row for entry in entries for row in entry.rows]
    best = data.task.ranked_by.name
    split = next((split for split in SCORED_FIRST if any(f"{split}_{best}" in row.values for row in rows)), "train")
    columns = [f"{other}_{metric.name}" for other in SCORED_FIRST for metric in data.task.compared()]
    columns = [name for name in columns if any(name in row.values for row in rows)]
    ranked_by = sort or f"{split}_{best}"
    entries = _sorted(entries, ranked_by)
    alone = [entry.rows[0] for entry in _sorted([Entry((row,)) for row in rows], ranked_by)]
    remarks = [*[TRAINED_APART] * trained_apart(rows), *twins(rows)]
    return Group(data, _differing(rows), ranked_by, tuple(columns), entries, alone, remarks)


def _differing(rows: Sequence[Row]) -> list[str]:
    """Keys with different values, and those that some runs have and others could have had, but have not.

    ``threads`` is chosen from the model's size, so it counts only where runs of the same model differ in it.
    """
    values: dict[str, set[str]] = {}
    for row in rows:
        for key, value in row.config.items():
            values.setdefault(key, set()).add(value)
    lacking = _lacking(rows)
    found = [key for key in values if key != "threads" and (len(values[key]) > 1 or key in lacking)]
    threads: dict[str | None, set[str]] = {}
    for row in rows:
        if "threads" in row.config:
            threads.setdefault(row.config.get("model"), set()).add(row.config["threads"])
    same = any(len(different) > 1 for different in threads.values())
    return [*found[:MOST_KEYS], "threads"] if same else found[:MOST_KEYS]


def _lacking(rows: Sequence[Row]) -> set[str]:
    """Keys that only some runs have of those that could have had them: of one model, dataset or optimizer."""
    alike: dict[tuple[str, object], list[set[str]]] = {}
    for row in rows:
        rooms: dict[str, set[str]] = {}
        for key in row.config:
            rooms.setdefault(key.partition(".")[0], set()).add(key)
        for room, keys in rooms.items():
            alike.setdefault((room, _owner(room, row.config)), []).append(keys)
    return {key for first, *rest in alike.values() for key in first.union(*rest) - first.intersection(*rest)}


def _owner(room: str, config: Mapping[str, str]) -> object:
    """What decides which keys a part of the config may have."""
    optimizer = config.get("train.optimizer")
    return {"model": config.get("model"), "dataset": config.get("dataset")}.get(room, (config.get("model"), optimizer))


def _check_sort(column: str, rows: Sequence[Row]) -> None:
    """Raise ConfigError for a column that no run has."""
    known = {"name", "seconds", *(key for row in rows for key in (*row.values, *row.config))}
    name = column.removeprefix("-")
    if name not in known and name.partition("_")[2] not in every_metric():
        hint = ", ".join(sorted(known, key=lambda key: ("." in key, key)))
        raise ConfigError(f"`sort`: there is no column {column!r}", f"columns: {hint}")


def _sorted(entries: list[Entry], column: str) -> list[Entry]:
    """By a column, the best or else the smallest first; a leading hyphen turns it round; those without come last."""
    name = column.removeprefix("-")
    falling = metric_of(name).higher_is_better != column.startswith("-")
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
