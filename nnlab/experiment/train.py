"""Train: one run from a config to a finished run directory, as a series of events that the caller may watch or stop."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from nnlab import environment, metrics
from nnlab.config import Config, Resolved
from nnlab.dataset import Dataset, Progress, SplitName, quiet
from nnlab.errors import Interrupted, NnlabError, TrainingError
from nnlab.evaluate import evaluate
from nnlab.experiment import pictures
from nnlab.experiment.build import build_model, check, check_task, load_dataset, parameters
from nnlab.fit import Plan, Record, fit
from nnlab.model import Model
from nnlab.rundir import (
    BEST_WEIGHTS,
    CONFIG,
    ENVIRONMENT,
    LOSSES,
    PREDICTIONS,
    SCHEMA_VERSION,
    SUMMARY,
    WEIGHTS,
    RunDir,
    check_name,
    create,
)


@dataclass(frozen=True)
class Notice:
    """Something the user should know."""

    text: str


@dataclass(frozen=True)
class Started:
    """The run directory stands and training begins."""

    run: RunDir
    steps: int
    parameters: int
    device: str
    threads: int
    watched: SplitName


@dataclass(frozen=True)
class Finished:
    """The run is complete."""

    run: RunDir
    summary: dict[str, Any]


Event = Notice | Started | Record | Finished


def train(resolved: Resolved, runs: Path, name: str | None = None, progress: Progress = quiet) -> Iterator[Event]:
    """Train a config into a new directory under ``runs``. Nothing is made before everything has been checked.

    Yields notices, Started, a Record after each chunk of steps, and Finished. Raising Interrupted at a record, or
    closing the generator, leaves the run as ``interrupted`` with the weights it had. Raises TrainingError where the
    loss diverges or memory or disk run out, and other NnlabErrors for what the user can put right.
    """
    check_name(name)
    yield from map(Notice, resolved.warnings)
    try:
        check(resolved.config)
        config, dataset, warning = load_dataset(resolved.config, progress)
        if warning:
            yield Notice(warning)
        check_task(config, dataset.task)
        model = build_model(config, dataset.shape, dataset.outputs, dataset.task, len(dataset.train))
    except NnlabError as error:
        raise resolved.located(error) from None
    config, plan = _complete(config, model, len(dataset.train))
    yield from _Training(config, plan, dataset, model, create(runs, config.model.name, dataset.name, name)).run()


def _complete(config: Config, model: Model, rows: int) -> tuple[Config, Plan]:
    """The config with what only the data and the machine could tell, and the plan it comes to."""
    batch_size = None if config.train.batch_size == "full" else int(config.train.batch_size)
    plan = Plan(steps=config.train.steps or 0, batch_size=batch_size, eval_every=0, seed=config.seed)
    per_epoch = plan.steps_per_epoch(rows)
    steps = config.train.steps or per_epoch * (config.train.epochs or 0)
    plan = replace(plan, steps=steps, eval_every=min(config.train.eval_every or per_epoch, steps))
    train_keys = config.train.model_copy(update={"eval_every": plan.eval_every})
    return replace(config, train=train_keys, device=model.device, threads=model.threads, fallback=None), plan


class _Training:
    """One run while it trains: keeps run.json and metrics.csv in step with what has happened."""

    def __init__(self, config: Config, plan: Plan, dataset: Dataset, model: Model, run: RunDir) -> None:
        self.config, self.plan, self.dataset, self.model, self.directory = config, plan, dataset, model, run
        self.watched: SplitName = dataset.watched
        self.began = time.perf_counter()
        self.losses: list[Any] = []
        self.curve: list[Record] = []
        self.last: Record | None = None
        self.best: dict[str, Any] | None = None
        self.summary: dict[str, Any] = {
            "schema_version": SCHEMA_VERSION,
            "status": "running",
            "name": run.name,
            "model": config.model.name,
            "dataset": _facts(dataset),
            "task": dataset.task,
            "device": model.device,
            "seed": config.seed,
            "parameters": parameters(model),
            "started": _now(),
            "finished": None,
            "seconds": {"total": 0.0, "train": 0.0, "eval": 0.0},
            "steps": 0,
            "epochs": 0.0,
            "metrics": {"train": None, "val": None, "test": None},
            "best": None,
            "error": None,
        }

    def run(self) -> Iterator[Event]:
        try:
            self._write_start()
            started = self.summary["parameters"], self.model.device, self.model.threads, self.watched
            yield Started(self.directory, self.plan.steps, *started)
            yield from self._fit()
            self._finish()
            yield Finished(self.directory, self.summary)
        except (Interrupted, KeyboardInterrupt, GeneratorExit) as error:
            if self.summary["status"] == "running":
                self._stop("interrupted", str(error) or "stopped")
            raise
        except BaseException as error:
            raise self._failed(error) from error

    def _write_start(self) -> None:
        run, split = self.directory, self.watched
        run.write_text(CONFIG, self.config.to_yaml())
        run.write_json(ENVIRONMENT, environment.describe(self.model.device, self.model.threads))
        names = list(metrics.measured(self.dataset.task))
        if split == "train":
            names.remove("loss")  # train_loss is the mean over the steps already
        run.start_metrics(["step", "epoch", "train_loss", *(f"{split}_{name}" for name in names), "seconds"])
        self.columns = names
        run.write_json(SUMMARY, self.summary)  # last: a directory is a run once this file is there

    def _fit(self) -> Iterator[Record]:
        dataset = self.dataset
        data = self.model.put(dataset.train)
        split = dataset.split(self.watched) or dataset.train
        watched = data if self.watched == "train" else self.model.put(split)
        for record in fit(self.model, data, len(dataset.train), (watched, split, dataset.task), self.plan):
            self.last = record
            self.losses.append(record.losses)
            if record.metrics is not None and record.train_loss is not None:
                self._log(record, record.train_loss, record.metrics)
            yield record

    def _log(self, record: Record, train_loss: float, found: dict[str, float]) -> None:
        self.curve.append(record)
        values = [found[name] for name in self.columns]
        row = [record.step, record.epoch, train_loss, *values, round(record.seconds, 4)]
        self.directory.append_metrics(row)
        if self.watched == "val":
            self._keep_best(record, found)

    def _keep_best(self, record: Record, found: dict[str, float]) -> None:
        """Save the weights where the val split's metric is better than ever before."""
        name = metrics.PRIMARY[self.dataset.task]
        value, old = found[name], self.best["value"] if self.best else None
        if old is None or (value > old if metrics.HIGHER_IS_BETTER[name] else value < old):
            self.best = {"step": record.step, "epoch": record.epoch, "metric": f"val_{name}", "value": value}
            self.directory.write_weights(BEST_WEIGHTS, self.model.weights())

    def _finish(self) -> None:
        dataset, run = self.dataset, self.directory
        found: dict[str, dict[str, float] | None] = {"train": None, "val": None, "test": None}
        test_scores = None
        began = time.perf_counter()
        for name in found:
            split = dataset.split(name)  # type: ignore[arg-type]
            if split is not None:
                evaluation = evaluate(self.model, self.model.put(split), split, dataset.task)
                found[name] = evaluation.metrics
                if name == "test":
                    test_scores = evaluation.scores
        final_seconds = time.perf_counter() - began
        run.write_weights(WEIGHTS, self.model.weights())
        run.write_array(LOSSES, np.concatenate(self.losses))
        if dataset.test is not None and test_scores is not None:
            run.write_arrays(PREDICTIONS, scores=test_scores, targets=dataset.test.targets)
        per_epoch = self.plan.steps_per_epoch(len(dataset.train))
        drawn = pictures.of_training(run.name, dataset, self.model, self.curve, np.concatenate(self.losses), per_epoch)
        for file, content in drawn:
            run.write(file, content)
        self._update("finished", metrics=found, final_seconds=final_seconds)
        run.write_manifest()

    def _stop(self, status: str, error: str) -> None:
        """Leave what there is: the losses so far and, unless they are spoilt, the weights."""
        weights = self.model.weights()
        if self.losses and all(np.isfinite(weight).all() for weight in weights.values()):
            self.directory.write_weights(WEIGHTS, weights)
        if self.losses:
            self.directory.write_array(LOSSES, np.concatenate(self.losses))
        self._update(status, error=error)

    def _failed(self, error: BaseException) -> BaseException:
        """Note the failure in run.json, as far as the disk allows, and say it in a way the user can act on."""
        if isinstance(error, TrainingError) and "the loss became" in error.message:
            lr = self.config.train.lr
            error = TrainingError(
                f"{error.message}; the run is kept as failed: {self.directory.path}",
                f"try a smaller learning rate (train.lr={lr / 10:g}), or check that the inputs are scaled"
                if lr
                else "",
            )
        elif isinstance(error, MemoryError):
            error = TrainingError(f"out of memory: {error}", "try a smaller train.batch_size or a narrower model")
        elif isinstance(error, OSError):
            error = TrainingError(
                f"{self.directory.path}: the run cannot be written: {error.strerror or error}",
                "check that the disk is not full and the directory still there",
            )
        text = error.message if isinstance(error, NnlabError) else f"{type(error).__name__}: {error}"
        try:
            self._stop("failed", text)
        except OSError as second:
            error.add_note(f"run.json could not be brought up to date: {second.strerror or second}")
        return error

    def _update(self, status: str, final_seconds: float = 0.0, **changes: Any) -> None:
        last = self.last
        self.summary |= changes
        self.summary |= {
            "status": status,
            "finished": _now(),
            "steps": last.step if last else 0,
            "epochs": last.epoch if last else 0.0,
            "best": self.best,
            "seconds": {
                "total": round(time.perf_counter() - self.began, 4),
                "train": round(last.train_seconds, 4) if last else 0.0,
                "eval": round(last.eval_seconds + final_seconds, 4) if last else 0.0,
            },
        }
        self.directory.write_json(SUMMARY, self.summary)


def _facts(dataset: Dataset) -> dict[str, Any]:
    """What run.json says of the data: enough to compare runs, and to predict without having the data."""
    return {
        "name": dataset.name,
        "sha256": dataset.sha256,
        "train": len(dataset.train),
        "val": len(dataset.val) if dataset.val else 0,
        "test": len(dataset.test) if dataset.test else 0,
        "features": dataset.features,
        "outputs": dataset.outputs,
        "shape": list(dataset.shape),
        "classes": list(dataset.classes),
        "feature_names": list(dataset.feature_names),
        "target_name": dataset.target_name,
        "mean": list(dataset.mean),
        "std": list(dataset.std),
    }


def _now() -> str:
    return datetime.now(UTC).astimezone().isoformat(timespec="seconds")
