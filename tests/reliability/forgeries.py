"""Forgeries: run directories as someone who means harm would send them, each a real one with a clever change."""

import json
import os
import pickle
import shutil
import socket
from collections.abc import Callable, Iterator
from contextlib import chdir, suppress
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import numpy as np

from nnlab import rundir
from nnlab.errors import NnlabError
from nnlab.rundir import RunDir, sealed, sha256

CLASSES, VALUES, STOPPED = "classes", "values", "stopped"
"""What is forged: a finished run of either task, or one that was stopped."""
CLOSED = "closed"
TEXTS = {
    "markup": "[/x]run [bold]",
    "an escape sequence": "\x1b[2J\x1b]0;owned\x07\x9b31m",
    "lines": "one\nerror: two\r\x08three",
    "right-to-left": "\u202e\u2066gnp.exe",
    "a script": "<script>alert(1)</script>",
    "an attribute": "\"'><img src=x onerror=alert(1)>",
    "TeX": "$\\frac{x}{$ \\input{/etc/passwd}",
    "a format": "{0.__class__} %s %(x)d {",
    "half a character": "\ud800",
    "4,000 characters": "x" * 4000,
    "nothing": "",
}
HUGE = 10**400
WRONG: list[Any] = [None, [], {}, "x", -1, HUGE, True, [[]], {"x": {}}, 1.5, [HUGE], "9" * 4000]


@dataclass
class Site:
    """Where a forgery is made."""

    home: Path
    run: Path
    """Below ``home / "runs"``."""

    @property
    def outside(self) -> Path:
        """What must not be touched."""
        return self.home / "outside"

    @property
    def data(self) -> Path:
        """What may be read as data, where it is some."""
        return self.home / "data"

    def reseal(self) -> None:
        """Bring the manifest up to date, as a clever forger would."""
        with suppress(NnlabError, OSError, ValueError):
            RunDir(self.run).write_manifest()

    def read(self, name: str) -> dict[str, Any]:
        """What one of the JSON files says."""
        return dict(json.loads((self.run / name).read_text()))

    def arrays(self) -> Path:
        """The checkpoint's arrays."""
        return next(self.run.glob("checkpoint/*.safetensors"))


Forge = Callable[[Site], Any]
Forgery = tuple[str, str, Forge]
"""Its name, what it is made of, and how."""


def all_forgeries() -> list[Forgery]:
    """Every one."""
    parts = (names, texts, no_plain_files, summaries, wrong_types, configs, tensors, numpy_files)
    found = [forgery for part in (*parts, sealed_files, folders) for forgery in part()]
    assert len({name for name, _, _ in found}) == len(found)
    return found


def names() -> Iterator[Forgery]:
    """A run directory may be called anything."""
    given = {**TEXTS, "a script": "<script>x", "an attribute": "'\"><img onerror=x>", "TeX": "$\\frac{x}{$"}
    long = {"half a character": os.fsdecode(b"run-\xff\xfe"), "4,000 characters": "y" * 200, "nothing": " "}
    for kind, name in {**given, **long, "an option": "-rf", "latest": "latest"}.items():
        yield f"named {kind}", CLASSES, lambda site, name=name: _rename(site, name)


def _rename(site: Site, name: str) -> None:
    renamed = site.run.parent / name
    renamed.parent.mkdir(exist_ok=True)
    site.run = site.run.rename(renamed)


def texts() -> Iterator[Forgery]:
    """All text in run.json, and in the config and its keys."""
    for kind, text in TEXTS.items():
        for base in (CLASSES, VALUES):
            yield f"{kind} in run.json, {base}", base, lambda site, text=text: _all_text(site, text)
        yield f"{kind} in config.yaml", CLASSES, lambda site, text=text: _config_text(site, text)


