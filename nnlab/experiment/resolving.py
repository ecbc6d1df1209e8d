"""Resolving: configs read with all that can be told of them before their data is loaded, and those of runs."""

from pathlib import Path
from typing import Any

from nnlab import discover
from nnlab.config import Config, Resolved, yaml
from nnlab.config.resolve import resolve as resolved
from nnlab.config.schema import json_schema as schema
from nnlab.dataset import Task
from nnlab.errors import (
    ConfigError,
    DeviceError,
    RunError,
)
from nnlab.experiment import plugins
from nnlab.rundir import RunDir, Summary
from nnlab.rundir.checkpoint import Checkpoint
from nnlab.rundir.directory import CONFIG


def resolve(config: Path, overrides: list[str] | None = None) -> Resolved:
    """Read and check a config file; see ``nnlab.config.resolve.resolve``."""
    return resolved(config, overrides or [], discover.registry())


def json_schema() -> dict[str, Any]:
    """The JSON Schema of all configs."""
    return schema(discover.registry())


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
