"""The same verbs for a notebook: ``nnlab.train``, ``nnlab.open_run`` and ``nnlab.compare``."""

import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from nnlab import comparison, experiment, rundir
from nnlab.comparison import Comparison
from nnlab.config import yaml
from nnlab.dataset import Array


class Run:
    """A run directory, opened."""

    def __init__(self, directory: rundir.RunDir) -> None:
        self._directory = directory

    def __repr__(self) -> str:
        return f"Run({str(self.path)!r})"

    @property
    def path(self) -> Path:
        """The run directory."""
        return self._directory.path

    @property
    def config(self) -> dict[str, Any]:
        """The resolved config."""
        config: dict[str, Any] = yaml.read(self._directory.read_text(rundir.CONFIG), rundir.CONFIG).data
        return config

    @property
    def summary(self) -> dict[str, Any]:
        """run.json: status, data, times and the metrics of each split."""
        return self._directory.summary()

    @property
    def metrics(self) -> dict[str, list[float]]:
        """The columns of metrics.csv."""
        return self._directory.metrics()

    @property
    def weights(self) -> dict[str, Array]:
        """The trained weights by PyTorch's parameter names."""
        return self._directory.weights()

    def predict(self, inputs: Array) -> Array:
        """Scores (n, outputs) for inputs (n, features) or (n, *shape), scaled as the training data was."""
        return experiment.predict_rows(self._directory, inputs)


def train(config: str | Path, *, runs_dir: str | Path = "runs", name: str | None = None, **overrides: Any) -> Run:
    """Train a config file and return the finished run.

    Overrides are dotted keys with two underscores for the dot: ``train("ann.yaml", train__epochs=1)``. Raises what
    ``nnlab train`` would report; what it would warn of is a Python warning here.
    """
    given = [f"{key.replace('__', '.')}={_as_yaml(value)}" for key, value in overrides.items()]
    for event in experiment.train(experiment.resolve(Path(config), given), Path(runs_dir), name):
        if isinstance(event, experiment.Notice):
            warnings.warn(event.text, stacklevel=2)
        elif isinstance(event, experiment.Finished):
            return open_run(event.run.path)
    raise RuntimeError("the training ended without a result")


def open_run(path: str | Path, *, runs_dir: str | Path = "runs") -> Run:
    """Open a run by path, by a unique part of its name, or as ``latest``."""
    return Run(rundir.RunDir(rundir.find(Path(runs_dir), str(path)).path.resolve()))


def compare(runs: Iterable[Run | str | Path], sort: str | None = None) -> Comparison:
    """Compare runs: groups on the same data, best first."""
    opened = [run if isinstance(run, Run) else open_run(run) for run in runs]
    return comparison.compare([rundir.RunDir(run.path) for run in opened], sort)


def _as_yaml(value: Any) -> str:
    return yaml.dump_line(_plain(value))


def _plain(value: Any) -> Any:
    """A value as a config can hold it: a notebook's loop may give NumPy's numbers, and its paths are Paths."""
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | range):
        return [_plain(inner) for inner in value]
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return str(value)
