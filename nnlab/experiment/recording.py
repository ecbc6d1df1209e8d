"""Recording: keeps a run directory in step with its training, from the first file to the manifest."""

import math
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np

from nnlab import environment, metrics
from nnlab.dataset import Array, SplitName
from nnlab.errors import Interrupted, NnlabError, RunError, TrainingError
from nnlab.evaluate import evaluate
from nnlab.experiment import frames, pictures, plugins
from nnlab.experiment.events import Event, Finished, Finishing, Notice, Started
from nnlab.experiment.given import portable
from nnlab.experiment.making import parameters
from nnlab.experiment.ready import Ready
from nnlab.experiment.rows import Rows
from nnlab.fit import Position, Record, fit
from nnlab.rundir import (
    CONFIG,
    RUNNING,
    SUMMARY,
    Best,
    Checkpoint,
    Facts,
    RunDir,
    State,
    Status,
    Summary,
    sealed,
    sha256,
)

CHECKPOINT_SECONDS = 30.0
"""Between checkpoints where the config does not say how many steps."""
SUMMARY_SECONDS = 5.0
"""Between updates of run.json, so that others see how far the run is."""


class Recording:
    """One run while it trains."""

    def __init__(self, ready: Ready, run: RunDir) -> None:
        self.config, self.dataset, self.model, self.directory = ready.config, ready.dataset, ready.model, run
        config, dataset, model, plan = ready.config, ready.dataset, ready.model, ready.plan
        self.framed = frames.steps_of(plan, len(dataset.train), parameters(model))
        """The steps that are looked at; a record comes before each, too, to tell what the step changes."""
        self.plan = replace(plan, pauses=tuple(step - 1 for step in self.framed))
        self.before: dict[str, Array] = {}
        """The weights before such a step."""
        self.watched: SplitName = dataset.watched
        self.columns = tuple(metric.name for metric in dataset.task.metrics)
        if self.watched == "train":
            self.columns = tuple(name for name in self.columns if name != "loss")  # train_loss is there already
        self.text = portable(config, run.path).to_yaml()
        self.start = Position()
        self.rows = Rows(run)
        self.standing = False
        """Whether there is a run.json yet, without which a directory is no run."""
        self.began = self.saved = self.told = time.perf_counter()
        self.seconds_before = 0.0
        # One array: a piece a record, kept among the freed buffers of evaluations, would hold them all fast.
        self.losses = np.empty(0)
        """(room for steps,) float64: of every step, as far as ``last`` says."""
        self.last: Record | None = None
        self.saved_step = -1
        """Where the last checkpoint stands."""
        self.between_steps = True
        """False while the model trains and its row is written: stopped there, a checkpoint would lack something."""
        self.best: Best | None = None
        self.best_weights: dict[str, Array] = {}
        self.placed: dict[SplitName, Any] = {}
        self.summary = Summary(
            status=RUNNING,
            name=run.name,
            config_sha256=sha256(self.text.encode()),
            model=config.model.name,
            dataset=Facts.of(dataset),
            task=dataset.task.name,
            device=model.device,
            seed=config.seed,
            parameters=parameters(model),
            started=_now(),
            seconds={"total": 0.0, "train": 0.0, "eval": 0.0},
            steps=0,
            epochs=0.0,
            metrics={"train": None, "val": None, "test": None},
            resumed=[],
        )

    def restore(self, summary: Summary, kept: Checkpoint | None, inexact: list[str] | None) -> None:
        """Take up a stopped run where ``kept`` stands, or at its start where there is none.

        ``summary`` is its run.json, and ``inexact`` says why the last bits may come out otherwise; None where they may
        not. Raises RunError where the checkpoint and metrics.csv do not belong together.
        """
        self.standing, self.rows.strict = True, inexact is None
        step = kept.state.step if kept else 0
        resumed = {"step": step, "inexact": inexact or [], "rows_differing": self.rows.differing}
        self.summary = replace(
            self.summary,
            name=summary.name,
            dataset=replace(self.summary.dataset, more=summary.dataset.more),
            path_given=summary.path_given,
            started=summary.started,
            baselines=summary.baselines,
            resumed=[*(summary.resumed or []), resumed],
            config_before=self.directory.sha256(CONFIG),
            group=summary.group,
            more=summary.more,
        )
        if kept is None:
            self.rows.restore(0, 0, None, self._evaluates)
        else:
            self.rows.restore(step, kept.state.metrics_bytes, kept.state.metrics_sha256, self._evaluates)
            self._restore(kept)

    def _restore(self, kept: Checkpoint) -> None:
        state, losses = kept.state, kept.arrays["losses"]["losses"]
        if losses.shape != (state.step,) or losses.dtype != np.float64:
            raise RunError(f"{self.directory.path}: the checkpoint's losses are not one a step", "it is damaged")
        self.model.load_weights(kept.arrays["weights"])
        self.model.load_optimizer_state(kept.arrays["optimizer"])
        self._keep(len(losses), losses)
        self.best, self.best_weights = state.best, kept.arrays["best"]
        self.seconds_before = state.seconds
        since = tuple(losses[state.evaluated :].tolist())
        self.start = Position(state.step, since, state.train_seconds, state.eval_seconds)
        self.saved_step = state.step

    def _evaluates(self, step: int) -> bool:
        """Whether training comes to an evaluation after this step."""
        return step == self.plan.steps or (step < self.plan.steps and step % self.plan.eval_every == 0)

    def train(self) -> Iterator[Event]:
        """Train to the end; see ``nnlab.experiment.train``. Whoever calls it holds the run's lock."""
        try:
            self._write_start()
            facts = parameters(self.model), self.model.device, self.model.threads, self.watched
            yield Started(self.directory, self.start.step, self.plan.steps, *facts)
            yield from self._fit()
            yield from self._finish()
            yield Finished(self.directory, self.summary)
        except (Interrupted, KeyboardInterrupt, GeneratorExit) as error:
            if self.summary.status == RUNNING:
                self._stop_safely(error, "interrupted", str(error) or "stopped")
            raise
        except BaseException as error:
            failure = self._failure(error)
            self._stop_safely(failure, "failed", error.message if isinstance(error, NnlabError) else repr(error))
            if failure is error:
                raise
            raise failure from error

    def _write_start(self) -> None:
        """Bring the files to where training starts, so that a kill at any moment leaves what can be resumed."""
        run = self.directory
        if self.standing:  # run.json first: config.yaml must be one that it names, the one to come or the one there is
            self._update(RUNNING)
            run.manifest.delete()
            run.tidy()
        run.config.write(self.text)
        self.summary = replace(self.summary, config_before=None)
        used = plugins.record(self.config)
        if not self.start.step:
            run.environment.write(environment.describe(self.model.device, self.model.threads) | used)
        elif used:  # which may be others than those that it began with
            run.environment.write(run.environment.read() | used)
        for name, content in plugins.sources(self.config).items():
            run.write_source(name, content)
        if self.best:
            run.best.write(self.best_weights)
        if self.framed and not self.start.step and (frame := frames.first_of(self.model.weights())):
            run.write_frame(frame)
        self.rows.begin(["step", "epoch", "train_loss", *map(self._column, self.columns), "seconds"])
        if not self.standing:  # last: a directory is a run once this file is there
            run.json.write(self.summary.to_json())
            self.standing = True

    def _column(self, metric: str) -> str:
        return f"{self.watched}_{metric}"

    def _place(self, name: SplitName) -> Any:
        """A split as the model put it, once per run."""
        if name not in self.placed:
            split = self.dataset.split(name)
            assert split is not None  # noqa: S101 - callers ask for splits there are
            self.placed[name] = self.model.put(split)
        return self.placed[name]

    def _fit(self) -> Iterator[Record]:
        dataset = self.dataset
        self.between_steps = False
        watched = self._place(self.watched), dataset.split(self.watched) or dataset.train, dataset.task
        self._look_before(self.start.step)
        for record in fit(self.model, self._place("train"), len(dataset.train), watched, self.plan, self.start):
            self._keep(record.step, record.losses)
            self.last = record
            # The row of a last step that is off the beat of evaluations comes after the checkpoint there: a run that
            # is extended goes on as if that row had never been.
            extra = record.step % self.plan.eval_every
            if not extra:
                self._log(record)
                self._look(record)
            self._look_before(record.step)
            self.between_steps = True  # not before: a checkpoint without the row of its step would never get it
            if self._checkpoint_due(record):
                self._save(record)
            if extra:
                self._log(record)
            yield record
            self.between_steps = False
        self.between_steps = True

    def _keep(self, step: int, losses: Array) -> None:
        """Keep the losses of the steps up to ``step``; the room for them grows in few large pieces."""
        if step > len(self.losses):
            room = np.empty(min(self.plan.steps, max(2 * step, 65_536)))
            room[: len(self.losses)] = self.losses
            self.losses = room
        self.losses[step - len(losses) : step] = losses

    def _look_before(self, step: int) -> None:
        """Note the weights before a step that is to be looked at."""
        if step + 1 in self.framed:
            self.before = self.model.weights()

    def _look(self, record: Record) -> None:
        """Keep what the net looks like after such a step."""
        if record.step in self.framed and record.metrics is not None:
            if frame := frames.frame_of(record, self.before, self.model.weights(), self.dataset):
                self.directory.write_frame(frame)
            self.before = {}

    def _log(self, record: Record) -> None:
        """Add the row of an evaluation to metrics.csv; a record of anything else has none."""
        found = record.metrics
        if found is None or record.train_loss is None:
            return
        values = [found[name] for name in self.columns]
        row = [record.step, record.epoch, record.train_loss, *values, round(record.seconds, 4)]
        self.rows.add(record.step, row)
        if self.watched == "val":
            self._keep_best(record, found)
        if time.perf_counter() - self.told >= SUMMARY_SECONDS:
            self._update(RUNNING)

    def _keep_best(self, record: Record, found: dict[str, float]) -> None:
        """Save the weights where the val split's metric is better than ever before."""
        metric = self.dataset.task.ranked_by
        value = found[metric.name]
        if self.best is None or metric.better(value, self.best.value):
            self.best = Best(record.step, record.epoch, f"val_{metric.name}", value)
            self.best_weights = self.model.weights()
            self.directory.best.write(self.best_weights)

    def _checkpoint_due(self, record: Record) -> bool:
        if not self._fit_to_save(record):
            return False
        if record.step == self.plan.steps:  # what `resume --epochs` goes on from
            return True
        if self.plan.pause_every:
            return record.step % self.plan.pause_every == 0
        return time.perf_counter() - self.saved >= CHECKPOINT_SECONDS

    def _fit_to_save(self, record: Record) -> bool:
        """Whether a checkpoint here is better than the one before.

        It is not where something has diverged, a loss or an evaluation that was due; and on the way not before every
        row that was cut off has come out as it was.
        """
        if not np.isfinite(record.losses).all() or (record.metrics is None and self._evaluates(record.step)):
            return False
        return record.step == self.plan.steps or not (self.rows.strict and self.rows.awaited)

    def _save(self, record: Record) -> None:
        """Write a checkpoint of all that going on from here needs."""
        arrays = {
            "weights": self.model.weights(),
            "optimizer": self.model.optimizer_state(),
            "best": self.best_weights,
            "losses": {"losses": self.losses[: record.step]},
        }
        rows = self.directory.metrics.bytes()
        state = State(
            step=record.step,
            epoch=record.epoch,
            evaluated=record.step - record.step % self.plan.eval_every,
            train_seconds=record.train_seconds,
            eval_seconds=record.eval_seconds,
            seconds=self._seconds(),
            metrics_bytes=len(rows),
            metrics_sha256=sha256(rows),
            config_sha256=sha256(self.text.encode()),
            best=self.best,
        )
        self.directory.write_checkpoint(state, arrays)
        self.saved, self.saved_step = time.perf_counter(), record.step

    def _finish(self) -> Iterator[Finishing | Notice]:
        dataset, run, losses = self.dataset, self.directory, self.losses[: self.plan.steps]
        found: dict[SplitName, dict[str, float] | None] = {"train": None, "val": None, "test": None}
        scores: dict[SplitName, Array] = {}
        began = time.perf_counter()
        for name in found:
            if split := dataset.split(name):
                yield Finishing()
                evaluation = evaluate(self.model, self._place(name), split, dataset.task)
                found[name], scores[name] = evaluation.metrics, evaluation.scores
                if not math.isfinite(evaluation.metrics["loss"]):
                    raise TrainingError(f"the loss became {evaluation.metrics['loss']} on the {name} split")
        seconds = time.perf_counter() - began
        if worse := metrics.shortfall(dataset.task, found, self.summary.baselines):
            yield Notice(f"this run is {worse}")
        run.weights.write(self.model.weights())
        run.losses.write(losses)
        if dataset.test is not None:
            run.predictions.write({"scores": scores["test"], "targets": dataset.test.targets})
        per_epoch = self.plan.steps_per_epoch(len(dataset.train))
        drawn = []
        for file, content in pictures.of_training(run.name, dataset, run.metrics.read(), losses, scores, per_epoch):
            run.write(file, content)
            drawn.append(file)
            yield Finishing()
        run.remove_pictures(drawn)
        final = self._with("finished", metrics=found, final_seconds=seconds)
        # The manifest first: a run is finished once its run.json says so, and then all of it is there.
        run.write_manifest((SUMMARY, sealed.dump(final.to_json())))
        run.json.write(final.to_json())
        self.summary = final

    def _stop_safely(self, failure: BaseException, status: Status, error: str) -> None:
        """Leave the run as it can be used; what goes wrong with that becomes a note of ``failure``."""
        if not self.standing:
            return  # it is no run yet, and will be none
        try:
            self._stop(status, error)
        except (OSError, NnlabError, MemoryError) as second:
            reason = getattr(second, "strerror", None) or str(second)
            failure.add_note(f"the run directory could not be brought up to date: {reason}")

    def _stop(self, status: Status, error: str) -> None:
        """Leave what there is: the losses so far and, unless they are spoilt, the weights and a checkpoint.

        Stopped in the middle of a step, the weights are those of no step, and the last checkpoint stays the last.
        """
        self._update(status, error=error[:1000])  # first: a full disk or a second signal may leave no time for more
        weights = self.model.weights()
        if self.last and self.between_steps and all(np.isfinite(weight).all() for weight in weights.values()):
            self.directory.weights.write(weights)
            if status == "interrupted" and self.last.step != self.saved_step and self._fit_to_save(self.last):
                self._save(self.last)
        at = self.last or self.start
        self.directory.losses.write(self.losses[: at.step])
        self.directory.write_manifest()

    def _failure(self, error: BaseException) -> BaseException:
        """The error as the user can act on it; a bug stays what it is."""
        if isinstance(error, TrainingError) and "the loss became" in error.message:
            lr = self.config.train.lr
            return TrainingError(
                f"{error.message}; the run is kept as failed: {self.directory.path}",
                f"try a smaller learning rate (train.lr={(lr or 0) / 10:g}), or check that the inputs are scaled",
            )
        if isinstance(error, MemoryError):
            return TrainingError(f"out of memory: {error}", "try a smaller train.batch_size or a narrower model")
        if isinstance(error, OSError):
            return TrainingError(
                f"{self.directory.path}: the run cannot be written: {error.strerror or error}",
                "check that the disk is not full and the directory still there",
            )
        return error

    def _seconds(self) -> float:
        """Time spent on this run so far, before it was resumed too."""
        return self.seconds_before + time.perf_counter() - self.began

    def _update(self, status: Status, **changes: Any) -> None:
        """Write run.json anew."""
        self.summary = self._with(status, **changes)
        self.directory.json.write(self.summary.to_json())
        self.told = time.perf_counter()

    def _with(self, status: Status, final_seconds: float = 0.0, **changes: Any) -> Summary:
        """What run.json is to say now."""
        at = self.last or self.start
        return replace(
            self.summary,
            **changes,
            status=status,
            finished=None if status == RUNNING else _now(),
            steps=at.step,
            epochs=at.step / self.plan.steps_per_epoch(len(self.dataset.train)),
            best=self.best,
            seconds={
                "total": round(self._seconds(), 4),
                "train": round(at.train_seconds, 4),
                "eval": round(at.eval_seconds + final_seconds, 4),
            },
        )


def _now() -> str:
    return datetime.now(UTC).astimezone().isoformat(timespec="seconds")
