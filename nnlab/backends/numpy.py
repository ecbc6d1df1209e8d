"""The NumPy backend: makes a Model of a net whose gradients are written by hand."""

import copy
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Protocol, runtime_checkable

import numpy as np
from threadpoolctl import ThreadpoolController

from nnlab.backends.updates import UpdateRule, check_state
from nnlab.dataset import Array, Split
from nnlab.model import Net, Setup, Step, check_weights
from nnlab.randomness import Purpose, generator

PREDICT_ROWS = 1000
"""So many examples' layers fit a core's cache."""


@runtime_checkable
class Random(Protocol):
    """A net that draws numbers in its training steps, such as for dropout, from a generator that is handed to it.

    Each step's generator is derived from the seed and the step's number, so that a resumed training draws the same.
    """

    weights: dict[str, Array]
    """As a Net's."""
    draws: Purpose
    """What its numbers are for, such as ``Purpose.DROPOUT``; that it says so tells it from a Net."""

    def forward(self, inputs: Array, rng: np.random.Generator | None = None) -> Array:
        """Scores as a Net's: those of a training step that draws from ``rng``, or without one those to predict."""
        ...

    def loss_and_grads(self, inputs: Array, targets: Array, rng: np.random.Generator) -> tuple[float, dict[str, Array]]:
        """The mean loss of a batch and its gradient by each of the weights, with what is drawn from ``rng``."""
        ...


class Drawn:
    """A net as one of its training steps has it: the same numbers are drawn at each call."""

    def __init__(self, net: Random, seed: int, number: int) -> None:
        self.net, self.seed, self.number = net, seed, number
        self.weights = net.weights

    def _rng(self) -> np.random.Generator:
        return generator(self.seed, self.net.draws, self.number)

    def forward(self, inputs: Array) -> Array:
        return self.net.forward(inputs, self._rng())

    def loss_and_grads(self, inputs: Array, targets: Array) -> tuple[float, dict[str, Array]]:
        return self.net.loss_and_grads(inputs, targets, self._rng())


def in_float64(net: Net | Random) -> Net:
    """A copy of a net with its weights in float64, wherever else it keeps them too; one that draws draws the same."""
    exact: dict[int, Any] = {id(weight): weight.astype(np.float64) for weight in net.weights.values()}
    made = copy.deepcopy(net, exact)  # which takes what is in ``exact`` for a copy that it has already made
    return Drawn(made, 0, 0) if isinstance(made, Random) else made


class NumpyModel:
    """A Model on the CPU: float32 arrays, one update per batch."""

    device = "cpu"

    def __init__(self, net: Net | Random, setup: Setup) -> None:
        self.net = net
        self._in_step: Callable[[int], Net] = (
            partial(Drawn, net, setup.seed) if isinstance(net, Random) else lambda _number: net
        )
        """The net as the step of a number has it."""
        self.task, self.target = setup.task, setup.target
        self.threads = 1
        self._update = UpdateRule(setup.optimizer)
        self._pools = ThreadpoolController()
        self._gathered: dict[int, Array] = {}

    def put(self, split: Split) -> Split:
        """The same arrays, which are where NumPy needs them, but for targets that are to be scaled."""
        if self.target is None or split.targets.ndim == 1:
            return split
        return Split(split.inputs, self.target.shrunk(split.targets))

    def train(self, data: Split, steps: Sequence[Step]) -> Array:
        losses = np.empty(len(steps))
        last: Array | None = None
        with self._pools.limit(limits=self.threads), np.errstate(over="ignore", invalid="ignore"):
            for at, step in enumerate(steps):
                if step.rows is not last:  # a full batch is the same vector each time, and gathered once
                    rows, last = self._gather(data, step.rows), step.rows
                losses[at], grads = self._differentiate(rows, step.number)
                self._update.step(self.net.weights, grads, step.lr)
        return losses

    def _differentiate(self, rows: Split, number: int) -> tuple[float, dict[str, Array]]:
        """The loss of a batch, in the targets' own units, and its gradients, in the step of that number."""
        net = self._in_step(number)
        loss, grads = net.loss_and_grads(rows.inputs, rows.targets)
        return loss if self.target is None else self._in_own_units(loss, net, rows), grads

    def _in_own_units(self, loss: float, net: Net, rows: Split) -> float:
        """The mean squared error of scaled targets in the units that they came in."""
        assert self.target is not None  # noqa: S101 - it is asked for where there is one
        squares = self.target.squares
        if np.ptp(squares) == 0:
            return loss * float(squares[0])
        errors = net.forward(rows.inputs).astype(np.float64) - rows.targets
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

    def gradients(self, data: Split, step: Step) -> tuple[float, dict[str, Array]]:
        with self._pools.limit(limits=self.threads), np.errstate(over="ignore", invalid="ignore"):
            loss, grads = self._differentiate(self._gather(data, step.rows), step.number)
        return loss, {name: np.array(grad) for name, grad in grads.items()}

    def predict(self, data: Split) -> Array:
        with self._pools.limit(limits=self.threads), np.errstate(over="ignore", invalid="ignore"):
            parts = [self.net.forward(data.inputs[at : at + PREDICT_ROWS]) for at in range(0, len(data), PREDICT_ROWS)]
        scores = self.task.complete(np.concatenate(parts))
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
