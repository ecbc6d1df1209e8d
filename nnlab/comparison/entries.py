"""Entries: what a comparison sets side by side: one run, or runs that differ in nothing but their seed."""

import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile

from nnlab import metrics
from nnlab.comparison.comparable import which
from nnlab.comparison.rows import SEED, Data, Row, scored_on
from nnlab.dataset.split import SCORED_FIRST

SHORTEST_NAME = 16
"""A date and a time: what names of runs begin with says nothing in common of them."""


@dataclass(frozen=True)
class Spread:
    """A number over seeds."""

    mean: float
    sd: float
    """The standard deviation of a sample (n - 1 below the line); 0 for a single number."""
    n: int

    def shown(self, column: str) -> str:
        """As people read it: ``97.93 ± 0.06 % (n=5)``."""
        return metrics.shown_spread(column, self.mean, self.sd, self.n)


@dataclass(frozen=True)
class Entry:
    """Finished runs of one config, a seed each, in the order of their seeds; or any single run."""

    rows: tuple[Row, ...]

    @property
    def name(self) -> str:
        """The run's name, or what the runs' names have in common."""
        return _common_name([row.name for row in self.rows])

    @property
    def status(self) -> str:
        """The run's status; several are finished."""
        return self.rows[0].status

    @property
    def config(self) -> dict[str, str]:
        """The config they share, by dotted key; the seeds as "0-4"."""
        return {**self.rows[0].config, SEED: _shown_seeds([row.config.get(SEED, "") for row in self.rows])}

    @property
    def data(self) -> Data:
        """What they are scored on."""
        return scored_on(self.rows)

    @property
    def which(self) -> tuple[str, ...] | None:
        """The hashes of the very examples they are scored on; None where one of them keeps none."""
        return which(self.rows)

    @property
    def values(self) -> dict[str, Spread]:
        """The metrics that all of them have, by column."""
        columns = [name for name in self.rows[0].values if all(name in row.values for row in self.rows)]
        return {name: _spread([row.values[name] for row in self.rows]) for name in columns}

    @property
    def seconds(self) -> float | None:
        """The mean time of a run."""
        known = [row.seconds for row in self.rows if row.seconds is not None]
        return statistics.fmean(known) if known else None

    @property
    def baselines(self) -> dict[str, dict[str, float]]:
        """Its runs' own baselines by name and column, the means of those that have any."""
        found: dict[str, dict[str, list[float]]] = {}
        for row in self.rows:
            for name, values in row.baselines.items():
                for column, value in values.items():
                    found.setdefault(name, {}).setdefault(column, []).append(value)
        return {name: {column: _mean(values) for column, values in columns.items()} for name, columns in found.items()}

    @property
    def marks(self) -> list[str]:
        """The marks of its runs, each once; of how many, where it is not of all: ``worse than … (2 of 5 runs)``."""
        counts = Counter(mark for row in self.rows for mark in dict.fromkeys(row.marks))
        n = len(self.rows)
        return [mark if count == n else f"{mark} ({count} of {n} runs)" for mark, count in counts.items()]


def _mean(values: Sequence[float]) -> float:
    """Of equal values that very value, which a mean may miss by a bit."""
    return values[0] if len(set(values)) == 1 else statistics.fmean(values)


def fold(rows: Sequence[Row]) -> list[Entry]:
    """The runs as entries, in the order in which each first comes.

    Finished runs of one config on the same data that differ in nothing but their seed become one. The same seed twice
    says nothing new: it begins another entry, and runs that were started together stay together.
    """
    together: dict[object, dict[str, list[Row]]] = {}
    for row in rows:
        if row.status == "finished" and row.config.get(SEED) is not None:
            together.setdefault(_kind(row), {}).setdefault(_start(row), []).append(row)
    entry_of: dict[int, list[Row]] = {}
    for starts in together.values():
        found: list[dict[str, Row]] = []
        for batch in sorted(starts.values(), key=len, reverse=True):
            seeds = {row.config[SEED]: row for row in batch}
            place = next((place for place in found if not place.keys() & seeds.keys()), None)
            if place is None:
                found.append(place := {})
            place.update(seeds)
        for place in found:
            entry_of.update(dict.fromkeys(map(id, place.values()), sorted(place.values(), key=_seed)))
    entries: list[Entry] = []
    done: set[int] = set()
    for row in rows:
        if id(row) not in done:
            members = entry_of.get(id(row), [row])
            done.update(map(id, members))
            entries.append(Entry(tuple(members)))
    return entries


def _start(row: Row) -> str:
    """What runs have in common that were started together: their group, or in older ones a part of their names.

    Of any other run its own name.
    """
    if group := row.summary.group:
        return group.id
    start, found, seed = row.name.rpartition("-seed")
    return start if found and seed == row.config[SEED] else row.name


def alike(rows: Sequence[Row]) -> bool:
    """Whether these runs differ in nothing but their seed, and in how far they came."""
    return len({_kind(row) for row in rows}) == 1


def _kind(row: Row) -> object:
    """What runs agree in that differ in nothing but their seed."""
    config = tuple(item for item in row.config.items() if item[0] != SEED)
    facts = row.summary.dataset
    counts = tuple(facts.count(split) for split in SCORED_FIRST)
    tested = row.examples("test") if row.scored == "test" else None
    return config, row.summary.task, facts.name, facts.sha256, counts, tested


def _seed(row: Row) -> tuple[int, str]:
    """By size, however long."""
    text = row.config[SEED]
    return len(text), text


def _shown_seeds(seeds: Sequence[str]) -> str:
    """Seeds as they are asked for: "0-4" or "0,3,7"; a single one, or what is no number, as it stands."""
    if len(seeds) < 3 or not all(seed.isdecimal() and len(seed) < 20 for seed in seeds):
        return ",".join(seeds)
    numbers = [int(seed) for seed in seeds]
    whole = numbers == list(range(numbers[0], numbers[-1] + 1))
    return f"{numbers[0]}-{numbers[-1]}" if whole else ",".join(seeds)


def _common_name(names: Sequence[str]) -> str:
    """One name, or what several begin with; where that says nothing, the first one and how many more there are."""
    if len(names) == 1:
        return names[0]
    alike = takewhile(lambda letters: len(set(letters)) == 1, zip(*names, strict=False))
    start = "".join(letters[0] for letters in alike).rstrip("0123456789").removesuffix("seed").rstrip("-_.")
    return start if len(start) >= SHORTEST_NAME else f"{names[0]} and {len(names) - 1} more"


def _spread(numbers: Sequence[float]) -> Spread:
    deviation = statistics.stdev(numbers) if len(numbers) > 1 else 0.0
    return Spread(statistics.fmean(numbers), deviation, len(numbers))
