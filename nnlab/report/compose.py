"""Compose: runs as one page to hand in: what was compared, the result, the curves, the errors, what was learnt."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from nnlab.comparison import Comparison, Group, compare
from nnlab.dataset import Dataset, Progress, quiet
from nnlab.errors import NnlabError
from nnlab.experiment.loading import load_same_dataset
from nnlab.experiment.resolving import config_of
from nnlab.present.html import Html, element, join
from nnlab.report import provenance
from nnlab.report.chapter import chapter
from nnlab.report.labels import labels_of
from nnlab.report.page import page
from nnlab.rundir import RunDir

ROOM = 640_000
"""Bytes for pictures and frames, of all runs together: with the rest the page stays under a megabyte."""
MOST_ROOM = 220_000
"""Of one run."""
MOST_PANELS = 10
"""Runs that are looked at one by one."""


def report(runs: Sequence[RunDir], progress: Progress = quiet) -> tuple[bytes, list[str]]:
    """The runs as one page of UTF-8 HTML, and warnings of what is missing in it.

    Runs on other data get a part of their own; what cannot be read is told in its place.

    The data is loaded for the pictures of the worst examples, and where it cannot be had the page says so.
    Raises RunError where no run can be read.
    """
    comparison = compare(runs)
    warnings = list(comparison.warnings)
    shares = _shares(comparison)
    room = min(MOST_ROOM, ROOM // max(1, sum(shares)))
    parts, data = list[Html](), list[dict[str, Any]]()
    for number, (group, detailed) in enumerate(zip(comparison.groups, shares, strict=True)):
        dataset, reason = _data_of(group, progress) if detailed else (None, "")
        if reason:
            warnings.append(f"inputs cannot be shown: {reason}")
        part, drawn, warned = chapter(group, number, dataset, reason, detailed, room)
        parts.append(part)
        data.append(drawn)
        warnings += warned
    text = page(_title(comparison), _lead(comparison), [*parts, _end(comparison)], data)
    return text.encode(errors="replace"), warnings


def _shares(comparison: Comparison) -> list[int]:
    """How many entries of each group are looked at one by one, the groups in turn."""
    shares, left = [0] * len(comparison.groups), MOST_PANELS
    while left and any(share < len(group.entries) for share, group in zip(shares, comparison.groups, strict=True)):
        for number, group in enumerate(comparison.groups):
            if left and shares[number] < len(group.entries):
                shares[number], left = shares[number] + 1, left - 1
    return shares


def _data_of(group: Group, progress: Progress) -> tuple[Dataset | None, str]:
    """The group's examples, by the config of the run that comes first in it; or why they are not here."""
    row = group.rows[0]
    try:
        return load_same_dataset(row.run, config_of(row.run), row.summary, progress), ""
    except NnlabError as error:
        return None, error.message


def _title(comparison: Comparison) -> str:
    groups = comparison.groups
    if len(groups) == len(groups[0].entries) == 1:
        return labels_of(groups[0])[0]
    *names, last = dict.fromkeys(group.data.dataset for group in groups)
    return f"Runs compared on {', '.join(names)}{' and ' if names else ''}{last}"


def _lead(comparison: Comparison) -> Html:
    rows = [row for group in comparison.groups for row in group.rows]
    links = [
        element("li", element("a", group.data.dataset, href=f"#group-{number}"))
        for number, group in enumerate(comparison.groups)
    ]
    links.append(element("li", element("a", "Runs and environment", href="#environment")))
    made = f"{len(rows)} run{'s' * (len(rows) > 1)}; {datetime.now():%Y-%m-%d %H:%M}"
    apart = "Runs on other data are not compared with each other." if len(comparison.groups) > 1 else ""
    contents = element("nav", element("ul", *links), aria_label="Contents")
    return join([element("p", f"{made}. {apart}".strip(), class_="quiet"), contents])


def _end(comparison: Comparison) -> Html:
    rows = [row for group in comparison.groups for row in group.rows]
    title = element("h2", "Runs and environment", id="environment")
    return element(
        "section", title, provenance.runs(rows), provenance.environments(rows), aria_labelledby="environment"
    )
