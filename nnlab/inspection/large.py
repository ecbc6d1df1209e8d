"""Large scores: whether a loss and its gradients stay right where exp of a score overflows."""

import math
from collections.abc import Callable, Iterator, Mapping

import numpy as np

from nnlab.dataset import Array
from nnlab.experiment.distance import array_difference, difference

SIZE = 1000.0
"""What the largest score is brought to: exp overflows from 89 on in float32, and from 710 on in float64."""
NEAR = 2.0
"""By what factor it may be missed."""
ROUNDS = 20

Weights = dict[str, Array]


Measured = tuple[float, Mapping[str, Array]]
"""The loss of a batch, and its gradient by each weight."""


def enlarged(
    weights: Mapping[str, Array], learnt: Mapping[str, object], scores: Callable[[Weights], Array]
) -> Iterator[tuple[Weights, Array]]:
    """The weights scaled so that the largest score is about ``SIZE``, and those scores; then with the sign turned.

    The last layer's are scaled, or where that does not do it all that are ``learnt``. ``scores`` gives those of a batch
    with other weights. Nothing where scores do not grow with the weights.
    """
    for sign in (1.0, -1.0):
        for scaled in (_last_layer(weights, learnt), list(learnt)):
            if found := _scaled(weights, scaled, sign, scores):
                yield found
                break


def _last_layer(weights: Mapping[str, Array], learnt: Mapping[str, object]) -> list[str]:
    """The last matrix and what comes after it, which is its bias."""
    names = [name for name in weights if name in learnt]
    matrices = [number for number, name in enumerate(names) if weights[name].ndim > 1]
    return names[matrices[-1] :] if matrices else names


def _scaled(
    weights: Mapping[str, Array], names: list[str], sign: float, scores: Callable[[Weights], Array]
) -> tuple[Weights, Array] | None:
    """The weights with those of these names scaled until the largest score is about ``SIZE``; None where it never is.

    Scores that stop being numbers on the way are given too: no step goes further than the largest score should.
    """
    factor, before = sign, 0.0
    layers = max(1, sum(weights[name].ndim > 1 for name in names))
    for _ in range(ROUNDS):
        tried = {n: (factor * w).astype(w.dtype) if n in names else w.copy() for n, w in weights.items()}
        found = scores(tried)
        largest = float(np.abs(found).max())
        if not math.isfinite(largest) or SIZE / NEAR <= largest <= SIZE * NEAR:
            return tried, found
        if largest <= before:
            return None
        before = largest
        factor *= (SIZE / largest) ** (1 / layers)
    return None


def not_finite(who: str, found: Measured, scores: Array) -> str:
    """What a net made of such scores that is no number; empty where all is one."""
    loss, grads = found
    wrong = [name for name, grad in grads.items() if not np.isfinite(grad).all()]
    if not np.isfinite(scores).all():
        what = "the scores themselves are not finite"
    elif not math.isfinite(loss):
        what = f"the loss is {loss}"
    elif wrong:
        what = f"the gradient by {', '.join(wrong)} is not finite"
    else:
        return ""
    cure = "the largest score of a row must be taken off all of them before exp"
    if scores.shape[1] == 1:
        cure = "of one score z and class y it is max(z, 0) - z y + log(1 + exp(-|z|))"
    return f"{who} overflows {_words(scores)}: {what}; {cure}"


def apart(ours: Measured, right: Measured, tolerance: float, scores: Array) -> str:
    """Where a loss or a gradient, all of them finite, is further off than the tolerance; empty where they agree."""
    (loss, grads), (other, others) = ours, right
    if difference(loss, other) > tolerance:
        return f"{_words(scores)} the loss is {loss:.6g} and should be {other:.6g}"
    for name, grad in grads.items():
        if name in others and (off := array_difference(grad, others[name])) > tolerance:
            return f"{_words(scores)} the gradient by {name} is off by {off:.0e}"
    return ""


def _words(scores: Array) -> str:
    """Which scores these are."""
    finite = scores[np.isfinite(scores)]
    if len(finite) < scores.size:
        return f"where weights are scaled for scores of about {SIZE:,.0f}"
    return f"at scores from {finite.min():,.0f} to {finite.max():,.0f}"
