"""Predict: what a run's model says of new inputs: numbers, pictures, arrays, tables and data frames."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nnlab import discover
from nnlab.dataset import Array, Split, Task
from nnlab.datasets._inputs import Reader
from nnlab.datasets._table_rows import Inputs
from nnlab.errors import DataError
from nnlab.experiment.reopen import reopen
from nnlab.experiment.tally import Tally
from nnlab.rundir import RunDir
from nnlab.tables.dataframe import DataFrame
from nnlab.tables.keys import AUTO


@dataclass(frozen=True)
class Prediction:
    """What a model says of one input."""

    input: str
    """The number, or the file and its row."""
    values: tuple[float, ...] = ()
    """For regression: the predicted values."""
    label: str | None = None
    """For classification: the likeliest class."""
    probability: float | None = None
    """Of that class."""
    probabilities: tuple[float, ...] = ()
    """Of every class, in the order of their numbers."""


@dataclass(frozen=True)
class Predictions:
    """All predictions of one call, in the order of the inputs."""

    task: str
    classes: tuple[str, ...]
    target_name: str
    items: list[Prediction]
    warnings: list[str]
    metrics: dict[str, float] | None = None
    """What the predictions score, where the inputs came with their targets."""


@dataclass(frozen=True)
class Predicted:
    """What a model says of the rows of a data frame."""

    scores: Array
    """(n, outputs), as the model gives them: logits, or values."""
    task: Task
    metrics: dict[str, float] | None
    """What they score, where the frame has the targets too."""
    warnings: tuple[str, ...]

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes; empty for regression."""
        return self.task.classes

    @property
    def labels(self) -> list[str]:
        """For classification: the likeliest class of each row."""
        return [self.classes[number] for number in self.scores.argmax(axis=1)] if self.classes else []

    @property
    def probabilities(self) -> Array:
        """For classification: (n, classes) float64, in the order of ``classes``."""
        chances = self.task.chances(self.scores)
        return np.empty((len(self.scores), 0)) if chances is None else chances

    @property
    def values(self) -> Array:
        """For regression: (n, outputs), in the target's own units."""
        return np.empty((len(self.scores), 0)) if self.classes else self.task.values(self.scores)


@dataclass(frozen=True)
class Part:
    """Some inputs and the model's scores of them, (n, outputs)."""

    rows: Inputs
    scores: Array


class Predictor:
    """A run's model and what reads inputs for it."""

    def __init__(self, run: RunDir) -> None:
        """Raises RunError where the run has no weights or they are damaged."""
        opened = self._opened = reopen(run)
        data, named = opened.summary.dataset, opened.config.dataset
        file = discover.dataset(named.name)
        self.task: Task = opened.summary.learnt
        self.classes = self.task.classes
        self.target_name: str = data.target_name or "value"
        names = tuple(data.target_names or ())
        outputs = data.outputs or 0
        self.value_names = names if len(names) == outputs else tuple(f"value {n + 1}" for n in range(outputs))
        """For regression: what each value is called."""
        self._reader = Reader(
            data.to_json(),
            file.read_picture,
            dark_edges=file.dark_edges,
            keys=file.table_keys(named.params) if file.table_keys else AUTO,
        )
        self._tally: Tally | None = Tally(self.task)

    @property
    def warnings(self) -> list[str]:
        """What was in doubt so far."""
        return [*self._opened.warnings, *self._reader.warnings]

    @property
    def metrics(self) -> dict[str, float] | None:
        """What the predictions so far score; None where the targets of some are not known."""
        return self._tally.metrics() if self._tally else None

    def parts(self, inputs: Sequence[str], *, written: bool = False) -> Iterator[Part]:
        """The predictions of all inputs, some at a time, with what is ``written`` in their files if asked.

        Raises DataError where an input is not what the model was trained on.
        """
        for rows in self._reader.parts(inputs, written=written):
            yield self._part(rows)

    def of_frame(self, frame: DataFrame) -> Part:
        """The predictions of a data frame. Raises DataError as ``parts`` does."""
        if not self._reader.transform.columns:
            raise DataError("this model was not trained on a table of named columns", "give an array: frame.to_numpy()")
        return self._part(self._reader.table.of(frame.table(self._reader.table.keys)))

    def of_array(self, array: Array) -> Part:
        """The predictions of an array. Raises DataError as ``parts`` does."""
        return self._part(Inputs((), self._reader.shaped(array, "the array")))

    def _part(self, rows: Inputs) -> Part:
        scores = self._opened.model.predict(
            self._opened.model.put(Split(rows.features, np.zeros(len(rows.features), np.int64)))
        )
        if rows.targets is None:
            self._tally = None
        elif self._tally:
            self._tally.add(scores, rows.targets)
        return Part(rows, scores)


