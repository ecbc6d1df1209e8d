"""Gradcheck: every model passes, every planted fault is caught and named, and kinks are no faults."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from nnlab import discover
from nnlab.backends.numpy import in_float64
from nnlab.backends.torch import ExactNet
from nnlab.dataset import Array, Classification, Split
from nnlab.errors import CheckError, ConfigError
from nnlab.experiment import resolve
from nnlab.finding import Finding
from nnlab.inspection import gradcheck
from nnlab.inspection.gradcheck import check_gradients
from nnlab.inspection.slopes import slopes
from nnlab.models import mlp_np, nn2_np
from tests.conftest import ROOT, Cli
from tests.model_fixtures import batch, build, moved

SIZES = {"mlp-np": ["model.hidden=[6, 6]", "model.activations=[tanh, relu]"], "cnn-torch": ["model.channels=[2]"]}
SIZES["ann-torch"] = SIZES["mlp-np"]


def config(folder: Path, model: str, dataset: str = "digits") -> Path:
    path = folder / f"{model}.yaml"
    path.write_text(f"model: {{name: {model}}}\ndataset: {{name: {dataset}}}\ntrain: {{epochs: 1}}\n")
    return path


@pytest.mark.parametrize("model", [name for name in discover.names("models") if name != "logreg-sklearn"])
def test_every_model_passes(model: str, tmp_path: Path) -> None:
    dataset = "car-prices" if Classification not in discover.model(model).tasks else "digits"
    found = gradcheck(resolve(config(tmp_path, model, dataset), SIZES.get(model, [])))
    assert found.whole.outcome == "ok", found
    assert "agree" in found.whole.detail
    assert {row.values["autograd"] is None for row in found.parameters} == {model == "cnn-torch"}


@pytest.mark.parametrize("model", ["logreg-np", "nn2-np", "mlp-np"])
def test_two_classes_are_held_against_one_logit_in_pytorch(model: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "two.npz", x=rng.random((30, 5), np.float32), y=np.arange(30) % 2)
    path = tmp_path / "two.yaml"
    path.write_text(f"model: {{name: {model}}}\ndataset: {{name: arrays, path: two.npz}}\ntrain: {{epochs: 1}}\n")
    found = gradcheck(resolve(path))
    assert found.whole.outcome == "ok", found
    assert all(row.values["autograd"] is not None for row in found.parameters)
    assert found.parameters[-1].values["shape"] == (1,)


def faulty_mlp(fault: str) -> type[mlp_np.Network]:
    """mlp-np's net with one line of its gradient wrong."""

    class Faulty(mlp_np.Network):
        def loss_and_grads(self, inputs: Array, targets: Array) -> tuple[float, dict[str, Array]]:
            loss, grads = super().loss_and_grads(inputs, targets)
            wrong = {
                "sign": lambda: {"2.weight": -grads["2.weight"]},
                "mean": lambda: {name: len(inputs) * grad for name, grad in grads.items()},
                "scale": lambda: {"4.weight": 3 * grads["4.weight"]},
                "transposed": lambda: {"2.weight": grads["2.weight"].T},
                "transposed shape": lambda: {"4.weight": grads["4.weight"].T},
                "missing bias": lambda: {"0.bias": 0 * grads["0.bias"]},
                "kept dimension": lambda: {"0.bias": grads["0.bias"][None]},
                "not finite": lambda: {"2.bias": grads["2.bias"] / 0},
                "float32": lambda: {"2.bias": grads["2.bias"].astype(np.float32)},
                "one element": lambda: {"2.weight": grads["2.weight"] + np.eye(5)},
            }[fault]
            with np.errstate(divide="ignore", invalid="ignore"):
                return loss, {**grads, **wrong()}

    return Faulty


FAULTS = {
    "sign": (["2.weight"], "the sign is wrong"),
    "mean": (["0.weight", "0.bias", "2.weight", "2.bias", "4.weight", "4.bias"], "1/m, the mean over the batch, is m"),
    "scale": (["4.weight"], "it is 3 times as large as it should be"),
    "transposed": (["2.weight"], "transposed"),
    "transposed shape": (["4.weight"], "transposed: its shape is (5, 4), the weight's (4, 5)"),
    "missing bias": (["0.bias"], "missing: it is 0, and a bias's"),
    "kept dimension": (["0.bias"], "the numbers are right, but its shape is (1, 5)"),
    "not finite": (["2.bias"], "5 of its numbers are not finite"),
    "float32": (["2.bias"], "it is float32 where the weights are float64"),
    "one element": (["2.weight"], "] is "),
}


def checked(fault: type[mlp_np.Network], activations: list[str], *, twin: bool) -> tuple[Finding, ...]:
    """What is found of a faulty net, with or without one in PyTorch to hold it against."""
    keys = {"shape": (6,), "hidden": [5, 5], "activations": activations}
    net = in_float64(build("mlp-np", "classification", 4, **keys).net)
    net.__class__ = fault
    moved(net)
    reference = ExactNet(build("ann-torch", "classification", 4, **keys).net, Classification())
    for name, weight in net.weights.items():
        reference.weights[name][...] = weight
    examples = batch("classification", 4)
    return check_gradients(net, examples, reference if twin else None, 1e-6, np.random.default_rng(0))[1]


