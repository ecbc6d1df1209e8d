"""Resume: a stopped run goes on from its checkpoint to the bits it would have had, or says why it cannot."""

from collections.abc import Iterator
from dataclasses import replace

from nnlab import discover, environment
from nnlab.config import Config
from nnlab.dataset import Progress, quiet
from nnlab.errors import RunError
from nnlab.experiment import plugins
from nnlab.experiment.events import Event, Notice
from nnlab.experiment.given import Given
from nnlab.experiment.loading import load_same_dataset
from nnlab.experiment.making import model_for
from nnlab.experiment.plan import complete
from nnlab.experiment.ready import Ready
from nnlab.experiment.recording import Recording
from nnlab.experiment.reopen import checkpoint_of
from nnlab.experiment.resolving import resolve, unedited_config_of
from nnlab.experiment.train import unlocked
from nnlab.model import Model
from nnlab.rundir import RunDir
from nnlab.rundir.checkpoint import Checkpoint
from nnlab.rundir.directory import CONFIG


def resume(
    run: RunDir,
    *,
    epochs: int | None = None,
    inexact: bool = False,
    progress: Progress = quiet,
    data: Given | None = None,
) -> Iterator[Event]:
    """Go on with a run from its last checkpoint, to the same bits as if it had never stopped.

    ``epochs`` is how many the run is to have in all; it extends a finished one too. ``data`` is the run's data where it
    is now. Yields what ``train`` does. Raises RunError for a run that is finished or still going, an edited config, and
    other versions, processor or threads, unless ``inexact`` allows these; DataError where the data is not there, or no
    longer what the run was trained on; CheckError where a row of metrics.csv comes out otherwise than before the stop.
    """
    _refuse_finished(run, epochs)
    with run.locked() as alone:
        _refuse_finished(run, epochs)  # who held the lock before may have finished it
        yield from unlocked(run, alone)
        run.files()  # refuses a folder whose files no manifest could list in the end
        summary, state = run.summary(), run.checkpoint_state()
        config = unedited_config_of(run, summary, state, other_plugins=True)
        if epochs is not None:
            config = _extended(run, config, state, epochs)
        dataset = load_same_dataset(run, config, summary, progress, data)
        model = model_for(config, dataset)
        differing = [*plugins.differences(run, config), *_differences(run, model)]
        if differing and not inexact:
            raise RunError(
                f"{run.path}: here the last bits may come out otherwise: {'; '.join(differing)}",
                "go on where it began, or add `allow_inexact`, which run.json will say",
            )
        config, plan = complete(config, model, len(dataset.train))
        done = state.standing.step if state else 0
        if plan.steps < done or (summary.status == "finished" and plan.steps == done):
            message = f"{run.path}: this run has done {done:,} steps already, and {plan.steps:,} are asked for"
            raise RunError(message, "give more `epochs`")
        if state is None:
            yield Notice(f"{run.path}: it was stopped before its first checkpoint, and starts again")
        kept = checkpoint_of(run, model, plan)
        if kept and epochs is not None:  # it goes on even where it had ended before its plan
            kept = replace(kept, standing=replace(kept.standing, ended=""))
        recording = Recording(Ready(config, dataset, model, plan, None), run)
        recording.restore(summary, kept, differing if inexact else None)
        yield from recording.train()


def _refuse_finished(run: RunDir, epochs: int | None) -> None:
    summary = run.summary()
    if summary.status == "finished" and epochs is None:
        early = f": it ended at step {summary.steps:,}, {summary.ended}" if summary.ended else ""
        raise RunError(f"{run.path}: this run is finished{early}", "`epochs` N extends it to N epochs in all")


def _extended(run: RunDir, config: Config, state: Checkpoint | None, epochs: int) -> Config:
    if state is None:
        message = f"{run.path}: there is no checkpoint from which to make this run longer"
        raise RunError(message, f"train its config for longer: nnlab train {run.path / CONFIG} train.epochs={epochs}")
    if not discover.model(config.model.name).backend.steppable:
        raise RunError(
            f"{run.path}: {config.model.name} trains in one call of its own solver", "there are no more epochs"
        )
    if epochs < 1:
        raise RunError(f"`epochs`: given {epochs}", "give how many epochs the run is to have in all")
    return resolve(run.path / CONFIG, [f"train.epochs={epochs}"]).config  # refuses what could not be read again


def _differences(run: RunDir, model: Model) -> list[str]:
    """What the last bits may depend on and is otherwise than when the run began."""
    now = environment.describe(model.device, model.threads)
    return environment.differences(run.environment.read(), now, decisive=True)
