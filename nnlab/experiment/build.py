"""Build: from a config to its data and its model, with everything checked on the way."""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from nnlab import budget, discover
from nnlab import config as configs
from nnlab.config import Config, Resolved, Strict, Train, yaml
from nnlab.dataset import Dataset, Progress, Scaling, Task, quiet
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
from nnlab.experiment import given, pictures, plugins
from nnlab.experiment.given import Given
from nnlab.fit import Plan
from nnlab.model import Model, Optimizer, Setup, check_weights
from nnlab.plugin import ModelFile
from nnlab.rundir import CONFIG, SUMMARY, Checkpoint, Header, RunDir, Summary

THREAD_WORK = 500_000
"""Multiply-adds of a step that are worth a thread's being woken and waited for."""
MAX_THREADS = 8


def resolve(config: Path, overrides: list[str] | None = None) -> Resolved:
    """Read and check a config file; see ``nnlab.config.resolve``."""
    return configs.resolve(config, overrides or [], discover.registry())


def json_schema() -> dict[str, Any]:
    """The JSON Schema of all configs."""
    return configs.json_schema(discover.registry())


def sample_sheet(name: str, keys: list[str], progress: Progress = quiet) -> bytes:
    """A PNG of some of a dataset's training examples; ``keys`` are its own as ``key=value``."""
    named = configs.resolve_named("datasets", name, keys, discover.registry())
    return pictures.of_data(given.load(named, 0, progress))[1]


def load_dataset(
    config: Config, progress: Progress = quiet, data: Given | None = None
) -> tuple[Config, Dataset, str | None]:
    """The config's data, or its fallback's; the config as it then is, and a warning where the fallback was taken.

    ``data`` takes the place of both. Raises DataError where there is neither.
    """
    if data is not None:
        config = replace(config, dataset=given.placed(config.dataset, data), fallback=None)
    try:
        return config, given.load(config.dataset, config.seed, progress, data), None
    except DataUnavailableError as error:
        if config.fallback is None:
            raise
        warning = f"{error.message}\nusing the fallback instead: {config.fallback.name}"
        changed = replace(config, dataset=config.fallback, fallback=None)
        try:
            return changed, given.load(changed.dataset, config.seed, progress), warning
        except DataError as second:
            second.message = re.sub(r"^dataset\.", "dataset.fallback.", second.message)
            raise


def load_same_dataset(
    run: RunDir, config: Config, summary: Summary, progress: Progress = quiet, data: Given | None = None
) -> Dataset:
    """The data a run was trained on; ``summary`` is its run.json, and ``data`` the same data where it is now.

    Raises DataError where it is not there, and DataChangedError where it is other data.
    """
    if data is None:
        given.refuse_gone(run.path, config.dataset, summary.path_given)
    _, dataset, _ = load_dataset(config, progress, data)  # a run's config has no fallback: it names what was taken
    check_same(run, dataset, summary)
    return dataset


def check_same(run: RunDir, dataset: Dataset, summary: Summary) -> None:
    """Raise DataChangedError where this is not the data that a run was trained on."""
    if dataset.sha256 != summary.dataset.sha256:
        raise DataChangedError(
            f"{run.path}: the data of {dataset.name} is not what this run was trained on (its SHA-256 differs)",
            "bring the old data back, or train again",
        )


def check(config: Config) -> None:
    """Raise ConfigError or DeviceError for what can be told before the data is loaded and a backend imported."""
    plugins.record(config)
    task = discover.dataset(config.dataset.name).card.task
    if task:
        check_task(config, task)
    backend = discover.model(config.model.name).backend
    if config.device.partition(":")[0] not in ("auto", *backend.devices):
        message = f"device: given {config.device!r}, but {config.model.name} runs on the cpu"
        raise DeviceError(message, "use device: cpu, or a *-torch model")
    if config.precision not in backend.precisions:
        message = f"precision: given {config.precision!r}, but {config.model.name} computes in float32"
        raise ConfigError(message, "use precision: float32, or a *-torch model")


