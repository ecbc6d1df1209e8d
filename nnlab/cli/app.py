"""The application: its commands, and how errors and signals become messages and exit codes."""

import os
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from nnlab import __version__, discover
from nnlab.cli import (
    bench,
    check,
    compare,
    configs,
    diff,
    gradients,
    listings,
    new,
    options,
    predict,
    report,
    reproduce,
    runs,
    screen,
    show,
    train,
    verify,
)
from nnlab.errors import Interrupted
from nnlab.signals import catch_signals, ignore_signals

app = typer.Typer(
    name="nnlab",
    help="Train, evaluate and compare small neural networks, in plain NumPy and in PyTorch, from one YAML file.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.command(cls=options.Command)(check.check)
app.command(cls=options.Command)(train.train)
app.command(cls=options.Command)(train.resume)
app.command("eval", cls=options.Command)(predict.evaluate)
app.command()(compare.compare)
app.command()(diff.diff)
app.command(cls=options.Command)(report.report)
app.command(cls=options.Command, context_settings={"ignore_unknown_options": True})(predict.predict)
app.command(cls=options.Command)(verify.verify)
app.command(cls=options.Command)(reproduce.reproduce)
app.command("runs")(runs.list_runs)
app.command(cls=options.Command)(show.show)
app.command("rm")(runs.remove)
app.command(cls=options.Command)(bench.bench)
app.command(cls=options.Command)(gradients.gradcheck)
app.command(cls=options.Command)(gradients.parity)
app.command(cls=options.Command)(listings.models)
app.command(cls=options.Command)(listings.plugins)
app.add_typer(listings.datasets, name="datasets")
app.command(cls=options.Command)(configs.config)
app.command(cls=options.Command)(configs.schema)
app.command()(configs.init)
app.add_typer(new.new, name="new")


def _version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"nnlab {__version__}\n")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
    plugins: Annotated[
        list[str] | None,
        typer.Option("--plugins", metavar="DIR", help="A folder of plug-ins; can stand after a command too."),
    ] = None,
) -> None:
    options.use_plugins(plugins)


def main() -> NoReturn:
    """Run the command line and exit.

    0 done, 1 failed, 2 the user can fix it, 3 a check did not hold, 4 a package is missing, 128 + signal.
    """
    catch_signals()
    _mend_streams()
    try:
        app()
    except (Exception, SystemExit) as error:
        known = discover.actionable(error)
        if known is None and isinstance(error, BrokenPipeError):
            sys.exit(0)
        if known is None:
            raise
        if isinstance(known, Interrupted):
            ignore_signals()
        screen.complain(known)
        sys.exit(known.exit_code)
    finally:
        _end_output()
    sys.exit(0)


def _mend_streams() -> None:
    """Streams that were closed before we started, or that cannot write every character, end in no traceback."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115 (until the end)
        elif mode == "w":
            stream.reconfigure(errors="backslashreplace")


def _end_output() -> None:
    """Write what is left; where whoever read it has had enough, keep Python from complaining of that as it exits."""
    for stream in {stream for stream in (sys.stdout, sys.__stdout__) if stream is not None}:
        try:
            stream.flush()
        except BrokenPipeError:
            screen.silence(stream)
        except ValueError:
            continue  # it is closed, and has nothing left
