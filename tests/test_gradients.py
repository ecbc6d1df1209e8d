"""Hand-written gradients against central differences, and hand-written update rules against torch.optim."""

import typing
from typing import Any

import numpy as np
import pytest

from nnlab.backends.numpy import NumpyModel, in_float64
from nnlab.backends.torch import ExactNet
from nnlab.backends.updates import UpdateRule
from nnlab.dataset import Array, Split, Task
from nnlab.inspection.gradcheck import check_gradients
from nnlab.model import Optimizer
from nnlab.models import ann_torch, mlp_np
from nnlab.models._loss import loss_and_grad
from nnlab.models._product import product
from tests.model_fixtures import LR, OPTIMIZERS, batch, build, cases, moved, task_for


def by_hand() -> list[tuple[str, Task, int, dict[str, object]]]:
    """Every model whose gradients are written by hand, with each activation that it knows."""
    found: list[tuple[str, Task, int, dict[str, object]]] = []
    for name, task, outputs in cases():
        model = build(name, task, outputs)
        if isinstance(model, NumpyModel):
            found.append((name, task, outputs, {}))
            known = mlp_np.ACTIVATIONS if name == "mlp-np" else ()
            found += [(name, task, outputs, {"hidden": [5, 4], "activations": each}) for each in known]
    return found


@pytest.mark.parametrize(("name", "task", "outputs", "params"), by_hand())
def test_every_hand_written_gradient_agrees_with_finite_differences(
    name: str, task: str, outputs: int, params: dict[str, object]
) -> None:
    small = {"hidden": [5, 4]} if name == "mlp-np" else {}
    model = build(name, task, outputs, shape=(6,), **{**small, **params})
    assert isinstance(model, NumpyModel)
    net = moved(in_float64(model.net))
    _, found = check_gradients(net, batch(task, outputs), None, 1e-6, np.random.default_rng(0))
    assert [row.subject for row in found] == list(net.weights)
    assert all(row.outcome == "ok" for row in found), found
    assert all(row.values["measured"] == net.weights[row.subject].size and not row.values["kinks"] for row in found)


@pytest.mark.parametrize("activation", typing.get_args(ann_torch.Activation))
@pytest.mark.parametrize(("task", "outputs"), [("classification", 4), ("regression", 3)])
def test_the_fused_backward_pass_agrees_with_differences_and_autograd(activation: str, task: str, outputs: int) -> None:
    model = build("ann-torch", task, outputs, shape=(6,), hidden=[5, 4], activations=activation)
    fused, plain = (ExactNet(model.net, task_for(task, outputs), fused=fused) for fused in (True, False))
    _, found = check_gradients(fused, batch(task, outputs), plain, 1e-6, np.random.default_rng(0))
    assert all(row.outcome == "ok" and row.values["autograd"] is not None for row in found), found


def test_weights_kept_elsewhere_too_become_float64_with_the_others() -> None:
    class Own:
        def __init__(self) -> None:
            self.w = np.ones((2, 3), np.float32)
            self.weights = {"w": self.w}

        def forward(self, inputs: Array) -> Array:
            return inputs @ self.w.T

        def loss_and_grads(self, inputs: Array, targets: Array) -> tuple[float, dict[str, Array]]:
            loss, dz = loss_and_grad("mean squared error", self.forward(inputs), targets)
            return loss, {"w": dz.T @ inputs}

    own = Own()
    exact = in_float64(own)
    assert exact.w is exact.weights["w"]
    assert (exact.w.dtype, own.w.dtype) == (np.float64, np.float32)
    split = Split(np.random.default_rng(0).random((7, 3)), np.zeros((7, 2)))
    _, (row,) = check_gradients(exact, split, None, 1e-6, np.random.default_rng(0))
    assert row.outcome == "ok"


@pytest.mark.parametrize("scale", [1e3, 1e30])
@pytest.mark.parametrize("outputs", [1, 3])
def test_losses_stay_finite_where_probabilities_round_to_0_and_1(outputs: int, scale: float) -> None:
    scores = np.array([[1.0] * outputs, [-1.0] * outputs], np.float32) * np.float32(scale)
    scores[:, 0] *= -1
    loss, grad = loss_and_grad("cross-entropy", scores, np.array([0, 0]))
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

    from nnlab.backends.torch.optim import Update

    rng = np.random.default_rng(0)
    numpys = {"w": rng.standard_normal((5, 4)).astype(dtype), "b": rng.standard_normal(5).astype(dtype)}
    torches, theirs = (
        {key: torch.nn.Parameter(torch.from_numpy(weight.copy())) for key, weight in numpys.items()} for _ in range(2)
    )
    rule, update, reference = UpdateRule(optimizer), Update(optimizer, torches), torch_optim(optimizer, theirs)
    falling = torch.optim.lr_scheduler.LambdaLR(reference, lambda number: 1 / (1 + number))
    for number in range(20):
        lr = LR / (1 + number)
        grads = {key: rng.standard_normal(weight.shape).astype(dtype) for key, weight in numpys.items()}
        rule.step(numpys, grads, lr)
        for weights in (torches, theirs):
            for key, weight in weights.items():
                weight.grad = torch.from_numpy(grads[key].copy())
        update.step(lr)
        reference.step()
        falling.step()
    for key, weight in theirs.items():
        for ours in (numpys[key], torches[key].detach().numpy()):
            np.testing.assert_allclose(
                ours, weight.detach().numpy(), rtol=0, atol=2e-6 if dtype is np.float32 else 1e-12
            )


def torch_optim(o: Optimizer, weights: dict[str, Any]) -> Any:
    import torch

    if o.name == "sgd":
        return torch.optim.SGD(
            weights.values(), lr=LR, momentum=o.momentum, nesterov=o.nesterov, weight_decay=o.weight_decay
        )
    rule = torch.optim.Adam if o.name == "adam" else torch.optim.AdamW
    return rule(weights.values(), lr=LR, betas=o.betas, eps=o.eps, weight_decay=o.weight_decay)
