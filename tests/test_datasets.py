"""One suite for every dataset there is, then what each refuses, and what each alone promises."""

import inspect
import io
import subprocess
import sys
import types
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nnlab import discover
from nnlab.config import Strict
from nnlab.dataset import Card
from nnlab.datasets import _pictures, arrays, digits, fashion_mnist, image_folder, mnist, sign_digits
from nnlab.datasets import csv as csv_dataset
from nnlab.errors import DataError, DataUnavailableError, MissingDependencyError
from nnlab.plugin import DatasetFile
from nnlab.testing import dataset_checks
from nnlab.testing.dataset_checks import same
from tests.data_fixtures import MAKERS, MIRROR, make_csv, required, why_missing, write_idx

NAMES = discover.names("datasets")
ROOT = Path(discover.__file__).parent.parent


@dataclass(frozen=True)
class Case(dataset_checks.DatasetCase):
    """A dataset by its name, with data that is small where it can be."""

    name: str = ""

    def need(self, *keys: str) -> None:
        for key in keys:
            if not self.has(key):
                pytest.skip(f"{self.name} has no {key}")


@pytest.fixture(params=NAMES)
def case(request, tmp_path, monkeypatch, real_data):
    file = discover.dataset(request.param)
    if file.card.source == "download":
        use_mirror(monkeypatch, real_data)
        if reason := why_missing(file, real_data):
            pytest.skip(reason)
        monkeypatch.setenv("NNLAB_MIRROR", "http://127.0.0.1:1")  # from here on, nothing needs a network
    keys = required(request.param, file, tmp_path / "example_data")
    large = "classes" in file.params.model_fields and (file.card.train or 0) > 10_000
    return Case(file, keys, {"classes": [1, 4, 8]} if large else {}, request.param)


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    (tmp_path / "example_data").mkdir()
    monkeypatch.setenv("NNLAB_DATA", str(tmp_path / "cache"))
    monkeypatch.setenv("NNLAB_MIRROR", "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")


def use_mirror(monkeypatch, data):
    monkeypatch.setenv("NNLAB_DATA", data)
    if MIRROR:
        monkeypatch.setenv("NNLAB_MIRROR", MIRROR)


# What every dataset keeps to


@pytest.mark.parametrize("name", NAMES)
def test_the_file_says_what_it_is(name):
    file = discover.dataset(name)
    assert file.about.endswith(".")
    assert isinstance(file.card, Card)
    assert list(inspect.signature(file.load).parameters) == ["params", "seed", "progress"]
    assert bool(file.cached) == bool(file.fetch) == (file.card.source == "download")
    if file.read_picture:
        assert list(inspect.signature(file.read_picture).parameters) == ["image", "shape"]


