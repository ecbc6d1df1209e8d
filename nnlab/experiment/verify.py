"""Verify: whether a run's files are as they were written, belong together, and its weights still give its numbers."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from nnlab import metrics
from nnlab.config import Config
from nnlab.dataset import Array, Dataset, Progress, SplitName, Task, quiet
from nnlab.errors import (
    CheckError,
    ConfigError,
    DataChangedError,
    DataUnavailableError,
    DeviceError,
    MissingDependencyError,
    NnlabError,
    RunError,
)
from nnlab.evaluate import evaluate
from nnlab.experiment.build import (
    checkpoint_of,
    load_same_dataset,
    model_of,
    parameters,
    trained_model,
    unedited_config_of,
)
from nnlab.experiment.distance import array_difference, difference, near
from nnlab.experiment.given import Given
from nnlab.experiment.plan import complete
from nnlab.fit import Plan
from nnlab.model import Model, check_weights
from nnlab.rundir import (
    BEST_WEIGHTS,
    CHECKPOINTS,
    CONFIG,
    DIED,
    ENVIRONMENT,
    HEADERS,
    LOSSES,
    MANIFEST,
    METRICS,
    PREDICTIONS,
    RUNNING,
    SUMMARY,
    WEIGHTS,
    RunDir,
    metrics_line,
    sha256,
)

FEW = 3
"""Examples that may fall on the other side of a boundary by rounding."""
TOLERANCE = 1e-4
"""Relative; another processor's last bits are far below it."""


@dataclass(frozen=True)
class Check:
    """One thing that was looked at."""

    subject: str
    """The file, or what it is about."""
    held: bool | None
    """None where it could not be looked at."""
    detail: str


def verify(run: RunDir, progress: Progress = quiet, data: Given | None = None) -> Iterator[Check]:
    """Look at everything in a run directory that can be right or wrong, and go on where something is wrong.

    A finished run is evaluated again, on its ``data`` where that is now; of one that stopped, what is there is held
    against its checkpoint. Raises RunError for a run that is still going, and for what is no run.
    """
    status = _status(run)
    if status == RUNNING:
        raise RunError(f"{run.path}: this run is still going", "verify it when it has ended")
    yield from _manifest(run, status)
    try:
        yield Check(SUMMARY, True, "{status}, step {steps}".format_map({"steps": None, **run.summary()}))
    except NnlabError as error:
        yield Check(SUMMARY, False, error.message)
        return  # all else is held against it
    yield from _tried(CONFIG, lambda: _config(run))
    yield from _tried(ENVIRONMENT, lambda: f"Python {run.read_json(ENVIRONMENT).get('python')}")
    finished = status == "finished"
    subject = WEIGHTS if finished else CHECKPOINTS
    try:
        model, config, summary, _ = (trained_model if finished else model_of)(run)
        _, plan = complete(config, model, summary["dataset"]["train"])
    except (ConfigError, MissingDependencyError) as error:  # of the device or the memory here; a bad config is named
        yield Check(subject, None, f"not looked into: {error.message}")
    except NnlabError as error:
        yield Check(subject, False, error.message)
    else:
        if finished:
            yield from _finished(
                run, model, config, summary, plan, partial(load_same_dataset, run, config, summary, progress, data)
            )
        else:
            yield from _tried(CHECKPOINTS, lambda: _stopped(run, model, plan))


def _status(run: RunDir) -> str:
    """The run's status; where run.json cannot say, it is looked at as a finished one."""
    try:
        return str(run.summary()["status"])
    except NnlabError:
        return "finished"


def _tried(subject: str, look: Callable[[], str]) -> Iterator[Check]:
    """The check that ``look`` comes to: it says what it found, or raises what is wrong."""
    try:
        yield Check(subject, True, look())
    except (DataUnavailableError, DeviceError, MissingDependencyError) as error:
        yield Check(subject, None, error.message)
    except NnlabError as error:
        yield Check(subject, False, error.message)


def _manifest(run: RunDir, status: str) -> Iterator[Check]:
    """One check for each file that is not as it was, else one for all."""
    if status == DIED:
        yield Check(MANIFEST, None, "the run died, so there is none until nnlab resume has gone on with it")
        return
    try:
        there = run.files()
        if status != "finished" and MANIFEST not in there:
            yield Check(MANIFEST, None, "the run was stopped before it was written; nnlab resume goes on with it")
            return
        hashes = run.manifest()
    except NnlabError as error:
        yield Check(MANIFEST, False, error.message)
        return
    wrong = 0
    for name, expected in hashes.items():
        reason = "it is gone, or no plain file"
        try:
            if name in there:
                reason = "" if run.sha256(name) == expected else "its SHA-256 is not the one recorded"
        except NnlabError as error:
            reason = error.message
        if reason:
            wrong += 1
            yield Check(name, False, reason)
    ours = {SUMMARY, CONFIG, METRICS, WEIGHTS, BEST_WEIGHTS, PREDICTIONS, LOSSES, ENVIRONMENT}
    for name in sorted((there.keys() & ours) - hashes.keys()):
        wrong += 1
        yield Check(name, False, f"it is not in {MANIFEST}")
    if not wrong:
        later = len(there.keys() - hashes.keys() - {MANIFEST})
        more = f"; {later} added since" if later else ""
        yield Check(MANIFEST, True, f"{len(hashes)} files are as they were written{more}")


