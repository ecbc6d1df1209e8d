"""Options and arguments that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

from nnlab.cli import complete

Config = Annotated[
    Path,
    typer.Argument(metavar="CONFIG", help="A YAML config.", autocompletion=complete.config_files, show_default=False),
]
Overrides = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[KEY=VALUE]...",
        help="Overrides such as train.lr=0.05; values are read as YAML.",
        autocompletion=complete.overrides,
        show_default=False,
    ),
]
RunName = Annotated[
    str,
    typer.Argument(
        metavar="RUN", help="A path, a unique part of a run's name, or latest.", autocompletion=complete.runs
    ),
]
OneRun = Annotated[
    str | None,
    typer.Argument(
        metavar="[RUN]",
        help="A path, a unique part of a run's name, or latest.",
        autocompletion=complete.runs,
        show_default=False,
    ),
]
RunNames = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[RUN]...",
        help="Paths, unique parts of names, or latest.",
        autocompletion=complete.runs,
        show_default=False,
    ),
]
Device = Annotated[
    str | None, typer.Option("--device", help="auto, cpu, cuda or cuda:N; as the override device=.", show_default=False)
]
Data = Annotated[
    Path | None,
    typer.Option(
        "--data",
        metavar="PATH",
        help="Where the run's data is now, if it was moved; it must be the same.",
        show_default=False,
    ),
]
RunsDir = Annotated[Path, typer.Option("--runs-dir", help="The folder that holds the runs.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
DEFAULT_RUNS = Path("runs")
