"""Comparison: runs side by side, from their directories alone."""

from nnlab.comparison.comparable import why_not
from nnlab.comparison.curves import overlay, pictures
from nnlab.comparison.diff import Change, Diff, Score, Section, diff, diff_as_json
from nnlab.comparison.entries import Entry, Spread, fold
from nnlab.comparison.groups import Comparison, Group, compare, read_rows
from nnlab.comparison.predictions import Predicted, read_predictions
from nnlab.comparison.rows import CHOSEN_BY_TEST, Data, Row, read_row
from nnlab.comparison.select import select
from nnlab.comparison.several import Verdicts, judge_all, sides
from nnlab.comparison.several import as_json as verdicts_as_json
from nnlab.comparison.significance import Contrast, Verdict, judge
from nnlab.comparison.significance import as_json as verdict_as_json
from nnlab.comparison.tables import BASELINE, Format, as_json, as_text, best_of, lines_of

__all__ = [
    "BASELINE",
    "CHOSEN_BY_TEST",
    "Change",
    "Comparison",
    "Contrast",
    "Data",
    "Diff",
    "Entry",
    "Format",
    "Group",
    "Predicted",
    "Row",
    "Score",
    "Section",
    "Spread",
    "Verdict",
    "Verdicts",
    "as_json",
    "as_text",
    "best_of",
    "compare",
    "diff",
    "diff_as_json",
    "fold",
    "judge",
    "judge_all",
    "lines_of",
    "overlay",
    "pictures",
    "read_predictions",
    "read_row",
    "read_rows",
    "select",
    "sides",
    "verdict_as_json",
    "verdicts_as_json",
    "why_not",
]