def _config(run: RunDir) -> str:
    summary = run.summary()
    state = None if summary["status"] == "finished" else run.checkpoint_state()
    config = unedited_config_of(run, summary, state)
    said = {"model": config.model.name, "seed": config.seed}
    for key, value in said.items():
        _must_equal(f"{key} in {SUMMARY}", summary.get(key), value)
    _must_equal(f"dataset.name in {SUMMARY}", summary["dataset"].get("name"), config.dataset.name)
    return f"SHA-256 {run.sha256(CONFIG)[:12]}…, as recorded"


def _finished(
    run: RunDir, model: Model, config: Config, summary: dict[str, Any], plan: Plan, load: Callable[[], Dataset]
) -> Iterator[Check]:
    yield from _tried(METRICS, lambda: _rows(run, summary, plan))
    yield from _tried(CHECKPOINTS, lambda: _last_checkpoint(run, model, plan))
    try:
        dataset = load()
    except DataChangedError as error:
        yield Check(WEIGHTS, False, error.message)
    except NnlabError as error:
        yield Check(WEIGHTS, None, f"not evaluated again: {error.message}")
    else:
        tolerance = TOLERANCE if config.precision == "float32" else 100 * TOLERANCE
        yield from _tried(WEIGHTS, lambda: _scores(run, model, dataset, summary, tolerance))


def _rows(run: RunDir, summary: dict[str, Any], plan: Plan) -> str:
    """metrics.csv, held against losses.npy, the config and run.json."""
    columns, losses = run.metrics(), run.array(LOSSES, HEADERS + 8 * plan.steps)
    _must_equal("steps", summary.get("steps"), plan.steps)
    if losses.shape != (plan.steps,) or losses.dtype != np.float64 or not np.isfinite(losses).all():
        raise CheckError(f"{LOSSES} does not hold a finite loss for each of the {plan.steps:,} steps")
    due = list(range(plan.eval_every, plan.steps + 1, plan.eval_every))
    due += [] if due and due[-1] == plan.steps else [plan.steps]
    _must_equal("the first columns", list(columns)[:3], ["step", "epoch", "train_loss"])
    _must_equal("the steps evaluated", columns["step"], due)
    rows = [[int(row[0]), *row[1:]] for row in zip(*columns.values(), strict=True)]
    if run.metrics_bytes() != (",".join(columns) + "\n").encode() + b"".join(map(metrics_line, rows)):
        raise CheckError("it is not as nnlab writes it")
    per_epoch = plan.steps_per_epoch(summary["dataset"]["train"])
    starts = [0, *due[:-1]]
    for row, start, end in zip(rows, starts, due, strict=True):
        _must_equal(f"the epoch at step {end}", row[1], end / per_epoch)
        _must_equal(f"train_loss at step {end}", row[2], math.fsum(losses[start:end].tolist()) / (end - start))
    for name, values in columns.items():
        split, _, metric = name.partition("_")
        recorded = (summary["metrics"].get(split) or {}).get(metric)
        if split in ("train", "val", "test") and name != "train_loss" and not near(values[-1], recorded, TOLERANCE):
            raise CheckError(f"the last {name} is {values[-1]}, and {SUMMARY} says {recorded}")
    _must_equal(f"best in {SUMMARY}", summary.get("best"), _best(columns, summary["task"]))
    return f"{len(due):,} rows, whole and in agreement with {LOSSES} and {SUMMARY}"


def _best(columns: dict[str, list[float]], task: Task) -> dict[str, Any] | None:
    """Where the val split came out best, the first time; None where there is none."""
    name = metrics.PRIMARY[task]
    values = columns.get(f"val_{name}")
    if not values:
        return None
    row = values.index(max(values) if metrics.HIGHER_IS_BETTER[name] else min(values))
    step, epoch = int(columns["step"][row]), columns["epoch"][row]
    return {"step": step, "epoch": epoch, "metric": f"val_{name}", "value": values[row]}


def _last_checkpoint(run: RunDir, model: Model, plan: Plan) -> str:
    """The checkpoint of a finished run, which holds its last weights once more."""
    kept = checkpoint_of(run, model, plan)
    if kept is None:
        raise CheckError("it is gone")
    _must_equal("its step", kept.state.step, plan.steps)
    _must_equal("its config", kept.state.config_sha256, run.sha256(CONFIG))
    weights = model.weights()
    if not _same(kept.arrays["weights"], weights):
        raise CheckError(f"its weights are not those of {WEIGHTS}")
    if best := run.summary().get("best"):
        # An evaluation off the beat, at the end, comes after the checkpoint: where it was the best, these are the last.
        expected = kept.arrays["best"] if best == kept.state.best else weights
        if not _same(run.weights(BEST_WEIGHTS, check=lambda found: check_weights(found, weights)), expected):
            raise CheckError(f"{BEST_WEIGHTS} does not hold the weights of step {best.get('step')}")
    return f"of step {kept.state.step:,}, with the weights of {WEIGHTS}"


