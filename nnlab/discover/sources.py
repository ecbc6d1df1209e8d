"""Sources: what lists models and datasets, and loads one that is named: the package, what is installed, a folder."""

import hashlib
import importlib
import os
import re
import sys
import traceback
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from functools import partial
from importlib import import_module
from importlib.abc import SourceLoader
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal

from nnlab.errors import ConfigError, Interrupted

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from nnlab.plugin import DatasetFile, ModelFile

Kind = Literal["models", "datasets"]
KINDS: tuple[Kind, ...] = ("models", "datasets")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,59}")
"""What a plug-in may be called: a run directory is named after it."""
MOST_SAID = 300
"""Characters of what an error in a plug-in says; ``--traceback`` has the rest."""
ENDINGS = {
    "models": "MODEL = ModelFile(Params, tasks, backend, build)",
    "datasets": "DATASET = DatasetFile(Params, card, load)",
}


@dataclass(frozen=True)
class Listed:
    """A model or dataset that a source lists; nothing of it is imported yet."""

    kind: Kind
    name: str
    source: str
    """``nnlab``, an installed package, or the file."""
    version: str | None
    """Of the package; None for a file in a folder."""
    load: "Callable[[], ModelFile | DatasetFile]"
    """Imports it. Raises ConfigError where that fails, or where it declares nothing."""
    package: str = "nnlab"
    """The first name of its modules."""

    def __str__(self) -> str:
        return f"{self.source} {self.version}" if self.version else self.source


def built_in(kind: Kind) -> Iterator[Listed]:
    """What nnlab brings itself: the files of its folder, with hyphens for underscores."""
    for file in sorted((Path(__file__).parents[1] / kind).glob("[!_]*.py")):
        yield Listed(kind, _named(file), "nnlab", None, partial(_of_nnlab, kind, f"nnlab.{kind}.{file.stem}"))


def installed(kind: Kind) -> Iterator[Listed]:
    """What installed packages name in the entry points ``nnlab.models`` and ``nnlab.datasets``."""
    from importlib.metadata import distributions

    seen = set()
    for package in distributions(path=_where_packages_are()):
        entries = [entry for entry in package.entry_points if entry.group == f"nnlab.{kind}"]
        if not entries or (name := str(package.metadata["Name"])) in seen:
            continue  # one that comes later on the path is not the one that is imported
        seen.add(name)
        for entry in entries:
            if NAME.fullmatch(entry.name):
                load = _of_package(kind, entry, name, package.version)
                yield Listed(kind, entry.name, name, package.version, load, entry.module.partition(".")[0])


def in_folder(kind: Kind, folder: Path) -> Iterator[Listed]:
    """The files of ``folder/models`` or ``folder/datasets``; what begins with an underscore is left alone.

    Raises ConfigError for a file whose name is not fit for a plug-in.
    """
    for file in sorted((folder / kind).glob("[!_]*.py")):
        if not NAME.fullmatch(_named(file)):
            raise ConfigError(f"{shown(file)}: a plug-in cannot be called this", "use letters, digits and underscores")
        yield Listed(kind, _named(file), shown(file), None, partial(_of_file, kind, file), _module(kind, file))


def shown(path: Path) -> str:
    """A path as it is shown: from the working directory on, where it is in there."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def _named(file: Path) -> str:
    return file.stem.replace("_", "-")


def _where_packages_are() -> list[str]:
    """Python's path but for the working directory that ``python -m`` puts in front: what lies there says nothing."""
    here = sys.path[0] if sys.path and not sys.flags.safe_path else None
    return sys.path[1:] if here is not None and os.path.abspath(here) == os.getcwd() else sys.path  # noqa: PTH100, PTH109


def _module(kind: Kind, file: Path) -> str:
    """What the module of a file in a folder is called: no import can come upon it."""
    return f"nnlab_plugins_{kind}_{file.stem}"


class _Bytes(SourceLoader):
    """Makes a module of bytes that have been read already: those that were hashed are those that run."""

    def __init__(self, path: str, content: bytes) -> None:
        self.path, self.content = path, content

    def get_filename(self, fullname: str) -> str:
        return self.path

    def get_data(self, path: "str | os.PathLike[str]") -> bytes:
        return self.content


def _of_nnlab(kind: Kind, module: str) -> "ModelFile | DatasetFile":
    return _declared(import_module(module), kind, module)


def _of_file(kind: Kind, file: Path) -> "ModelFile | DatasetFile":
    """What a file of a folder declares."""
    from nnlab.plugin import Origin

    try:
        content = file.read_bytes()
    except OSError as error:
        raise ConfigError(f"{shown(file)}: cannot be read: {error.strerror}") from None
    name = _module(kind, file)
    spec = spec_from_file_location(name, file, loader=_Bytes(str(file), content))
    assert spec is not None  # noqa: S101 - it was given a loader
    assert spec.loader is not None  # noqa: S101
    module = module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and schemas look each other up there
    try:
        spec.loader.exec_module(module)
    except Interrupted:
        raise
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        nowhere = isinstance(error, SyntaxError) and not error.filename
        raise failed(error, f"{shown(file)}: " if nowhere else "") from error
    origin = Origin(f"{kind}/{file.name}", None, hashlib.sha256(content).hexdigest(), content)
    return replace(_declared(module, kind, shown(file)), origin=origin)


def _of_package(kind: Kind, entry: "EntryPoint", package: str, version: str) -> "Callable[[], ModelFile | DatasetFile]":
    def load() -> "ModelFile | DatasetFile":
        from nnlab.plugin import Origin

        try:
            module = import_module(entry.module)
        except Interrupted:
            raise
        except (Exception, SystemExit) as error:
            raise failed(error, f"{entry.name} of {package} {version}: ") from error
        content = _source(module)
        declared = _declared(module, kind, f"{entry.value} of {package} {version}", entry.attr)
        return replace(declared, origin=Origin(package, version, _hash(module, content), content))

    return load


