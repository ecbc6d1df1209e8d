"""The same verbs for a notebook: ``nnlab.train``, ``nnlab.open_run`` and ``nnlab.compare``."""

import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, overload

import numpy as np

from nnlab import comparison, experiment, rundir
from nnlab.comparison import Comparison, Entry, Spread
from nnlab.config import yaml
from nnlab.dataset import Array
from nnlab.errors import TrainingError


class Run:
    """A run directory, opened."""

    def __init__(self, directory: rundir.RunDir) -> None:
        self._directory = directory

    def __repr__(self) -> str:
        return f"Run({str(self.path)!r})"

    def _repr_html_(self) -> str:
        """What a notebook shows: scores beside the baselines, and curves."""
        return comparison.compare([self._directory])._repr_html_()

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


class Runs(Sequence[Run]):
    """Runs of one config, a seed each."""

    def __init__(self, runs: Iterable[Run]) -> None:
        self._runs = tuple(runs)

    def __len__(self) -> int:
        return len(self._runs)

    @overload
    def __getitem__(self, index: int) -> Run: ...
    @overload
    def __getitem__(self, index: slice) -> "Runs": ...
    def __getitem__(self, index: int | slice) -> "Run | Runs":
        return Runs(self._runs[index]) if isinstance(index, slice) else self._runs[index]

    def __repr__(self) -> str:
        return f"Runs({list(self._runs)!r})"

    def _repr_html_(self) -> str:
        """What a notebook shows: the mean and deviation of the scores, and curves with bands."""
        return compare(self)._repr_html_()

    @property
    def scores(self) -> dict[str, Spread]:
        """Mean, standard deviation and number of seeds of each metric: ``runs.scores["test_accuracy"].mean``."""
        return Entry(tuple(comparison.read_row(rundir.RunDir(run.path)) for run in self)).values


@overload
def train(
    config: str | Path,
    *,
    seeds: None = None,
    jobs: int | None = None,
    runs_dir: str | Path = "runs",
    name: str | None = None,
    **overrides: Any,
) -> Run: ...
@overload
def train(
    config: str | Path,
    *,
    seeds: str | Iterable[int],
    jobs: int | None = None,
    runs_dir: str | Path = "runs",
    name: str | None = None,
    **overrides: Any,
) -> Runs: ...
def train(
    config: str | Path,
    *,
    seeds: str | Iterable[int] | None = None,
    jobs: int | None = None,
    runs_dir: str | Path = "runs",
    name: str | None = None,
    **overrides: Any,
) -> Run | Runs:
    """Train a config file and return the finished run; with ``seeds`` ("0-4", or numbers) a run of each.

    Overrides are dotted keys with two underscores for the dot: ``train("ann.yaml", train__epochs=1)``. Seeds are
    trained in processes of their own, ``jobs`` at once, or as many as fit. Raises what ``nnlab train`` would report;
    what it would warn of is a Python warning here.
    """
    given = [f"{key.replace('__', '.')}={_as_yaml(value)}" for key, value in overrides.items()]
    if seeds is not None:
        wanted = experiment.read_seeds(seeds if isinstance(seeds, str) else ",".join(map(str, seeds)))
        return Runs(_train_seeds(Path(config), given, wanted, Path(runs_dir), name, jobs))
    for event in experiment.train(experiment.resolve(Path(config), given), Path(runs_dir), name):
        if isinstance(event, experiment.Notice):
            warnings.warn(event.text, stacklevel=2)
        elif isinstance(event, experiment.Finished):
            return open_run(event.run.path)
    raise RuntimeError("the training ended without a result")


def _train_seeds(
    config: Path, overrides: list[str], seeds: list[int], runs: Path, name: str | None, jobs: int | None
) -> list[Run]:
    """The runs in the order of the seeds. Raises TrainingError, once all have ended, where one failed."""
    ended: dict[int, experiment.Ended] = {}
    for event in experiment.train_seeds(config, overrides, seeds, runs, name, jobs):
        if isinstance(event, experiment.Notice):
            warnings.warn(event.text, stacklevel=3)
        elif isinstance(event, experiment.Ended):
            ended[event.seed] = event
    failed = [each for each in ended.values() if each.code]
    if failed:
        said = "\n".join(f"seed {each.seed}: {each.error.strip()}" for each in failed)
        raise TrainingError(f"{len(failed)} of {len(seeds)} seeds failed\n{said}", "the others are kept")
    return [open_run(each.run.path) for each in (ended[seed] for seed in seeds) if each.run]


def open_run(path: str | Path, *, runs_dir: str | Path = "runs") -> Run:
    """Open a run by path, by a unique part of its name, or as ``latest``."""
    return Run(rundir.RunDir(rundir.find(Path(runs_dir), str(path)).path.resolve()))


def compare(
    runs: Iterable[Run | Runs | str | Path],
    sort: str | None = None,
    *,
    each: bool = False,
    runs_dir: str | Path = "runs",
) -> Comparison:
    """Compare runs: groups on the same data, best first.

    Runs that differ only in their seed are one entry, unless ``each`` is to be shown.
    """
    found: list[rundir.RunDir] = []
    for given in runs:
        if isinstance(given, str | Path):
            found += comparison.select(Path(runs_dir), str(given))
        else:
            found += [rundir.RunDir(run.path) for run in (given if isinstance(given, Runs) else [given])]
    return comparison.compare(found, sort, each=each)


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
