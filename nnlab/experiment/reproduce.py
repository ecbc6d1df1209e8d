"""Reproduce: trains a run's config again and says whether the same comes out: to the bit, nearly, or not."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import numpy as np

from nnlab import environment
from nnlab.config import Resolved, yaml
from nnlab.dataset import Progress, SplitName, quiet
from nnlab.errors import ConfigError, NnlabError, RunError
from nnlab.experiment.distance import array_difference, difference, differences
from nnlab.experiment.events import Event
from nnlab.experiment.given import Given, refuse_gone
from nnlab.experiment.resolving import resolve, unedited_config_of
from nnlab.experiment.train import train
from nnlab.finding import Finding
from nnlab.rundir import RunDir, all_runs
from nnlab.rundir.directory import CONFIG, HEADERS, LOSSES, METRICS, SUMMARY

TOLERANCE = 1e-3
"""Relative: rounding in another order grows from step to step, and stays below this where all else is equal."""
AGAIN = "reproduction"
"""What is added to the new run's name."""
_AGAIN = re.compile(rf"-{AGAIN}(-[0-9]+)?$")


Apart = tuple[float, str, int]
"""By how much two numbers differ, where, and at which step."""


def train_again(
    run: RunDir, runs: Path, device: str | None = None, progress: Progress = quiet, data: Given | None = None
) -> Iterator[Event]:
    """Train a finished run's config into a new run under ``runs``, on another ``device`` where one is given.

    ``data`` is the run's data where it is now. Yields what ``train`` does. Raises RunError for a run that is not
    finished or damaged, DataChangedError for other ``data``, and what ``train`` raises.
    """
    summary = run.summary()
    if summary.status != "finished":
        hint = "nnlab show says why" if summary.status == "failed" else f"nnlab resume {run.path} goes on with it"
        raise RunError(f"{run.path}: this run is not finished: {summary.status}", hint)
    config = unedited_config_of(run, summary)
    if data is None:
        refuse_gone(run.path, config.dataset, summary.path_given)
    resolved = resolve(run.path / CONFIG, [f"device={device}"] if device else [])
    yield from train(resolved, runs, AGAIN, progress, data=data, same_as=None if data is None else run)


def compare_runs(run: RunDir, again: RunDir, tolerance: float = TOLERANCE) -> Finding:
    """Two runs of the same config, number by number. Raises RunError where a file is damaged.

    The finding's values are ``run`` and ``again``, their paths; the ``verdict``, BITWISE, WITHIN TOLERANCE or
    DIFFERENT; the ``largest`` difference between any two of their numbers, as a fraction of the larger one and seconds
    aside, and ``where`` it is; the first ``step`` at which they are further apart than the tolerance, or None; and what
    differs in their ``environment``.
    """
    apart = [*_losses(run, again, tolerance), *_rows(run, again), *_results(run, again), *_arrays(run, again)]
    largest, where, _ = max(apart, key=lambda each: each[0], default=(0.0, "", 0))
    step = min((step for by, _, step in apart if by > tolerance), default=None)
    verdict = "BITWISE" if not apart else "DIFFERENT" if largest > tolerance else "WITHIN TOLERANCE"
    differing = environment.differences(run.environment.read(), again.environment.read())
    ours, theirs = ({"data": each.summary().dataset.sha256} for each in (run, again))
    values = {
        "run": str(run.path),
        "again": str(again.path),
        "verdict": verdict,
        "largest": largest,
        "where": where,
        "step": step,
        "environment": differing + environment.differences(ours, theirs),
    }
    detail = "every loss, row, weight and score is equal to the bit"
    if apart:
        start = f"from step {step:,} on; " if step is not None else ""
        detail = f"{start}at most {largest:.2g} of a number apart, in {where}"
    return Finding(run.name, "wrong" if verdict == "DIFFERENT" else "ok", detail, values=values)


