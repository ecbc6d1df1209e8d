"""Twins: small trainings of every steppable model, and what of two runs must be equal to the bit."""

from pathlib import Path
from typing import Any

from nnlab import discover
from nnlab.rundir import RunDir
from nnlab.rundir.directory import BEST_WEIGHTS, CONFIG, LOSSES, METRICS, PREDICTIONS, WEIGHTS
from nnlab.rundir.frames import FOLDER as FRAMES

STEPPABLE = [name for name in discover.names("models") if discover.model(name).backend.steppable]
OPTIMIZERS = ("sgd, lr: 0.004", "sgd, lr: 0.001, momentum: 0.9, nesterov: true", "adam, lr: 0.01", "adamw, lr: 0.01")
EVERY = (1, 3, 10, 1000)
"""Steps between checkpoints: each one, many, some, and none before the end."""


def config(folder: Path, model: str, number: int, steps: int = 60) -> Path:
    """The ``number``-th way to train a model for a moment: rules, checkpoints, evaluations and splits take turns."""
    task = discover.model(model).tasks[0].name
    data = "digits, limit: 240" + (", val_fraction: 0.25" if number % 2 else "")
    keys = f"steps: {steps}, batch_size: {(20, 'full')[number % 5 == 4]}, eval_every: {(7, 20)[number % 3 == 2]}"
    path = folder / f"{model}-{number}.yaml"
    path.write_text(
        f"model: {{name: {model}}}\n"
        f"dataset: {{name: {data if task == 'classification' else 'car-prices'}}}\n"
        f"train: {{{keys}, checkpoint_every: {EVERY[number % 4]}, optimizer: {OPTIMIZERS[number // 4 % 4]}}}\n"
        f"seed: {number}\nthreads: 1\n"
    )
    return path


def outcome(run: RunDir) -> dict[str, Any]:
    """All that must be equal: weights, losses, predictions, rows less their seconds, metrics, best, config."""
    files = (WEIGHTS, BEST_WEIGHTS, LOSSES, PREDICTIONS, CONFIG)
    there = run.files()
    framed = [name for name in there if name.startswith(FRAMES)]
    found: dict[str, Any] = {name: run.read(name) for name in (*files, *framed) if name in there}
    rows = run.metrics.bytes().splitlines()
    found[METRICS] = [row.rpartition(b",")[0] for row in rows]
    summary = run.summary().to_json()
    return found | {key: summary[key] for key in ("status", "steps", "metrics", "best", "parameters")}


def differing(run: RunDir, straight: dict[str, Any]) -> list[str]:
    """The parts of the outcome that are not as in the run that never stopped."""
    found = outcome(run)
    return [name for name in sorted({*found, *straight}) if found.get(name) != straight.get(name)]
