"""Checkup: what can be told of a training in seconds, before hours go into it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from nnlab import discover, memory
from nnlab.config import Resolved
from nnlab.dataset import Array, Progress, quiet
from nnlab.experiment.making import parameters
from nnlab.experiment.ready import Ready, prepare
from nnlab.finding import Finding
from nnlab.inspection.checkup.costs import memory_needed, time_needed
from nnlab.inspection.checkup.data import of_data
from nnlab.inspection.checkup.learning import by_heart, initial_loss
from nnlab.inspection.checkup.scores import scores


@dataclass(frozen=True)
class Checkup:
    """What was found about a config, its data and its model."""

    model: str
    dataset: str
    layers: tuple[dict[str, Any], ...]
    """The ``name`` of each as PyTorch has it, or the model's own where the whole net is one layer; the ``shapes`` of
    its weights, "weight (150, 784), bias (150,)"; and how many ``parameters`` these are.
    """
    parameters: int
    findings: tuple[Finding, ...]
    warnings: tuple[str, ...]
    """Of the config itself and its data, as ``train`` gives them too."""


def checkup(resolved: Resolved, progress: Progress = quiet) -> Checkup:
    """Look at a config, its data and its model, and train throw-away models for a few seconds.

    Nothing is written. Raises what ``train`` raises for a config or its data, before anything is looked at.
    """
    free = memory.free()
    ready = prepare(resolved, progress)
    return Checkup(
        ready.config.model.name,
        ready.dataset.name,
        tuple(_layers(ready.config.model.name, ready.model.weights())),
        parameters(ready.model),
        (*of_data(ready.dataset, ready.config.dataset), *_of_training(ready, free)),
        (*resolved.warnings, *([ready.warning] if ready.warning else []), *ready.dataset.warnings),
    )


def _layers(model: str, weights: Mapping[str, Array]) -> Iterator[dict[str, Any]]:
    owners: dict[str, dict[str, Array]] = {}
    for name, weight in weights.items():
        owner, _, kind = name.rpartition(".")
        owners.setdefault(owner, {})[kind] = weight
    for owner, own in owners.items():
        shapes = ", ".join(f"{kind} {weight.shape}" for kind, weight in own.items())
        size = sum(int(weight.size) for weight in own.values())
        yield {"name": owner or model, "shapes": shapes, "parameters": size}


def _of_training(ready: Ready, free: int) -> Iterator[Finding]:
    """Every finding about the model and what training it will cost; ``free`` bytes were so before anything came."""
    config, dataset, model = ready.config, ready.dataset, ready.model
    yield scores(dataset, model)
    if discover.model(config.model.name).backend.steppable:
        yield initial_loss(config, dataset, model)
        yield by_heart(config, dataset)
        yield time_needed(dataset, model, ready.plan)
    else:
        for subject in ("initial loss", "can learn a few by heart", "time"):
            yield Finding(subject, "untold", f"{config.model.name} is fitted in one call, without steps")
    yield memory_needed(ready, free)
