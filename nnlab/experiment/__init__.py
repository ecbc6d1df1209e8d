"""Experiment: the verbs of a run: train, resume, evaluate, predict."""

from nnlab.experiment.build import json_schema, resolve, sample_sheet
from nnlab.experiment.evaluate import SplitReport, evaluate
from nnlab.experiment.events import Finished, Notice, Started
from nnlab.experiment.predict import Prediction, Predictions, predict, predict_rows
from nnlab.experiment.train import resume, train

__all__ = [
    "Finished",
    "Notice",
    "Prediction",
    "Predictions",
    "SplitReport",
    "Started",
    "evaluate",
    "json_schema",
    "predict",
    "predict_rows",
    "resolve",
    "resume",
    "sample_sheet",
    "train",
]
