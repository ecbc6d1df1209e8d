"""Cost: how much of a training's time goes into rows, checkpoints and flushes at the default interval."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nnlab import experiment
from nnlab.experiment import pictures
from nnlab.experiment.awaited_rows import Rows
from nnlab.experiment.writers import CHECKPOINT_SECONDS, Checkpoints
from nnlab.standing import Standing
from tests.conftest import ROOT
from tests.reliability.finding import Finding

GOAL = "cost of checkpoints and flushes at the default interval: at most 2 % of training time"
MOST = 0.02
SHORT = ["train.epochs=12", "train.eval_every=50"]
RECIPES = {"ann.yaml": [], "mlp-np.yaml": ["train.epochs=100"], "cnn.yaml": ["train.epochs=4"]}
"""Each trains long enough for a checkpoint or more to come due."""


def measure(full: bool, folder: Path) -> Finding:
    """The recipes on MNIST, whole; a quick round works out what a checkpoint would take from some seconds of one."""
    failures, notes = [], []
    for name, overrides in RECIPES.items() if full else [("ann.yaml", SHORT)]:
        spent, checkpoints, seconds = _train(ROOT / "configs" / name, overrides, folder / "runs")
        due = seconds / CHECKPOINT_SECONDS
        share = (spent["rows"] + spent["checkpoints"] / max(1, checkpoints) * due) / seconds
        notes.append(
            f"{' '.join([name, *overrides])}: {100 * share:.2f} % of {seconds:.1f} s; {checkpoints} checkpoints of "
            f"{1000 * spent['checkpoints'] / max(1, checkpoints):.1f} ms, rows and run.json {spent['rows']:.3f} s"
        )
        if share > MOST:
            failures.append(notes[-1])
    shares = ", ".join(note.partition(" of ")[0] for note in notes)
    return Finding(GOAL, shares, failures, notes)


def _train(config: Path, overrides: list[str], runs: Path) -> tuple[dict[str, float], int, float]:
    """Seconds spent on rows and on checkpoints, how many checkpoints there were, and the loop's seconds in all."""
    spent, calls = {"rows": 0.0, "checkpoints": 0.0}, [0]

    def timed(method: Callable[..., Any], kind: str) -> Callable[..., Any]:
        def wrapped(*arguments: Any, **options: Any) -> Any:
            began = time.perf_counter()
            try:
                return method(*arguments, **options)
            finally:
                spent[kind] += time.perf_counter() - began
                calls[0] += kind == "checkpoints"

        return wrapped

    kept = Rows.write, Checkpoints.save, pictures.of_training
    Rows.write, Checkpoints.save = timed(Rows.write, "rows"), timed(Checkpoints.save, "checkpoints")  # type: ignore[method-assign]
    pictures.of_training = lambda *arguments: iter(())
    began = ended = 0.0
    try:
        for event in experiment.train(experiment.resolve(config, overrides), runs):
            if isinstance(event, experiment.Started):
                began = time.perf_counter()
            elif isinstance(event, Standing):
                ended = time.perf_counter()
    finally:
        Rows.write, Checkpoints.save, pictures.of_training = kept  # type: ignore[method-assign]
    return spent, calls[0], ended - began
