"""The check before a run: each fault is found where it is, and not where it is not; nothing is left behind."""

import json
import math
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pydantic import create_model

from nnlab.budget import given
from nnlab.config import Named
from nnlab.datasets import Examples, build
from nnlab.datasets._columns import id_like
from nnlab.errors import ConfigError
from nnlab.experiment import resolve
from nnlab.experiment.loading import load_dataset
from nnlab.experiment.making import model_for
from nnlab.experiment.ready import prepare
from nnlab.experiment.train import process_bytes
from nnlab.inspection import checkup
from nnlab.inspection.checkup import learning
from nnlab.inspection.checkup.costs import memory_needed, size, words
from nnlab.inspection.checkup.data import of_data
from nnlab.inspection.checkup.learning import by_heart, few, initial_loss
from nnlab.inspection.checkup.scores import scores
from nnlab.model import Optimizer, Setup
from nnlab.models import mlp_np
from nnlab.models._loss import sigmoid
from tests.conftest import ROOT, Cli
from tests.model_fixtures import SHAPE, cases, data, task_for
from tests.model_fixtures import build as build_model


def table(inputs, targets, test=None, *, classes=("no", "yes"), names=(), **keys):
    """A dataset of these arrays; ``test`` is a pair like the first two."""

    def examples(x, y):
        return Examples(np.asarray(x, np.float32), np.asarray(y, np.int64 if classes else np.float32))

    held = examples(*test) if test else None
    return build("csv", None, 0, examples(inputs, targets), held, classes=classes, feature_names=names, **keys)


def found(dataset, **params):
    """The findings about a dataset, by subject."""
    keys = create_model("Params", **{key: (type(value), value) for key, value in params.items()})()
    return {one.subject: one for one in of_data(dataset, Named("csv", keys))}


def points(rows=60, features=3, seed=0):
    """Inputs around 0 with a deviation of 1, and whether their sum is positive."""
    inputs = np.random.default_rng(seed).standard_normal((rows, features)).astype(np.float32)
    return inputs, (inputs.sum(axis=1) > 0).astype(np.int64)


def test_good_data_has_no_warning():
    everything = found(table(*points(), points(20, seed=1)))
    assert {one.outcome for one in everything.values()} == {"ok"}
    assert list(everything) == [
        "constant features",
        "scale of features",
        "class balance",
        "rows in two splits",
        "equal inputs, other targets",
    ]


def test_constant_features_are_a_fault_of_tables_and_usual_in_pictures():
    inputs, targets = points()
    inputs[:, 1] = 7
    fault = found(table(inputs, targets, names=("a", "b", "c")), features=None)["constant features"]
    assert (fault.outcome, fault.values) == ("warning", {"constant": 1, "features": 3})
    assert fault.detail.endswith(": b")
    assert "dataset.features" in fault.advice
    pictures = np.random.default_rng(0).random((60, 4, 4))
    pictures[:, 0] = 0
    usual = found(table(pictures, targets))["constant features"]
    assert (usual.outcome, usual.values["constant"]) == ("ok", 4)
    nothing = found(table(np.ones((60, 4, 4)), targets))["constant features"]
    assert (nothing.outcome, "nothing to learn" in nothing.detail) == ("warning", True)


def test_features_that_are_not_scaled_are_named_with_the_key_that_scales_them():
    inputs, targets = points()
    inputs[:, 2] *= 1000
    dataset = table(inputs, targets, names=("a", "b", "income"))
    fault = found(dataset, standardise=False)["scale of features"]
    assert (fault.outcome, fault.advice) == ("warning", "dataset.standardise=true")
    assert "income" in fault.detail
    assert found(dataset)["scale of features"].advice.startswith("divide")
    assert found(table(inputs, targets, standardise=True))["scale of features"].outcome == "ok"
    uneven = inputs / np.float32([1, 1, 1e6])
    assert found(table(uneven, targets))["scale of features"].outcome == "warning"
    rarely_lit = uneven.reshape(60, 1, 3)
    assert found(table(rarely_lit, targets))["scale of features"].outcome == "ok"


def test_classes_are_counted_and_missing_and_rare_ones_told():
    inputs, _ = points(120)
    balance = found(table(inputs, [0] * 60 + [1] * 60, (inputs[:4] + 1, [0, 1, 0, 1])))["class balance"]
    assert (balance.outcome, balance.values["train"]) == ("ok", {"no": 60, "yes": 60})
    assert "50.0 %" in balance.detail
    rare = found(table(inputs, [0] * 112 + [1] * 8))["class balance"]
    assert (rare.outcome, "93.3 %" in rare.detail) == ("warning", True)
    missing = found(table(inputs, [0] * 60 + [1] * 60, (inputs[:4] + 1, [0] * 4)))["class balance"]
    assert missing.outcome == "warning"
    assert missing.detail.endswith("test has no example of yes")


