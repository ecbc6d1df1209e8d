"""Growth: time and memory against the number of examples, the batch, the width and the depth, one process a point."""

import json
import statistics
import sys
import time
from typing import Any

import numpy as np

from benchmarks import processes

BASE = {"examples": 10_000, "batch": 100, "width": 150, "depth": 3}
AXES = {
    "examples": (1_000, 10_000, 30_000, 60_000, 120_000),
    "batch": (10, 32, 100, 316, 1_000, 3_162),
    "width": (15, 50, 150, 500, 1_500),
    "depth": (1, 3, 6, 12, 24),
}
MODELS = ("ann-torch", "mlp-np")
FEATURES, CLASSES = 784, 10
SECONDS = 0.4
"""About how long a chunk of steps is timed."""


def measure(quick: bool) -> list[dict[str, Any]]:
    """Every point of every axis: microseconds an example of training, and the process's peak memory."""
    found = []
    for model in MODELS[:1] if quick else MODELS:
        for axis, values in AXES.items():
            for value in values[1:3] if quick else values:
                shape = BASE | {axis: value}
                command = [sys.executable, "-m", "benchmarks.growth", model, *map(str, shape.values())]
                ended, peak = processes.measured(*command)
                point = {"model": model, "axis": axis, "value": value, "peak_mib": peak}
                found.append(point | json.loads(ended.output))
    return found


def text(points: list[dict[str, Any]]) -> str:
    """The points as the screen shows them."""
    lines = ["growth: microseconds an example of training, and MiB at the peak, of 784 inputs and 10 classes"]
    for model in MODELS:
        for axis in AXES:
            row = [point for point in points if (point["model"], point["axis"]) == (model, axis)]
            cells = [f"{p['value']:,}: {p['us_per_example']:.3g} us {p['peak_mib']:.0f} MiB" for p in row]
            if cells:
                lines.append(f"    {model} by {axis}: " + "; ".join(cells))
    return "\n".join(lines)


def train_briefly(name: str, examples: int, batch: int, width: int, depth: int) -> dict[str, float]:
    """Train a network of this shape for a moment, in this process."""
    from nnlab import discover
    from nnlab.dataset import Classification, Split
    from nnlab.experiment.making import parameters, threads_for
    from nnlab.model import Model, Optimizer, Setup, Step

    rng = np.random.default_rng(0)
    split = Split(rng.random((examples, FEATURES), dtype=np.float32), rng.integers(0, CLASSES, examples))
    file = discover.model(name)
    setup = Setup((FEATURES,), Classification(tuple(map(str, range(CLASSES)))), Optimizer(), device="cpu")
    model: Model = file.build(file.params.model_validate({"hidden": [width] * depth}), setup)
    model.threads = threads_for(min(batch, examples) * parameters(model))
    data = model.put(split)
    few = [Step(rng.integers(0, examples, min(batch, examples)), number, 0.01) for number in range(4)]
    began = time.perf_counter()
    model.train(data, few)
    once = (time.perf_counter() - began) / len(few)
    steps = few * max(1, int(SECONDS / 5 / once / len(few)))
    seconds = []
    for _ in range(5):
        began = time.perf_counter()
        model.train(data, steps)
        seconds.append((time.perf_counter() - began) / len(steps) / len(few[0].rows))
    model.predict(data)
    return {"us_per_example": 1e6 * statistics.median(seconds), "threads": model.threads}


if __name__ == "__main__":
    model_name, *numbers = sys.argv[1:]
    print(json.dumps(train_briefly(model_name, *map(int, numbers))))  # noqa: T201
