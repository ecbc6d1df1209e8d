"""The steps: what changes from one to the next reaches every backend, however they are handed over."""

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from typing import Any

import numpy as np
import pytest

from nnlab.backends.numpy import Drawn, NumpyModel, in_float64
from nnlab.dataset import Array, Split
from nnlab.dataset.task import Classification
from nnlab.dataset.transform import Scaling
from nnlab.fit import Plan, each_step, fit
from nnlab.inspection.gradcheck import check_gradients
from nnlab.model import Differentiable, Model, Optimizer, Setup, Step
from nnlab.models._loss import loss_and_grad
from nnlab.randomness import Purpose, generator
from nnlab.standing import Standing
from tests.model_fixtures import ROWS, RULES, SHAPE, batch, build, data, steppable, steps, task_for

KEYS: dict[str, Any] = {"hidden": [12, 9], "activations": ["tanh", "elu"]}


def falling(taken: list[Step]) -> list[Step]:
    """The same steps at ever lower learning rates."""
    return [step._replace(lr=step.lr / (1 + step.number / 5)) for step in taken]


def without_autograd(model: Any) -> Any:
    assert model.fused is not None
    return model


def with_autograd(model: Any) -> Any:
    model.fused = None
    return model


BACKENDS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "numpy": ("mlp-np", lambda model: model),
    "fused": ("ann-torch", without_autograd),
    "autograd": ("ann-torch", with_autograd),
}


def made(backend: str, optimizer: Optimizer) -> Model:
    name, change = BACKENDS[backend]
    model: Model = change(build(name, "classification", 4, optimizer=optimizer, **KEYS))
    return model


def assert_same(ours: Model, theirs: Model) -> None:
    weights = theirs.weights()
    assert all(np.array_equal(weight, weights[name]) for name, weight in ours.weights().items())


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("rule", RULES)
def test_a_learning_rate_that_changes_each_step_is_that_of_torchs_scheduler(rule: str, backend: str) -> None:
    import torch

    optimizer, lr = RULES[rule]
    model, split, taken = made(backend, optimizer), data("classification", 4), falling(steps(ROWS, 30, lr=lr))
    net = torch.nn.Sequential(
        torch.nn.Linear(64, 12), torch.nn.Tanh(), torch.nn.Linear(12, 9), torch.nn.ELU(), torch.nn.Linear(9, 4)
    )
    net.load_state_dict({name: torch.from_numpy(weight) for name, weight in model.weights().items()})
    o = optimizer
    kinds = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam, "adamw": torch.optim.AdamW}
    own = {"momentum": o.momentum, "nesterov": o.nesterov} if o.name == "sgd" else {"betas": o.betas, "eps": o.eps}
    reference = kinds[o.name](net.parameters(), lr=lr, weight_decay=o.weight_decay, **own)
    scheduler = torch.optim.lr_scheduler.LambdaLR(reference, lambda number: 1 / (1 + number / 5))
    losses = []
    for step in taken:
        reference.zero_grad()
        rows = torch.from_numpy(step.rows)
        inputs, targets = (torch.from_numpy(array)[rows] for array in (split.inputs, split.targets))
        loss = torch.nn.functional.cross_entropy(net(inputs), targets)
        loss.backward()
        reference.step()
        scheduler.step()
        losses.append(loss.item())
    np.testing.assert_allclose(model.train(model.put(split), taken), losses, rtol=2e-5)
    for name, weight in net.state_dict().items():
        np.testing.assert_allclose(model.weights()[name], weight.numpy(), rtol=0, atol=2e-5, err_msg=name)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("backend", BACKENDS)
def test_how_steps_are_handed_over_changes_no_bit(rule: str, backend: str) -> None:
    optimizer, lr = RULES[rule]
    split, taken = data("classification", 4), falling(steps(ROWS, 20, lr=lr))
    whole, parts = made(backend, optimizer), made(backend, optimizer)
    losses = whole.train(whole.put(split), taken)
    placed = parts.put(split)
    pieces = [parts.train(placed, taken[at : at + size]) for at, size in ((0, 1), (1, 6), (7, 13))]
    assert np.array_equal(losses, np.concatenate(pieces))
    assert_same(whole, parts)


