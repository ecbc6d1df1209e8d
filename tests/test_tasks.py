"""Tasks: what each knows of its scores, and that a third one is a class and a loss in each backend's table."""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from nnlab import comparison, discover, experiment
from nnlab.backends.torch import losses
from nnlab.comparison.curves import overlay
from nnlab.comparison.significance import judge
from nnlab.dataset import Array, Card, Classification, Dataset, Regression, Split, Task
from nnlab.dataset.task import ACCURACY, LOSS, R2, TASKS, Metric, every_metric, metric_of
from nnlab.datasets import Examples, build
from nnlab.datasets.car_prices import Params
from nnlab.fit import Plan, fit
from nnlab.metrics import shown, shown_spread
from nnlab.model import Model, Optimizer, Setup
from nnlab.models import _loss
from nnlab.plugin import DatasetFile
from nnlab.report import report
from nnlab.rundir.ours import is_ours
from tests.conftest import ROOT
from tests.model_fixtures import LR
from tests.predicting import predict, predict_rows

ROWS = 60
DEVIANCE = Metric("deviance")


@dataclass(frozen=True)
class Counts(Regression):
    """How often something happens; scores are the logarithms of rates."""

    name = "counts"
    metrics = (LOSS, DEVIANCE)
    ranked_by, curve = LOSS, DEVIANCE
    loss, unit = "poisson", "nats"
    guess, linear = "mean rate", ""

    def measure(self, scores: Array, targets: Array) -> dict[str, float]:
        loss = float(self.each(scores, targets)["loss"].mean())
        exact = np.where(targets > 0, targets - targets * np.log(np.maximum(targets, 1)), 0.0)
        return {"loss": loss, "deviance": 2 * (loss - float(exact.mean()))}

    def each(self, scores: Array, targets: Array) -> dict[str, Array]:
        logs = scores.astype(np.float64)
        return {"loss": (np.exp(logs) - targets * logs).mean(axis=1)}

    def guessed(self, targets: Array) -> Array:
        return np.log(super().guessed(targets))

    def values(self, scores: Array) -> Array:
        return np.exp(scores)


def poisson(scores: Array, targets: Array) -> tuple[float, Array]:
    rates = np.exp(scores)
    return float(np.mean(rates - targets * scores, dtype=np.float64)), (rates - targets) / scores.size


@pytest.fixture
def counts(monkeypatch: pytest.MonkeyPatch) -> Task:
    """A third task, entered where a task and its loss are."""
    monkeypatch.setitem(TASKS, Counts.name, Counts)
    monkeypatch.setitem(_loss.LOSSES, Counts.loss, poisson)
    monkeypatch.setitem(losses.LOSSES, Counts.loss, losses.Loss(F.poisson_nll_loss))
    return Counts(1)


def events() -> tuple[Array, Array]:
    """Two inputs that decide how often something happens, and how often it did."""
    rng = np.random.default_rng(0)
    inputs = rng.uniform(-1, 1, (ROWS, 2)).astype(np.float32)
    return inputs, rng.poisson(np.exp(1 + inputs @ [1.0, -0.5]))[:, None].astype(np.float32)


def load(params: Params, seed: int, progress: object = None) -> Dataset:
    inputs, targets = events()
    train, test = (Examples(inputs[part], targets[part]) for part in (slice(0, 40), slice(40, None)))
    return build("car-prices", None, seed, train, test, task=Counts(1), feature_names=["a", "b"])


@pytest.mark.parametrize("name", ["mlp-np", "ann-torch"])
def test_a_third_task_trains_in_the_loop_with_either_backend(counts: Task, name: str) -> None:
    split = Split(*events())
    file = discover.model(name)
    assert isinstance(counts, file.tasks)
    model: Model = file.build(file.params(hidden=[6]), Setup((2,), counts, Optimizer(), device="cpu"))
    place = model.put(split)
    plan = Plan(400, 20, 100, 0, LR)
    found = [record.metrics for record in fit(model, place, ROWS, (place, split, counts), plan) if record.metrics]
    assert [list(metrics) for metrics in found] == [["loss", "deviance"]] * 4
    guessed = counts.measure(np.tile(counts.guessed(split.targets), (ROWS, 1)), split.targets)
    assert found[-1]["loss"] < found[0]["loss"] < guessed["loss"]
    assert found[-1]["deviance"] < 0.7 * guessed["deviance"]


def test_both_backends_take_the_same_steps_on_a_third_tasks_loss(counts: Task) -> None:
    scores, targets = np.random.default_rng(1).standard_normal((7, 1)), np.arange(7.0)[:, None]
    loss, grad = _loss.loss_and_grad(counts.loss, scores, targets)
    z = torch.from_numpy(scores).requires_grad_()
    theirs = losses.LOSSES[counts.loss].value(z, torch.from_numpy(targets))
    theirs.backward()
    assert loss == pytest.approx(float(theirs.detach()))
    np.testing.assert_allclose(grad, z.grad.numpy())


