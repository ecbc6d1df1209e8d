"""Folders of pictures, as people have them: read whole, said where something is changed or left out, or refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import nnlab
from nnlab.dataset import Dataset
from nnlab.dataset.task import log_softmax
from nnlab.dataset.transform import Picture
from nnlab.datasets import image_folder
from nnlab.errors import DataError
from nnlab.rundir import RunDir
from tests.predicting import predict

RED = (200, 40, 40)


def save(path: Path, colour: Any = 100, size: tuple[int, int] = (28, 28), mode: str = "L", **options: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, colour).save(path, **options)


def fill(folder: Path, *names: str, each: int = 4) -> Path:
    """Some pictures of every class in a folder."""
    for shade, name in enumerate(names or ("cat", "dog")):
        for n in range(each):
            save(folder / name / f"{n}.png", 20 * shade + n)
    return folder


def load(folder: Path, **keys: Any) -> Dataset:
    return image_folder.load(image_folder.Params(path=str(folder), **keys), 0)


def refused(folder: Path, **keys: Any) -> str:
    """The message and hint."""
    with pytest.raises(DataError) as caught:
        load(folder, **keys)
    return f"{caught.value.message}; {caught.value.hint}"


def count(data: Dataset) -> int:
    return sum(len(split) for split in (data.train, data.val, data.test) if split)


# Kinds of files


@pytest.mark.parametrize("suffix", [".webp", ".WEBP", ".tif", ".tiff", ".png", ".JPG", ".jpeg", ".bmp", ".gif"])
def test_every_kind_of_picture_that_pillow_reads_well_is_read(suffix, tmp_path):
    fill(tmp_path)
    save(tmp_path / "cat" / f"more{suffix}")
    data = load(tmp_path)
    assert (count(data), data.warnings) == (9, ())


@pytest.mark.parametrize("suffix", ["heic", "avif", "svg", "PSD", "jp2", "cr2"])
def test_pictures_of_other_kinds_are_counted_and_named(suffix, tmp_path):
    fill(tmp_path)
    for name in ("a", "b"):
        (tmp_path / "cat" / f"{name}.{suffix}").write_bytes(b"picture")
    (warning,) = load(tmp_path).warnings
    assert warning.startswith("2 pictures of kinds that are not read, left out: cat/a.")


def test_a_picture_without_a_known_black_or_white_is_refused(tmp_path):
    fill(tmp_path)
    save(tmp_path / "cat" / "x.tif", 0.5, mode="F")
    assert "x.tif' cannot be read as a picture: pixels of the kind F" in refused(tmp_path)


# Splits


@pytest.mark.parametrize("word", ["val", "valid", "validation", "Val", "VALID", "Validation", "dev"])
def test_a_validation_folder_is_the_validation_split(word, tmp_path):
    for name, each in (("Train", 4), (word, 3), ("TEST", 2)):
        fill(tmp_path / name, each=each)
    data = load(tmp_path)
    assert data.val is not None
    assert data.test is not None
    assert (len(data.train), len(data.val), len(data.test)) == (8, 6, 4)
    np.testing.assert_allclose(data.val.inputs[-1], 22 / 255)


def test_folders_to_train_and_validate_alone_are_used_as_such(tmp_path):
    fill(tmp_path / "train")
    fill(tmp_path / "val", each=2)
    data = load(tmp_path)
    assert data.val is not None
    assert (len(data.train), len(data.val), data.test, data.classes) == (8, 4, None, ("cat", "dog"))
    assert "the folders are train and val: there is no test split, and none is held out" in data.notes


def test_a_lone_train_folder_has_its_test_split_held_out(tmp_path):
    fill(tmp_path / "train", each=10)
    data = load(tmp_path)
    assert data.test is not None
    assert (len(data.train), len(data.test)) == (16, 4)
    assert "train stands alone" in data.notes[0]


def test_what_lies_beside_the_splits_is_named(tmp_path):
    for name in ("train", "val", "other"):
        fill(tmp_path / name)
    save(tmp_path / "cover.png")
    data = load(tmp_path)
    assert "not used beside the folders of the splits: other" in data.warnings
    assert "1 picture lies beside the folders of the classes, left out: cover.png" in data.warnings


def test_a_split_with_a_class_of_its_own_is_refused(tmp_path):
    fill(tmp_path / "train")
    fill(tmp_path / "val", "cat", "dgo")
    assert "no picture to train is of class dgo, of which there are some in val; did you mean" in refused(tmp_path)


def test_splits_under_other_names_are_doubted(tmp_path):
    for name in ("training_set", "test_set"):
        fill(tmp_path / name)
    (warning,) = load(tmp_path).warnings
    assert "each holds cat, dog: if they are no classes but splits, call them train, val and test" in warning
    for name in ("val", "test"):
        fill(tmp_path / "more" / name)
    assert "holds test, val, and no folder to train on" in refused(tmp_path / "more")


# Broken pictures


def broken(folder: Path) -> Path:
    fill(folder)
    whole = (folder / "cat" / "1.png").read_bytes()
    (folder / "cat" / "short.png").write_bytes(whole[: len(whole) // 2])
    (folder / "dog" / "empty.jpg").write_bytes(b"")
    (folder / "dog" / "text.gif").write_text("hello")
    return folder


def test_all_broken_pictures_are_named_at_once(tmp_path):
    text = refused(broken(tmp_path))
    assert text.startswith("3 pictures cannot be read")
    assert all(name in text for name in ("short.png", "empty.jpg", "text.gif", "dataset.broken: skip"))


def test_broken_pictures_may_be_skipped_and_are_recorded(tmp_path):
    data = load(broken(tmp_path), broken="skip")
    assert count(data) == 8
    expected = "3 pictures that cannot be read are left out: cat/short.png, dog/empty.jpg, dog/text.gif"
    assert data.warnings == (expected,)
    assert set(data.train.targets.tolist()) == {0, 1}


def test_a_bomb_is_broken_and_never_unpacked(tmp_path):
    fill(tmp_path)
    save(tmp_path / "cat" / "bomb.png", 1, (9000, 6000), "1")
    assert "9000x6000 pixels, at most 50,000,000 are read" in refused(tmp_path)
    assert count(load(tmp_path, broken="skip")) == 8


# Folders in folders


def test_one_folder_that_holds_the_classes_is_named_as_the_path(tmp_path):
    fill(tmp_path / "archive" / "animals")
    text = refused(tmp_path)
    assert "those of cat, dog" in text
    assert text.endswith(f"dataset.path: '{tmp_path / 'archive' / 'animals'}'")


def test_pictures_in_folders_of_a_class_count(tmp_path):
    fill(tmp_path)
    fill(tmp_path / "cat", "black", "white", each=3)
    fill(tmp_path / "owl", "small", each=2)
    data = load(tmp_path)
    assert (count(data), data.classes) == (16, ("cat", "dog", "owl"))
    assert "pictures in folders further down count for: owl" in data.notes


def test_an_empty_class_is_named_with_what_is_there(tmp_path):
    fill(tmp_path)
    (tmp_path / "owl").mkdir()
    assert "owl' holds no picture; it is empty; give it some, or take it out" in refused(tmp_path)
    (tmp_path / "owl" / "notes.txt").write_text("")
    assert "owl' holds no picture; it holds 1 thing: notes.txt" in refused(tmp_path)


def test_pictures_without_folders_are_told_by_their_names(tmp_path):
    for n in range(3):
        save(tmp_path / f"cat.{n}.png")
        save(tmp_path / f"dog.{n}.png")
    text = refused(tmp_path)
    assert "6 pictures lie right in it, by their names of cat, dog" in text
    assert text.endswith("cat/cat.0.png")


def test_a_folder_of_splits_without_classes_says_what_it_holds(tmp_path):
    for split in ("train", "test"):
        for n in range(3):
            save(tmp_path / split / f"{n}.png")
    assert "train' holds 3 pictures and no folder; one folder a class belongs there" in refused(tmp_path)


def test_folders_that_lead_in_a_circle_are_not_followed(tmp_path):
    fill(tmp_path)
    (tmp_path / "cat" / "again").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "all").symlink_to(tmp_path, target_is_directory=True)
    data = load(tmp_path)
    assert (count(data), data.classes) == (8, ("cat", "dog"))
    assert "2 linked folders" in data.notes[-1]


# Names and hidden things


def test_classes_stand_in_natural_order(tmp_path):
    data = load(fill(tmp_path, "10", "2", "1", "12", "11"))
    assert data.classes == ("1", "2", "10", "11", "12")
    folder = fill(tmp_path / "more" / "mixed", "img10", "img2", "b", "B")
    mixed = load(folder)
    assert mixed.classes == ("B", "b", "img2", "img10")
    assert "classes differ only in case: B, b" in mixed.warnings


def test_hidden_things_are_counted(tmp_path):
    fill(tmp_path)
    for name in (".DS_Store", "cat/._0.png", "cat/.hidden.png", "Thumbs.db"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "__MACOSX").mkdir()
    data = load(tmp_path)
    assert (count(data), data.warnings) == (8, ())
    assert data.notes[-1].startswith("passed over: 4 hidden things (")
    assert data.notes[-1].endswith("1 file that is no picture (Thumbs.db)")


# What is done to a picture


def halves(folder: Path) -> Path:
    """Pictures of 60x40 whose left half is red and whose right half is blue, beside red ones."""
    fill(folder, "plain")
    picture = Image.new("RGB", (60, 40), RED)
    picture.paste((0, 0, 250), (30, 0, 60, 40))
    for n in range(4):
        (folder / "halves").mkdir(exist_ok=True)
        picture.save(folder / "halves" / f"{n}.png")
    return folder


def test_squeezed_and_greyed_pictures_are_said_with_the_keys(tmp_path):
    data = load(halves(tmp_path))
    assert data.notes == (
        "pictures of 28x28 to 60x40, of 2 sizes, are stretched to 28x28 and made grey; "
        "dataset.size, dataset.fit, dataset.colour",
    )
    assert data.transform.picture == Picture((28, 28), "grey", "stretch")
    assert load(fill(tmp_path / "more" / "even")).notes == ()


@pytest.mark.parametrize("fit", ["stretch", "pad", "crop"])
def test_size_colour_and_fit(fit, tmp_path):
    data = load(halves(tmp_path), size=[20, 20], colour="rgb", fit=fit, test_fraction=0)
    assert (data.shape, data.transform.picture) == ((3, 20, 20), Picture((20, 20), "rgb", fit))
    picture = np.round(data.train.inputs[0].reshape(3, 20, 20) * 255)
    assert data.classes[data.train.targets[0]] == "halves"
    padded = picture[:, 0].max() == 0
    assert padded == (fit == "pad")
    np.testing.assert_array_equal(picture[:, 10, 1], RED)
    np.testing.assert_array_equal(picture[:, 10, 18], (0, 0, 250))


def test_pictures_are_upright_before_they_are_brought_to_size(tmp_path):
    exif = Image.Exif()
    exif[274] = 6
    fill(tmp_path)
    picture = Image.new("L", (40, 20), 255)
    picture.paste(0, (0, 0, 20, 20))
    picture.save(tmp_path / "cat" / "turned.png", exif=exif)
    data = load(tmp_path, size=[40, 20], test_fraction=0)
    turned = data.train.inputs[4].reshape(40, 20)
    assert (turned[2].max(), turned[-3].min()) == (0, 1)
    assert "20x40" in data.notes[0]


@pytest.mark.usefixtures("no_pictures")
@pytest.mark.parametrize("keys", ["size: [12, 8]", "colour: rgb, fit: pad", "size: [9, 9], fit: crop"])
def test_a_run_predicts_its_own_test_pictures(keys, tmp_path):
    for split in ("train", "test"):
        halves(tmp_path / "data" / split)
    config = tmp_path / "c.yaml"
    config.write_text(
        f"model: {{name: mlp-np}}\ndataset: {{name: image-folder, path: data, {keys}}}\ntrain: {{epochs: 2, lr: 0.1}}\n"
    )
    run = nnlab.train(config, runs_dir=tmp_path / "runs")
    paths = [str(tmp_path / "data" / "test" / name / f"{n}.png") for name in ("halves", "plain") for n in range(4)]
    found = predict(RunDir(run.path), paths)
    scores = np.load(run.path / "predictions.npz")["scores"].astype(np.float64)
    probabilities = [item.probabilities for item in found.items]
    np.testing.assert_allclose(probabilities, np.exp(log_softmax(scores)), atol=1e-6)
