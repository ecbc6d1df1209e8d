"""Causes: what is likely wrong with a gradient, each guess tried on the numbers before it is told."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from nnlab.dataset import Array
from nnlab.experiment.distance import SMALL, array_difference
from nnlab.models.mlp_np import ACTIVATIONS

if TYPE_CHECKING:
    from nnlab.backends.torch import Passage

EXACT = 1e-13
"""What autograd's float64 may be off by where large numbers cancel."""


@dataclass(frozen=True)
class Gradient:
    """What is known of the gradient by one parameter."""

    name: str
    shape: tuple[int, ...]
    given: Array | None
    """As the net gave it, whatever its shape and dtype; None where it gave none."""
    places: Array
    """(n,) int64: the flat positions where the slope was measured."""
    measured: Array
    """(n,) float64."""
    rounding: Array
    """(n,) float64: what each slope may be off by."""
    exact: Array | None
    """The whole gradient by autograd, float64; None without a reference."""
    rows: int
    """Examples in the batch."""
    values: int
    """Targets in the batch: the rows, or for regression rows times outputs."""
    tolerance: float

    def off(self, candidate: Array | None, factor: float = 1.0) -> float | None:
        """How far a whole gradient is from ``factor`` times the slopes; None without slopes, or where it is misshapen.

        The largest difference by the largest number; what a slope's rounding hides is less than the tolerance.
        """
        if not len(self.places) or candidate is None or candidate.shape != self.shape:
            return None
        ours, theirs = candidate.reshape(-1)[self.places], factor * self.measured
        largest = max(float(np.abs(ours).max()), float(np.abs(theirs).max()), SMALL)
        if not math.isfinite(largest):
            return math.inf
        hidden = abs(factor) * self.rounding / self.tolerance
        return float((np.abs(ours - theirs) / np.maximum(largest, hidden)).max())

    def off_autograd(self, candidate: Array | None) -> float | None:
        """How far a whole gradient is from autograd's; None without one, or where it is misshapen."""
        if self.exact is None or candidate is None or candidate.shape != self.shape:
            return None
        return array_difference(candidate, self.exact, small=EXACT / self.tolerance)

    def fits(self, candidate: Array, factor: float = 1.0) -> bool:
        """Whether a whole gradient is ``factor`` times what it should be."""
        off = self.off(candidate, factor) if len(self.places) else self.off_autograd(candidate / factor)
        return off is not None and off <= self.tolerance

    @property
    def truth(self) -> tuple[Array, Array]:
        """Flat positions and the gradient there: as measured, or else as autograd has it."""
        if len(self.places) or self.exact is None:
            return self.places, self.measured
        return np.arange(self.exact.size), self.exact.reshape(-1)


def cause_of_one(e: Gradient, losses: tuple[float, float] | None) -> str:
    """What explains the gradient by one parameter alone; empty where no guess does.

    ``losses`` are the net's and the reference's, where there is one.
    """
    if e.given is None:
        return "loss_and_grads gives no gradient by this name"
    if e.given.dtype != np.float64:
        return f"it is {e.given.dtype} where the weights are float64: a net computes in the dtype of its weights"
    if not np.isfinite(e.given).all():
        return f"{np.count_nonzero(~np.isfinite(e.given)):,} of its numbers are not finite"
    return (
        _of_shape(e, e.given)
        or _left_out(e.given)
        or (_of_loss(e, e.given, losses) if losses else "")
        or _transposed(e, e.given)
        or _scaled(e, e.given)
    )


def _of_shape(e: Gradient, given: Array) -> str:
    if given.shape == e.shape:
        return ""
    shapes = f"its shape is {given.shape}, the weight's {e.shape}"
    if given.T.shape == e.shape and e.fits(given.T):
        return f"transposed: {shapes}"
    if given.size == math.prod(e.shape) and e.fits(given.reshape(e.shape)):
        return f"the numbers are right, but {shapes}"
    if given.shape[1:] == e.shape and e.fits(given.sum(axis=0)):
        return f"the sum over the batch is missing: {shapes}"
    return shapes


def _left_out(given: Array) -> str:
    if given.any():
        return ""
    if given.ndim == 1:
        return "missing: it is 0, and a bias's gradient is the sum of dz over the batch"
    return "missing: it is 0"


def _of_loss(e: Gradient, given: Array, losses: tuple[float, float]) -> str:
    """A gradient that agrees with one of the two references only belongs to another loss."""
    by_slopes, by_autograd = e.off(given), e.off_autograd(given)
    if by_slopes is None or by_autograd is None:
        return ""
    shown = f"{losses[0]:.6g} where PyTorch's is {losses[1]:.6g}"
    if by_autograd <= e.tolerance < by_slopes:
        return f"the gradient is PyTorch's, and the loss that comes with it is another one's: {shown}"
    if by_slopes <= e.tolerance < by_autograd:
        return f"it is the gradient of its own loss, which is not that of the same network in PyTorch: {shown}"
    return ""


