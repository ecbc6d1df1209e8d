"""Build: from a config to its data and its model, with everything checked on the way."""

import math
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from nnlab import config as configs
from nnlab import discover, memory
from nnlab.config import Config, Named, Resolved, Train, yaml
from nnlab.dataset import Dataset, Progress, Task, quiet
from nnlab.environment import cores
from nnlab.errors import (
    ConfigError,
    DataChangedError,
    DataError,
    DataUnavailableError,
    DeviceError,
    MissingDependencyError,
    RunError,
    TrainingError,
)
from nnlab.experiment import pictures
from nnlab.fit import Plan
from nnlab.model import Model, Optimizer, Setup, check_weights
from nnlab.rundir import CONFIG, MAX_ROWS, SUMMARY, RunDir

THREAD_WORK = 500_000
"""Multiply-adds of a step that are worth a thread's being woken and waited for."""
MAX_THREADS = 8
LOSS = 3 * 8
"""Bytes of a step's loss: as it is kept, and twice more while it is written."""
LISTED_LOSS = 32
"""The same as one of Python's own numbers, which the steps since the last evaluation have."""


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

    Raises DataChangedError where it has changed since.
    """
    _, dataset, warning = load_dataset(config, progress)
    if dataset.sha256 != summary["dataset"].get("sha256"):
        raise DataChangedError(
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


def build_model(
    config: Config,
    shape: tuple[int, ...],
    outputs: int,
    task: Task,
    rows: int,
    largest: int | None = None,
    held: int | None = None,
) -> Model:
    """The model for data of this shape, on its device, with its initial weights and its number of threads.

    ``rows`` is how many examples the training split has, from which ``threads: auto`` is chosen; ``largest`` how many
    the largest split has, or None for a model that is only to predict, and ``held`` how many numbers the weights are
    that it is to load. Raises ConfigError or RunError, before anything is made of it, where the model would not fit
    into the free memory or is larger than its weights.
    """
    seen, predicted = (batch_rows(config, rows), largest) if largest else (0, 1)
    rule = optimizer(config.train)
    setup = Setup(shape, outputs, task, rule, config.seed, config.device, config.precision, seen, predicted, held)
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
    largest = max(len(split) for split in (dataset.train, dataset.val, dataset.test) if split)
    return build_model(config, dataset.shape, dataset.outputs, dataset.task, len(dataset.train), largest)


def plan_for(config: Config, rows: int) -> Plan:
    """How to train on ``rows`` examples.

    Raises ConfigError where the losses of so many steps would not fit into the free memory, or so many evaluations
    into metrics.csv.
    """
    given = config.train
    plan = Plan(
        0, None if given.batch_size == "full" else int(given.batch_size), 0, config.seed, given.checkpoint_every
    )
    per_epoch = plan.steps_per_epoch(rows)
    steps = given.steps or per_epoch * (given.epochs or 0)
    every = min(given.eval_every or per_epoch, steps)
    key = "train.steps" if given.steps else "train.epochs"
    needed = LOSS * steps + LISTED_LOSS * every
    memory.check(needed, f"{key}: the losses of {steps:,} steps", "train fewer steps, or evaluate more often")
    if (evaluations := math.ceil(steps / every)) > MAX_ROWS:
        raise ConfigError(
            f"train.eval_every: {evaluations:,} evaluations are more than the {MAX_ROWS:,} that are recorded",
            f"give {math.ceil(steps / MAX_ROWS):,} steps or more",
        )
    return replace(plan, steps=steps, eval_every=every)


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
    """The config that a run was trained from. Raises ConfigError or RunError where it has been damaged."""
    content = yaml.read(run.read_text(CONFIG), str(run.path / CONFIG)).data  # refuses links, pipes and the like
    if isinstance(content, dict) and "extends" in content:
        raise RunError(f"{run.path / CONFIG}: a run's config extends no other", "the file was edited or damaged")
    return resolve(run.path / CONFIG).config


def trained_model(run: RunDir) -> tuple[Model, Config, dict[str, Any], str | None]:
    """A run's model with its trained weights, its config, its run.json, and a warning where its device is not here."""
    summary, config = run.summary(), config_of(run)
    data = summary["dataset"]
    for key in ("train", "features", "outputs", "shape", "classes"):
        if data.get(key) is None:
            raise RunError(f"{run.path / SUMMARY}: dataset.{key} is missing", "the file is damaged")
    shape = data["shape"]
    if not all(type(side) is int and side > 0 for side in shape) or math.prod(shape) != data["features"]:
        raise RunError(f"{run.path / SUMMARY}: dataset.shape does not come to dataset.features", "the file is damaged")
    warning, held = None, run.count()
    arguments = (tuple(data["shape"]), data["outputs"], summary["task"], data["train"])
    try:
        model = build_model(config, *arguments, held=held)
    except DeviceError as error:
        warning = f"{error.message}; this run is used on the cpu instead"
        model = build_model(replace(config, device="cpu"), *arguments, held=held)
    expected = model.weights()
    model.load_weights(run.weights(check=lambda found: check_weights(found, expected)))
    return model, config, summary, warning
