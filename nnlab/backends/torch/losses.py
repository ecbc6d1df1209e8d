"""Losses: by their names, each for autograd and, where there is one, with its gradient written out."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch.nn import functional as F

Both = Callable[[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor | None], torch.Tensor]
"""The loss of scores and targets, its gradient by the scores laid into the third; then come a -1 for each row,
(rows, 1), and the squared deviations of targets that are scaled, (outputs,) float64."""


@dataclass(frozen=True)
class Loss:
    """The mean loss of a batch, two ways: scores are (rows, outputs), targets as in a split."""

    value: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
    """Of scores and targets."""
    both: Both | None = None
    """Without it, nets take autograd."""


def cross_entropy(scores: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Of class numbers; a single score per example is a sigmoid output, as in hand-written nets."""
    if scores.shape[1] == 1:
        return F.binary_cross_entropy_with_logits(scores[:, 0], targets.to(scores.dtype))
    return F.cross_entropy(scores, targets)


def _cross_entropy(
    scores: torch.Tensor, targets: torch.Tensor, d: torch.Tensor, minus_ones: torch.Tensor, squares: torch.Tensor | None
) -> torch.Tensor:
    logs = torch.log_softmax(scores, 1)
    torch.exp(logs, out=d)  # d loss / d scores = (softmax(scores) - one_hot(targets)) / rows
    d.scatter_add_(1, targets.unsqueeze(1), minus_ones)
    d.mul_(1 / len(d))
    return F.nll_loss(logs, targets)


def _squared_error(
    scores: torch.Tensor, targets: torch.Tensor, d: torch.Tensor, minus_ones: torch.Tensor, squares: torch.Tensor | None
) -> torch.Tensor:
    torch.sub(scores, targets, out=d)
    loss = torch.mean(d * d) if squares is None else in_own_units(d, squares)
    d.mul_(2 / d.numel())  # d loss / d scores = 2 (scores - targets) / (number of values)
    return loss


def in_own_units(errors: torch.Tensor, squares: torch.Tensor) -> torch.Tensor:
    """The mean squared error of scaled targets, (rows, outputs) ``errors``, in the units that they came in."""
    return (squares * errors.detach().double().square()).mean()


LOSSES = {
    "cross-entropy": Loss(cross_entropy, _cross_entropy),
    "mean squared error": Loss(F.mse_loss, _squared_error),
}