def _all_text(site: Site, text: str) -> None:
    def change(found: dict[str, Any]) -> None:
        found |= dict.fromkeys(("name", "model", "device", "error", "started", "finished"), text)
        data = found["dataset"]
        data |= dict.fromkeys(("name", "sha256", "target_name"), text)
        data["classes"], data["feature_names"] = [text] * len(data["classes"]), [text] * len(data["feature_names"])
        found["best"] = {"step": 1, "metric": text, "value": text, text: text}
        for split in filter(None, found["metrics"].values()):
            split |= {f"{text}{number}": 1.0 for number in range(3)}

    _summary(site, change)
    environment = site.read("env.json")
    _write(site, "env.json", json.dumps({**environment, "python": text, "cpu": text, text: text}))


def _config_text(site: Site, text: str) -> None:
    quoted = json.dumps(text)
    config = (site.run / "config.yaml").read_text()
    added = config.replace("model:\n", f"model:\n  ? {quoted}\n  : {quoted}\n") + f"? {quoted}\n: [{quoted}]\n"
    _write(site, "config.yaml", added)
    _summary(site, lambda found: found.update(config_sha256=sha256(added.encode())))


SHARP = ("a link outside", "a hard link outside", "a pipe", "1 GiB of nothing")
"""What is tried in the place of every file, and not just of some."""


def no_plain_files() -> Iterator[Forgery]:
    """Each file is something else, and what a link leads to is as good as the file was."""
    some = ("run.json", "config.yaml", "metrics.csv", "checkpoint/state.json")
    others = ("weights.safetensors", "best.safetensors", "predictions.npz", "losses.npy", "env.json", "manifest.json")
    kinds: dict[str, Callable[[Path, Site], Any]] = {
        "a link outside": _link_outside,
        "a hard link outside": lambda path, site: os.link(shutil.move(path, site.outside / path.name), path),
        "a link to nothing": lambda path, site: path.symlink_to(site.outside / "nothing"),
        "a link to itself": lambda path, site: path.symlink_to(path.name),
        "a link to /dev/zero": lambda path, site: path.symlink_to("/dev/zero"),
        "a pipe": lambda path, site: os.mkfifo(path),
        "a folder": lambda path, site: (path / "x").mkdir(parents=True),
        "a socket": _socket,
        "10 GiB of nothing": lambda path, site: _sparse(path, 10 * 2**30),
        "1 GiB of nothing": lambda path, site: _sparse(path, 2**30),
        "closed": lambda path, site: path.chmod(0),
    }
    for kind, make in kinds.items():
        for name in (*some, *others, "checkpoint/*.safetensors") if kind in SHARP else some:
            forge: Forge = lambda site, name=name, make=make, kind=kind: _replace(site, name, make, kind)  # noqa: E731
            yield f"{name} is {kind}", CLASSES, forge


def _replace(site: Site, name: str, make: Callable[[Path, Site], Any], kind: str) -> None:
    (path,) = site.run.glob(name)
    if "outside" not in kind and kind != "closed":
        path.unlink()
    make(path, site)


def _link_outside(path: Path, site: Site) -> None:
    path.symlink_to(shutil.move(path, site.outside / path.name))


def _socket(path: Path, site: Site) -> None:
    with chdir(path.parent), socket.socket(socket.AF_UNIX) as made:  # its address may have a hundred characters
        made.bind(path.name)


def _sparse(path: Path, size: int) -> None:
    path.touch()
    os.truncate(path, size)


