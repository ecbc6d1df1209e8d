"""Page: the whole report as one HTML file that needs nothing else and may load nothing else."""

import base64
import hashlib
import json
from collections.abc import Sequence
from importlib.resources import files
from typing import Any

from nnlab import __version__
from nnlab.present.html import Html, element, escaped, join

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="nnlab {version}">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
{body}
<script type="application/json" id="data">{data}</script>
<script>{script}</script>
</body>
</html>
"""


def page(title: str, lead: Html, parts: Sequence[Html], data: Any) -> str:
    """The page: ``lead`` under its title, then the parts; its script finds ``data``, which is plain."""
    style = "\n".join(map(_read, ("uplot/uPlot.min.css", "page.css", "heat.css")))
    script = _script()
    policy = f"default-src 'none'; img-src data:; style-src '{_hash(style)}'; script-src '{_hash(script)}'"
    policy += "; base-uri 'none'; form-action 'none'"
    return _PAGE.format(
        policy=policy,
        version=__version__,
        title=escaped(title),
        style=style,
        body=_body(title, lead, parts),
        data=as_script_data(data),
        script=script,
    )


def as_script_data(content: Any) -> str:
    """JSON that ends no script element and starts no comment, whatever its texts hold. No nan, no infinity."""
    text = json.dumps(content, allow_nan=False, separators=(",", ":"))  # beyond ASCII all is escaped
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _body(title: str, lead: Html, parts: Sequence[Html]) -> Html:
    skip = element("a", "Skip to the result", class_="skip", href="#content")
    dark = element("button", "Dark", type="button", id="dark", aria_pressed="false", class_="scripted")
    top = element("header", element("div", element("h1", title), dark, class_="top"), lead)
    main = element("main", *parts, id="content", tabindex=-1)
    return join(
        [skip, top, main, element("footer", element("p", f"Made by nnlab {__version__} from the files of the runs."))]
    )


def _script() -> str:
    """uPlot under its licence, then ours, in one scope of its own."""
    licence, uplot = map(_read, ("uplot/LICENSE", "uplot/uPlot.iife.min.js"))
    _, _, code = uplot.partition("*/")  # the licence says more than the comment, and names no address
    ours = "\n".join(map(_read, ("charts.js", "curves.js", "learning.js", "page.js")))
    return f'/* uPlot 1.6.32\n{licence}*/\n{code}\n(() => {{\n"use strict";\n{ours}}})();\n'


def _read(name: str) -> str:
    return files("nnlab.report").joinpath(name).read_text("utf-8")


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
