"""The Model protocol: the verbs that every backend gives its nets, and what a model is built from."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Protocol, runtime_checkable

import numpy as np

from nnlab.dataset import Array, Split, Task
from nnlab.dataset.transform import Scaling
from nnlab.errors import RunError

Precision = Literal["float32", "bf16"]
"""What matrix products and convolutions are rounded to; weights and updates are float32 in any case."""


@dataclass(frozen=True)
class Optimizer:
    """An update rule and the numbers that it keeps to the end, meant as in torch.optim."""

    name: str = "sgd"
    """One that a config can name."""
    momentum: float = 0.0
    nesterov: bool = False
    weight_decay: float = 0.0
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8


class Step(NamedTuple):
    """What changes from one training step to the next."""

    rows: Array
    """The row numbers of its batch, (n,) int64."""
    number: int
    """How many steps came before it: what is drawn at random in it depends on that."""
    lr: float
    """The learning rate of its update."""


@dataclass(frozen=True)
class Setup:
    """What a model is built for: the data's shape, the task, the update rule, the seed and the device."""

    shape: tuple[int, ...]
    """Of one input before it was flattened: (28, 28), (3, 32, 32) or (4,)."""
    task: Task
    optimizer: Optimizer
    seed: int = 0
    device: str = "auto"
    precision: Precision = "float32"
    rows: int = 1
    """Examples that a training step sees; 0 for a model that only predicts."""
    predicted: int = 1
    """Examples of the largest split, all of which are predicted in the end."""
    target: Scaling | None = None
    """How values are shrunk to be learnt, and scores brought back; None: values are learnt as they are."""
    held: int | None = None
    """How many numbers the weights have that are to be loaded; a model of more is refused before it is made."""
    blamed: str = "model.name"
    """The dotted key of what decides most how large the model is."""

    @property
    def features(self) -> int:
        """How many numbers one input has."""
        return math.prod(self.shape)  # in Python's numbers: a forged shape would overflow NumPy's

    @property
    def outputs(self) -> int:
        """How many classes there are, or how many values to predict."""
        return self.task.outputs

    @property
    def scores(self) -> int:
        """How many scores a hand-written net gives."""
        return self.task.scores


@runtime_checkable
class Model(Protocol):
    """A net that trains, predicts and hands its state over as NumPy arrays."""

    device: str
    """Where it really runs: "cpu" or "cuda:0"."""
    threads: int
    """How many CPU threads its arithmetic uses."""

    def put(self, split: Split) -> Any:
        """Bring a split to where it is used, once per run."""
        ...

    def train(self, data: Any, steps: Sequence[Step]) -> Array:
        """One update of the weights a step; returns the loss of each before its update, (steps,) float64.

        In the targets' own units, also where the model learns them scaled.
        """
        ...

    def predict(self, data: Any) -> Array:
        """Scores (n, outputs), NumPy on the host: logits for classes, values for regression."""
        ...

    def weights(self) -> dict[str, Array]:
        """A copy of the weights, with PyTorch's parameter names and layout."""
        ...

    def load_weights(self, weights: Mapping[str, Array]) -> None:
        """Take these weights over; raises RunError where a name, shape or dtype does not fit."""
        ...

    def optimizer_state(self) -> dict[str, Array]:
        """A copy of all else that an exact resume needs."""
        ...

    def load_optimizer_state(self, state: Mapping[str, Array]) -> None:
        """Take over what ``optimizer_state`` gave."""
        ...


@runtime_checkable
class Differentiable(Model, Protocol):
    """A model that trains step by step, and shows a step's gradients without taking it."""

    def gradients(self, data: Any, step: Step) -> tuple[float, dict[str, Array]]:
        """The mean loss of a step's batch and its gradient by each learned weight, as the step would have them.

        Copies on the host, by the names and in the layout of ``weights``; nothing changes.
        """
        ...


class Net(Protocol):
    """The maths of a model whose gradients are written by hand. Everything is computed in the dtype of the weights."""

    weights: dict[str, Array]
    """By PyTorch's parameter names: weights (out, in), biases (out,)."""

    def forward(self, inputs: Array) -> Array:
        """Scores (n, outputs), or (n, 1) where a single sigmoid output tells two classes apart."""
        ...

    def loss_and_grads(self, inputs: Array, targets: Array) -> tuple[float, dict[str, Array]]:
        """The mean loss of a batch and its gradient by each of the weights."""
        ...


class Shaped(Protocol):
    """An array, or what a file's header says of one."""

    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def dtype(self) -> np.dtype[Any]: ...


def check_weights(given: Mapping[str, Shaped], expected: Mapping[str, Array]) -> None:
    """Raise RunError unless ``given`` has exactly the names, shapes and dtypes of ``expected``."""
    for name in [*expected, *given]:
        if name not in given or name not in expected:
            state = "missing from" if name in expected else "unknown to the model but in"
            raise RunError(
                f"weights: {name!r} is {state} the file", "the run's config and weights do not belong together"
            )
        ours, theirs = expected[name], given[name]
        if theirs.shape != ours.shape or theirs.dtype != ours.dtype:
            raise RunError(
                f"weights: {name!r} is {theirs.dtype} {theirs.shape}, the config implies {ours.dtype} {ours.shape}",
                "the run's config and weights do not belong together",
            )
