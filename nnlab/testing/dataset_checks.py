"""What every dataset must keep to, each a check of one dataset with keys that load it."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from pydantic import ValidationError

from nnlab.config import Strict
from nnlab.dataset import Dataset, Split, quiet
from nnlab.errors import ConfigError
from nnlab.finding import Finding
from nnlab.plugin import DatasetFile
from nnlab.testing.hold import hold, raise_first, refused, tried

PICTURE_MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "F")
WRONG_VALUES = (("val_fraction", 1.0), ("test_fraction", -0.1), ("limit", 0), ("classes", [1]), ("limit", "9"))


@dataclass(frozen=True)
class DatasetCase:
    """A dataset with the keys that load it."""

    file: DatasetFile
    keys: Mapping[str, Any] = field(default_factory=dict)
    few: Mapping[str, Any] = field(default_factory=dict)
    """Keys that make it smaller, for checks that hold of a part too."""

    def has(self, key: str) -> bool:
        """Whether it has such a key of its own."""
        return key in self.file.params.model_fields

    @property
    def plain(self) -> dict[str, Any]:
        """Keys that leave inputs as they are."""
        return {"standardise": False} if self.has("standardise") else {}

    def load(self, seed: int = 0, **keys: Any) -> Dataset:
        """The data, with these keys too."""
        return self.file.load(self.file.params(**{**self.few, **self.keys, **keys}), seed, quiet)

    def whole(self) -> Dataset:
        """All of it."""
        return self.file.load(self.file.params(**self.keys), 0, quiet)


def rows(*splits: Split | None) -> list[bytes]:
    """A short name for every example, sorted: what the splits hold, in whatever order."""
    return sorted(
        hashlib.blake2b(x.tobytes() + y.tobytes(), digest_size=8).digest()
        for split in splits
        if split
        for x, y in zip(split.inputs, split.targets, strict=True)
    )


def same(a: Dataset, b: Dataset) -> bool:
    """Whether two datasets hold equal splits."""
    for name in ("train", "val", "test"):
        ours, theirs = getattr(a, name), getattr(b, name)
        if (ours is None) != (theirs is None):
            return False
        if ours and not (np.array_equal(ours.inputs, theirs.inputs) and np.array_equal(ours.targets, theirs.targets)):
            return False
    return True


def counts(split: Split | None, classes: int) -> Any:
    """How many examples of each class there are, (classes,) int64."""
    return np.bincount(split.targets if split else np.empty(0, np.int64), minlength=classes)


def the_schema_is_strict_and_every_key_explained(case: DatasetCase) -> None:
    """Unknown keys and values that cannot be are refused, no key is one of the frame's, each has a docstring."""
    params = case.file.params
    hold(case.file.about.endswith("."), "nothing says what it is: the file needs a docstring of one sentence")
    hold(issubclass(params, Strict), f"{params.__name__} is no nnlab.config.Strict")
    hold(not {"name", "fallback"} & set(params.model_fields), "name and fallback are keys of every dataset")
    for key, known in params.model_fields.items():
        hold(known.description, f"the key {key!r} has no docstring")
    with refused(ValidationError, "a key that it does not have"):
        params(**{**case.keys, "no_such_key": 1})
    for key, wrong in WRONG_VALUES:
        if case.has(key):
            with refused(ValidationError, f"{key}: {wrong}"):
                params(**{**case.keys, key: wrong})


def arrays_have_the_types_shapes_and_ranges_that_models_count_on(case: DatasetCase) -> None:
    """Inputs float32, finite, of the shape it says; class numbers int64 from 0, or values (n, outputs)."""
    data = case.load()
    hold(data.features == np.prod(data.shape), f"{data.features} features are no input of shape {data.shape}")
    hold(len(data.sha256) == 64, "sha256 is no SHA-256 in hexadecimal")
    for split in filter(None, (data.train, data.val, data.test)):
        inputs, targets = split.inputs, split.targets
        hold(inputs.dtype == np.float32, f"inputs are {inputs.dtype}, not float32")
        hold(inputs.flags.c_contiguous and targets.flags.c_contiguous, "arrays are not in C order")
        hold(inputs.shape == (len(targets), data.features), f"inputs are {inputs.shape}")
        hold(np.isfinite(inputs).all(), "an input is not a finite number")
        if data.classes:
            hold(targets.dtype == np.int64, f"class numbers are {targets.dtype}, not int64")
            hold(set(targets.tolist()) <= set(range(len(data.classes))), "a class number has no class")
        else:
            wanted = np.float64 if data.transform.target else np.float32
            hold(targets.dtype == wanted, f"targets are {targets.dtype}, not {np.dtype(wanted)}")
            hold(targets.shape == (len(split), data.outputs), f"targets are {targets.shape}")
        if case.file.read_picture:
            hold(inputs.min() >= 0 and inputs.max() <= 1, "shades are not between 0 and 1")