@pytest.mark.parametrize("twin", [True, False])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_caught_and_named(fault: str, twin: bool) -> None:
    parameters, cause = FAULTS[fault]
    found = checked(faulty_mlp(fault), ["tanh", "relu"], twin=twin)
    assert [row.subject for row in found if row.outcome != "ok"] == parameters
    assert all(cause in row.detail for row in found if row.outcome != "ok"), found


TWO_LAYER_FAULTS = {
    "the sign is wrong": lambda grads: {"0.weight": -grads["0.weight"]},
    "1/m, the mean over the batch, is missing": lambda grads: {"0.bias": 7 * grads["0.bias"]},
    "transposed: its shape is (6, 3)": lambda grads: {"0.weight": grads["0.weight"].T},
    "missing: it is 0, and a bias's": lambda grads: {"2.bias": 0 * grads["2.bias"]},
}


@pytest.mark.parametrize("cause", TWO_LAYER_FAULTS)
@pytest.mark.parametrize("outputs", [2, 4])
def test_faults_planted_in_the_two_layer_net_are_caught_and_named(cause: str, outputs: int) -> None:
    class Faulty(nn2_np.TwoLayers):
        def loss_and_grads(self, inputs: Array, targets: Array) -> tuple[float, dict[str, Array]]:
            loss, grads = super().loss_and_grads(inputs, targets)
            return loss, {**grads, **TWO_LAYER_FAULTS[cause](grads)}

    net = in_float64(build("nn2-np", "classification", outputs, shape=(6,)).net)
    net.__class__ = Faulty
    examples = batch("classification", outputs)
    _, found = check_gradients(moved(net), examples, None, 1e-6, np.random.default_rng(0))
    (wrong,) = [row for row in found if row.outcome != "ok"]
    assert cause in wrong.detail


WRONG_DERIVATIVES = {
    "left out": (lambda z, a: np.ones_like(a), "the derivative of tanh after 2.weight is left out"),
    "given z": (lambda z, a: 1 - z * z, "f'(z) written in a = tanh(z) is given z instead"),
    "taken at a": (lambda z, a: 1 - np.tanh(a) ** 2, "f'(z) is taken at a = tanh(z)"),
    "another's": (lambda z, a: a * (1 - a), "the derivative of sigmoid stands in place of that of tanh"),
    "its own": (lambda z, a: 1 - a**3, "wrong from 2.bias back to 0.weight, and right from 4.weight on"),
}


def wrong_way_back(wrong: str) -> type[mlp_np.Network]:
    """mlp-np's net with another factor in place of the derivative of its second hidden layer's tanh."""
    factor = WRONG_DERIVATIVES[wrong][0]

    class Faulty(mlp_np.Network):
        def loss_and_grads(self, inputs: Array, targets: Array) -> tuple[float, dict[str, Array]]:
            x, a1, a2, scores = self._forward(inputs)
            loss, d3 = mlp_np.loss_and_grad("cross-entropy", scores, targets)
            d2 = (d3 @ self.weights["4.weight"]) * factor(self._linear(1, a1), a2)
            d1 = (d2 @ self.weights["2.weight"]) * (1 - a1 * a1)
            pairs = zip((0, 2, 4), (d1, d2, d3), (x, a1, a2), strict=True)
            both = [{f"{n}.weight": d.T @ a, f"{n}.bias": d.sum(axis=0)} for n, d, a in pairs]
            return loss, both[0] | both[1] | both[2]

    return Faulty


@pytest.mark.parametrize("wrong", WRONG_DERIVATIVES)
def test_a_wrong_derivative_is_told_from_the_layer_where_it_stands(wrong: str) -> None:
    for twin in (True, False):
        found = {row.subject: row for row in checked(wrong_way_back(wrong), ["tanh", "tanh"], twin=twin)}
        assert [name for name, row in found.items() if row.outcome == "ok"] == ["4.weight", "4.bias"]
        expected = WRONG_DERIVATIVES[wrong][1] if twin else WRONG_DERIVATIVES["its own"][1]
        assert expected in found["2.bias"].detail
        assert found["0.weight"].detail == "follows from 2.bias"


def test_a_loss_that_is_not_the_gradients_is_told_from_a_wrong_gradient() -> None:
    class Half(mlp_np.Network):
        def loss_and_grads(self, inputs: Array, targets: Array) -> tuple[float, dict[str, Array]]:
            loss, grads = super().loss_and_grads(inputs, targets)
            return loss / 2, grads

    found = checked(Half, ["tanh", "relu"], twin=True)
    assert all(row.outcome == "wrong" and "the gradient is PyTorch's, and the loss" in row.detail for row in found)


class Changing(mlp_np.Network):
    def loss_and_grads(self, inputs: Array, targets: Array) -> tuple[float, dict[str, Array]]:
        self.weights["0.bias"] -= 1e-3
        return super().loss_and_grads(inputs, targets)


