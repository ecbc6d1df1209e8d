"""Tables to hand in: Markdown, CSV and LaTeX with the best in bold, and nothing in a name that could spoil them."""

import csv
import io
from pathlib import Path

import pytest

from nnlab import comparison
from nnlab.comparison.listing import as_text
from nnlab.present.values import Format
from nnlab.rundir import RunDir
from tests.conftest import Cli
from tests.run_fixtures import bad, forge, good

BASELINES = {"majority class": {"test": {"loss": 0.4, "accuracy": 0.1}}}


@pytest.fixture
def found(tmp_path: Path) -> comparison.Comparison:
    """Two configs, one of them with three seeds, a baseline, and a run on other data."""
    runs = [forge(tmp_path, f"20260101-000000-a-seed{seed}", seed=seed, test=0.9 + seed / 100) for seed in range(3)]
    runs.append(forge(tmp_path, "b_&%", lr=0.5, test=0.5, loss=0.25))
    runs.append(forge(tmp_path, "c", task="regression", sha256="c" * 64, test=0.125))
    summary = runs[0].summary().to_json()
    runs[0].json.write({**summary, "baselines": BASELINES})
    runs[0].write_manifest()
    return comparison.compare(runs)


def test_markdown_has_the_best_of_each_column_in_bold(found: comparison.Comparison):
    lines = as_text(found, Format.md).splitlines()
    head, rule, first, second, baseline = [line.strip("| ").split(" | ") for line in lines[2:7]]
    assert head[:5] == ["run", "train.lr", "seed", "test accuracy", "test loss"]
    assert rule[:4] == ["---", "---", "---", "---:"]
    assert first[:3] == ["20260101-000000-a", "0.1", "0-2"]
    assert first[3] == r"**91.00 ± 1.00 % \(n=3\)**"
    assert second[0] == r"b\_&%"
    assert second[3:5] == ["50.00 %", "**0.25**"]
    assert baseline[0] == "majority class"
    assert baseline[3] == "10.00 %"
    assert sum("test loss" in line for line in lines) == 2  # a table for each data


def test_csv_is_one_table_of_numbers(found: comparison.Comparison):
    rows = list(csv.DictReader(io.StringIO(as_text(found, Format.csv))))
    assert [row["name"] for row in rows] == ["20260101-000000-a", "b_&%", "majority class", "c"]
    assert float(rows[0]["test_accuracy"]) == pytest.approx(0.91)
    assert float(rows[0]["test_accuracy_sd"]) == pytest.approx(0.01)
    assert (rows[0]["n"], rows[1]["n"], rows[1]["test_accuracy_sd"]) == ("3", "1", "")
    assert (rows[2]["status"], rows[3]["test_accuracy"], rows[3]["test_loss"]) == ("baseline", "", "0.125")


def test_latex_is_a_tabular_with_everything_escaped(found: comparison.Comparison):
    text = as_text(found, Format.latex)
    assert text.count(r"\begin{tabular}{lllrrrrr}") == 1
    assert r"\textbf{91.00 $\pm$ 1.00 \% (n=3)}" in text
    assert r"b\_\&\%" in text
    assert all(line.endswith(r"\\") for line in text.splitlines() if " & " in line)


def renamed(run: RunDir, data: str) -> RunDir:
    """The run, on data of this name as its run.json says."""
    summary = run.summary().to_json()
    summary["dataset"]["name"] = data
    run.json.write(summary)
    return run


@pytest.mark.parametrize("form", list(Format))
def test_no_name_breaks_out_of_its_cell(tmp_path: Path, form: Format):
    odd = "a|b`*_<i>\\\n\x1b[31m$x$ #{}~^&%"
    run = renamed(forge(tmp_path, "plain"), odd)
    text = as_text(comparison.compare([run]), form)
    assert "\x1b" not in text
    if form is Format.csv:
        assert len(list(csv.reader(io.StringIO(text)))) == 2
    else:
        plain = as_text(comparison.compare([renamed(run, "digits")]), form)
        assert len(text.splitlines()) == len(plain.splitlines())
        assert (r"\|" in text) == (form is Format.md)


def test_a_spreadsheet_takes_no_name_for_a_formula(tmp_path: Path):
    run = renamed(forge(tmp_path, "a"), "=HYPERLINK(1)")
    assert "'=HYPERLINK" in as_text(comparison.compare([run]), Format.csv)


def test_the_command_prints_each_format_alone(cli: Cli, tmp_path: Path):
    forge(tmp_path / "runs", "20260101-000000-a")
    for form, start in (("md", "**digits"), ("csv", "dataset,"), ("latex", "% digits"), ("json", "{")):
        printed = good(cli("compare", "--format", form))
        assert printed.stdout.startswith(start)
        assert printed.stderr == ""
    bad(cli("compare", "--format", "md", "--json"), 2, "two formats")
    bad(cli("compare", "--format", "html"), 2, "html")
