"""Experiment: the verbs of a run: train, resume, evaluate, predict, verify, reproduce, bench."""

from nnlab.experiment.bench import Benchmark, bench
from nnlab.experiment.build import json_schema, resolve, sample_sheet
from nnlab.experiment.evaluate import SplitReport, evaluate
from nnlab.experiment.events import Finished, Notice, Started
from nnlab.experiment.plan import planned_steps
from nnlab.experiment.predict import Prediction, Predictions, predict, predict_rows
from nnlab.experiment.reproduce import Reproduction, compare_runs, configs_in, latest_of, train_again
from nnlab.experiment.resume import resume
from nnlab.experiment.train import train
from nnlab.experiment.verify import Check, verify

__all__ = [
    "Benchmark",
    "Check",
    "Finished",
    "Notice",
    "Prediction",
    "Predictions",
    "Reproduction",
    "SplitReport",
    "Started",
    "bench",
    "compare_runs",
    "configs_in",
    "evaluate",
    "json_schema",
    "latest_of",
    "planned_steps",
    "predict",
    "predict_rows",
    "resolve",
    "resume",
    "sample_sheet",
    "train",
    "train_again",
    "verify",
]