def test_values_that_are_large_or_all_alike_are_told():
    inputs, _ = points()
    line = inputs.sum(axis=1, keepdims=True)
    assert found(table(inputs, line, classes=()))["targets"].outcome == "ok"
    assert "divide" in found(table(inputs, 1000 * line, classes=()))["targets"].advice
    assert "one value" in found(table(inputs, 0 * line, classes=()))["targets"].detail


def test_rows_that_stand_in_two_splits_are_counted():
    inputs, targets = points()
    test = np.vstack([inputs[:3], inputs[:7] + 5])
    fault = found(table(np.vstack([inputs, inputs[5:7]]), [*targets, *targets[5:7]], (test, targets[:10])))
    shared = fault["rows in two splits"]
    assert (shared.outcome, shared.values) == ("warning", {"train_twice": 2, "test": 3})
    assert shared.detail.startswith("3 of 10 (30.0 %) rows of test stand in train too")
    alone = found(table(inputs, targets))["rows in two splits"]
    assert (alone.outcome, alone.detail) == ("untold", "there is no other split than train")


def test_a_test_row_that_stands_in_val_is_found_too():
    dataset = table(*points(), points(20, seed=1))
    split = replace(dataset, val=dataset.test)
    assert found(split)["rows in two splits"].values == {"train_twice": 0, "val": 0, "test": 0, "test_and_val": 20}


def test_a_row_stands_in_two_splits_only_where_its_target_does_too():
    """Rooms 1 to 10 again and again, and each time at another price: nothing here has been seen before."""
    rooms = np.tile(np.arange(1.0, 11), 20)[:, None]
    prices = 75_000 * rooms + np.random.default_rng(0).integers(1, 10**6, (200, 1))
    everything = found(table(rooms[:160], prices[:160], (rooms[160:], prices[160:]), classes=()))
    assert (everything["rows in two splits"].outcome, everything["rows in two splits"].values["test"]) == ("ok", 0)
    other = everything["equal inputs, other targets"]
    assert (other.outcome, other.values) == ("ok", {"rows": 160, "test": 40})
    assert "40 of 40 (100.0 %) rows of test have the inputs of one of train" in other.detail
    again = np.vstack([prices[160:198], prices[8:10]])
    shared = found(table(rooms[:160], prices[:160], (rooms[160:], again), classes=()))
    assert shared["rows in two splits"].detail.startswith("2 of 40 (5.0 %) rows of test stand in train too")
    assert shared["equal inputs, other targets"].values["test"] == 38


def test_a_row_of_test_with_the_inputs_of_a_training_row_and_another_class_is_a_fault():
    inputs, targets = points()
    split = found(table(inputs, targets, (inputs[:6], [*targets[:4], *(1 - targets[4:6])])))
    assert split["rows in two splits"].values["test"] == 4
    other = split["equal inputs, other targets"]
    assert (other.outcome, other.values) == ("warning", {"rows": 0, "test": 2})
    assert other.detail == "2 of 6 (33.3 %) rows of test have the inputs of one of train"


@pytest.mark.parametrize(
    ("values", "like"),
    [
        (np.arange(100_000, 100_060), True),
        (np.arange(60), True),
        (np.cumsum(np.arange(1, 61)), True),  # with gaps
        (np.arange(60)[::-1], False),
        (np.tile(np.arange(1, 11), 6), False),
        (np.arange(60) / 2, False),
        (np.arange(3, 10), False),  # too few to tell
        ([*range(59), np.nan], False),
        (np.random.default_rng(0).permutation(60), False),
        (np.sort(np.random.default_rng(0).standard_normal(60)), False),
    ],
)
@pytest.mark.parametrize("standardise", [False, True])
def test_a_column_that_counts_the_rows_is_told_from_others(values, like, standardise):
    assert id_like(np.asarray(values)) == like
    if np.isnan(values).any():
        return
    inputs, targets = points(len(values))
    whole = np.column_stack([inputs.astype(np.float64), values])
    everything = found(table(whole, targets, names=("a", "b", "c", "id"), standardise=standardise))
    assert ("columns that count the rows" in everything) == like
    if like:
        one = everything["columns that count the rows"]
        assert (one.outcome, one.values) == ("warning", {"columns": ["id"]})
        assert one.detail == "column 'id' is all different, rising whole numbers"
        assert one.advice == "exclude it with dataset.exclude: [id]"


