"""The eval command: the numbers of run.json again, bit for bit, and what it refuses."""

import json
import re
from pathlib import Path

import numpy as np

from tests.run_fixtures import bad, good, the_run


def test_eval_gives_the_numbers_of_run_json_bit_for_bit(here, cli):
    run = the_run(here)
    before = {path.relative_to(run): path.read_bytes() for path in run.rglob("*") if path.is_file()}
    recorded = json.loads((run / "run.json").read_text())["metrics"]
    for split in ("train", "test"):
        found = good(cli("eval", "latest", "--split", split, "--json"))
        assert found.stderr == ""
        report = json.loads(found.stdout)
        assert report["metrics"] == report["recorded"] == recorded[split]
        assert Path(here, report["picture"]).read_bytes().startswith(b"\x89PNG")
        matrix = np.array(report["confusion"])
        assert matrix.sum() == {"train": 1438, "test": 359}[split]
        assert matrix.trace() / matrix.sum() == report["metrics"]["accuracy"]
        assert [row["count"] for row in report["classes"]] == matrix.sum(axis=1).tolist()
        assert {"name", "precision", "recall", "f1", "count"} == set(report["classes"][0])
    assert {name: (run / name).read_bytes() for name in before} == before


def test_eval_prints_scores_of_each_class_and_the_confusion_matrix(here, cli):
    found = good(cli("eval", "digits"))
    assert found.stderr == ""
    assert re.search(r"class +precision +recall +F1 +examples", found.stdout)
    assert re.search(r"true \\ predicted +0 +1 +2", found.stdout)
    assert found.stdout.rstrip().endswith("confusion-test.png")


def test_eval_says_where_its_numbers_are_others_and_refuses_data_and_files_that_changed(here, cli):
    bad(cli("eval", "latest", "--split", "val"), 2, "has no val split", "train, test")
    bad(cli("eval", "latest", "--split", "vla"), 2, "--split")
    run = the_run(here)
    summary = json.loads((run / "run.json").read_text())
    summary["metrics"]["test"]["loss"] += 1e-9
    (run / "run.json").write_text(json.dumps(summary))
    assert "warning: these numbers differ" in good(cli("eval", "latest")).stderr
    summary["dataset"]["sha256"] = "0" * 64
    (run / "run.json").write_text(json.dumps(summary))
    bad(cli("eval", "latest"), 2, "not what this run was trained on")
    (run / "weights.safetensors").write_bytes(b"damaged")
    bad(cli("eval", "latest"), 2, "weights.safetensors", "not a safetensors file")
    (run / "run.json").write_text("{")
    bad(cli("eval", "latest"), 2, "run.json", "not valid JSON")
