"""Show: a run's curves in the terminal, and a run that trains watched by another process."""

import codecs
import json
import os
import re
import select
import shutil
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nnlab import errors, rundir
from nnlab.cli import curves, watch
from nnlab.experiment.plan import planned_steps
from nnlab.present.charts import of_run
from nnlab.present.panel import _log_axis, _step_axis, _value_axis, panel
from nnlab.rundir.evaluations import Growing
from tests.chart_fixtures import chart
from tests.conftest import DIGITS
from tests.run_fixtures import forge

posix = pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals, pipes and terminals")
ESCAPE = re.compile("\x1b\\[[0-9;]*m")
HEADER = "step,epoch,train_loss,test_loss,test_accuracy,seconds\n"
STEPS = np.arange(1, 101)


def plain(text: str) -> list[str]:
    return ESCAPE.sub("", text).split("\n")


# Panels


def test_a_panel_has_its_size_the_last_values_and_both_curves_told_apart_without_colour():
    lines = plain(panel(chart({"train": (STEPS, 1 / STEPS), "test": (STEPS, 2 / STEPS)}, log=True), 60, 12))
    assert lines[0] == "loss, log scale  ⠒⠒ train 0.01  ▄▄ test 0.02"
    assert len(lines) == 12
    assert max(map(len, lines[1:])) <= 60
    body = "\n".join(lines[1:])
    assert re.search("[⠁-⣿]", body)
    assert re.search("[▀▄▖▘▝▗▚▞▌▐]", body)
    assert "0.1┤" in body
    rising = plain(panel(chart({"test": (STEPS, STEPS / 100)}, title="accuracy", percent=True), 40, 8))
    assert rising[0] == "accuracy  ▄▄ test 100.00 %"  # the same mark as in the other panel
    assert "80 %┤" in "\n".join(rising)
    rows = [number for number, line in enumerate(rising[1:-2]) if re.search("[▀▄▖▘▝▗▚▞▌▐]", line[:15])]
    assert 0 not in rows  # it rises: at the left only low lines are marked
    assert len(rising[1:-2]) - 1 in rows
    ascii_only = panel(chart({"train": (STEPS, 1 / STEPS)}), 40, 8, unicode=False)
    assert ascii_only.isascii()
    assert "**" in ascii_only


def test_a_spike_in_a_long_curve_is_kept():
    values = np.ones(100_000)
    values[54_321] = 50.0
    lines = plain(panel(chart({"train": (np.arange(100_000), values)}), 60, 10))
    assert re.search("[⠁-⣿]", lines[1])


@pytest.mark.parametrize(
    "values",
    [
        [0.5],
        [0.0, 0.0],
        [97.0] * 3,
        [np.nan, np.inf, 1.0],
        [np.nan],
        [],
        [1e300, 1.0, 2.0],
        [1e99, -1e99],
        [1e-320, 5e-324],
        [1.0, 1.0 + 1e-16],
        [1e17, 1e17],
        [1e-90, 1e90],
    ],
    ids=str,
)
@pytest.mark.parametrize("options", [{"log": True}, {"percent": True}], ids=str)
def test_whatever_a_file_holds_can_be_drawn(capfd, values, options):
    steps = 10.0 ** np.arange(len(values))
    for width, height in ((30, 6), (97, 21)):
        text = panel(chart({"test": (steps, values)}, title="a\x1b[31m", **options), width, height)
        assert len(text.split("\n")) == height
        assert "\x1b[31m" not in text
        beyond = sum(not abs(value * (100 if "percent" in options else 1)) < 1e100 for value in values)
        assert (f"{beyond} not drawn" in text) == bool(beyond)
    assert capfd.readouterr() == ("", "")  # the library has nothing to complain of


