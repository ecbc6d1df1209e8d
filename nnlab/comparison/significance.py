"""Significance: whether the second of two entries is better than the first, and how sure that is.

Paired over seeds by Student's t, and over the test examples by McNemar's exact test and the bootstrap, all by scipy.
"""

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from nnlab.comparison.comparable import why_not
from nnlab.comparison.entries import Entry, alike, fold
from nnlab.comparison.groups import read_rows
from nnlab.comparison.predictions import read_predictions
from nnlab.comparison.rows import CHOSEN_BY_TEST, Row, chosen_by_test, read_row
from nnlab.dataset import Array, Task
from nnlab.errors import RunError
from nnlab.metrics import HIGHER_IS_BETTER, PRIMARY
from nnlab.rundir import PREDICTIONS, RunDir

LEVEL = 0.95
RESAMPLES = 9_999
"""Of the bootstrap; no p below 2 / 10,000 can come of them."""
AT_ONCE = 1_000_000
"""Numbers that are drawn at once."""
MOST_PAIRS = 20
"""Seeds that get a test of their own."""


@dataclass(frozen=True)
class Contrast:
    """One comparison of B with A."""

    metric: str
    """Of the test split: accuracy or loss."""
    over: str
    """What was drawn by chance: "seeds", "test examples", or "test examples, seed 3"."""
    n: int
    """How many of them."""
    difference: float
    """B - A; an accuracy as a fraction."""
    low: float
    high: float
    """The 95 % confidence interval."""
    p: float
    """How often chance alone would part two that are equally good at least as far."""
    method: str

    @property
    def clear(self) -> bool:
        """Whether chance alone would do so in less than one case of twenty."""
        return self.p < 1 - LEVEL

    def shown(self) -> str:
        """``B - A = +0.40 points, 95 % CI [-0.10, 0.90], p = 0.12``."""
        if self.metric == "accuracy":
            numbers = [f"{100 * value:.2f}" for value in (abs(self.difference), self.low, self.high)]
            unit = " points"
        else:
            numbers = [f"{value:.3g}" for value in (abs(self.difference), self.low, self.high)]
            unit = f" in {self.metric}"
        sign = "-" if self.difference < 0 else "+"
        return f"B - A = {sign}{numbers[0]}{unit}, 95 % CI [{numbers[1]}, {numbers[2]}], p {_shown_p(self.p)}"


@dataclass(frozen=True)
class Verdict:
    """What the contrasts of two entries come to."""

    a: Entry
    b: Entry
    contrasts: list[Contrast]
    """The one that decides comes first."""
    better: str | None
    """"A" or "B"; None where they are not distinguishable."""
    same: bool
    """Whether they differ in nothing but their seed: then whatever parts their weights is chance, not the config."""
    remarks: list[str]

    @property
    def sentence(self) -> str:
        """The deciding contrast in words."""
        test = self.contrasts[0]
        at = f"n = {test.n:,}" + ("" if test.over == "seeds" else " test examples")
        if self.better:
            return f"{test.shown()}: {self.better} is better, at {at}"
        why = "they differ only in their seed, and are not" if self.same else "not"
        return f"{test.shown()}: {why} distinguishable at {at}"


@dataclass(frozen=True)
class _Scored:
    """What a run says of each test example."""

    seed: Any
    targets: Array
    measured: dict[str, Array]
    """(n,) float64 by metric: right (1) or wrong (0), and the loss."""


def sides(named: Sequence[Sequence[RunDir]]) -> tuple[Entry, Entry]:
    """What the runs that were named come to as A and B.

    Two names are A and B, whatever they have in common; the runs of more names are folded, and must come to two
    entries. Only finished runs count. Raises RunError where there are not two sides.
    """
    if len(named) == 2:
        found = [_finished(runs) for runs in named]
    else:
        rows, _ = read_rows([run for runs in named for run in runs])
        found = [[entry] for entry in fold([row for row in rows if row.status == "finished"])]
    entries = [entry for side in found for entry in side]
    if len(entries) != 2:
        names = ", ".join(entry.name for entry in entries[:5]) or "none"
        raise RunError(
            f"--test compares two runs, or two configs over their seeds, and these come to {len(entries)}: {names}",
            "nnlab compare A B --test",
        )
    return entries[0], entries[1]


