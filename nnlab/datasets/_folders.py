"""Folders of pictures: which pictures a folder holds, of which classes and splits, and what else lies there."""

import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from nnlab.dataset import SplitName
from nnlab.datasets import _labels, _pictures, listed
from nnlab.errors import DataError
from nnlab.tables.cells import short

WORDS: Mapping[SplitName, tuple[str, ...]] = {
    "train": ("train", "training"),
    "val": ("val", "valid", "validation", "dev"),
    "test": ("test", "testing"),
}
"""What the folder of a split may be called, in small or capital letters."""
Files = dict[str, list[Path]]
"""The pictures of each class by its name, in natural order."""


@dataclass
class Folder:
    """A folder of pictures: those of each split, what else there is, and what they look like."""

    path: Path
    splits: dict[SplitName, Files] = field(default_factory=dict)
    hidden: list[str] = field(default_factory=list)
    """What is not read, as paths from the folder; these are hidden."""
    others: list[str] = field(default_factory=list)
    """No pictures by their suffix."""
    unread: list[str] = field(default_factory=list)
    """Pictures of kinds that are not read."""
    loose: list[str] = field(default_factory=list)
    """Pictures that lie beside the folders of the classes."""
    links: list[str] = field(default_factory=list)
    """Linked folders inside a class, which could go round in circles."""
    said: list[str] = field(default_factory=list)
    """What was decided."""
    doubts: list[str] = field(default_factory=list)
    sizes: set[tuple[int, int]] = field(default_factory=set)
    """Width and height of the pictures that have been read."""
    coloured: bool = False
    broken: list[tuple[Path, DataError]] = field(default_factory=list)
    """Pictures that cannot be read, and why."""

    def notes(self) -> Iterator[str]:
        """What was decided, and in one line what is usual to find."""
        yield from self.said
        groups = (
            (self.hidden, "hidden thing", "hidden things"),
            (self.others, "file that is no picture", "files that are no pictures"),
            (self.links, "linked folder", "linked folders"),
        )
        told = [f"{_labels.counted(len(names), *words)} ({_labels.few(names)})" for names, *words in groups if names]
        if told:
            yield f"passed over: {', '.join(told)}"

    def warnings(self) -> Iterator[str]:
        """What is in doubt, and what somebody may have meant to be read."""
        yield from self.doubts
        if self.unread:
            which = _labels.counted(len(self.unread), "picture of a kind that is", "pictures of kinds that are")
            yield f"{which} not read, left out: {listed(self.unread)}; save as PNG, JPEG, WebP or TIFF"
        if self.loose:
            which = _labels.counted(len(self.loose), "picture lies", "pictures lie")
            yield f"{which} beside the folders of the classes, left out: {listed(self.loose)}"
        if self.broken:
            which = _labels.counted(
                len(self.broken), "picture that cannot be read is", "pictures that cannot be read are"
            )
            yield f"{which} left out: {listed(self._name(path) for path, _ in self.broken)}"

    def look(self, wanted: set[str]) -> None:
        """Find the pictures; ``wanted`` are the classes to keep. Raises DataError, and OSError as the system does."""
        folders, pictures = self._inside(self.path)
        if not folders:
            raise self._without_folders(pictures)
        apart = self._apart(folders, wanted)
        if not apart:
            self.splits["train"] = self._classes(self.path, folders)
        else:
            for split, path in apart.items():
                classes, beside = self._inside(path)
                self.splits[split] = self._classes(path, classes, split)
                pictures += beside
            self._say_splits(apart, folders)
        self.loose += map(self._name, pictures)

    def _inside(self, folder: Path) -> tuple[list[Path], list[Path]]:
        """The folders and pictures right in a folder; what else is there is noted."""
        folders, pictures = [], []
        for path in sorted(folder.iterdir()):
            if path.name.startswith((".", "__")):
                self.hidden.append(self._name(path))
            elif path.is_dir():
                if path.is_symlink() and folder.resolve().is_relative_to(path.resolve()):
                    self.links.append(self._name(path))  # it leads back to where it lies
                else:
                    folders.append(path)
            elif self._is_picture(path):
                pictures.append(path)
        return folders, pictures

    def _is_picture(self, path: Path) -> bool:
        suffix = path.suffix.lower()
        if suffix in _pictures.SUFFIXES:
            return True
        (self.unread if suffix in _pictures.UNREAD else self.others).append(self._name(path))
        return False

    def _name(self, path: Path) -> str:
        return path.relative_to(self.path).as_posix()

    def _apart(self, folders: Sequence[Path], wanted: set[str]) -> dict[SplitName, Path]:
        """The folder of each split, those to train on first; empty where the folders are the classes."""
        named = [(split, path) for split in WORDS for path in folders if path.name.lower() in WORDS[split]]
        train = [path for split, path in named if split == "train"]
        if not train and len(named) == len(folders) > 1 and not wanted and all(map(_folders_in, folders)):
            there = listed(path.name for path in folders)
            raise DataError(f"{str(self.path)!r} holds {there}, and no folder to train on", "call it train")
        if not train or {path.name for _, path in named} <= wanted:
            return {}
        if len(named) < len(folders) and not (len(named) > 1 and _folders_in(train[0])):
            if _folders_in(train[0]):
                self.doubts.append(
                    f"{train[0].name} is taken for a class, as {_labels.few(p.name for p in folders if p != train[0])} "
                    f"beside it; if it holds the classes: dataset.path: {str(train[0])!r}"
                )
            return {}
        flat = [path for _, path in named if not _folders_in(path)]
        if flat:
            raise self._without_classes(flat[0], len(flat) < len(named))
        counts = Counter(split for split, _ in named)
        if twice := [split for split, count in counts.items() if count > 1]:
            which = listed(path.name for split, path in named if split == twice[0])
            raise DataError(f"{str(self.path)!r} holds several folders for {twice[0]}: {which}", "leave one of them")
        return dict(named)

    def _say_splits(self, apart: Mapping[SplitName, Path], folders: Sequence[Path]) -> None:
        if unused := [path.name for path in folders if path not in apart.values()]:
            self.doubts.append(f"not used beside the folders of the splits: {listed(unused)}")
        if list(apart) == ["train"]:
            self.said.append(f"{apart['train'].name} stands alone: the test split is held out of it")
        elif "test" not in apart:
            names = " and ".join(path.name for path in apart.values())
            self.said.append(f"the folders are {names}: there is no test split, and none is held out")

    def _classes(self, folder: Path, folders: Sequence[Path], split: SplitName = "train") -> Files:
        """The pictures of each class in this folder, those in folders further down too."""
        files: Files = {}
        deep = []
        for path in folders:
            name = _labels.tidy(path.name)
            if not name.isprintable() or not name:
                raise DataError(f"{str(folder)!r}: {short(path.name)} cannot be the name of a class", "rename it")
            pictures = sorted(self._within(path))
            if not pictures:
                raise self._empty(path)
            files.setdefault(name, []).extend(pictures)
            if all(picture.parent != path for picture in pictures):
                deep.append(path)
        if len(files) == 1 and deep and split == "train":
            raise self._one_down(deep[0])
        if len(deep) > 1 and len(deep) == len(folders):
            self._doubt_classes(deep)
        elif deep:
            self.said.append(f"pictures in folders further down count for: {_labels.few(p.name for p in deep)}")
        return {name: files[name] for name in sorted(files, key=_labels.order)}

    def _doubt_classes(self, deep: Sequence[Path]) -> None:
        """Say that no class holds pictures itself, and what else its folders may be."""
        said = f"pictures in folders further down count for: {_labels.few(path.name for path in deep)}"
        inside = [{each.name for each in _folders_in(path)} for path in deep]
        if both := sorted(set.intersection(*inside), key=_labels.order):
            hint = "if they are no classes but splits, call them train, val and test"
            self.doubts.append(f"{said}; each holds {_labels.few(both)}: {hint}")
        else:
            self.said.append(said)

    def _within(self, folder: Path) -> Iterator[Path]:
        """Every picture in a folder and those in it; links to other folders are not followed."""

        def stop(error: OSError) -> None:
            raise error

        for place, folders, names in os.walk(folder, onerror=stop):
            here = Path(place)
            for name in [name for name in folders if name.startswith((".", "__"))]:
                folders.remove(name)
                self.hidden.append(self._name(here / name))
            self.links += [self._name(here / name) for name in folders if (here / name).is_symlink()]
            for name in sorted(names):
                if name.startswith((".", "__")):
                    self.hidden.append(self._name(here / name))
                elif self._is_picture(here / name):
                    yield here / name

    def _without_folders(self, pictures: Sequence[Path]) -> DataError:
        """The error for a folder of no folders; pictures in it often have their class in their name."""
        where = f"{str(self.path)!r} holds no folder, where one a class belongs"
        if not pictures:
            beside = [*self.unread, *self.others]
            there = f"; it holds {_labels.counted(len(beside), 'other file')}: {_labels.few(beside)}" if beside else ""
            return DataError(where + there, "path/<class>/<picture>.png")
        starts = {match[0] for path in pictures if (match := re.match(r"[^\W\d_]+", path.name))}
        names = sorted(starts, key=_labels.order) if 1 < len(starts) <= 20 else []
        told = f", by their names of {_labels.few(names)}" if names else ""
        first = f"{names[0] if names else '<class>'}/{listed([pictures[0].name])}"
        return DataError(
            f"{where}; {_labels.counted(len(pictures), 'picture lies', 'pictures lie')} right in it{told}",
            f"move each into a folder named as its class: {first}",
        )

    def _without_classes(self, path: Path, others: bool) -> DataError:
        """The error for the folder of a split that holds no folder."""
        hint = "one folder a class belongs there, or name the classes with dataset.classes if these are the classes"
        if others and path.name.lower() not in WORDS["train"]:
            hint = (
                f"move it elsewhere, or give the path of the folder to train on; {path.name} needs one folder a class"
            )
        _, pictures = self._inside(path)
        there = f"{_labels.counted(len(pictures), 'picture')} and no folder" if pictures else "no picture"
        return DataError(f"{str(path)!r} holds {there}", hint)

    def _one_down(self, path: Path) -> DataError:
        """The error for one folder that holds others, with the path below which there are several."""
        above = path.parent
        while len(inside := _folders_in(path)) == 1:
            path = inside[0]
        if not inside:
            return DataError(f"{str(above)!r} holds only one class", "give one folder a class, two or more")
        names = _labels.few(each.name for each in inside)
        return DataError(
            f"{str(above)!r} holds one folder, and {str(path)!r} those of {names}",
            f"to train on these: dataset.path: {str(path)!r}",
        )

    def _empty(self, path: Path) -> DataError:
        """The error for a class without a picture, with what is there instead."""
        names = [inside.name for inside in sorted(path.iterdir())]
        there = f"it holds {_labels.counted(len(names), 'thing')}: {_labels.few(names)}" if names else "it is empty"
        return DataError(
            f"{str(path)!r} holds no picture; {there}",
            f"give it some, or take it out; what is read: {', '.join(_pictures.SUFFIXES)}",
        )


def look(path: Path, wanted: Sequence[int | str] | None = None) -> Folder:
    """The pictures in a folder of classes, or of splits that hold the classes; ``wanted`` are the classes to keep.

    Raises DataError, with what was found one level down, where that is neither.
    """
    folder = Folder(path)
    try:
        folder.look({str(name) for name in wanted or ()})
    except OSError as error:
        raise DataError(f"{str(error.filename or path)!r} cannot be read: {error.strerror}", "check it") from error
    return folder


def _folders_in(path: Path) -> list[Path]:
    """The folders in a folder, hidden ones left out."""
    return [each for each in sorted(path.iterdir()) if each.is_dir() and not each.name.startswith((".", "__"))]
