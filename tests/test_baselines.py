"""Baselines: scikit-learn's own figures on the same split, kept in the cache, and shown beside every score."""

import json
import warnings
from pathlib import Path

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import log_loss
from threadpoolctl import threadpool_limits

import nnlab
from nnlab import cache, experiment, metrics
from nnlab.dataset import Classification
from nnlab.dataset.task import TASKS
from nnlab.experiment import baselines as module
from nnlab.experiment.baselines import baselines
from nnlab.experiment.loading import load_dataset
from tests.conftest import Cli
from tests.run_fixtures import good

MAJORITY, MEAN = "majority class", "mean of the targets"
LOGISTIC, RIDGE = "logistic regression, scikit-learn", "ridge regression, scikit-learn"


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NNLAB_DATA", str(tmp_path / "cache"))


def loaded(config: Path, *overrides: str):
    config, dataset, _ = load_dataset(experiment.resolve(config, list(overrides)).config)
    return config, dataset


def test_classes_are_held_against_the_most_frequent_and_scikit_learn(digits: Path):
    config, dataset = loaded(digits, "dataset.val_fraction=0.2")
    found = baselines(config, dataset)
    assert list(found) == [MAJORITY, LOGISTIC]
    guess = DummyClassifier(strategy="prior").fit(dataset.train.inputs, dataset.train.targets)
    with threadpool_limits(1):  # as many as the work is worth: another number of them ends at other numbers
        fitted = LogisticRegression(max_iter=100).fit(dataset.train.inputs, dataset.train.targets)
    for split in ("train", "val", "test"):
        examples = dataset.split(split)
        for name, theirs in ((MAJORITY, guess), (LOGISTIC, fitted)):
            ours = found[name][split]
            assert ours["accuracy"] == pytest.approx(theirs.score(examples.inputs, examples.targets))
            chances = theirs.predict_proba(examples.inputs)
            assert ours["loss"] == pytest.approx(log_loss(examples.targets, chances), rel=1e-4)


def test_values_are_held_against_their_mean_and_ridge(tmp_path: Path):
    rng = np.random.default_rng(0)
    rows = "".join(f"{a},{b},{a - 2 * b + 1}\n" for a, b in rng.standard_normal((50, 2)))
    (tmp_path / "rows.csv").write_text(f"a,b,c\n{rows}")
    (tmp_path / "c.yaml").write_text(
        "model: {name: linreg-torch}\ndataset: {name: csv, path: rows.csv, target: c}\ntrain: {steps: 1}\n"
    )
    config, dataset = loaded(tmp_path / "c.yaml")
    found = baselines(config, dataset)
    assert list(found) == [MEAN, RIDGE]
    for name, theirs in ((MEAN, DummyRegressor()), (RIDGE, Ridge())):
        theirs.fit(dataset.train.inputs, dataset.train.targets)
        score = theirs.score(dataset.test.inputs, dataset.test.targets)
        assert found[name]["test"]["r2"] == pytest.approx(score, abs=1e-5)


def test_ridge_is_fitted_to_values_and_not_to_what_float32_leaves_of_them(tmp_path: Path):
    rng = np.random.default_rng(0)
    rows = "".join(f"{a},{b},{1_700_000_000 + a - 2 * b}\n" for a, b in rng.standard_normal((500, 2)))
    (tmp_path / "rows.csv").write_text(f"a,b,c\n{rows}")
    (tmp_path / "c.yaml").write_text(
        "model: {name: linreg-torch}\ndataset: {name: csv, path: rows.csv, target: c}\ntrain: {steps: 1}\n"
    )
    config, dataset = loaded(tmp_path / "c.yaml")
    assert baselines(config, dataset)[RIDGE]["test"]["r2"] > 0.999


def test_what_scikit_learn_took_its_time_for_is_kept_for_these_examples_only(digits: Path, monkeypatch):
    config, dataset = loaded(digits, "dataset.limit=200")
    first = baselines(config, dataset)
    monkeypatch.setattr(module, "_fitted", lambda dataset: None)
    assert baselines(config, dataset) == first
    assert LOGISTIC not in baselines(*loaded(digits, "dataset.limit=201"))
    assert LOGISTIC not in baselines(*loaded(digits, "dataset.limit=200", "dataset.val_fraction=0.1"))
    (kept,) = (cache.folder() / "baselines").iterdir()
    for damaged in (b"", b"{}", kept.read_bytes().replace(b"accuracy", b"accuracx"), b"[" * 100_000, b"x" * 10**6):
        kept.write_bytes(damaged)
        assert LOGISTIC not in baselines(config, dataset)


def test_a_cache_that_cannot_be_written_costs_only_time(digits: Path, tmp_path: Path):
    (tmp_path / "cache").write_text("no folder")
    config, dataset = loaded(digits, "dataset.limit=100")
    assert LOGISTIC in baselines(config, dataset)


def test_data_too_large_for_it_has_only_the_simple_one(digits: Path, monkeypatch):
    monkeypatch.setattr(module, "WORK", 1000)
    assert list(baselines(*loaded(digits))) == [MAJORITY]


@pytest.mark.usefixtures("no_pictures")
def test_they_stand_in_the_run_beside_its_scores(cli: Cli, digits: Path, tmp_path: Path):
    made = good(cli("train", digits, "train.epochs=1"))
    assert "test, majority class" in made.stdout
    (run,) = (tmp_path / "runs").iterdir()
    kept = json.loads((run / "run.json").read_text())["baselines"]
    assert 0.9 < kept[LOGISTIC]["test"]["accuracy"] < 1
    shown = good(cli("compare")).stdout.splitlines()
    assert [line.split()[0] for line in shown[4:6]] == ["majority", "logistic"]
    assert LOGISTIC in good(cli("eval", "latest")).stdout
    good(cli("resume", "latest", "--epochs", "2"))
    assert json.loads((run / "run.json").read_text())["baselines"] == kept


