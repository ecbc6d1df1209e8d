"""Documents: a listing as Markdown, LaTeX or CSV, to hand in or put into a paper; no text breaks out of its cell."""

import csv
import io
from collections.abc import Callable

from nnlab.present.values import Listing

_LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "±": r"$\pm$",
    **{char: f"\\{char}" for char in "&%$#_{}"},
}


def as_markdown(listing: Listing) -> str:
    """A table under its title in bold, what stands out in bold too, and under it the notes."""
    head = [_markdown(name) for name in listing.columns]
    rule = ["---" if number in listing.left else "---:" for number in range(len(head))]
    rows = [f"| {' | '.join(row)} |" for row in (head, rule, *_cells(listing, _markdown, "**{}**"))]
    notes = [line for note in listing.notes for line in (_markdown(note), "")]
    return "\n".join([f"**{_markdown(listing.title)}**", "", *rows, "", *notes])


def as_latex(listing: Listing) -> str:
    """A tabular of booktabs, with title and notes as comments above it."""
    kinds = "".join("l" if number in listing.left else "r" for number in range(len(listing.columns)))
    lines = [
        f"% {_one_line(listing.title)}; needs \\usepackage{{booktabs}}",
        *(f"% {_one_line(note)}" for note in listing.notes),
        rf"\begin{{tabular}}{{{kinds}}}",
        r"\toprule",
        " & ".join(map(_latex, listing.columns)) + r" \\",
        r"\midrule",
        *(" & ".join(row) + r" \\" for row in _cells(listing, _latex, r"\textbf{{{}}}")),
        r"\bottomrule",
        r"\end{tabular}",
        "",
    ]
    return "\n".join(lines)


def as_csv(listing: Listing) -> str:
    """A table of numbers as they are, and of texts that no spreadsheet takes for a formula; the rest is left out."""
    buffer = io.StringIO()
    table = csv.writer(buffer, lineterminator="\n")
    table.writerow(listing.columns)
    table.writerows([_inert(cell) if isinstance(cell, str) else cell for cell in row] for row in listing.rows)
    return buffer.getvalue()


def _cells(listing: Listing, escaped: Callable[[object], str], bold: str) -> list[list[str]]:
    """The texts of the cells; those that stand out are put into ``bold``."""
    return [
        [
            bold.format(text) if (number, place) in listing.strong else text
            for place, text in enumerate(map(escaped, row))
        ]
        for number, row in enumerate(listing.rows)
    ]


def _one_line(text: object) -> str:
    return " ".join("".join(char if char.isprintable() else " " for char in str(text)).split())


def _markdown(text: object) -> str:
    """Text that Markdown shows as it stands."""
    return "".join(f"\\{char}" if char in r"\`*_{}[]<>()#+!|~$" else char for char in _one_line(text))


def _latex(text: object) -> str:
    """Text that LaTeX shows as it stands."""
    return "".join(_LATEX.get(char, char) for char in _one_line(text))


def _inert(text: str) -> str:
    text = _one_line(text)
    return f"'{text}" if text[:1] in ("=", "+", "@") else text
