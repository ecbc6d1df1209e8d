"""Significance: whether the second of two entries is better than the first, and how sure that is.

Over seeds and test examples together where both have several runs, else over the test examples, from the predictions
that the runs keep. STATISTICS.md says how often the intervals hold the truth, and how often chance alone is called
better.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from nnlab.comparison.comparable import TRAINED_APART, trained_apart, why_not
from nnlab.comparison.differences import least, over_examples, over_seeds
from nnlab.comparison.entries import Entry, alike
from nnlab.comparison.interval import ALPHA, Estimate, is_clear
from nnlab.comparison.predictions import read_predictions
from nnlab.comparison.rows import CHOSEN_BY_TEST, Row
from nnlab.comparison.twins import twins
from nnlab.dataset import Array
from nnlab.dataset.task import metric_of
from nnlab.errors import RunError
from nnlab.rundir.directory import PREDICTIONS

MOST_PAIRS = 20
"""Seeds that get a test of their own."""


@dataclass(frozen=True)
class Contrast:
    """One comparison of B with A."""

    metric: str
    """Of the test split: accuracy or loss."""
    over: str
    """What was drawn by chance: "seeds" (and with them the examples), "test examples", or "test examples, seed 3"."""
    n: int
    """How many of them."""
    difference: float
    """B - A; an accuracy as a fraction."""
    low: float
    high: float
    """The 95 % confidence interval; infinite where there are too few to bound it."""
    p: float
    """How often chance alone would part two that are equally good at least as far."""
    method: str
    examples: int
    """How many test examples there are."""

    @property
    def clear(self) -> bool:
        """Whether chance alone would do so in less than one case of twenty, and the interval leaves out 0."""
        return bool(is_clear(self.p, self.low, self.high))

    @property
    def at(self) -> str:
        """``n = 3 seeds``, ``n = 400 test examples``."""
        return f"n = {self.n:,} {'seeds' if self.over == 'seeds' else 'test examples'}"

    def shown(self) -> str:
        """``B - A = +0.40 points, 95 % CI [-0.10, 0.90], p = 0.12``."""
        if metric_of(self.metric).percent:
            numbers = [f"{100 * value:.2f}" for value in (abs(self.difference), self.low, self.high)]
            unit = " points"
        else:
            numbers = [f"{value:.3g}" for value in (abs(self.difference), self.low, self.high)]
            unit = f" in {self.metric}"
        sign = "-" if self.difference < 0 else "+"
        bounded = math.isfinite(self.low) and math.isfinite(self.high)
        interval = f"95 % CI [{numbers[1]}, {numbers[2]}]" if bounded else "95 % CI without bounds"
        return f"B - A = {sign}{numbers[0]}{unit}, {interval}, p {_shown_p(self.p)}"


@dataclass(frozen=True)
class Verdict:
    """What the contrasts of two entries come to."""

    a: Entry
    b: Entry
    contrasts: list[Contrast]
    """The one that decides comes first."""
    same: bool
    """Whether they differ in nothing but their seed: then whatever parts their weights is chance, not the config."""
    remarks: list[str]
    p: float
    """Of the contrast that decides; of several verdicts corrected for how many there are."""

    @property
    def better(self) -> str | None:
        """ "A" or "B"; None where they are not distinguishable, or there are too few examples to tell."""
        first = self.contrasts[0]
        if self.same or not (first.clear and self.p < ALPHA and first.examples >= least(first.metric)):
            return None
        return "B" if (first.difference > 0) == metric_of(first.metric).higher_is_better else "A"

    @property
    def sentence(self) -> str:
        """The deciding contrast in words."""
        test = self.contrasts[0]
        shown = test.shown() + (f", corrected {_shown_p(self.p)}" if self.p != test.p else "")
        if self.better:
            return f"{shown}: {self.better} is better, at {test.at}"
        if self.same:
            return f"{shown}: they differ only in their seed, and are not distinguishable at {test.at}"
        if test.examples < least(test.metric):
            return (
                f"{shown}: too few examples to tell: by {test.metric} nothing is called better below "
                f"{least(test.metric)}"
            )
        return f"{shown}: not distinguishable at {test.at}"


@dataclass(frozen=True)
class Scored:
    """What a run says of each test example."""

    seed: Any
    targets: Array
    measured: dict[str, Array]
    """(n,) float64 by metric: right (1) or wrong (0), and the loss."""


def judge(a: Entry, b: Entry) -> Verdict:
    """Compare B with A on the test split.

    Raises RunError where they are not comparable, have no test split, or were not scored on the same examples.
    """
    check_comparable(a, b)
    return verdict(a, b, scored(a), scored(b))


def check_comparable(a: Entry, b: Entry) -> None:
    """Raises RunError where a run of theirs was not scored on the same examples as the others."""
    for row in (*a.rows, *b.rows):
        reason = why_not(a.rows[0], row)
        if reason:
            raise RunError(f"{a.name} and {b.name} are not comparable: {reason}", "nnlab diff shows all that differs")


def scored(entry: Entry) -> list[Scored]:
    """Its runs' predictions, measured. Raises RunError where a run has none, or they do not fit its task."""
    return [_scored(row) for row in entry.rows]