@pytest.mark.parametrize(("name", "task", "outputs"), steppable())
def test_an_update_is_as_large_as_its_steps_learning_rate(name: str, task: str, outputs: int) -> None:
    model, rows = build(name, task, outputs), np.arange(10)
    assert isinstance(model, Differentiable)
    placed = model.put(data(task, outputs))
    for number, lr in enumerate((0.02, 0.1, 0.005, 0.0)):
        step, before = Step(rows, number, lr), model.weights()
        _, grads = model.gradients(placed, step)
        model.train(placed, [step])
        for key, weight in model.weights().items():
            np.testing.assert_allclose(before[key] - weight, lr * grads[key], rtol=1e-4, atol=5e-7)


class Falling(Plan):
    """A plan whose learning rate falls."""

    def lr_at(self, number: int) -> float:
        return self.lr / (1 + number)


def test_fit_hands_over_what_the_plan_says_of_each_step() -> None:
    plan = Falling(12, 16, 5, 3, 0.1)
    taken = [step for step, _ in zip(each_step(ROWS, plan), range(12), strict=False)]
    assert [step.number for step in taken] == list(range(12))
    assert [step.lr for step in taken] == [0.1 / (1 + number) for number in range(12)]
    by_fit, by_hand = made("numpy", Optimizer()), made("numpy", Optimizer())
    split = data("classification", 4)
    list(fit(by_fit, by_fit.put(split), ROWS, (by_fit.put(split), split, Classification()), plan))
    by_hand.train(by_hand.put(split), taken)
    assert_same(by_fit, by_hand)
    later = next(each_step(ROWS, plan, 7))
    assert np.array_equal(later.rows, taken[7].rows)
    assert later[1:] == taken[7][1:]


@pytest.mark.parametrize(("task", "outputs"), [("classification", 4), ("regression", 3)])
def test_a_learning_rate_on_the_device_makes_the_same_step(task: str, outputs: int) -> None:
    """What a CUDA graph records, here without one."""
    import torch

    number, scalar = (build("ann-torch", task, outputs, **KEYS) for _ in range(2))
    split, lr = data(task, outputs), torch.zeros(())
    inputs, targets = (torch.from_numpy(array) for array in (split.inputs, split.targets))
    for step in falling(steps(ROWS, 30, lr=0.1)):
        rows = torch.from_numpy(step.rows)
        lr.fill_(step.lr)
        with torch.no_grad():
            losses = [
                number.fused.step(inputs[rows], targets[rows], step.lr),
                scalar.fused.plain_step(inputs[rows], targets[rows], lr),
            ]
        np.testing.assert_allclose(losses[0], losses[1], rtol=1e-5)
    for name, weight in number.weights().items():
        np.testing.assert_allclose(scalar.weights()[name], weight, rtol=0, atol=2e-6, err_msg=name)


def test_a_recorded_step_reads_rows_and_learning_rate_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """The recording itself, where launching it again means calling the step with what it had been called with."""
    import torch

    from nnlab.backends.torch.graph import Graph

    class Stream:
        def wait_stream(self, other: object) -> None:
            """There is nothing to wait for."""

    for name, stub in {
        "device": nullcontext,
        "stream": nullcontext,
        "Stream": Stream,
        "current_stream": Stream,
        "CUDAGraph": lambda: None,
        "graph": nullcontext,
    }.items():
        monkeypatch.setattr(torch.cuda, name, stub)
    weight = torch.zeros(4)

    def step(rows: torch.Tensor, lr: torch.Tensor) -> torch.Tensor:
        weight[rows] -= lr
        return lr * 1

    graph = Graph(step, torch.tensor([0, 1]), [weight])
    assert weight.tolist() == [0, 0, 0, 0]

    class Recording:
        def replay(self) -> None:
            graph.loss.copy_(step(graph.rows, graph.lr))

    graph.graph = Recording()
    assert graph(torch.tensor([0, 1]), 0.5).item() == 0.5
    assert graph(torch.tensor([1, 3]), 0.25).item() == 0.25
    assert weight.tolist() == [-0.5, -0.75, 0, -0.25]


@pytest.mark.parametrize(("name", "params"), [("ann-torch", {"hidden": [8]}), ("cnn-torch", {"channels": [2]})])
def test_dropout_depends_on_the_steps_number_alone(name: str, params: dict[str, Any]) -> None:
    split, taken = data("classification", 4), steps(ROWS, 10)
    straight, first, second, other = (build(name, "classification", 4, dropout=0.5, **params) for _ in range(4))
    losses = straight.train(straight.put(split), taken)
    first.train(first.put(split), taken[:6])
    for model, rest in ((second, taken[6:]), (other, [step._replace(number=99) for step in taken[6:]])):
        model.load_weights(first.weights())
        same = np.array_equal(model.train(model.put(split), rest), losses[6:])
        assert same == (model is second)
    assert_same(straight, second)