def test_a_split_leaves_what_counts_the_rows_in_sight(tmp_path):
    rows = "".join(f"{100_000 + row},{a},{'yes' if a > 0 else 'no'}\n" for row, (a,) in enumerate(points(60, 1)[0]))
    (tmp_path / "id.csv").write_text(f"id,a,label\n{rows}")
    (tmp_path / "c.yaml").write_text(
        "model: {name: logreg-np}\ndataset: {name: csv, path: id.csv, target: label}\ntrain: {steps: 1}\n"
    )
    _, dataset, _ = load_dataset(resolve(tmp_path / "c.yaml", ["dataset.val_fraction=0.2"]).config)
    assert found(dataset)["columns that count the rows"].values == {"columns": ["id"]}


def test_several_columns_that_count_and_columns_without_names_are_named():
    inputs, targets = points(60, 1)
    whole = np.column_stack([np.arange(60), inputs, np.arange(60) + 7])
    one = found(table(whole, targets))["columns that count the rows"]
    assert one.detail == "columns 0, 2 are all different, rising whole numbers"
    assert one.advice == "exclude them with dataset.exclude: [0, 2]"


def test_equal_inputs_with_other_targets_are_a_fault_of_classes_alone():
    inputs, targets = points()
    twice = np.vstack([inputs, inputs[:2]])
    fault = found(table(twice, [*targets, *(1 - targets[:2])]))["equal inputs, other targets"]
    assert (fault.outcome, fault.values) == ("warning", {"rows": 4})
    line = twice.sum(axis=1, keepdims=True) + np.arange(62)[:, None]
    assert found(table(twice, line, classes=()))["equal inputs, other targets"].outcome == "ok"


@pytest.fixture
def linear(tmp_path):
    """The config of a linear model in NumPy on a table that is not there: its data is made by each test."""
    path = tmp_path / "linear.yaml"
    (tmp_path / "t.csv").write_text("x,y\n1,2\n")
    path.write_text(
        "model: {name: mlp-np, hidden: []}\ndataset: {name: csv, path: t.csv, target: y}\ntrain: {steps: 50, lr: 0.1}\n"
    )

    def config(lr=0.1):
        return resolve(path, [f"train.lr={lr}", f"dataset.path={tmp_path / 't.csv'}"]).config

    return config


def test_the_initial_loss_of_scaled_inputs_is_that_of_knowing_nothing(linear):
    inputs, targets = points()
    for factor, verdict in ((1, "ok"), (1000, "warning")):
        dataset = table(factor * inputs, targets)
        one = initial_loss(linear(), dataset, model_for(linear(), dataset))
        assert (one.outcome, one.values["knowing_nothing"]) == (verdict, math.log(2))


def test_values_are_held_against_guessing_nothing(linear):
    inputs, _ = points()
    line = inputs.sum(axis=1, keepdims=True) + 6
    dataset = table(inputs, line, classes=())
    one = initial_loss(linear(), dataset, model_for(linear(), dataset))
    assert one.outcome == "ok"
    assert one.values["knowing_nothing"] == pytest.approx(line.var())


def test_a_few_examples_are_learnt_by_heart_at_the_configs_own_rate(linear):
    one = by_heart(linear(1), table(*points()))
    (trial,) = one.values["trials"]
    assert (one.outcome, trial["lr"], trial["outcome"]) == ("ok", 1, "learnt")
    assert trial["last"] <= one.values["goal"] < trial["first"]


def softmax(z):
    exps = np.exp(z - z.max(axis=1, keepdims=True))
    return exps / exps.sum(axis=1, keepdims=True)


class Probabilities(mlp_np.Network):
    """Its forward gives probabilities, of which the loss then takes the softmax or the sigmoid again."""

    def _forward(self, inputs):
        *hidden, z = super()._forward(inputs)
        return [*hidden, softmax(z) if z.shape[1] > 1 else sigmoid(z)]


@pytest.mark.parametrize("classes", [2, 3])
def test_probabilities_in_place_of_scores_are_found_in_numpy(classes):
    split = data("classification", classes)
    dataset = table(split.inputs, split.targets, classes=tuple("abc"[:classes]))
    model = build_model("mlp-np", "classification", classes, hidden=[5])
    before = model.weights()
    assert scores(dataset, model).outcome == "ok"
    model.net.__class__ = Probabilities
    one = scores(dataset, model)
    assert one.outcome == "warning"
    assert ("sum to 1 in every row" if classes > 2 else "never leave [0, 1]") in one.detail
    assert one.advice.endswith("the loss applies it")
    assert all(np.array_equal(weight, before[name]) for name, weight in model.weights().items())