def _transposed(e: Gradient, given: Array) -> str:
    square = given.ndim == 2 and given.shape[0] == given.shape[1] > 1
    return "transposed" if square and e.fits(given.T) else ""


def _scaled(e: Gradient, given: Array) -> str:
    places, truth = e.truth
    if not truth.any():
        return ""
    factor = float(np.dot(given.reshape(-1)[places], truth) / np.dot(truth, truth))
    known = _known_factor(e, abs(factor))
    if not known and len(truth) == 1:  # one number is always some multiple of another
        return ""
    if abs(factor) < SMALL or not e.fits(given, factor):
        return ""
    turned = "the sign is wrong" if factor < 0 else ""
    if known == RIGHT_SIZE:
        return turned
    return " and ".join(filter(None, (turned, known or f"it is {abs(factor):.6g} times as large as it should be")))


RIGHT_SIZE = "as large as it should be"


def _known_factor(e: Gradient, factor: float) -> str:
    """What a factor of this size comes from; empty where it is no known one."""
    known = {
        1.0: RIGHT_SIZE,
        float(e.values): f"{e.values} times too large: the mean over all {e.values} values is missing",
        float(e.rows): f"{e.rows} times too large, the batch's size: 1/m, the mean over the batch, is missing",
        1 / e.rows: f"{e.rows} times too small, the batch's size: divided by m twice",
        2.0: "twice too large: a factor 2 too many",
        0.5: "twice too small: a factor 2 is missing",
    }
    near = (text for size, text in known.items() if math.isclose(factor, size, rel_tol=1e-4))
    return next(near, "")


def causes_of_many(
    evidence: Sequence[Gradient],
    unexplained: Sequence[int],
    passages: "Sequence[Passage]",
    weights: Mapping[str, Array],
) -> dict[int, str]:
    """What explains several wrong gradients at once, by their positions: an error on the way back through the net.

    Such an error makes every gradient from some layer back to the input wrong, and leaves those after it right; so the
    ``evidence`` is taken to be in the order of the layers. Empty where the wrong ones do not lie like that.
    """
    wrong = set(unexplained)
    last = max(wrong, default=0)
    silent = {number for number in range(last) if not evidence[number].truth[1].any()}
    if len(wrong) < 2 or set(range(last + 1)) - silent != wrong - silent:
        return {}
    layer, above = _layer_of(evidence[last].name, passages)
    first, name = evidence[0].name, evidence[last].name
    found = next(_wrong_way_back(evidence, layer, above, weights), "") if layer else ""
    if not found and last == len(evidence) - 1:
        found = "all are wrong: look at the gradient of the loss by the scores, with which the way back begins"
    elif not found:
        after = evidence[last + 1].name
        found = (
            f"wrong from {name} back to {first}, and right from {after} on: look at the derivative of the activation "
            "between them, and at what it is multiplied by"
        )
    here = {layer.weight, layer.bias} if layer else {name}
    return {n: found if evidence[n].name in here else f"follows from {name}" for n in wrong}


def _layer_of(name: str, passages: "Sequence[Passage]") -> "tuple[Passage | None, Passage | None]":
    """The layer that has the parameter of this name, and the one after it."""
    for number, passage in enumerate(passages):
        if name in (passage.weight, passage.bias):
            return passage, next(iter(passages[number + 1 :]), None)
    return None, None


def _wrong_way_back(
    evidence: Sequence[Gradient], layer: "Passage", above: "Passage | None", weights: Mapping[str, Array]
) -> Iterator[str]:
    """The mistakes that give just this layer's gradients: dz is made with each, and held against what was given."""
    given = next((e for e in evidence if e.name == layer.weight), None)
    if given is None or above is None or given.given is None:
        return
    for text, dz in _mistakes(layer, above, weights):
        if array_difference(given.given, dz.T @ layer.x, small=EXACT / given.tolerance) <= given.tolerance:
            yield text


def _mistakes(layer: "Passage", above: "Passage", weights: Mapping[str, Array]) -> Iterator[tuple[str, Array]]:
    """Each mistake on the way from the layer above to this one's dz, and the dz it makes, (rows, out)."""
    name, da = layer.activation, layer.da
    place = f"{name} after {layer.weight}"
    yield f"the derivative of {place} is left out", da
    weight = weights[above.weight]
    if name in ACTIVATIONS:
        activate, derivative = ACTIVATIONS[name]
        yield f"the derivative of {place}: f'(z) written in a = {name}(z) is given z instead", da * derivative(layer.z)
        yield f"the derivative of {place}: f'(z) is taken at a = {name}(z)", da * derivative(activate(layer.a))
        if weight.shape[0] == weight.shape[1]:
            turned = (above.dz @ weight.T) * derivative(layer.a)
            yield f"{above.weight} is transposed on the way back: da = dz W, not dz W^T", turned
    for other, (activate, derivative) in ACTIVATIONS.items():
        if other != name:
            text = f"the derivative of {other} stands in place of that of {place}"
            for point in (layer.a, activate(layer.z)):
                yield text, da * derivative(point)
