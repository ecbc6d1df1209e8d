"""Reopen: a run read back: its config, its run.json, its model and what it goes on from."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from nnlab import budget
from nnlab.config import Config
from nnlab.errors import (
    DeviceError,
    RunError,
)
from nnlab.experiment.making import build_model
from nnlab.experiment.resolving import config_of
from nnlab.fit import Plan
from nnlab.model import Model, check_weights
from nnlab.rundir import RunDir, Summary
from nnlab.rundir.checkpoint import Checkpoint
from nnlab.rundir.directory import SUMMARY
from nnlab.rundir.tensors import Header


@dataclass(frozen=True)
class Opened:
    """A run as it is read back."""

    run: RunDir
    config: Config
    model: Model
    summary: Summary
    """Its run.json."""
    warnings: tuple[str, ...]
    """Where its device is not here."""


def reopen(run: RunDir, *, trained: bool = True) -> Opened:
    """A run with its model, which has the weights that the run has learnt or, not ``trained``, its initial ones.

    Raises RunError where the files do not belong together, and what ``build_model`` raises.
    """
    summary, config = run.summary(), config_of(run)
    data = summary.dataset
    for key in ("train", "features", "outputs", "shape", "classes"):
        if getattr(data, key) is None:
            raise RunError(f"{run.path / SUMMARY}: dataset.{key} is missing", "the file is damaged")
    held, target = run.weights.count() if trained else None, data.transform.target
    arguments = (tuple(data.shape or ()), summary.learnt, data.train or 0)
    warnings: tuple[str, ...] = ()
    try:
        model = build_model(config, *arguments, held=held, target=target)
    except DeviceError as error:
        warnings = (f"{error.message}; this run is used on the cpu instead",)
        model = build_model(replace(config, device="cpu"), *arguments, held=held, target=target)
    if trained:
        expected = model.weights()
        model.load_weights(run.weights.read(check=lambda found: check_weights(found, expected)))
    return Opened(run, config, model, summary, warnings)


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
