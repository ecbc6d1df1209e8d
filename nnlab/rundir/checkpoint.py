"""Checkpoints: what an exact resume needs, as arrays and a sealed state that one rename puts in force."""

import re
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Annotated

import numpy as np

from nnlab.dataset import Array
from nnlab.errors import RunError
from nnlab.rundir import sealed, storage, strict, tensors
from nnlab.standing import Best, Count, Seconds, Standing

FOLDER = "checkpoint"
STATE = f"{FOLDER}/state.json"
CUT = f"{FOLDER}/cut.csv"
"""Rows of metrics.csv that a resume has cut off and that have not come again yet."""
MAX_STATE_BYTES = 2**20
GROUPS = ("weights", "optimizer", "best", "losses")
FILE = re.compile(r"[0-9]{12,}-[0-9a-f]{16}\.safetensors")
"""The name of a checkpoint's arrays."""


@dataclass(frozen=True)
class Checkpoint:
    """Where a training stood, and what belonged to it then."""

    standing: Standing
    metrics_bytes: int
    """How long metrics.csv was."""
    metrics_sha256: str
    """Of these bytes."""
    config_sha256: str
    """Of the config.yaml that this belongs to."""
    weights: dict[str, Array] = field(default_factory=dict)
    optimizer: dict[str, Array] = field(default_factory=dict)
    best: dict[str, Array] = field(default_factory=dict)
    """The weights where the val split was best."""


@dataclass(frozen=True)
class _State:
    """What the JSON file says of it, beside its arrays."""

    step: Count
    epoch: float
    evaluated: Count
    train_seconds: float
    eval_seconds: float
    seconds: float
    metrics_bytes: Count
    metrics_sha256: str
    config_sha256: str
    best: Best | None
    ended: str = ""


@dataclass(frozen=True)
class _Stored:
    """What the JSON file holds."""

    state: _State
    arrays: list[str]
    """The name of each array, so that one that is missing shows."""
    file: Annotated[str, FILE.fullmatch]
    """Where they are."""
    sha256: str
    """Of that file."""


def write(folder: Path, kept: Checkpoint) -> None:
    """Keep a checkpoint in the run at ``folder``: the arrays first, then the state, which puts them in force.

    The one before stands until then and goes afterwards. Raises OSError.
    """
    at = kept.standing
    groups = {"weights": kept.weights, "optimizer": kept.optimizer, "best": kept.best, "losses": {"losses": at.losses}}
    flat = {f"{group}:{name}": array for group, found in groups.items() for name, array in found.items()}
    content = tensors.dump(flat)
    digest = sealed.sha256(content)
    file = f"{at.step:012}-{digest[:16]}.safetensors"
    storage.make_folder(folder / FOLDER)
    storage.write(folder / FOLDER / file, content)
    stored = asdict(_Stored(_state_of(kept), sorted(flat), file, digest))
    if not at.ended:
        del stored["state"]["ended"]
    storage.write(folder / STATE, sealed.seal(stored))
    _tidy(folder, file)


def _state_of(kept: Checkpoint) -> _State:
    at = kept.standing
    belonging = kept.metrics_bytes, kept.metrics_sha256, kept.config_sha256
    return _State(at.step, at.epoch, at.since, *at.seconds, *belonging, at.best, at.ended)


def _checkpoint_of(state: _State) -> Checkpoint:
    """What a state says, without arrays."""
    seconds = Seconds(state.train_seconds, state.eval_seconds, state.seconds)
    at = Standing(state.step, state.epoch, state.evaluated, best=state.best, seconds=seconds, ended=state.ended)
    return Checkpoint(at, state.metrics_bytes, state.metrics_sha256, state.config_sha256)


def tidy(folder: Path) -> None:
    """Delete what a kill has left beside the checkpoint in force. Raises OSError, RunError for a damaged one."""
    stored = _read_stored(folder)
    if stored is not None:
        _tidy(folder, stored.file)


def _tidy(folder: Path, file: str) -> None:
    for path in sorted((folder / FOLDER).iterdir()):
        if path.name != file and (FILE.fullmatch(path.name) or path.name.endswith(".tmp")):
            storage.delete(path)


def read_state(folder: Path) -> Checkpoint | None:
    """The checkpoint in force without its arrays; None where there is none. Raises RunError where it is damaged."""
    stored = _read_stored(folder)
    return _checkpoint_of(stored.state) if stored else None


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
    found, losses = _checkpoint_of(stored.state), groups["losses"]["losses"]
    if losses.shape != (stored.state.step,) or losses.dtype != np.float64:
        raise RunError(f"{path}: its losses are not one a step", "the file is damaged")
    at = replace(found.standing, losses=losses)
    weights, optimizer, best = groups["weights"], groups["optimizer"], groups["best"]
    return replace(found, standing=at, weights=weights, optimizer=optimizer, best=best)


def _real(path: Path) -> None:
    """Raise RunError for a folder that is a link, or no folder."""
    if path.is_symlink() or not path.is_dir():
        raise RunError(f"{path}: this is not a plain folder", "a run directory holds plain files and folders only")
