"""The same verbs for a notebook: ``nnlab.train``, ``nnlab.open_run`` and ``nnlab.compare``."""

import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, overload

import numpy as np

from nnlab import comparison, discover, experiment, rundir
from nnlab.comparison import Comparison, Entry, overview
from nnlab.comparison.entries import Spread
from nnlab.config import yaml
from nnlab.dataset import Array, SplitName
from nnlab.errors import ConfigError, TrainingError
from nnlab.experiment.evaluate import SplitReport
from nnlab.experiment.events import Ended, Notice
from nnlab.experiment.given import Given
from nnlab.experiment.jobs import Jobs, jobs_of_seeds
from nnlab.finding import Finding
from nnlab.rundir.directory import CONFIG
from nnlab.tables.dataframe import DataFrame, is_frame


class Run:
    """A run directory, opened."""

    def __init__(self, directory: rundir.RunDir) -> None:
        self._directory = directory

    def __repr__(self) -> str:
        return f"Run({str(self.path)!r})"

    def _repr_html_(self) -> str:
        """What a notebook shows: scores beside the baselines, and curves."""
        return overview.fragment(comparison.compare([self._directory]))

    @property
    def path(self) -> Path:
        """The run directory."""
        return self._directory.path

    @property
    def config(self) -> dict[str, Any]:
        """The resolved config."""
        config: dict[str, Any] = yaml.read(self._directory.config.read(), CONFIG).data
        return config

    @property
    def summary(self) -> dict[str, Any]:
        """run.json: status, data, times and the metrics of each split."""
        return self._directory.summary().to_json()

    @property
    def metrics(self) -> dict[str, list[float]]:
        """The columns of metrics.csv."""
        return self._directory.metrics.read()

    @property
    def weights(self) -> dict[str, Array]:
        """The trained weights by PyTorch's parameter names."""
        return self._directory.weights.read()

    @overload
    def predict(self, inputs: Array) -> Array: ...
    @overload
    def predict(self, inputs: Any) -> Any: ...
    def predict(self, inputs: Any) -> Any:
        """Scores (n, outputs) of an array (n, features) or (n, *shape), in the units of the data's own files.

        Of a data frame (pandas, polars and their like) with the columns of the training table, in any order, its
        ``labels`` and ``probabilities``, or ``values``, and ``metrics`` where it has the target too. What the command
        would warn of is a Python warning here.
        """
        predictor = experiment.Predictor(self._directory)
        if not is_frame(inputs):
            return predictor.of_array(inputs).scores
        found = predictor.of_frame(inputs)
        for text in found.warnings:
            warnings.warn(text, stacklevel=2)
        return found

    def evaluate(self, split: SplitName | None = None, *, data: Any = None) -> SplitReport:
        """The scores of a split (default: test, else val, else train), worked out again.

        ``data`` is what the run was trained on, where that is not in its place any more: a path, a data frame, a pair
        of arrays or a mapping of them. Raises DataChangedError for anything else, by its hash.
        """
        return experiment.evaluate(self._directory, split, data=_given(data))

    def resume(self, *, epochs: int | None = None, data: Any = None, allow_inexact: bool = False) -> "Run":
        """Go on with the run where it was stopped, or make it ``epochs`` long in all; ``data`` as in ``evaluate``."""
        events = experiment.resume(self._directory, epochs=epochs, inexact=allow_inexact, data=_given(data))
        return _finished(events, 3)

    def verify(self, *, data: Any = None) -> list[Finding]:
        """What was looked at in the run, and whether it is right; ``data`` as in ``evaluate``."""
        return list(experiment.verify(self._directory, data=_given(data)))

    def reproduce(self, *, data: Any = None, runs_dir: str | Path = "runs") -> Finding:
        """Train the run again and hold the two against each other; ``data`` as in ``evaluate``.

        Its values have the ``verdict``, BITWISE, WITHIN TOLERANCE or DIFFERENT, and how far the two are apart.
        """
        again = _finished(experiment.train_again(self._directory, Path(runs_dir), data=_given(data)), 3)
        return experiment.compare_runs(self._directory, again._directory)


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


class Compared(Comparison):
    """What was compared."""

    def _repr_html_(self) -> str:
        """What a notebook shows: tables and curves."""
        return overview.fragment(self)


