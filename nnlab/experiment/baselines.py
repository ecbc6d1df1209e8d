"""Baselines: what next to no learning scores on the same splits, and what scikit-learn's linear model does."""

import math
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from nnlab import cache, memory, metrics
from nnlab.config import Config
from nnlab.dataset import Array, Dataset, Progress, SplitName, quiet
from nnlab.errors import DataError
from nnlab.model import both_classes
from nnlab.rundir import sealed, sha256

Scores = dict[str, dict[str, dict[str, float]]]
"""By baseline, split and metric."""

VERSION = 1
"""Of what is kept in the cache; another one is worked out anew."""
MOST_ITERATIONS = 100
"""Of the logistic regression's solver, which is scikit-learn's default."""
LEAST_ITERATIONS = 20
WORK = 20_000_000_000
"""Inputs of all training examples times scores times iterations: about four seconds on two cores. For MNIST these are
42 iterations, which cost it a third of a point; data for which they are less than 20 gets no such baseline."""
VECTORS = 30
"""As long as the parameters, in float64: what scipy's lbfgs works with."""
MAX_BYTES = 2**16
LOGISTIC, RIDGE = "logistic regression, scikit-learn", "ridge regression, scikit-learn"
MAJORITY, MEAN = "majority class", "mean of the targets"


def baselines(config: Config, dataset: Dataset, progress: Progress = quiet) -> Scores:
    """The scores of both on each split that there is.

    scikit-learn's takes seconds where there is much data, so it is worked out once for each split of each data and kept
    in the data cache. It is left out where it would take long, or more memory than is free, and where scikit-learn
    cannot fit.
    """
    found = _scores(dataset, dict(_guesses(dataset)))
    name = LOGISTIC if dataset.task == "classification" else RIDGE
    if (fitted := _kept(config, dataset, name, progress)) is not None:
        found[name] = fitted
    return found


def pending(config: Config, dataset: Dataset) -> bool:
    """Whether scikit-learn's will be worked out: it is not in the cache yet, and would not take too long."""
    return _iterations(dataset) >= LEAST_ITERATIONS and not _path(config, dataset).exists()


def _guesses(dataset: Dataset) -> Iterator[tuple[str, Array]]:
    """(name, scores of one example): the shares of the classes as log-probabilities, or the mean of the targets."""
    targets = dataset.train.targets
    if dataset.task == "classification":
        shares = np.bincount(targets, minlength=dataset.outputs) / len(targets)
        yield MAJORITY, np.log(np.maximum(shares, np.finfo(np.float64).tiny))
    else:
        yield MEAN, targets.mean(axis=0, dtype=np.float64)


def _scores(dataset: Dataset, guesses: dict[str, Array]) -> Scores:
    return {
        name: {
            split: _finite(metrics.measure(dataset.task, np.tile(one, (len(examples), 1)), examples.targets))
            for split, examples in _splits(dataset)
        }
        for name, one in guesses.items()
    }


def _splits(dataset: Dataset) -> Iterator[tuple[SplitName, Any]]:
    names: tuple[SplitName, ...] = ("train", "val", "test")
    for name in names:
        if (examples := dataset.split(name)) is not None:
            yield name, examples


def _finite(found: dict[str, float]) -> dict[str, float]:
    return {name: value for name, value in found.items() if math.isfinite(value)}


def _kept(config: Config, dataset: Dataset, name: str, progress: Progress) -> dict[str, dict[str, float]] | None:
    """The fitted baseline's scores, out of the cache or into it; None where it is left out."""
    path = _path(config, dataset)
    try:
        scores: dict[str, dict[str, float]] = sealed.unseal(cache.read(path, MAX_BYTES))["scores"]
    except (OSError, ValueError, KeyError):  # it is not there, or damaged
        progress(f"{name}, once for this data", 0, None)
        found = _fitted(dataset)
        if found is not None:
            try:
                cache.store(path, sealed.seal({"name": name, "scores": found}))
            except DataError:
                return found  # a cache that cannot be written costs the time again
        return found
    return scores


def _path(config: Config, dataset: Dataset) -> Path:
    return cache.folder() / "baselines" / f"{_key(config, dataset)}.json"


def _key(config: Config, dataset: Dataset) -> str:
    """What the scores depend on: the data, which of it is in which split, and what is done to it."""
    counts = [len(examples) for _, examples in _splits(dataset)]
    drawn = config.seed if dataset.val else None
    params = config.dataset.to_dict()
    params.pop("path", None)
    return sha256(sealed.dump({"is": [VERSION, dataset.sha256, counts, drawn, params]}))


def _iterations(dataset: Dataset) -> int:
    """How many the solver has time for."""
    outputs = dataset.outputs if dataset.outputs > 2 else 1
    return WORK // (len(dataset.train) * dataset.features * outputs)


def _fitted(dataset: Dataset) -> dict[str, dict[str, float]] | None:
    train, outputs = dataset.train, dataset.outputs if dataset.outputs > 2 else 1
    parameters = (dataset.features + 1) * outputs
    needed = 8 * VECTORS * parameters + 4 * len(train) * (2 * dataset.features + 6 * outputs)
    iterations = _iterations(dataset)
    if iterations < LEAST_ITERATIONS or needed > memory.room():
        return None
    from sklearn.linear_model import LogisticRegression, Ridge

    logistic = dataset.task == "classification"
    estimator = LogisticRegression(max_iter=min(iterations, MOST_ITERATIONS)) if logistic else Ridge()
    try:
        with warnings.catch_warnings(action="ignore"):  # of a solver that stops at its last iteration
            estimator.fit(train.inputs, train.targets)
    except (ValueError, MemoryError):
        return None
    predict = estimator.decision_function if logistic else estimator.predict
    found: dict[str, dict[str, float]] = {}
    for split, examples in _splits(dataset):
        scores = predict(examples.inputs).reshape(len(examples), -1)
        scores = both_classes(scores) if logistic and scores.shape[1] == 1 else scores
        found[split] = _finite(metrics.measure(dataset.task, scores, examples.targets))
    return found
