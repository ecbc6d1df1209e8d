"""Resume: a stopped run goes on to the same bits as one that never stopped."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from safetensors.numpy import load_file, save_file

from nnlab import discover, experiment
from nnlab.backends.updates import Sgd
from nnlab.errors import DataError, Interrupted, RunError
from nnlab.rundir import LOSSES, RunDir
from tests.conftest import Cli

pytestmark = pytest.mark.usefixtures("no_pictures")
STEPPABLE = [name for name in discover.names("models") if getattr(discover.module("models", name), "STEPPABLE", True)]


def config_for(model: str, folder: Path, train: str = "steps: 45, batch_size: 50, eval_every: 10, lr: 0.01") -> Path:
    """A short training of a model on data that it can learn."""
    task = discover.module("models", model).TASKS[0]
    data = "digits, val_fraction: 0.2, limit: 300" if task == "classification" else "car-prices"
    path = folder / f"{model}.yaml"
    path.write_text(f"model: {{name: {model}}}\ndataset: {{name: {data}}}\ntrain: {{{train}}}\n")
    return path


def run_to_end(events: Any) -> RunDir:
    *_, last = events
    assert isinstance(last, experiment.Finished)
    return last.run


def stop_at(events: Any, step: int) -> RunDir:
    """Let a training go on until ``step`` and then interrupt it, as a signal does."""
    run = None
    for event in events:
        if isinstance(event, experiment.Started):
            run = event.run
        elif run and getattr(event, "step", 0) >= step:
            with pytest.raises(Interrupted):
                events.throw(Interrupted(2))
            return run
    raise AssertionError("it ended before it could be stopped")


def outcome(run: RunDir) -> tuple[Any, ...]:
    """All that must be equal to the bit: weights, best weights, rows less their seconds, losses, metrics and scores."""
    columns = {name: values for name, values in run.metrics().items() if name != "seconds"}
    files = [file for file in run.files() if file.endswith(("safetensors", "predictions.npz")) or file == LOSSES]
    summary = run.summary()
    return columns, {file: run.read(file) for file in files}, summary["metrics"], summary["best"], summary["steps"]


@pytest.mark.parametrize("optimizer", ["optimizer: sgd, momentum: 0.9", "optimizer: adamw"])
@pytest.mark.parametrize("model", STEPPABLE)
def test_every_model_resumes_to_the_same_bits(model: str, optimizer: str, tmp_path: Path) -> None:
    resolved = experiment.resolve(
        config_for(model, tmp_path, f"steps: 45, batch_size: 50, eval_every: 10, lr: 0.001, {optimizer}")
    )
    straight = run_to_end(experiment.train(resolved, tmp_path / "a"))
    stopped = stop_at(experiment.train(resolved, tmp_path / "b"), 4)
    assert stopped.summary()["status"] == "interrupted"
    again = stop_at(experiment.resume(stopped), 23)
    finished = run_to_end(experiment.resume(again))
    assert finished.summary()["status"] == "finished"
    assert outcome(finished) == outcome(straight)
    assert not (finished.path / "checkpoint").exists()


def test_rows_written_after_the_checkpoint_are_cut_and_come_again(tmp_path: Path) -> None:
    resolved = experiment.resolve(
        config_for("mlp-np", tmp_path, "steps: 45, batch_size: 50, eval_every: 5, checkpoint_every: 20")
    )
    straight = run_to_end(experiment.train(resolved, tmp_path / "a"))
    events = experiment.train(resolved, tmp_path / "b")
    run = next(event.run for event in events if isinstance(event, experiment.Started))
    for event in events:
        if getattr(event, "step", 0) >= 35:
            break
    summary = run.summary()
    checkpoint = next((run.path / "checkpoint").iterdir())
    kept, rows = checkpoint.read_bytes(), run.metrics()["step"]
    events.close()
    for path in (run.path / "checkpoint").iterdir():  # what a kill would have left: the file of step 20
        path.unlink()
    checkpoint.write_bytes(kept)
    assert rows[-1] == 35
    assert checkpoint.name == "000000000020.safetensors"
    run.write_json("run.json", summary)
    with pytest.raises(RunError, match="says that it is running"):
        run_to_end(experiment.resume(run))
    assert outcome(run_to_end(experiment.resume(run, force=True))) == outcome(straight)


def test_a_run_without_a_checkpoint_starts_again(tmp_path: Path) -> None:
    resolved = experiment.resolve(config_for("mlp-np", tmp_path))
    straight = run_to_end(experiment.train(resolved, tmp_path / "a"))
    run = stop_at(experiment.train(resolved, tmp_path / "b"), 12)
    run.remove_checkpoint()
    assert outcome(run_to_end(experiment.resume(run))) == outcome(straight)


def test_what_cannot_go_on_is_refused(tmp_path: Path) -> None:
    resolved = experiment.resolve(config_for("mlp-np", tmp_path))
    finished = run_to_end(experiment.train(resolved, tmp_path / "a"))
    with pytest.raises(RunError, match="is finished"):
        next(experiment.resume(finished))
    run = stop_at(experiment.train(resolved, tmp_path / "b"), 12)
    (checkpoint,) = (run.path / "checkpoint").iterdir()
    whole = checkpoint.read_bytes()
    checkpoint.write_bytes(whole[:-100])
    with pytest.raises(RunError, match="not a safetensors file"):
        next(experiment.resume(run))
    checkpoint.write_bytes(whole)
    summary = run.summary()
    run.write_json("run.json", {**summary, "dataset": {**summary["dataset"], "sha256": "0" * 64}})
    with pytest.raises(DataError, match="SHA-256"):
        next(experiment.resume(run))


def test_stopped_in_the_middle_of_a_step_it_goes_on_from_the_checkpoint_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolved = experiment.resolve(config_for("mlp-np", tmp_path))
    straight = run_to_end(experiment.train(resolved, tmp_path / "a"))
    events = experiment.train(resolved, tmp_path / "b")
    run = next(event.run for event in events if isinstance(event, experiment.Started))
    next(event for event in events if getattr(event, "step", 0) >= 5)
    update = Sgd.step

    def stop_halfway(self: Sgd, weights: Any, grads: Any) -> None:
        update(self, weights, grads)
        raise KeyboardInterrupt

    monkeypatch.setattr(Sgd, "step", stop_halfway)
    with pytest.raises(KeyboardInterrupt):
        next(events)
    monkeypatch.setattr(Sgd, "step", update)
    assert run.summary()["status"] == "interrupted"
    assert outcome(run_to_end(experiment.resume(run))) == outcome(straight)


@pytest.mark.parametrize("part", ["state", "rest:losses", "optimizer:step"])
def test_a_checkpoint_with_a_part_missing_is_refused(part: str, tmp_path: Path) -> None:
    resolved = experiment.resolve(config_for("mlp-np", tmp_path, "steps: 45, batch_size: 50, optimizer: adam"))
    run = stop_at(experiment.train(resolved, tmp_path / "runs"), 12)
    (checkpoint,) = (run.path / "checkpoint").iterdir()
    arrays = load_file(checkpoint)
    del arrays[part]
    save_file(arrays, checkpoint)
    with pytest.raises(RunError, match=r"checkpoint|optimizer state"):
        next(experiment.resume(run))


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL, which this system does not have")
def test_a_killed_process_leaves_a_run_that_resumes_to_the_same_bits(tmp_path: Path, cli: Cli) -> None:
    config = config_for("mlp-np", tmp_path, "steps: 3000, batch_size: 50, eval_every: 100, checkpoint_every: 50")
    process = subprocess.Popen(
        [sys.executable, "-m", "nnlab", "train", str(config), "-q"],
        cwd=tmp_path,
        env=os.environ,
        stdout=subprocess.PIPE,
    )
    for _ in range(3000):
        if list(tmp_path.glob("runs/*/checkpoint/*.safetensors")) or process.poll() is not None:
            break
        time.sleep(0.02)
    process.kill()
    process.communicate()
    (run,) = (RunDir(path) for path in tmp_path.glob("runs/*"))
    assert run.summary()["status"] == "running", "it ended before it could be killed"
    assert cli("resume", "latest").returncode == 2
    done = cli("resume", "latest", "--force", "-q")
    assert done.returncode == 0, done.stderr
    straight = cli("train", config, "-q", "--name", "straight")
    assert outcome(RunDir(tmp_path / straight.stdout.strip())) == outcome(run)
