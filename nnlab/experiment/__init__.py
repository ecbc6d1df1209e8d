"""Experiment: the verbs of a run, from its check before to its reproduction after."""

from nnlab.experiment.crew import train_jobs
from nnlab.experiment.evaluate import evaluate
from nnlab.experiment.events import Finished, Started
from nnlab.experiment.predict import Predictor
from nnlab.experiment.reproduce import compare_runs, train_again
from nnlab.experiment.resolving import json_schema, resolve
from nnlab.experiment.resume import resume
from nnlab.experiment.survey import survey
from nnlab.experiment.train import train
from nnlab.experiment.verify import verify

__all__ = [
    "Finished",
    "Predictor",
    "Started",
    "compare_runs",
    "evaluate",
    "json_schema",
    "resolve",
    "resume",
    "survey",
    "train",
    "train_again",
    "train_jobs",
    "verify",
]
