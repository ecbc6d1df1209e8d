"""Train: one run from a config to a finished directory, as events that the caller may watch or stop."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from nnlab import budget, discover
from nnlab.config import Resolved
from nnlab.dataset import Dataset, Progress, quiet
from nnlab.experiment import given
from nnlab.experiment.baselines import announced, baselines, pending
from nnlab.experiment.events import Event, Notice, Working
from nnlab.experiment.given import Given
from nnlab.experiment.loading import check_same
from nnlab.experiment.making import batch_rows, optimizer
from nnlab.experiment.ready import Ready, prepare
from nnlab.experiment.recording import Recording
from nnlab.model import Setup
from nnlab.rundir import RunDir, create
from nnlab.rundir.folder import check_name, discard
from nnlab.rundir.summary import Membership


def train(
    resolved: Resolved,
    runs: Path,
    name: str | None = None,
    progress: Progress = quiet,
    stamp: str | None = None,
    *,
    data: Given | None = None,
    keep_data: bool = False,
    same_as: RunDir | None = None,
    group: Membership | None = None,
) -> Iterator[Event]:
    """Train a config into a new directory under ``runs``. Nothing is made before everything has been checked.

    ``stamp`` is the time that the directory is named after, where it is not now. ``data`` takes the place of the file
    that the config names; with ``keep_data`` the run gets a copy of it; with ``same_as`` it must be what that run was
    trained on; ``group`` is what run.json is to say of the runs that it belongs with. Yields notices, Started, a
    Standing after each chunk of steps, and Finished. Raising Interrupted at one, or closing the generator, leaves the
    run as ``interrupted``, to be resumed. Raises TrainingError where the loss diverges or memory or disk run out, and
    other NnlabErrors for what the user can put right.
    """
    check_name(name)
    yield from map(Notice, resolved.warnings)
    ready = prepare(resolved, progress, data)
    if ready.warning:
        yield Notice(ready.warning)
    if same_as:
        check_same(same_as, ready.dataset, same_as.summary())
    copy = None
    if keep_data and data is not None:
        placed, copy = given.kept(ready.config.dataset, data)
        ready = replace(ready, config=replace(ready.config, dataset=placed))
    yield from said_of(ready.dataset)
    yield from announced(ready.config, ready.dataset)
    beside = baselines(ready.config, ready.dataset)
    run = create(runs, ready.config.model.name, ready.dataset.name, name, stamp)
    recording = None
    try:
        recording = Recording(ready, run)
        path = _path_given(resolved, ready, data)
        summary = recording.account.summary
        recording.account.summary = replace(summary, baselines=beside, path_given=path, group=group)
        if copy:
            run.write(*copy)
        with run.locked() as alone:
            yield from unlocked(run, alone)
            yield from recording.train()
    finally:
        if recording is None or not recording.begun:
            discard(run)


def process_bytes(ready: Ready) -> int:
    """The resident memory that this training takes at its peak in a process of its own."""
    config, dataset, plan = ready.config, ready.dataset, ready.plan
    backend, rows = discover.model(config.model.name).backend, len(dataset.train)
    largest = max(len(split) for split in (dataset.train, dataset.val, dataset.test) if split)
    batch, rule = batch_rows(config, rows), optimizer(config.train)
    setup = Setup(dataset.shape, dataset.task, rule, rows=batch, predicted=largest)
    gathered = batch < rows or not backend.steppable
    size = budget.made(setup, ready.model.weights(), backend.at_once or largest, gathered=gathered)
    solver = budget.FITTING if backend.steppable else 0  # else it is there already
    fitting = solver if pending(config, dataset) else None
    return budget.process_bytes(backend.process(), dataset, setup, size, plan.steps, plan.eval_every, fitting)


def _path_given(resolved: Resolved, ready: Ready, data: Given | None) -> str | None:
    """The path of the data as it was written, where there is one."""
    if data is not None:
        return str(data) if isinstance(data, Path) else None
    return resolved.given.get(("dataset", "fallback", "path") if ready.warning else ("dataset", "path"))


def said_of(dataset: Dataset) -> Iterator[Working | Notice]:
    """What was found out about the data, and what is to be warned of."""
    yield from map(Working, dataset.notes)
    yield from map(Notice, dataset.warnings)


def unlocked(run: RunDir, alone: bool) -> Iterator[Notice]:
    """The warning that a run which is trained where there are no locks deserves."""
    if not alone:
        yield Notice(f"{run.path}: this file system has no locks: do not resume this run while it is going")