def summaries() -> Iterator[Forgery]:
    """run.json in many ways."""
    raw = {
        "NaN": '{"schema_version": NaN}',
        "a key twice": '{"schema_version": 1, "schema_version": 1}',
        "100,000 brackets": '{"a": ' + "[" * 100_000 + "]" * 100_000 + "}",
        "100,000 braces": '{"a":' * 100_000 + "1" + "}" * 100_000,
        "5,000 digits": f'{{"schema_version": {"9" * 5000}}}',
        "a list": "[]",
        "nothing": "",
        "8 MB of lists": '{"schema_version": 1, "a": [' + "[]," * 2_700_000 + "[]]}",
        "8 MB of objects": '{"schema_version": 1, "a": [' + "{}," * 2_700_000 + "{}]}",
        "8 MB of keys": json.dumps({"schema_version": 1, **dict.fromkeys(map(str, range(500_000)), 1)}),
        "8 MB of text": json.dumps({"schema_version": 1, "a": "x" * 8_000_000}),
    }
    for kind, text in raw.items():
        yield f"run.json: {kind}", CLASSES, lambda site, text=text: _write(site, "run.json", text)
    metrics = {f"metric {number}": 1.0 for number in range(100_000)}
    million = [str(number) for number in range(1_000_000)]
    changes: dict[str, dict[str, Any]] = {
        "an odd status": {"status": "owned\x1b[0m"},
        "a run that is going": {"status": "running"},
        "huge numbers": {"seed": HUGE, "epochs": HUGE, "seconds": {"total": HUGE}, "best": {"value": HUGE}},
        "huge metrics": {"metrics": {"train": {"loss": HUGE, "accuracy": HUGE}, "test": {"loss": -HUGE}}},
        "100,000 metrics": {"metrics": {"train": metrics, "val": metrics, "test": metrics}},
        "a megabyte of name": {"name": "x" * 2**20},
        "another model": {"model": "../../outside/evil"},
        "10^6 entries": {"resumed": million},
        "another task": {"task": "regression"},
    }
    for kind, change in changes.items():
        yield f"run.json: {kind}", CLASSES, lambda site, change=change: _summary(site, lambda had: had.update(change))
    data: dict[str, dict[str, Any]] = {
        "a shape of 10^12": {"shape": [10**12], "features": 10**12},
        "eight huge sides": {"shape": [2**53] * 8, "features": 2**424},
        "a shape without sides": {"shape": [], "features": 1},
        "sides below nothing": {"shape": [-8, -8]},
        "other features": {"shape": [8, 9]},
        "10^6 classes": {"classes": million, "outputs": len(million)},
        "10^6 outputs": {"classes": None, "outputs": 10**6},
        "no classes": {"classes": []},
        "10^15 examples": {"train": 10**15, "val": 10**15, "test": 10**15},
        "other means": {"mean": [1.0, 2.0], "std": [1.0]},
        "deviations of nothing": {"mean": [0] * 64, "std": [0.0] * 64},
        "huge means": {"mean": [HUGE] * 64, "std": [HUGE] * 64},
        "a scale of text": {"scale": "x"},
        "a huge scale": {"scale": HUGE},
        "a scale of nothing": {"scale": -0.0, "target_name": {"a": []}},
    }
    for kind, facts in data.items():
        yield f"run.json: {kind}", CLASSES, lambda site, facts=facts: _data(site, facts)


def _data(site: Site, facts: dict[str, Any]) -> None:
    _summary(site, lambda found: found["dataset"].update(facts))


def wrong_types() -> Iterator[Forgery]:
    """Each key of run.json holds what it should not, and no two of them the same."""
    top = "schema_version status name config_sha256 model dataset task device seed parameters started finished seconds"
    inner = "name sha256 train val test features outputs shape classes feature_names target_name scale mean std"
    values = cycle(WRONG)
    for key in (*top.split(), "steps", "epochs", "metrics", "best", "resumed", "error"):
        for value, base in ((next(values), CLASSES), (next(values), VALUES)):
            forge: Forge = lambda site, key=key, value=value: _summary(site, lambda had: had.update({key: value}))  # noqa: E731
            yield f"run.json: {key} is {value!r:.20}, {base}", base, forge
    for key in inner.split():
        for value, base in ((next(values), CLASSES), (next(values), VALUES)):
            yield (
                f"run.json: dataset.{key} is {value!r:.20}, {base}",
                base,
                lambda site, key=key, value=value: _data(site, {key: value}),
            )


