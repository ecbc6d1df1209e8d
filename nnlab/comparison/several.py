"""Several: two or more entries tested against each other, corrected for how many tests that are."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

from nnlab.comparison.entries import Entry, fold
from nnlab.comparison.groups import read_rows
from nnlab.comparison.rows import read_row
from nnlab.comparison.significance import Verdict, check_comparable, scored, verdict
from nnlab.comparison.significance import as_json as verdict_as_json
from nnlab.errors import RunError
from nnlab.rundir import RunDir

MOST_VERDICTS = 50
"""Of one command: each takes up to a second or two."""


@dataclass(frozen=True)
class Verdicts:
    """What the contrasts of more than two entries come to."""

    entries: list[Entry]
    best: Entry | None
    """The one that the others are held against, the best by its val score; None where every pair is."""
    verdicts: list[Verdict]
    """In each B is held against A; their p-values are Holm's."""

    @property
    def design(self) -> str:
        """What was held against what, and how that was corrected for."""
        if self.best:
            pairs = f"all against {self.best.name}, the best by val {self.best.data.task.ranked_by.name}"
        else:
            pairs = "all pairs, as there is no val score to choose one by"
        return f"{pairs}; p corrected for {len(self.verdicts)} tests (Holm), each interval for itself"

    @property
    def sentence(self) -> str:
        """Who is better than whom."""
        found = [f"{better.name} is better than {worse.name}" for better, worse in map(_order, self._clear)]
        rest = len(self.verdicts) - len(found)
        if rest:
            found.append(f"{rest} of {len(self.verdicts)} pairs are not distinguishable")
        return "; ".join(found)

    @property
    def remarks(self) -> list[str]:
        """What a reader of the verdicts should know of them, each once."""
        return list(dict.fromkeys(remark for each in self.verdicts for remark in each.remarks))

    @property
    def _clear(self) -> list[Verdict]:
        return [each for each in self.verdicts if each.better]


def _order(found: Verdict) -> tuple[Entry, Entry]:
    return (found.b, found.a) if found.better == "B" else (found.a, found.b)


def sides(named: Sequence[Sequence[RunDir]]) -> list[Entry]:
    """What the runs that were named come to: A, B and so on.

    Two names are A and B, whatever they have in common; the runs of more names are folded. Only finished runs count.
    Raises RunError where there are not two.
    """
    if len(named) == 2:
        found = [_finished(runs) for runs in named]
    else:
        rows, _ = read_rows([run for runs in named for run in runs])
        found = [[entry] for entry in fold([row for row in rows if row.status == "finished"])]
    entries = [entry for side in found for entry in side]
    if len(entries) < 2:
        names = ", ".join(entry.name for entry in entries[:5]) or "none"
        raise RunError(
            f"`test` compares two runs or more, or configs over their seeds, and these come to {len(entries)}: {names}",
            "nnlab compare A B --test",
        )
    return entries


def _finished(runs: Sequence[RunDir]) -> list[Entry]:
    """A name's finished runs as an entry; a single run as it is."""
    rows = [read_row(run) for run in runs]
    return fold(rows if len(rows) == 1 else [row for row in rows if row.status == "finished"])


def judge_all(entries: Sequence[Entry]) -> Verdicts:
    """Compare more than two entries on the test split: with the best by val score where all have one, else in pairs.

    None is chosen by the test split, which would make it look better than it is. Raises RunError as ``judge`` does, and
    where these would be more than 50 tests.
    """
    best = _best(entries)
    pairs = [(best, other) for other in entries if other is not best] if best else list(combinations(entries, 2))
    if len(pairs) > MOST_VERDICTS:
        raise RunError(
            f"`test`: these {len(entries)} come to {len(pairs)} tests, and at most {MOST_VERDICTS} are made at once",
            "name fewer" + ("" if best else ", or train with dataset.val_fraction=0.1: the best is held against each"),
        )
    for a, b in pairs:
        check_comparable(a, b)
    measured = {id(entry): scored(entry) for entry in entries}
    found = [verdict(a, b, measured[id(a)], measured[id(b)]) for a, b in pairs]
    corrected = holm([each.p for each in found])
    return Verdicts(list(entries), best, [replace(each, p=p) for each, p in zip(found, corrected, strict=True)])


def _best(entries: Sequence[Entry]) -> Entry | None:
    """The one with the best val score; None where one of them has none."""
    metric = entries[0].data.task.ranked_by
    column, sign = f"val_{metric.name}", 1 if metric.higher_is_better else -1
    if any(column not in entry.values for entry in entries):
        return None
    return max(entries, key=lambda entry: sign * entry.values[column].mean)


def holm(found: Sequence[float]) -> list[float]:
    """p-values corrected so that any of them is below 0.05 by chance in one case of twenty at most.

    Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6 (1979) 65-70.
    """
    corrected = [0.0] * len(found)
    largest = 0.0
    for place, number in enumerate(sorted(range(len(found)), key=found.__getitem__)):
        largest = max(largest, min(1.0, (len(found) - place) * found[number]))
        corrected[number] = largest
    return corrected


def as_json(found: Verdicts) -> dict[str, Any]:
    """The verdicts as plain data."""
    return {
        "entries": [{"name": entry.name, "runs": [row.name for row in entry.rows]} for entry in found.entries],
        "best_by_val": found.best.name if found.best else None,
        "design": found.design,
        "correction": "Holm",
        "comparisons": [{**verdict_as_json(each), "p_corrected": each.p} for each in found.verdicts],
        "verdict": found.sentence,
        "remarks": found.remarks,
    }
