"""Runs to report, forged without training: frames, predictions and losses beside what every run has."""

import json
import math
from pathlib import Path

import numpy as np

from nnlab.dataset import Dataset, Split
from nnlab.rundir import RunDir
from nnlab.rundir.frames import Frame
from tests.run_fixtures import forge

HOSTILE = "<img src=x onerror=\"document.title='owned'\">"
ENDING = "</script><script>document.title='owned'</script> ' \" & 🤟 \u202eevil\u202c مرحبا"


def forge_run(
    runs: Path,
    name: str,
    *,
    shape: tuple[int, ...] = (8, 8),
    classes: tuple[str, ...] = ("zero", "one", "two"),
    feature_names: tuple[str, ...] = (),
    target_name: str = "",
    rows: int = 30,
    points: int = 10,
    frames: int = 4,
    units: int = 9,
    seed: int = 0,
    **given: object,
) -> RunDir:
    """A run with first layer, confusion and predictions drawn from ``seed``; a regression where it has no classes."""
    task = "classification" if classes else "regression"
    run = forge(runs, name, task=task, seed=seed, **given)
    rng, features, outputs = np.random.default_rng(seed), math.prod(shape), len(classes) or 1
    summary = json.loads((run.path / "run.json").read_text())
    facts = {"shape": list(shape), "features": features, "classes": list(classes), "outputs": outputs, "test": rows}
    summary["dataset"] |= facts | {"feature_names": list(feature_names), "target_name": target_name}
    run.json.write(summary)
    metrics = ["loss", "accuracy"] if classes else ["loss", "mse", "r2"]
    header = ",".join(["step,epoch,train_loss", *(f"test_{metric}" for metric in metrics), "seconds"])
    steps = range(10, 10 * points + 1, 10)
    lines = [f"{s},{s / 20},{9 / s},{','.join(str(0.5 + s / 1e4) for _ in metrics)},{s / 100}" for s in steps]
    (run.path / "metrics.csv").write_text("\n".join([header, *lines, ""]))
    run.losses.write(rng.random(10 * points))
    for number in range(frames):
        weight = rng.standard_normal((units, features)).astype(np.float16)
        ratios = {"0.weight": 0.01 / number, "0.bias": 0.02 / number} if number else {}
        confusion = rng.integers(0, 9, (outputs, outputs)) if classes and number else None
        run.write_frame(Frame(10 * number, number / 2, weight, ratios, confusion))
    scores = rng.standard_normal((rows, outputs)).astype(np.float32)
    targets = rng.integers(0, outputs, rows) if classes else (scores + 0.1 * rng.random((rows, 1))).astype(np.float32)
    run.predictions.write({"scores": scores, "targets": targets})
    return run


def forged_data(run: RunDir) -> Dataset:
    """The data of a forged run: noise."""
    facts = run.json.read()["dataset"]
    predictions = run.predictions.read()
    inputs = np.random.default_rng(0).random((facts["test"], facts["features"]), dtype=np.float32)
    split = Split(inputs, predictions["targets"])
    names = {key: tuple(facts[key]) for key in ("feature_names", "shape")}
    task = run.summary().learnt
    return Dataset(
        facts["name"], split, None, split, facts["sha256"], task=task, target_names=(facts["target_name"],), **names
    )