def configs() -> Iterator[Forgery]:
    """config.yaml, with its hash in run.json made right."""
    laughs = "a: &a [x]\n" + "".join(f"b{n}: &b{n} [*a, *a, *a, *a, *a, *a, *a, *a]\n" for n in range(9))
    head, digits = "model: {name: mlp-np, hidden: [8]}\n", "dataset: {name: digits, limit: 60}\n"
    tail = "train: {steps: 20, eval_every: 5}\nseed: 0\ndevice: cpu\nthreads: 1\n"
    given = {
        "a base outside": f"extends: ../outside/canary.yaml\n{head}{digits}{tail}",
        "a billion laughs": laughs,
        "deep nesting": "a: " + "[" * 100_000,
        "deep keys": "".join(f"{' ' * depth}a:\n" for depth in range(500)),
        "a tag of Python's": f"{head}{digits}{tail}x: !!python/object/apply:os.mkdir ['OUTSIDE/ran']\n",
        "a tag of its own": f"model: !!python/name:os.system\n{digits}{tail}",
        "a model called os": f"model: {{name: os}}\n{digits}{tail}",
        "a model outside": f"model: {{name: ../../outside/evil}}\n{digits}{tail}",
        "a dotted model": f"model: {{name: ..outside.evil}}\n{digits}{tail}",
        "a hidden model": f"model: {{name: _loss}}\n{digits}{tail}",
        "a dataset outside": f"{head}dataset: {{name: OUTSIDE/evil}}\n{tail}",
        "100 layers of 10^5": f"model: {{name: mlp-np, hidden: [{'100000, ' * 100}8]}}\n{digits}{tail}",
        "a layer of 10^18": f"model: {{name: mlp-np, hidden: [{10**18}]}}\n{digits}{tail}",
        "two layers of 30,000": f"model: {{name: mlp-np, hidden: [30000, 30000]}}\n{digits}{tail}",
        "10^15 steps": f"{head}{digits}{tail.replace('20', '1000000000000000')}",
        "10^12 threads": f"{head}{digits}{tail.replace('threads: 1', 'threads: 1000000000000')}",
        "a device of many": f"{head}{digits}{tail.replace('cpu', 'cuda:99')}",
        "a file of data that is a pipe": f"{head}dataset: {{name: csv, path: DATA/pipe.csv, target: a}}\n{tail}",
        "a file of data that is no data": f"{head}dataset: {{name: csv, path: DATA/plain.csv, target: a}}\n{tail}",
        "a file of data that is a device": f"{head}dataset: {{name: csv, path: DATA/zero.csv, target: a}}\n{tail}",
        "a device for a path": f"{head}dataset: {{name: csv, path: /dev/zero, target: a}}\n{tail}",
        "arrays in pipes": f"{head}dataset: {{name: arrays, path: DATA/pipes}}\n{tail}",
        "arrays with pickles": f"{head}dataset: {{name: arrays, path: DATA/pickles.npz}}\n{tail}",
        "pictures that are pipes": f"{head}dataset: {{name: image-folder, path: DATA/pictures}}\n{tail}",
        "pictures that are devices": f"{head}dataset: {{name: image-folder, path: DATA/devices}}\n{tail}",
        "a path with a NUL": f'{head}dataset: {{name: csv, path: "a\\0.csv", target: a}}\n{tail}',
        "a path of 5,000": f"{head}dataset: {{name: csv, path: {'x' * 5000}.csv, target: a}}\n{tail}",
        "nothing": "",
        "a list": "[1, 2]\n",
        "text": "x\n",
        "no UTF-8": "\udcff",
        "256 KB of keys": "".join(f"k{number}: {number}\n" for number in range(17_000)),
        "a megabyte": "x" * 2**20,
    }
    for kind, text in given.items():
        yield f"config.yaml: {kind}", CLASSES, lambda site, text=text: _config(site, text)


def _config(site: Site, text: str) -> None:
    text = text.replace("OUTSIDE", str(site.outside)).replace("DATA", str(site.data))
    content = text.encode(errors="surrogateescape")
    (site.run / "config.yaml").write_bytes(content)
    _summary(site, lambda found: found.update(config_sha256=sha256(content)))