def the_card_tells_the_truth(case: DatasetCase) -> None:
    """Sizes, shape and outputs are those of the data, wherever the card says any."""
    card, data = case.file.card, case.whole()
    for what, told, found in (
        ("train", card.train, len(data.train)),
        ("test", card.test, data.test and len(data.test)),
        ("shape", card.shape, data.shape),
        ("outputs", card.outputs, data.outputs),
    ):
        hold(told in (None, found), f"the card says {what} {told}, the data has {found}")


def the_same_seed_gives_the_same_arrays(case: DatasetCase) -> None:
    """And the same hash."""
    keys = {"val_fraction": 0.25, "limit": 40} if case.has("limit") else {}
    once, again = case.load(3, **keys), case.load(3, **keys)
    hold(same(once, again), "the same keys and seed gave other arrays")
    hold(once.sha256 == again.sha256, "the same keys and seed gave another hash")


def the_seed_changes_the_validation_split_alone(case: DatasetCase) -> None:
    """The test split is the same for every seed, as scores are to be compared on it."""
    a, b = (case.load(seed, val_fraction=0.25, limit=40, **case.plain) for seed in (0, 1))
    hold(rows(a.val) != rows(b.val), "another seed gave the same val split")
    hold(rows(a.train, a.val) == rows(b.train, b.val), "another seed gave other examples to learn from")
    hold(rows(a.test) == rows(b.test), "another seed gave another test split")


def no_example_is_in_two_splits_and_none_is_lost(case: DatasetCase) -> None:
    """What val_fraction takes away from the training split is the val split."""
    whole, split = case.load(**case.plain), case.load(val_fraction=0.3, **case.plain)
    hold(split.val and len(split.val) == round(0.3 * len(whole.train)), "val_fraction 0.3 is not 0.3 of the examples")
    hold(rows(split.train, split.val) == rows(whole.train), "train and val are not what train was without val")
    hold(rows(split.test) == rows(whole.test), "val_fraction changed the test split")


def splits_keep_the_share_of_every_class(case: DatasetCase) -> None:
    """To the nearest example."""
    whole, split = case.load(), case.load(val_fraction=0.3)
    classes = len(whole.classes or ())
    held, had = counts(split.val, classes), counts(whole.train, classes)
    hold((abs(held - 0.3 * had) <= 1).all(), "the val split has other shares of the classes than the examples")


def the_test_split_keeps_the_share_of_every_class(case: DatasetCase) -> None:
    """To the nearest example."""
    whole, params = case.load(), case.file.params(**case.keys)
    classes, fraction = len(whole.classes or ()), getattr(params, "test_fraction")  # noqa: B009 - it has one
    held, had = counts(whole.test, classes), counts(whole.train, classes)
    hold((abs(held - fraction * (had + held)) <= 1).all(), "the test split has other shares of the classes")


def a_limit_keeps_every_class_and_the_test_split(case: DatasetCase) -> None:
    """25 examples are that, of the training split, whatever the seed; a limit beyond them is none."""
    whole, few = case.load(**case.plain), case.load(limit=25, **case.plain)
    hold(len(few.train) == 25, f"limit 25 leaves {len(few.train)} examples")
    hold(set(rows(few.train)) <= set(rows(whole.train)), "limit gave examples that are not in the whole")
    hold(rows(few.test) == rows(whole.test), "limit changed the test split")
    classes = len(whole.classes or ())
    shares = 25 * counts(whole.train, classes) / len(whole.train)
    hold((abs(counts(few.train, classes) - shares) <= 1).all(), "limit keeps other shares of the classes")
    hold(same(case.load(limit=10**9, **case.plain), whole), "a limit beyond all examples is not all of them")
    hold(same(case.load(7, limit=25, **case.plain), few), "another seed gave another 25 examples")


