"""A dataset: inputs and targets in up to three splits, and what is known of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from nnlab.dataset.split import Split, SplitName
from nnlab.dataset.task import Task
from nnlab.dataset.transform import UNCHANGED, Transform

PICTURE_CHANNELS = (1, 3, 4)
"""Grey, colour, colour that can be clear."""


@dataclass(frozen=True)
class Dataset:
    """Everything a run needs to know of its data."""

    name: str
    train: Split
    val: Split | None
    test: Split | None
    sha256: str
    """Of all examples as decoded, before ``limit`` and ``val_fraction``, and of your own files their names too."""
    shape: tuple[int, ...]
    """Of one input before it was flattened to ``features``: (28, 28), (3, 32, 32) or (4,)."""
    task: Task
    """What is learnt of it."""
    feature_names: tuple[str, ...] = ()
    target_names: tuple[str, ...] = ()
    transform: Transform = UNCHANGED
    """What was done to the inputs, and what a model is to do to the targets."""
    examples: Mapping[str, str] = field(default_factory=dict)
    """SHA-256 of the very examples of each split there is, as they came, under their names."""
    notes: tuple[str, ...] = ()
    """What was found out about the data, or decided, and should be said where it is used."""
    warnings: tuple[str, ...] = ()
    """What is probably not as it was meant."""

    @property
    def classes(self) -> tuple[str, ...]:
        """The name of each class by its number; empty where values are learnt."""
        return self.task.classes

    @property
    def target_name(self) -> str:
        """What is predicted, in a word or several; empty where it has no name."""
        return ", ".join(self.target_names)

    @property
    def features(self) -> int:
        """How many numbers one input has."""
        return int(self.train.inputs.shape[1])

    @property
    def outputs(self) -> int:
        """How many classes there are, or how many values to predict."""
        return self.task.outputs

    def split(self, name: SplitName) -> Split | None:
        """The split of that name, where there is one."""
        return {"train": self.train, "val": self.val, "test": self.test}[name]

    @property
    def watched(self) -> SplitName:
        """The split that is evaluated while training: val, else test, else train."""
        return "val" if self.val else "test" if self.test else "train"


def is_picture(shape: Sequence[int]) -> bool:
    """Whether inputs of this shape can be looked at: (h, w), or (channels, h, w) with 1, 3 or 4 of them."""
    return len(shape) == 2 or (len(shape) == 3 and shape[0] in PICTURE_CHANNELS)


@dataclass(frozen=True)
class Card:
    """What ``nnlab datasets`` says of a dataset before any of it is loaded; None where only the files can tell."""

    source: Literal["download", "built in", "your files"]
    task: type[Task] | None = None
    train: int | None = None
    test: int | None = None
    shape: tuple[int, ...] | None = None
    outputs: int | None = None
    download_mib: int = 0
