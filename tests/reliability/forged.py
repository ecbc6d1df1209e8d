"""Forged run directories: every command reads them, and runs no code, opens nothing outside, and ends soon and well."""

import json
import os
import re
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from nnlab import experiment
from nnlab.rundir import RunDir
from nnlab.rundir.directory import METRICS
from tests.reliability.children import Children, Outcome
from tests.reliability.finding import Finding
from tests.reliability.forged_site import CLASSES, STOPPED, VALUES, Site
from tests.reliability.forgeries import CLOSED, all_forgeries
from tests.reliability.lies import Lie, all_lies, found_out, honest, put_right
from tests.reliability.processes import answer, start_worker

GOAL = (
    "80 forged run directories through show, eval, compare, resume, report (compare --html), verify, predict, "
    "reproduce, runs, rm: no code runs, nothing outside is opened, no hang over 2 s, under 300 MB; every lie with all "
    "hashes right is called WRONG by verify, or not checked where nothing can tell: none passes as fine"
)
SECONDS = 2.0
"""Beyond what the command takes for the honest run."""
USUAL = 0.2
"""What that is about, in a quick round."""
MEBIBYTES = 300e6 / 2**20
TIMEOUT = 10
QUICK = 12
QUICK_LIES = 4
COUNTS = ("tried", "commands", "wrong", "untold")
WORKERS = 2
HOSTILE = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""What steers a terminal: control characters but the line's end, and marks of direction."""
CONFIGS = {
    CLASSES: "model: {name: mlp-np, hidden: [8]}\ndataset: {name: digits, limit: 60, val_fraction: 0.2}\n",
    VALUES: "model: {name: mlp-np, hidden: [4]}\ndataset: {name: car-prices}\n",
}
TRAIN = "train: {epochs: 6, batch_size: 20, eval_every: 5, checkpoint_every: 10, optimizer: adam}\nthreads: 1\n"
INPUTS = {CLASSES: ",".join("1" * 64), VALUES: "5", STOPPED: ",".join("1" * 64)}
PRELOAD = ("matplotlib.backends.backend_agg", "matplotlib.figure", "rich.table", "safetensors.numpy")
EVIL = "import os\nos.mkdir(os.path.join(os.path.dirname(__file__), 'ran'))\n"


def measure(full: bool, folder: Path) -> Finding:
    """Every forgery through every command, or in this process some of both."""
    if full:
        started = [start_worker("forged", folder, number, WORKERS) for number in range(WORKERS)]
        answers = [answer(worker, 3000) for worker in started]
    else:
        answers = [(Worker(folder / "quick", full).work(0, 1), "")]
    failures = [error for _, error in answers if error]
    found: list[dict[str, Any]] = [one for one, _ in answers if one]
    failures += [failure for one in found for failure in one["failures"]]
    tried, commands, wrong, untold = (sum(one[key] for one in found) for key in COUNTS)
    if wrong + untold < (len(all_lies()) if full else QUICK_LIES):
        failures.append(f"{wrong + untold} lies are not all")
    if tried < (len(all_forgeries()) if full else QUICK):
        failures.append(f"{tried} forgeries are not all")
    slowest, largest = (max((one[key] for one in found), default=(0, "")) for key in ("slowest", "largest"))
    text = (
        f"{tried} forgeries through {commands:,} commands, and {wrong + untold} lies: {wrong} named as wrong, {untold} "
        f"as not checked; {len(failures)} cases against it"
    )
    notes = [f"longest: {slowest[0]:.2f} s, {slowest[1]}", f"most memory: {largest[0]:.0f} MiB, {largest[1]}"]
    return Finding(GOAL, text, failures, notes)


