"""Twins: a NumPy model and a PyTorch model of one shape start equal and stay equal on the same batches."""

import numpy as np
import pytest

from nnlab import experiment, inspection
from nnlab.model import Model, Optimizer
from tests.conftest import MIRROR, ROOT
from tests.model_fixtures import OPTIMIZERS, ROWS, build, data, steps

ACTIVATIONS = ["relu", "tanh", "sigmoid", "elu"]


def gap(ours: Model, theirs: Model) -> float:
    """The largest difference between two models' weights."""
    left, right = ours.weights(), theirs.weights()
    assert list(left) == list(right)
    return max(float(np.abs(left[name] - right[name]).max()) for name in left)


def twins(task: str, outputs: int, optimizer: Optimizer, lr: float, **params: object) -> float:
    """How far a NumPy and a PyTorch network part in 50 steps."""
    split, taken = data(task, outputs), steps(ROWS, 50, lr=lr)
    pair = [build(name, task, outputs, optimizer=optimizer, **params) for name in ("mlp-np", "ann-torch")]
    assert gap(*pair) == 0
    losses = [model.train(model.put(split), taken) for model in pair]
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-4, atol=1e-5)
    return gap(*pair)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize(("task", "outputs"), [("classification", 4), ("regression", 2)])
def test_networks_agree_for_every_activation(task: str, outputs: int, activation: str) -> None:
    assert twins(task, outputs, Optimizer(), 0.05, hidden=[12, 9], activations=activation) < 1e-5


@pytest.mark.parametrize("optimizer", OPTIMIZERS[:2], ids=lambda o: f"{o.name}{o.momentum or ''}")
def test_networks_agree_for_every_sgd(optimizer: Optimizer) -> None:
    assert twins("classification", 4, optimizer, 0.02, hidden=[12, 9], activations=["tanh", "elu"]) < 1e-5


@pytest.mark.parametrize("optimizer", OPTIMIZERS[2:], ids=lambda o: o.name)
def test_networks_agree_for_every_adam(optimizer: Optimizer) -> None:
    # Adam divides by the root of a gradient's square: where one is near 0 its rounding shows at the size of lr.
    assert twins("classification", 4, optimizer, 0.01, hidden=[12, 9], activations=["tanh", "elu"]) < 1e-3


def test_logistic_regressions_start_equal_and_stay_equal() -> None:
    pair = [build(name, "classification", 4, seed=3) for name in ("logreg-np", "logreg-torch")]
    assert gap(*pair) == 0
    split = data("classification", 4)
    for model in pair:
        model.train(model.put(split), steps(ROWS, 50))
    assert gap(*pair) < 1e-5


def test_the_recipes_network_agrees_over_50_steps_on_real_data() -> None:
    overrides = ["device=cpu"] if MIRROR else ["device=cpu", "dataset.name=digits"]
    pair = [experiment.resolve(ROOT / f"configs/{name}.yaml", overrides) for name in ("mlp-np", "ann")]
    found = inspection.parity(*pair, 50)
    assert found.whole.outcome == "ok"
    assert found.parting is None
    assert len(found.steps) == 50
    assert found.largest < 1e-5
