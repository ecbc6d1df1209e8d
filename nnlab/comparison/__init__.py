"""Comparison: runs side by side, from their directories alone."""

from nnlab.comparison.comparable import why_not
from nnlab.comparison.curves import columns_of, overlay, pictures
from nnlab.comparison.entries import Entry, Spread, fold
from nnlab.comparison.groups import Comparison, Group, compare
from nnlab.comparison.page import page
from nnlab.comparison.predictions import Predicted, read_predictions
from nnlab.comparison.rows import CHOSEN_BY_TEST, Data, Row, read_row
from nnlab.comparison.select import select
from nnlab.comparison.significance import Contrast, Verdict, judge, sides
from nnlab.comparison.significance import as_json as verdict_as_json
from nnlab.comparison.tables import BASELINE, Format, as_json, as_text, best_of, lines_of

__all__ = [
    "BASELINE",
    "CHOSEN_BY_TEST",
    "Comparison",
    "Contrast",
    "Data",
    "Entry",
    "Format",
    "Group",
    "Predicted",
    "Row",
    "Spread",
    "Verdict",
    "as_json",
    "as_text",
    "best_of",
    "columns_of",
    "compare",
    "fold",
    "judge",
    "lines_of",
    "overlay",
    "page",
    "pictures",
    "read_predictions",
    "read_row",
    "select",
    "sides",
    "verdict_as_json",
    "why_not",
]
