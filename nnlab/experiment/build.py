"""Build: from a config to its data and its model, with everything checked on the way."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from nnlab import config as configs
from nnlab import discover
from nnlab.config import Config, Named, Resolved, Train
from nnlab.dataset import Dataset, Progress, Task, quiet
from nnlab.environment import cores
from nnlab.errors import (
    ConfigError,
    DataError,
    DataUnavailableError,
    DeviceError,
    MissingDependencyError,
    RunError,
    TrainingError,
)
from nnlab.experiment import pictures
from nnlab.model import Model, Optimizer, Setup
from nnlab.rundir import CONFIG, SUMMARY, RunDir

THREAD_WORK = 500_000
"""Multiply-adds of a step that are worth a thread's being woken and waited for."""
MAX_THREADS = 8


def resolve(config: Path, overrides: list[str] | None = None) -> Resolved:
    """Read and check a config file; see ``nnlab.config.resolve``."""
    return configs.resolve(config, overrides or [], discover)


def json_schema() -> dict[str, Any]:
    """The JSON Schema of all configs."""
    return configs.json_schema(discover)


def sample_sheet(name: str, keys: list[str], progress: Progress = quiet) -> bytes:
    """A PNG of some of a dataset's training examples; ``keys`` are its own as ``key=value``."""
    named = configs.resolve_named("datasets", name, keys, discover)
    return pictures.of_data(_load(named, 0, progress))[1]


def load_dataset(config: Config, progress: Progress = quiet) -> tuple[Config, Dataset, str | None]:
    """The config's data, or its fallback's; the config as it then is, and a warning where the fallback was taken.

    Raises DataError where there is neither.
    """
    try:
        return config, _load(config.dataset, config.seed, progress), None
    except DataUnavailableError as error:
        if config.fallback is None:
            raise
        warning = f"{error.message}\nusing the fallback instead: {config.fallback.name}"
        changed = replace(config, dataset=config.fallback, fallback=None)
        try:
            return changed, _load(changed.dataset, config.seed, progress), warning
        except DataError as second:
            second.message = re.sub(r"^dataset\.", "dataset.fallback.", second.message)
            raise


def load_same_dataset(
    run: RunDir, config: Config, summary: dict[str, Any], progress: Progress = quiet
) -> tuple[Dataset, str | None]:
    """The data a run was trained on, and a warning as ``load_dataset`` gives it; ``summary`` is its run.json.

    Raises DataError where it has changed since.
    """
    _, dataset, warning = load_dataset(config, progress)
    if dataset.sha256 != summary["dataset"].get("sha256"):
        raise DataError(
            f"{run.path}: the data of {dataset.name} is not what this run was trained on (its SHA-256 differs)",
            "bring the old data back, or train again",
        )
    return dataset, warning


def _load(named: Named, seed: int, progress: Progress) -> Dataset:
    dataset: Dataset = discover.module("datasets", named.name).load(named.params, seed, progress)
    return dataset


def check(config: Config) -> None:
    """Raise ConfigError or DeviceError for what can be told before the data is loaded and a backend imported."""
    task = discover.module("datasets", config.dataset.name).CARD.task
    if task:
        check_task(config, task)
    if config.model.name.endswith("-torch"):
        return
    if config.device not in ("auto", "cpu"):
        message = f"device: given {config.device!r}, but {config.model.name} runs on the cpu"
        raise DeviceError(message, "use device: cpu, or a *-torch model")
    if config.precision != "float32":
        message = f"precision: given {config.precision!r}, but {config.model.name} computes in float32"
        raise ConfigError(message, "use precision: float32, or a *-torch model")


def check_task(config: Config, task: Task) -> None:
    """Raise ConfigError where the config's model cannot learn what the data is for."""
    model = config.model.name
    if task in discover.module("models", model).TASKS:
        return
    able = [name for name in discover.names("models") if task in discover.module("models", name).TASKS]
    raise ConfigError(
        f"model.name: {model} cannot learn {task}, which is what {config.dataset.name} is for",
        f"models for {task}: {', '.join(able)}",
    )


def build_model(config: Config, shape: tuple[int, ...], outputs: int, task: Task, rows: int) -> Model:
    """The model for data of this shape, on its device, with its initial weights and its number of threads.

    ``rows`` is how many examples the training split has, from which ``threads: auto`` is chosen.
    """
    setup = Setup(shape, outputs, task, optimizer(config.train), config.seed, config.device, config.precision)
    try:
        model: Model = discover.module("models", config.model.name).build(config.model.params, setup)
    except MemoryError as error:
        raise TrainingError(f"out of memory: {error}", "try a narrower model") from error
    except ImportError as error:
        raise MissingDependencyError(
            f"{config.model.name} needs a package that does not load here: {error}",
            "install nnlab again in an environment of its own: pip install -e .",
        ) from error
    model.threads = (
        threads_for(batch_rows(config, rows) * parameters(model)) if config.threads == "auto" else int(config.threads)
    )
    return model


def model_for(config: Config, dataset: Dataset) -> Model:
    """``build_model`` for the data that the config is to be trained on."""
    return build_model(config, dataset.shape, dataset.outputs, dataset.task, len(dataset.train))


def batch_rows(config: Config, rows: int) -> int:
    """How many of ``rows`` training examples a step sees."""
    return rows if config.train.batch_size == "full" else min(int(config.train.batch_size), rows)


def optimizer(train: Train) -> Optimizer:
    """The update rule that a config's train section describes."""
    given: dict[str, Any] = {
        key: getattr(train, key)
        for key in ("lr", "momentum", "nesterov", "weight_decay", "betas", "eps")
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


def config_of(run: RunDir) -> Config:
    """The config that a run was trained from. Raises ConfigError where it has been damaged."""
    run.read(CONFIG)  # refuses links, pipes and the like before the config reader opens it
    return resolve(run.path / CONFIG).config


def trained_model(run: RunDir) -> tuple[Model, Config, dict[str, Any], str | None]:
    """A run's model with its trained weights, its config, its run.json, and a warning where its device is not here."""
    summary, config = run.summary(), config_of(run)
    data = summary["dataset"]
    for key in ("train", "features", "outputs", "shape", "classes"):
        if data.get(key) is None:
            raise RunError(f"{run.path / SUMMARY}: dataset.{key} is missing", "the file is damaged")
    weights = run.weights()
    warning = None
    arguments = (tuple(data["shape"]), data["outputs"], summary["task"], data["train"])
    try:
        model = build_model(config, *arguments)
    except DeviceError as error:
        warning = f"{error.message}; this run is used on the cpu instead"
        model = build_model(replace(config, device="cpu"), *arguments)
    model.load_weights(weights)
    return model, config, summary, warning
