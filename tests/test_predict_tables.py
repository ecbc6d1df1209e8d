"""Predict from tables: columns by name, every row once, scores beside, and a file of predictions."""

import csv
import gzip
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from nnlab import experiment
from nnlab.dataset import Classification, Regression, Task
from nnlab.dataset.task import log_softmax
from nnlab.errors import DataError
from nnlab.experiment.tally import Tally
from nnlab.rundir import RunDir
from tests.conftest import Cli
from tests.predicting import predict, predict_rows

pytestmark = pytest.mark.usefixtures("no_pictures")


def trained(folder: Path, table: str, keys: str = "", target: str = "label") -> RunDir:
    """A run on a table in which a minus b decides."""
    folder.mkdir(exist_ok=True)
    (folder / "t.csv").write_text(table)
    (folder / "c.yaml").write_text(
        "model: {name: mlp-np, hidden: []}\n"
        f"dataset: {{name: csv, path: t.csv, target: {target}{keys}}}\n"
        "train: {epochs: 40, lr: 0.5}\n"
    )
    *_, last = experiment.train(experiment.resolve(folder / "c.yaml"), folder / "runs")
    assert isinstance(last, experiment.Finished)
    return last.run


def ab(rows: int = 100, header: str = "a,b,label") -> str:
    """A table whose label is pos where a is above b."""
    rng = np.random.default_rng(5)
    pairs = np.round(rng.normal(size=(rows, 2)), 3)
    lines = [f"{a},{b},{'pos' if a > b else 'neg'}" for a, b in pairs]
    return "\n".join([header, *lines] if header else lines) + "\n"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunDir:
    """A run whose table named its columns."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("nnlab.experiment.pictures.of_training", lambda *arguments: iter(()))
        return trained(tmp_path_factory.mktemp("named"), ab())


@pytest.fixture(scope="module")
def nameless(tmp_path_factory: pytest.TempPathFactory) -> RunDir:
    """A run whose table did not."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("nnlab.experiment.pictures.of_training", lambda *arguments: iter(()))
        return trained(tmp_path_factory.mktemp("nameless"), ab(header=""), target="2")


def labels(run: RunDir, path: Path) -> list[str | None]:
    return [item.label for item in predict(run, [str(path)]).items]


READ = {
    "p_ok": ("a,b\n2,-2\n-2,2\n", ["pos", "neg"]),
    "other order": ("b,a\n-2,2\n2,-2\n", ["pos", "neg"]),
    "p_extra": ("id,b,a,label\n1,-2,2,pos\n2,2,-2,neg\n", ["pos", "neg"]),
    "p_id3": ("2,-2,pos\n-2,2,neg\n", ["pos", "neg"]),
    "two columns without names": ("2,-2\n-2,2\n", ["pos", "neg"]),
    "p_semi": ("a;b\n2;-2\n", ["pos"]),
    "p_bom": ("\ufeffb,a\r\n-2,2\r\n", ["pos"]),
    "quoted": ('"a","b"\n"2","-2"\n', ["pos"]),
    "tabs": ("a\tb\n2\t-2\n", ["pos"]),
    "index": (",a,b\n0,2,-2\n1,-2,2\n", ["pos", "neg"]),
    "blank lines": ("a,b\n\n2,-2\n\n-2,2\n\n", ["pos", "neg"]),
}


@pytest.mark.parametrize("name", READ)
def test_rows_are_read_by_the_names_of_their_columns_or_else_by_position(
    run: RunDir, name: str, tmp_path: Path
) -> None:
    text, expected = READ[name]
    (tmp_path / "p.csv").write_text(text, newline="")
    assert labels(run, tmp_path / "p.csv") == expected