def _finished(runs: Sequence[RunDir]) -> list[Entry]:
    """A name's finished runs as an entry; a single run as it is."""
    rows = [read_row(run) for run in runs]
    return fold(rows if len(rows) == 1 else [row for row in rows if row.status == "finished"])


def judge(a: Entry, b: Entry) -> Verdict:
    """Compare B with A on the test split.

    Raises RunError where they are not comparable, have no test split, or were not scored on the same examples.
    """
    for row in (*a.rows, *b.rows):
        reason = why_not(a.rows[0], row)
        if reason:
            raise RunError(f"{a.name} and {b.name} are not comparable: {reason}", "nnlab diff shows all that differs")
    task = a.data.task
    ours, theirs = [_scored(row, task) for row in a.rows], [_scored(row, task) for row in b.rows]
    for scored, row in zip([*ours, *theirs], [*a.rows, *b.rows], strict=True):
        if not np.array_equal(scored.targets, ours[0].targets):
            raise RunError(
                f"{a.rows[0].name} and {row.name} are not comparable: other test split: their targets differ",
                f"both keep them in {PREDICTIONS}",
            )
    found = list(_contrasts(ours, theirs, PRIMARY[task]))
    same = alike([*a.rows, *b.rows])
    first = found[0]
    better = None
    if first.clear and first.difference and not same:
        better = "B" if (first.difference > 0) == HIGHER_IS_BETTER[first.metric] else "A"
    return Verdict(a, b, found, better, same, list(_remarks(a, b)))


def _scored(row: Row, task: Task) -> _Scored:
    """Raises RunError where the run has no predictions, or they do not fit its task."""
    found = read_predictions(row)
    measured = {"loss": found.losses}
    if task == "classification":
        right = (found.scores.argmax(axis=1) == found.targets).astype(np.float64)
        measured = {"accuracy": right, **measured}
    return _Scored(row.summary.get("seed"), found.targets, measured)


def _contrasts(a: Sequence[_Scored], b: Sequence[_Scored], primary: str) -> Iterator[Contrast]:
    """Over seeds, where there are several, and over the test examples; the primary metric first."""
    pairs = _pairs(a, b)
    names = sorted(a[0].measured, key=lambda name: name != primary)
    if len(a) > 1 and len(b) > 1:
        for name in names:
            yield _over_seeds(name, pairs, a, b)
    left, right = ([x for x, _ in pairs], [y for _, y in pairs]) if pairs else (a, b)
    for name in names:
        if name == "accuracy" and len(left) == len(right) == 1:
            yield _mcnemar(left[0], right[0], "test examples")
        else:
            yield _bootstrap(name, _mean(right, name) - _mean(left, name))
    if "accuracy" in names and len(pairs) > 1:
        for x, y in pairs[:MOST_PAIRS]:
            yield _mcnemar(x, y, f"test examples, seed {x.seed}")


def _pairs(a: Sequence[_Scored], b: Sequence[_Scored]) -> list[tuple[_Scored, _Scored]]:
    """The runs of each seed that both have; two single runs are a pair whatever their seeds."""
    if len(a) == len(b) == 1:
        return [(a[0], b[0])]
    theirs = {scored.seed: scored for scored in b}
    return [(scored, theirs[scored.seed]) for scored in a if scored.seed in theirs]


def _mean(runs: Sequence[_Scored], name: str) -> Array:
    """(n,): of each example over the runs."""
    mean: Array = np.mean([scored.measured[name] for scored in runs], axis=0)
    return mean


