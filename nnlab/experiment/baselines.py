"""Baselines: what next to no learning scores on the same splits, and what scikit-learn's linear model does."""

import math
import warnings
from collections.abc import Iterator
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from nnlab import budget, cache, memory
from nnlab.config import Config
from nnlab.dataset import Dataset, SplitName
from nnlab.errors import DataError
from nnlab.experiment.events import Working
from nnlab.experiment.making import threads_for
from nnlab.rundir import sealed, strict
from nnlab.rundir.sealed import sha256
from nnlab.rundir.summary import Baselines

VERSION = 3
"""Of what is kept in the cache; another one is worked out anew."""
MOST_ITERATIONS = 100
"""Of the logistic regression's solver, which is scikit-learn's default."""
LEAST_ITERATIONS = 20
WORK = 20_000_000_000
"""Inputs of all training examples times scores times iterations: about four seconds on two cores. For MNIST these are
42 iterations, which cost it a third of a point; data for which they are less than 20 gets no such baseline."""
MAX_BYTES = 2**16


def baselines(config: Config, dataset: Dataset) -> Baselines:
    """The scores of both on each split that there is.

    scikit-learn's takes seconds where there is much data, so it is worked out once for each split of each data and kept
    in the data cache. It is left out where it would take long, or more memory than is free, and where scikit-learn
    cannot fit.
    """
    found = _guessed(dataset)
    fitted = _kept(config, dataset)
    if fitted is None and (fitted := _fitted(dataset)) is not None:
        with suppress(DataError):  # a cache that cannot be written costs the time again
            cache.store(_path(config, dataset), sealed.seal({"scores": fitted}))
    return found if fitted is None else {**found, fitted_name(dataset): fitted}


def worked_out(dataset: Dataset) -> Baselines:
    """The same, out of the data alone: what is kept in the cache may be another machine's, or another's word."""
    fitted = _fitted(dataset)
    return _guessed(dataset) | ({} if fitted is None else {fitted_name(dataset): fitted})


def affordable(dataset: Dataset) -> bool:
    """Whether scikit-learn's would not take too long, whatever memory there is."""
    return bool(_iterations(dataset))


def announced(config: Config, dataset: Dataset) -> Iterator[Working]:
    """What to tell before ``baselines``, where it will take more than a second."""
    if _iterations(dataset) * _work(dataset) > WORK // 10 and pending(config, dataset):
        yield Working(f"fitting a baseline, once for this data: {fitted_name(dataset)}")


def pending(config: Config, dataset: Dataset) -> bool:
    """Whether scikit-learn's is still to be worked out: it is not kept yet, and would not take too long."""
    return bool(_iterations(dataset)) and _kept(config, dataset) is None


def _guessed(dataset: Dataset) -> Baselines:
    task, one = dataset.task, dataset.task.guessed(dataset.train.targets)
    return {
        task.guess: {
            split: _finite(task.measure(np.tile(one, (len(examples), 1)), examples.targets))
            for split, examples in _splits(dataset)
        }
    }


def fitted_name(dataset: Dataset) -> str:
    """What scikit-learn's is called for this data."""
    return f"{dataset.task.linear} regression, scikit-learn"


def _splits(dataset: Dataset) -> Iterator[tuple[SplitName, Any]]:
    names: tuple[SplitName, ...] = ("train", "val", "test")
    for name in names:
        if (examples := dataset.split(name)) is not None:
            yield name, examples


def _finite(found: dict[str, float]) -> dict[str, float]:
    return {name: value for name, value in found.items() if math.isfinite(value)}


def _kept(config: Config, dataset: Dataset) -> dict[SplitName, dict[str, float]] | None:
    """The fitted baseline's scores out of the cache; None where they are not there, or damaged."""
    try:
        scores = sealed.unseal(cache.read(_path(config, dataset), MAX_BYTES))["scores"]
    except (OSError, ValueError, KeyError):
        return None
    return scores if strict.fits(Baselines, {"": scores}) else None


def _path(config: Config, dataset: Dataset) -> Path:
    return cache.folder() / "baselines" / f"{_key(config, dataset)}.json"


def _key(config: Config, dataset: Dataset) -> str:
    """What the scores depend on: the data, which of it is in which split, what is done to it, and scikit-learn."""
    counts = [len(examples) for _, examples in _splits(dataset)]
    drawn = config.seed if dataset.val else None
    params = config.dataset.to_dict()
    params.pop("path", None)
    known = [VERSION, version("scikit-learn"), dataset.sha256, counts, drawn, params]
    return sha256(sealed.dump({"is": known}))


def _outputs(dataset: Dataset) -> int:
    return dataset.outputs if dataset.outputs > 2 else 1


def _work(dataset: Dataset) -> int:
    """Multiply-adds of an iteration."""
    return len(dataset.train) * dataset.features * _outputs(dataset)


def _iterations(dataset: Dataset) -> int:
    """How many there is time for; 0 where they would be too few to come to anything, or the task has no such model."""
    fitting = min(WORK // _work(dataset), MOST_ITERATIONS)
    return fitting if fitting >= LEAST_ITERATIONS and dataset.task.linear else 0


def _fitted(dataset: Dataset) -> dict[SplitName, dict[str, float]] | None:
    train, iterations = dataset.train, _iterations(dataset)
    needed = budget.solver_bytes(dataset.features, _outputs(dataset), len(train), inputs=2)
    if not iterations or needed > memory.room():
        return None
    from sklearn.linear_model import LogisticRegression, Ridge
    from threadpoolctl import ThreadpoolController

    logistic, scaling = dataset.task.linear == "logistic", dataset.transform.target
    # scikit-learn rounds the targets to the float32 of the inputs, of which little is left of time stamps or prices.
    targets = scaling.shrunk(train.targets) if scaling else train.targets
    estimator = LogisticRegression(max_iter=iterations) if logistic else Ridge()
    try:
        # By the work, as for a model: for little of it more threads take a hundred times as long where others compute
        # too, and a solver that stops at its last iteration comes to other numbers on another number of cores.
        threads = ThreadpoolController().limit(limits=threads_for(_work(dataset)))
        with threads, warnings.catch_warnings(action="ignore"):
            estimator.fit(train.inputs, targets)
    except (ValueError, MemoryError):
        return None
    predict = estimator.decision_function if logistic else estimator.predict
    found: dict[SplitName, dict[str, float]] = {}
    for split, examples in _splits(dataset):
        scores = predict(examples.inputs).reshape(len(examples), -1)
        scores = dataset.task.complete(scores)
        scores = scaling.restored(scores) if scaling else scores
        found[split] = _finite(dataset.task.measure(scores, examples.targets))
    return found
