"""Experiment: the verbs of a run, from its check before to its reproduction after."""

from nnlab.experiment.crew import train_jobs
from nnlab.experiment.evaluate import SplitReport, evaluate
from nnlab.experiment.events import Ended, Finished, Notice, Started, Working
from nnlab.experiment.given import Given
from nnlab.experiment.jobs import Job, Jobs, jobs_of_seeds
from nnlab.experiment.loading import sample_sheet
from nnlab.experiment.plan import planned_steps
from nnlab.experiment.predict import Predictor
from nnlab.experiment.reproduce import compare_runs, configs_in, latest_of, train_again
from nnlab.experiment.resolving import json_schema, resolve
from nnlab.experiment.resume import resume
from nnlab.experiment.survey import config_for, survey
from nnlab.experiment.train import train
from nnlab.experiment.verify import verify

__all__ = [
    "Ended",
    "Finished",
    "Given",
    "Job",
    "Jobs",
    "Notice",
    "Predictor",
    "SplitReport",
    "Started",
    "Working",
    "compare_runs",
    "config_for",
    "configs_in",
    "evaluate",
    "jobs_of_seeds",
    "json_schema",
    "latest_of",
    "planned_steps",
    "resolve",
    "resume",
    "sample_sheet",
    "survey",
    "train",
    "train_again",
    "train_jobs",
    "verify",
]
