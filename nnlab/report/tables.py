"""Tables: what was compared with which result, and how the configs differ."""

from nnlab.comparison import Group
from nnlab.comparison.entries import Spread
from nnlab.comparison.listing import BASELINE, best_of, lines_of
from nnlab.metrics import shown_spread
from nnlab.present.html import EMPTY, Html, element
from nnlab.report.boxes import cut, facts, seconds, table
from nnlab.report.looks import labels_of, swatch


def result(group: Group) -> Html:
    """The entries, best first, and under them the baselines, or under each its own; the best of a column stands out."""
    lines, labels = lines_of(group), labels_of(group)
    ranked = [line for line in lines if line.status != BASELINE]
    best = {column: best_of(ranked, column) for column in group.columns} if len(ranked) > 1 else {}
    seeds = [len(entry.rows) for entry in group.entries]
    several = max(seeds) > 1
    marked = any(line.marks for line in lines)
    rows = []
    number = -1
    for line in lines:
        entry = line.status != BASELINE
        number += entry
        name = [swatch(number), labels[number]] if entry else [line.name]
        cells = [element("th", *name, scope="row")]
        if several:
            cells.append(element("td", str(seeds[number]) if entry else "–"))
        for column in group.columns:
            spread = line.values.get(column)
            leads = entry and spread is not None and spread.mean == best.get(column)
            text = shown(column, spread)
            cells.append(element("td", element("strong", text) if leads else text))
        cells += [element("td", seconds(line.seconds)), element("td", line.status)]
        cells += [element("td", "; ".join(line.marks), class_="marks")] * marked
        rows.append(element("tr", *cells, class_=None if entry else "baseline"))
    columns = [column.replace("_", " ") for column in group.columns]
    head = ["run", *(["seeds"] if several else []), *columns, "time", "status", *(["marks"] if marked else [])]
    said = "; mean ± standard deviation where there are several seeds" if several else ""
    return table(head, rows, f"Best first, by {group.ranked_by.replace('_', ' ')}{said}.", "numbers")


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
        return facts(["key", "value"], [[key, *texts[key]] for key in keys], "Every key of its config.")
    apart = [key for key in keys if len(set(texts[key])) > 1]
    same = [[key, texts[key][0]] for key in keys if key not in apart]
    names = [element("span", swatch(number), cut(label)) for number, label in enumerate(labels_of(group))]
    caption = "Only what differs; – where a model has no such key."
    differing = facts(["key", *names], [[key, *texts[key]] for key in apart], caption)
    found = differing if apart else element("p", "Their configs are the same.")
    shared = facts(["key", "value"], same, "The same in all of them.") if same else EMPTY
    return Html(found + element("details", element("summary", f"What they share: {len(same)} keys"), shared))
