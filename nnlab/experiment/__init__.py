"""Experiment: the verbs of a run: train, resume, evaluate, predict, bench."""

from nnlab.experiment.bench import Benchmark, bench
from nnlab.experiment.build import json_schema, resolve, sample_sheet
from nnlab.experiment.evaluate import SplitReport, evaluate
from nnlab.experiment.events import Finished, Notice, Started
from nnlab.experiment.predict import Prediction, Predictions, predict, predict_rows
from nnlab.experiment.train import resume, train

__all__ = [
    "Benchmark",
    "Finished",
    "Notice",
    "Prediction",
    "Predictions",
    "SplitReport",
    "Started",
    "bench",
    "evaluate",
    "json_schema",
    "predict",
    "predict_rows",
    "resolve",
    "resume",
    "sample_sheet",
    "train",
]