def the_hash_is_of_what_scores_depend_on(case: DatasetCase) -> None:
    """Test examples and classes change it; the seed, limit, val_fraction and standardise do not."""
    whole = case.load()

    def unlike(seed: int = 0, **keys: Any) -> bool:
        return case.load(seed, **keys).sha256 != whole.sha256

    hold(not unlike(5), "another seed gave another hash")
    if case.has("limit"):
        hold(not unlike(1, limit=30, val_fraction=0.2), "limit and val_fraction changed the hash")
    if case.has("classes"):
        classes = list(whole.classes or ())
        hold(not unlike(classes=classes), "all classes, named, have another hash than all")
        hold(unlike(classes=classes[::-1]), "other numbers of the classes have the same hash")
        hold(unlike(classes=classes[:2]), "two classes have the same hash as all")
    if case.has("test_fraction"):
        hold(unlike(test_fraction=0.4), "another test_fraction has the same hash")
        hold(unlike(split_seed=1), "another split_seed has the same hash")
    if case.has("standardise"):
        hold(not unlike(standardise=False), "standardise changed the hash")


def classes_are_kept_and_numbered_in_the_order_given(case: DatasetCase) -> None:
    """Those named, and all of their examples."""
    whole = case.load()
    names = whole.classes or ()
    a, b = names[2], names[0]
    data = case.load(classes=[int(a) if a.isdecimal() else a, b])
    hold(data.classes == (a, b), f"classes [{a}, {b}] became {data.classes}")
    of, had = (counts(each.train, len(names)) + counts(each.test, len(names)) for each in (data, whole))
    hold(np.array_equal(of[:2], had[[2, 0]]) and not of[2:].any(), "examples of the classes named are lost")


def there_is_no_test_split_if_none_is_wanted(case: DatasetCase) -> None:
    """``test_fraction: 0`` leaves all to be learnt from."""
    hold(case.load(test_fraction=0.0).test is None, "test_fraction 0 gave a test split")


def a_picture_of_any_kind_can_be_read(case: DatasetCase) -> None:
    """Grey, coloured, with a palette, transparent, 16 bits deep: each an input (features,) float32 in [0, 1]."""
    from PIL import Image

    read, shape = case.file.read_picture, case.file.card.shape or case.load().shape
    if read is None:
        return
    for mode in PICTURE_MODES:
        deep = mode == "I;16"
        image = Image.new(mode, (50, 40), 90 * 257) if deep else Image.new("L", (50, 40), 90).convert(mode)
        found = read(image, shape)
        hold(found.shape == (np.prod(shape),) and found.dtype == np.float32, f"{mode}: {found.dtype} {found.shape}")
        hold(found.min() >= 0 and found.max() <= 1, f"{mode}: shades are not between 0 and 1")


CHECKS: dict[Callable[[DatasetCase], None], str | None] = {
    the_schema_is_strict_and_every_key_explained: None,
    arrays_have_the_types_shapes_and_ranges_that_models_count_on: None,
    the_card_tells_the_truth: None,
    the_same_seed_gives_the_same_arrays: None,
    the_hash_is_of_what_scores_depend_on: None,
    a_picture_of_any_kind_can_be_read: None,
    the_seed_changes_the_validation_split_alone: "val_fraction",
    no_example_is_in_two_splits_and_none_is_lost: "val_fraction",
    splits_keep_the_share_of_every_class: "val_fraction",
    the_test_split_keeps_the_share_of_every_class: "test_fraction",
    a_limit_keeps_every_class_and_the_test_split: "limit",
    classes_are_kept_and_numbered_in_the_order_given: "classes",
    there_is_no_test_split_if_none_is_wanted: "test_fraction",
}
"""What a dataset keeps to; some only where it has a key, which must then mean what it means everywhere."""


def held_of_dataset(file: DatasetFile, keys: Mapping[str, Any] | None = None) -> Iterator[Finding]:
    """What became of each check of a dataset, one after the other; see ``check_dataset``."""
    with TemporaryDirectory() as folder:
        if keys is None:
            needed = [key for key, known in file.params.model_fields.items() if known.is_required()]
            if needed and not file.example:
                message = f"there is no data to check it on: it needs {', '.join(needed)}"
                raise ConfigError(message, "declare example=, which writes some, in its DATASET")
            keys = file.example(Path(folder)) if file.example else {}
        case = DatasetCase(file, keys)
        for check, key in CHECKS.items():
            if key is None or case.has(key):
                yield tried(partial(check, case), check.__name__.replace("_", " "))


def check_dataset(file: DatasetFile, keys: Mapping[str, Any] | None = None) -> None:
    """Check a dataset for all that nnlab counts on.

    ``keys`` load it; without them what its file's ``example`` writes into a folder is loaded. Raises CheckError for
    the first thing that does not hold.
    """
    raise_first(held_of_dataset(file, keys))
