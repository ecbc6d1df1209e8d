"""The folder of runs: new directories are made in it, and those there are listed, found and removed."""

import os
import re
import shutil
import stat
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from nnlab.dataset.natural import natural
from nnlab.errors import RunError
from nnlab.rundir import storage
from nnlab.rundir.directory import SUMMARY, RunDir
from nnlab.rundir.ours import FOLDERS, is_ours

LATEST = "latest"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def create(runs: Path, model: str, dataset: str, name: str | None = None, stamp: str | None = None) -> RunDir:
    """Make a new run directory named after the local time, the model, the dataset and ``name``.

    One exclusive mkdir; ``-2``, ``-3``… follow where the name is taken. ``stamp`` is the time to name it after, which
    runs that are started together share. Raises RunError where that cannot be.
    """
    check_name(name)
    stem = "-".join([stamp or new_stamp(), model, dataset, *([name] if name else [])])
    try:
        runs.mkdir(parents=True, exist_ok=True)
        for number in range(1, 100_000):
            path = runs / (stem if number == 1 else f"{stem}-{number}")
            with suppress(FileExistsError):
                storage.new_folder(path)
                return RunDir(path)
    except OSError as error:
        raise RunError(
            f"{runs}: no run directory can be made here: {error.strerror}", "choose another `runs_dir`"
        ) from None
    raise RunError(f"{runs}: there are too many runs called {stem}", "give this one a `name`")


def new_stamp() -> str:
    """The local time, as the names of runs begin with it."""
    return datetime.now().strftime("%Y%m%d-%H%M%S")


def check_name(name: str | None) -> None:
    """Raise RunError unless ``name`` is fit to be part of a directory's name everywhere."""
    if name is not None and not _NAME.fullmatch(name):
        raise RunError(f"`name`: given {name!r}", "use up to 100 letters, digits, dots, hyphens and underscores")


def all_runs(runs: Path) -> list[RunDir]:
    """The run directories under ``runs``, oldest first; a missing folder holds none.

    Raises RunError where ``runs`` is a file.
    """
    if not runs.exists():
        return []
    if not runs.is_dir():
        raise RunError(f"{runs}: this is not a folder", "name the folder that holds the runs")
    with os.scandir(runs) as entries:
        names = sorted(entry.name for entry in entries if entry.is_dir(follow_symlinks=False))
    return [RunDir(runs / name) for name in sorted(names, key=natural) if _is_run(runs / name)]


def _is_run(path: Path) -> bool:
    """Whether there is a run.json in it; not in a folder that may not be looked into."""
    with suppress(OSError):
        return (path / SUMMARY).is_file()
    return False


def find(runs: Path, wanted: str) -> RunDir:
    """The run that ``wanted`` means: a path, ``latest``, or a unique part of a name under ``runs``.

    Raises RunError where there is none or more than one.
    """
    matches = matching(runs, wanted)
    if len(matches) > 1:
        raise ambiguous(runs, wanted, matches)
    return matches[0]


def ambiguous(runs: Path, wanted: str, matches: list[RunDir]) -> RunError:
    """What is wrong where one run is wanted and several are meant."""
    shown = ", ".join(run.name for run in matches[:5])
    return RunError(f"{wanted}: {len(matches)} runs in {runs} have this in their name", f"say more: {shown}")


def matching(runs: Path, wanted: str) -> list[RunDir]:
    """The runs that ``wanted`` may mean, oldest first: one for a path, ``latest`` or a whole name.

    Raises RunError where there is none.
    """
    path = Path(wanted)
    if _is_run(path):
        return [RunDir(path if path.name not in ("", "..") else path.resolve())]  # . has no name to show
    known = all_runs(runs)
    if not known:
        raise RunError(f"{wanted}: there are no runs in {runs}", "train one first: nnlab train configs/ann.yaml")
    if wanted == LATEST:
        return known[-1:]
    exact = [run for run in known if run.name == wanted]
    matches = exact or [run for run in known if wanted and wanted in run.name]
    if not matches:
        shown = ", ".join(run.name for run in known[-5:])
        raise RunError(
            f"{wanted}: there is no such run in {runs}", f"give a path, {LATEST}, or a part of a name: {shown}"
        )
    return matches


def discard(run: RunDir) -> None:
    """Delete a directory that has not become a run, as far as that can be done."""
    shutil.rmtree(run.path, ignore_errors=True)


def remove(run: RunDir, *, everything: bool = False) -> tuple[list[str], list[str]]:
    """Delete what nnlab has written of a run, and its folder where nothing else is in it; or ``everything`` in it.

    Gives what was deleted and what was left, by names within the run; those of folders end in a slash. Links are not
    followed, and left as all else that nnlab does not write. Raises RunError for what is no run directory, so that no
    other folder is ever touched, and where something cannot be deleted.
    """
    if run.path.is_symlink() or not _is_run(run.path):
        raise RunError(f"{run.path}: this is not a run directory", "name a run that `nnlab runs` lists")
    try:
        if everything:
            names = [f"{name}/" if folder else name for name, folder in _inside(run.path)]
            shutil.rmtree(run.path)
            return names, []
        return _remove_ours(run.path)
    except OSError as error:
        raise RunError(f"{error.filename or run.path}: cannot be deleted: {error.strerror}") from None


def _remove_ours(path: Path) -> tuple[list[str], list[str]]:
    removed = []
    for folder in FOLDERS:
        place = path / folder
        if place.is_dir() and not place.is_symlink():
            removed += _remove_files(path, f"{folder}/")
            storage.delete_folder(place)
    removed += _remove_files(path, "")
    if not (left := _left(path)):
        storage.delete_folder(path)
    return sorted(removed), left


def _remove_files(path: Path, folder: str) -> list[str]:
    """Delete nnlab's own files in a folder of the run at ``path``: run.json last, without which it is no run."""
    there = [f"{folder}{name}" for name, _ in _inside(path / folder)]
    ours = [name for name in there if is_ours(name)]
    names = [name for name in ours if _is_plain(path / name)]
    for name in sorted(names, key=lambda name: (name == SUMMARY, name)):
        storage.delete(path / name)
    return names


def _left(path: Path) -> list[str]:
    """What is in the run at ``path``; of folders that nnlab makes, what is in these."""
    found = []
    for name, folder in _inside(path):
        if folder and name in FOLDERS:
            found += [f"{name}/{inner}{'/' * deeper}" for inner, deeper in _inside(path / name)]
        else:
            found.append(f"{name}{'/' * folder}")
    return sorted(found)


def _inside(folder: Path) -> list[tuple[str, bool]]:
    """The names in a folder, and whether each is a folder itself, and no link to one."""
    with os.scandir(folder) as entries:
        return [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]


def _is_plain(path: Path) -> bool:
    return stat.S_ISREG(path.lstat().st_mode)
