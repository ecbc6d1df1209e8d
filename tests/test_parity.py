"""Parity: twins agree step by step, a fault is found where it first shows, and what cannot be compared is refused."""

import json
from pathlib import Path

import numpy as np
import pytest

from nnlab.dataset import Array, quiet
from nnlab.errors import ConfigError, TrainingError
from nnlab.experiment import resolve
from nnlab.inspection import parity
from nnlab.inspection.parity import Parity, _model, _side, _side_by_side
from nnlab.model import Differentiable, Step
from nnlab.models import mlp_np
from tests.conftest import Cli
from tests.model_fixtures import build, cases, data, steppable

BASE = "{{name: {}, hidden: [12, 9], activations: [tanh, elu]}}"


def config(folder: Path, model: str, dataset: str = "digits", train: str = "epochs: 1, lr: 0.1") -> Path:
    path = folder / f"{model}.yaml"
    named = BASE.format(model) if model in ("mlp-np", "ann-torch") else f"{{name: {model}}}"
    path.write_text(f"model: {named}\ndataset: {{name: {dataset}}}\ntrain: {{{train}}}\n")
    return path


def twins(folder: Path, *overrides: str, steps: int = 8, tolerance: float = 1e-5) -> Parity:
    pair = [resolve(config(folder, model), list(overrides)) for model in ("mlp-np", "ann-torch")]
    return parity(*pair, steps, tolerance)


@pytest.mark.parametrize(("name", "task", "outputs"), steppable())
def test_gradients_are_those_of_the_step_and_change_nothing(name: str, task: str, outputs: int) -> None:
    model, again = (build(name, task, outputs) for _ in range(2))
    assert isinstance(model, Differentiable)
    split, step = data(task, outputs), Step(np.arange(10), 0, 0.02)
    placed = model.put(split)
    before, state = model.weights(), model.optimizer_state()
    loss, grads = model.gradients(placed, step)
    assert all(np.array_equal(before[key], weight) for key, weight in model.weights().items())
    assert list(state) == list(model.optimizer_state())
    losses = model.train(placed, [step])
    assert loss == pytest.approx(float(losses[0]), rel=1e-6)
    for key, weight in model.weights().items():
        np.testing.assert_allclose(before[key] - weight, 0.02 * grads[key], rtol=0, atol=2e-7)
    again.train(again.put(split), [step])
    assert all(np.array_equal(weight, again.weights()[key]) for key, weight in model.weights().items())


def test_a_model_that_takes_no_steps_is_not_differentiable() -> None:
    without = [case for case in cases() if case not in steppable()]
    assert not any(isinstance(build(*case), Differentiable) for case in without)


@pytest.mark.parametrize("overrides", [[], ["train.momentum=0.9"], ["train.batch_size=full"]])
def test_twins_agree(tmp_path: Path, overrides: list[str]) -> None:
    found = twins(tmp_path, *overrides)
    assert found.whole.outcome == "ok"
    assert found.whole.detail.startswith("the implementations agree to ")
    assert len(found.steps) == found.agreed == 8
    assert 0 < found.largest < 1e-5


def test_a_model_agrees_with_itself_to_the_bit(tmp_path: Path) -> None:
    same = resolve(config(tmp_path, "mlp-np"))
    assert parity(same, same, 3).largest == 0


def test_a_wrong_gradient_is_found_where_it_first_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    right = mlp_np.Network.loss_and_grads
    calls = []

    def wrong_later(self: mlp_np.Network, inputs: Array, targets: Array) -> tuple[float, dict[str, Array]]:
        loss, grads = right(self, inputs, targets)
        calls.append(1)
        if len(calls) > 6:  # two calls a step: one shows the gradients and one takes the step
            grads["2.weight"] = 1.01 * grads["2.weight"]
        return loss, grads

    monkeypatch.setattr(mlp_np.Network, "loss_and_grads", wrong_later)
    found = twins(tmp_path)
    assert found.whole.outcome == "wrong"
    assert found.whole.detail.startswith("part at step 4 in 2.weight (gradient), by 1e-02")
    assert (found.agreed, found.parting.subject, found.parting.outcome) == (3, "2.weight (gradient)", "wrong")


def test_a_wrong_update_is_found_in_the_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nnlab.backends.updates.UpdateRule.step", lambda self, weights, grads, lr: None)
    found = twins(tmp_path)
    assert (found.parting.values["step"], found.parting.values["what"]) == (1, "weights")


