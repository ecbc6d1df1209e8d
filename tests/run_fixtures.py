"""Runs for the tests: forged ones without training, short trainings to an end or a stop, and what commands gave."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nnlab import discover, experiment
from nnlab.dataset import Array
from nnlab.errors import Interrupted
from nnlab.rundir import RunDir

posix = pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals, pipes and terminals")

LINE = """\
model:
  name: mlp-np
  hidden: []
dataset:
  name: car-prices
train:
  steps: 200
  batch_size: full
  lr: 0.02
  eval_every: 50
"""


def the_run(folder: Path) -> Path:
    (found,) = (folder / "runs").iterdir()
    return found


def good(process):
    assert process.returncode == 0, process.stderr
    return process


def bad(process, code: int = 2, *fragments: str):
    """The process failed with this code, said why on stderr without a traceback and nothing on stdout."""
    assert process.returncode == code, process.stderr
    assert process.stdout == ""
    assert "Traceback" not in process.stderr
    for fragment in fragments:
        assert fragment in process.stderr
    return process


CONFIG = """\
model:
  name: {model}
dataset:
  name: {data}
train:
  epochs: 2
  lr: {lr}
  weight_decay: 0.0
seed: {seed}
device: cpu
threads: {threads}
"""


def forge(
    runs: Path,
    name: str,
    *,
    data: str = "digits",
    sha256: str = "a" * 64,
    task: str = "classification",
    status: str = "finished",
    test: float | None = 0.9,
    loss: float = 0.5,
    seconds: float | None = 1.0,
    lr: object = 0.1,
    seed: int = 0,
    model: str = "mlp-np",
    threads: int = 1,
    curve: bool = True,
) -> RunDir:
    """A run directory as nnlab writes it, without training; ``test`` is the accuracy, or for regression the loss."""
    run = RunDir(runs / name)
    run.path.mkdir(parents=True)
    score = {"loss": loss, "accuracy": test} if task == "classification" else {"loss": test, "mse": test, "r2": 0.5}
    found = None if test is None else score
    summary = {
        "schema_version": 1,
        "status": status,
        "name": name,
        "model": model,
        "dataset": {"name": data, "sha256": sha256, "train": 80, "val": 0, "test": 20, "features": 4, "outputs": 2},
        "task": task,
        "device": "cpu",
        "seed": seed,
        "parameters": 10,
        "started": "2026-11-23T10:15:03+01:00",
        "finished": None,
        "seconds": {"total": seconds, "train": seconds, "eval": 0.0},
        "steps": 20,
        "epochs": 2.0,
        "metrics": {"train": found, "val": None, "test": found},
        "best": None,
        "error": None,
    }
    (run.path / "run.json").write_text(json.dumps(summary))
    (run.path / "config.yaml").write_text(CONFIG.format(model=model, data=data, lr=lr, seed=seed, threads=threads))
    names = ["loss", "accuracy"] if task == "classification" else ["loss", "mse", "r2"]
    lines = [",".join(["step,epoch,train_loss", *(f"test_{name}" for name in names), "seconds"])]
    steps = range(1, 11) if curve else ()
    lines += [",".join(map(str, [step, step / 5, 1 / step, *(0.5 for _ in names), step / 100])) for step in steps]
    (run.path / "metrics.csv").write_text("\n".join(lines) + "\n")
    if status == "finished":
        run.write_manifest()
    return run


def config_for(model: str, folder: Path, train: str = "steps: 45, batch_size: 50, eval_every: 10, lr: 0.01") -> Path:
    """A short training of a model on data that it can learn."""
    task = discover.model(model).tasks[0].name
    data = "digits, val_fraction: 0.2, limit: 300" if task == "classification" else "car-prices"
    path = folder / f"{model}.yaml"
    hidden = ", hidden: [24, 24]" if model in ("mlp-np", "ann-torch") else ""  # of 150 each it takes ten times as long
    path.write_text(f"model: {{name: {model}{hidden}}}\ndataset: {{name: {data}}}\ntrain: {{{train}}}\n")
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


ROWS = 400
"""Test examples of ``forge_three``."""


def forge_three(folder: Path, name: str, rows: int = ROWS, **keys: object) -> RunDir:
    """A forged run with this many test examples of three classes."""
    run = forge(folder, name, **keys)
    summary = run.summary().to_json()
    summary["dataset"] |= {"test": rows, "outputs": 3}
    run.json.write(summary)
    return run


def scored(folder: Path, name: str, right: float, *, seed: int = 0, noise: int = 0, **keys: object) -> RunDir:
    """A forged run whose predictions are right on about this share of the test examples."""
    targets = np.random.default_rng(99).integers(0, 3, ROWS)
    rng = np.random.default_rng([seed, noise, int(1000 * right)])
    scores = rng.standard_normal((ROWS, 3))
    scores[np.arange(ROWS), targets] += np.where(rng.random(ROWS) < right, 4, -4)
    return predicted(forge_three(folder, name, seed=seed, **keys), scores, targets)


def predicted(run: RunDir, scores: Array, targets: Array) -> RunDir:
    """The run with these predictions, and with the metrics that they come to."""
    scores = scores.astype(np.float32)
    run.predictions.write({"scores": scores, "targets": targets})
    summary = run.summary().to_json()
    summary["metrics"]["test"] = run.summary().learnt.measure(scores, targets)
    run.json.write(summary)
    return run


HEAVY = ("torch", "torchvision", "sklearn", "matplotlib", "scipy")


def loaded(folder: Path, *arguments: str, code: int = 0) -> list[str]:
    """Which of the heavy packages a command has imported by its end."""
    program = (
        "import sys; sys.argv = ['nnlab', *sys.argv[1:]]\n"
        "from nnlab.cli import main\n"
        "try: main()\n"
        f"finally: print(*[name for name in {HEAVY} if name in sys.modules], sep=',', file=sys.stderr)"
    )
    command = [sys.executable, "-c", program, *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=100)
    assert done.returncode == code, done.stderr
    return [name for name in done.stderr.splitlines()[-1].split(",") if name]
