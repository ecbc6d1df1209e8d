"""Hand-written gradients against central differences, and hand-written update rules against torch.optim."""

from typing import Any

import numpy as np
import pytest

from nnlab import discover
from nnlab.backends.numpy import Net, NumpyModel
from nnlab.backends.updates import update_rule
from nnlab.dataset import Array, Task
from nnlab.model import Optimizer
from nnlab.models._loss import loss_and_grad
from nnlab.models._product import product
from tests.model_fixtures import build, cases, data
from tests.test_models import OPTIMIZERS

STEP = 1e-5


def by_hand() -> list[tuple[str, Task, int, dict[str, object]]]:
    """Every model whose gradients are written by hand, with each activation that it knows."""
    found: list[tuple[str, Task, int, dict[str, object]]] = []
    for name, task, outputs in cases():
        model = build(name, task, outputs)
        if isinstance(model, NumpyModel):
            found.append((name, task, outputs, {}))
            known = getattr(discover.module("models", name), "ACTIVATIONS", ())
            found += [(name, task, outputs, {"hidden": [5, 4], "activations": each}) for each in known]
    return found


def in_float64(net: Net) -> Net:
    """The net with weights in float64, moved off their initial values so that none is special."""
    rng = np.random.default_rng(2)
    net.weights = {key: weight + 0.1 * rng.standard_normal(weight.shape) for key, weight in net.weights.items()}
    return net


def differences(net: Net, inputs: Array, targets: Array, key: str) -> Array:
    """Central differences of the loss by each number of one weight."""
    weight = net.weights[key]
    result = np.zeros_like(weight)
    for place in np.ndindex(weight.shape):
        kept = weight[place]
        weight[place] = kept + STEP
        above, _ = net.loss_and_grads(inputs, targets)
        weight[place] = kept - STEP
        below, _ = net.loss_and_grads(inputs, targets)
        weight[place] = kept
        result[place] = (above - below) / (2 * STEP)
    return result


def relative(ours: Array, theirs: Array) -> float:
    """The norm of the difference over the sum of the norms."""
    return float(np.linalg.norm(ours - theirs) / (np.linalg.norm(ours) + np.linalg.norm(theirs) + 1e-12))


@pytest.mark.parametrize(("name", "task", "outputs", "params"), by_hand())
def test_every_hand_written_gradient_agrees_with_finite_differences(
    name: str, task: Task, outputs: int, params: dict[str, object]
) -> None:
    small = {"hidden": [5, 4]} if name == "mlp-np" else {}
    model = build(name, task, outputs, shape=(6,), **{**small, **params})
    assert isinstance(model, NumpyModel)
    net = in_float64(model.net)
    split = data(task, outputs, rows=7)
    inputs = split.inputs[:, :6].astype(np.float64)
    targets = split.targets.astype(np.float64) if task == "regression" else split.targets
    _, grads = net.loss_and_grads(inputs, targets)
    assert list(grads) == list(net.weights) or set(grads) == set(net.weights)
    for key, grad in grads.items():
        assert grad.shape == net.weights[key].shape
        assert grad.dtype == np.float64
        assert relative(grad, differences(net, inputs, targets, key)) < 1e-6, key


@pytest.mark.parametrize("fault", ["sign", "scale", "missing"])
def test_the_check_catches_a_planted_fault(fault: str) -> None:
    model = build("mlp-np", "classification", 4, shape=(6,), hidden=[5])
    assert isinstance(model, NumpyModel)
    net = in_float64(model.net)
    split = data("classification", 4, rows=7)
    inputs = split.inputs[:, :6].astype(np.float64)
    _, grads = net.loss_and_grads(inputs, split.targets)
    wrong = {"sign": -1.0, "scale": 7.0, "missing": 0.0}[fault] * grads["0.weight"]
    assert relative(wrong, differences(net, inputs, split.targets, "0.weight")) > 0.1


@pytest.mark.parametrize("scale", [1e3, 1e30])
@pytest.mark.parametrize(("task", "outputs"), [("classification", 1), ("classification", 3)])
def test_losses_stay_finite_where_probabilities_round_to_0_and_1(task: Task, outputs: int, scale: float) -> None:
    scores = np.array([[1.0] * outputs, [-1.0] * outputs], np.float32) * np.float32(scale)
    scores[:, 0] *= -1
    loss, grad = loss_and_grad(task, scores, np.array([0, 0]))
    assert np.isfinite(loss)
    assert np.isfinite(grad).all()


@pytest.mark.parametrize("n", [1, 2, 3, 4, 10])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_product_is_the_same_by_every_road(n: int, dtype: type) -> None:
    rng = np.random.default_rng(0)
    for rows, features in ((8, 5), (50, 400), (300, 64)):
        x, w = rng.standard_normal((rows, features)).astype(dtype), rng.standard_normal((n, features)).astype(dtype)
        d = np.asarray(rng.standard_normal((n, rows)).astype(dtype).T)
        for a, b in ((x, w.T), (d.T, x), (np.ascontiguousarray(d).T, x)):
            found = product(a, b)
            assert found.dtype == dtype
            np.testing.assert_allclose(found, a @ b, rtol=0, atol=1e-4 if dtype is np.float32 else 1e-12)


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda o: f"{o.name}{o.momentum or ''}")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_update_rules_follow_torch_step_by_step(optimizer: Optimizer, dtype: type) -> None:
    """NumPy's rules and the functional ones of the PyTorch backend, against torch.optim's own classes."""
    import torch

    from nnlab.backends.torch.updates import Update

    rng = np.random.default_rng(0)
    numpys = {"w": rng.standard_normal((5, 4)).astype(dtype), "b": rng.standard_normal(5).astype(dtype)}
    torches, theirs = (
        {key: torch.nn.Parameter(torch.from_numpy(weight.copy())) for key, weight in numpys.items()} for _ in range(2)
    )
    rule, update, reference = update_rule(optimizer), Update(optimizer, torches), torch_optim(optimizer, theirs)
    for _ in range(20):
        grads = {key: rng.standard_normal(weight.shape).astype(dtype) for key, weight in numpys.items()}
        rule.step(numpys, grads)
        for weights in (torches, theirs):
            for key, weight in weights.items():
                weight.grad = torch.from_numpy(grads[key].copy())
        update.step()
        reference.step()
    for key, weight in theirs.items():
        for ours in (numpys[key], torches[key].detach().numpy()):
            np.testing.assert_allclose(
                ours, weight.detach().numpy(), rtol=0, atol=2e-6 if dtype is np.float32 else 1e-12
            )


def torch_optim(o: Optimizer, weights: dict[str, Any]) -> Any:
    import torch

    if o.name == "sgd":
        return torch.optim.SGD(
            weights.values(), lr=o.lr, momentum=o.momentum, nesterov=o.nesterov, weight_decay=o.weight_decay
        )
    rule = torch.optim.Adam if o.name == "adam" else torch.optim.AdamW
    return rule(weights.values(), lr=o.lr, betas=o.betas, eps=o.eps, weight_decay=o.weight_decay)
