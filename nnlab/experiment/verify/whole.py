"""Whole: all checks of a run, in their order, from its hashes to what cannot be told."""

from collections.abc import Callable, Generator, Iterator, Sequence
from functools import partial

from nnlab.dataset import Dataset, Progress, quiet
from nnlab.errors import ConfigError, DataChangedError, MissingDependencyError, NnlabError, RunError
from nnlab.experiment import plugins
from nnlab.experiment.given import Given
from nnlab.experiment.loading import load_same_dataset
from nnlab.experiment.plan import complete
from nnlab.experiment.reopen import reopen
from nnlab.experiment.verify import beyond, data, files, looks, recorded, scores
from nnlab.experiment.verify.check import UNABLE, tried
from nnlab.experiment.verify.evidence import Evidence
from nnlab.finding import Finding, worst
from nnlab.rundir import RunDir
from nnlab.rundir.checkpoint import FOLDER as CHECKPOINTS
from nnlab.rundir.directory import CONFIG, LOSSES, METRICS, SUMMARY, WEIGHTS
from nnlab.rundir.frames import FOLDER as FRAMES
from nnlab.rundir.summary import RUNNING

DATA = f"{SUMMARY}: dataset"
Load = Callable[..., Dataset]
"""Loads the data of a run, its config and its run.json."""


def verify(run: RunDir, progress: Progress = quiet, data: Given | None = None) -> Iterator[Finding]:
    """Look at everything in a run directory that can be right or wrong, and go on where something is wrong.

    A finished run is evaluated again, on its ``data`` where that is now; of one that stopped, what is there is held
    against its checkpoint. What no look can tell is named too. Raises RunError for a run that is still going, and for
    what is no run.
    """
    status = _status(run)
    if status == RUNNING:
        raise RunError(f"{run.path}: this run is still going", "verify it when it has ended")
    made: list[Finding] = []
    for finding in _checks(run, status, made, partial(load_same_dataset, progress=progress, data=data)):
        made.append(finding)
        yield finding


def _status(run: RunDir) -> str:
    """The run's status; where run.json cannot say, it is looked at as a finished one."""
    try:
        return run.summary().status
    except NnlabError:
        return "finished"


def _checks(run: RunDir, status: str, made: Sequence[Finding], load: Load) -> Iterator[Finding]:
    """All checks; ``made`` are those so far."""
    yield from files.manifest(run, status)
    try:
        yield Finding(SUMMARY, "ok", f"{run.summary().status}, step {run.summary().steps}")
    except NnlabError as error:
        yield Finding(SUMMARY, "wrong", error.message)
        return  # all else is held against it
    if (missing := plugins.missing(run)) is not None:
        yield Finding(CONFIG, "not checked", f"not looked into: {missing.message}; {missing.hint}")
        return
    yield from tried(CONFIG, lambda: recorded.config(run))
    e = yield from _evidence(run)
    if e is None:
        return
    yield from files.environment(run, e.config)
    yield from tried(f"{SUMMARY}: training", lambda: recorded.counts(e))
    if e.finished:
        yield from tried(METRICS, lambda: recorded.rows(e))
        yield from tried(CHECKPOINTS, lambda: recorded.last_checkpoint(e))
    else:
        yield from tried(CHECKPOINTS, lambda: recorded.stopped(e))
    dataset = yield from _data(e, load)
    if dataset is not None:
        yield from tried(DATA, lambda: data.facts(e, dataset))
        if e.finished:
            yield from _finished(e, dataset)
        # What takes seconds is left out where the run is known to be wrong.
        if worst(made) != "wrong":
            yield from data.baselines(e, dataset)
            if e.finished:
                yield from looks.drawn_again(e, dataset)
    yield from beyond.of_run(e)


def _evidence(run: RunDir) -> Generator[Finding, None, Evidence | None]:
    """What the run is held against; None, with a check that says why, where its model cannot be made."""
    finished = run.summary().status == "finished"
    subject = WEIGHTS if finished else CHECKPOINTS
    try:
        opened = reopen(run, trained=finished)
        _, plan = complete(opened.config, opened.model, opened.summary.dataset.train or 0)
        return Evidence(**vars(opened), whole=plan)
    except (ConfigError, MissingDependencyError) as error:  # of the device or the memory here; a bad config is named
        yield Finding(subject, "not checked", f"not looked into: {error.message}")
    except NnlabError as error:
        yield Finding(subject, "wrong", error.message)
    return None


def _data(e: Evidence, load: Load) -> Generator[Finding, None, Dataset | None]:
    """The data of the run; None, with a check that says why, where there is none that could be it."""
    subject = WEIGHTS if e.finished else DATA
    try:
        return load(e.run, e.config, e.summary)
    except DataChangedError as error:
        yield Finding(subject, "wrong", error.message)
    except NnlabError as error:
        yield Finding(subject, "not checked", f"not evaluated again: {error.message}")
    return None


def _finished(e: Evidence, dataset: Dataset) -> Iterator[Finding]:
    """The model of a finished run, and what it says of the data."""
    able = (*UNABLE, ConfigError)  # of the memory here
    yield from tried(WEIGHTS, lambda: scores.again(e, dataset))
    if scores.steppable(e):
        yield from tried(LOSSES, lambda: scores.first_loss(e, dataset), able)
    yield from tried(FRAMES, lambda: looks.of_training(e, dataset), able)
