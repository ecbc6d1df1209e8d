"""The recipes of the study note on the real data: each shipped config must show the note's figures."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nnlab import experiment
from nnlab.experiment.events import Notice
from nnlab.rundir import RunDir
from nnlab.rundir.directory import LOSSES
from tests.conftest import ROOT, needs_mirror
from tests.predicting import predict

pytestmark = pytest.mark.usefixtures("no_pictures", "no_large_baselines")
CONFIGS = ROOT / "configs"


def train(config: str, runs: Path, *overrides: str) -> tuple[RunDir, dict[str, Any]]:
    """Train a shipped config, on one thread because tests share the cores; the run and its run.json."""
    *_, last = experiment.train(experiment.resolve(CONFIGS / config, ["threads=1", *overrides]), runs)
    assert isinstance(last, experiment.Finished)
    return last.run, last.run.summary().to_json()


@pytest.mark.parametrize("config", sorted(path.name for path in CONFIGS.glob("*.yaml")))
def test_every_shipped_config_resolves_and_opens_with_its_command(config: str) -> None:
    lines = (CONFIGS / config).read_text().splitlines()
    head = lines[: lines.index("")]
    assert head[0] == f"# nnlab train configs/{config}"
    assert head[-1] == "# yaml-language-server: $schema=schema.json"
    assert any(line.startswith("# Expect") and line.endswith("on 2 cores.") for line in head)
    assert not experiment.resolve(CONFIGS / config).warnings


def test_the_shipped_schema_is_what_the_schema_command_prints() -> None:
    shipped = json.loads((CONFIGS / "schema.json").read_text())
    printed = experiment.json_schema()
    for section in ("model", "dataset"):  # a model or dataset of your own may come on top
        known = [option["title"] for option in shipped["$defs"][section]["oneOf"]]
        options = printed["$defs"][section]["oneOf"]
        printed["$defs"][section]["oneOf"] = [option for option in options if option["title"] in known]
    names = shipped["$defs"]["dataset"]["oneOf"][0]["properties"]["fallback"]["oneOf"][0]["enum"]
    for option in printed["$defs"]["dataset"]["oneOf"]:
        fallback = option["properties"]["fallback"]["oneOf"][0]
        fallback["enum"] = [name for name in fallback["enum"] if name in names]
    assert printed == shipped


@needs_mirror
def test_logreg_np_on_signs(tmp_path: Path) -> None:
    run, summary = train("logreg-np.yaml", tmp_path)
    losses = np.load(run.path / LOSSES)
    assert losses[0] == pytest.approx(14.01, abs=0.005)
    assert summary["metrics"]["train"]["accuracy"] == pytest.approx(0.9339, abs=1e-4)
    assert summary["metrics"]["test"]["accuracy"] == pytest.approx(0.9516, abs=1e-4)
    assert losses[-1] == pytest.approx(0.1847, abs=5e-4)
    metrics = run.metrics.read()
    assert dict(zip(metrics["step"], metrics["test_accuracy"], strict=True))[150] == pytest.approx(0.9355, abs=1e-4)


@needs_mirror
def test_nn2_np_on_signs(tmp_path: Path) -> None:
    _, summary = train("nn2-np.yaml", tmp_path)
    assert summary["metrics"]["train"]["accuracy"] >= 0.997
    assert summary["metrics"]["test"]["accuracy"] >= 0.967


@needs_mirror
def test_logreg_sklearn_on_signs(tmp_path: Path) -> None:
    _, summary = train("logreg-sklearn.yaml", tmp_path)
    assert summary["metrics"]["train"]["accuracy"] == 1
    assert summary["metrics"]["test"]["accuracy"] >= 0.968


def test_linreg_on_car_prices(tmp_path: Path) -> None:
    run, summary = train("linreg.yaml", tmp_path)
    assert summary["steps"] == 1001
    assert summary["metrics"]["train"]["loss"] < 0.005
    (sold,) = predict(run, ["100"]).items[0].values
    assert -41 <= sold <= -38


@needs_mirror
def test_logreg_on_mnist_after_3_of_25_epochs(tmp_path: Path) -> None:
    _, summary = train("logreg.yaml", tmp_path, "train.epochs=3", "train.eval_every=3000")
    assert summary["metrics"]["test"]["accuracy"] > 0.90


@needs_mirror
def test_ann_on_mnist_after_2_of_100_epochs(tmp_path: Path) -> None:
    _, summary = train("ann.yaml", tmp_path, "train.epochs=2", "train.eval_every=600")
    assert summary["dataset"]["name"] == "mnist"
    assert summary["metrics"]["test"]["accuracy"] > 0.86


@needs_mirror
def test_mlp_np_on_mnist_after_2_of_10_epochs_is_ann_torch_by_hand(tmp_path: Path) -> None:
    _, summary = train("mlp-np.yaml", tmp_path, "train.epochs=2")
    assert summary["metrics"]["test"]["accuracy"] > 0.86


@needs_mirror
def test_cnn_on_a_twelfth_of_mnist(tmp_path: Path) -> None:
    _, summary = train("cnn.yaml", tmp_path, "train.epochs=2", "dataset.limit=5000", "train.eval_every=1000")
    assert summary["metrics"]["test"]["accuracy"] > 0.91


def test_without_data_the_fallback_is_trained_and_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mirror").mkdir()
    monkeypatch.setenv("NNLAB_MIRROR", (tmp_path / "mirror").as_uri())
    monkeypatch.setenv("NNLAB_DATA", str(tmp_path / "data"))
    resolved = experiment.resolve(CONFIGS / "ann.yaml", ["train.epochs=1"])
    events = list(experiment.train(resolved, tmp_path / "runs"))
    notices = [event.text for event in events if isinstance(event, Notice)]
    assert any("digits" in text for text in notices)
    finished = events[-1]
    assert isinstance(finished, experiment.Finished)
    assert finished.run.name.endswith("ann-torch-digits")
    assert finished.summary.dataset.name == "digits"
    assert "name: digits" in finished.run.config.read()
    assert "mnist" not in finished.run.config.read()