class Dropped:
    """h = max(0, x V^T), of which a step keeps four fifths; z = h W^T."""

    draws = Purpose.DROPOUT

    def __init__(self, task: str, outputs: int, seed: int, features: int) -> None:
        rng = generator(seed, Purpose.WEIGHTS)
        self.loss = task_for(task, outputs).loss
        self.weights = {
            "0.weight": (0.3 * rng.standard_normal((12, features))).astype(np.float32),
            "2.weight": (0.3 * rng.standard_normal((outputs, 12))).astype(np.float32),
        }

    def _both(self, inputs: Array, rng: np.random.Generator | None) -> tuple[Array, Array, Array]:
        z = inputs @ self.weights["0.weight"].T
        kept = (z > 0).astype(z.dtype)
        if rng is not None:
            kept *= (rng.random(z.shape) < 0.8) / z.dtype.type(0.8)
        hidden = z * kept
        return kept, hidden, hidden @ self.weights["2.weight"].T

    def forward(self, inputs: Array, rng: np.random.Generator | None = None) -> Array:
        return self._both(inputs, rng)[-1]

    def loss_and_grads(self, inputs: Array, targets: Array, rng: np.random.Generator) -> tuple[float, dict[str, Array]]:
        kept, hidden, scores = self._both(inputs, rng)
        loss, d = loss_and_grad(self.loss, scores, targets)
        back = (d @ self.weights["2.weight"]) * kept
        return loss, {"0.weight": back.T @ inputs, "2.weight": d.T @ hidden}


def dropped(task: str = "classification", outputs: int = 4, seed: int = 0, target: Scaling | None = None) -> Model:
    setup = Setup(SHAPE, task_for(task, outputs), Optimizer("adam"), seed, "cpu", target=target)
    return NumpyModel(Dropped(task, outputs, seed, setup.features), setup)


def test_a_numpy_net_draws_the_same_when_it_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    plan, split = Plan(33, 8, 10, 3, 0.01, pause_every=13), data("classification", 4)

    def records(model: Model, start: Standing) -> Iterator[Any]:
        placed = model.put(split)
        return fit(model, placed, ROWS, (placed, split, Classification()), plan, start)

    straight, first, second = dropped(), dropped(), dropped()
    *_, last = records(straight, Standing())
    stopped = next(at for at in records(first, Standing()) if at.step == 13)
    second.load_weights(first.weights())
    second.load_optimizer_state(first.optimizer_state())
    *_, gone_on = records(second, stopped)
    assert np.array_equal(gone_on.losses, last.losses)
    assert_same(straight, second)


def test_what_a_numpy_net_draws_is_of_the_seed_and_the_step_and_not_of_predictions() -> None:
    split = data("classification", 4)
    model, again, other = dropped(), dropped(), dropped(seed=1)
    other.load_weights(model.weights())
    placed, rows = model.put(split), np.arange(ROWS)
    assert np.array_equal(model.predict(placed), model.predict(placed))
    found = [model.gradients(placed, Step(rows, number, 0.1))[0] for number in (0, 1, 0)]
    assert found[0] == found[2] != found[1]
    assert found[0] == again.gradients(placed, Step(rows, 0, 0.1))[0] == again.train(placed, [Step(rows, 0, 0.1)])[0]
    assert found[0] != other.gradients(placed, Step(rows, 0, 0.1))[0]


def test_a_numpy_net_that_draws_gives_the_loss_of_what_it_drew_in_the_targets_own_units() -> None:
    scaling = Scaling((1.0, -2.0, 0.0), (3.0, 0.5, 10.0))
    split = data("regression", 3)
    model = dropped("regression", 3, target=scaling)
    placed = model.put(split)
    net = Drawn(model.net, 0, 5)
    errors = net.forward(placed.inputs).astype(np.float64) - placed.targets
    loss = model.gradients(placed, Step(np.arange(ROWS), 5, 0.1))[0]
    assert loss == pytest.approx(float((scaling.squares * errors * errors).mean()))


@pytest.mark.parametrize(("task", "outputs"), [("classification", 4), ("regression", 3)])
def test_the_gradients_of_a_numpy_net_that_draws_can_be_checked(task: str, outputs: int) -> None:
    net = in_float64(Dropped(task, outputs, 0, 6))
    examples: Split = batch(task, outputs)
    _, found = check_gradients(net, examples, None, 1e-6, np.random.default_rng(0))
    assert found
    assert all(row.outcome == "ok" for row in found), found
