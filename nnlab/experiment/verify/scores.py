"""Scores: the weights are evaluated again, and must give the numbers of run.json and the scores of predictions.npz.

On the machine that made them they must be equal. On another one a score may be off by what rounding can do, a part of
the largest score; an example may then be on the other side of a boundary only where it is that near to it.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from nnlab import discover
from nnlab.dataset import Array, Dataset, Split, SplitName
from nnlab.errors import CheckError
from nnlab.evaluate import evaluate
from nnlab.experiment.distance import difference, near
from nnlab.experiment.reopen import reopen
from nnlab.experiment.verify.check import must_equal
from nnlab.experiment.verify.evidence import ROUNDING, Evidence
from nnlab.fit import each_step
from nnlab.model import check_weights
from nnlab.rundir.directory import BEST_WEIGHTS, HEADERS, METRICS, PREDICTIONS, SUMMARY
from nnlab.standing import Best

SPLITS: tuple[SplitName, ...] = ("train", "val", "test")


def again(e: Evidence, dataset: Dataset) -> str:
    """Every split evaluated again, held against run.json and predictions.npz; then the best weights on val."""
    largest = 0.0
    for name in SPLITS:
        recorded, split = e.summary.metrics.get(name), dataset.split(name)
        if bool(recorded) != bool(split):
            raise CheckError(f"{SUMMARY} and the data do not have the same splits: {name}")
        if split is None or not recorded:
            continue
        found = evaluate(e.model, e.model.put(split), split, dataset.task)
        e.scores[name] = found.scores
        largest = max(largest, _held(e, name, found.scores, split, found.metrics, recorded, SUMMARY))
        if name == "test":
            _predictions(e, found.scores, split, recorded)
    if e.summary.best and dataset.val:
        largest = max(largest, _best(e, e.summary.best, dataset, dataset.val))
    same = "to the bit" if not largest else f"but for {largest:.1g} of each number at most"
    return f"evaluated again, they give the numbers of {SUMMARY} {same}"


def _held(
    e: Evidence,
    what: str,
    scores: Array,
    split: Split,
    found: Mapping[str, float],
    recorded: Mapping[str, Any],
    where: str,
) -> float:
    """The largest difference between metrics worked out here and those recorded. Raises CheckError for too large."""
    must_equal(f"the metrics of {what}", sorted(recorded), sorted(found))
    largest = 0.0
    for metric, value in found.items():
        given = recorded[metric]
        if not _agrees(e, metric, value, given, scores, split):
            raise CheckError(f"{what} {metric} comes to {value} now, and {where} says {given}")
        largest = max(largest, 0.0 if given is None else difference(value, given))
    return largest


def _agrees(e: Evidence, metric: str, value: float, recorded: Any, scores: Array, split: Split) -> bool:
    """Whether a metric is the one recorded: equal on the machine of the run, else within what rounding can do."""
    if not e.otherwise:
        return e.same(value, recorded, exact=True)
    if metric == "accuracy":
        least, most = reach(scores, split.targets, rounding(e, scores))
        count = round(recorded * len(split)) if isinstance(recorded, int | float) and 0 <= recorded <= 1 else -1
        return least <= count <= most and count / len(split) == recorded
    if metric == "r2" and recorded is not None:  # it is 1 less a ratio of sums, which may be nearly all of it
        return near(1 - value, 1 - recorded, e.tolerance)
    return near(value, recorded, e.tolerance)


def rounding(e: Evidence, scores: Array) -> float:
    """How far a score may be from that of another machine."""
    return e.tolerance * float(np.abs(scores).max(initial=0.0))


def reach(scores: Array, targets: Array, bound: float) -> tuple[int, int]:
    """The least and the most examples that may be right where each score is off by ``bound`` at most.

    ``scores`` is (n, classes), ``targets`` (n,): an example is sure where its true class leads all others, or falls
    behind one of them, by more than twice that.
    """
    rows = np.arange(len(targets))
    scores = scores.astype(np.float64)
    true = scores[rows, targets]
    scores[rows, targets] = -np.inf
    lead = true - scores.max(axis=1)
    return int((lead > 2 * bound).sum()), int((lead >= -2 * bound).sum())


def _predictions(e: Evidence, scores: Array, split: Split, recorded: Mapping[str, Any]) -> None:
    """predictions.npz holds what the weights predict, and run.json's test metrics are those of these very scores."""
    kept = e.run.predictions.read(HEADERS + scores.nbytes + split.targets.nbytes)
    alike = {"scores": scores, "targets": split.targets}
    fine = kept.keys() == alike.keys() and all(
        kept[name].shape == array.shape and kept[name].dtype == array.dtype for name, array in alike.items()
    )
    bound = rounding(e, scores) if e.otherwise else 0.0
    if not fine or not np.array_equal(kept["targets"], split.targets) or not _within(kept["scores"], scores, bound):
        raise CheckError(f"{PREDICTIONS} does not hold what the weights predict")
    for metric, value in e.summary.learnt.measure(kept["scores"], split.targets).items():
        tolerance = 0.0 if metric == "accuracy" or not e.otherwise else ROUNDING
        if not near(value, recorded[metric], tolerance):
            raise CheckError(f"test {metric} of {PREDICTIONS} is {value}, and {SUMMARY} says {recorded[metric]}")


def _within(a: Array, b: Array, bound: float) -> bool:
    return bool((np.abs(a.astype(np.float64) - b) <= bound).all()) if bound else np.array_equal(a, b)


def _best(e: Evidence, best: Best, dataset: Dataset, val: Split) -> float:
    """The best weights, evaluated again, give the row of metrics.csv where they came out best."""
    columns, last = e.columns, e.model.weights()
    e.model.load_weights(e.run.best.read(check=lambda found: check_weights(found, last)))
    try:
        found = evaluate(e.model, e.model.put(val), val, dataset.task)
    finally:
        e.model.load_weights(last)
    if best.step not in columns.get("step", []) or not {f"val_{name}" for name in found.metrics} <= columns.keys():
        raise CheckError(f"there is no row of the best step, {best.step}, in {METRICS}")
    row = columns["step"].index(best.step)
    recorded = {name: columns[f"val_{name}"][row] for name in found.metrics}
    where = f"the row of step {best.step} in {METRICS}"
    return _held(e, f"{BEST_WEIGHTS}: val", found.scores, val, found.metrics, recorded, where)


def first_loss(e: Evidence, dataset: Dataset) -> str:
    """The first of losses.npy, which is that of the initial weights on the first batch, before any update.

    Raises CheckError where it is another.
    """
    fresh = reopen(e.run, trained=False).model
    step = next(each_step(len(dataset.train), e.plan))
    value = float(fresh.train(fresh.put(dataset.train), [step])[0])
    losses = e.run.losses.read(HEADERS + 8 * e.plan.steps)
    if losses.shape != (e.plan.steps,) or losses.dtype != np.float64:
        raise CheckError("it has no loss for each of the steps")
    recorded = float(losses[0])
    if not e.same(value, recorded, exact=not e.otherwise):
        raise CheckError(f"the loss at step 1 comes to {value} now, and is {recorded}")
    return "the initial weights give its first loss on the first batch"


def steppable(e: Evidence) -> bool:
    """Whether the model learns step by step, and not in one call of its own solver."""
    return discover.model(e.config.model.name).backend.steppable
