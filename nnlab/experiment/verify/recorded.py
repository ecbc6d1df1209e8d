"""Recorded: what a run's own files say of the same things must be the same."""

import math
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np

from nnlab.dataset import Array, Task
from nnlab.dataset.task import LOSS
from nnlab.errors import CheckError
from nnlab.experiment.distance import array_difference
from nnlab.experiment.making import parameters
from nnlab.experiment.reopen import checkpoint_of
from nnlab.experiment.resolving import unedited_config_of
from nnlab.experiment.verify.check import must_equal
from nnlab.experiment.verify.evidence import Evidence
from nnlab.model import check_weights
from nnlab.rundir import RunDir, Summary, evaluations
from nnlab.rundir.checkpoint import Checkpoint
from nnlab.rundir.directory import BEST_WEIGHTS, CONFIG, HEADERS, LOSSES, METRICS, SUMMARY, WEIGHTS
from nnlab.rundir.sealed import sha256
from nnlab.standing import Best

CLOCK = 1e-3
"""Seconds that times may be off by where each is rounded by itself."""


def config(run: RunDir) -> str:
    """config.yaml, which must be the one that run.json names, and say the same."""
    summary = run.summary()
    state = None if summary.status == "finished" else run.checkpoint_state()
    found = unedited_config_of(run, summary, state)
    must_equal(f"model in {SUMMARY}", summary.model, found.model.name)
    must_equal(f"seed in {SUMMARY}", summary.seed, found.seed)
    must_equal(f"dataset.name in {SUMMARY}", summary.dataset.name, found.dataset.name)
    for key, value in (summary.group.varied if summary.group else {}).items():
        must_equal(f"group.varied.{key} in {SUMMARY}", value, _at(found.to_dict(), key))
    return f"SHA-256 {run.sha256(CONFIG)[:12]}…, as recorded"


def _at(config: Any, dotted: str) -> Any:
    """What a config has at a dotted key; None where there is no such key."""
    for key in dotted.split("."):
        config = config.get(key) if isinstance(config, dict) else None
    return config


def counts(e: Evidence) -> str:
    """What run.json says of the training beside its scores."""
    summary = e.summary
    steps, per_epoch = summary.steps, e.plan.steps_per_epoch(e.examples)
    must_equal("device", summary.device, e.config.device)
    must_equal("parameters", summary.parameters, parameters(e.model))
    if e.finished:
        must_equal("steps", steps, e.plan.steps)
        _early(e)
        must_equal("error", summary.error, None)
        must_equal("config_before", summary.config_before, None)
    else:
        must_equal("metrics", [found for found in summary.metrics.values() if found], [])
    if steps is None or steps > e.plan.steps:
        raise CheckError(f"steps should be at most {e.plan.steps:,}, and is {steps}")
    must_equal("epochs", summary.epochs, steps / per_epoch)
    _resumes(summary.resumed, e.plan.steps)
    _seconds(summary)
    return f"{steps:,} steps, {summary.parameters:,} parameters, {summary.device}: as config.yaml comes to"


def _early(e: Evidence) -> None:
    """Raise CheckError for an end before the plan's that is no evaluation before it."""
    whole = e.whole.steps
    if e.summary.ended and not (0 < e.plan.steps < whole and e.plan.steps % e.plan.eval_every == 0):
        raise CheckError(f"it says that it ended at step {e.plan.steps:,} of {whole:,}, where no training can end")


def _seconds(summary: Summary) -> tuple[float, float]:
    """The seconds of training and evaluating, and those in total. Raises CheckError where they are none."""
    found = summary.seconds
    must_equal("the keys of seconds", sorted(found), ["eval", "total", "train"])
    training, evaluating, total = (-1.0 if (n := found[key]) is None else n for key in ("train", "eval", "total"))
    if min(training, evaluating, total) < 0 or training + evaluating > total + CLOCK:
        raise CheckError(f"seconds in {SUMMARY} cannot be: training and evaluating are a part of the total")
    return training + evaluating, total


def _resumes(found: Any, steps: int) -> None:
    """Raise CheckError for what is no list of resumes."""
    keys = {"step", "inexact", "rows_differing"}
    fine = isinstance(found, list) and all(isinstance(each, dict) and each.keys() == keys for each in found)
    if not fine or not all(type(each["step"]) is int and 0 <= each["step"] <= steps for each in found):
        raise CheckError("resumed is not where resumes went on from")


