"""Train: one run from a config to a finished directory, as events that the caller may watch or stop."""

from collections.abc import Iterator
from pathlib import Path

from nnlab.config import Resolved
from nnlab.dataset import Progress, quiet
from nnlab.errors import NnlabError
from nnlab.experiment.baselines import baselines
from nnlab.experiment.build import check, check_task, load_dataset, model_for
from nnlab.experiment.events import Event, Notice
from nnlab.experiment.plan import complete
from nnlab.experiment.recording import Recording
from nnlab.rundir import RunDir, check_name, create, discard


def train(resolved: Resolved, runs: Path, name: str | None = None, progress: Progress = quiet) -> Iterator[Event]:
    """Train a config into a new directory under ``runs``. Nothing is made before everything has been checked.

    Yields notices, Started, a Record after each chunk of steps, and Finished. Raising Interrupted at a record, or
    closing the generator, leaves the run as ``interrupted``, to be resumed. Raises TrainingError where the loss
    diverges or memory or disk run out, and other NnlabErrors for what the user can put right.
    """
    check_name(name)
    yield from map(Notice, resolved.warnings)
    try:
        check(resolved.config)
        config, dataset, warning = load_dataset(resolved.config, progress)
        if warning:
            yield Notice(warning)
        check_task(config, dataset.task)
        model = model_for(config, dataset)
        config, plan = complete(config, model, len(dataset.train))
        beside = baselines(config, dataset, progress)
    except NnlabError as error:
        raise resolved.located(error) from None
    run = create(runs, config.model.name, dataset.name, name)
    recording = None
    try:
        recording = Recording(config, plan, dataset, model, run)
        recording.summary["baselines"] = beside
        with run.locked() as alone:
            yield from unlocked(run, alone)
            yield from recording.train()
    finally:
        if recording is None or not recording.standing:
            discard(run)


def unlocked(run: RunDir, alone: bool) -> Iterator[Notice]:
    """The warning that a run which is trained where there are no locks deserves."""
    if not alone:
        yield Notice(f"{run.path}: this file system has no locks: do not resume this run while it is going")