def test_importing_datasets_loads_nothing_heavy():
    script = (
        "import sys; from nnlab import discover\n"
        "for name in discover.names('datasets'): discover.dataset(name)\n"
        "print({'torch', 'torchvision', 'sklearn', 'scipy', 'matplotlib', 'PIL'} & set(sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=True)
    assert run.stdout == "set()\n"


ITS_OWN_WAY = {"sign-digits": [dataset_checks.the_test_split_keeps_the_share_of_every_class]}
"""Sign-digits must split as the notebook does."""


@pytest.mark.parametrize("check", dataset_checks.CHECKS, ids=lambda check: check.__name__)
def test_a_dataset_keeps_to_what_all_do(case, check):
    if key := dataset_checks.CHECKS[check]:
        case.need(key)
    if check in ITS_OWN_WAY.get(case.name, []):
        pytest.skip(f"{case.name} has its own way")
    check(case)
    if check is dataset_checks.arrays_have_the_types_shapes_and_ranges_that_models_count_on:
        assert case.load().name == case.name


def test_other_data_has_another_hash(case):
    if case.name not in MAKERS:
        pytest.skip("its data cannot be changed")
    found, path = case.load().sha256, Path(case.keys["path"])
    if path.is_dir():
        next(path.rglob("*.png")).write_bytes(sorted(path.rglob("*.png"))[-1].read_bytes())
    elif path.suffix == ".npz":
        np.savez(path, X=np.zeros((120, 4, 5), np.uint8), y=np.tile([4, 4, 7, 7, 7, 9], 20))
    else:
        path.write_text(path.read_text().replace(",7,", ",8,"))
    assert case.load().sha256 != found


REFUSED = {
    "unknown class": ({"classes": ["no such", "class"]}, "no class 'no such'"),
    "class twice": ({"classes": "twice"}, "holds a class twice"),
    "limit": ({"limit": 1}, "limit: 1 training example"),
    "val empty": ({"val_fraction": 1e-9}, "so nothing is held out"),
    "val all": ({"val_fraction": 0.99, "limit": 20}, "too few to train on"),
    "test empty": ({"test_fraction": 1e-9}, "so nothing is held out"),
    "test all": ({"test_fraction": 0.9999999}, "to train on"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_splits_that_cannot_be_are_refused(what, case):
    keys, message = REFUSED[what]
    case.need(*keys)
    if what == "test empty" and case.name == "sign-digits":
        pytest.skip("it rounds up, as scikit-learn does")
    if keys.get("classes") == "twice":
        keys = {"classes": [case.load().classes[0]] * 2}
    with pytest.raises(DataError) as caught:
        case.load(**keys)
    assert message in caught.value.message
    assert caught.value.hint
    assert caught.value.exit_code == 2


def test_a_picture_from_the_data_is_read_as_the_input_it_was(case):
    if not case.file.read_picture:
        pytest.skip("its inputs are no pictures")
    data = case.load()
    pixels = np.round(data.train.inputs[0].reshape(data.shape) * 255).astype(np.uint8)
    image = Image.fromarray(pixels.transpose(1, 2, 0) if pixels.ndim == 3 else pixels)
    found = case.file.read_picture(image, data.shape)
    assert found.dtype == np.float32
    assert found.shape == (data.features,)
    if case.name != "sign-digits":  # which stretches the shades: see its own test
        np.testing.assert_array_equal(found, data.train.inputs[0])


def test_a_new_dataset_needs_no_edit_here(tmp_path):
    file = DatasetFile(Strict, Card("built in"), digits.load)
    assert required("new", file, tmp_path) == {}
    file = replace(file, example=lambda folder: {"path": str(folder)})
    assert required("new", file, tmp_path) == {"path": str(tmp_path)}


# MNIST and its family


@pytest.fixture
def tiny_mirror(tmp_path, monkeypatch):
    """A mirror of both, with 60 + 20 pictures that torchvision is made to expect."""
    import torchvision

    for folder, kind in (("mnist", "MNIST"), ("fashion-mnist", "FashionMNIST")):
        monkeypatch.setattr(getattr(torchvision.datasets, kind), "resources", write_idx(tmp_path / "mirror" / folder))
    monkeypatch.setattr(mnist, "SHA256", "")
    monkeypatch.setenv("NNLAB_MIRROR", (tmp_path / "mirror").as_uri())
    return tmp_path / "mirror"


@pytest.mark.parametrize("module", [mnist, fashion_mnist])
def test_the_family_is_fetched_once_and_kept(module, tiny_mirror, tmp_path, monkeypatch):
    seen = []
    assert not module.DATASET.cached()
    data = module.load(module.Params(), 0, lambda *args: seen.append(args))
    assert (len(data.train), len(data.test), data.shape, len(data.classes)) == (60, 20, (28, 28), 10)
    assert {what.split(": ")[1] for what, _, _ in seen} == {p.name for p in tiny_mirror.glob("mnist/*")}
    assert module.DATASET.cached()
    monkeypatch.setenv("NNLAB_MIRROR", "http://127.0.0.1:1")
    assert same(module.load(module.Params(), 0), data)
    assert not [p for p in (tmp_path / "cache").rglob("*") if p.name.startswith(".")]


def test_classes_of_clothes_go_by_name_or_number(tiny_mirror):
    a = fashion_mnist.load(fashion_mnist.Params(classes=["Trouser", "Bag"]), 0)
    b = fashion_mnist.load(fashion_mnist.Params(classes=[1, 8]), 0)
    assert a.classes == b.classes == ("Trouser", "Bag")
    assert same(a, b)
    with pytest.raises(DataError, match="no class 'Trousers'") as caught:
        fashion_mnist.load(fashion_mnist.Params(classes=["Trousers", "Bag"]), 0)
    assert "did you mean Trouser?" in caught.value.hint


def test_a_file_that_is_not_the_one_asked_for_is_refused(tiny_mirror, tmp_path):
    file = tiny_mirror / "mnist" / "t10k-labels-idx1-ubyte.gz"
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    with pytest.raises(DataUnavailableError, match="not the file that was asked for"):
        mnist.load(mnist.Params(), 0)
    assert not mnist.DATASET.cached()
    assert not [p for p in (tmp_path / "cache").rglob("*") if p.is_file()]


def test_a_damaged_copy_is_fetched_again(tiny_mirror, tmp_path):
    data = mnist.load(mnist.Params(), 0)
    file = tmp_path / "cache" / "mnist" / "train_inputs.npy"
    body = bytearray(file.read_bytes())
    body[-1] ^= 1
    file.write_bytes(body)
    assert same(mnist.load(mnist.Params(), 0), data)


def test_mnist_must_decode_to_what_is_pinned(tiny_mirror, monkeypatch):
    monkeypatch.setattr(mnist, "SHA256", "0" * 64)
    with pytest.raises(DataError, match="damaged"):
        mnist.load(mnist.Params(), 0)


def test_a_torchvision_that_does_not_fit_torch_is_named(monkeypatch):
    class Broken(types.ModuleType):
        def __getattr__(self, name):
            raise RuntimeError("operator torchvision::nms does not exist")

    for module in (Broken("torchvision"), None):
        monkeypatch.setitem(sys.modules, "torchvision", module)
        with pytest.raises(MissingDependencyError, match=r"torchvision \d.* torch \d") as caught:
            mnist.DATASET.fetch()
        assert "same index" in caught.value.hint
        assert caught.value.exit_code == 4


def test_cached_pictures_need_neither_torch_nor_pillow(real_data, monkeypatch):
    use_mirror(monkeypatch, real_data)
    for name in ("mnist", "sign-digits"):
        if reason := why_missing(discover.dataset(name), real_data):
            pytest.skip(reason)
    script = (
        "import sys; from nnlab.datasets import mnist, sign_digits\n"
        "mnist.load(mnist.Params(), 0); sign_digits.load(sign_digits.Params(), 0)\n"
        "print({'torch', 'torchvision', 'sklearn', 'PIL'} & set(sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=True)
    assert run.stdout == "set()\n"


# Digits


def test_digits_are_scikit_learns_and_come_without_importing_it(monkeypatch):
    script = (
        "import sys; from nnlab.datasets import digits\n"
        "digits.load(digits.Params(), 0); print('sklearn' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=True)
    assert run.stdout == "False\n"
    read = digits.load(digits.Params(), 0)
    monkeypatch.setattr(digits, "_FILE", "not/there.csv.gz")  # as a version that keeps them elsewhere
    asked_for = digits.load(digits.Params(), 0)
    assert read.sha256 == asked_for.sha256
    assert same(read, asked_for)


# Signs


@pytest.fixture
def real_signs(real_data, monkeypatch):
    use_mirror(monkeypatch, real_data)
    if reason := why_missing(sign_digits, real_data):
        pytest.skip(reason)


def test_the_recipe(real_signs):
    data = sign_digits.load(sign_digits.Params(classes=[0, 1], per_class=205), 0)
    assert (len(data.train), len(data.test), data.features) == (348, 62, 4096)
    z = data.train.inputs.astype(np.float64) @ np.full(4096, 0.01)
    cost = np.mean(np.logaddexp(0, z) - data.train.targets * z)
    assert round(cost, 2) == 14.01


def test_the_notebooks_arrays_are_the_same_pictures(real_signs, tmp_path):
    whole = sign_digits.load(sign_digits.Params(test_fraction=0.0), 0)
    blocks = [np.flatnonzero(whole.train.targets == digit) for digit in sign_digits.BLOCKS]
    np.save(tmp_path / "X.npy", whole.train.inputs[np.concatenate(blocks)].reshape(-1, 64, 64).astype(np.float64))
    np.save(tmp_path / "Y.npy", np.repeat(np.eye(10), [len(b) for b in blocks], axis=0))
    assert [len(b) for b in blocks] == [204, 205, 206, 207, 206, 208, 207, 206, 206, 207]
    keys = {"classes": [0, 1], "per_class": 205}
    ours = sign_digits.load(sign_digits.Params(**keys), 0)
    assert same(sign_digits.load(sign_digits.Params(path=str(tmp_path), **keys), 0), ours)
    assert len(np.load(tmp_path / "X.npy")[204:409]) == 205


def test_a_photograph_is_read_as_the_input_it_became(real_signs):
    if not MIRROR.startswith("file:"):
        pytest.skip("the photographs are read from a file mirror")
    path = Path(MIRROR.removeprefix("file://")) / "sign-language-digits" / "Sign-Language-Digits-Dataset-master.zip"
    photographs = sign_digits._unpack(path.read_bytes())
    data = sign_digits.load(sign_digits.Params(test_fraction=0.0), 0)
    for row in (0, 500, 2061):
        body = list(photographs.values())[row]
        with Image.open(io.BytesIO(body)) as image:
            np.testing.assert_array_equal(sign_digits.read_picture(image, (64, 64)), data.train.inputs[row])


def test_the_test_split_is_scikit_learns():
    from sklearn.model_selection import train_test_split

    from nnlab.splits import shuffled

    for n, fraction, seed in ((410, 0.15, 42), (2062, 0.15, 42), (7, 0.5, 0), (100, 0.07, 3)):
        theirs = train_test_split(np.arange(n), test_size=fraction, random_state=seed)
        for a, b in zip(shuffled(n, fraction, seed), theirs, strict=True):
            np.testing.assert_array_equal(a, b)


def pack(*members: tuple[str, bytes]) -> bytes:
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return body.getvalue()


@pytest.mark.parametrize(
    ("archive", "message"),
    [
        (b"no archive", "not a zip file"),
        (pack(("a/Dataset/0/IMG_1.JPG", b"x"))[:-30], "not a zip file"),
        (pack(("a/Dataset/0/IMG_1.JPG", bytes(5 << 20))), "far more than"),
        (pack(*((f"a/{n}", bytes(4 << 20)) for n in range(17))), "far more than"),
        (pack(*((f"a/{n}", b"") for n in range(5001))), "far more than"),
        (pack(("a/Dataset/0/IMG_1.JPG", b"x")), "not the photographs"),
        (pack(("a/Dataset/../../IMG_1.JPG", b"x")), "not the photographs"),
    ],
)
def test_archives_that_are_not_the_photographs_are_refused(archive, message, tmp_path, monkeypatch):
    folder = tmp_path / "mirror" / "sign-language-digits"
    folder.mkdir(parents=True)
    (folder / "Sign-Language-Digits-Dataset-master.zip").write_bytes(archive)
    monkeypatch.setenv("NNLAB_MIRROR", (tmp_path / "mirror").as_uri())
    with pytest.raises(DataUnavailableError, match=message):
        sign_digits.load(sign_digits.Params(), 0)


def test_the_name_of_the_folder_in_the_archive_does_not_matter():
    one, two = (pack((f"{n}/Dataset/3/IMG_1.JPG", b"x"), (f"{n}/Examples/a.JPG", b"y")) for n in ("a-master", "b-4b0"))
    assert sign_digits._unpack(one) == sign_digits._unpack(two) == {"Dataset/3/IMG_1.JPG": b"x"}


# Tables


def read_csv(folder, text, **keys):
    file = folder / keys.pop("file", "table.csv")
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return csv_dataset.load(csv_dataset.Params(**{"path": str(file), "target": "y"} | keys), 0)


FLOWERS = "a,b,y\n" + "1,2,x\n3,4,z\n" * 5
NUMBERS = "a,y\n" + "".join(f"{n},{n}.5\n" for n in range(10))

BAD_TABLES = {
    "empty": ("", {}, "is empty"),
    "blank": ("\n\n", {}, "is empty"),
    "names only": ("a,y\n", {}, "no data"),
    "short row": ("a,b,y\n1,2,x\n\n3,z\n", {}, "line 4 has 2 cells, the first line 3"),
    "long row": ("a,y\n1,x,9\n", {}, "line 2 has 3 cells"),
    "text": ("a,y\n1,x\nabc,z\n", {}, "line 3, column 'a': 'abc' is no number"),
    "control": ("a,y\n\x1b[31m,z\n", {}, r"line 2, column 'a': '\x1b[31m' is no number"),
    "long": ("a,y\n" + "w" * 999 + ",z\n1,x\n", {}, "www...' is no number"),
    "empty cell": ("a,y\n1,x\n ,z\n", {}, "line 3, column 'a': the cell is empty"),
    "nan": ("a,y\n1,x\nnan,z\n", {}, "line 3, column 'a': 'nan' says that it is missing"),
    "inf": ("a,y\n-inf,x\n1,z\n", {}, "line 2, column 'a': '-inf' is no number"),
    "too large": ("a,y\n1e39,x\n1,z\n", {}, "line 2, column 'a': 1e+39 is no finite number of 32 bits"),
    "no column": (FLOWERS, {"target": "kind"}, "no column 'kind'"),
    "no feature": (FLOWERS, {"features": ["a", "c"]}, "no column 'c'"),
    "no index": ("1,2,0\n3,4,1\n", {"target": 3}, "no column 3"),
    "header denied": (FLOWERS, {"target": 2, "header": False}, "line 1, column 'column 0': 'a' is no number"),
    "leak": (FLOWERS, {"features": ["a", "y"]}, "the target or a column twice"),
    "twice": (FLOWERS, {"features": ["a", "a"]}, "the target or a column twice"),
    "two names": ("a,a,y\n1,2,x\n", {}, "line 1: two columns are called 'a'"),
    "no name": ("a,,y\n1,2,x\n", {}, "line 1: column 2 has no printable name"),
    "bad name": ("a\x07,y\n1,x\n", {}, r"no printable name: 'a\x07'"),
    "target only": ("y\n1\n2\n", {}, "one column, 'y', and that is the target"),
    "delimiter": ("a;y\n1;2\n", {"delimiter": ","}, "no column 'y'"),
    "one class": ("a,y\n" + "1,x\n" * 9, {}, "only one class, x"),
    "target gap": ("a,y\n1,x\n2,\n", {}, "column 'y': 1 of 2 targets are missing (nothing), in line 3"),
    "target mixed": ("a,y\n1,1\n2,x\n", {}, "line 3, column 'y': 'x' is no number, and others are"),
    "not whole": (NUMBERS, {"task": "classification"}, "line 2, column 'y': '0.5' is no whole number"),
    "no value": (FLOWERS, {"task": "regression"}, "line 2, column 'y': 'x' is no number"),
    "target nan": (NUMBERS + "1,nan\n", {}, "column 'y': 1 of 11 targets are missing ('nan'), in line 12"),
    "target inf": (NUMBERS + "1,1e60\n", {}, "line 12, column 'y': 1e+60 is no finite number of 32 bits"),
    "bad label": ("a,y\n1,x\n2,\x1bz\n", {}, r"line 3, column 'y': '\x1bz' holds control characters"),
    "no classes": (NUMBERS, {"classes": [1, 2]}, "holds values, not classes"),
    "lone class": ("a,y\n1,x\n2,z\n", {}, "so nothing is held out"),
    "not text": (b"a,y\n1,x\n\xff\xfe,z\n", {}, "line 3: byte 9 of the file (0xff) is not UTF-8 text"),
    "not text at all": (b"PK\x03\x04\xff\x00\x00", {}, "is a zip file or a spreadsheet, no text"),
    "open quote": ('a,y\n1,"x\n2,z\n', {}, "line 2 is no CSV: a quotation mark is never closed"),
    "huge line": ("a,y\n1," + "x" * 20_000_000, {}, "line 2 is longer than"),
    "nul": ("a,y\n1\x00,x\n", {}, "line 2 holds a character of code 0"),
    "suffix": (FLOWERS, {"file": "table.xlsx"}, "has the wrong suffix"),
    "missing": (FLOWERS, {"path": "/no/such/table.csv"}, "there is no file '/no/such/table.csv'"),
    "folder": (FLOWERS, {"path": "/"}, "'/' is no file"),
    "nul in path": (FLOWERS, {"path": "a\x00.csv"}, "there is no file"),
}


def assert_refused(caught, message):
    text = caught.value.message
    assert message in text
    assert "\n" not in text
    assert text.isprintable()
    assert caught.value.hint
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("what", BAD_TABLES)
def test_bad_tables_are_refused(what, tmp_path):
    text, keys, message = BAD_TABLES[what]
    with pytest.raises(DataError) as caught:
        read_csv(tmp_path, text, **keys)
    assert_refused(caught, message)


def test_a_near_name_is_offered(tmp_path):
    with pytest.raises(DataError) as caught:
        read_csv(tmp_path, "petal width,species\n1,x\n", target="specied")
    assert caught.value.hint == "did you mean species? columns: petal width, species"


def test_a_table_that_would_not_fit_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("nnlab.memory.free", lambda: 100)
    with pytest.raises(DataError, match="too large"):
        read_csv(tmp_path, FLOWERS)


@pytest.mark.parametrize(
    ("targets", "task", "classes"),
    [
        (["x", "z"], "auto", ("x", "z")),
        (["10", "9"], "auto", ("9", "10")),
        (["1.0", "0"], "auto", ("0", "1")),
        (["1", "x"], "classification", ("1", "x")),
        (["1.5", "2"], "auto", ()),
        ([str(n) for n in range(21)], "auto", ()),
        ([str(n) for n in range(21)], "classification", tuple(str(n) for n in range(21))),
        (["1", "0"], "regression", ()),
    ],
)
def test_classes_or_values_is_told_by_the_target(targets, task, classes, tmp_path):
    text = "a,y\n" + "".join(f"{n},{t}\n" for n, t in enumerate(targets * 3))
    data = read_csv(tmp_path, text, task=task)
    assert data.classes == classes
    assert data.feature_names == ("a",)
    assert data.target_name == "y"


def test_columns_by_number_and_other_ways_to_write_a_table(tmp_path):
    plain = read_csv(tmp_path, FLOWERS, standardise=False)
    by_number = read_csv(tmp_path, FLOWERS.removeprefix("a,b,y\n"), target=-1, standardise=False)
    assert same(plain, by_number)
    assert by_number.feature_names == ("column 0", "column 1")
    dressed = b"\xef\xbb\xbf" + FLOWERS.replace("\n", "\r\n\r\n").replace("x", '" x "').encode()
    assert same(plain, read_csv(tmp_path, dressed, standardise=False))
    tabs = FLOWERS.replace(",", "\t")
    assert same(plain, read_csv(tmp_path, tabs, delimiter="\t", file="table.tsv", standardise=False))
    swapped = read_csv(tmp_path, FLOWERS, features=["b", "a"], standardise=False)
    np.testing.assert_array_equal(swapped.train.inputs, plain.train.inputs[:, ::-1])


def test_features_are_standardised_by_the_training_split(tmp_path):
    keys = make_csv(tmp_path)
    raw = csv_dataset.load(csv_dataset.Params(**keys, standardise=False, val_fraction=0.2), 0)
    data = csv_dataset.load(csv_dataset.Params(**keys, val_fraction=0.2), 0)
    np.testing.assert_allclose(data.transform.mean, raw.train.inputs.mean(axis=0, dtype=np.float64))
    np.testing.assert_allclose(data.train.inputs[:, :2].mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(data.train.inputs[:, :2].std(axis=0), 1, rtol=1e-5)
    np.testing.assert_array_equal(data.train.inputs[:, 2], 0)  # a constant column
    np.testing.assert_allclose(data.test.inputs, data.transform.apply(raw.test.inputs), rtol=1e-4, atol=1e-6)
    assert raw.transform.mean == raw.transform.std == ()


# Arrays

X, Y = np.arange(40, dtype=np.float64).reshape(10, 4), np.array([0, 1] * 5)


def with_value(array, value, place=(3, 1)):
    changed = array.copy()
    changed[place[: array.ndim]] = value
    return changed


BAD_ARRAYS = {
    "lengths": ({"X": X, "y": Y[:9]}, {}, "holds 9 targets for 10 inputs"),
    "nan": ({"X": with_value(X, np.nan), "y": Y}, {}, "[3, 1]: nan is no finite number"),
    "inf": ({"X": with_value(X, 1e39), "y": Y}, {}, "[3, 1]: 1e+39 is no finite number of 32 bits"),
    "text": ({"X": X.astype(str), "y": Y}, {}, "holds <U32, where numbers belong"),
    "complex": ({"X": X.astype(complex), "y": Y}, {}, "holds complex128"),
    "date": ({"X": X.astype("datetime64[s]"), "y": Y}, {}, "holds datetime64[s]"),
    "object": ({"X": X.astype(object), "y": Y}, {}, "holds Python objects, which only pickle can read"),
    "empty": ({"X": X[:0], "y": Y[:0]}, {}, "is empty: its shape is (0, 4)"),
    "no features": ({"X": X[:, :0], "y": Y}, {}, "is empty"),
    "scalar": ({"X": np.float64(1), "y": Y}, {}, "is empty"),
    "flat": ({"X": X[:, 0], "y": Y}, {}, "where one row an example belongs"),
    "prices": ({"X": np.arange(100).reshape(50, 2), "y": np.arange(50)}, {}, "too many for classes"),
    "not whole": ({"X": X, "y": Y + 0.5}, {"task": "classification"}, "[0]: 0.5 is no whole number"),
    "one-hot": ({"X": X, "y": np.ones((10, 3), int)}, {}, "where one class number an example belongs"),
    "numbers as text": ({"X": X, "y": (Y / 2).astype(str)}, {}, "'0.0' is a number as text"),
    "no label": ({"X": X, "y": np.array(["yes", "N/A"] * 5)}, {}, "[1]: 'N/A' says that there is no label"),
    "one class": ({"X": X, "y": Y * 0}, {}, "only one class, 0"),
    "target nan": ({"X": X, "y": with_value(Y * 1.0, np.nan)}, {}, "[3]: nan"),
    "no names": ({"a": X, "b": Y}, {}, "no pair of arrays with a usual name"),
    "no such": ({"X": X, "y": Y}, {"x": "pictures"}, "holds no array 'pictures'"),
    "half a test": ({"X": X, "y": Y, "x_test": X}, {}, "but not both"),
    "test width": ({"X": X, "y": Y, "x_test": X[:, :2], "y_test": Y}, {}, "x_test holds float32 of (2,) each"),
    "test type": ({"X": X, "y": Y, "x_test": X.astype(np.uint8), "y_test": Y}, {}, "x_test holds uint8"),
    "test task": ({"X": X, "y": Y, "x_test": X, "y_test": Y / 2}, {}, "holds float64 values, where"),
    "test class": ({"X": X, "y": Y, "x_test": X, "y_test": Y + 1}, {}, "hold class 2, which no training target is"),
    "no classes": ({"X": X, "y": Y / 2}, {"classes": [0, 1]}, "there are no classes"),
    "missing": ({}, {"path": "/no/such.npz"}, "there is no file '/no/such.npz'"),
    "suffix": ({}, {"path": __file__}, "has the wrong suffix"),
}


@pytest.mark.filterwarnings("ignore:Casting complex")
@pytest.mark.parametrize("what", BAD_ARRAYS)
def test_bad_arrays_are_refused(what, tmp_path):
    members, keys, message = BAD_ARRAYS[what]
    np.savez(tmp_path / "a.npz", **members)
    with pytest.raises(DataError) as caught:
        arrays.load(arrays.Params(**{"path": str(tmp_path / "a.npz")} | keys), 0)
    assert_refused(caught, message)


@pytest.mark.parametrize("name", ["a.npz", "X.npy"])
@pytest.mark.parametrize(
    "body", [b"", b"text", b"\x93NUMPY\x01\x00", b"\x93NUMPY\x01\x00\x10\x00" + b"(" * 16, b"PK\x03\x04"]
)
def test_files_that_are_not_numpys_are_refused(name, body, tmp_path):
    (tmp_path / name).write_bytes(body)
    np.save(tmp_path / "y.npy", Y)
    path = tmp_path / name if name.endswith("z") else tmp_path
    with pytest.raises(DataError) as caught:
        arrays.load(arrays.Params(path=str(path)), 0)
    assert_refused(caught, "cannot be read as a NumPy file")


def test_damaged_archives_never_end_in_a_traceback(tmp_path):
    file = tmp_path / "a.npz"
    np.savez_compressed(file, X=X, y=Y)
    body, rng = file.read_bytes(), np.random.default_rng(0)
    for _ in range(300):
        damaged = bytearray(body)
        for place in rng.integers(0, len(body), 3):
            damaged[place] = rng.integers(256)
        file.write_bytes(damaged)
        try:
            arrays.load(arrays.Params(path=str(file)), 0)
        except DataError as error:
            assert error.message.isprintable()  # noqa: PT017 - some damage goes unnoticed, in a date for one


def test_arrays_that_would_not_fit_are_refused(tmp_path, monkeypatch):
    np.savez(tmp_path / "a.npz", X=X, y=Y)
    monkeypatch.setattr("nnlab.memory.free", lambda: 100)
    with pytest.raises(DataError, match="too large"):
        arrays.load(arrays.Params(path=str(tmp_path / "a.npz")), 0)


def test_a_folder_of_arrays_is_read_as_an_archive_is(tmp_path):
    np.savez(tmp_path / "a.npz", X=X, y=Y)
    np.save(tmp_path / "inputs.npy", np.asfortranarray(X.astype(">f4")))
    np.save(tmp_path / "y.npy", Y.astype(np.int8)[:, None])
    a = arrays.load(arrays.Params(path=str(tmp_path / "a.npz")), 0)
    b = arrays.load(arrays.Params(path=str(tmp_path), x="inputs.npy"), 0)
    assert same(a, b)
    assert a.sha256 == b.sha256


def test_given_test_arrays_are_the_test_split(tmp_path):
    x = (X % 256).astype(np.uint8).reshape(10, 2, 2)
    np.savez(tmp_path / "a.npz", x_train=x, y_train=Y + 5, x_test=x[:4], y_test=Y[:4] + 5)
    data = arrays.load(arrays.Params(path=str(tmp_path / "a.npz")), 0)
    assert (len(data.train), len(data.test), data.shape, data.classes) == (10, 4, (2, 2), ("5", "6"))
    np.testing.assert_array_equal(data.test.inputs, x[:4].reshape(4, 4) / np.float32(255))


def test_floating_point_targets_are_values(tmp_path):
    np.savez(tmp_path / "a.npz", X=X, y=np.stack([Y, Y], 1) / 2)
    data = arrays.load(arrays.Params(path=str(tmp_path / "a.npz"), limit=5, val_fraction=0.2), 0)
    assert (data.task.name, data.outputs, len(data.train), len(data.val), len(data.test)) == ("regression", 2, 4, 1, 2)
    whole = arrays.load(arrays.Params(path=str(tmp_path / "a.npz"), limit=5, val_fraction=0.2, task="regression"), 0)
    assert same(whole, data)


# Pictures


def save_picture(path, shade=100, size=(8, 8), mode="L", **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, shade).save(path, **options)


def two_classes(folder):
    for n in range(4):
        save_picture(folder / "cat" / f"{n}.png", 10 * n)
        save_picture(folder / "dog" / f"{n}.jpg", 50 + n)


BAD_FOLDERS = {
    "empty": (lambda f: f.mkdir(), {}, "holds no folder, where one a class belongs"),
    "no pictures": (lambda f: (two_classes(f), (f / "owl").mkdir()), {}, "owl' holds no picture"),
    "other files": (lambda f: (f.mkdir(), (f / "a.txt").write_text("")), {}, "holds no folder"),
    "one class": (lambda f: [save_picture(f / "cat" / f"{n}.png") for n in range(9)], {}, "only one class, cat"),
    "no picture": (lambda f: (two_classes(f), (f / "cat" / "x.png").write_text("hi")), {}, "x.png' is no picture"),
    "cut off": (
        lambda f: (two_classes(f), (f / "cat" / "x.png").write_bytes((f / "cat" / "1.png").read_bytes()[:50])),
        {},
        "x.png' cannot be read as a picture",
    ),
    "other kind": (
        lambda f: (two_classes(f), save_picture(f / "cat" / "x.png", format="TGA")),
        {},
        "x.png' is no picture",
    ),
    "bomb": (lambda f: (two_classes(f), save_picture(f / "cat" / "x.png", 1, (9000, 6000), "1")), {}, "9000x6000"),
    "bad name": (lambda f: (two_classes(f), save_picture(f / "a\x1bb" / "x.png")), {}, r"'a\x1bb' cannot be the name"),
    "test class": (
        lambda f: (two_classes(f / "train"), two_classes(f / "test"), save_picture(f / "test" / "owl" / "1.png")),
        {},
        "no picture to train is of class owl",
    ),
    "lone": (lambda f: [save_picture(f / c / "1.png") for c in "ab"], {}, "so nothing is held out"),
    "missing": (two_classes, {"path": "/no/such"}, "there is no folder '/no/such'"),
    "a file": (two_classes, {"path": __file__}, "is no folder"),
}


@pytest.mark.parametrize("what", BAD_FOLDERS)
def test_bad_folders_are_refused(what, tmp_path):
    make, keys, message = BAD_FOLDERS[what]
    make(tmp_path / "pictures")
    with pytest.raises(DataError) as caught:
        image_folder.load(image_folder.Params(**{"path": str(tmp_path / "pictures")} | keys), 0)
    assert_refused(caught, message)


def test_pictures_split_apart_by_their_folders(tmp_path):
    two_classes(tmp_path / "train")
    two_classes(tmp_path / "test")
    save_picture(tmp_path / "train" / "cat" / ".hidden.png")
    (tmp_path / "train" / ".cache").mkdir()
    (tmp_path / "train" / "cat" / "notes.txt").write_text("")
    data = image_folder.load(image_folder.Params(path=str(tmp_path), size=[4, 6]), 0)
    assert (len(data.train), len(data.test), data.shape, data.classes) == (8, 8, (4, 6), ("cat", "dog"))
    np.testing.assert_allclose(data.train.inputs[1], 10 / 255)


def test_pictures_are_turned_upright_and_laid_on_white(tmp_path):
    exif = Image.Exif()
    exif[274] = 6
    save_picture(tmp_path / "turned.jpg", size=(20, 10), exif=exif)
    assert _pictures.pixels(_pictures.open_picture(tmp_path / "turned.jpg"), (20, 10), "grey").shape == (20, 10)
    clear = Image.new("RGBA", (4, 4), (0, 0, 0, 0))
    assert (_pictures.pixels(clear, (2, 2), "grey") == 255).all()
    deep = Image.fromarray(np.full((4, 4), 40_000, np.uint16))
    assert (_pictures.pixels(deep, (2, 2), "grey") == round(40_000 / 257)).all()