@overload
def train(
    config: str | Path,
    *,
    seeds: None = None,
    jobs: int | None = None,
    runs_dir: str | Path = "runs",
    name: str | None = None,
    data: Any = None,
    target: Any = None,
    keep_data: bool = False,
    plugins: str | Path | None = None,
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
    data: Any = None,
    target: Any = None,
    keep_data: bool = False,
    plugins: str | Path | None = None,
    **overrides: Any,
) -> Runs: ...
def train(
    config: str | Path,
    *,
    seeds: str | Iterable[int] | None = None,
    jobs: int | None = None,
    runs_dir: str | Path = "runs",
    name: str | None = None,
    data: Any = None,
    target: Any = None,
    keep_data: bool = False,
    plugins: str | Path | None = None,
    **overrides: Any,
) -> Run | Runs:
    """Train a config file and return the finished run; with ``seeds`` ("0-4", or numbers) a run of each.

    Overrides are dotted keys with two underscores for the dot: ``train("ann.yaml", train__epochs=1)``. Seeds are
    trained in processes of their own, ``jobs`` at once, or as many as fit. Raises what ``nnlab train`` would report;
    what it would warn of is a Python warning here.

    ``data`` takes the place of the config's: a data frame (pandas, polars and their like), whose column ``target`` is
    to be predicted; inputs (n, …) with targets, as a pair or as ``data`` and ``target``; arrays by the names that they
    would have in a .npz file; or a path. The run keeps the hash of such data, and a copy of it with ``keep_data``;
    its seeds are trained one after the other, here.

    ``plugins`` is a folder whose ``models/*.py`` and ``datasets/*.py`` count too, read anew each time it is given; they
    count in this process until another is given.
    """
    if plugins is not None:
        discover.use([plugins])
    keys = [f"{key.replace('__', '.')}={_as_yaml(value)}" for key, value in overrides.items()]
    given = _given(data, target)
    keys += _of_data(given, target)
    if keep_data and (given is None or isinstance(given, Path)):
        raise ConfigError("keep_data: a copy is kept of data in memory", "give data=, a data frame or arrays")
    path, folder = Path(config), Path(runs_dir)
    if seeds is None:
        resolved = experiment.resolve(path, keys)
        return _finished(experiment.train(resolved, folder, name, data=given, keep_data=keep_data), 3)
    wanted = jobs_of_seeds(path, keys, _text_of(seeds), folder, name, jobs)
    if given is None:
        return Runs(_trained(wanted))
    runs = []
    for job in wanted.each:
        runs.append(_finished(job.train(given, keep_data=keep_data), 3))  # noqa: PERF401 (a frame less to warn through)
    return Runs(runs)


def _finished(events: Iterator[Any], level: int) -> Run:
    """The run that a training ends in; what it warns of is a Python warning ``level`` calls up."""
    for event in events:
        if isinstance(event, Notice):
            warnings.warn(event.text, stacklevel=level)
        elif isinstance(event, experiment.Finished):
            return open_run(event.run.path)
    raise RuntimeError("the training ended without a result")


def _text_of(seeds: str | Iterable[int]) -> str:
    return seeds if isinstance(seeds, str) else ",".join(map(str, seeds))


def _given(data: Any, target: Any = None) -> Given | None:
    """Data as the experiment takes it. Raises ConfigError for what is none of what ``train`` lists."""
    if data is None:
        return None
    if isinstance(data, str | Path):
        return Path(data).expanduser()
    if is_frame(data):
        return DataFrame(data)
    if isinstance(data, Mapping):
        return {str(name): np.asarray(array) for name, array in data.items()}
    if isinstance(data, tuple) and len(data) == 2 and target is None:
        data, target = data
    if target is None or isinstance(target, str):
        raise ConfigError(
            f"data: {type(data).__name__} without targets",
            "give a data frame and target=NAME, or data=(inputs, targets)",
        )
    return {"x": np.asarray(data), "y": np.asarray(target)}


def _of_data(given: Given | None, target: Any) -> list[str]:
    """The overrides that data in memory asks for."""
    if given is None or isinstance(given, Path):
        path = [] if given is None else [f"dataset.path={_as_yaml(str(given.absolute()))}"]
        return [*path, *([] if target is None else [f"dataset.target={_as_yaml(target)}"])]
    if isinstance(given, DataFrame):
        return [
            "dataset.name=csv",
            "dataset.path=''",
            *([] if target is None else [f"dataset.target={_as_yaml(target)}"]),
        ]
    return ["dataset.name=arrays", "dataset.path=''"]


def _trained(jobs: Jobs) -> list[Run]:
    """The runs of jobs, in their order. Raises TrainingError, once all have ended, where one failed."""
    ended: dict[str, Ended] = {}
    for event in experiment.train_jobs(jobs):
        if isinstance(event, Notice):
            warnings.warn(event.text, stacklevel=3)
        elif isinstance(event, tuple) and isinstance(event[1], Ended):
            ended[event[0].title] = event[1]
    failed = {title: end for title, end in ended.items() if end.code}
    if failed:
        said = "\n".join(f"{title}: {end.error.strip()}" for title, end in failed.items())
        raise TrainingError(f"{len(failed)} of {len(jobs.each)} seeds failed\n{said}", "the others are kept")
    runs = [ended[job.title].run for job in jobs.each]
    return [open_run(run.path) for run in runs if run]


def open_run(path: str | Path, *, runs_dir: str | Path = "runs", plugins: str | Path | None = None) -> Run:
    """Open a run by path, by a unique part of its name, or as ``latest``; ``plugins`` as in ``train``."""
    if plugins is not None:
        discover.use([plugins])
    return Run(rundir.RunDir(rundir.find(Path(runs_dir), str(path)).path.resolve()))


def compare(
    runs: Iterable[Run | Runs | str | Path],
    sort: str | None = None,
    *,
    each: bool = False,
    runs_dir: str | Path = "runs",
) -> Compared:
    """Compare runs: groups on the same data, best first.

    Runs that differ only in their seed are one entry, unless ``each`` is to be shown.
    """
    found: list[rundir.RunDir] = []
    for given in runs:
        if isinstance(given, str | Path):
            found += comparison.select(Path(runs_dir), str(given))
        else:
            found += [rundir.RunDir(run.path) for run in (given if isinstance(given, Runs) else [given])]
    compared = comparison.compare(found, sort, each=each)
    return Compared(compared.groups, compared.warnings)


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
