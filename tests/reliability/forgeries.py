"""Forgeries: run directories as someone who means harm would send them, each a real one with a clever change."""

import json
import os
import shutil
import socket
from collections.abc import Callable, Iterator
from contextlib import chdir
from pathlib import Path
from typing import Any

from nnlab.rundir.directory import CONFIG, METRICS
from nnlab.rundir.sealed import sha256
from tests.reliability import forged_arrays, forged_texts
from tests.reliability.forged_site import CLASSES, STOPPED, VALUES, Content, Forge, Forgery, Site

CLOSED = "closed"
PICTURE = "confusion-test.png"
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


def all_forgeries() -> list[Forgery]:
    """Every one."""
    parts: list[Callable[[], Iterator[Forgery]]] = [names, texts, no_plain_files, folders, tables]
    parts += [forged_texts.summaries, forged_texts.wrong_types, forged_texts.configs, forged_texts.sealed_files]
    parts += [forged_arrays.tensors, forged_arrays.numpy_files]
    found = [forgery for part in parts for forgery in part()]
    assert len({name for name, _, _ in found}) == len(found)
    return found


def names() -> Iterator[Forgery]:
    """A run directory may be called anything."""
    given = {**TEXTS, "a script": "<script>x", "an attribute": "'\"><img onerror=x>", "TeX": "$\\frac{x}{$"}
    long = {"half a character": os.fsdecode(b"run-\xff\xfe"), "4,000 characters": "y" * 200, "nothing": " "}
    for kind, name in {**given, **long, "an option": "-rf", "latest": "latest"}.items():
        yield f"named {kind}", CLASSES, lambda site, name=name: _rename(site, name)


def _rename(site: Site, name: str) -> None:
    (site.run / PICTURE).unlink()  # so that eval draws one, with the name in it
    renamed = site.run.parent / name
    renamed.parent.mkdir(exist_ok=True)
    site.run = site.run.rename(renamed)


def texts() -> Iterator[Forgery]:
    """All text in run.json, and in the config and its keys."""
    for kind, text in TEXTS.items():
        for base in (CLASSES, VALUES) if len(text) < 30 else (CLASSES,):
            yield f"{kind} in run.json, {base}", base, lambda site, text=text: _all_text(site, text)
        yield f"{kind} in config.yaml", CLASSES, lambda site, text=text: _config_text(site, text)


def _all_text(site: Site, text: str) -> None:
    def change(found: dict[str, Any]) -> None:
        found |= dict.fromkeys(("name", "model", "device", "error", "started", "finished"), text)
        data = found["dataset"]
        data |= dict.fromkeys(("name", "sha256", "target_name"), text)
        data["classes"], data["feature_names"] = [text] * len(data["classes"]), [text] * len(data["feature_names"])
        found["best"] = {"step": 1, "epoch": 1.0, "metric": text, "value": 1.0}
        for split in filter(None, found["metrics"].values()):
            split |= {f"{text}{number}": 1.0 for number in range(3)}

    site.summary(change)
    environment = site.read("env.json")
    site.write("env.json", json.dumps({**environment, "python": text, "cpu": text, text: text}))


def _config_text(site: Site, text: str) -> None:
    quoted = json.dumps(text)
    config = (site.run / CONFIG).read_text()
    site.config(config.replace("model:\n", f"model:\n  ? {quoted}\n  : {quoted}\n") + f"? {quoted}\n: [{quoted}]\n")


SHARP = ("a link outside", "a pipe", "400 MiB of nothing")
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
        "400 MiB of nothing": lambda path, site: _sparse(path, 400 * 2**20),
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


def folders() -> Iterator[Forgery]:
    """What else may lie in a run directory."""
    planted = (".run.json.tmp", ".metrics.csv.tmp", ".config.yaml.tmp", ".manifest.json.tmp", ".lock")
    for name in (*planted, "checkpoint/.state.json.tmp"):
        for base in (CLASSES, STOPPED):
            yield f"{name} leads outside, {base}", base, lambda site, name=name: _plant(site, name)
        yield f"{name} is a pipe", STOPPED, lambda site, name=name: os.mkfifo(_gone(site.run / name))
        yield f"{name} is a folder", STOPPED, lambda site, name=name: (_gone(site.run / name) / "x").mkdir(parents=True)
    for name in (PICTURE, "loss.png", "weights.safetensors", "metrics.csv"):
        base = CLASSES if name == PICTURE else STOPPED
        yield f"{name} leads outside, {base}", base, lambda site, name=name: _plant(site, name)
    for base in (CLASSES, STOPPED):
        yield f"checkpoint/ leads outside, {base}", base, lambda site: _link_outside(site.run / "checkpoint", site)
        yield f"a run in the run, {base}", base, lambda site: shutil.copytree(site.run, site.run / "inner")
        yield f"a link to itself, {base}", base, lambda site: (site.run / "loop").symlink_to(site.run)
        yield f"900 folders in a row, {base}", base, lambda site: _deep(site.run, "d", 900)
        yield f"folders too deep for a path, {base}", base, lambda site: _deep(site.run, "d" * 250, 40)
        yield f"a name that is no text, {base}", base, lambda site: (site.run / os.fsdecode(b"x\xff\x1b")).touch()
        yield f"a folder that is closed, {base}", base, lambda site: (site.run / CLOSED).mkdir(0)
    yield "50,000 files", CLASSES, lambda site: _many_files(site.run / "many")
    yield "50,000 files in checkpoint/", STOPPED, lambda site: _many_files(site.run / "checkpoint")
    yield "checkpoint/ is a file", STOPPED, lambda site: _file_for_checkpoint(site)


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
    for number in range(50_000):
        os.close(os.open(folder / str(number), os.O_CREAT | os.O_WRONLY))


def _file_for_checkpoint(site: Site) -> None:
    shutil.rmtree(site.run / "checkpoint")
    (site.run / "checkpoint").touch()


def tables() -> Iterator[Forgery]:
    """metrics.csv, with its hash in the checkpoint's state made right."""
    header = b"step,epoch,train_loss,val_loss,val_accuracy,seconds\n"
    columns = b",".join(b"c%d" % number for number in range(10)) + b"\n"
    contents: dict[str, Content] = {
        "250,000 rows": lambda: header + b"".join(b"%d,1.0,0.5,0.5,0.5,1.0\n" % step for step in range(1, 250_000)),
        "10 columns": lambda: columns + (b"1," * 9 + b"1\n") * 249_999,
        "a million rows": lambda: header + b"1,1,1,1,1,1\n" * 10**6,
        "one line of 39 MB": lambda: b"1," * 19_500_000,
        "no numbers": header + b"1,nan,inf,-inf,1e999,\xff\n",
        "numbers that are none": header + b"nan,nan,inf,-inf,1e999,-0\n" * 3,
        "an underscore": header + b"1_0,1_0,1_0,1_0,1_0,1_0\n",
        "a column of escapes": b"step,\x1b[2J,<script>\n1,2,3\n",
        "a column twice": b"step,step,seconds\n1,2,3\n",
        "steps alone": b"step\n5\n10\n15\n18\n",
        "nothing": b"",
    }
    for kind, content in contents.items():
        for base in (CLASSES, STOPPED):
            yield f"metrics.csv: {kind}, {base}", base, lambda site, content=content: _table(site, content)


def _table(site: Site, content: Content) -> None:
    site.write(METRICS, content)
    written = (site.run / METRICS).read_bytes()
    changes = {"metrics_bytes": len(written), "metrics_sha256": sha256(written)}
    site.state(lambda found: found["state"].update(changes))
