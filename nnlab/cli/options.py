"""Options and arguments that several commands share."""

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from nnlab import discover
from nnlab.cli import complete, screen

WHICH_RUN = "A path, a unique part of a run's name, or latest."
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
    typer.Argument(metavar="RUN", help=WHICH_RUN, autocompletion=complete.runs),
]
OneRun = Annotated[
    str | None,
    typer.Argument(
        metavar="[RUN]",
        help=WHICH_RUN,
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


def use_plugins(folders: list[str] | None) -> None:
    """Take the plug-ins of these folders in, where any is given."""
    if folders:
        discover.use(folders)


_plugins = typer.Typer(add_completion=False)


@_plugins.command()
def _of_plugins(
    plugins: Annotated[
        list[str] | None,
        typer.Option(
            "--plugins",
            metavar="DIR",
            callback=use_plugins,
            expose_value=False,
            help="A folder whose models/*.py and datasets/*.py count too; may be given again.",
        ),
    ] = None,
    traceback: Annotated[
        bool,
        typer.Option(
            "--traceback",
            callback=screen.show_tracebacks,
            expose_value=False,
            help="Show where in the code an error comes from.",
        ),
    ] = False,
) -> None:
    """Nothing by itself: its options are those that ``Command`` and ``CommandGroup`` add."""


class Command(TyperCommand):
    """A command that may run the code of a plug-in, with the options that belong to that."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.params += typer.main.get_command(_plugins).params


class CommandGroup(TyperGroup):
    """The same for a command that has others below it."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.params += typer.main.get_command(_plugins).params
