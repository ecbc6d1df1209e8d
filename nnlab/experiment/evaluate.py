"""Evaluate: a finished run's weights on a split of its data, class by class."""

from dataclasses import dataclass
from typing import Any

from nnlab import metrics
from nnlab.dataset import Array, Progress, SplitName, quiet
from nnlab.errors import DataError, RunError
from nnlab.evaluate import evaluate as evaluate_model
from nnlab.experiment import pictures
from nnlab.experiment.build import load_dataset, trained_model
from nnlab.metrics import ClassReport
from nnlab.rundir import MANIFEST, RunDir


@dataclass(frozen=True)
class SplitReport:
    """What a run scores on a split."""

    run: RunDir
    split: SplitName
    metrics: dict[str, float]
    recorded: dict[str, float] | None
    """What run.json says of the same split."""
    classes: list[ClassReport]
    """Empty for regression."""
    confusion: Array | None
    """(classes, classes) counts: rows true, columns predicted."""
    picture: str | None
    """The file in the run directory that shows the confusion matrix, or the fit."""
    warnings: list[str]


def evaluate(run: RunDir, split: SplitName | None = None, progress: Progress = quiet) -> SplitReport:
    """Load a run's weights, predict a split of its data again and measure the scores.

    Without ``split`` it is test, else val, else train, whichever the data has first. Raises RunError where the run has
    no such split or no weights, and DataError where the data is no longer what the run was trained on.
    """
    model, config, summary, warning = trained_model(run)
    _, dataset, fallback = load_dataset(config, progress)
    if dataset.sha256 != summary["dataset"].get("sha256"):
        raise DataError(
            f"{run.path}: the data of {config.dataset.name} is not what this run was trained on (its SHA-256 differs)",
            "bring the old data back, or train again",
        )
    name = split or ("test" if dataset.test else "val" if dataset.val else "train")
    examples = dataset.split(name)
    if examples is None:
        there = [other for other in ("train", "val", "test") if dataset.split(other)]
        raise RunError(f"{run.path}: this run's data has no {name} split", f"it has: {', '.join(there)}")
    evaluation = evaluate_model(model, model.put(examples), examples, dataset.task)
    matrix = None
    classes: list[ClassReport] = []
    if dataset.task == "classification":
        matrix = metrics.confusion(evaluation.scores, examples.targets, dataset.outputs)
        classes = metrics.per_class(matrix, dataset.classes)
    file, content = pictures.of_scores(run.name, dataset, name, evaluation.scores, examples)
    if not _in_manifest(run, file):  # a finished run's own files stay as they were
        run.write(file, content)
    recorded: dict[str, Any] | None = summary["metrics"].get(name)
    warnings = [text for text in (warning, fallback) if text]
    return SplitReport(run, name, evaluation.metrics, recorded, classes, matrix, file, warnings)


def _in_manifest(run: RunDir, file: str) -> bool:
    return (run.path / MANIFEST).exists() and file in run.read_json(MANIFEST).get("sha256", {})
