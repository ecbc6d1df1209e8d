"""The fused way through a stack against autograd's, which stays the reference."""

import typing

import numpy as np
import pytest

from nnlab import discover
from nnlab.dataset import Array, Split
from nnlab.model import Model, Optimizer, Setup, Step
from nnlab.models import ann_torch
from tests.model_fixtures import ROWS, RULES, build, data, numbered, steps, task_for

FOUR = task_for("classification", 4)
ACTIVATIONS = typing.get_args(ann_torch.Activation)


def pair(task: str, outputs: int, **keys: typing.Any) -> tuple[Model, Model]:
    """The same model twice: fused, and with autograd."""
    fused, plain = (build("ann-torch", task, outputs, **keys) for _ in range(2))
    assert fused.fused is not None
    plain.fused = None
    return fused, plain


def trained(model: Model, split: Split, taken: list[Step]) -> tuple[Array, dict[str, Array], Array]:
    losses = model.train(model.put(split), taken)
    return losses, model.weights(), model.predict(model.put(split))


def assert_close(ours: tuple, theirs: tuple, tolerance: float = 5e-6) -> None:
    np.testing.assert_allclose(ours[0], theirs[0], rtol=tolerance, atol=tolerance)
    assert ours[1].keys() == theirs[1].keys()
    for name, weight in theirs[1].items():
        np.testing.assert_allclose(ours[1][name], weight, rtol=0, atol=tolerance, err_msg=name)
    np.testing.assert_allclose(ours[2], theirs[2], rtol=0, atol=10 * tolerance)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize(("task", "outputs"), [("classification", 4), ("regression", 3)])
def test_every_activation_trains_as_with_autograd(activation: str, task: str, outputs: int) -> None:
    models = pair(task, outputs, hidden=[12, 9], activations=activation)
    split, taken = data(task, outputs), steps(ROWS, 20, lr=0.1)
    assert_close(*(trained(model, split, taken) for model in models))


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("hidden", [[], [12, 9]], ids=["linear", "deep"])
def test_every_update_rule_trains_as_with_autograd(rule: str, hidden: list[int]) -> None:
    optimizer, lr = RULES[rule]
    models = pair("classification", 4, hidden=hidden, optimizer=optimizer)
    split = data("classification", 4)
    batches = [step.rows for step in [*steps(ROWS, 15), *steps(ROWS, 3, size=7)]]
    taken = numbered([*batches, np.arange(ROWS), *batches[:2]], lr)
    assert_close(*(trained(model, split, taken) for model in models), tolerance=2e-5)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("size", [1e-20, 1e-4, 30.0, 1e4])
def test_scores_hold_for_tiny_and_huge_inputs(activation: str, size: float) -> None:
    models = pair("classification", 4, hidden=[12, 9], activations=activation)
    split = data("classification", 4)
    split = Split(((split.inputs - 0.5) * size).astype(np.float32), split.targets)
    ours, theirs = (model.predict(model.put(split)) for model in models)
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=2e-6)


def test_what_is_no_plain_stack_is_left_to_autograd() -> None:
    assert build("ann-torch", "classification", 4, dropout=0.5).fused is None
    assert build("cnn-torch", "classification", 4).fused is None
    for name, task in (("logreg-torch", "classification"), ("linreg-torch", "regression")):
        assert build(name, task, 3).fused is not None


def test_shared_and_frozen_layers_are_left_to_autograd() -> None:
    from torch import nn

    from nnlab.backends.torch.fused import layers_of

    layer, frozen = nn.Linear(6, 6), nn.Sequential(nn.Linear(6, 6), nn.ReLU(), nn.Linear(6, 2))
    frozen[0].weight.requires_grad_(False)
    assert layers_of(nn.Sequential(layer, nn.ReLU(), layer)) is None
    assert layers_of(frozen) is None
    assert layers_of(nn.Sequential(nn.Linear(6, 6), nn.ReLU(), nn.Linear(6, 2, bias=False))) is None
    assert layers_of(nn.Sequential(nn.Linear(6, 6), nn.ReLU())) is None


@pytest.mark.parametrize("rule", RULES)
def test_frozen_weights_stay_and_the_others_learn(rule: str) -> None:
    from torch import nn

    from nnlab.backends.torch import TorchModel

    def net() -> nn.Sequential:
        made = nn.Sequential(nn.Linear(64, 12), nn.ReLU(), nn.Linear(12, 4))
        made[0].requires_grad_(False)
        return made

    optimizer, lr = RULES[rule]
    model = TorchModel(net, Setup((8, 8), FOUR, optimizer, device="cpu"))
    before = model.weights()
    losses, after, _ = trained(model, data("classification", 4), steps(ROWS, 60, lr=lr))
    assert np.array_equal(before["0.weight"], after["0.weight"])
    assert not np.array_equal(before["2.weight"], after["2.weight"])
    assert losses[-10:].mean() < losses[:10].mean()


def test_large_products_agree_with_small_ones() -> None:
    """Many rows at once may go through another library than few do."""
    model = build("ann-torch", "classification", 10, shape=(28, 28))
    rng = np.random.default_rng(0)
    split = Split(rng.random((2500, 784), dtype=np.float32), np.zeros(2500, np.int64))
    whole = model.predict(model.put(split))
    for first in (0, 1990, 2490):
        few = Split(split.inputs[first : first + 10], split.targets[:10])
        np.testing.assert_allclose(model.predict(model.put(few)), whole[first : first + 10], atol=1e-6)


@pytest.mark.parametrize("rule", ["sgd", "adam"])
def test_large_products_train_as_with_autograd(rule: str) -> None:
    optimizer, lr = RULES[rule]
    models = pair("classification", 10, hidden=[100, 80], activations="tanh", optimizer=optimizer, shape=(28, 28))
    rng = np.random.default_rng(0)
    split = Split(rng.random((1200, 784), dtype=np.float32), rng.integers(0, 10, 1200))
    assert_close(*(trained(model, split, steps(1200, 5, 1000, lr)) for model in models), tolerance=2e-5)


@pytest.mark.parametrize("model", ["ann-torch", "cnn-torch"])
def test_bf16_rounds_products_and_nothing_else(model: str) -> None:
    file = discover.model(model)
    split, taken = data("classification", 4), steps(ROWS, 30, lr=0.05)
    results = []
    for precision in ("float32", "bf16", "bf16"):
        setup = Setup((8, 8), FOUR, Optimizer(), 0, "cpu", precision)
        results.append(trained(file.build(file.params(), setup), split, taken))
    exact, rounded, again = results
    assert all(weight.dtype == np.float32 for weight in rounded[1].values())
    assert rounded[2].dtype == np.float32
    assert not np.array_equal(exact[0], rounded[0])
    np.testing.assert_allclose(rounded[0], exact[0], rtol=0.02)
    assert np.array_equal(rounded[0], again[0])
    assert all(np.array_equal(weight, again[1][name]) for name, weight in rounded[1].items())


@pytest.mark.gpu
def test_a_recorded_graph_takes_the_steps_it_recorded() -> None:
    import torch

    if not torch.cuda.is_available():
        pytest.skip("needs a CUDA device, and none is here")
    module, split = ann_torch, data("classification", 4)
    setup = Setup((8, 8), FOUR, Optimizer(), 0, "cuda")
    recorded, launched = (module.build(module.Params(hidden=[12, 9]), setup) for _ in range(2))
    launched.fused.plain = False  # asks the update rule each step, which is not recorded
    taken = [step._replace(lr=0.1 / (1 + step.number)) for step in steps(ROWS, 30)]
    assert_close(*(trained(model, split, taken) for model in (recorded, launched)))