def _losses(run: RunDir, again: RunDir, tolerance: float) -> Iterator[Apart]:
    """Of the losses of all steps, the two furthest apart, and the first two that are further than ``tolerance``."""
    b = again.losses.read()
    a = run.losses.read(2 * b.nbytes + HEADERS)
    if a.shape != b.shape or not a.dtype == b.dtype == np.float64:
        yield 1.0, f"{LOSSES}, its length", min(a.size, b.size)
        return
    if a.tobytes() == b.tobytes():
        return
    by = differences(a, b)
    for number in [int(by.argmax()), *np.flatnonzero(by > tolerance)[:1].tolist()]:
        yield float(by[number]), f"{LOSSES}, step {number + 1:,}", number + 1


def _rows(run: RunDir, again: RunDir) -> Iterator[Apart]:
    a, b = run.metrics.read(), again.metrics.read()
    if list(a) != list(b) or a["step"] != b["step"]:
        yield 1.0, f"{METRICS}, its columns or steps", 0
        return
    for name in [name for name in a if name != "seconds"]:
        by = differences(np.array(a[name]), np.array(b[name]))
        for row in np.flatnonzero(by).tolist():
            yield float(by[row]), f"{METRICS}, step {a['step'][row]:,.0f}, {name}", int(a["step"][row])


def _results(run: RunDir, again: RunDir) -> Iterator[Apart]:
    """The metrics in run.json."""
    ours, theirs = run.summary(), again.summary()
    last = ours.steps or 0
    for split in get_args(SplitName):
        a, b = (summary.scores(split) for summary in (ours, theirs))
        for name in {**a, **b}:
            x, y = a.get(name), b.get(name)  # null for a number that is none
            by = float(x != y) if x is None or y is None else difference(x, y)
            if by:
                yield by, f"{SUMMARY}, {split} {name}", last


def _arrays(run: RunDir, again: RunDir) -> Iterator[Apart]:
    """Weights and scores, each array measured by its largest number."""
    last = run.summary().steps or 0
    there = run.files().keys() & again.files().keys()
    pairs = ((run.weights, again.weights), (run.best, again.best), (run.predictions, again.predictions))
    for ours, theirs in [pair for pair in pairs if pair[0].name in there or pair[0] == run.weights]:
        b, file = theirs.read(), theirs.name
        a = ours.read(HEADERS + 2 * sum(array.nbytes for array in b.values()))
        for name in sorted({*a, *b}):
            if by := array_difference(a.get(name), b.get(name)):
                yield by, f"{file}, {name}", last


def latest_of(resolved: Resolved, runs: Path) -> RunDir | None:
    """The latest finished run under ``runs`` of this config, reproductions aside; None where there is none."""
    wanted = resolved.config.to_dict()
    for run in reversed(all_runs(runs)):
        if _AGAIN.search(run.name):
            continue
        try:
            found = yaml.read(run.config.read(), str(run.path / CONFIG)).data
            if run.summary().status == "finished" and _is_of(found, wanted):
                return run
        except NnlabError:
            continue  # a damaged run is no run of anything
    return None


def configs_in(folder: Path) -> list[Path]:
    """The config files in a folder, by name. Raises ConfigError where there are none."""
    found = sorted(path for path in folder.glob("*.y*ml") if path.is_file()) if folder.is_dir() else []
    if not found:
        raise ConfigError(f"{folder}: there is no config here", "name a folder of YAML configs, such as configs/")
    return found


def _is_of(found: Any, wanted: dict[str, Any]) -> bool:
    """Whether a run's config is this one, with what the data and the machine decided filled in."""
    if not isinstance(found, dict):
        return False
    open_keys = {key for key in ("device", "threads") if wanted[key] == "auto"}
    ours = {key: value for key, value in wanted.items() if key not in open_keys}
    theirs = {key: value for key, value in found.items() if key not in open_keys}
    data = dict(ours["dataset"])
    fallback = data.pop("fallback", None)
    ours["dataset"] = fallback if fallback and theirs.get("dataset") == fallback else data
    if "eval_every" not in ours["train"] and isinstance(theirs.get("train"), dict):
        theirs["train"] = {key: value for key, value in theirs["train"].items() if key != "eval_every"}
    return ours == theirs