def _source(module: ModuleType) -> bytes:
    """The file of a module as it is now; empty where there is none."""
    return Path(module.__file__).read_bytes() if module.__file__ else b""


def _hash(module: ModuleType, content: bytes) -> str:
    """SHA-256 of all source files of the package that a module is in, or of its own file where it is in none."""
    top = sys.modules[module.__name__.partition(".")[0]]
    if not (hasattr(top, "__path__") and top.__file__):
        return hashlib.sha256(content).hexdigest()
    root, total = Path(top.__file__).parent, hashlib.sha256()
    for file in sorted(root.rglob("*.py")):
        of_file = file.read_bytes()
        total.update(f"{file.relative_to(root).as_posix()} {len(of_file)}\n".encode())
        total.update(of_file)
    return total.hexdigest()


def said(error: BaseException) -> str:
    """What an error is, in a line of a length that can be read."""
    try:
        text = f"{type(error).__name__}: {getattr(error, 'message', error)}"
    except Exception:  # noqa: BLE001 - it may be an error of the plug-in's own making
        text = type(error).__name__
    return " ".join(text.split())[:MOST_SAID].removesuffix(":")


def failed(error: BaseException, where: str = "") -> ConfigError:
    """What went wrong in the code of a plug-in, with the innermost file and line; ``where`` is put in front."""
    code = [frame for frame in traceback.extract_tb(error.__traceback__)[1:] if not _of_python(frame.filename)]
    what, place = said(error), ""
    if isinstance(error, SyntaxError):
        what = f"{type(error).__name__}: {error.msg}"
        place = f"{shown(Path(error.filename))}:{error.lineno}: " if error.filename else ""
    elif code:
        place = f"{shown(Path(code[-1].filename))}:{code[-1].lineno}: "
    hint = "put that right, or do without it; `traceback` shows how it came to this"
    return ConfigError(f"{where}{place}{what}", hint)


def blamed(error: BaseException, packages: Collection[str]) -> ConfigError | None:
    """The error as one of a plug-in's code, where its innermost frame of ours or of these packages is one of theirs."""
    found = None
    for frame, line in traceback.walk_tb(error.__traceback__):
        package = str(frame.f_globals.get("__name__")).partition(".")[0]
        if package == "nnlab" or package in packages:
            found = (package, frame.f_code, line)
    if found is None or found[0] == "nnlab":
        return None
    _, code, line = found
    if type(error) is NotImplementedError and not error.args:
        what = f"{code.co_name} is not written yet"
    else:
        what = f"in {code.co_name}: {said(error)}"
    made = ConfigError(f"{shown(Path(code.co_filename))}:{line}: {what}", "`traceback` shows how it came to this")
    made.__cause__ = error
    return made


def _of_python(filename: str) -> bool:
    """Whether a frame is one of those that import modules."""
    return filename.startswith(("<frozen", str(Path(importlib.__file__).parent)))


def _declared(module: ModuleType, kind: Kind, where: str, attribute: str = "") -> "ModelFile | DatasetFile":
    """What a module declares. Raises ConfigError that says what is missing or wrong."""
    from nnlab.plugin import DatasetFile, ModelFile

    wanted, usual = (ModelFile, "MODEL") if kind == "models" else (DatasetFile, "DATASET")
    name, hint = attribute or usual, f"end it in {ENDINGS[kind]}"
    found: Any = getattr(module, name, None)
    if found is None:
        raise ConfigError(f"{where}: it declares no {name}", hint)
    if not isinstance(found, wanted):
        raise ConfigError(f"{where}: its {name} is of type {type(found).__name__}, not {wanted.__name__}", hint)
    if wrong := _wrong(found):
        raise ConfigError(f"{where}: {name}, {wrong}", hint)
    try:
        found.params.model_rebuild()  # what it could not make sense of comes up now
    except Exception as error:
        raise ConfigError(f"{where}: {found.params.__name__}: {said(error)}", "put that right") from error
    return replace(found, about=found.about or (module.__doc__ or "").strip().partition("\n")[0])


def _are_tasks(it: Any) -> bool:
    from nnlab.dataset import Task

    return isinstance(it, tuple) and bool(it) and all(isinstance(each, type) and issubclass(each, Task) for each in it)


def _wrong(file: Any) -> str:
    """What of a declaration is not as it should be, in a few words; empty where all is well."""
    from nnlab.config import Strict
    from nnlab.dataset import Card
    from nnlab.plugin import Backend

    right: dict[str, tuple[Callable[[Any], bool], str]] = {
        "params": (lambda it: isinstance(it, type) and issubclass(it, Strict), "a class with Strict as its base"),
        "tasks": (_are_tasks, "a tuple such as (Classification,)"),
        "backend": (lambda it: isinstance(it, Backend), "NUMPY, TORCH or SKLEARN of nnlab.backends"),
        "build": (callable, "a function"),
        "card": (lambda it: isinstance(it, Card), "a Card"),
        "load": (callable, "a function"),
        "about": (lambda it: isinstance(it, str), "a text"),
        "dark_edges": (lambda it: isinstance(it, bool), "True or False"),
        "origin": (lambda it: it is None, "left out: nnlab fills it in"),
    }
    optional = (lambda it: it is None or callable(it), "a function, or left out")
    for part, value in vars(file).items():
        held, what = right.get(part, optional)
        if not held(value):
            return f"{part}: given {value!r:.60}, should be {what}"
    return ""
