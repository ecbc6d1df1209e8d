"""Reliability: a quick round of each part of the proof, and how what was found is told."""

import sys
from importlib import import_module
from pathlib import Path

import pytest

from tests.reliability import report
from tests.reliability.finding import Finding

MEASURE_TIME = ("cost", "signals")
"""Parts that hold or not by how long something takes, which a test must not depend on."""
MACHINE = {
    "date": "2026-11-23",
    "cpu": "a processor",
    "cores": 2,
    "system": "Linux",
    "python": "Python 3.11.7",
    "packages": {"numpy": "2.4.6", "pydantic": "2.7"},
}


@pytest.mark.skipif(sys.platform == "win32", reason="pipes, alarms and the like")
@pytest.mark.parametrize("part", [part for part in report.parts() if part not in MEASURE_TIME])
def test_a_quick_round_holds(part: str, tmp_path: Path) -> None:
    finding = import_module(f"tests.reliability.{part}").measure(False, tmp_path)
    assert finding.met, report.text(part, finding, 0)


def test_what_did_not_hold_is_told_on_the_screen_and_on_the_page() -> None:
    held = Finding("all well", "10 of 10", notes=["5 | 5"])
    missed = Finding("no losses", "2 lost", failures=[f"number {n}" for n in range(25)])
    text = report.text("kills", missed, 3.2)
    assert text.startswith("kills: DID NOT HOLD (3 s)\n  goal: no losses\n  found: 2 lost\n  failure: number 0\n")
    assert text.endswith("number 19\n  and 5 more failures")
    found = {name: {"machine": MACHINE, "seconds": 3, "finding": vars(f)} for name, f in (("a", held), ("b", missed))}
    page = report.page(found)
    assert "| a | all well | 10 of 10 | yes |\n| b | no losses | 2 lost | **no** |" in page
    assert "2026-11-23: a processor, 2 cores, Linux; Python 3.11.7, numpy 2.4.6.\n\n|" in page
    assert "- 5 \\| 5\n" in page