@pytest.mark.parametrize("name", ["ann-torch", "cnn-torch"])
@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize(("last", "said"), [("Softmax", "sum to 1 in every row"), ("Sigmoid", "never leave [0, 1]")])
def test_probabilities_in_place_of_scores_are_found_in_pytorch(name, classes, last, said):
    from torch import nn

    from nnlab.backends.torch import TorchModel

    plain = build_model(name, "classification", classes)
    split = data("classification", classes)
    dataset = table(split.inputs, split.targets, classes=tuple("abc"[:classes]))
    setup = Setup(SHAPE, task_for("classification", classes), Optimizer(), device="cpu")
    activation = nn.Softmax(dim=1) if last == "Softmax" else nn.Sigmoid()
    model = TorchModel(lambda: nn.Sequential(plain.net, activation), setup)
    one = scores(dataset, model)
    assert (one.outcome, said in one.detail) == ("warning", True)


def test_a_checkup_finds_probabilities_in_place_of_scores(digits, monkeypatch):
    monkeypatch.setattr(mlp_np, "Network", Probabilities)
    (one,) = [one for one in checkup(resolve(digits)).findings if one.subject == "scores"]
    assert (one.outcome, one.advice) == ("warning", "return the scores before softmax: the loss applies it")


def test_probabilities_in_place_of_scores_are_found_in_scikit_learn(monkeypatch):
    split = data("classification", 3)
    dataset = table(split.inputs, split.targets, classes=("a", "b", "c"))
    model = build_model("logreg-sklearn", "classification", 3)
    assert scores(dataset, model).outcome == "ok"
    monkeypatch.setattr(model, "predict", lambda split: model.estimator.predict_proba(split.inputs))
    assert "sum to 1 in every row" in scores(dataset, model).detail


@pytest.mark.parametrize(("name", "task", "outputs"), cases())
@pytest.mark.parametrize("factor", [1, 100, 0.001])
def test_the_scores_of_no_model_here_are_taken_for_probabilities(name, task, outputs, factor):
    split = data(task, outputs)
    classes = tuple("abcd"[:outputs]) if task == "classification" else ()
    dataset = table(factor * split.inputs, split.targets, classes=classes)
    for seed in range(3):
        assert scores(dataset, build_model(name, task, outputs, seed=seed)).outcome == "ok"


@pytest.mark.parametrize(("lr", "outcome"), [(1e-7, "stuck"), (1000, "diverged")])
def test_stuck_and_diverged_are_told_apart_and_another_rate_named(linear, lr, outcome):
    inputs, _ = points()
    one = by_heart(linear(lr), table(inputs, inputs.sum(axis=1, keepdims=True), classes=()))
    assert (one.outcome, one.values["trials"][0]["outcome"]) == ("warning", outcome)
    assert f"({outcome})" in one.detail
    assert "train.lr=0.01" in one.advice


def test_a_model_too_slow_to_tell_is_not_judged(linear, monkeypatch):
    monkeypatch.setattr(learning, "SECONDS", 0.0)
    one = by_heart(linear(1e-7), table(*points()))
    assert one.outcome == "untold"


def test_what_nobody_could_learn_by_heart_is_no_sample(linear):
    inputs, targets = points(40, 2)
    same = table(np.repeat(inputs[:1], 40, axis=0), targets)
    assert len(few(same, linear())) == 1
    assert by_heart(linear(), same).outcome == "untold"
    contradicting = table(np.vstack([inputs, inputs]), [*targets, *(1 - targets)])
    sample = few(contradicting, linear())
    assert len(sample) == 3  # as many as a linear model of two features can tell apart
    assert len(np.unique(sample.inputs, axis=0)) == 3
    assert set(sample.targets) == {0, 1}


def test_features_of_another_size_do_not_hide_that_rows_differ(linear):
    inputs, targets = points()
    assert len(few(table(inputs + np.float32([0, 0, 1e6]), targets), linear())) == 4


def test_what_layers_give_is_told_from_their_weights():
    linear = {"0.weight": np.empty((150, 784)), "0.bias": np.empty(150), "2.weight": np.empty((10, 150))}
    assert given(linear, 784) == [150, 10]
    shapes = {"1.weight": (16, 1, 5, 5), "4.weight": (32, 16, 5, 5), "8.weight": (128, 1568), "10.weight": (10, 128)}
    pictures = {name: np.empty(shape) for name, shape in shapes.items()}
    assert given(pictures, 784) == [16 * 784, 32 * 196, 128, 10]


