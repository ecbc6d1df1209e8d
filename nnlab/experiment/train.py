"""Train and resume: one run from a config to a finished directory, as events that the caller may watch or stop."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from nnlab.config import Config, Resolved
from nnlab.dataset import Progress, quiet
from nnlab.errors import NnlabError, RunError
from nnlab.experiment.build import check, check_task, config_of, load_dataset, load_same_dataset, model_for
from nnlab.experiment.events import Event, Notice
from nnlab.experiment.recording import Recording
from nnlab.fit import Plan
from nnlab.model import Model
from nnlab.rundir import RunDir, check_name, create


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
    except NnlabError as error:
        raise resolved.located(error) from None
    config, plan = complete(config, model, len(dataset.train))
    recording = Recording(config, plan, dataset, model, create(runs, config.model.name, dataset.name, name))
    yield from recording.train()


def resume(run: RunDir, *, force: bool = False, progress: Progress = quiet) -> Iterator[Event]:
    """Go on with a run from its last checkpoint, to the same bits as if it had never stopped.

    Yields what ``train`` does. Raises RunError for a finished run, and for one that says it is running unless
    ``force`` is given; DataError where the data is no longer what the run was trained on.
    """
    summary = run.summary()
    if summary["status"] == "finished":
        raise RunError(f"{run.path}: this run is finished", "train its config.yaml again for another run")
    if summary["status"] == "running" and not force:
        raise RunError(f"{run.path}: this run says that it is running", "if its process is gone, add --force")
    config = config_of(run)
    dataset, _ = load_same_dataset(run, config, summary, progress)
    model = model_for(config, dataset)
    config, plan = complete(config, model, len(dataset.train))
    recording = Recording(config, plan, dataset, model, run)
    recording.restore(summary)
    yield from recording.train()


def complete(config: Config, model: Model, rows: int) -> tuple[Config, Plan]:
    """The config with what only the data and the machine could tell, and the plan it comes to."""
    batch_size = None if config.train.batch_size == "full" else int(config.train.batch_size)
    plan = Plan(0, batch_size, 0, config.seed, config.train.checkpoint_every)
    per_epoch = plan.steps_per_epoch(rows)
    steps = config.train.steps or per_epoch * (config.train.epochs or 0)
    plan = replace(plan, steps=steps, eval_every=min(config.train.eval_every or per_epoch, steps))
    train_keys = config.train.model_copy(update={"eval_every": plan.eval_every})
    return replace(config, train=train_keys, device=model.device, threads=model.threads, fallback=None), plan