def tensors() -> Iterator[Forgery]:
    """The weights, and the arrays of the checkpoint with its state's hash made right."""
    float_8 = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
    headers: dict[str, bytes] = {
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
        "4 MB of arrays": _tensors({f"a{number}": _NONE for number in range(60_000)}),
        "names with escapes": _tensors({"\x1b[2J<script>": float_8}, 8),
        "half a name": _raw_tensors('{"\\ud800": {"dtype":"U8","shape":[0],"data_offsets":[0,0]}}'),
        "an unknown type": _tensors({"a": {**float_8, "dtype": "BF16\x1b[0m"}}, 8),
        "a hundred dimensions": _tensors({"a": {**float_8, "shape": [1] * 100}}, 4),
        "huge sides": _tensors({"a": {**float_8, "shape": [0, 10**300]}}),
    }
    for kind, content in headers.items():
        yield f"weights: {kind}", CLASSES, lambda site, content=content: _write(site, rundir.WEIGHTS, content)
        yield f"checkpoint: {kind}", STOPPED, lambda site, content=content: _checkpoint(site, content)
    changes: dict[str, Callable[[dict[str, Any]], Any]] = {
        "one missing": lambda found: found.pop(next(iter(found))),
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


_NONE = {"dtype": "U8", "shape": [0], "data_offsets": [0, 0]}


def _tensors(header: dict[str, Any], size: int = 0) -> bytes:
    return _raw_tensors(json.dumps(header), size)


def _raw_tensors(header: str, size: int = 0) -> bytes:
    return len(header).to_bytes(8, "little") + header.encode() + bytes(size)


def _weights(site: Site, change: Callable[[dict[str, Any]], Any]) -> None:
    run = RunDir(site.run)
    found = run.weights()
    change(found)
    run.write_weights(rundir.WEIGHTS, found)


def _checkpoint(site: Site, content: bytes) -> None:
    site.arrays().write_bytes(content)
    _state(site, lambda found: found.update(sha256=sha256(content)))


def _checkpoint_arrays(site: Site, change: Callable[[dict[str, Any]], Any]) -> None:
    from safetensors.numpy import load, save

    found = load(site.arrays().read_bytes())
    change(found)
    _checkpoint(site, save({name: np.asarray(array) for name, array in found.items()}))
    _state(site, lambda state: state.update(arrays=sorted(found)))


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
    for name in (rundir.PREDICTIONS, rundir.LOSSES):
        for kind, what in kinds.items():
            header = f"{{'fortran_order': False, 'descr': {what}}}"
            yield f"{name}: {kind}", CLASSES, lambda site, name=name, header=header: _npy(site, name, header, b"x" * 64)
        deep = "{'descr': " + "(" * 5000
        yield f"{name}: deep nesting", CLASSES, lambda site, name=name, deep=deep: _npy(site, name, deep, b"")
        yield f"{name}: a pickle", CLASSES, lambda site, name=name: _npy(site, name, _OBJECTS, _pickle(site))
        yield f"{name}: a bare pickle", CLASSES, lambda site, name=name: _write(site, name, _pickle(site))
        yield f"{name}: 1 GB of zeros", CLASSES, _bomb if name == rundir.PREDICTIONS else _long_losses
    yield "predictions.npz: 100,000 parts", CLASSES, _many_parts


_OBJECTS = "{'descr': '|O', 'fortran_order': False, 'shape': (1,), }"


def _pickle(site: Site) -> bytes:
    return pickle.dumps(np.array([_Canary(site.outside / "ran")], dtype=object))


def _npy(site: Site, name: str, header: str, content: bytes) -> None:
    whole = b"\x93NUMPY\x01\x00" + (len(header) + 1).to_bytes(2, "little") + header.encode() + b"\n" + content
    if name == rundir.LOSSES:
        _write(site, name, whole)
    else:
        with ZipFile(site.run / name, "w") as file:
            file.writestr("scores.npy", whole)
            file.writestr("targets.npy", whole)


def _bomb(site: Site) -> None:
    with (
        ZipFile(site.run / rundir.PREDICTIONS, "w", ZIP_DEFLATED, compresslevel=1) as file,
        file.open("scores.npy", "w", force_zip64=True) as part,
    ):
        np.lib.format.write_array_header_1_0(part, {"descr": "<f4", "fortran_order": False, "shape": (2**28,)})
        for _ in range(2**10):
            part.write(bytes(2**20))


def _long_losses(site: Site) -> None:
    with (site.run / rundir.LOSSES).open("wb") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "<f8", "fortran_order": False, "shape": (2**27,)})
        os.truncate(file.fileno(), file.tell() + 2**30)


