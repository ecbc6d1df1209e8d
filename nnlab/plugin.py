"""Plug-ins: what the file of a model or a dataset declares, and what each backend can do."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nnlab.config import Strict
from nnlab.dataset import Array, Card, Dataset, Progress, Task
from nnlab.model import Model, Net, Precision, Setup
from nnlab.tables import Keys, Table

if TYPE_CHECKING:
    from PIL.Image import Image

PictureReader = Callable[["Image", tuple[int, ...]], Array]
"""A picture and the shape of an input, as one input (features,) float32."""


@dataclass(frozen=True)
class Backend:
    """What computes: NumPy, PyTorch, or scikit-learn's solvers. Its functions import what they need."""

    name: str
    process: Callable[[], int]
    """Bytes that a process has in memory beside its data and its model, once this is imported."""
    devices: tuple[str, ...] = ("cpu",)
    """Kinds of devices it can compute on."""
    precisions: tuple[Precision, ...] = ("float32",)
    steppable: bool = True
    """Whether it trains step by step, and not in one call of a solver of its own."""
    at_once: int | None = None
    """Examples that it predicts at once, at most; None: all there are."""
    by_hand: Callable[[Model, Task], Net | None] | None = None
    """A float64 copy on the CPU of a model's net, with the gradients that are written by hand; None: there are none."""
    autograd: Callable[[Model, Task], Net] | None = None
    """The same with gradients from automatic differentiation; None: there are none."""


@dataclass(frozen=True)
class Origin:
    """Where a plug-in was found, and what stood there when it was."""

    source: str
    """The installed package, or the file within the folder of plug-ins."""
    version: str | None
    """That of the package."""
    sha256: str
    """Of the file; in a package, of all its source files."""
    content: bytes
    """The source text of the file."""


@dataclass(frozen=True)
class ModelFile:
    """What the file of a model declares as its ``MODEL``."""

    params: type[Strict]
    """The schema of its own keys in a config."""
    tasks: tuple[type[Task], ...]
    """What it can learn: these, and what is made of them."""
    backend: Backend
    build: Callable[[Any, Setup], Model]
    """From its checked keys and the setup to a model with its initial weights."""
    twin: Callable[[Any], tuple[str, dict[str, Any]] | None] | None = None
    """Of its checked keys: the same network in another backend, by its model's name and keys; None: there is none."""
    layers: Callable[[Any, Setup], Sequence[tuple[int, int]]] | None = None
    """(in, out) of each linear layer, by which a net in NumPy is judged before it is made: one that would not fit into
    the memory is refused. A net in PyTorch tells them itself; None: nothing is judged."""
    about: str = ""
    """One sentence on what it is; by default the first line of the file's docstring."""
    origin: Origin | None = None
    """Filled in where it is found; None: nnlab brings it."""


@dataclass(frozen=True)
class DatasetFile:
    """What the file of a dataset declares as its ``DATASET``."""

    params: type[Strict]
    """The schema of its own keys in a config."""
    card: Card
    load: Callable[[Any, int, Progress], Dataset]
    """From its checked keys and the run's seed to the data."""
    cached: Callable[[], bool] | None = None
    """Of data that is downloaded: whether ``load`` needs no network."""
    fetch: Callable[[Progress], None] | None = None
    """Of data that is downloaded: bring it into the cache."""
    read_picture: PictureReader | None = None
    """Makes an input of a picture file, for ``predict``."""
    dark_edges: bool = False
    """Whether its pictures are bright on black."""
    load_table: Callable[[Table, Any, int, Table | None], Dataset] | None = None
    """The same as ``load`` of a table that is read already, and of another that is its test split."""
    read_table: Callable[[Any, str], Table] | None = None
    """The table in the file at a path, read by its checked keys."""
    table_keys: Callable[[Any], Keys] | None = None
    """Of its checked keys: how its tables are written."""
    load_arrays: Callable[[Mapping[str, Array], Any, int], Dataset] | None = None
    """The same as ``load`` of arrays by their names."""
    example: Callable[[Path], dict[str, Any]] | None = None
    """Writes small data into a folder, for tests; returns the keys to load it. Needed where keys are required."""
    raw: Callable[..., list[str]] | None = None
    """For tests, from checked keys, examples and a folder to the inputs to give to ``predict``."""
    about: str = ""
    """One sentence on what it is; by default the first line of the file's docstring."""
    origin: Origin | None = None
    """Filled in where it is found; None: nnlab brings it."""
