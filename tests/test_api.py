"""The verbs for a notebook: train, open_run and compare, straight from Python."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import nnlab
from nnlab.errors import ConfigError, DataError, RunError


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_a_run_is_trained_opened_and_asked(digits):
    run = nnlab.train(digits, train__epochs=1, name="mine")
    assert run.path.parent == Path("runs").resolve()
    assert run.path.name.endswith("-mlp-np-digits-mine")
    assert repr(run) == f"Run({str(run.path)!r})"
    assert run.summary["status"] == "finished"
    assert run.config["train"]["epochs"] == 1
    assert run.metrics["test_accuracy"][-1] == run.summary["metrics"]["test"]["accuracy"]
    assert {name: weight.shape for name, weight in run.weights.items()} == {
        "0.weight": (16, 64),
        "0.bias": (16,),
        "2.weight": (10, 16),
        "2.bias": (10,),
    }
    for same in (nnlab.open_run("latest"), nnlab.open_run("mine"), nnlab.open_run(run.path)):
        assert same.summary == run.summary
    flat = np.linspace(0, 1, 128, dtype=np.float32).reshape(2, 64)
    scores = run.predict(flat)
    assert scores.shape == (2, 10)
    assert np.array_equal(run.predict(flat.reshape(2, 8, 8)), scores)
    assert np.array_equal(run.predict(flat[0]), run.predict(flat[:1]))
    with pytest.raises(DataError, match="the shape is"):
        run.predict(np.zeros((2, 63)))
    with pytest.raises(DataError, match="row 2, column 3 is nan"):
        run.predict(np.where(np.arange(128).reshape(2, 64) == 66, np.nan, 0))


def test_predictions_from_python_are_those_in_the_run_directory(digits):
    from nnlab import experiment

    run = nnlab.train(digits)
    with np.load(run.path / "predictions.npz") as kept:
        scores = kept["scores"]
    _, dataset, _ = experiment.loading.load_dataset(experiment.resolve(run.path / "config.yaml").config)
    assert np.array_equal(run.predict(dataset.test.inputs), scores)


def test_overrides_may_be_what_a_notebook_has_at_hand(digits):
    run = nnlab.train(
        digits,
        train__lr=np.float64(0.05),
        train__steps=np.int64(1),
        train__optimizer="adam",
        train__betas=(np.float32(0.5), 0.9),
        model__hidden=np.array([4, 3]),
        dataset__classes=range(3),
        dataset__limit=None,
        seed=np.uint8(7),
    )
    train, model, dataset = (run.config[section] for section in ("train", "model", "dataset"))
    assert (train["lr"], train["steps"], train["betas"]) == (0.05, 1, [0.5, 0.9])
    assert "epochs" not in train
    assert model["hidden"] == [4, 3]
    assert dataset["classes"] == [0, 1, 2]
    assert "limit" not in dataset


def test_a_section_may_be_given_whole_and_a_path_as_one(digits):
    rows = "".join(f"{n % 2 * 5 + n % 3},{n % 2}\n" for n in range(40))
    Path("x.csv").write_text(f"a,b\n{rows}")
    run = nnlab.train(
        str(digits),
        model={"name": "logreg-np"},
        dataset={"name": "csv", "path": Path("x.csv"), "target": "b"},
        runs_dir=Path("elsewhere"),
    )
    assert run.path.parent == Path("elsewhere").resolve()
    assert run.config["dataset"]["path"] == str(Path("x.csv").resolve())


def test_mistakes_raise_what_the_command_would_report(digits):
    with pytest.raises(ConfigError, match=r"train\.lr: given -1"):
        nnlab.train(digits, train__lr=-1)
    with pytest.raises(ConfigError, match="there is no such key"):
        nnlab.train(digits, trian__lr=1)
    with pytest.raises(ConfigError, match="there is no such file"):
        nnlab.train("nothing.yaml")
    with pytest.raises(RunError, match="`name`"):
        nnlab.train(digits, name="../x")
    with pytest.raises(RunError, match="there are no runs"):
        nnlab.open_run("latest")
    assert not Path("runs").exists()


def test_the_fallback_is_warned_of(digits, monkeypatch):
    monkeypatch.setenv("NNLAB_MIRROR", Path("nothing").absolute().as_uri())
    monkeypatch.setenv("NNLAB_DATA", str(Path("data").absolute()))
    with pytest.warns(UserWarning, match="using the fallback instead: digits"):
        run = nnlab.train(digits, dataset={"name": "sign-digits", "fallback": "digits"}, train__epochs=1)
    assert run.path.name.endswith("-mlp-np-digits")
    assert run.config["dataset"]["name"] == "digits"
    assert run.summary["dataset"]["name"] == "digits"


def test_runs_are_compared_however_they_are_named(digits):
    runs = [nnlab.train(digits, train__epochs=1, seed=seed, name=f"s{seed}") for seed in (1, 2)]
    found = nnlab.compare([runs[0], str(runs[1].path)])
    assert found.groups[0].differing == ["seed"]
    scores = [row.values["test_accuracy"] for row in found.groups[0].rows]
    assert scores == sorted(scores, reverse=True)
    assert [row.name for row in nnlab.compare(["s1", "s2"], sort="-name").groups[0].rows] == [
        runs[1].path.name,
        runs[0].path.name,
    ]


@pytest.mark.parametrize("records", [0, 1, 3])
def test_a_training_that_is_stopped_from_outside_is_kept_as_interrupted(digits, records):
    from nnlab import experiment, rundir

    events = experiment.train(experiment.resolve(digits, ["train.epochs=1000"]), Path("runs"))
    while not isinstance(next(events), experiment.Started):
        pass
    for _ in range(records):
        next(events)
    events.close()
    run = rundir.find(Path("runs"), "latest")
    summary = run.summary().to_json()
    assert (summary["status"], summary["error"]) == ("interrupted", "stopped")
    assert (summary["steps"] > 0) == (records > 0)
    assert (run.path / "weights.safetensors").exists() == (records > 0)


def test_importing_nnlab_loads_nothing_heavy():
    code = "import sys, nnlab; print([m for m in ('numpy', 'torch', 'sklearn', 'pydantic') if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
    with pytest.raises(AttributeError, match="no_such_verb"):
        _ = nnlab.no_such_verb