def check_task(config: Config, task: type[Task]) -> None:
    """Raise ConfigError where the config's model cannot learn what the data is for."""
    model = config.model.name
    if issubclass(task, discover.model(model).tasks):
        return
    able = [name for name in discover.registry().built_in("models") if issubclass(task, discover.model(name).tasks)]
    raise ConfigError(
        f"model.name: {model} cannot learn {task.name}, which is what {config.dataset.name} is for",
        f"models for {task.name}: {', '.join(able)}",
    )


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
        model = made(discover.model(config.model.name), config.model.params, setup)
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


def model_for(config: Config, dataset: Dataset) -> Model:
    """``build_model`` for the data that the config is to be trained on."""
    largest = max(len(split) for split in (dataset.train, dataset.val, dataset.test) if split)
    target = dataset.transform.target
    return build_model(config, dataset.shape, dataset.task, len(dataset.train), largest, target=target)


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


def config_of(run: RunDir, *, other_plugins: bool = False) -> Config:
    """The config that a run was trained from.

    Raises ConfigError or RunError where it has been damaged, and RunError where a plug-in that it names is not here or,
    unless ``other_plugins`` are allowed, not the one that the run was trained with.
    """
    content = yaml.read(run.config.read(), str(run.path / CONFIG)).data  # refuses links, pipes and the like
    if isinstance(content, dict) and "extends" in content:
        raise RunError(f"{run.path / CONFIG}: a run's config extends no other", "the file was edited or damaged")
    plugins.refuse(run, content, other=other_plugins)
    return resolve(run.path / CONFIG).config


def unedited_config_of(
    run: RunDir, summary: Summary, state: Checkpoint | None = None, *, other_plugins: bool = False
) -> Config:
    """``config_of``, where it is the config that run.json, or else the checkpoint's ``state``, belongs to.

    A resume that was stopped at its very start leaves the one before. Raises RunError where it is another one.
    """
    known = {summary.config_sha256, summary.config_before, state.config_sha256 if state else None}
    if run.sha256(CONFIG) not in known:
        raise RunError(
            f"{run.path / CONFIG}: this config was edited since the run began: its SHA-256 differs",
            f"bring the old one back, or train it as another run: nnlab train {run.path / CONFIG}",
        )
    return config_of(run, other_plugins=other_plugins)


def model_of(run: RunDir, *, trained: bool = False) -> tuple[Model, Config, Summary, str | None]:
    """A run's model with its initial weights, its config, its run.json, and a warning where its device is not here.

    With ``trained`` it must not be larger than its weights file, to be loaded. Raises RunError where the files do not
    belong together, and what ``build_model`` raises.
    """
    summary, config = run.summary(), config_of(run)
    data = summary.dataset
    for key in ("train", "features", "outputs", "shape", "classes"):
        if getattr(data, key) is None:
            raise RunError(f"{run.path / SUMMARY}: dataset.{key} is missing", "the file is damaged")
    warning, held, target = None, run.weights.count() if trained else None, data.transform.target
    arguments = (tuple(data.shape or ()), summary.learnt, data.train or 0)
    try:
        model = build_model(config, *arguments, held=held, target=target)
    except DeviceError as error:
        warning = f"{error.message}; this run is used on the cpu instead"
        model = build_model(replace(config, device="cpu"), *arguments, held=held, target=target)
    return model, config, summary, warning


def trained_model(run: RunDir) -> tuple[Model, Config, Summary, str | None]:
    """``model_of`` with the weights that the run has learnt."""
    model, config, summary, warning = model_of(run, trained=True)
    expected = model.weights()
    model.load_weights(run.weights.read(check=lambda found: check_weights(found, expected)))
    return model, config, summary, warning


def checkpoint_of(run: RunDir, model: Model, plan: Plan) -> Checkpoint | None:
    """The run's last checkpoint, None where there is none.

    Raises RunError, before any array is loaded, where its weights, or its best ones, cannot be this model's.
    """
    weights = model.weights()

    def check(found: Mapping[str, Header]) -> None:
        for group in ("weights", "best"):
            inside = {name.removeprefix(f"{group}:"): of for name, of in found.items() if name.startswith(f"{group}:")}
            if inside or group == "weights":
                check_weights(inside, weights)

    return run.checkpoint(budget.checkpoint_bytes(weights, plan.steps), check)
