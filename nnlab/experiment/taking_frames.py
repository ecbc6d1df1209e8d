"""Taking frames: which steps of a training are looked at, and what is kept of them for a report."""

import math
from collections.abc import Iterator, Mapping

import numpy as np

from nnlab import metrics
from nnlab.dataset import Array, Dataset
from nnlab.fit import Plan
from nnlab.model import Model
from nnlab.rundir import RunDir
from nnlab.rundir.frames import Frame
from nnlab.standing import Standing

GROWTH = 1.5
"""From one epoch that is kept to the next: 1, 2, 3, 4, 6, 9, …; so a run made longer keeps the same ones and more."""
MOST_PARAMETERS = 5_000_000
"""Of a net that is looked at: beyond that, copies of its weights would be felt."""
MOST_UNITS = 25
MOST_NUMBERS = 250_000
"""Of the first layer, in a frame."""


class Frames:
    """The frames of one run."""

    def __init__(self, run: RunDir, dataset: Dataset, model: Model, plan: Plan, parameters: int) -> None:
        self.run, self.dataset, self.model = run, dataset, model
        self.steps = steps_of(plan, len(dataset.train), parameters)
        """Those that are looked at."""
        self.before: dict[str, Array] = {}
        """The weights before such a step."""

    def begin(self, at: Standing) -> None:
        """Keep what the initial weights look like. Raises OSError."""
        if self.steps and not at.step and (frame := first_of(self.model.weights())):
            self.run.write_frame(frame)
        self._look_before(at.step)

    def write(self, at: Standing) -> Standing:
        """Keep what the net looks like after a step that is looked at, and the weights before one. Raises OSError."""
        if at.step in self.steps and at.metrics is not None:
            if frame := _frame_of(at, self.before, self.model.weights(), self.dataset):
                self.run.write_frame(frame)
            self.before = {}
        self._look_before(at.step)
        return at

    def _look_before(self, step: int) -> None:
        if step + 1 in self.steps:
            self.before = self.model.weights()


def steps_of(plan: Plan, rows: int, parameters: int) -> tuple[int, ...]:
    """The steps of an evaluation at or after the epochs that are kept, ascending; none for a very large net."""
    if parameters > MOST_PARAMETERS:
        return ()
    per_epoch, steps = plan.steps_per_epoch(rows), set()
    for epoch in _epochs():
        step = math.ceil(epoch * per_epoch / plan.eval_every) * plan.eval_every
        if step > plan.steps:
            break
        steps.add(step)
    return tuple(sorted(steps))


def _epochs() -> Iterator[int]:
    epoch = 1
    while True:
        yield epoch
        epoch = max(epoch + 1, int(epoch * GROWTH))


def first_of(weights: Mapping[str, Array]) -> Frame | None:
    """The frame of initial weights; None for a net whose first layer is too large to be looked at."""
    weight = _first_layer(weights)
    return None if weight is None else Frame(0, 0.0, weight, {}, None)


def _frame_of(at: Standing, before: Mapping[str, Array], after: Mapping[str, Array], dataset: Dataset) -> Frame | None:
    """The frame of an evaluation: ``before`` and ``after`` are the weights around its last step."""
    weight = _first_layer(after)
    if weight is None or at.scores is None:
        return None
    split = dataset.split(dataset.watched)
    confusion = None
    if split is not None and dataset.classes:
        confusion = metrics.confusion(at.scores, split.targets, dataset.outputs).astype(np.int64)
    ratios = {name: _ratio(before[name], after[name]) for name in after}
    return Frame(at.step, at.epoch, weight, ratios, confusion)


def _ratio(before: Array, after: Array) -> float:
    """The norm of an update over the norm of what it updates; 0 where there was nothing and nothing came."""
    old = before.astype(np.float64)
    change, size = _norm(after - old), _norm(old)
    return change / size if size else (math.inf if change else 0.0)


def _norm(array: Array) -> float:
    """Without BLAS, whose last bits depend on its threads: a run that was resumed keeps the same frames."""
    return math.sqrt(float(np.square(array).sum()))


def _first_layer(weights: Mapping[str, Array]) -> Array | None:
    """(units, …) float16: the first units of the first weight that has inputs."""
    weight = next((weight for weight in weights.values() if weight.ndim > 1), None)
    if weight is None or not 0 < weight[0].size <= MOST_NUMBERS:
        return None
    units = min(MOST_UNITS, MOST_NUMBERS // weight[0].size)
    with np.errstate(over="ignore"):
        return np.ascontiguousarray(weight[:units], dtype=np.float16)