@pytest.mark.skipif(sys.platform != "linux", reason="the estimate's constants were measured on Linux")
def test_the_memory_of_a_real_training_is_just_below_the_estimate(digits, tmp_path, monkeypatch):
    monkeypatch.setenv("NNLAB_DATA", str(tmp_path / "data"))  # where no baseline is kept yet
    estimate = process_bytes(prepare(resolve(digits)))
    code = (
        "import resource, subprocess, sys\n"
        "done = subprocess.run([sys.executable, '-m', 'nnlab', 'train', *sys.argv[1:]], check=True)\n"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024)\n"
    )
    command = [sys.executable, "-c", code, str(digits), "-q", "--runs-dir", str(tmp_path / "runs")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=100)
    peak = int(done.stdout.split()[-1])
    assert peak <= estimate <= 2 * peak


def test_memory_is_held_against_what_is_free(digits):
    ready = prepare(resolve(digits))
    assert memory_needed(ready, 2**33).outcome == "ok"
    scarce = memory_needed(ready, 2**20)
    assert (scarce.outcome, "of the 1 MiB that are free" in scarce.detail) == ("warning", True)


def test_times_and_sizes_are_rounded_to_what_an_estimate_is_worth():
    shown = [words(seconds) for seconds in (2.34e-5, 0.00187, 0.5, 1, 47.3, 119.6, 150, 9000, 10**6)]
    assert shown == ["23 µs", "1.9 ms", "500 ms", "1 s", "47 s", "120 s", "2.5 min", "2.5 h", "280 h"]
    assert [size(of) for of in (135 * 2**20, 3 * 2**30)] == ["140 MiB", "3.0 GiB"]


def test_a_checkup_of_a_shipped_kind_of_config_has_every_finding_and_leaves_nothing(digits, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.iterdir())
    result = checkup(resolve(digits, ["train.lr=0.2"]))
    assert sorted(tmp_path.iterdir()) == before
    assert [(layer["name"], layer["parameters"]) for layer in result.layers] == [("0", 1040), ("2", 170)]
    assert (result.model, result.dataset, result.parameters) == ("mlp-np", "digits", 1210)
    subjects = [one.subject for one in result.findings]
    assert subjects[-4:] == ["initial loss", "can learn a few by heart", "time", "memory"]
    assert all(one.advice for one in result.findings if one.outcome == "warning")
    time = result.findings[-2].values
    assert (time["steps"], time["evaluations"]) == (540, 12)
    assert 0 < time["low"] <= time["high"]
    json.dumps(result.findings[-3].values)


def test_a_model_without_steps_is_not_tried(monkeypatch):
    result = checkup(resolve(ROOT / "configs/logreg-sklearn.yaml", ["dataset={name: digits}"]))
    unchecked = {one.subject for one in result.findings if one.outcome == "untold"}
    assert unchecked == {"initial loss", "can learn a few by heart", "time"}


def test_what_train_refuses_is_refused(digits):
    with pytest.raises(ConfigError, match="cannot learn regression"):
        checkup(resolve(digits, ["dataset={name: car-prices}", "model={name: logreg-np}"]))
    with pytest.raises(ConfigError, match="free memory"):
        checkup(resolve(digits, ["model.hidden=[100000, 100000]"]))


def test_the_command_prints_layers_findings_and_advice(cli: Cli, digits: Path) -> None:
    done = cli("check", digits, "train.lr=1e-6")
    assert done.returncode == 0, done.stderr
    assert "weight (16, 64), bias (16,)" in done.stdout
    assert "can learn a few by heart: loss from" in done.stdout
    assert not (digits.parent / "runs").exists()


def test_the_command_prints_one_document(cli: Cli, digits: Path) -> None:
    done = cli("check", digits, "dataset.classes=[1, 0]", "--json", PATH=os.environ["PATH"])
    document = json.loads(done.stdout)
    assert {"model", "dataset", "layers", "parameters", "findings", "warnings"} == set(document)
    assert {"subject", "verdict", "found", "advice", "values"} == set(document["findings"][0])


def test_the_command_ends_in_2_where_train_would(cli: Cli, digits: Path) -> None:
    done = cli("check", digits, "train.lr=-1")
    assert (done.returncode, done.stdout) == (2, "")
    assert "train.lr" in done.stderr