@pytest.mark.parametrize(("above", "rounding"), [(1e-9, True), (1e-3, False)])
def test_a_unit_within_rounding_of_a_kink_is_told_from_a_fault(tmp_path: Path, above: float, rounding: bool) -> None:
    """A relu whose input is a little below 0 on one side and above it on the other; all weights are near."""
    path, overrides = config(tmp_path, "mlp-np"), ["model.activations=relu", "train.lr=1e-6"]
    side = _side(resolve(path, overrides), None, quiet)
    models = _model(side), _model(side)
    weights = models[0].weights()
    weights["2.weight"][0], weights["2.bias"][0] = 0, -above
    models[0].load_weights(weights)
    weights["2.bias"][0] = above
    models[1].load_weights(weights)
    found, parting = _side_by_side(models, side, 2, 1e-2)
    assert len(found) == 2
    assert [parting.values[key] for key in ("step", "what", "rounding")] == [1, "gradient", rounding]
    for model, before in ((models[0], -above), (models[1], above)):
        assert abs(model.weights()["2.bias"][0] - before) < 1e-5  # it went on from where it was


@pytest.mark.parametrize(
    ("train", "said"),
    [
        ("epochs: 1, lr: 0.1, batch_size: 16", "train.batch_size is 32 and 16"),
        ("epochs: 1, lr: 0.2", "train.lr is 0.1 and 0.2"),
        ("epochs: 1, lr: 0.1, optimizer: adam", "train.optimizer is sgd and adam"),
    ],
)
def test_configs_that_take_other_steps_are_refused(tmp_path: Path, train: str, said: str) -> None:
    pair = resolve(config(tmp_path, "mlp-np")), resolve(config(tmp_path, "ann-torch", train=train))
    with pytest.raises(ConfigError, match=said) as refused:
        parity(*pair)
    assert said.split()[0] + "=" in refused.value.hint


def test_configs_on_other_examples_are_refused(tmp_path: Path) -> None:
    first, second = config(tmp_path, "mlp-np"), config(tmp_path, "ann-torch")
    second.write_text(second.read_text().replace("name: digits", "name: digits, val_fraction: 0.1"))
    with pytest.raises(ConfigError, match="do not train on the same examples"):
        parity(resolve(first), resolve(second))


def test_networks_of_another_shape_and_models_without_steps_are_refused(tmp_path: Path) -> None:
    one = resolve(config(tmp_path, "mlp-np"))
    other = resolve(config(tmp_path, "ann-torch"), ["model.hidden=[12, 8]"])
    with pytest.raises(ConfigError, match=r"2.weight is \(9, 12\) in mlp-np and \(8, 12\) in ann-torch"):
        parity(one, other)
    with pytest.raises(ConfigError, match="logreg-sklearn takes no training steps"):
        parity(one, resolve(config(tmp_path, "logreg-sklearn", train="epochs: 1, lr: 0.1")))


def test_where_both_diverge_there_is_nothing_to_compare(tmp_path: Path) -> None:
    found = [resolve(config(tmp_path, "linreg-torch", "car-prices"), ["train.lr=1e6"]) for _ in range(2)]
    with pytest.raises(TrainingError, match="in both"):
        parity(*found, 200)


def test_the_command_says_where_they_part_and_who_tells_why(cli: Cli, tmp_path: Path) -> None:
    config(tmp_path, "mlp-np")
    config(tmp_path, "ann-torch")
    done = cli("parity", "mlp-np.yaml", "ann-torch.yaml", "--steps", 3, "--tolerance", 1e-9)
    assert done.returncode == 3, done.stderr
    assert "part at step 1 in " in done.stdout
    assert "hint: nnlab gradcheck mlp-np.yaml" in done.stderr
    done = cli("parity", "mlp-np.yaml", "ann-torch.yaml", "--steps", 3, "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert [step["step"] for step in document["steps"]] == [1, 2, 3]
    assert document["parting"] is None


def test_softmax_without_the_shift_by_the_maximum_is_caught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def without(z: Array, targets: Array) -> tuple[float, Array]:
        rows, chances = np.arange(len(z)), np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
        loss = float(-np.log(chances[rows, targets]).mean())
        chances[rows, targets] -= 1
        return loss, chances / len(z)

    assert twins(tmp_path).large == ""
    monkeypatch.setattr("nnlab.models._loss.softmax_cross_entropy", without)
    found = twins(tmp_path)
    assert found.whole.outcome == "wrong"
    assert found.parting is None
    assert "mlp-np overflows" in found.whole.detail
