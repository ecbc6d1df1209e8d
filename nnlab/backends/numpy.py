"""The NumPy backend: makes a Model of a net whose gradients are written by hand."""

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from threadpoolctl import ThreadpoolController

from nnlab.backends.updates import check_state, update_rule
from nnlab.dataset import Array, Split
from nnlab.model import Net, Setup, both_classes, check_weights

PREDICT_ROWS = 1000
"""So many examples' layers fit a core's cache."""


def in_float64(net: Net) -> Net:
    """A copy of a net with its weights in float64, wherever else it keeps them too."""
    exact: dict[int, Any] = {id(weight): weight.astype(np.float64) for weight in net.weights.values()}
    return copy.deepcopy(net, exact)  # which takes what is in ``exact`` for a copy that it has already made


class NumpyModel:
    """A Model on the CPU: float32 arrays, one update per batch."""

    device = "cpu"

    def __init__(self, net: Net, setup: Setup) -> None:
        self.net = net
        self.task, self.target = setup.task, setup.target
        self.threads = 1
        self._update = update_rule(setup.optimizer)
        self._pools = ThreadpoolController()
        self._gathered: dict[int, Array] = {}

    def put(self, split: Split) -> Split:
        """The same arrays, which are where NumPy needs them, but for targets that are to be scaled."""
        if self.target is None or split.targets.ndim == 1:
            return split
        return Split(split.inputs, self.target.shrunk(split.targets))

    def train(self, data: Split, batches: Sequence[Array]) -> Array:
        losses = np.empty(len(batches))
        last: Array | None = None
        with self._pools.limit(limits=self.threads), np.errstate(over="ignore", invalid="ignore"):
            for number, batch in enumerate(batches):
                if batch is not last:  # a full batch is the same vector each time, and gathered once
                    rows, last = self._gather(data, batch), batch
                loss, grads = self.net.loss_and_grads(rows.inputs, rows.targets)
                losses[number] = loss if self.target is None else self._in_own_units(loss, rows)
                self._update.step(self.net.weights, grads)
        return losses

    def _in_own_units(self, loss: float, rows: Split) -> float:
        """The mean squared error of scaled targets in the units that they came in."""
        assert self.target is not None  # noqa: S101 - it is asked for where there is one
        squares = self.target.squares
        if np.ptp(squares) == 0:
            return loss * float(squares[0])
        errors = self.net.forward(rows.inputs).astype(np.float64) - rows.targets
        return float((squares * errors * errors).mean())

    def _gather(self, data: Split, batch: Array) -> Split:
        """The examples of a batch; their inputs lie where the next batch of this size will."""
        if len(batch) == len(data) and np.array_equal(batch, np.arange(len(data))):
            return data
        if len(batch) not in self._gathered:
            self._gathered[len(batch)] = np.empty((len(batch), data.inputs.shape[1]), data.inputs.dtype)
        inputs = self._gathered[len(batch)]
        np.take(data.inputs, batch, axis=0, out=inputs, mode="clip")  # the other modes make a copy first
        return Split(inputs, data.targets[batch])

    def gradients(self, data: Split, batch: Array) -> tuple[float, dict[str, Array]]:
        with self._pools.limit(limits=self.threads), np.errstate(over="ignore", invalid="ignore"):
            rows = self._gather(data, batch)
            loss, grads = self.net.loss_and_grads(rows.inputs, rows.targets)
            loss = loss if self.target is None else self._in_own_units(loss, rows)
        return loss, {name: np.array(grad) for name, grad in grads.items()}

    def predict(self, data: Split) -> Array:
        with self._pools.limit(limits=self.threads), np.errstate(over="ignore", invalid="ignore"):
            parts = [self.net.forward(data.inputs[at : at + PREDICT_ROWS]) for at in range(0, len(data), PREDICT_ROWS)]
        scores = np.concatenate(parts)
        if self.task == "classification" and scores.shape[1] == 1:
            return both_classes(scores)
        return scores if self.target is None else self.target.restored(scores)

    def weights(self) -> dict[str, Array]:
        return {name: weight.copy() for name, weight in self.net.weights.items()}

    def load_weights(self, weights: Mapping[str, Array]) -> None:
        check_weights(weights, self.net.weights)
        for name, weight in self.net.weights.items():
            weight[...] = weights[name]

    def optimizer_state(self) -> dict[str, Array]:
        return {name: array.copy() for name, array in self._update.state.items()}

    def load_optimizer_state(self, state: Mapping[str, Array]) -> None:
        check_state(state, self.net.weights)
        self._update.state = {name: array.copy() for name, array in state.items()}
