"""Findings: what a command ends in by what was found, by one rule."""

from itertools import combinations
from typing import get_args

import pytest

from nnlab.cli.findings import as_json
from nnlab.errors import NnlabError
from nnlab.finding import ENDS, Finding, Outcome, conclude, subjects, worst

CODES = {"wrong": 3, "not checked": 2, "warning": 0, "untold": 0, "ok": 0}
"""What each outcome ends in, the worst first."""
SAID = {3: "wrong", 2: "missing"}


def code(*outcomes: Outcome) -> int:
    """The exit code of a command that found these."""
    try:
        conclude([Finding("it", outcome) for outcome in outcomes], wrong=("wrong", ""), not_checked=("missing", ""))
    except NnlabError as error:
        return error.exit_code if error.message == SAID[error.exit_code] else -1
    return 0


def test_every_outcome_has_its_place_in_the_rule() -> None:
    assert list(get_args(Outcome)) == list(ENDS) == list(CODES)
    assert code() == 0


@pytest.mark.parametrize("outcome", CODES)
def test_every_outcome_leads_to_its_exit_code(outcome: Outcome) -> None:
    assert code(outcome) == CODES[outcome]


@pytest.mark.parametrize(("worse", "better"), [*combinations(CODES, 2)])
def test_the_worst_outcome_decides(worse: Outcome, better: Outcome) -> None:
    assert worst([Finding("a", better), Finding("b", worse)]) == worse
    assert code(better, worse) == code(worse, better) == CODES[worse]


def test_subjects_are_named_once_and_in_their_order() -> None:
    found = [Finding("b", "wrong"), Finding("a", "wrong"), Finding("c", "ok"), Finding("b", "wrong")]
    assert subjects(found, "wrong") == ["b", "a"]


@pytest.mark.parametrize(
    ("outcome", "held", "possible", "word"),
    [
        ("wrong", False, True, "WRONG"),
        ("not checked", None, True, "not checked"),
        ("warning", None, True, "warning"),
        ("untold", None, False, "not checked"),
        ("ok", True, True, "ok"),
    ],
)
def test_a_document_has_an_outcome_in_its_own_words(
    outcome: Outcome, held: bool | None, possible: bool, word: str
) -> None:
    finding = Finding("it", outcome, values={"rows": 3})
    found = as_json(finding, held="held", possible="possible", verdict="shown", examples="rows")
    assert found == {"held": held, "possible": possible, "verdict": word, "examples": 3}