REFUSED = {
    "p_case": ("B,A\n-2,2\n2,-2\n", ["no column a, b", "unknown: B, A", "did you mean A for a, B for b?"]),
    "p_other": ("x,y\n-2,2\n2,-2\n", ["no column a, b", "unknown: x, y"]),
    "p_extra_case": ("id,B,A\n1,-2,2\n", ["no column a, b", "unknown: id, B, A"]),
    "p_onecol": ("a\n2\n", ["no column b", "unknown: none"]),
    "near": ("a,bb\n2,1\n", ["no column b", "did you mean bb?"]),
    "p_firstna": ("NA,2\n1,2\n-2,2\n", ["line 1", "column 0", "'NA'"]),
    "p_missing": ("a,b\n2,\n-2,2\n", ["line 2", "'b'", "empty"]),
    "p_nan": ("a,b\n2,nan\n", ["line 2", "'b'", "'nan'"]),
    "text": ("a,b\n2,two\n", ["line 2", "'b'", "'two' is no number"]),
    "infinite": ("a,b\n2,inf\n", ["line 2", "'b'"]),
    "too large": ("a,b\n1,2\n1e39,1\n", ["line 3", "'a'", "32 bits"]),
    "p_dup": ("a,b,a\n2,-2,-2\n", ["two columns are called 'a'"]),
    "p_empty": ("a,b\n", ["no data"]),
    "nothing": ("", ["empty"]),
    "four without names": ("1,2,3,4\n2,3,4,5\n", ["4 columns without names", "training had 3"]),
    "ragged": ("a,b\n1,2\n1,2,3\n", ["line 3", "3 cells"]),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_the_table_of_training_is_refused(run: RunDir, name: str, tmp_path: Path) -> None:
    text, fragments = REFUSED[name]
    (tmp_path / "p.csv").write_text(text)
    with pytest.raises(DataError) as refused:
        labels(run, tmp_path / "p.csv")
    for fragment in fragments:
        assert fragment in str(refused.value)


@pytest.mark.parametrize("name", ["t.csv", "t.tsv", "t.data", "t.txt", "t.csv.gz", "t.parquet"])
def test_the_same_kinds_of_files_are_read_as_in_training(run: RunDir, name: str, tmp_path: Path) -> None:
    path, text = tmp_path / name, ab()
    if name.endswith(".parquet"):
        pl = pytest.importorskip("polars")
        pl.read_csv(text.encode()).write_parquet(path)
    elif name.endswith(".gz"):
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text.replace(",", "\t") if name.endswith(".tsv") else text)
    found = predict(run, [str(path)])
    assert len(found.items) == 100
    assert found.metrics is not None
    assert found.metrics["accuracy"] > 0.9


@pytest.mark.parametrize(
    ("keys", "before", "after", "codec"),
    [
        (", encoding: latin-1", "a,b,label", "höhe,b,label", "latin-1"),
        (", encoding: utf-16-le", "a,b,label", "höhe,b,label", "utf-16-le"),
        (", delimiter: '^'", ",", "^", "utf-8"),
    ],
)
def test_a_file_written_as_that_of_training_is_read_with_its_keys(
    keys: str, before: str, after: str, codec: str, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "t.csv").write_bytes(ab().replace(before, after).encode(codec))
    (folder / "c.yaml").write_text(
        "model: {name: mlp-np, hidden: []}\n"
        f"dataset: {{name: csv, path: t.csv, target: label{keys}}}\ntrain: {{epochs: 40, lr: 0.5}}\n"
    )
    *_, last = experiment.train(experiment.resolve(folder / "c.yaml"), folder / "runs")
    assert isinstance(last, experiment.Finished)
    again = predict(last.run, [str(folder / "t.csv")])
    assert again.metrics is not None
    assert again.metrics["accuracy"] > 0.9
    other = tmp_path / "other.csv"  # and one that is UTF-8 and has commas
    other.write_text(ab().replace("a,b,label", "a,b,label".replace(before, after) if codec != "utf-8" else "a,b,label"))
    assert labels(last.run, other) == [item.label for item in again.items]


