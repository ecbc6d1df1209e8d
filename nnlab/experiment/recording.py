"""Recording: keeps a run directory in step with its training, from the first file to the manifest."""

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from nnlab import environment, metrics
from nnlab.dataset import Array, SplitName
from nnlab.errors import DivergedError, Interrupted, NnlabError, TrainingError
from nnlab.evaluate import evaluate
from nnlab.experiment import pictures, plugins
from nnlab.experiment.awaited_rows import Rows
from nnlab.experiment.events import Event, Finished, Finishing, Notice, Started
from nnlab.experiment.given import portable
from nnlab.experiment.making import parameters
from nnlab.experiment.ready import Ready
from nnlab.experiment.taking_frames import Frames
from nnlab.experiment.writers import Account, BestWeights, Checkpoints, Writer, now
from nnlab.fit import fit
from nnlab.rundir import RunDir, Summary, sealed
from nnlab.rundir.checkpoint import Checkpoint
from nnlab.rundir.directory import CONFIG, SUMMARY
from nnlab.rundir.sealed import sha256
from nnlab.rundir.summary import RUNNING, Facts, Status
from nnlab.standing import Standing


class Recording:
    """One run while it trains."""

    def __init__(self, ready: Ready, run: RunDir) -> None:
        self.config, self.dataset, self.model, self.directory = ready.config, ready.dataset, ready.model, run
        config, dataset, model, plan = ready.config, ready.dataset, ready.model, ready.plan
        self.text = portable(config, run.path).to_yaml()
        self.frames = Frames(run, dataset, model, plan, parameters(model))
        # The loop pauses before each step that is looked at, too, to tell what the step changes.
        self.plan = replace(plan, pauses=tuple(step - 1 for step in self.frames.steps))
        self.rows = Rows(run, dataset)
        self.best = BestWeights(run, dataset, model)
        self.checkpoints = Checkpoints(run, model, self.plan, self.rows, self.best, self.text)
        self.account = Account(
            run,
            Summary(
                status=RUNNING,
                name=run.name,
                config_sha256=sha256(self.text.encode()),
                model=config.model.name,
                dataset=Facts.of(dataset),
                task=dataset.task.name,
                device=model.device,
                seed=config.seed,
                parameters=parameters(model),
                started=now(),
                seconds={"total": 0.0, "train": 0.0, "eval": 0.0},
                steps=0,
                epochs=0.0,
                metrics={"train": None, "val": None, "test": None},
                resumed=[],
            ),
        )
        self.began = time.perf_counter()
        self.start = self.at = Standing()
        """Where training starts, and where it stands by what has been written."""
        self.begun = False
        """Whether there is a run.json yet, without which a directory is no run."""
        self.settled = False
        """False while the model trains and its row is written: stopped there, a checkpoint would lack something."""
        self.placed: dict[SplitName, Any] = {}

    def restore(self, summary: Summary, kept: Checkpoint | None, inexact: list[str] | None) -> None:
        """Take up a stopped run where ``kept`` stands, or at its start where there is none.

        ``summary`` is its run.json, and ``inexact`` says why the last bits may come out otherwise; None where they may
        not. Raises RunError where the checkpoint and metrics.csv do not belong together.
        """
        self.begun, self.rows.strict = True, inexact is None
        step = kept.standing.step if kept else 0
        resumed = {"step": step, "inexact": inexact or [], "rows_differing": self.rows.differing}
        made = self.account.summary
        self.account.summary = replace(
            made,
            name=summary.name,
            dataset=replace(made.dataset, more=summary.dataset.more),
            path_given=summary.path_given,
            started=summary.started,
            baselines=summary.baselines,
            resumed=[*(summary.resumed or []), resumed],
            config_before=self.directory.sha256(CONFIG),
            group=summary.group,
            more=summary.more,
        )
        if kept is None:
            self.rows.restore(0, 0, None, self.plan.evaluates)
            return
        self.rows.restore(step, kept.metrics_bytes, kept.metrics_sha256, self.plan.evaluates)
        self.model.load_weights(kept.weights)
        self.model.load_optimizer_state(kept.optimizer)
        self.best.weights, self.checkpoints.step = kept.best, step
        self.start = self.at = kept.standing

    def train(self) -> Iterator[Event]:
        """Train to the end; see ``nnlab.experiment.train``. Whoever calls it holds the run's lock."""
        try:
            self._write_start()
            facts = parameters(self.model), self.model.device, self.model.threads, self.dataset.watched
            yield Started(self.directory, self.start.step, self.plan.steps, *facts)
            yield from self._fit()
            yield from self._finish()
            yield Finished(self.directory, self.account.summary)
        except (Interrupted, KeyboardInterrupt, GeneratorExit) as error:
            if self.account.summary.status == RUNNING:
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
        if self.begun:  # run.json first: config.yaml must be one that it names, the one to come or the one there is
            self.account.update(RUNNING, self._timed())
            run.manifest.delete()
            run.tidy()
        run.config.write(self.text)
        self.account.summary = replace(self.account.summary, config_before=None)
        used = plugins.record(self.config)
        if not self.start.step:
            run.environment.write(environment.describe(self.model.device, self.model.threads) | used)
        elif used:  # which may be others than those that it began with
            run.environment.write(run.environment.read() | used)
        for name, content in plugins.sources(self.config).items():
            run.write_source(name, content)
        self.best.begin()
        self.frames.begin(self.start)
        self.rows.begin()
        if not self.begun:  # last: a directory is a run once this file is there
            run.json.write(self.account.summary.to_json())
            self.begun = True

    def _place(self, name: SplitName) -> Any:
        """A split as the model put it, once per run."""
        if name not in self.placed:
            split = self.dataset.split(name)
            assert split is not None  # noqa: S101 - callers ask for splits there are
            self.placed[name] = self.model.put(split)
        return self.placed[name]

    def _fit(self) -> Iterator[Standing]:
        dataset, name = self.dataset, self.dataset.watched
        watched = self._place(name), dataset.split(name) or dataset.train, dataset.task
        for at in fit(self.model, self._place("train"), len(dataset.train), watched, self.plan, self.start):
            # Whether the val split was best there is told once the row is written.
            self.at = self._timed(replace(at, best=self.at.best))
            for writer in self._writers(at.step):
                self.settled = self.settled or writer is self.checkpoints
                self.at = writer.write(self.at)
            yield self.at
            self.settled = False
        self.settled = self.at is not self.start

    def _writers(self, step: int) -> Sequence[Writer]:
        """What keeps something of where training stands after a step, in the order of their writes.

        A checkpoint without the row of its step would never get it, so that rows come before. The row of a last step
        that is off the beat of evaluations comes after: a run that is extended goes on as if it had never been.
        """
        scores = self.rows, self.best, self.account
        if step % self.plan.eval_every:
            return self.frames, self.checkpoints, *scores
        return *scores, self.frames, self.checkpoints

    def _finish(self) -> Iterator[Finishing | Notice]:
        dataset, run, losses = self.dataset, self.directory, self.at.losses
        found: dict[SplitName, dict[str, float] | None] = {"train": None, "val": None, "test": None}
        scores: dict[SplitName, Array] = {}
        began = time.perf_counter()
        for name in found:
            if split := dataset.split(name):
                yield Finishing()
                evaluation = evaluate(self.model, self._place(name), split, dataset.task)
                found[name], scores[name] = evaluation.metrics, evaluation.scores
                if not math.isfinite(evaluation.metrics["loss"]):
                    raise DivergedError(f"the loss became {evaluation.metrics['loss']} on the {name} split")
        seconds = time.perf_counter() - began
        if worse := metrics.shortfall(dataset.task, found, self.account.summary.baselines):
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
        at = self._timed(replace(self.at, seconds=self.at.seconds._replace(eval=self.at.seconds.eval + seconds)))
        final = self.account.saying("finished", at, metrics=found)
        # The manifest first: a run is finished once its run.json says so, and then all of it is there.
        run.write_manifest((SUMMARY, sealed.dump(final.to_json())))
        run.json.write(final.to_json())
        self.account.summary = final

    def _stop_safely(self, failure: BaseException, status: Status, error: str) -> None:
        """Leave the run as it can be used; what goes wrong with that becomes a note of ``failure``."""
        if not self.begun:
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
        at = self._timed()
        # First: a full disk or a second signal may leave no time for more.
        self.account.update(status, at, error=error[:1000])
        weights = self.model.weights()
        if self.settled and all(np.isfinite(weight).all() for weight in weights.values()):
            self.directory.weights.write(weights)
            if status == "interrupted" and at.step != self.checkpoints.step and self.checkpoints.fit_for(at):
                self.checkpoints.save(at)
        self.directory.losses.write(at.losses)
        self.directory.write_manifest()

    def _failure(self, error: BaseException) -> BaseException:
        """The error as the user can act on it; a bug stays what it is."""
        if isinstance(error, DivergedError):
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

    def _timed(self, at: Standing | None = None) -> Standing:
        """Where it stands, with the time spent so far, before it was resumed too."""
        at = at or self.at
        total = self.start.seconds.total + time.perf_counter() - self.began
        return replace(at, seconds=at.seconds._replace(total=total))
