"""Two runs side by side: what differs, what may be compared, and one sentence that says it."""

import json
from pathlib import Path

import pytest

from nnlab import comparison
from nnlab.comparison.diff import diff_as_json
from nnlab.rundir import RunDir
from tests.conftest import Cli
from tests.run_fixtures import forge

HERE = {
    "python": "3.13.1",
    "machine": "x86_64",
    "packages": {"numpy": "2.3.1", "torch": "2.9.0"},
    "cpu": "a processor",
    "threads": 1,
    "device": "cpu",
    "gpu": None,
    "git": {"commit": "c" * 40, "dirty": False},
}


def run(folder: Path, name: str, env=HERE, **keys) -> RunDir:
    """A forged run with an env.json; None leaves that out."""
    made = forge(folder, name, **keys)
    if env is not None:
        (made.path / "env.json").write_text(json.dumps(env))
    return made


def sections(found):
    return {name: list(changes) for name, changes in found.sections.items()}


def edit(made: RunDir, change) -> None:
    """Change run.json by hand."""
    summary = json.loads((made.path / "run.json").read_text())
    change(summary)
    (made.path / "run.json").write_text(json.dumps(summary))


def test_one_key_that_differs_is_named_and_the_scores_are_judged(tmp_path):
    found = comparison.diff(run(tmp_path, "a", test=0.9, loss=0.5), run(tmp_path, "b", lr=0.2, test=0.92, loss=0.6))
    assert found.sentence == "only train.lr differs"
    assert sections(found) == {"config": ["train.lr"], "data": [], "code": [], "packages": [], "hardware": []}
    assert found.sections["config"] == {"train.lr": ("0.1", "0.2")}
    better = {(score.split, score.metric): score.better for score in found.scores}
    assert better[("test", "accuracy")] is True
    assert better[("test", "loss")] is False
    assert found.scores[0].difference == pytest.approx(0.02)


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ({}, "nothing differs"),
        ({"test": 0.8}, "nothing differs, and yet the scores do"),
        ({"lr": 0.2, "seed": 1}, "train.lr and seed differ"),
        ({"threads": 2}, "only threads differs"),
        ({"model": "nn2-np"}, "only model differs"),
        ({"sha256": "b" * 64}, "not comparable: other data: the SHA-256 of digits differs"),
        ({"data": "mnist"}, "not comparable: other data: digits and mnist"),
        ({"task": "regression", "data": "mnist"}, "not comparable: other task: classification and regression"),
    ],
)
def test_one_sentence_says_what_differs(tmp_path, keys, sentence):
    found = comparison.diff(run(tmp_path, "a"), run(tmp_path, "b", **keys))
    assert found.sentence.startswith(sentence)
    assert found.sentence == sentence or keys.get("task")


def test_another_test_split_of_the_same_data_is_not_comparable(tmp_path):
    runs = run(tmp_path, "a"), run(tmp_path, "b")
    edit(runs[1], lambda summary: summary["dataset"].update(test=30))
    found = comparison.diff(*runs)
    assert found.sentence.startswith("not comparable: other test split")
    assert sections(found)["data"] == ["data.test"]
    assert diff_as_json(found)["scores"][0]["better"] is None


def test_many_keys_are_counted(tmp_path):
    runs = run(tmp_path, "a"), run(tmp_path, "b")
    config = runs[1].path / "config.yaml"
    config.write_text(config.read_text() + "".join(f"key{number}: 1\n" for number in range(9)))
    assert comparison.diff(*runs).sentence == "key0, key1, key2, key3 and 5 more keys differ"


