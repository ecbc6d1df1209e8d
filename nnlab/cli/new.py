"""The new command: a model or a dataset of your own laid out, with its test and its config."""

import os
from pathlib import Path
from typing import Annotated

import typer

from nnlab import discover
from nnlab.cli import screen
from nnlab.cli.files import write
from nnlab.discover.sources import NAME, Kind
from nnlab.errors import ConfigError

new = typer.Typer(help="Lay out a model or a dataset of your own.", no_args_is_help=True, rich_markup_mode=None)

Name = Annotated[str, typer.Argument(metavar="NAME", help="What configs will call it, such as my-net.")]
Into = Annotated[Path, typer.Option("--into", metavar="DIR", help="The folder of plug-ins; made where it is missing.")]
PLUGINS = Path("plugins")


@new.command()
def model(
    name: Name,
    numpy: Annotated[bool, typer.Option("--numpy", help="Its gradients are written by hand.")] = False,
    torch: Annotated[bool, typer.Option("--torch", help="PyTorch takes its gradients.")] = False,
    into: Into = PLUGINS,
) -> None:
    """Lay out a model whose forward, and in NumPy whose loss_and_grads, is yours to write, with a test and a config."""
    if numpy == torch:
        raise ConfigError("nnlab new model: in NumPy or in PyTorch?", "give one of --numpy and --torch")
    config = _lay_out("models", name, into, "numpy_model" if numpy else "torch_model", "model_test", "model_config")
    screen.note(f"next: write what is missing, then nnlab --plugins {into} gradcheck {config}")


@new.command()
def dataset(name: Name, into: Into = PLUGINS) -> None:
    """Lay out a dataset of made-up points, to be replaced by yours, with a test and a config."""
    config = _lay_out("datasets", name, into, "dataset", "dataset_test", "dataset_config")
    screen.note(f"next: put your data in, then nnlab --plugins {into} train {config}")


def _lay_out(kind: Kind, name: str, into: Path, code: str, test: str, config: str) -> Path:
    """Write the three files and print their paths; the config's path. Raises ConfigError, and then writes none."""
    from nnlab.config import yaml

    if not NAME.fullmatch(name) or name[0].isdigit() or yaml.dump_line(name).strip() != name:
        raise ConfigError(f"{kind[:-1]}: given {name!r}", "use letters, digits and hyphens, such as my-net")
    if not str(into).isprintable() or os.pathsep in str(into):
        raise ConfigError(f"--into: given {str(into)!r}", f"name a folder without line ends and {os.pathsep!r}")
    if discover.registry().knows(kind, name):
        raise ConfigError(f"there is a {kind[:-1]} called {name!r} already", "choose another name")
    module = name.replace("-", "_")
    places = {
        code: into / kind / f"{module}.py",
        test: into / "tests" / f"test_{module}.py",
        config: into / "configs" / f"{name}.yaml",
    }
    for path in places.values():
        _refuse_taken(path)
    words = {"name": name, "Name": name[0].upper() + name[1:], "module": module, "folder": into}
    for template, path in places.items():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"{path.parent}: cannot be made: {error.strerror}", "choose another folder") from None
        text = (Path(__file__).parents[1] / "templates" / f"{template}.txt").read_text(encoding="utf-8")
        write(path, text.format(**words, config=places[config]).encode())
        screen.line(str(path))
    return places[config]


def _refuse_taken(path: Path) -> None:
    """Raise ConfigError where there is a file already, or one where a folder should be."""
    try:
        taken, blocked = os.path.lexists(path), [each for each in path.parents if each.exists() and not each.is_dir()]
    except OSError as error:
        raise ConfigError(f"--into: {error.strerror}", "choose another folder") from None
    if taken:
        raise ConfigError(f"{path}: there is such a file already", "choose another name, or --into another folder")
    if blocked:
        raise ConfigError(f"{blocked[-1]}: this is a file, not a folder", "choose another folder")
