"""Raw rows: the examples that a dataset is made of, before anything is done to them, as a user would have them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from nnlab import datasets
from nnlab.config import Strict
from nnlab.dataset import Array
from nnlab.datasets import Examples, _pictures
from nnlab.plugin import DatasetFile


def captured(patch: pytest.MonkeyPatch) -> list[Examples]:
    """The examples of each split of whatever dataset is loaded from here on, the test split last, as they came."""
    found: list[Examples] = []
    ready = datasets._ready

    def spy(pool: Examples, *others: object) -> object:
        found.append(pool)
        return ready(pool, *others)

    patch.setattr(datasets, "_ready", spy)
    return found


def inputs_of(pool: Examples) -> Array:
    """(n, …): the inputs of some examples as they came."""
    return pool.inputs if pool.rows is None else pool.inputs[pool.rows]


def lines_of_csv(params: Strict, pool: Examples, folder: Path) -> list[str]:
    """A file with those lines of the table that the examples stand in."""
    first, *lines = Path(params.path).read_text().splitlines()
    rows = range(len(lines)) if pool.rows is None else pool.rows
    path = folder / "raw.csv"
    path.write_text("\n".join([first, *(lines[row] for row in rows)]) + "\n")
    return [str(path)]


def files_of_pictures(params: Strict, pool: Examples, folder: Path) -> list[str]:
    """The picture files that the examples were read from, told by their pixels."""
    inputs = inputs_of(pool)
    fit = getattr(params, "fit", "stretch")
    files = {
        _pictures.pixels(_pictures.open_picture(path), inputs.shape[1:], params.colour, fit).tobytes(): str(path)
        for path in sorted(Path(params.path).rglob("*.*"))
    }
    return [files[picture.tobytes()] for picture in inputs]


def array_file(params: Strict, pool: Examples, folder: Path) -> list[str]:
    """A .npy file of the inputs."""
    np.save(folder / "raw.npy", inputs_of(pool))
    return [str(folder / "raw.npy")]


WRITERS: dict[str, Callable[[Strict, Examples, Path], list[str]]] = {
    "csv": lines_of_csv,
    "image-folder": files_of_pictures,
}


def inputs_for_predict(name: str, file: DatasetFile, params: Strict, pool: Examples, folder: Path) -> list[str]:
    """What to hand to predict for these examples.

    A new dataset needs nothing here where arrays in its own shape will do; else its file may have a function
    ``raw(params, pool, folder)`` that returns the inputs.
    """
    writer = WRITERS.get(name) or file.raw or array_file
    return writer(params, pool, folder)
