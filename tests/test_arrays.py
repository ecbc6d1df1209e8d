"""Arrays of one's own, as people have them: read for what they are, said where it could be otherwise, or refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nnlab
from nnlab.api import Run
from nnlab.dataset import Array, Dataset
from nnlab.datasets import arrays
from nnlab.errors import ConfigError, DataError
from nnlab.experiment.pictures import of_data

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 6)).astype(np.float32)
Y = RNG.permutation(np.arange(60) % 2)
PIXELS = RNG.integers(0, 256, (60, 8, 6, 3), np.uint8)


def load(folder: Path, keys: dict[str, Any] | None = None, **members: Array) -> Dataset:
    np.savez(folder / "a.npz", allow_pickle=True, **members)
    return arrays.load(arrays.Params(path=str(folder / "a.npz"), **(keys or {})), 0)


def refused(folder: Path, keys: dict[str, Any] | None = None, **members: Array) -> str:
    """The message and hint."""
    with pytest.raises(DataError) as caught:
        load(folder, keys, **members)
    return f"{caught.value.message}; {caught.value.hint}"


def train(folder: Path, model: str = "mlp-np", **keys: Any) -> Run:
    """A run on ``a.npz`` in the folder."""
    config = folder / "c.yaml"
    lines = "".join(f", {key}: {value}" for key, value in keys.items())
    config.write_text(
        f"model: {{name: {model}}}\ndataset: {{name: arrays, path: a.npz{lines}}}\ntrain: {{epochs: 2, lr: 0.1}}\n"
    )
    return nnlab.train(config, runs_dir=folder / "runs")


def scores_of(run: Run) -> Array:
    """Those of the test split that the run keeps."""
    return np.load(run.path / "predictions.npz")["scores"]


# Layouts


def test_channels_last_and_first_are_the_same_pictures(tmp_path):
    last = load(tmp_path, X=PIXELS, y=Y)
    first = load(tmp_path, X=np.moveaxis(PIXELS, -1, 1), y=Y)
    assert last.shape == first.shape == (3, 8, 6)
    np.testing.assert_array_equal(last.train.inputs, first.train.inputs)
    assert last.sha256 == first.sha256
    assert (last.transform.layout, first.transform.layout) == ("channels last", "channels first")
    assert "channels last; dataset.layout" in last.notes[0]
    assert "6x8 with 3 channels, channels first" in first.notes[0]


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_the_channels_are_where_there_are_one_three_or_four(channels, tmp_path):
    pictures = RNG.normal(size=(20, 12, 9, channels))
    assert load(tmp_path, X=pictures, y=Y[:20]).shape == (channels, 12, 9)
    assert load(tmp_path, X=np.moveaxis(pictures, -1, 1), y=Y[:20]).shape == (channels, 12, 9)


def test_a_layout_in_doubt_names_the_key_that_says_it(tmp_path):
    pictures = PIXELS[:, :3]
    assert "dataset.layout: channels-first or channels-last" in refused(tmp_path, X=pictures, y=Y)
    assert load(tmp_path, {"layout": "channels-last"}, X=pictures, y=Y).shape == (3, 3, 6)
    first = load(tmp_path, {"layout": "channels-first"}, X=pictures, y=Y)
    assert (first.shape, first.notes) == ((3, 6, 3), ())
    assert "which has no channels" in refused(tmp_path, {"layout": "channels-last"}, X=X, y=Y)


@pytest.mark.parametrize(
    ("shape", "read"),
    [
        ((2, 12, 12), (2, 12, 12)),
        ((12, 12, 2), (2, 12, 12)),
        ((4, 9, 9), (4, 9, 9)),
        ((9, 9, 1), (1, 9, 9)),
        ((3, 4, 5, 6), (3, 4, 5, 6)),
        ((2, 2, 3, 2, 2), (2, 2, 3, 2, 2)),
    ],
)
def test_what_cannot_be_drawn_as_a_picture_is_drawn_as_points(shape, read, tmp_path):
    data = load(tmp_path, X=RNG.normal(size=(12, *shape)), y=Y[:12])
    assert data.shape == read
    name, png = of_data(data)
    assert name == "samples.png"
    assert png.startswith(b"\x89PNG")


@pytest.mark.usefixtures("no_pictures")
def test_what_cannot_be_a_picture_is_refused_before_training(tmp_path):
    np.savez(tmp_path / "a.npz", X=RNG.normal(size=(20, 3, 4, 5, 6)), y=Y[:20])
    with pytest.raises(ConfigError, match="cnn-torch needs pictures"):
        train(tmp_path, "cnn-torch")
    assert not list(tmp_path.glob("runs/*/losses.npy"))


@pytest.mark.usefixtures("no_pictures")
def test_a_run_predicts_pictures_that_lie_as_its_own(tmp_path):
    np.savez(tmp_path / "a.npz", x_train=PIXELS, y_train=Y, x_test=PIXELS[:9], y_test=Y[:9])
    run = train(tmp_path)
    np.testing.assert_allclose(run.predict(PIXELS[:9]), scores_of(run), atol=1e-6)


# Targets


LABELS = {
    "text": (np.array(["no", "yes"])[Y], ("no", "yes")),
    "bytes": (np.array([b"no", b"yes"])[Y], ("no", "yes")),
    "signs": (2 * Y - 1, ("-1", "1")),
    "from one": (np.arange(60) % 12 + 1, tuple(map(str, range(1, 13)))),
    "text of numbers": ((np.arange(60) % 12 + 1).astype(str), tuple(map(str, range(1, 13)))),
    "bool": (Y == 1, ("False", "True")),
    "big": (Y.astype(np.uint64) + np.uint64(2**63), (str(2**63), str(2**63 + 1))),
    "column": (Y[:, None], ("0", "1")),
    "big-endian": (Y.astype(">i8"), ("0", "1")),
    "accents": (np.array(["Äpfel", "A\u0308pfel", "Birnen"] * 20), ("Birnen", "Äpfel")),
}


@pytest.mark.parametrize("kind", LABELS)
def test_any_labels_are_classes_in_natural_order(kind, tmp_path):
    labels, names = LABELS[kind]
    data = load(tmp_path, {"test_fraction": 0}, X=X, y=labels)
    assert data.classes == names
    if kind not in ("accents", "bytes"):
        assert [names[n] for n in data.train.targets] == [str(label) for label in labels.ravel()]


def test_classes_may_be_named(tmp_path):
    data = load(tmp_path, {"classes": [1, -1]}, X=X, y=np.repeat([-1, 0, 1], 20))
    assert (data.classes, len(data.train) + len(data.test)) == (("1", "-1"), 40)
    text = load(tmp_path, {"classes": ["yes", "no"]}, X=X, y=np.array(["no", "yes"])[Y])
    assert text.classes == ("yes", "no")
    many = load(tmp_path, {"classes": [3, 1]}, X=X, y=np.arange(60) % 30 * 1.0)
    assert (many.classes, len(many.train) + len(many.test)) == (("3", "1"), 4)
    numbers = load(tmp_path, {"classes": ["0.5", "1.5"]}, X=X, y=(Y + 0.5).astype(str))
    assert numbers.classes == ("0.5", "1.5")


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16])
def test_whole_number_floats_are_classes_unless_the_task_says_otherwise(dtype, tmp_path):
    y = Y.astype(dtype)
    data = load(tmp_path, X=X, y=y)
    assert data.classes == ("0", "1")
    assert data.notes == (
        "targets are whole numbers 0, 1: taken for classes; dataset.task=regression takes them for values",
    )
    values = load(tmp_path, {"task": "regression"}, X=X, y=y)
    assert (values.task.name, values.outputs, values.notes) == ("regression", 1, ())


def test_many_whole_number_floats_are_values_and_that_is_said(tmp_path):
    data = load(tmp_path, X=np.tile(X, (2, 1)), y=np.arange(120) % 21 * 1.0)
    assert data.task.name == "regression"
    assert "21 different whole numbers: taken for values; dataset.task=classification" in data.notes[0]
    assert load(tmp_path, X=np.tile(X, (2, 1)), y=np.arange(120) % 20 * 1.0).outputs == 20


@pytest.mark.parametrize("dtype", [np.float32, np.int64, np.bool_])
def test_one_hot_rows_are_classes_unless_the_task_says_otherwise(dtype, tmp_path):
    marks = np.eye(3)[np.arange(60) % 3].astype(dtype)
    data = load(tmp_path, X=X, y=marks)
    assert data.classes == ("0", "1", "2")
    assert "one-hot rows of 3: taken for classes; dataset.task=regression" in data.notes[0]
    values = load(tmp_path, {"task": "regression"}, X=X, y=marks)
    assert (values.task.name, values.outputs) == ("regression", 3)


def test_sides_of_length_one_change_nothing(tmp_path):
    marks = np.eye(3)[np.arange(60) % 3]
    assert load(tmp_path, X=X, y=marks[:, :, None]).classes == load(tmp_path, X=X, y=marks).classes
    assert "(60, 0), which holds nothing" in refused(tmp_path, X=X, y=np.zeros((60, 0)))


def test_labels_that_differ_only_in_case_are_doubted(tmp_path):
    data = load(tmp_path, X=X, y=np.array(["yes", "Yes", "no"] * 20))
    assert "classes differ only in case" in data.warnings[0]


def test_labels_that_say_nothing_or_are_numbers_for_people_are_refused(tmp_path):
    assert "says that there is no label, as 30 targets" in refused(tmp_path, X=X, y=np.array(["yes", "NA"] * 30))
    assert "is a number as text" in refused(tmp_path, X=X, y=np.array(["2,100", "3"] * 30))
    assert "too many for classes; dataset.task: regression" in refused(tmp_path, X=X, y=np.arange(60) * 7)


@pytest.mark.usefixtures("no_pictures")
def test_three_values_at_once_are_learnt(tmp_path):
    y = X[:, :3] * [1, 1000, 1e6] + [0, 5, 1e6]
    np.savez(tmp_path / "a.npz", x_train=X, y_train=y, x_test=X, y_test=y)
    run = train(tmp_path, standardise="true")
    np.testing.assert_allclose(run.predict(X), scores_of(run), rtol=1e-6)
    assert run.summary["metrics"]["test"]["r2"] > 0


# Scale


def test_whole_numbers_up_to_255_that_are_not_scaled_are_doubted(tmp_path):
    pixels = PIXELS.astype(np.float32)
    data = load(tmp_path, X=pixels, y=Y)
    assert data.train.inputs.max() == 255
    assert "not scaled; dataset.scale=255" in data.warnings[0]
    scaled = load(tmp_path, {"scale": 255}, X=pixels, y=Y)
    assert (scaled.warnings, scaled.transform.scale) == ((), 255)
    np.testing.assert_array_equal(scaled.train.inputs, load(tmp_path, X=PIXELS, y=Y).train.inputs)
    assert load(tmp_path, X=pixels / 255, y=Y).warnings == ()


def test_bytes_are_divided_by_255_unless_the_scale_is_said(tmp_path):
    assert load(tmp_path, X=PIXELS, y=Y).train.inputs.max() == 1
    assert load(tmp_path, {"scale": 51}, X=PIXELS, y=Y).train.inputs.max() == 5
    assert load(tmp_path, X=PIXELS // 128, y=Y).transform.scale == 1
    assert "dataset.scale=16 divides by that" in load(tmp_path, X=PIXELS % 17, y=Y).warnings[0]


def test_large_inputs_that_are_not_scaled_are_doubted(tmp_path):
    assert "dataset.standardise=true" in load(tmp_path, X=X * 1000, y=Y).warnings[0]
    assert load(tmp_path, {"standardise": True}, X=X * 1000, y=Y).warnings == ()


def test_float64_near_a_million_keeps_its_digits(tmp_path):
    x = 1e6 + RNG.normal(size=(60, 4)) * 1e-3
    data = load(tmp_path, {"standardise": True, "test_fraction": 0}, X=x, y=Y)
    wanted = (x - x.mean(axis=0)) / x.std(axis=0)
    np.testing.assert_allclose(data.train.inputs, wanted, atol=1e-5)
    values = 1e6 + X[:, 0].astype(np.float64)
    target = load(tmp_path, {"test_fraction": 0}, X=X, y=values).transform.target
    assert target is not None
    np.testing.assert_allclose(target.mean, [values.mean()])
    assert load(tmp_path, {"standardise_target": False}, X=X, y=values).transform.target is None


@pytest.mark.usefixtures("no_pictures")
def test_a_run_on_float64_near_a_million_predicts_its_own_test_rows(tmp_path):
    x = 1e6 + RNG.normal(size=(60, 4))
    np.savez(tmp_path / "a.npz", x_train=x, y_train=Y, x_test=x[:20], y_test=Y[:20])
    run = train(tmp_path, standardise="true")
    np.testing.assert_allclose(run.predict(x[:20]), scores_of(run), atol=1e-6)


# Names


@pytest.mark.parametrize(
    ("x", "y"),
    [
        *(("x_val", "y_val"), ("X_val", "y_val"), ("x_valid", "y_valid"), ("X_validation", "Y_validation")),
        *(("Xval", "yval"), ("val_images", "val_labels"), ("validation_data", "validation_targets")),
    ],
)
def test_a_validation_split_with_a_usual_name_is_used(x, y, tmp_path):
    members = {"x_train": X, "y_train": Y, x: X[:7], y: Y[:7], "x_test": X[:5], "y_test": Y[:5]}
    data = load(tmp_path, **members)
    assert data.val is not None
    assert data.test is not None
    assert (len(data.train), len(data.val), len(data.test), data.notes) == (60, 7, 5, ())
    np.testing.assert_array_equal(data.val.inputs, X[:7])


def test_a_validation_split_without_a_test_split_holds_none_out(tmp_path):
    data = load(tmp_path, X_train=X, y_train=Y, X_val=X[:7], y_val=Y[:7])
    assert (len(data.train), data.test) == (60, None)
    assert "none is held out" in data.notes[0]


def test_what_is_not_used_is_named(tmp_path):
    data = load(tmp_path, X=X, y=Y, weights=Y, groups=Y)
    assert any("not used" in note and "weights, groups" in note for note in data.notes)
    assert "has val inputs or val targets, but not both" in refused(tmp_path, X=X, y=Y, x_val=X)


def test_arrays_in_memory_are_read_as_a_file_of_them(tmp_path):
    file = load(tmp_path, X=PIXELS, y=Y, X_val=PIXELS[:5], y_val=Y[:5])
    members = {"X": PIXELS, "y": Y, "X_val": PIXELS[:5], "y_val": Y[:5]}
    memory = arrays.load_arrays(members, arrays.Params(path=""), 0)
    assert (memory.sha256, memory.notes) == (file.sha256, file.notes)
    with pytest.raises(DataError, match="y of the data given holds 59 targets"):
        arrays.load_arrays({"X": X, "y": Y[:59]}, arrays.Params(path=""), 0)


# Types


@pytest.mark.parametrize("dtype", [">f4", ">f8", "<f2", "<f8", "<i2", "<i8", ">u2"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_every_type_and_order_gives_the_same_numbers(dtype, order, tmp_path):
    whole = np.round(X * 3 + 20).astype(np.float32)
    data = load(tmp_path, {"test_fraction": 0}, X=np.array(whole.astype(dtype), order=order), y=Y)
    np.testing.assert_array_equal(data.train.inputs, whole)
    assert data.sha256 == load(tmp_path, {"test_fraction": 0}, X=whole, y=Y).sha256


def test_a_value_that_is_no_number_is_refused_with_its_place(tmp_path):
    x = X.copy()
    x[3, 2] = np.nan
    assert "[3, 2]: nan is no finite number" in refused(tmp_path, X=x, y=Y)
    x[7, 0] = np.inf
    assert "as in 2 of 60 rows" in refused(tmp_path, X=x, y=Y)
    y = X[:, 0].copy()
    y[5] = np.nan
    assert "[5]: nan is no finite number" in refused(tmp_path, X=X, y=y)


def test_objects_are_refused_without_being_read(tmp_path):
    assert "only pickle can read" in refused(tmp_path, X=X.astype(object), y=Y)
    assert "only pickle can read" in refused(tmp_path, X=X, y=np.array(["a", "b"] * 30, object))
