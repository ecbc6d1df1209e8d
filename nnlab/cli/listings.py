"""The models and datasets commands: what there is to choose from, fetching data and looking at it."""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nnlab import discover
from nnlab.cli import complete, options, screen
from nnlab.discover.sources import Kind
from nnlab.errors import ConfigError
from nnlab.present.values import Listing

if TYPE_CHECKING:
    from nnlab.datasets._survey import Survey
    from nnlab.plugin import DatasetFile, ModelFile

datasets = typer.Typer(
    cls=options.CommandGroup, help="List the datasets, fetch one, or draw its sample pictures.", rich_markup_mode=None
)


def models(json: options.Json = False) -> None:
    """List the models and their keys."""
    rows = []
    for name in _sound("models"):
        file = discover.model(name)
        rows.append(
            {
                "name": name,
                "about": _about(file),
                "tasks": [task.name for task in file.tasks],
                "keys": list(file.params.model_fields),
                "source": str(discover.registry().listed("models", name)),
            }
        )
    if json:
        screen.print_json(rows)
    else:
        cells = [
            [row["name"], row["about"], ", ".join(row["tasks"]), ", ".join(row["keys"]), row["source"]] for row in rows
        ]
        screen.show(Listing(["model", "what", "learns", "own keys", "source"], cells, left=range(5)))


def plugins(json: options.Json = False) -> None:
    """List the plug-ins: models and datasets of installed packages and of --plugins DIR."""
    registry = discover.registry()
    rows = [
        {
            "name": each.name,
            "kind": each.kind.removesuffix("s"),
            "origin": each.source,
            "version": each.version,
            "ignored": registry.ignored(each),
        }
        for each in registry.plugins()
    ]
    if json:
        screen.print_json(rows)
    elif rows:
        said = "ignored: nnlab has one of this name"
        cells = [
            [row["name"], row["kind"], row["origin"], row["version"] or "-", said if row["ignored"] else ""]
            for row in rows
        ]
        screen.show(Listing(["plug-in", "kind", "origin", "version", ""], cells, left=range(5)))
    else:
        screen.note("there are none: install a package that has some, or give --plugins DIR")


def _sound(kind: Kind) -> Iterator[str]:
    """The names of those that can be imported; of the others only a warning is said."""
    for name in discover.names(kind):
        try:
            discover.file(kind, name)
        except ConfigError as error:
            screen.note(f"warning: {error.message}")
        else:
            yield name


@datasets.callback(invoke_without_command=True)
def list_datasets(context: typer.Context, json: options.Json = False) -> None:
    """List the datasets with size, shape and whether they are cached."""
    if context.invoked_subcommand:
        return
    rows = [_card(name) for name in _sound("datasets")]
    if json:
        screen.print_json(rows)
        return
    cells = [
        [
            row["name"],
            row["about"],
            screen.count(row["train"]),
            screen.count(row["test"]),
            "x".join(map(str, row["shape"])) if row["shape"] else "-",
            screen.count(row["outputs"]),
            _where(row),
            row["origin"],
        ]
        for row in rows
    ]
    names = ["dataset", "what", "train", "test", "input", "outputs", "source", "origin"]
    screen.show(Listing(names, cells, left=(0, 1, 6, 7)))


def _card(name: str) -> dict[str, Any]:
    file = discover.dataset(name)
    card = file.card
    return {
        "name": name,
        "about": _about(file),
        "source": card.source,
        "train": card.train,
        "test": card.test,
        "shape": card.shape,
        "outputs": card.outputs,
        "download_mib": card.download_mib,
        "cached": file.cached() if file.cached else None,
        "keys": list(file.params.model_fields),
        "origin": str(discover.registry().listed("datasets", name)),
    }


def _where(row: dict[str, Any]) -> str:
    if row["source"] != "download":
        return str(row["source"])
    return "cached" if row["cached"] else f"download, {row['download_mib']} MiB"


@datasets.command(cls=options.Command)
def fetch(
    name: Annotated[str, typer.Argument(metavar="NAME", autocompletion=complete.dataset_names)],
) -> None:
    """Fetch a dataset into the cache."""
    from nnlab.cli.download import Fetching

    file = discover.dataset(name)
    if not (file.cached and file.fetch):
        raise ConfigError(f"{name} needs no download: it is {file.card.source}", "nnlab datasets")
    if file.cached():
        screen.note(f"{name} is cached already")
        return
    with Fetching() as progress:
        file.fetch(progress)
    screen.note(f"{name} is cached now")


@datasets.command("show", cls=options.Command)
def show_dataset(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="A dataset, or a table.", autocompletion=complete.dataset_names)
    ],
    keys: Annotated[
        list[str] | None, typer.Argument(metavar="[KEY=VALUE]...", help="The dataset's own keys, such as path=my.csv.")
    ] = None,
    plot: Annotated[Path | None, typer.Option("--plot", help="The picture's file; default NAME-samples.png.")] = None,
    json: options.Json = False,
) -> None:
    """Draw some of a dataset's examples into a picture file, and print its path; or tell how a table would be read."""
    from nnlab import experiment
    from nnlab.experiment.loading import sample_sheet

    if name not in discover.names("datasets") and (len(Path(name).parts) > 1 or Path(name).suffix):
        _show_table(experiment.survey(Path(name), keys or []), json)
        return
    from nnlab.cli.download import Fetching
    from nnlab.cli.files import write_picture

    with Fetching() as progress:
        picture = sample_sheet(name, keys or [], progress)
    screen.line(str(write_picture(plot or Path(f"{name}-samples.png"), picture)))


def _show_table(found: "Survey", json: bool) -> None:
    """What a table would be read as."""
    from nnlab.config import yaml

    if json:
        screen.print_json(asdict(found) | {"config": {"dataset": {"name": "csv", **found.keys}}})
        return
    for note in found.notes:
        screen.note(note)
    rows = [
        (each.name, each.kind, f"{each.missing:,}", f"{each.distinct:,}", each.content, each.becomes)
        for each in found.columns
    ]
    title = f"{found.path}: {found.rows:,} rows"
    screen.show(Listing(["column", "kind", "missing", "different", "content", "becomes"], rows, title, (0, 1, 4, 5)))
    screen.show(Listing([column.name for column in found.columns], found.first, "First rows as they are read"))
    screen.line("For a config:")
    screen.write(yaml.dump({"dataset": {"name": "csv", **found.keys}}))


def _about(file: "ModelFile | DatasetFile") -> str:
    return file.about.rstrip(".")