@dataclass
class Worker:
    """A process that forks commands, honest runs to copy, and what was found with them."""

    folder: Path
    full: bool
    failures: list[str] = field(default_factory=list)
    tried: int = 0
    commands: int = 0
    wrong: int = 0
    untold: int = 0
    """Lies that verify called so."""
    slowest: tuple[float, str] = (0.0, "")
    largest: tuple[float, str] = (0.0, "")

    def work(self, number: int, workers: int) -> dict[str, Any]:
        """Try this worker's share of all forgeries."""
        forgeries = all_forgeries()
        chosen = forgeries[number::workers] if self.full else forgeries[15 :: len(forgeries) // QUICK][:QUICK]
        with Children(self.folder / "children", *(PRELOAD if self.full else ())) as self.children:
            self.honest = {base: self._train(base) for base in (CLASSES, VALUES)}
            self.honest[STOPPED] = self._stop()
            self.other = self._other()
            self.usual = {base: self._measured(base) if self.full else {} for base in self.honest}
            for name, base, forge in chosen:
                site = self._site(base)
                forge(site)
                if "manifest" not in name:
                    site.reseal()
                self._attempt(site, name, base)
                self.tried += 1
                if (closed := site.run / CLOSED).exists():
                    closed.chmod(0o700)  # so that it can be deleted
                shutil.rmtree(site.home)
            lies = all_lies()
            self._lies(lies[number::workers] if self.full else lies[7 :: len(lies) // QUICK_LIES][:QUICK_LIES])
        return {key: getattr(self, key) for key in ("failures", *COUNTS, "slowest", "largest")}

    def _lies(self, lies: list[Lie]) -> None:
        """Each lie, told of a copy of an honest run with its pictures, and what verify says of it."""
        place = self.folder / "lies"
        place.mkdir()
        trained: dict[str, RunDir] = {}
        for base in dict.fromkeys(lie.base for lie in lies):
            *_, last = experiment.train(experiment.resolve(honest(place, base)), place / base)
            assert isinstance(last, experiment.Finished)
            trained[base] = last.run
        for lie in lies:
            run = trained[lie.base]
            copy = RunDir(shutil.copytree(run.path, place / "copy" / run.name))
            lie.tell(copy)
            put_right(copy)
            said = [(check.subject, check.outcome) for check in experiment.verify(copy)]
            shutil.rmtree(copy.path)
            if found_out(lie, said):
                self.wrong += lie.told == "WRONG"
                self.untold += lie.told != "WRONG"
            else:
                self.failures.append(f"lie: {lie.name}: {said}")

    def _train(self, base: str) -> Path:
        """A real run."""
        config = self.folder / f"{base}.yaml"
        config.write_text(CONFIGS[base] + TRAIN)
        done = self.children.run("train", config, "--runs-dir", self.folder / base, "-q")
        assert done.code == 0, done.stderr
        run = RunDir(next((self.folder / base).iterdir()))
        assert self.children.run("eval", run.path).code == 0  # where eval finds its picture it writes none
        run.write_manifest()
        return run.path

    def _other(self) -> Path:
        """A run to compare with, which has no curve to be drawn each time."""
        other = RunDir(shutil.copytree(self.honest[CLASSES], self.folder / "other"))
        other.write(METRICS, other.metrics.bytes().partition(b"\n")[0] + b"\n")
        return other.path

    def _stop(self) -> Path:
        """One that was killed after its first checkpoint, and so has rows that are to come again."""
        arguments = ["train", self.folder / f"{CLASSES}.yaml", "--runs-dir", self.folder / STOPPED, "-q"]
        for at in range(60, 200, 5):
            shutil.rmtree(self.folder / STOPPED, ignore_errors=True)
            done = self.children.run(*arguments, fault="kill", at=at)
            if ["row", 15] in done.committed:
                return next((self.folder / STOPPED).iterdir())
        raise AssertionError("it could not be stopped")

    def _site(self, base: str) -> Site:
        """A copy of an honest run, with canaries around it."""
        home = self.folder / "site"
        site = Site(home, home / "runs" / "forged")
        shutil.copytree(self.honest[base], site.run)
        for path in (site.outside, site.data / "pipes", site.data / "pictures/a", site.data / "devices/a"):
            path.mkdir(parents=True)
        for name in ("canary.yaml", "canary.csv"):
            (site.outside / name).write_text("a,b\n1,2\n")
        (site.outside / "evil.py").write_text(EVIL)
        (site.data / "plain.csv").write_text("a,b\n1,x\n\x1b[2J,<script>\n")
        for name in ("pipe.csv", "pipes/x.npy", "pipes/y.npy", "pictures/a/1.png"):
            os.mkfifo(site.data / name)
        for name in ("zero.csv", "devices/a/1.png"):
            (site.data / name).symlink_to("/dev/zero")
        pickled = np.array([{}], dtype=object)
        np.savez(site.data / "pickles.npz", X=pickled, y=pickled)
        return site

    def _measured(self, base: str) -> dict[str, float]:
        """The seconds of each command for the honest run, all of which must end well."""
        usual = {}
        site = self._site(base)
        for name, arguments in self._commands(site, base):
            done = self.children.run(*arguments, timeout=TIMEOUT)
            unsure = "--force" in name or (base, name) == (STOPPED, "verify")  # it is gone; what died has no hashes
            assert done.code == (2 if unsure else 0), f"{name}: {done.stderr}"
            usual[name] = done.seconds
        shutil.rmtree(self.folder / "site")
        return usual

    def _commands(self, site: Site, base: str) -> Iterator[tuple[str, list[object]]]:
        """Each command as it would be given; the last ones change the run."""
        run, page, extend = site.run, site.home / "page.html", [] if base == STOPPED else ["--epochs", 7]
        commands: list[list[object]] = [
            ["show", run],
            ["show", "latest", "--json"],
            ["runs"],
            ["compare", run, self.other, "--html", page],
            ["compare", "--json"],
            ["verify", run],
            ["eval", run],
            ["predict", run, INPUTS[base]],
            ["reproduce", run],
            ["resume", run, *extend],
            ["rm", run, "--yes"],
            ["rm", run, "--yes", "--force"],
        ]
        if base == STOPPED:
            commands = [command for command in commands if command[0] in ("show", "verify", "resume")]
        if not self.full:
            commands = [command for command in commands if command[0] in ("show", "predict", "resume")][-3:]
        for command in commands:
            name = " ".join(str(word) for word in command if not isinstance(word, Path))
            yield name.partition(",")[0], [*command, "--runs-dir", run.parent]

    def _attempt(self, site: Site, forgery: str, base: str) -> None:
        """Every command on one forgery."""
        canaries = _never_read(site.outside)
        for name, arguments in self._commands(site, base):
            if not site.run.exists():
                break  # rm has deleted it, and so needs no --force
            watched = [site.outside, Path("/dev/zero")]
            before = _state(site, canaries)
            done = self.children.run(*arguments, timeout=TIMEOUT, watched=watched)
            self.commands += 1
            case = f"{forgery}: {name}"
            self.slowest = max(self.slowest, (done.seconds, case))
            self.largest = max(self.largest, (done.mebibytes, case))
            wrong = _wrong(done, site)
            if _state(site, canaries) != before:
                wrong.append("a file outside is not as it was")
            if done.seconds > self.usual[base].get(name, USUAL) + SECONDS:
                wrong.append(f"it took {done.seconds:.1f} s")
            self.failures += [f"{case}: {text}" for text in wrong]


def _wrong(done: Outcome, site: Site) -> list[str]:
    """What is wrong with how a command ended."""
    said = done.stdout + done.stderr
    wrong = [] if done.code in (0, 1, 2, 3) else [f"exit code {done.code}"]
    if "Traceback" in said:
        wrong.append(done.stderr.strip()[-400:])
    if odd := HOSTILE.search(said):
        wrong.append(f"it prints {odd.group()!r}: {said[max(0, odd.start() - 50) : odd.end() + 20]!r}")
    if done.mebibytes > MEBIBYTES:
        wrong.append(f"it takes {done.mebibytes:.0f} MiB")
    page = site.home / "page.html"
    if page.exists() and re.search("<script|<img src=x|<img onerror", page.read_text(errors="replace")):
        wrong.append("the page holds what it should only show")
    ours = "subprocess.Popen ('git'"
    return wrong + [f"it did: {what}" for what in done.seen if not what.startswith(ours)]


def _never_read(folder: Path) -> list[Path]:
    """The files of a folder that are nowhere else, by a hard link, set so that the system notes any reading."""
    found = [path for path in folder.rglob("*") if path.is_file() and path.lstat().st_nlink == 1]
    for path in found:
        os.utime(path, ns=(0, path.stat().st_mtime_ns))
    return found


def _state(site: Site, canaries: list[Path]) -> list[tuple[Any, ...]]:
    """Everything outside the run: a write shows in size and times, a read of a canary in the time of the last one."""
    found: list[tuple[Any, ...]] = []
    for path in sorted([*site.outside.rglob("*"), *site.data.rglob("*")]):
        facts = path.lstat()
        accessed = facts.st_atime_ns if path in canaries else 0
        found.append((path, facts.st_ino, facts.st_mode, facts.st_size, facts.st_mtime_ns, accessed))
    return found


if __name__ == "__main__":
    place = Path(f"worker-{sys.argv[1]}").absolute()
    sys.stdout.write(json.dumps(Worker(place, True).work(*map(int, sys.argv[1:]))))