def rows(e: Evidence) -> str:
    """metrics.csv, held against losses.npy, the config and run.json."""
    run, summary, plan = e.run, e.summary, e.plan
    columns, losses = e.columns, run.losses.read(HEADERS + 8 * plan.steps)
    must_equal("steps", summary.steps, plan.steps)
    if losses.shape != (plan.steps,) or losses.dtype != np.float64 or not np.isfinite(losses).all():
        raise CheckError(f"{LOSSES} does not hold a finite loss for each of the {plan.steps:,} steps")
    due = list(range(plan.eval_every, plan.steps + 1, plan.eval_every))
    due += [] if due and due[-1] == plan.steps else [plan.steps]
    _must_be_columns(columns, summary)
    must_equal("the steps evaluated", columns["step"], due)
    lines = [[int(row[0]), *row[1:]] for row in zip(*columns.values(), strict=True)]
    if run.metrics.bytes() != (",".join(columns) + "\n").encode() + b"".join(map(evaluations.line, lines)):
        raise CheckError("it is not as nnlab writes it")
    per_epoch = plan.steps_per_epoch(e.examples)
    starts = [0, *due[:-1]]
    for row, start, end in zip(lines, starts, due, strict=True):
        must_equal(f"the epoch at step {end}", row[1], end / per_epoch)
        must_equal(f"train_loss at step {end}", row[2], math.fsum(losses[start:end].tolist()) / (end - start))
    _possible(e, columns)
    for name, values in columns.items():
        metric = name.partition("_")[2]
        if name in ("step", "epoch", "train_loss", "seconds"):
            continue
        recorded = summary.scores(summary.dataset.watched).get(metric)
        if not e.same(values[-1], recorded, exact=not e.inexact):
            raise CheckError(f"the last {name} is {values[-1]}, and {SUMMARY} says {recorded}")
    must_equal(f"best in {SUMMARY}", summary.best, best(columns, summary.learnt))
    return f"{len(due):,} rows, whole and in agreement with {LOSSES} and {SUMMARY}"


def _must_be_columns(columns: Mapping[str, Any], summary: Summary) -> None:
    """Raise CheckError where the columns are not those of the run's task and of the split it watched."""
    split = summary.dataset.watched
    names = [metric.name for metric in summary.learnt.metrics if (split, metric) != ("train", LOSS)]
    expected = ["step", "epoch", "train_loss", *(f"{split}_{name}" for name in names), "seconds"]
    must_equal("the columns", list(columns), expected)


def _possible(e: Evidence, columns: Mapping[str, list[float]]) -> None:
    """Raise CheckError for scores that no examples can give, and for a clock that goes back."""
    split = e.summary.dataset.watched
    count = e.summary.dataset.count(split) or 0
    for step, value in zip(columns["step"], columns.get(f"{split}_accuracy", []), strict=False):
        if not 0 <= value <= 1 or round(value * count) / count != value:
            raise CheckError(
                f"{split}_accuracy at step {step:.0f} is {value}, which no number of {count:,} examples is"
            )
    seconds, (working, _) = [0.0, *columns["seconds"]], _seconds(e.summary)
    if not all(a <= b for a, b in pairwise(seconds)):
        raise CheckError("its seconds go back")
    if seconds[-1] > working + CLOCK:
        raise CheckError(f"its seconds are more than those in {SUMMARY}")


def best(columns: Mapping[str, list[float]], task: Task) -> Best | None:
    """Where the val split came out best, the first time; None where there is none."""
    metric = task.ranked_by
    values = columns.get(f"val_{metric.name}")
    if not values:
        return None
    row = values.index(metric.best(values))
    step, epoch = int(columns["step"][row]), columns["epoch"][row]
    return Best(step, epoch, f"val_{metric.name}", values[row])


