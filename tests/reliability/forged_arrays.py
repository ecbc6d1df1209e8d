"""Forged arrays: safetensors, .npz and .npy files that claim, hide or hold what no run would write."""

import json
import os
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import numpy as np

from nnlab.rundir import RunDir
from nnlab.rundir.directory import LOSSES, PREDICTIONS, WEIGHTS
from nnlab.rundir.sealed import sha256
from tests.reliability.forged_site import CLASSES, STOPPED, VALUES, Change, Content, Forgery, Site


def tensors() -> Iterator[Forgery]:
    """The weights, and the arrays of the checkpoint with its state's hash made right."""
    float_8 = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
    headers: dict[str, Content] = {
        "a header of 2^63": (2**63).to_bytes(8, "little") + b"{}",
        "no header": b"",
        "seven bytes": b"1234567",
        "10 TB": _tensors({"a": {**float_8, "shape": [10**13], "data_offsets": [0, 4 * 10**13]}}),
        "overlapping arrays": _tensors({"a": float_8, "b": {**float_8, "data_offsets": [4, 12]}}, 12),
        "sides below nothing": _tensors({"a": {**float_8, "shape": [-1, -2]}}, 8),
        "another length": _tensors({"a": {**float_8, "data_offsets": [0, 4]}}, 8),
        "an array twice": _raw_tensors('{"a": {"dtype":"U8","shape":[0],"data_offsets":[0,0]}, "a": 1}'),
        "a list": _raw_tensors("[]"),
        "numbers for arrays": _raw_tensors('{"a": 1}'),
        "100,000 brackets": _raw_tensors('{"a":' + "[" * 100_000 + "]" * 100_000 + "}"),
        "4 MB of arrays": lambda: _tensors({f"a{number}": _NONE for number in range(60_000)}),
        "names with escapes": _tensors({"\x1b[2J<script>": float_8}, 8),
        "half a name": _raw_tensors('{"\\ud800": {"dtype":"U8","shape":[0],"data_offsets":[0,0]}}'),
        "an unknown type": _tensors({"a": {**float_8, "dtype": "BF16\x1b[0m"}}, 8),
        "a hundred dimensions": _tensors({"a": {**float_8, "shape": [1] * 100}}, 4),
        "huge sides": _tensors({"a": {**float_8, "shape": [0, 10**300]}}),
    }
    for kind, content in headers.items():
        yield f"weights: {kind}", CLASSES, lambda site, content=content: site.write(WEIGHTS, content)
        yield f"checkpoint: {kind}", STOPPED, lambda site, content=content: _checkpoint(site, content)
    zeros = _tensors({"weights:a": {"dtype": "U8", "shape": [2**29], "data_offsets": [0, 2**29]}})
    yield "weights: 0.5 GB of zeros", CLASSES, lambda site: _zeros(site.run / WEIGHTS, zeros)
    yield "checkpoint: 0.5 GB of zeros", STOPPED, lambda site: _checkpoint_of_zeros(site, zeros)
    changes: dict[str, Change] = {
        "one missing": lambda found: found.pop(min(found)),
        "one more": lambda found: found.update(evil=np.zeros(3, np.float32)),
        "another type": lambda found: found.update({name: array.astype(np.float64) for name, array in found.items()}),
        "another shape": lambda found: found.update({name: array.ravel() for name, array in found.items()}),
        "no numbers": lambda found: found.update({name: array * np.nan for name, array in found.items()}),
        "infinite": lambda found: found.update({name: array + np.inf for name, array in found.items()}),
        "huge": lambda found: found.update({name: array * 0 + array.dtype.type(3e38) for name, array in found.items()}),
    }
    for kind, change in changes.items():
        for base in (CLASSES, VALUES):
            yield f"weights: {kind}, {base}", base, lambda site, change=change: _weights(site, change)
        yield f"checkpoint: {kind}", STOPPED, lambda site, change=change: _checkpoint_arrays(site, change)
    adams: dict[str, Change] = {
        "a square missing": lambda found: found.pop(_adams(found)),
        "bytes for squares": lambda found: found.update({_adams(found): found[_adams(found)].astype(np.uint8)}),
        "a count of nothing": lambda found: found.update({"optimizer:step": np.float32(np.nan)}),
        "counts": lambda found: found.update({"optimizer:step": np.zeros(3, np.float32)}),
    }
    for kind, change in adams.items():
        yield f"checkpoint of Adam: {kind}", STOPPED, lambda site, change=change: _checkpoint_arrays(site, change)


def _adams(found: dict[str, Any]) -> str:
    return min(name for name in found if name.endswith("exp_avg_sq"))


_NONE = {"dtype": "U8", "shape": [0], "data_offsets": [0, 0]}


