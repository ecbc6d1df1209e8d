"""Marks: what a reader should know of a run stands beside its scores in every table."""

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import pytest

from nnlab import comparison
from nnlab.comparison import Entry, Row, overview
from nnlab.comparison.listing import as_json, as_text
from nnlab.present.values import Format
from nnlab.report.compared import result
from tests.run_fixtures import forge

MARK = "worse than <i>its</i> baseline"


@pytest.fixture
def marked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every run with an accuracy of less than a half gets a mark."""
    from nnlab.comparison import groups

    read = groups.read_row

    def read_marked(*given: object, **keys: object) -> Row:
        row = read(*given, **keys)
        return replace(row, marks=(MARK,)) if row.values.get("test_accuracy", 1) < 0.5 else row

    monkeypatch.setattr(groups, "read_row", read_marked)
    monkeypatch.setattr(comparison, "read_row", read_marked)


def test_an_entry_has_the_marks_of_its_runs_and_says_of_how_many(tmp_path: Path):
    rows = [comparison.read_row(forge(tmp_path, name)) for name in "abc"]
    marked = [replace(row, marks=("one", *marks)) for row, marks in zip(rows, [("two",), ("two",), ()], strict=True)]
    assert Entry(tuple(marked)).marks == ["one", "two (2 of 3 runs)"]
    assert Entry(tuple(rows)).marks == []
    assert Entry((marked[0],)).marks == ["one", "two"]


def test_marks_are_shown_in_every_form(tmp_path: Path, marked: None):
    bad, fine = forge(tmp_path, "bad", test=0.2), forge(tmp_path, "fine", lr=0.5)
    found = comparison.compare([bad, fine])
    (group,) = as_json(found)["groups"]
    assert [entry["marks"] for entry in group["entries"]] == [[], [MARK]]
    assert [run["marks"] for run in group["runs"]] == [[], [MARK]]
    rows = list(csv.DictReader(io.StringIO(as_text(found, Format.csv))))
    assert [row["marks"] for row in rows] == ["", MARK]
    assert r"worse than \<i\>its\</i\> baseline |" in as_text(found, Format.md)
    assert rf"& {MARK} \\" in as_text(found, Format.latex)
    for html in (overview.page(found), result(found.groups[0])):
        assert "worse than &lt;i&gt;its&lt;/i&gt; baseline" in html
        assert ">marks</th>" in html
    unmarked = comparison.compare([fine])
    for text in (
        overview.page(unmarked),
        *(as_text(unmarked, form) for form in (Format.md, Format.latex)),
    ):
        assert "marks" not in text


def test_the_commands_show_them(tmp_path: Path, marked: None, capsys: pytest.CaptureFixture[str]):
    from nnlab.cli.compare import compare
    from nnlab.cli.runs import list_runs
    from nnlab.cli.show import show

    for seed in range(2):
        forge(tmp_path, f"20260101-000000-x-digits-seed{seed}", test=0.2 + 0.4 * seed, seed=seed)
    said = f"20260101-000000-x-digits: {MARK} (1 of 2 runs)"
    compare(runs_dir=tmp_path)
    assert said in capsys.readouterr().out.splitlines()
    list_runs(runs_dir=tmp_path)
    assert said in capsys.readouterr().out.splitlines()
    show("0101", runs_dir=tmp_path)
    assert f"{MARK} (1 of 2 runs)" in capsys.readouterr().out.splitlines()
    list_runs(runs_dir=tmp_path, json=True)
    assert [run["marks"] for run in json.loads(capsys.readouterr().out)] == [[MARK], []]