def test_axes_are_labelled_at_round_numbers_within_them():
    assert _step_axis([np.array([5.0, 200.0])], 5).ticks == (0, 50, 100, 150, 200)
    assert _step_axis([np.array([1.0])], 5).ticks == (0, 1)
    assert _value_axis([np.array([0.13, 0.92])], 5, False).ticks == pytest.approx((0.2, 0.4, 0.6, 0.8))
    assert _log_axis([np.array([0.02, 3.0])], 5).ticks == pytest.approx((0.03, 0.1, 0.3, 1, 3))
    assert _log_axis([np.array([1e-9, 1.0])], 5).ticks == pytest.approx((1e-9, 1e-7, 1e-5, 1e-3, 1e-1))


def test_a_panel_that_could_show_nothing_is_refused():
    with pytest.raises(ValueError, match="10 x 5"):
        panel(chart({"train": (STEPS, STEPS)}), 10, 5)


def test_the_panels_are_the_loss_and_the_score_of_the_watched_split():
    def titles(*names: str) -> list[tuple[str, list[str]]]:
        return [
            (each.title, [series.name for series in each.series]) for each in of_run({name: [1.0] for name in names})
        ]

    shared = ("step", "epoch", "train_loss")
    assert titles(*shared, "val_loss", "val_accuracy") == [("loss", ["train", "val"]), ("accuracy", ["val"])]
    assert titles(*shared, "test_loss", "test_mse", "test_r2") == [("loss", ["train", "test"]), ("r2", ["test"])]
    assert titles(*shared, "train_mse", "train_r2") == [("loss", ["train"]), ("r2", ["train"])]
    assert titles("seconds") == []
    assert of_run({"step": [], "train_loss": []}) == []
    assert curves.row({"step": [1000], "epoch": [2], "test_mse": [1], "test_loss": [1], "test_accuracy": [0.5]}) == (
        "step 1,000  epoch 2  test loss 1  test accuracy 50.00 %"
    )


# What is new


def test_growing_columns_are_those_of_the_file_and_old_rows_are_not_read_again(tmp_path, monkeypatch):
    path = tmp_path / "metrics.csv"
    growing = Growing(path, 1000)
    with pytest.raises(errors.RunError, match="no such file"):
        growing.read()
    parsed = []
    load = rundir.evaluations.load
    monkeypatch.setattr(rundir.evaluations, "load", lambda content: parsed.append(content) or load(content))
    path.write_text("step,loss\n1,0.5\n2,0.")
    assert growing.read() == {"step": [1], "loss": [0.5]}
    growing.read()
    with path.open("a") as file:
        file.write("25\n3,nan\n")
    assert growing.read()["step"] == [1, 2, 3]
    assert parsed[1:] == [b"step,loss\n2,0.25\n3,nan\n"]
    aside = tmp_path / "aside"
    aside.write_text("step,loss\n1,0.5\n2,0.25\n3,0.1\n4,0.1\n")
    aside.replace(path)  # as a resume does
    assert growing.read()["loss"] == [0.5, 0.25, 0.1, 0.1]
    os.truncate(path, 16)
    assert growing.read() == {"step": [1], "loss": [0.5]}
    with path.open("a") as file:
        file.write("x\n")
    with pytest.raises(errors.RunError, match="does not fit"):
        growing.read()
    with pytest.raises(errors.RunError, match=r"metrics.csv:3: "):
        growing.read()
    path.write_text("step,loss\n1,0.5\n")
    assert growing.read() == {"step": [1], "loss": [0.5]}


def test_the_time_left_is_told_by_the_latest_evaluations():
    assert watch.seconds_left({"step": [10, 20], "seconds": [1, 2]}, 100) == pytest.approx(8)
    slowing = {"step": list(range(1, 101)), "seconds": [0.0] * 80 + list(range(20))}
    assert watch.seconds_left(slowing, 110) == pytest.approx(10)
    for columns in ({}, {"step": [], "seconds": []}, {"step": [0], "seconds": [1]}, {"step": [1], "seconds": [np.nan]}):
        assert watch.seconds_left(columns, 100) is None


