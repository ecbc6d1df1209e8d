"""Plan: how long a config trains, and whether all that it will record has room."""

import math
from dataclasses import replace

from nnlab import budget
from nnlab.config import Config
from nnlab.errors import ConfigError, NnlabError
from nnlab.experiment.resolving import config_of
from nnlab.fit import Plan
from nnlab.model import Model
from nnlab.rundir import RunDir
from nnlab.rundir.directory import MAX_ARRAY_BYTES
from nnlab.rundir.evaluations import MAX_ROWS


def complete(config: Config, model: Model, rows: int) -> tuple[Config, Plan]:
    """The config with what only the data and the machine could tell, and the plan it comes to.

    Raises ConfigError for more steps or evaluations than there is room to record.
    """
    plan = plan_for(config, rows)
    if (needed := budget.checkpoint_bytes(model.weights(), plan.steps)) > MAX_ARRAY_BYTES:
        raise ConfigError(
            f"model.name: its checkpoints may take {needed / 2**30:,.1f} GiB, and a run's file at most "
            f"{MAX_ARRAY_BYTES / 2**30:g} GiB",
            "choose narrower or fewer layers, or train fewer steps",
        )
    train_keys = config.train.model_copy(update={"eval_every": plan.eval_every})
    return replace(config, train=train_keys, device=model.device, threads=model.threads, fallback=None), plan


def plan_for(config: Config, rows: int) -> Plan:
    """How to train on ``rows`` examples.

    Raises ConfigError where the losses of so many steps would not fit into the free memory, or so many evaluations
    into metrics.csv.
    """
    given = config.train
    size = None if given.batch_size == "full" else int(given.batch_size)
    plan = Plan(0, size, 0, config.seed, given.lr or 0.0, given.checkpoint_every)
    per_epoch = plan.steps_per_epoch(rows)
    steps = given.steps or per_epoch * (given.epochs or 0)
    every = min(given.eval_every or per_epoch, steps)
    key = "train.steps" if given.steps else "train.epochs"
    budget.check_records(steps, every, key)
    if (evaluations := math.ceil(steps / every)) > MAX_ROWS:
        raise ConfigError(
            f"train.eval_every: {evaluations:,} evaluations are more than the {MAX_ROWS:,} that are recorded",
            f"give {math.ceil(steps / MAX_ROWS):,} steps or more",
        )
    return replace(plan, steps=steps, eval_every=every)


def planned_steps(run: RunDir, rows: int) -> int | None:
    """How many steps a run on ``rows`` examples is to have, by its config; None where that cannot be told."""
    try:
        return plan_for(config_of(run), rows).steps
    except NnlabError:  # its config.yaml is damaged, or this machine has too little memory to train it
        return None
