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
class Predictions:
    """What a model says of some inputs."""

    rows: Inputs
    scores: Array
    """(n, outputs), as the model gives them: logits, or values."""
    task: Task
    metrics: dict[str, float] | None
    """What they score, and those before them, where all came with their targets."""
    warnings: tuple[str, ...]
    """What was in doubt so far."""

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes; empty for regression."""
        return self.task.classes

    @property
    def labels(self) -> list[str]:
        """For classification: the likeliest class of each row."""
        return [self.classes[number] for number in self.probabilities.argmax(axis=1)] if self.classes else []

    @property
    def probabilities(self) -> Array:
        """For classification: (n, classes) float64, in the order of ``classes``."""
        chances = self.task.chances(self.scores)
        return np.empty((len(self.scores), 0)) if chances is None else chances

    @property
    def values(self) -> Array:
        """For regression: (n, outputs), in the target's own units."""
        return np.empty((len(self.scores), 0)) if self.classes else self.task.values(self.scores)

    def each(self) -> Iterator[dict[str, Any]]:
        """Of each input what it is called, and its ``values``, or its ``label`` and the ``probabilities``."""
        if not self.classes:
            for name, values in zip(self.rows.names, self.values.tolist(), strict=True):
                yield {"input": name, "value": values[0], "values": values}
            return
        for name, label, chances in zip(self.rows.names, self.labels, self.probabilities.tolist(), strict=True):
            yield {"input": name, "label": label, "probability": max(chances), "probabilities": chances}


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

    def parts(self, inputs: Sequence[str], *, written: bool = False) -> Iterator[Predictions]:
        """The predictions of all inputs, some at a time, with what is ``written`` in their files if asked.

        An input is a number (or several joined by commas), or a picture, an array's or a table's file. Raises DataError
        where one is not what the model was trained on.
        """
        for rows in self._reader.parts(inputs, written=written):
            yield self._part(rows)

    def of_frame(self, frame: Any) -> Predictions:
        """The predictions of the rows of a data frame. Raises DataError as ``parts`` does."""
        if not self._reader.transform.columns:
            raise DataError("this model was not trained on a table of named columns", "give an array: frame.to_numpy()")
        return self._part(self._reader.table.of(DataFrame(frame).table(self._reader.table.keys)))

    def of_array(self, array: Array) -> Predictions:
        """The predictions of inputs (n, features) or (n, *shape), in the units of the data's own files.

        Raises DataError as ``parts`` does.
        """
        return self._part(Inputs((), self._reader.shaped(np.asarray(array), "the array")))

    def _part(self, rows: Inputs) -> Predictions:
        scores = self._opened.model.predict(
            self._opened.model.put(Split(rows.features, np.zeros(len(rows.features), np.int64)))
        )
        if rows.targets is None:
            self._tally = None
        elif self._tally:
            self._tally.add(scores, rows.targets)
        return Predictions(rows, scores, self.task, self.metrics, tuple(self.warnings))

    def lines(self, inputs: Sequence[str]) -> Iterator[list[list[str]]]:
        """The lines of a table of predictions, some at a time: first the names of the columns, then each input's.

        Behind the input's own cells, as they are written, stand the prediction and the probability of each class, or
        the values. Raises DataError where inputs have other columns than those before, and as ``parts`` does.
        """
        header: tuple[str, ...] | None = None
        for part in self.parts(inputs, written=True):
            columns = part.rows.columns
            if header is None:
                header = columns
                yield [[*columns, *_free(_added(self), columns)]]
            elif columns != header:
                message = f"{part.rows.names[0]}: its columns are not those of the inputs before"
                raise DataError(message, "predict them apart, into a file each")
            yield [[*cells, *found] for cells, found in zip(part.rows.cells, _found(part), strict=True)]


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


def _found(part: Predictions) -> Iterator[list[str]]:
    """What is added to each line."""
    if part.classes:
        for label, chances in zip(part.labels, part.probabilities.tolist(), strict=True):
            yield [label, *map(repr, chances)]
    else:
        yield from (list(map(repr, row)) for row in part.values.astype(np.float64).tolist())
