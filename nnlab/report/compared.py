"""Compared: what was compared with which result, and how the configs differ."""

from nnlab.comparison import Group
from nnlab.comparison.entries import Spread
from nnlab.comparison.listing import BASELINE, best_of, lines_of
from nnlab.metrics import shown_spread
from nnlab.present.html import Html, as_table, cut, element, join
from nnlab.present.values import Listing
from nnlab.report.labels import labels_of, swatch
from nnlab.report.numbers import seconds


def result(group: Group) -> Html:
    """The entries, best first, and under them the baselines, or under each its own; the best of a column stands out."""
    lines, labels = lines_of(group), labels_of(group)
    ranked = [line for line in lines if line.status != BASELINE]
    best = {column: best_of(ranked, column) for column in group.columns} if len(ranked) > 1 else {}
    seeds = [len(entry.rows) for entry in group.entries]
    several, marked = ["seeds"] * (max(seeds) > 1), ["marks"] * any(line.marks for line in lines)
    rows, faint, strong = list[list[object]](), set(), set()
    for number, line in enumerate(lines):
        if line.status == BASELINE:
            faint.add(number)
            head = [line.name, *["–"] * len(several)]
        else:
            place = number - len(faint)
            head = [join([swatch(place), labels[place]]), *[str(seeds[place])] * len(several)]
            leading = [c in best and c in line.values and line.values[c].mean == best[c] for c in group.columns]
            strong |= {(number, len(head) + at) for at, leads in enumerate(leading) if leads}
        numbers = [shown(column, line.values.get(column)) for column in group.columns]
        rows.append([*head, *numbers, seconds(line.seconds), line.status, *["; ".join(line.marks)] * len(marked)])
    columns = ["run", *several, *(column.replace("_", " ") for column in group.columns), "time", "status", *marked]
    said = "; mean ± standard deviation where there are several seeds" if several else ""
    title = f"Best first, by {group.ranked_by.replace('_', ' ')}{said}."
    found = Listing(columns, rows, title, faint=faint, strong=strong)
    return as_table(found, "numbers", {len(columns) - 1: "marks"} if marked else {})


def shown(column: str, spread: Spread | None) -> str:
    """As people read it, the number of seeds being in a column of its own."""
    if spread is None:
        return "–"
    return shown_spread(column, spread.mean, spread.sd, spread.n).removesuffix(f" (n={spread.n})")


def differences(group: Group) -> Html:
    """The keys in which the entries' configs differ, a column for each entry; and folded up, those in which not."""
    entries = group.entries
    keys = list(dict.fromkeys(key for entry in entries for key in entry.config))
    texts = {key: [entry.config.get(key, "–") for entry in entries] for key in keys}
    if len(entries) == 1:
        return as_table(Listing(["key", "value"], [[key, *texts[key]] for key in keys], "Every key of its config."))
    apart = [key for key in keys if len(set(texts[key])) > 1]
    same = [[key, texts[key][0]] for key in keys if key not in apart]
    names = [element("span", swatch(number), cut(label)) for number, label in enumerate(labels_of(group))]
    caption = "Only what differs; – where a model has no such key."
    differing = as_table(Listing(["key", *names], [[key, *texts[key]] for key in apart], caption))
    found = differing if apart else element("p", "Their configs are the same.")
    shared = as_table(Listing(["key", "value"], same, "The same in all of them.")) if same else ""
    return Html(found + element("details", element("summary", f"What they share: {len(same)} keys"), shared))