def judged(task: str, score: object, guess: object, split: str = "test") -> metrics.Shortfall | None:
    """What is said of a run with this score where guessing has that one."""
    kind = TASKS[task]
    name = kind.ranked_by.name
    found = {"train": {name: 0.9}, "val": None, "test": None} | {split: {name: score}}
    return metrics.shortfall(kind(), found, {kind.guess: {split: {name: guess}}})


@pytest.mark.parametrize(
    ("task", "score", "guess", "worse"),
    [
        ("classification", 0.0974, 0.1135, True),
        ("classification", 0.1135, 0.1135, False),
        ("classification", 0.2, 0.1135, False),
        ("regression", 2.0, 1.0, True),
        ("regression", 1.0, 1.0, False),
        ("regression", 1 + 1e-8, 1.0, False),
        ("regression", 0.5, 1.0, False),
        ("regression", 1e-9, 0.0, True),
    ],
)
@pytest.mark.parametrize("split", ["test", "val", "train"])
def test_worse_than_guessing_is_told_from_as_good(task: str, score: float, guess: float, worse: bool, split: str):
    found = judged(task, score, guess, split)
    assert (found is not None) == worse
    if found:
        assert found.mark == f"worse than its baseline: {TASKS[task].guess}"
        assert f"{split} {TASKS[task].ranked_by.name}" in str(found)


def test_as_many_right_as_by_guessing_but_sure_of_what_is_wrong_is_worse():
    def judged_by(loss: float) -> metrics.Shortfall | None:
        ours, guess = {"accuracy": 0.1, "loss": loss}, {"accuracy": 0.1, "loss": 2.3}
        baselines = {MAJORITY: {"test": guess}}
        return metrics.shortfall(Classification(), {"test": ours}, baselines)

    assert "test loss of 2.3, the run 475" in str(judged_by(475.0))
    assert judged_by(2.4) is None


@pytest.mark.parametrize("baselines", [None, {}, {MAJORITY: {}}, {MAJORITY: {"test": {}}}])
def test_what_has_no_score_or_no_baseline_is_not_judged(baselines: dict | None):
    assert metrics.shortfall(Classification(), {"test": {"accuracy": 0.0}}, baselines) is None
    assert metrics.shortfall(Classification(), {}, {MAJORITY: {"test": {"accuracy": 0.5}}}) is None


def spoilt(folder: Path, task: str) -> Path:
    """A config whose training ends, and worse than guessing: the steps are much too large, on targets of chance."""
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((60, 3))
    targets = ["no" if row[2] < 0.3 else "yes" for row in rows] if task == "classification" else rows[:, 2]
    lines = "".join(f"{a},{b},{y}\n" for (a, b, _), y in zip(rows, targets, strict=True))
    (folder / f"{task}.csv").write_text(f"a,b,y\n{lines}")
    train = "{steps: 1, lr: 1000}" if task == "classification" else "{steps: 2, lr: 5}"
    path = folder / f"{task}.yaml"
    path.write_text(
        f"model: {{name: mlp-np, hidden: [4]}}\ndataset: {{name: csv, path: {task}.csv, target: y}}\ntrain: {train}\n"
    )
    return path


@pytest.mark.parametrize(("task", "name"), [(name, task.guess) for name, task in TASKS.items()])
@pytest.mark.usefixtures("no_pictures")
def test_a_run_that_is_worse_than_guessing_says_so_wherever_it_is_shown(task: str, name: str, tmp_path: Path, cli: Cli):
    path, mark = spoilt(tmp_path, task), f"worse than its baseline: {name}"
    made = cli("train", path, "--name", "bad")
    assert made.returncode == 0, made.stderr
    assert f"warning: this run is {mark}" in made.stderr
    assert mark in made.stdout
    assert mark in good(cli("runs")).stdout
    assert mark in good(cli("show", "latest")).stdout
    assert mark in good(cli("compare", "latest")).stdout
    (entry,) = json.loads(good(cli("compare", "latest", "--json")).stdout)["groups"][0]["entries"]
    assert entry["marks"] == [mark]
    good(cli("report", "latest", "-o", "page.html"))
    assert mark in (tmp_path / "page.html").read_text()


def test_each_seed_that_is_worse_than_guessing_says_so(tmp_path: Path, cli: Cli):
    made = cli("train", spoilt(tmp_path, "regression"), "--seeds", "0,1", "-q")
    assert made.returncode == 0, made.stderr
    for seed in (0, 1):
        assert f"warning: the run of seed {seed} is worse than its baseline: mean of the targets" in made.stderr


def test_a_notebook_is_warned(tmp_path: Path, no_pictures: None):
    with pytest.warns(UserWarning, match="worse than its baseline: mean of the targets"):
        nnlab.train(spoilt(tmp_path, "regression"), runs_dir=tmp_path / "runs")


def test_a_run_that_has_learnt_is_not_marked(digits: Path, no_pictures: None):
    with warnings.catch_warnings(action="error"):
        run = nnlab.train(digits, runs_dir=digits.parent / "runs")
    said = run.summary
    assert metrics.shortfall(Classification(), said["metrics"], said["baselines"]) is None
    (entry,) = nnlab.compare([run]).groups[0].entries
    assert entry.marks == []
