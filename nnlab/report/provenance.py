"""Provenance: every run by itself, and what the runs were made with."""

from collections.abc import Sequence

from nnlab import environment
from nnlab.comparison import Row
from nnlab.errors import RunError
from nnlab.present.html import Html, as_table, element, join
from nnlab.present.values import Listing
from nnlab.report.numbers import count, seconds


def runs(rows: Sequence[Row]) -> Html:
    """Where the numbers come from."""
    head = ["run", "seed", "started", "steps", "epochs", "parameters", "time", "status"]
    caption = "Every run; nnlab reproduce RUN trains one again and says whether its numbers come out."
    return as_table(Listing(head, [_run(row) for row in rows], caption), "numbers")


def _run(row: Row) -> list[str]:
    found = row.summary
    started = (found.started or "–")[:19].replace("T", " ")
    counts = [count(number) for number in (found.steps, found.epochs, found.parameters)]
    return [row.name, row.config.get("seed", "–"), started, *counts, seconds(row.seconds), row.status]


def environments(rows: Sequence[Row]) -> Html:
    """What all runs share, and in which of the rest they differ."""
    described = {row.name: _environment(row) for row in rows}
    keys = list(dict.fromkeys(key for found in described.values() for key in found))
    texts = {key: [found.get(key, "–") for found in described.values()] for key in keys}
    same = [[key, texts[key][0]] for key in keys if len(set(texts[key])) == 1]
    apart = [key for key in keys if len(set(texts[key])) > 1]
    shared = as_table(
        Listing(["what", "value"], same, "As the runs recorded it." if not apart else "What all runs share.")
    )
    if not apart:
        return shared
    lines = [[name, *(found.get(key, "–") for key in apart)] for name, found in described.items()]
    return join(
        [
            as_table(Listing(["run", *apart], lines, "In what their environments differ.")),
            shared if same else element("p"),
        ]
    )


def _environment(row: Row) -> dict[str, str]:
    """env.json by dotted key; that there is none is told too."""
    try:
        found = environment.flat(row.run.environment.read())
        return {key: "–" if value is None else str(value) for key, value in found.items()} or {"env.json": "empty"}
    except RunError:
        return {"env.json": "missing or damaged"}
