"""Baselines: scikit-learn's own figures on the same split, kept in the cache, and shown beside every score."""

import json
from pathlib import Path

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import log_loss
from threadpoolctl import threadpool_limits

from nnlab import cache, experiment
from nnlab.experiment import baselines as module
from nnlab.experiment.baselines import LOGISTIC, MAJORITY, MEAN, RIDGE, baselines
from nnlab.experiment.build import load_dataset
from tests.conftest import Cli
from tests.test_cli import good


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