def _tensors(header: dict[str, Any], size: int = 0) -> bytes:
    return _raw_tensors(json.dumps(header), size)


def _raw_tensors(header: str, size: int = 0) -> bytes:
    return len(header).to_bytes(8, "little") + header.encode() + bytes(size)


def _weights(site: Site, change: Change) -> None:
    run = RunDir(site.run)
    found = run.weights.read()
    change(found)
    run.weights.write(found)


def _checkpoint(site: Site, content: Content) -> None:
    file = site.predictions.read()
    site.write(f"checkpoint/{file.name}", content)
    site.state(lambda found: found.update(sha256=sha256(file.read_bytes())))


def _zeros(path: Path, header: bytes) -> None:
    """A file that takes no room on the disk."""
    path.write_bytes(header)
    os.truncate(path, len(header) + 2**29)


def _checkpoint_of_zeros(site: Site, header: bytes) -> None:
    _zeros(site.predictions.read(), header)
    digest = sha256(site.predictions.read().read_bytes())
    site.state(lambda found: found.update(sha256=digest, arrays=["weights:a"]))


def _checkpoint_arrays(site: Site, change: Change) -> None:
    from safetensors.numpy import load, save

    found = load(site.predictions.read().read_bytes())
    change(found)
    _checkpoint(site, save({name: np.asarray(array) for name, array in found.items()}))
    site.state(lambda state: state.update(arrays=sorted(found)))


class _Canary:
    """A pickle that makes a folder where it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


def numpy_files() -> Iterator[Forgery]:
    """predictions.npz and losses.npy."""
    kinds = {
        "10^15 rows": "'<f8', 'shape': (1000000000000000,)",
        "sides below nothing": "'<f8', 'shape': (-5, -5)",
        "code": "'<f8', 'shape': __import__('os')",
        "one number": "'<f8', 'shape': ()",
        "text": "'<U4', 'shape': (4,)",
        "text of no length": "'<U0', 'shape': (10000000000,)",
        "records": "[('a', '<f4'), ('b', '<f4')], 'shape': (8,)",
        "arrays of arrays": "('<f8', (2, 2)), 'shape': (2,)",
        "dates": "'<M8[s]', 'shape': (8,)",
    }
    for name in (PREDICTIONS, LOSSES):
        for kind, what in kinds.items():
            header = f"{{'fortran_order': False, 'descr': {what}}}"
            yield f"{name}: {kind}", CLASSES, lambda site, name=name, header=header: _npy(site, name, header, b"x" * 64)
        deep = "{'descr': " + "(" * 5000
        yield f"{name}: deep nesting", CLASSES, lambda site, name=name, deep=deep: _npy(site, name, deep, b"")
        yield f"{name}: a pickle", CLASSES, lambda site, name=name: _npy(site, name, _OBJECTS, _pickle(site))
        yield f"{name}: a bare pickle", CLASSES, lambda site, name=name: site.write(name, _pickle(site))
        yield f"{name}: 1 GB of zeros", CLASSES, _bomb if name == PREDICTIONS else _long_losses
    yield "predictions.npz: 100,000 parts", CLASSES, _many_parts


_OBJECTS = "{'descr': '|O', 'fortran_order': False, 'shape': (1,), }"


def _pickle(site: Site) -> bytes:
    return pickle.dumps(np.array([_Canary(site.outside / "ran")], dtype=object))


def _npy(site: Site, name: str, header: str, content: bytes) -> None:
    whole = b"\x93NUMPY\x01\x00" + (len(header) + 1).to_bytes(2, "little") + header.encode() + b"\n" + content
    if name == LOSSES:
        site.write(name, whole)
    else:
        with ZipFile(site.run / name, "w") as file:
            file.writestr("scores.npy", whole)
            file.writestr("targets.npy", whole)


def _bomb(site: Site) -> None:
    with (
        ZipFile(site.run / PREDICTIONS, "w", ZIP_DEFLATED, compresslevel=1) as file,
        file.open("scores.npy", "w", force_zip64=True) as part,
    ):
        np.lib.format.write_array_header_1_0(part, {"descr": "<f4", "fortran_order": False, "shape": (2**28,)})
        for _ in range(2**10):
            part.write(bytes(2**20))


def _long_losses(site: Site) -> None:
    with (site.run / LOSSES).open("wb") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "<f8", "fortran_order": False, "shape": (2**27,)})
        os.truncate(file.fileno(), file.tell() + 2**30)


def _many_parts(site: Site) -> None:
    with ZipFile(site.run / PREDICTIONS, "w") as file:
        for number in range(100_000):
            file.writestr(f"{number}.npy", b"")