def _many_parts(site: Site) -> None:
    with ZipFile(site.run / rundir.PREDICTIONS, "w") as file:
        for number in range(100_000):
            file.writestr(f"{number}.npy", b"")


def sealed_files() -> Iterator[Forgery]:
    """The manifest and the checkpoint's state, with seals that hold."""
    hashes: dict[str, Any] = {
        "files outside": {"../../outside/canary.yaml": "0" * 64, "../outside/run.json": "0" * 64},
        "absolute paths": {"/dev/zero": "0" * 64, "/etc/passwd": "0" * 64, "//": "", "": ""},
        "100,000 files": {f"file {number}": "0" for number in range(100_000)},
        "names with escapes": {"\x1b[2J": 1, "<script>": [], "a\nb": {}, "\u202ex": None},
        "a list": ["run.json"],
        "nothing": {},
        "a megabyte of name": {"x" * 2**20: "0"},
        "a NUL": {"a\0b": "0"},
    }
    for kind, content in hashes.items():
        yield f"manifest.json: {kind}", CLASSES, lambda site, content=content: _manifest(site, content)
    states: dict[str, dict[str, Any]] = {
        "a file outside": {"file": "../../../outside/000000000020-0123456789abcdef.safetensors"},
        "a file elsewhere": {"file": "000000000099-0123456789abcdef.safetensors"},
        "an absolute file": {"file": "/dev/zero"},
        "no arrays": {"arrays": []},
        "odd arrays": {"arrays": [[], {}]},
        "another key": {"evil": 1},
        "no state": {"state": {}},
        "a list of state": {"state": []},
    }
    for kind, change in states.items():
        yield f"state.json: {kind}", STOPPED, lambda site, change=change: _state(site, lambda had: had.update(change))
    inner: dict[str, dict[str, Any]] = {
        "huge seconds": {"seconds": HUGE, "train_seconds": HUGE, "eval_seconds": -HUGE, "epoch": HUGE},
        "a huge step": {"step": 10**18, "evaluated": 10**18},
        "a step of other losses": {"step": 7, "evaluated": 5},
        "an odd best": {"best": {"x": 1}},
        "a best of text": {"best": {"step": "a", "epoch": [], "metric": "\x1b[2J", "value": "x"}},
        "huge bytes": {"metrics_bytes": 10**300},
        "no bytes": {"metrics_bytes": 0, "metrics_sha256": sha256(b"")},
        "half a row": {"metrics_bytes": 60},
        "another config": {"config_sha256": "0"},
    }
    for kind, change in inner.items():
        yield (
            f"state.json: {kind}",
            STOPPED,
            lambda site, change=change: _state(site, lambda had: had["state"].update(change)),
        )


def _manifest(site: Site, hashes: Any) -> None:
    content = {"schema_version": 1, "sha256": hashes}
    (site.run / rundir.MANIFEST).write_bytes(sealed.seal(content))


