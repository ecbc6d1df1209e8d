"""Forged texts: run.json, config.yaml, the manifest and the checkpoint's state say what no run would."""

import json
from collections.abc import Iterator
from itertools import cycle
from typing import Any

from nnlab.rundir import sealed
from nnlab.rundir.directory import MANIFEST
from nnlab.rundir.sealed import sha256
from tests.reliability.forged_site import CLASSES, HUGE, STOPPED, VALUES, Content, Forge, Forgery, Site

WRONG: list[Any] = [None, [], {}, "x", -1, HUGE, True, [[]], {"x": {}}, 1.5, [HUGE], "9" * 4000]


def summaries() -> Iterator[Forgery]:
    """run.json in many ways."""
    raw: dict[str, Content] = {
        "NaN": '{"schema_version": NaN}',
        "a key twice": '{"schema_version": 1, "schema_version": 1}',
        "100,000 brackets": '{"a": ' + "[" * 100_000 + "]" * 100_000 + "}",
        "100,000 braces": '{"a":' * 100_000 + "1" + "}" * 100_000,
        "5,000 digits": f'{{"schema_version": {"9" * 5000}}}',
        "a list": "[]",
        "nothing": "",
        "8 MB of lists": lambda: '{"schema_version": 1, "a": [' + "[]," * 2_700_000 + "[]]}",
        "8 MB of objects": lambda: '{"schema_version": 1, "a": [' + "{}," * 2_700_000 + "{}]}",
        "8 MB of keys": lambda: json.dumps({"schema_version": 1, **dict.fromkeys(map(str, range(500_000)), 1)}),
        "8 MB of text": lambda: json.dumps({"schema_version": 1, "a": "x" * 8_000_000}),
    }
    for kind, text in raw.items():
        yield f"run.json: {kind}", CLASSES, lambda site, text=text: site.write("run.json", text)
    changes: dict[str, dict[str, Any]] = {
        "an odd status": {"status": "owned\x1b[0m"},
        "a run that is going": {"status": "running"},
        "huge numbers": {"seed": HUGE, "epochs": HUGE, "seconds": {"total": HUGE}, "best": {"value": HUGE}},
        "huge metrics": {"metrics": {"train": {"loss": HUGE, "accuracy": HUGE}, "test": {"loss": -HUGE}}},
        "a megabyte of name": {"name": "x" * 2**20},
        "another model": {"model": "../../outside/evil"},
        "another task": {"task": "regression"},
    }
    for kind, change in changes.items():
        yield f"run.json: {kind}", CLASSES, lambda site, change=change: site.summary(lambda had: had.update(change))
    data: dict[str, dict[str, Any]] = {
        "a shape of 10^12": {"shape": [10**12], "features": 10**12},
        "eight huge sides": {"shape": [2**53] * 8, "features": 2**424},
        "a shape without sides": {"shape": [], "features": 1},
        "sides below nothing": {"shape": [-8, -8]},
        "other features": {"shape": [8, 9]},
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
        yield f"run.json: {kind}", CLASSES, lambda site, facts=facts: site.facts(**facts)
    yield "run.json: 100,000 metrics", CLASSES, _many_metrics
    yield "run.json: 10^6 entries", CLASSES, lambda site: site.summary(lambda had: had.update(resumed=_million()))
    yield "run.json: 10^6 classes", CLASSES, lambda site: site.facts(classes=_million(), outputs=10**6)


def _million() -> list[str]:
    return list(map(str, range(10**6)))


def _many_metrics(site: Site) -> None:
    many = {f"metric {number}": 1.0 for number in range(100_000)}
    site.summary(lambda had: had.update(metrics={"train": many, "val": many, "test": many}))


def wrong_types() -> Iterator[Forgery]:
    """Each key of run.json holds what it should not, and hardly two of them the same."""
    top = "schema_version status name config_sha256 model dataset task device seed parameters started finished seconds"
    inner = "name sha256 train val test features outputs shape classes feature_names target_name scale mean std"
    outer = [*top.split(), "steps", "epochs", "metrics", "best", "resumed", "error"]
    for (key, value), base in zip(zip(outer, cycle(WRONG), strict=False), cycle((CLASSES, VALUES)), strict=False):
        forge: Forge = lambda site, key=key, value=value: site.summary(lambda had: had.update({key: value}))  # noqa: E731
        yield f"run.json: {key} is {value!r:.20}", base, forge
    for key, value in zip(inner.split() * 2, cycle(WRONG), strict=False):
        base = VALUES if key in ("target_name", "mean", "std") else CLASSES
        yield (
            f"run.json: dataset.{key} is {value!r:.20}",
            base,
            lambda site, key=key, value=value: site.facts(**{key: value}),
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
        yield f"config.yaml: {kind}", CLASSES, lambda site, text=text: site.config(text)


def sealed_files() -> Iterator[Forgery]:
    """The manifest and the checkpoint's state, with seals that hold."""
    hashes: dict[str, Any] = {
        "files outside": {"../../outside/canary.yaml": "0" * 64, "../outside/run.json": "0" * 64},
        "absolute paths": {"/dev/zero": "0" * 64, "/etc/passwd": "0" * 64, "//": "", "": ""},
        "100,000 files": dict.fromkeys(map(str, range(100_000)), "0"),
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
        yield f"state.json: {kind}", STOPPED, lambda site, change=change: site.state(lambda had: had.update(change))
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
            lambda site, change=change: site.state(lambda had: had["state"].update(change)),
        )


def _manifest(site: Site, hashes: Any) -> None:
    site.write(MANIFEST, lambda: sealed.seal({"schema_version": 1, "sha256": hashes}))