def test_a_run_of_a_third_task_is_kept_verified_compared_and_predicted_by(
    counts: Task, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = DatasetFile(Params, Card("built in", Counts), load)
    monkeypatch.setattr(discover, "dataset", lambda name: file)
    config = tmp_path / "counts.yaml"
    text = "dataset: {name: car-prices}\ntrain: {steps: 60, batch_size: 20, eval_every: 20, lr: 0.05}\n"
    found = []
    for seed in (0, 1):
        config.write_text(f"model: {{name: mlp-np, hidden: [6]}}\n{text}seed: {seed}\n")
        *_, last = experiment.train(experiment.resolve(config), tmp_path / "runs")
        assert isinstance(last, experiment.Finished)
        found.append(last.run)
    run = found[0]
    assert run.json.read()["task"] == "counts"
    assert run.summary().learnt == counts
    assert list(run.metrics.read()) == ["step", "epoch", "train_loss", "test_loss", "test_deviance", "seconds"]
    assert {"deviance.png", "fit-test.png"} <= set(run.files())
    assert all(map(is_ours, run.files()))
    assert run.json.read()["baselines"].keys() == {"mean rate"}
    assert {check.outcome for check in experiment.verify(run)} <= {"ok", "untold"}
    (group,) = comparison.compare(found, each=True).groups
    assert group.ranked_by == "test_loss"
    assert group.columns == ("test_loss", "test_deviance", "train_loss", "train_deviance")
    assert overlay(group)
    assert judge(*group.entries).contrasts[0].metric == "loss"
    said = predict(run, ["0.5,0.5"])
    rate = np.exp(float(predict_rows(run, np.array([[0.5, 0.5]], np.float32))[0, 0]))
    assert said.items[0].values == [pytest.approx(rate)]
    assert report(found)[0]


def test_a_model_that_cannot_learn_a_third_task_is_told_apart(counts: Task) -> None:
    assert isinstance(counts, discover.model("ann-torch").tasks)
    assert not isinstance(counts, discover.model("logreg-np").tasks)


def test_metrics_are_told_from_columns() -> None:
    assert metric_of("accuracy") is metric_of("val_accuracy") is metric_of("test accuracy") is ACCURACY
    assert metric_of("val_r2") is R2
    assert not metric_of("seconds").percent
    assert list(every_metric()) == ["loss", "accuracy", "mse", "r2"]
    assert (shown("val accuracy", 0.5), shown("loss", 0.5), shown("loss", None)) == ("50.00 %", "0.5", "-")
    assert shown_spread("test_accuracy", 0.5, 0.01, 3) == "50.00 ± 1.00 % (n=3)"


def test_better_is_higher_for_some_and_lower_for_others() -> None:
    assert ACCURACY.better(0.9, 0.8)
    assert not ACCURACY.better(0.8, 0.8)
    assert LOSS.better(0.1, 0.2)
    assert (ACCURACY.best([0.1, 0.9]), LOSS.best([0.1, 0.9])) == (0.9, 0.1)


@pytest.mark.parametrize("task", [Classification(("a", "b", "c")), Regression(3)], ids=lambda task: task.name)
def test_what_is_measured_has_the_metrics_names_and_their_examples_mean(task: Task) -> None:
    rng = np.random.default_rng(0)
    scores = rng.standard_normal((20, 3))
    targets = rng.integers(0, 3, 20) if task.classes else rng.standard_normal((20, 3))
    assert task.fits(scores, targets)
    found = task.measure(scores, targets)
    assert list(found) == [metric.name for metric in task.metrics]
    assert task.metrics[0] is LOSS
    assert {task.ranked_by, task.curve} <= set(task.metrics)
    for name, each in task.each(scores, targets).items():
        assert each.mean() == pytest.approx(found[name])


def test_scores_that_do_not_belong_to_their_targets_do_not_fit() -> None:
    scores = np.zeros((3, 2), np.float32)
    assert Classification(("a", "b")).fits(scores, np.array([0, 1, 1]))
    assert not Classification(("a", "b")).fits(scores, np.array([0, 1, 2]))
    assert not Classification(("a", "b")).fits(scores, scores)
    assert Regression(2).fits(scores, scores)
    assert not Regression(2).fits(scores, np.array([0, 1, 1]))


def test_one_score_of_a_net_tells_two_classes_apart() -> None:
    task = Classification(("no", "yes"))
    assert (task.outputs, task.scores) == (2, 1)
    assert np.array_equal(task.complete(np.array([[2.0]])), [[0.0, 2.0]])
    assert task.chances(task.complete(np.array([[0.0]]))).tolist() == [[0.5, 0.5]]
    assert (Regression(2).scores, Regression(2).chances(np.zeros((1, 2)))) == (2, None)


def test_every_task_has_its_loss_in_each_backends_table() -> None:
    assert _loss.LOSSES.keys() == losses.LOSSES.keys() == {task.loss for task in TASKS.values()}


@pytest.mark.parametrize(
    ("pattern", "allowed"),
    [
        (r"\"(?:classification|regression)\"", {"dataset/task.py"}),
        (r"\bTASKS\[", {"rundir/summary.py"}),
    ],
    ids=["name", "object"],
)
def test_a_tasks_name_is_read_in_one_place(pattern: str, allowed: set[str]) -> None:
    """The key ``dataset.task`` of tables and arrays says which of two readings of a column is meant."""
    package = ROOT / "nnlab"
    found = {
        path.relative_to(package).as_posix() for path in package.rglob("*.py") if re.search(pattern, path.read_text())
    }
    assert {name for name in found if not name.startswith("datasets/")} == allowed


def test_targets_are_scaled_only_where_the_loss_is_the_same_but_for_a_factor(counts: Task) -> None:
    rows = Examples(np.ones((9, 2), np.float32), np.arange(9.0)[:, None])
    made = [build("made", None, 0, rows, None, task=task, standardise_target=True) for task in (counts, Regression(1))]
    assert [data.transform.target is None for data in made] == [True, False]
