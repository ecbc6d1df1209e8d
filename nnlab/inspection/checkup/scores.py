"""Whether scores are free numbers, as the loss takes them, or probabilities already, to which it would do it again."""

from collections.abc import Iterator
from contextlib import suppress

import numpy as np

from nnlab.dataset import Array, Dataset, Split
from nnlab.errors import TrainingError
from nnlab.finding import Finding
from nnlab.inspection.checkup.sample import spread_out
from nnlab.model import Differentiable, Model, Step
from nnlab.randomness import Purpose, generator

SAMPLE = 200
DRAWS = 8
"""Other weights that are tried: with some of them free scores leave [0, 1], whatever they do with the first."""
LARGEST = 3.0
"""How many times a usual initial weight's deviation those have at most."""
NEAR = 1e-3
"""How far from 1 the sum of probabilities may come out."""


def scores(dataset: Dataset, model: Model) -> Finding:
    """Whether a classifier's scores on training examples can leave [0, 1], and have sums other than 1.

    Tried with the model's weights and others; it has its own again in the end.
    """
    subject = "scores"
    if not dataset.classes:
        return Finding(subject, "ok", "values, on any scale")
    sample = _sample(dataset.train)
    kept = model.weights()
    try:
        found = [tried for tried in _tried(model, sample) if np.isfinite(tried).all()]
    finally:
        model.load_weights(kept)
    if not found:
        return Finding(subject, "warning", "not finite, with whatever weights", "look for exp or log of large numbers")
    low, high = min(float(tried.min()) for tried in found), max(float(tried.max()) for tried in found)
    values = {"lowest": low, "highest": high}
    within = f"from {low:.3g} to {high:.3g} with {'several' if len(found) > 1 else 'fitted'} weights"
    if found[0].shape[1] > 1 and all(np.abs(tried.sum(axis=1) - 1).max() < NEAR for tried in found):
        cure = "return the scores before softmax: the loss applies it"
        return Finding(subject, "warning", f"probabilities: they sum to 1 in every row, {within}", cure, values)
    if len(found) > DRAWS // 2 and low >= 0 and high <= 1:
        cure = "return the scores before sigmoid or softmax: the loss applies it"
        return Finding(subject, "warning", f"probabilities: they never leave [0, 1], {within}", cure, values)
    return Finding(subject, "ok", within, values=values)


def _sample(train: Split) -> Split:
    """Training examples, evenly spaced, and one of each class."""
    every = spread_out(np.arange(len(train)), SAMPLE)
    return train.take(np.union1d(every, np.unique(train.targets, return_index=True)[1]))


def _tried(model: Model, sample: Split) -> Iterator[Array]:
    """The scores of the sample, (n, outputs), by the model as it is and by others."""
    data = model.put(sample)
    everything = Step(np.arange(len(sample)), 0, 0.0)
    if not isinstance(model, Differentiable):  # fitted in one call, before which it may have no scores
        with suppress(TrainingError):
            model.train(data, [everything])
            yield model.predict(data)
        return
    first = model.predict(data)
    # Of two classes a single z stands beside a 0.
    own = slice(1, None) if first.shape[1] == 2 and not first[:, 0].any() else slice(None)
    yield first[:, own]
    learnt = model.gradients(data, everything)[1].keys()  # not what is counted, such as a batch norm's variances
    rng = generator(0, Purpose.CHECK)
    weights = model.weights()
    for draw in range(1, DRAWS + 1):
        size = LARGEST * draw / DRAWS
        model.load_weights({n: _drawn(w, size, rng) if n in learnt else w for n, w in weights.items()})
        yield model.predict(data)[:, own]


def _drawn(weight: Array, size: float, rng: np.random.Generator) -> Array:
    """A weight like this one, normal, ``size`` times as widely spread as keeps what goes through it."""
    fan_in = max(1, int(np.prod(weight.shape[1:])))
    drawn: Array = size * rng.standard_normal(weight.shape) / np.sqrt(fan_in)
    return drawn.astype(weight.dtype, copy=False)