def test_code_packages_and_hardware_are_told_apart(tmp_path):
    there = {**HERE, "cpu": "another", "packages": {"numpy": "2.4.0"}, "git": {"commit": "d" * 40, "dirty": True}}
    first = run(tmp_path, "a")
    found = comparison.diff(first, run(tmp_path, "b", there))
    assert sections(found)["code"] == ["git.commit", "git.dirty"]
    assert sections(found)["packages"] == ["packages.numpy", "packages.torch"]
    assert sections(found)["hardware"] == ["cpu"]
    others = "the code, the packages and the hardware differ"
    assert found.sentence == f"the config is the same; {others}"
    found = comparison.diff(first, run(tmp_path, "c", there, lr=0.2, test=0.1))
    assert found.sentence == f"only train.lr differs in the config; {others} too"
    found = comparison.diff(first, run(tmp_path, "d", {**HERE, "cpu": "another"}, test=0.1))
    assert found.sentence == "the config is the same; only the hardware differs, and so do the scores"


def test_what_is_not_known_is_said(tmp_path):
    dirty = {**HERE, "git": {"commit": "c" * 40, "dirty": True}}
    found = comparison.diff(run(tmp_path, "a", dirty), run(tmp_path, "b", dirty))
    assert (found.sections["code"], "uncommitted" in found.unknown["code"]) == ({}, True)
    nowhere = {**HERE, "git": None}
    found = comparison.diff(run(tmp_path, "c", nowhere), run(tmp_path, "d", nowhere))
    assert found.unknown == {"code": "neither run was started in a git repository"}
    found = comparison.diff(run(tmp_path, "e", None), run(tmp_path, "f"))
    assert ["env.json" in found.unknown.get(name, "") for name in found.sections] == [False, False, True, True, True]


def test_a_run_without_scores_is_shown_without(tmp_path):
    found = comparison.diff(run(tmp_path, "a"), run(tmp_path, "b", test=None, status="failed", seconds=None))
    assert {score.b for score in found.scores} == {None}
    assert {score.better for score in found.scores} == {None}


def test_a_run_and_itself_are_one(tmp_path):
    one = run(tmp_path, "a")
    assert comparison.diff(one, RunDir(tmp_path / "." / "a")).sentence == "A and B are one run"


def test_the_command_shows_it_on_one_screen_and_escapes_what_files_say(cli: Cli, tmp_path: Path) -> None:
    run(tmp_path / "runs", "first")
    run(tmp_path / "runs", "second", {**HERE, "cpu": "\x1b[31mred"}, lr=0.2, test=0.95)
    done = cli("diff", "first", "latest")
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) < 30
    assert "+5.00 points   ↑ better" in done.stdout
    assert "packages: the same" in done.stdout
    assert "\x1b" not in done.stdout
    assert done.stdout.rstrip().endswith("only train.lr differs in the config; the hardware differs too")


def test_the_command_prints_one_document_and_ends_in_2_for_a_run_that_is_not_there(cli: Cli, tmp_path: Path) -> None:
    run(tmp_path / "runs", "first")
    run(tmp_path / "runs", "second", sha256="b" * 64)
    document = json.loads(cli("diff", "first", "second", "--json").stdout)
    assert set(document) == {"a", "b", "sections", "scores", "comparable", "why_not", "sentence"}
    assert (document["comparable"], document["sentence"]) == (False, f"not comparable: {document['why_not']}")
    done = cli("diff", "first", "third")
    assert (done.returncode, done.stdout) == (2, "")


def test_other_training_examples_are_a_difference_of_data(tmp_path):
    a, b = run(tmp_path, "a"), run(tmp_path, "b")
    hashes = {"train": "1" * 64, "val": None, "test": "2" * 64}
    edit(a, lambda summary: summary["dataset"].update(examples=hashes))
    assert sections(comparison.diff(a, b))["data"] == []  # b keeps no hashes
    edit(b, lambda summary: summary["dataset"].update(examples={**hashes, "train": "3" * 64}))
    found = comparison.diff(a, b)
    assert sections(found)["data"] == ["data.train.sha256"]
    assert found.incomparable is None
    assert found.sentence.startswith("the config is the same; only the data differs")
    edit(b, lambda summary: summary["dataset"]["examples"].update(test="4" * 64))
    assert "other test examples" in comparison.diff(a, b).sentence