def test_how_many_steps_are_planned_is_in_the_config(tmp_path):
    run = forge(tmp_path, "run")
    (run.path / "config.yaml").write_text(DIGITS)
    assert planned_steps(run, 1438) == 540
    (run.path / "config.yaml").write_text("model: 1\n")
    assert planned_steps(run, 1438) is None


# The command


@pytest.fixture
def forged(tmp_path):
    return forge(tmp_path / "runs", "20260101-000000-mlp-np-digits")


def test_show_draws_the_curves_as_text_of_a_fixed_width_off_a_terminal(cli, forged):
    shown = cli("show", "latest", COLUMNS="40")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "\x1b" not in shown.stdout
    lines = shown.stdout.splitlines()
    assert lines.index("accuracy  ▄▄ test 50.00 %") > lines.index("loss  ⠒⠒ train 0.1  ▄▄ test 0.5")
    axes = [line for line in lines if line.lstrip().startswith("└")]
    assert [len(line) for line in axes] == [80, 80]
    without = cli("show", "latest", "--no-curves").stdout
    assert "┤" not in without
    assert set(without.splitlines()) < set(lines)
    ascii_only = cli("show", "latest", PYTHONIOENCODING="ascii").stdout
    assert "loss  ** train 0.1  ++ test 0.5" in ascii_only
    assert "\\u" not in ascii_only.partition("model:")[0].partition("loss  **")[2]


def test_json_has_the_columns_where_curves_are_asked_for(cli, forged):
    assert "curves" not in json.loads(cli("show", "latest", "--json").stdout)
    found = json.loads(cli("show", "latest", "--json", "--curves").stdout)["curves"]
    assert found["step"] == list(range(1, 11))
    assert list(found) == ["step", "epoch", "train_loss", "test_loss", "test_accuracy", "seconds"]


@pytest.mark.parametrize(
    ("rows", "note"),
    [
        ("", "nothing has been evaluated yet"),
        ("1,0.1,1e300,nan,0.5,0.1\n", ""),
        ("1,0.1,inf,-inf,nan,nan\n2,0.2,0.5", ""),
        ("1,2\n", "metrics.csv:2: the row does not fit"),
        (None, "metrics.csv: there is no such file"),
    ],
)
def test_show_says_why_there_are_no_curves_after_the_numbers(forged, capsys, monkeypatch, rows, note):
    path = forged.path / "metrics.csv"
    path.write_text(HEADER + rows) if rows is not None else path.unlink()
    from nnlab.cli.show import show

    monkeypatch.setattr("nnlab.cli.screen.out", _plain_console)
    show(str(forged.path), every=1.0, json=False)
    printed = capsys.readouterr()
    assert "status    finished" in printed.out
    assert "name: mlp-np" in printed.out
    assert (f"no curves: {forged.path}/{note}" if "csv" in note else f"no curves: {note}") in printed.err or not note
    assert ("┤" in printed.out or "│" in printed.out) != bool(note)


def _plain_console():
    from rich.console import Console

    return Console(width=2000, markup=False, highlight=False, emoji=False)


@pytest.mark.parametrize("every", ["0", "nan", "1e9", "-1"])
def test_a_time_between_looks_that_makes_no_sense_is_refused(forged, every):
    from nnlab.cli.show import show

    with pytest.raises(errors.ConfigError, match="--every"):
        show(str(forged.path), watching=True, every=float(every))


def test_a_run_that_is_not_running_is_shown_once_and_that_is_said(cli, forged):
    shown = cli("show", "latest", "--watch")
    assert shown.returncode == 0
    assert shown.stderr == f"{forged.name} is not running, so it is shown once: finished\n"
    assert "name: mlp-np" in shown.stdout


# Watching


@contextmanager
def training(run: rundir.RunDir):
    """Hold a run as its training does, with the status running."""
    with run.locked():
        set_status(run, "running")
        yield run


def set_status(run: rundir.RunDir, status: str, **changes: object) -> None:
    run.json.write({**run.json.read(), "status": status, **changes})


