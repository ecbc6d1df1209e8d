"""Making: the model of a config for its data, where it fits, with the threads that a step is worth."""

from dataclasses import replace
from typing import Any

import numpy as np

from nnlab import budget, discover
from nnlab.config import Config, Strict
from nnlab.config.frame import Train
from nnlab.dataset import Dataset, Task
from nnlab.dataset.transform import Scaling
from nnlab.environment import cores
from nnlab.errors import CheckError, ConfigError, MissingDependencyError, TrainingError
from nnlab.experiment.soundness import check_built, check_model, told_of
from nnlab.model import Model, Optimizer, Setup
from nnlab.plugin import ModelFile

THREAD_WORK = 500_000
"""Multiply-adds of a step that are worth a thread's being woken and waited for."""
MAX_THREADS = 8


def model_for(config: Config, dataset: Dataset) -> Model:
    """``built_for``, tried where it is a plug-in's. Raises ConfigError too where that cannot be trained."""
    model, file = built_for(config, dataset), discover.model(config.model.name)
    try:
        with told_of(file):
            check_model(file, model, dataset)
    except CheckError as error:
        raise ConfigError(error.message, error.hint) from None
    return model


def built_for(config: Config, dataset: Dataset) -> Model:
    """``build_model`` for the data that the config is to be trained on."""
    largest = max(len(split) for split in (dataset.train, dataset.val, dataset.test) if split)
    target = dataset.transform.target
    return build_model(config, dataset.shape, dataset.task, len(dataset.train), largest, target=target)


def build_model(
    config: Config,
    shape: tuple[int, ...],
    task: Task,
    rows: int,
    largest: int | None = None,
    held: int | None = None,
    target: Scaling | None = None,
) -> Model:
    """The model for data of this shape, on its device, with its initial weights and its number of threads.

    ``rows`` is how many examples the training split has, from which ``threads: auto`` is chosen; ``largest`` how many
    the largest split has, or None for a model that is only to predict; ``held`` how many numbers the weights are that
    it is to load; ``target`` how the values of a regression are scaled. Raises ConfigError or RunError, before anything
    is made of it, where the model would not fit into the free memory or is larger than its weights.
    """
    seen, predicted = (batch_rows(config, rows), largest) if largest else (0, 1)
    rule = optimizer(config.train)
    setup = Setup(shape, task, rule, config.seed, config.device, config.precision, seen, predicted, target, held)
    try:
        file = discover.model(config.model.name)
        with told_of(file):
            model = made(file, config.model.params, setup)
            check_built(file, model)
            count = parameters(model)
    except MemoryError as error:
        raise TrainingError(f"out of memory: {error}", "try a narrower model") from error
    except ImportError as error:
        raise MissingDependencyError(
            f"{config.model.name} needs a package that does not load here: {error}",
            "install nnlab again in an environment of its own: pip install -e .",
        ) from error
    model.threads = threads_for(batch_rows(config, rows) * count) if config.threads == "auto" else int(config.threads)
    return model


def made(file: ModelFile, params: Strict, setup: Setup) -> Model:
    """A file's model. Raises ConfigError or RunError, before it is made, where it would not fit into the memory."""
    setup = replace(setup, blamed=_largest_key(params))
    if not file.backend.steppable:
        budget.check_solver(setup)
    elif file.layers:
        budget.check(setup, budget.told(setup, file.layers(params, setup), file.backend.at_once or setup.predicted))
    return file.build(params, setup)


def _largest_key(params: Strict) -> str:
    """The dotted key of a model's that has the largest whole numbers, such as its widths."""
    largest = {key: max(value, default=0) if isinstance(value, list) else value for key, value in params}
    counts = {key: value for key, value in largest.items() if type(value) is int}
    return f"model.{max(counts, key=lambda key: counts[key])}" if counts else "model.name"


def batch_rows(config: Config, rows: int) -> int:
    """How many of ``rows`` training examples a step sees."""
    return rows if config.train.batch_size == "full" else min(int(config.train.batch_size), rows)


def optimizer(train: Train) -> Optimizer:
    """The update rule that a config's train section describes, without its learning rate, which a step brings."""
    given: dict[str, Any] = {
        key: getattr(train, key)
        for key in ("momentum", "nesterov", "weight_decay", "betas", "eps")
        if getattr(train, key) is not None
    }
    if "betas" in given:
        given["betas"] = tuple(given["betas"])
    return Optimizer(train.optimizer, **given)


def parameters(model: Model) -> int:
    """How many numbers a model learns."""
    return sum(int(np.size(weight)) for weight in model.weights().values())


def threads_for(work: int) -> int:
    """CPU threads for steps of this many multiply-adds: as many as have enough to do, of what the machine has."""
    return max(1, min(work // THREAD_WORK, cores(), MAX_THREADS))