def _scores(run: RunDir, model: Model, dataset: Dataset, summary: dict[str, Any], tolerance: float) -> str:
    """Every split evaluated again, held against run.json and predictions.npz; then the best weights on val."""
    _must_equal("parameters", summary.get("parameters"), parameters(model))
    largest = 0.0
    names: tuple[SplitName, ...] = ("train", "val", "test")
    for name in names:
        recorded, split = summary["metrics"].get(name), dataset.split(name)
        if bool(recorded) != bool(split):
            raise CheckError(f"{SUMMARY} and the data do not have the same splits: {name}")
        if split is None:
            continue
        again = evaluate(model, model.put(split), split, dataset.task)
        _must_equal(f"the metrics of {name}", sorted(recorded), sorted(again.metrics))
        for metric, value in again.metrics.items():
            if not _agrees(metric, value, recorded[metric], len(split), tolerance):
                raise CheckError(f"{name} {metric} comes to {value} now, and {SUMMARY} says {recorded[metric]}")
            if recorded[metric] is not None:
                largest = max(largest, difference(value, recorded[metric]))
        if name == "test":
            _predictions(run, again.scores, split.targets, 10 * tolerance)
    if summary.get("best") and dataset.val:
        metric = metrics.PRIMARY[dataset.task]
        model.load_weights(run.weights(BEST_WEIGHTS, check=lambda found: check_weights(found, model.weights())))
        value = evaluate(model, model.put(dataset.val), dataset.val, dataset.task).metrics[metric]
        if not _agrees(metric, value, summary["best"]["value"], len(dataset.val), tolerance):
            raise CheckError(f"{BEST_WEIGHTS} scores {value} on val, and {SUMMARY} says {summary['best']['value']}")
    same = "to the bit" if not largest else f"but for {largest:.1g} of each number at most"
    return f"evaluated again, they give the numbers of {SUMMARY} {same}"


def _agrees(metric: str, value: float, recorded: Any, rows: int, tolerance: float) -> bool:
    """Whether a metric is the one recorded, but for rounding; a few examples may then be told the other way."""
    few = metric == "accuracy" and isinstance(recorded, float) and abs(value - recorded) * rows <= FEW
    return few or near(value, recorded, tolerance)


def _predictions(run: RunDir, scores: Array, targets: Array, tolerance: float) -> None:
    kept = run.arrays(PREDICTIONS, HEADERS + scores.nbytes + targets.nbytes)
    alike = {"scores": scores, "targets": targets}
    same = kept.keys() == alike.keys() and all(
        kept[name].shape == array.shape and kept[name].dtype == array.dtype for name, array in alike.items()
    )
    if not (
        same and np.array_equal(kept["targets"], targets) and np.allclose(kept["scores"], scores, tolerance, tolerance)
    ):
        raise CheckError(f"{PREDICTIONS} does not hold what the weights predict")


def _stopped(run: RunDir, model: Model, plan: Plan) -> str:
    """What a stopped run goes on from, and the part of metrics.csv that belongs to it."""
    kept = checkpoint_of(run, model, plan)
    if kept is None:
        return "none yet: the run would start again"
    state = kept.state
    summary, rows = run.summary(), run.metrics_bytes()[: state.metrics_bytes]
    if sha256(rows) != state.metrics_sha256:
        raise CheckError(f"the first {state.metrics_bytes:,} bytes of {METRICS} are not those of the checkpoint")
    columns = run.metrics(state.metrics_bytes)
    _must_equal("the first columns", list(columns)[:3], ["step", "epoch", "train_loss"])
    if not np.isfinite(columns["step"]).all():
        raise CheckError(f"a step in {METRICS} is no number")
    _must_equal("its best", state.best, _best(columns, summary["task"]))
    if summary.get("steps") == state.step and {WEIGHTS, LOSSES} <= run.files().keys():
        if summary.get("best") not in (state.best, _best(run.metrics(), summary["task"])):
            raise CheckError(f"best in {SUMMARY} is not where {METRICS} has it")
        expected = model.weights()
        if not _same(run.weights(check=lambda found: check_weights(found, expected)), kept.arrays["weights"]):
            raise CheckError(f"its weights are not those of {WEIGHTS}")
        if array_difference(run.array(LOSSES, HEADERS + 8 * state.step), kept.arrays["losses"]["losses"]):
            raise CheckError(f"its losses are not those of {LOSSES}")
    return f"of step {state.step:,}: nnlab resume goes on from there"


def _same(a: dict[str, Array], b: dict[str, Array]) -> bool:
    return a.keys() == b.keys() and all(np.array_equal(a[name], b[name]) for name in a)


def _must_equal(what: str, found: Any, expected: Any) -> None:
    if found != expected:
        raise CheckError(f"{what} should be {_short(expected)}, and is {_short(found)}")


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 60 else f"{text[:57]}…"