class Drawing(mlp_np.Network):
    rng = np.random.default_rng(0)

    def loss_and_grads(self, inputs: Array, targets: Array) -> tuple[float, dict[str, Array]]:
        return super().loss_and_grads(inputs * self.rng.integers(2, size=inputs.shape), targets)


@pytest.mark.parametrize(("net", "said"), [(Changing, "changes 0.bias"), (Drawing, "and then .* for the same one")])
def test_a_net_that_cannot_be_checked_is_told_so(net: type[mlp_np.Network], said: str) -> None:
    with pytest.raises(CheckError, match=said):
        checked(net, ["tanh", "relu"], twin=False)


@pytest.mark.parametrize("distance", [0.0, 2e-6, 2.9e-6, 4e-6, 9e-6])
def test_no_slope_is_taken_across_a_kink(distance: float) -> None:
    weight = np.array([distance, 1.0])
    values, _ = slopes(lambda: float(np.maximum(weight, 0).sum()), weight, np.arange(2), 1.0)
    assert np.isnan(values).tolist() == [distance == 0, False]
    np.testing.assert_allclose(values[~np.isnan(values)], 1, atol=1e-7)
    assert weight.tolist() == [distance, 1.0]


def test_a_gradient_that_is_0_whatever_the_code_proves_nothing() -> None:
    net = in_float64(build("mlp-np", "classification", 4, shape=(6,), hidden=[5]).net)
    net.weights["0.bias"][...] = -100
    examples = batch("classification", 4)
    _, found = check_gradients(net, Split(examples.inputs, examples.targets), None, 1e-6, np.random.default_rng(0))
    assert [row.outcome for row in found] == ["not checked", "not checked", "not checked", "ok"]
    assert "the gradient is 0 here" in found[0].detail


def test_a_model_without_gradients_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="logreg-sklearn has no gradients"):
        gradcheck(resolve(config(tmp_path, "logreg-sklearn")))


def test_the_command_names_the_mistake_in_a_model_file_of_ones_own(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "nnlab", tmp_path / "nnlab", ignore=shutil.ignore_patterns("__pycache__"))
    right, wrong = " * (1 - hidden * hidden)", ""
    own = Path(nn2_np.__file__).read_text()
    assert own.count(right) == 1
    (tmp_path / "nnlab/models/mine_np.py").write_text(own.replace(right, wrong))
    command = [sys.executable, "-m", "nnlab", "gradcheck", str(config(tmp_path, "mine-np")), "seed=1"]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 3, done.stderr
    assert "2 of mine-np's 4 gradients are wrong" in done.stdout
    assert "the derivative of tanh after 0.weight is left out" in done.stdout
    assert done.stderr.startswith("error: the gradients of mine-np are not as they should be")


def test_the_command_prints_one_document(cli: Cli, tmp_path: Path) -> None:
    done = cli("gradcheck", config(tmp_path, "logreg-np"), "--rows", 3, "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["held"] is True
    assert document["rows"] == 3
    assert [row["parameter"] for row in document["parameters"]] == ["weight", "bias"]
    assert not list(tmp_path.glob("runs*"))


def without_the_shift(z: Array, targets: Array) -> tuple[float, Array]:
    """Cross-entropy of softmax(z) as it is written first: right while no score is large."""
    rows = np.arange(len(z))
    chances = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    loss = float(-np.log(chances[rows, targets]).mean())
    chances[rows, targets] -= 1
    return loss, chances / len(z)


def sigmoid_as_it_is_written_first(z: Array, targets: Array) -> tuple[float, Array]:
    """Binary cross-entropy that takes log(0) where a score is large."""
    y, a = targets.reshape(z.shape), 1 / (1 + np.exp(-z))
    loss = float(-(y * np.log(a) + (1 - y) * np.log(1 - a)).mean())
    return loss, (a - y) / len(z)


@pytest.mark.parametrize("model", ["logreg-np", "mlp-np"])
def test_softmax_without_the_shift_by_the_maximum_is_caught(
    model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolved = resolve(config(tmp_path, model), SIZES.get(model, []))
    assert gradcheck(resolved).large == ""
    monkeypatch.setattr("nnlab.models._loss.softmax_cross_entropy", without_the_shift)
    found = gradcheck(resolved)
    assert found.whole.outcome == "wrong"
    assert "overflows" in found.large
    assert "the largest score of a row must be taken off" in found.whole.detail
    assert all(row.outcome == "ok" for row in found.parameters)  # at small scores nothing is wrong


def test_a_sigmoid_that_takes_the_logarithm_of_0_is_caught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "two.npz", x=rng.random((30, 5), np.float32), y=np.arange(30) % 2)
    path = tmp_path / "two.yaml"
    path.write_text("model: {name: mlp-np}\ndataset: {name: arrays, path: two.npz}\ntrain: {epochs: 1}\n")
    monkeypatch.setattr("nnlab.models._loss.sigmoid_cross_entropy", sigmoid_as_it_is_written_first)
    found = gradcheck(resolve(path))
    assert found.whole.outcome == "wrong"
    assert "max(z, 0) - z y + log(1 + exp(-|z|))" in found.whole.detail