def _over_seeds(
    name: str, pairs: Sequence[tuple[_Scored, _Scored]], a: Sequence[_Scored], b: Sequence[_Scored]
) -> Contrast:
    """Student's paired t test on the scores of each seed, or Welch's where they have less than two seeds in common."""
    from scipy import stats

    paired = len(pairs) > 1
    left, right = ([x for x, _ in pairs], [y for _, y in pairs]) if paired else (a, b)
    x, y = (np.array([float(scored.measured[name].mean()) for scored in side]) for side in (left, right))
    difference = float(y.mean() - x.mean())
    method = "paired t" if paired else "Welch's t"
    if np.ptp(y - x if paired else np.concatenate([x - x.mean(), y - y.mean()])) == 0:  # nothing varies
        p = 1.0 if difference == 0 else 0.0
        return Contrast(name, "seeds", len(x), difference, difference, difference, p, method)
    with warnings.catch_warnings(action="ignore"):  # scipy says where almost nothing varies, which p says too
        found = stats.ttest_rel(y, x) if paired else stats.ttest_ind(y, x, equal_var=False)
        interval = found.confidence_interval(LEVEL)
    n = len(x) if paired else min(len(x), len(y))
    return Contrast(
        name, "seeds", n, difference, float(interval.low), float(interval.high), float(found.pvalue), method
    )


def _mcnemar(a: _Scored, b: _Scored, over: str) -> Contrast:
    """McNemar's exact test: of the examples that one has right and the other wrong, how many are B's.

    The interval is Clopper and Pearson's for that share, so that it holds 0 where p is above 0.05.
    """
    from scipy import stats

    difference = b.measured["accuracy"] - a.measured["accuracy"]
    n, won, apart = len(difference), int((difference > 0).sum()), int(np.count_nonzero(difference))
    if not apart:
        return Contrast("accuracy", over, n, 0.0, 0.0, 0.0, 1.0, "McNemar, exact")
    found = stats.binomtest(won, apart, 0.5)
    share = found.proportion_ci(LEVEL, method="exact")
    low, high = ((2 * float(end) - 1) * apart / n for end in (share.low, share.high))
    return Contrast("accuracy", over, n, (2 * won - apart) / n, low, high, float(found.pvalue), "McNemar, exact")


def _bootstrap(name: str, differences: Array) -> Contrast:
    """The mean of (n,) paired ``differences`` over resamples of the examples; p is twice the share beyond 0."""
    from scipy import stats

    n, mean = len(differences), float(differences.mean())
    if n < 2 or np.ptp(differences) == 0 or not np.isfinite(differences).all():
        p = 1.0 if mean == 0 or n < 2 or not np.isfinite(mean) else 0.0
        return Contrast(name, "test examples", n, mean, mean, mean, p, "bootstrap")
    found = stats.bootstrap(
        (differences,),
        np.mean,
        n_resamples=RESAMPLES,
        confidence_level=LEVEL,
        method="percentile",
        batch=max(1, AT_ONCE // n),
        rng=np.random.default_rng(0),
    )
    means, interval = found.bootstrap_distribution, found.confidence_interval
    beyond = min(int((means <= 0).sum()), int((means >= 0).sum()))
    p = min(1.0, 2 * (beyond + 1) / (RESAMPLES + 1))
    return Contrast(name, "test examples", n, mean, float(interval.low), float(interval.high), p, "bootstrap")


def _remarks(a: Entry, b: Entry) -> Iterator[str]:
    """What a reader of the verdict should know of it."""
    if len(a.rows) == 1 or len(b.rows) == 1:
        yield (
            "one run is one seed: this is about these weights, not about the configs; "
            "nnlab train CONFIG --seeds 0-4 trains several"
        )
    if any(chosen_by_test(row) for row in (*a.rows, *b.rows)):
        yield CHOSEN_BY_TEST


def _shown_p(p: float) -> str:
    return f"= {p:.2g}" if p >= 1e-4 else "< 0.0001"


def as_json(verdict: Verdict) -> dict[str, Any]:
    """The verdict as plain data."""
    return {
        "a": {"name": verdict.a.name, "runs": [row.name for row in verdict.a.rows]},
        "b": {"name": verdict.b.name, "runs": [row.name for row in verdict.b.rows]},
        "tests": [asdict(contrast) for contrast in verdict.contrasts],
        "better": verdict.better,
        "only_seed_differs": verdict.same,
        "verdict": verdict.sentence,
        "remarks": verdict.remarks,
    }