def predict(run: RunDir, inputs: Sequence[str]) -> Predictions:
    """Predict each input: a number (or several joined by commas), or a picture, an array's or a table's file.

    Raises DataError where an input is not what the model was trained on.
    """
    predictor = Predictor(run)
    items = [item for part in predictor.parts(inputs) for item in predictions_of(predictor, part)]
    return Predictions(
        predictor.task.name, predictor.classes, predictor.target_name, items, predictor.warnings, predictor.metrics
    )


def predictions_of(predictor: Predictor, part: Part) -> Iterator[Prediction]:
    """The predictions of some inputs, one by one."""
    chances = predictor.task.chances(part.scores)
    if chances is None:
        for name, values in zip(part.rows.names, predictor.task.values(part.scores), strict=True):
            yield Prediction(name, tuple(values.tolist()))
        return
    for name, row in zip(part.rows.names, chances, strict=True):
        label, probability = predictor.classes[int(row.argmax())], float(row.max())
        yield Prediction(name, (), label, probability, tuple(row.tolist()))


def lines(predictor: Predictor, inputs: Sequence[str]) -> Iterator[list[list[str]]]:
    """The lines of a table of predictions, some at a time: first the names of the columns, then all of each input's.

    Behind the input's own cells, as they are written, stand the prediction and the probability of each class, or the
    values. Raises DataError where inputs have other columns than those before, and as ``Predictor.parts``.
    """
    header: tuple[str, ...] | None = None
    for part in predictor.parts(inputs, written=True):
        columns = part.rows.columns
        if header is None:
            header = columns
            yield [[*columns, *_free(_added(predictor), columns)]]
        elif columns != header:
            message = f"{part.rows.names[0]}: its columns are not those of the inputs before"
            raise DataError(message, "predict them apart, into a file each")
        yield [[*cells, *found] for cells, found in zip(part.rows.cells, _found(predictor, part.scores), strict=True)]


def _added(predictor: Predictor) -> list[str]:
    """The columns that are added."""
    if predictor.classes:
        return ["prediction", *(f"probability {name}" for name in predictor.classes)]
    names = predictor.value_names
    return ["prediction"] if len(names) == 1 else [f"prediction {name}" for name in names]


def _free(names: Sequence[str], taken: Sequence[str]) -> Iterator[str]:
    """The names, with as many underscores behind them as it takes to be none of those ``taken``."""
    for name in names:
        while name in taken:
            name += "_"
        yield name


def _found(predictor: Predictor, scores: Array) -> Iterator[list[str]]:
    """What is added to each line."""
    chances = predictor.task.chances(scores)
    if chances is None:
        yield from (list(map(repr, row)) for row in predictor.task.values(scores).astype(np.float64).tolist())
        return
    best = chances.argmax(axis=1).tolist()
    for number, row in zip(best, chances.tolist(), strict=True):
        yield [predictor.classes[number], *map(repr, row)]


def predict_rows(run: RunDir, rows: Array) -> Array:
    """Scores (n, outputs) for inputs (n, features) or (n, *shape), in the units of the data's own files."""
    return Predictor(run).of_array(np.asarray(rows)).scores


def predict_frame(run: RunDir, frame: Any) -> Predicted:
    """What the model says of each row of a data frame. Raises DataError where it is not what it was trained on."""
    predictor = Predictor(run)
    part = predictor.of_frame(DataFrame(frame))
    return Predicted(part.scores, predictor.task, predictor.metrics, tuple(predictor.warnings))