def eventually(look, seconds: float = 30.0):
    """What ``look`` gives once it gives anything."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if found := look():
            return found
        time.sleep(0.02)
    raise AssertionError("it did not come")


def test_damage_while_a_run_trains_is_said_and_survived(forged):
    with training(forged):
        sight = watch.Sight(forged, forged.summary())
        sight.look()
        assert sight.trouble == ""
        content = (forged.path / "run.json").read_bytes()
        (forged.path / "run.json").write_text("{")
        (forged.path / "metrics.csv").write_text("no table\n")
        sight.look()
        assert sight.summary.status == "running"
        assert sight.columns["step"][-1] == 10
        assert "run.json" in sight.trouble
        (forged.path / "run.json").write_bytes(content)
        (forged.path / "metrics.csv").write_text(HEADER + "500,1,1,1,1,1\n501,2")
        sight.look()
        assert (sight.trouble, watch.newest_step(sight)) == ("", 500)
    sight.look()
    assert sight.summary.status == "died"
    (forged.path / "run.json").write_text("{")
    with pytest.raises(errors.RunError, match=r"run\.json"):
        sight.look()
    shutil.rmtree(forged.path)
    with pytest.raises(errors.RunError, match="deleted while it was watched"):
        sight.look()


@contextmanager
def watching(folder: Path, *arguments: str, **options):
    """A process that watches the latest run; a test that fails leaves none behind."""
    command = [sys.executable, "-m", "nnlab", "show", "latest", "--watch", "--every", "0.1", *arguments]
    with subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, text=True, **options) as process:
        try:
            yield process
        finally:
            process.kill()


@posix
def test_a_training_is_watched_from_another_process_line_by_line_to_its_end(tmp_path):
    (tmp_path / "digits.yaml").write_text(DIGITS)
    command = [sys.executable, "-m", "nnlab", "train", "-q", "digits.yaml", "train.epochs=400", "train.eval_every=10"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE) as trained:
        eventually(lambda: list(tmp_path.glob("runs/*/run.json")))
        with watching(tmp_path, stdout=subprocess.PIPE) as seen:
            lines, noise = seen.communicate(timeout=60)
        assert trained.wait(timeout=60) == 0
    run = next((tmp_path / "runs").iterdir())
    assert seen.returncode == 0
    assert noise == f"{run.name} has ended: finished\n"
    steps = [int(step.replace(",", "")) for step in re.findall(r"^step ([\d,]+)  epoch ", lines, re.MULTILINE)]
    assert steps == list(range(steps[0], 18_000 + 1, 10))
    assert len(steps) > 1
    assert re.search(r"^test +359 ", lines, re.MULTILINE)
    assert "\x1b" not in lines
    assert lines.endswith(f"runs/{run.name}\n")


@posix
def test_a_closed_pipe_ends_the_watch_quietly_and_a_run_that_dies_with_its_last_numbers(tmp_path, forged):
    with ExitStack() as stack:
        with training(forged):
            dying = stack.enter_context(watching(tmp_path, "--json", stdout=subprocess.PIPE))
            unread = stack.enter_context(watching(tmp_path, stdout=subprocess.PIPE))
            assert dying.stderr.readline().startswith("step 10  epoch 2")
            assert unread.stdout.readline().startswith("step 10  epoch 2")
            unread.stdout.close()
            with (forged.path / "metrics.csv").open("a") as file:
                file.write("11,2.2,1,0.5,0.5,0.11\n")
            assert unread.wait(timeout=60) in (0, 1)
            assert unread.stderr.read() == ""
            assert dying.stderr.readline().startswith("step 11  epoch 2.2")
        output, noise = dying.communicate(timeout=60)
        assert dying.returncode == 0
        assert json.loads(output)["status"] == "died"
        assert noise == f"{forged.name} has ended: died; nnlab resume starts it again\n"


@posix
def test_a_run_that_is_deleted_ends_the_watch_and_that_is_said(tmp_path, forged):
    with training(forged), watching(tmp_path, stdout=subprocess.PIPE) as seen:
        assert seen.stdout.readline()
        shutil.rmtree(forged.path)
        assert seen.wait(timeout=60) == 2
        assert "deleted while it was watched" in seen.stderr.read()


class Terminal:
    """A pseudo-terminal and what has been drawn on it."""

    def __init__(self, columns: int, lines: int) -> None:
        import pty

        self.theirs, self.ours = pty.openpty()
        self.drawn = ""
        self.decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self.resize(columns, lines)

    def resize(self, columns: int, lines: int) -> None:
        import fcntl
        import termios

        fcntl.ioctl(self.theirs, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def read_until(self, seen: Callable[[str], object]) -> str:
        """All that was drawn, as soon as ``seen`` finds in it what it looks for."""
        until = time.monotonic() + 30
        while not seen(self.drawn):
            assert time.monotonic() < until, self.drawn
            if select.select([self.theirs], [], [], 0.1)[0]:
                self.drawn += self.decoder.decode(os.read(self.theirs, 65536))
        return self.drawn

    def frames(self) -> list[list[str]]:
        """The whole frames of the alternate screen, without colour."""
        return [plain(frame.replace("\r", "")) for frame in self.drawn.split("\x1b[H")[2:-1]]


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    made = Terminal(140, 40)
    yield made
    os.close(made.theirs)
    os.close(made.ours)


def on_it(terminal: Terminal, **variables: str) -> dict[str, Any]:
    """The options of a process whose stdout is that terminal."""
    kept = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES", "NO_COLOR")}
    return {"stdout": terminal.ours, "env": {**kept, "TERM": "xterm-256color", **variables}}


@posix
@pytest.mark.parametrize("variables", [{}, {"NO_COLOR": "1"}], ids=["colour", "NO_COLOR"])
def test_the_terminal_is_taken_its_size_followed_and_given_back_at_ctrl_c(tmp_path, forged, terminal, variables):
    with training(forged):
        before = {path.name: path.read_bytes() for path in forged.path.iterdir()}
        with watching(tmp_path, **on_it(terminal, **variables)) as process:
            terminal.read_until(lambda drawn: "accuracy  " in drawn and terminal.frames())
            first = terminal.frames()[0]
            assert max(map(len, first)) == 140
            assert any("step 20  0.1" in line for line in first)
            assert any(line.startswith("epoch 2  train loss 0.1  test loss 0.5") for line in first)
            assert any(line.count("└") == 2 for line in first)  # side by side
            terminal.resize(60, 20)
            terminal.read_until(lambda drawn: terminal.frames() and max(map(len, terminal.frames()[-1])) == 60)
            assert len(terminal.frames()[-1]) == 20
            process.send_signal(signal.SIGINT)
            drawn = terminal.read_until(lambda drawn: "\x1b[?1049l" in drawn)
            assert process.wait(timeout=60) == 130
            assert process.stderr.read() == ""
        assert {path.name: path.read_bytes() for path in forged.path.iterdir()} == before
    assert drawn.startswith("\x1b[?1049h")
    assert drawn.count("\x1b[?25l") == drawn.count("\x1b[?25h") == 1  # the cursor is back
    assert bool(re.search(r"\x1b\[(3[0-8]|9[0-7]);?", drawn)) == (not variables)


@posix
def test_on_a_terminal_the_last_numbers_stay_with_the_curves_beside_them(tmp_path, forged, terminal):
    with training(forged), watching(tmp_path, **on_it(terminal)) as process:
        terminal.read_until(lambda drawn: terminal.frames())
        set_status(forged, "finished")
        assert "has ended: finished" in process.stderr.readline()
        drawn = terminal.read_until(lambda drawn: f"runs/{forged.name}\r\n" in drawn)
        assert process.wait(timeout=60) == 0
    lines = plain(drawn.rpartition("\x1b[?1049l")[2].replace("\r", ""))
    assert any(re.search("^status +finished .*[│┤]", line) for line in lines)
    assert any(line.startswith("test") and "50.00 %" in line for line in lines)
    assert [line for line in lines if len(line) > 140] == []