def folders() -> Iterator[Forgery]:
    """What else may lie in a run directory."""
    planted = (".run.json.tmp", ".metrics.csv.tmp", ".config.yaml.tmp", ".manifest.json.tmp", ".lock")
    for name in (*planted, "checkpoint/.state.json.tmp"):
        for base in (CLASSES, STOPPED):
            yield f"{name} leads outside, {base}", base, lambda site, name=name: _plant(site, name)
        yield f"{name} is a pipe", STOPPED, lambda site, name=name: os.mkfifo(_gone(site.run / name))
        yield f"{name} is a folder", STOPPED, lambda site, name=name: (_gone(site.run / name) / "x").mkdir(parents=True)
    for name in ("confusion-test.png", "loss.png", "weights.safetensors", "metrics.csv"):
        yield f"stopped: {name} leads outside", STOPPED, lambda site, name=name: _plant(site, name)
    for base in (CLASSES, STOPPED):
        yield f"checkpoint/ leads outside, {base}", base, lambda site: _link_outside(site.run / "checkpoint", site)
        yield f"a run in the run, {base}", base, lambda site: shutil.copytree(site.run, site.run / "inner")
        yield f"a link to itself, {base}", base, lambda site: (site.run / "loop").symlink_to(site.run)
        yield f"900 folders in a row, {base}", base, lambda site: _deep(site.run, "d", 900)
        yield f"folders too deep for a path, {base}", base, lambda site: _deep(site.run, "d" * 250, 40)
        yield f"a name that is no text, {base}", base, lambda site: (site.run / os.fsdecode(b"x\xff\x1b")).touch()
        yield f"a folder that is closed, {base}", base, lambda site: (site.run / CLOSED).mkdir(0)
    yield "100,000 files", CLASSES, lambda site: _many_files(site.run / "many")
    yield "100,000 files in checkpoint/", STOPPED, lambda site: _many_files(site.run / "checkpoint")
    yield "checkpoint/ is a file", STOPPED, lambda site: _file_for_checkpoint(site)
    rows = b"".join(b"%d,1.0,0.5,0.5,0.5,1.0\n" % step for step in range(1, 250_000))
    header = b"step,epoch,train_loss,val_loss,val_accuracy,seconds\n"
    wide = b",".join(b"c%d" % number for number in range(16)) + b"\n" + (b"1," * 15 + b"1\n") * 240_000
    tables = {
        "250,000 rows": header + rows,
        "16 columns": wide,
        "one line of 39 MB": b"1," * 19_500_000,
        "no numbers": header + b"1,nan,inf,-inf,1e999,\xff\n",
        "numbers that are none": header + b"nan,nan,inf,-inf,1e999,-0\n" * 3,
        "an underscore": header + b"1_0,1_0,1_0,1_0,1_0,1_0\n",
        "a column of escapes": b"step,\x1b[2J,<script>\n1,2,3\n",
        "a column twice": b"step,step,seconds\n1,2,3\n",
        "steps alone": b"step\n5\n10\n15\n18\n",
        "nothing": b"",
    }
    for kind, content in tables.items():
        for base in (CLASSES, STOPPED):
            yield f"metrics.csv: {kind}, {base}", base, lambda site, content=content: _rows(site, content)


def _gone(path: Path) -> Path:
    path.unlink(missing_ok=True)
    return path


def _plant(site: Site, name: str) -> None:
    _gone(site.run / name).symlink_to(site.outside / "canary.yaml")


def _deep(folder: Path, name: str, levels: int) -> None:
    """Folders in one another, made from inside so that their path may be longer than any call takes."""
    with chdir(folder):
        for _ in range(levels):
            Path(name).mkdir()
            os.chdir(name)


def _many_files(folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    for number in range(100_000):
        os.close(os.open(folder / str(number), os.O_CREAT | os.O_WRONLY))


def _file_for_checkpoint(site: Site) -> None:
    shutil.rmtree(site.run / "checkpoint")
    (site.run / "checkpoint").touch()


def _rows(site: Site, content: bytes) -> None:
    _write(site, rundir.METRICS, content)
    changes = {"metrics_bytes": len(content), "metrics_sha256": sha256(content)}
    _state(site, lambda found: found["state"].update(changes))


def _write(site: Site, name: str, content: bytes | str) -> None:
    (site.run / name).write_bytes(content.encode() if isinstance(content, str) else content)


def _summary(site: Site, change: Callable[[dict[str, Any]], Any]) -> None:
    found = site.read(rundir.SUMMARY)
    change(found)
    _write(site, rundir.SUMMARY, json.dumps(found))


def _state(site: Site, change: Callable[[dict[str, Any]], Any]) -> None:
    found = sealed.unseal((site.run / rundir.STATE).read_bytes())
    change(found)
    _write(site, rundir.STATE, sealed.seal(found))
