"""Checkpoints: what an exact resume needs, as arrays and a sealed state that one rename puts in force."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

from nnlab.dataset import Array
from nnlab.errors import RunError
from nnlab.rundir import sealed, storage, strict, tensors
from nnlab.rundir.summary import Best, Count

FOLDER = "checkpoint"
STATE = f"{FOLDER}/state.json"
CUT = f"{FOLDER}/cut.csv"
"""Rows of metrics.csv that a resume has cut off and that have not come again yet."""
MAX_STATE_BYTES = 2**20
GROUPS = ("weights", "optimizer", "best", "losses")
FILE = re.compile(r"[0-9]{12,}-[0-9a-f]{16}\.safetensors")
"""The name of a checkpoint's arrays."""


@dataclass(frozen=True)
class State:
    """Where a training stood, beside its arrays."""

    step: Count
    epoch: float
    evaluated: Count
    """The step of the last evaluation: the running sum of the losses begins after it."""
    train_seconds: float
    eval_seconds: float
    seconds: float
    """All of the run's so far, with what was neither."""
    metrics_bytes: Count
    """How long metrics.csv was."""
    metrics_sha256: str
    """Of these bytes."""
    config_sha256: str
    """Of the config.yaml that this belongs to."""
    best: Best | None
    """Where the val split was best so far."""


@dataclass(frozen=True)
class Checkpoint:
    """What ``write`` kept."""

    state: State
    arrays: dict[str, dict[str, Array]]
    """By group: ``weights``, ``optimizer``, ``best`` (the weights there) and ``losses`` (of every step so far)."""


@dataclass(frozen=True)
class _Stored:
    """What the JSON file holds."""

    state: State
    arrays: list[str]
    """The name of each array, so that one that is missing shows."""
    file: Annotated[str, FILE.fullmatch]
    """Where they are."""
    sha256: str
    """Of that file."""


def write(folder: Path, state: State, arrays: Mapping[str, Mapping[str, Array]]) -> None:
    """Keep a checkpoint in the run at ``folder``: the arrays first, then the state, which puts them in force.

    The one before stands until then and goes afterwards. Raises OSError.
    """
    flat = {f"{group}:{name}": array for group, found in arrays.items() for name, array in found.items()}
    content = tensors.dump(flat)
    digest = sealed.sha256(content)
    file = f"{state.step:012}-{digest[:16]}.safetensors"
    storage.make_folder(folder / FOLDER)
    storage.write(folder / FOLDER / file, content)
    storage.write(folder / STATE, sealed.seal(asdict(_Stored(state, sorted(flat), file, digest))))
    _tidy(folder, file)


def tidy(folder: Path) -> None:
    """Delete what a kill has left beside the checkpoint in force. Raises OSError, RunError for a damaged one."""
    stored = _read_stored(folder)
    if stored is not None:
        _tidy(folder, stored.file)


def _tidy(folder: Path, file: str) -> None:
    for path in sorted((folder / FOLDER).iterdir()):
        if path.name != file and (FILE.fullmatch(path.name) or path.name.endswith(".tmp")):
            storage.delete(path)


def read_state(folder: Path) -> State | None:
    """The state in force; None where there is no checkpoint. Raises RunError where it is damaged."""
    stored = _read_stored(folder)
    return stored.state if stored else None


def _read_stored(folder: Path) -> _Stored | None:
    path = folder / STATE
    if not storage.exists(path.parent):
        return None
    _real(path.parent)
    if not storage.exists(path):
        return None
    try:
        stored = strict.read(_Stored, sealed.unseal(storage.read(path, MAX_STATE_BYTES)))
        if stored.state.evaluated > stored.state.step:
            raise ValueError("its last evaluation is later than its step")
        return stored
    except ValueError as error:
        raise RunError(f"{path}: this is not a checkpoint's state: {error}", "the file is damaged") from None


def read(folder: Path, limit: int, check: tensors.Check | None = None) -> Checkpoint | None:
    """The checkpoint in force, of at most ``limit`` bytes; None where there is none.

    Raises RunError for damage, and what ``check`` raises of its arrays' headers, before they are loaded.
    """
    stored = _read_stored(folder)
    if stored is None:
        return None
    path = folder / FOLDER / stored.file
    if storage.sha256(path, limit) != stored.sha256:
        raise RunError(f"{path}: its SHA-256 is not the one in {STATE}", "the file is damaged")
    groups: dict[str, dict[str, Array]] = {group: {} for group in GROUPS}
    arrays = tensors.load(path, limit, check)
    for key, array in arrays.items():
        group, _, name = key.partition(":")
        groups.setdefault(group, {})[name] = array
    if sorted(arrays) != stored.arrays or len(groups) > len(GROUPS) or groups["losses"].keys() != {"losses"}:
        raise RunError(f"{path}: these are not the arrays that {STATE} lists", "the file is damaged")
    return Checkpoint(stored.state, groups)


def _real(path: Path) -> None:
    """Raise RunError for a folder that is a link, or no folder."""
    if path.is_symlink() or not path.is_dir():
        raise RunError(f"{path}: this is not a plain folder", "a run directory holds plain files and folders only")