def last_checkpoint(e: Evidence) -> str:
    """The checkpoint of a finished run, which holds its last weights and all losses once more."""
    run, plan = e.run, e.plan
    kept = checkpoint_of(run, e.model, plan)
    if kept is None:
        raise CheckError("it is gone")
    at, weights = kept.standing, e.model.weights()
    must_equal("its step", at.step, plan.steps)
    must_equal("why it ended", at.ended, e.summary.ended or "")
    must_equal("its config", kept.config_sha256, run.sha256(CONFIG))
    if not _same(kept.weights, weights):
        raise CheckError(f"its weights are not those of {WEIGHTS}")
    if array_difference(run.losses.read(HEADERS + 8 * plan.steps), at.losses):
        raise CheckError(f"its losses are not those of {LOSSES}")
    _must_belong(e, kept)
    content = run.metrics.bytes()
    columns, after = _rows_of(e, kept, content), content[kept.metrics_bytes :]
    # An evaluation off the beat, at the end, comes after the checkpoint.
    must_equal(f"the rows of {METRICS} after it", after.count(b"\n"), 1 if plan.steps % plan.eval_every else 0)
    if recorded := e.summary.best:
        # Where such an evaluation was the best, its weights are the last.
        expected = kept.best if recorded == at.best else weights
        if not _same(run.best.read(check=lambda found: check_weights(found, weights)), expected):
            raise CheckError(f"{BEST_WEIGHTS} does not hold the weights of step {recorded.step}")
    return f"of step {at.step:,}, with the weights of {WEIGHTS}, all losses and {len(columns['step']):,} rows"


def _must_belong(e: Evidence, kept: Checkpoint) -> None:
    """Raise CheckError where a checkpoint's counts are not those of its step, or its times more than the run's."""
    at, (_, total) = kept.standing, _seconds(e.summary)
    must_equal("its epoch", at.epoch, at.step / e.plan.steps_per_epoch(e.examples))
    must_equal("its last evaluation", at.since, at.step - at.step % e.plan.eval_every)
    if min(at.seconds) < 0 or at.seconds.working > at.seconds.total + CLOCK:
        raise CheckError("its seconds are more than those in total")
    if e.finished and at.seconds.total > total + CLOCK:
        raise CheckError(f"its seconds are more than those in {SUMMARY}")


def _rows_of(e: Evidence, kept: Checkpoint, content: bytes) -> dict[str, list[float]]:
    """The columns of metrics.csv as far as they belong to a checkpoint. Raises CheckError where they do not."""
    if sha256(content[: kept.metrics_bytes]) != kept.metrics_sha256:
        raise CheckError(f"the first {kept.metrics_bytes:,} bytes of {METRICS} are not those of the checkpoint")
    try:
        columns = e.columns if kept.metrics_bytes == len(content) else evaluations.load(content[: kept.metrics_bytes])
    except ValueError as error:
        raise CheckError(f"{METRICS}:{error}") from None
    _must_be_columns(columns, e.summary)
    if not np.isfinite(columns["step"]).all():
        raise CheckError(f"a step in {METRICS} is no number")
    must_equal("its best", kept.standing.best, best(columns, e.summary.learnt))
    return columns


def stopped(e: Evidence) -> str:
    """What a stopped run goes on from, and the part of metrics.csv that belongs to it."""
    run, summary = e.run, e.summary
    kept = checkpoint_of(run, e.model, e.plan)
    if kept is None:
        return "none yet: the run would start again"
    at = kept.standing
    _must_belong(e, kept)
    _rows_of(e, kept, run.metrics.bytes())
    if summary.steps == at.step and {WEIGHTS, LOSSES} <= run.files().keys():
        if summary.best not in (at.best, best(e.columns, summary.learnt)):
            raise CheckError(f"best in {SUMMARY} is not where {METRICS} has it")
        expected = e.model.weights()
        if not _same(run.weights.read(check=lambda found: check_weights(found, expected)), kept.weights):
            raise CheckError(f"its weights are not those of {WEIGHTS}")
        if array_difference(run.losses.read(HEADERS + 8 * at.step), at.losses):
            raise CheckError(f"its losses are not those of {LOSSES}")
    return f"of step {at.step:,}: nnlab resume goes on from there"


def _same(a: Mapping[str, Array], b: Mapping[str, Array]) -> bool:
    return a.keys() == b.keys() and all(np.array_equal(a[name], b[name]) for name in a)
