"""Small data and models for the tests of models: every model in the folder, on every task it has."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from nnlab import discover
from nnlab.dataset import Array, Split, Task
from nnlab.dataset.task import TASKS
from nnlab.model import Model, Net, Optimizer, Setup, Step

SHAPE = (8, 8)
ROWS = 40
LR = 0.02
OPTIMIZERS = [
    Optimizer("sgd"),
    Optimizer("sgd", momentum=0.9, nesterov=True, weight_decay=0.01),
    Optimizer("adam", weight_decay=0.01),
    Optimizer("adamw", weight_decay=0.1),
]
RULES = {
    "sgd": (Optimizer(), 0.1),
    "momentum": (Optimizer(momentum=0.9, nesterov=True, weight_decay=0.01), 0.05),
    "decay": (Optimizer(weight_decay=0.05), 0.1),
    "adam": (Optimizer("adam", weight_decay=0.01), 0.005),
    "adamw": (Optimizer("adamw", weight_decay=0.1), 0.005),
}
"""Each with a learning rate that suits it."""


def cases() -> list[tuple[str, str, int]]:
    """(model, task, outputs) for every model that the folder lists."""
    found: list[tuple[str, str, int]] = []
    for name in discover.names("models"):
        for task in (kind.name for kind in discover.model(name).tasks):
            found += [(name, task, outputs) for outputs in ((2, 4) if task == "classification" else (1, 3))]
    return found


def steppable() -> list[tuple[str, str, int]]:
    """The cases that train step by step."""
    return [case for case in cases() if discover.model(case[0]).backend.steppable]


def task_for(name: str, outputs: int) -> Task:
    """The task of that name, with so many classes or values."""
    return TASKS[name].of([f"class {number}" for number in range(outputs)], outputs)


def data(task: str, outputs: int, rows: int = ROWS, seed: int = 0) -> Split:
    """Examples in [0, 1] whose targets can be learnt from them."""
    rng = np.random.default_rng(seed)
    inputs = rng.random((rows, *SHAPE)).reshape(rows, -1).astype(np.float32)
    truth = inputs @ np.random.default_rng(99).standard_normal((inputs.shape[1], outputs))
    truth = (truth - truth.mean(axis=0)) / truth.std(axis=0)
    if task == "regression":
        return Split(inputs, truth.astype(np.float32))
    return Split(inputs, truth.argmax(axis=1).astype(np.int64))


def build(
    name: str,
    task: str,
    outputs: int,
    *,
    seed: int = 0,
    optimizer: Optimizer | None = None,
    shape: tuple[int, ...] = SHAPE,
    **params: Any,
) -> Model:
    """A model of that name for data like ``data``; ``params`` are its own keys."""
    file = discover.model(name)
    setup = Setup(shape, task_for(task, outputs), optimizer or Optimizer(), seed, "cpu")
    model: Model = file.build(file.params(**params), setup)
    return model


def batch(task: str, outputs: int, rows: int = 7, features: int = 6) -> Split:
    """A few examples of few features in float64, for checks of gradients."""
    split = data(task, outputs, rows)
    targets = split.targets.astype(np.float64) if task == "regression" else split.targets
    return Split(split.inputs[:, :features].astype(np.float64), targets)


def moved(net: Net) -> Net:
    """The same net, its weights off their initial values so that none is special."""
    rng = np.random.default_rng(2)
    for weight in net.weights.values():
        weight += 0.1 * rng.standard_normal(weight.shape)
    return net


def steps(rows: int, count: int, size: int = 10, lr: float = LR) -> list[Step]:
    """The first steps of a training, on batches of ``size``."""
    rng = np.random.default_rng(1)
    return numbered([rng.permutation(rows)[:size] for _ in range(count)], lr)


def numbered(batches: Iterable[Array], lr: float = LR) -> list[Step]:
    """The first steps of a training on these batches."""
    return [Step(batch, number, lr) for number, batch in enumerate(batches)]