def verdict(a: Entry, b: Entry, ours: Sequence[Scored], theirs: Sequence[Scored]) -> Verdict:
    """The same of predictions that are read. Raises RunError where they are of other examples."""
    for each, row in zip([*ours, *theirs], [*a.rows, *b.rows], strict=True):
        if not np.array_equal(each.targets, ours[0].targets):
            raise RunError(
                f"{a.rows[0].name} and {row.name} are not comparable: other test split: their targets differ",
                f"both keep them in {PREDICTIONS}",
            )
    found = list(contrasts(ours, theirs, a.data.task.ranked_by.name))
    same = alike([*a.rows, *b.rows])
    remarks = [*_remarks(a, b), *_noise(found[0], ours, theirs)]
    return Verdict(a, b, found, same, remarks, found[0].p)


def _scored(row: Row) -> Scored:
    """Raises RunError where the run has no predictions, or they do not fit its task."""
    scores, targets = read_predictions(row)
    return Scored(row.summary.seed, targets, row.task.each(scores, targets))


def contrasts(a: Sequence[Scored], b: Sequence[Scored], primary: str) -> Iterator[Contrast]:
    """Over seeds, where both have several, and over the test examples; the primary metric first."""
    pairs = _pairs(a, b)
    names = sorted(a[0].measured, key=lambda name: name != primary)
    if len(a) > 1 and len(b) > 1:
        for name in names:
            yield _over_seeds(name, pairs, a, b)
    left, right = ([x for x, _ in pairs], [y for _, y in pairs]) if pairs else (a, b)
    for name in names:
        yield _over_examples(name, left, right)
    counted = [name for name in names if metric_of(name).percent]
    for name in counted if len(pairs) > 1 else ():
        for x, y in pairs[:MOST_PAIRS]:
            yield _over_examples(name, [x], [y], f"test examples, seed {x.seed}")


def _pairs(a: Sequence[Scored], b: Sequence[Scored]) -> list[tuple[Scored, Scored]]:
    """The runs of each seed that both have; two single runs are a pair whatever their seeds."""
    if len(a) == len(b) == 1:
        return [(a[0], b[0])]
    theirs = {each.seed: each for each in b}
    return [(each, theirs[each.seed]) for each in a if each.seed in theirs]


def _over_seeds(
    metric: str, pairs: Sequence[tuple[Scored, Scored]], a: Sequence[Scored], b: Sequence[Scored]
) -> Contrast:
    """Over the seeds that both have, or all where these are less than two; and over the test examples with them."""
    paired = len(pairs) > 1
    x, y = ([x for x, _ in pairs], [y for _, y in pairs]) if paired else (a, b)
    found = over_seeds(metric, _stacked(x, metric), _stacked(y, metric), paired=paired)
    return _contrast(metric, "seeds", min(len(x), len(y)), found, len(a[0].targets))


def _over_examples(metric: str, a: Sequence[Scored], b: Sequence[Scored], over: str = "test examples") -> Contrast:
    """Over the test examples, of these weights: of one run each or of the means of several."""
    n = len(a[0].targets)
    return _contrast(metric, over, n, over_examples(metric, _stacked(a, metric), _stacked(b, metric)), n)


def _contrast(metric: str, over: str, n: int, found: tuple[Estimate, str], examples: int) -> Contrast:
    estimate, method = found
    difference, low, high, p = (float(x[0]) for x in (estimate.difference, estimate.low, estimate.high, estimate.p))
    return Contrast(metric, over, n, difference, low, high, p, method, examples)


def _stacked(runs: Sequence[Scored], metric: str) -> Array:
    """(1, k, n): a row for each run."""
    return np.stack([each.measured[metric] for each in runs])[None]


def _remarks(a: Entry, b: Entry) -> Iterator[str]:
    """What a reader of the verdict should know of it."""
    if len(a.rows) == 1 or len(b.rows) == 1:
        yield (
            "one run is one seed: this is about these weights, not about the configs; "
            "nnlab train CONFIG --seeds 0-4 trains several"
        )
    elif len(a.rows) == 2 or len(b.rows) == 2:
        yield "two seeds say little of how far seeds lie apart: the interval is wide for that; three or more narrow it"
    rows = [*a.rows, *b.rows]
    if trained_apart(rows):
        yield TRAINED_APART
    if any(row.chosen_by_test for row in rows):
        yield CHOSEN_BY_TEST
    yield from twins(rows)


def _noise(test: Contrast, a: Sequence[Scored], b: Sequence[Scored]) -> Iterator[str]:
    """Whether a difference of shares is less than one share of so many examples is known to."""
    if not metric_of(test.metric).percent:
        return
    share = float(np.mean([each.measured[test.metric].mean() for each in (*a, *b)]))
    error = math.sqrt(share * (1 - share) / test.examples)
    if 0 < abs(test.difference) <= error:
        yield (
            f"an {test.metric} on {test.examples:,} examples has a standard error of {100 * error:.2f} points by "
            "itself, and the difference is no larger"
        )


def _shown_p(p: float) -> str:
    """``= 0.12``, ``< 0.0001``."""
    return f"= {p:.2g}" if p >= 1e-4 else "< 0.0001"


def as_json(found: Verdict) -> dict[str, Any]:
    """The verdict as plain data; an interval's end that there is not is None."""
    return {
        "a": {"name": found.a.name, "runs": [row.name for row in found.a.rows]},
        "b": {"name": found.b.name, "runs": [row.name for row in found.b.rows]},
        "tests": [_plain(asdict(contrast)) for contrast in found.contrasts],
        "better": found.better,
        "only_seed_differs": found.same,
        "verdict": found.sentence,
        "remarks": found.remarks,
    }


def _plain(contrast: dict[str, Any]) -> dict[str, Any]:
    ends = {key: contrast[key] if math.isfinite(contrast[key]) else None for key in ("low", "high")}
    return {**contrast, **ends}