@pytest.mark.parametrize("name", ["asym_data.csv", "asym.data"])
def test_no_row_of_a_table_without_names_is_dropped(nameless: RunDir, name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(ab(header=""))
    found = predict(nameless, [str(tmp_path / name)])
    assert len(found.items) == 100
    assert found.metrics == pytest.approx(predict(nameless, [str(nameless.path.parents[1] / "t.csv")]).metrics)
    (tmp_path / "two.csv").write_text("2,-2\n-2,2\n")
    assert labels(nameless, tmp_path / "two.csv") == ["pos", "neg"]
    (tmp_path / "named.csv").write_text("a,b\n2,-2\n")
    with pytest.raises(DataError, match="line 1"):
        labels(nameless, tmp_path / "named.csv")


MIXED = "size,town,open,label\n" + "".join(
    f"{n % 10},{('Rome', 'Oslo')[n % 2]},{('true', 'false')[n % 3 == 0]},{'pos' if n % 10 > 4 else 'neg'}\n"
    if n % 7
    else f",{('Rome', 'Oslo')[n % 2]},true,{'pos' if n % 10 > 4 else 'neg'}\n"
    for n in range(80)
)


def test_missing_cells_are_filled_and_unseen_texts_are_none_of_the_categories_with_a_warning(tmp_path: Path) -> None:
    run = trained(tmp_path / "run", MIXED, ", missing: median")
    fill = next(c["fill"] for c in run.summary().dataset.columns if c["name"] == "size")
    (tmp_path / "p.csv").write_text(f"town,size,open\nRome,,true\nRome,{fill},true\nBonn,3,false\n")
    found = predict(run, [str(tmp_path / "p.csv")])
    assert found.items[0].probabilities == found.items[1].probabilities
    assert len(found.warnings) == 1
    assert "Bonn" in found.warnings[0]
    assert "town" in found.warnings[0]


def test_an_array_holds_what_the_columns_do_and_a_gap_is_filled(tmp_path: Path) -> None:
    lines = ["a,b,label"] + [
        f"{n % 10},{'' if n % 7 == 0 else n % 3},{'pos' if n % 10 > 4 else 'neg'}" for n in range(80)
    ]
    run = trained(tmp_path / "run", "\n".join(lines), ", missing: mean, missing_indicator: true")
    assert run.summary().dataset.features == 3
    (tmp_path / "p.csv").write_text("a,b\n7,\n2,1\n")
    table = predict(run, [str(tmp_path / "p.csv")])
    numbers = predict(run, ["7,nan", "2,1"])
    assert [item.probabilities for item in numbers.items] == [item.probabilities for item in table.items]
    scores = predict_rows(run, np.array([[7, np.nan], [2, 1]]))
    np.testing.assert_allclose(np.exp(log_softmax(scores)), [item.probabilities for item in table.items])
    with pytest.raises(DataError, match=r"this model takes \(n, 2\)"):
        predict_rows(run, np.zeros((2, 3)))
    mixed = trained(tmp_path / "mixed", MIXED, ", missing: median")
    with pytest.raises(DataError, match="not numbers alone"):
        predict_rows(mixed, np.zeros((2, 3)))
    with pytest.raises(DataError, match="not numbers alone"):
        predict(mixed, ["1,2,3"])


def test_a_pattern_means_the_files_that_fit_it(run: RunDir, tmp_path: Path) -> None:
    for name in ("p2.csv", "p1.csv"):
        (tmp_path / name).write_text("a,b\n2,-2\n")
    found = predict(run, [str(tmp_path / "p?.csv")])
    assert [Path(item.input).name for item in found.items] == ["p1.csv", "p2.csv"]
    (tmp_path / "p[1].csv").write_text("a,b\n-2,2\n")
    assert labels(run, tmp_path / "p[1].csv") == ["neg"]


def test_a_long_input_is_no_name_of_a_file(run: RunDir, cli: Cli) -> None:
    for given, said in (("1," * 400 + "1", "401 numbers given"), ("1," * 400 + "x", "neither a number nor a file")):
        done = cli("predict", run.path, given, "-o", "out.csv")
        assert done.returncode == 2
        assert said in done.stderr
        assert "Traceback" not in done.stderr


def test_targets_that_the_run_does_not_know_are_not_scored_and_said(run: RunDir, tmp_path: Path) -> None:
    for label in ("other", ""):
        (tmp_path / "p.csv").write_text(f"a,b,label\n2,-2,pos\n-2,2,{label}\n")
        found = predict(run, [str(tmp_path / "p.csv")])
        assert found.metrics is None
        assert [item.label for item in found.items] == ["pos", "neg"]
        assert "not scored: column 'label'" in found.warnings[0]


# A file of predictions


def lines_of(path: Path, delimiter: str = ",") -> list[list[str]]:
    with path.open(newline="") as file:
        return list(csv.reader(file, delimiter=delimiter))


def test_a_file_of_predictions_has_all_columns_as_they_were_and_what_is_predicted(
    run: RunDir, cli: Cli, tmp_path: Path
) -> None:
    (tmp_path / "p.csv").write_text('id,b,note,a,label\n007,-2,"x,\ny",2.50,pos\n=1+1,2, z ,-2,neg\n')
    done = cli("predict", run.path, "p.csv", "-o", "out.csv", "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert (report["rows"], report["path"], report["metrics"]["accuracy"]) == (2, "out.csv", 1)
    header, *rows = lines_of(tmp_path / "out.csv")
    assert header == ["id", "b", "note", "a", "label", "prediction", "probability neg", "probability pos"]
    assert [row[0] for row in rows] == ["007", "=1+1"]
    assert [row[3] for row in rows] == ["2.50", "-2"]
    assert [row[2] for row in rows] == ["x,\ny", " z "]
    assert [row[5] for row in rows] == ["pos", "neg"]
    alone = predict(run, [str(tmp_path / "p.csv")])
    assert [[float(cell) for cell in row[6:]] for row in rows] == [list(item.probabilities) for item in alone.items]
    again = cli("predict", run.path, "out.csv", "-o", "twice.csv")
    assert again.returncode == 0, again.stderr
    assert lines_of(tmp_path / "twice.csv")[0][-3:] == ["prediction_", "probability neg_", "probability pos_"]


def test_values_are_written_in_the_target_s_own_units(cli: Cli, tmp_path: Path) -> None:
    lines = ["a,b,y,z"] + [f"{n},{n % 7},{300_000 + 1000 * n},{n % 7}" for n in range(60)]
    (tmp_path / "t.csv").write_text("\n".join(lines) + "\n")
    several = ["prediction y", "prediction z"]
    for target, exclude, columns in (("y", "z", ["prediction"]), ("[y, z]", "", several)):
        (tmp_path / "c.yaml").write_text(
            "model: {name: mlp-np, hidden: []}\n"
            f"dataset: {{name: csv, path: t.csv, target: {target}, task: regression, exclude: [{exclude}]}}\n"
            "train: {epochs: 50, lr: 0.1}\n"
        )
        *_, last = experiment.train(experiment.resolve(tmp_path / "c.yaml"), tmp_path / "runs")
        assert isinstance(last, experiment.Finished)
        done = cli("predict", last.run.path, "t.csv", "-o", "out.tsv")
        assert done.returncode == 0, done.stderr
        header, *rows = lines_of(tmp_path / "out.tsv", "\t")
        assert header == ["a", "b", "y", "z", *columns]
        values = np.array([[float(cell) for cell in row] for row in rows])
        np.testing.assert_allclose(values[:, 4], values[:, 2], rtol=0.01)
        assert "r2" in done.stdout


def test_a_file_of_predictions_is_packed_where_its_name_says_so(run: RunDir, cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("a,b\n2,-2\n")
    for name in ("out.csv", "out.csv.gz", "again.csv.gz"):
        assert cli("predict", run.path, "p.csv", "-o", name).returncode == 0
    packed = (tmp_path / "out.csv.gz").read_bytes()
    assert gzip.decompress(packed) == (tmp_path / "out.csv").read_bytes()
    assert packed == (tmp_path / "again.csv.gz").read_bytes()


def test_predictions_go_to_stdout_where_that_is_asked_for(run: RunDir, cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("a,b\n2,-2\n")
    done = cli("predict", run.path, "p.csv", "-o", "-")
    assert done.stdout.splitlines()[0] == "a,b,prediction,probability neg,probability pos"
    np.save(tmp_path / "x.npy", np.array([[2, -2], [-2, 2]]))
    done = cli("predict", run.path, "x.npy", "-o", "-")
    assert [line.split(",")[:2] for line in done.stdout.splitlines()] == [
        ["input", "prediction"],
        ["x.npy:1", "pos"],
        ["x.npy:2", "neg"],
    ]


@pytest.mark.parametrize(
    ("output", "inputs", "said"),
    [
        ("p.csv", ["p.csv"], "is one of the inputs"),
        ("./p.csv", ["p.csv"], "is one of the inputs"),
        ("link.csv", ["p.csv"], "is one of the inputs"),
        ("p.csv", ["*.csv"], "is one of the inputs"),
        ("out.txt", ["p.csv"], ".csv, .tsv"),
        ("nowhere/out.csv", ["p.csv"], "cannot be written"),
        ("out.csv", ["p.csv", "bad.csv"], "line 3"),
        ("out.csv", ["p.csv", "gone.csv"], "neither a number nor a file"),
        ("out.csv", ["p.csv", "1,2"], "are not those of the inputs before"),
    ],
)
def test_a_file_of_predictions_appears_whole_or_not_at_all(
    run: RunDir, cli: Cli, tmp_path: Path, output: str, inputs: list[str], said: str
) -> None:
    (tmp_path / "p.csv").write_text("a,b\n2,-2\n")
    (tmp_path / "bad.csv").write_text("a,b\n2,-2\n1,x\n")
    (tmp_path / "link.csv").symlink_to("p.csv")
    before = {path.name for path in tmp_path.iterdir()}
    done = cli("predict", run.path, *inputs, "-o", output)
    assert done.returncode == 2
    assert said in done.stderr
    assert {path.name for path in tmp_path.iterdir()} == before
    assert (tmp_path / "p.csv").read_text() == "a,b\n2,-2\n"


MEASURE = """
import resource, sys
from pathlib import Path
from nnlab.experiment import Predictor
from nnlab.rundir import RunDir

run, *files = sys.argv[1:]
for file in files:
    count = sum(len(some) for some in Predictor(RunDir(Path(run))).lines([file]))
    print(count, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def test_memory_does_not_grow_with_the_rows(run: RunDir, tmp_path: Path) -> None:
    """What a process takes for three times as many rows is what it took for some already."""
    for name, rows in (("few", 150_000), ("many", 450_000)):
        with (tmp_path / f"{name}.csv").open("w") as file:
            file.write("a,b,label\n")
            for n in range(0, rows, 1000):
                file.write("".join(f"{k / 7},{k % 13},pos\n" for k in range(n, n + 1000)))
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(run.path), str(tmp_path / "few.csv"), str(tmp_path / "many.csv")],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ,
    )
    (few, before), (many, after) = ([int(n) for n in line.split()] for line in done.stdout.splitlines())
    assert (few, many) == (150_001, 450_001)
    assert after - before < 20_000  # KiB; the rows more are 60 MB as text alone in Python


@pytest.mark.parametrize("task", [Classification(), Regression(3)], ids=["classes", "values"])
def test_scores_of_parts_are_those_of_the_whole(task: Task) -> None:
    rng = np.random.default_rng(0)
    scores = rng.normal(1e3, 1, (1000, 3))
    targets = rng.integers(0, 3, 1000) if task == Classification() else scores + rng.normal(0, 0.3, (1000, 3))
    tally = Tally(task)
    assert tally.metrics() is None
    for start, stop in ((0, 1), (1, 400), (400, 1000)):
        tally.add(scores[start:stop], targets[start:stop])
    assert tally.metrics() == pytest.approx(tally.task.measure(scores, targets), rel=1e-9)


def test_a_column_of_true_and_false_takes_no_other_number(tmp_path: Path) -> None:
    rows = ab().splitlines()
    table = "\n".join(["c," + rows[0], *(f"{('true', 'false')[n % 2]},{row}" for n, row in enumerate(rows[1:]))])
    run = trained(tmp_path / "run", table + "\n")
    (tmp_path / "p.csv").write_text("c,a,b\nTRUE,2,-2\n0,-2,2\n")
    assert labels(run, tmp_path / "p.csv") == ["pos", "neg"]
    (tmp_path / "p.csv").write_text("c,a,b\n1,2,-2\n7,-2,2\n")
    with pytest.raises(DataError, match="line 3, column 'c': '7' is neither true nor false"):
        labels(run, tmp_path / "p.csv")
