"""What commands load, and what they write on terminals, pipes and closed streams."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from nnlab.cli import screen
from nnlab.present.values import Listing
from tests.conftest import ROOT
from tests.run_fixtures import good, loaded, posix, the_run


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["--version"],
        ["runs"],
        ["show", "latest"],
        ["compare"],
        ["models"],
        ["datasets"],
        ["schema"],
        ["config", str(ROOT / "configs" / "ann.yaml")],
        ["config", str(ROOT / "configs" / "cnn.yaml"), "device=cuda"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_commands_that_train_nothing_load_nothing_heavy(trained, arguments):
    assert loaded(trained, *arguments) == []


def test_numpy_models_train_evaluate_and_predict_without_torch(here):
    for arguments in (
        ["train", "digits.yaml", "train.steps=1"],
        ["eval", "latest"],
        ["predict", "latest", ",".join("1" * 64)],
    ):
        assert not {"torch", "torchvision"} & set(loaded(here, *arguments))


@posix
@pytest.mark.parametrize("arguments", [["models"], ["schema"], ["runs"], ["show", "latest"], ["config", "digits.yaml"]])
def test_a_reader_that_has_had_enough_ends_in_no_traceback(trained, arguments):
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "nnlab", *arguments]
    done = subprocess.run(command, cwd=trained, stdout=writing, stderr=subprocess.PIPE, text=True, timeout=100)
    os.close(writing)
    assert done.stderr == ""
    assert done.returncode in (0, 1)


@posix
@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_end_in_no_traceback(trained, closed):
    command = f'"$0" -m nnlab runs {closed}'
    done = subprocess.run(["sh", "-c", command, sys.executable], cwd=trained, capture_output=True, text=True)
    assert done.returncode == 0
    assert done.stderr == ""


def test_a_stream_that_knows_only_ascii_gets_the_rest_as_escapes(trained, cli):
    path = the_run(trained)
    done = good(cli("show", path, PYTHONIOENCODING="ascii"))
    assert done.stdout.isascii()
    assert "mlp-np" in done.stdout


@pytest.mark.parametrize(
    "variables", [{"NO_COLOR": "1"}, {"TERM": "xterm-256color", "COLORTERM": "truecolor"}, {"TERM": ""}]
)
def test_nothing_is_drawn_or_coloured_off_a_terminal(trained, cli, variables):
    path = the_run(trained)
    for arguments in (["show", path], ["compare", path]):
        done = good(cli(*arguments, **variables))
        assert "\x1b" not in done.stdout + done.stderr
        assert "\r" not in done.stdout + done.stderr


COLOUR = re.compile(rb"\x1b\[(?:\d+;)*(?:3[0-8]|4[0-8]|9[0-7]|10[0-7])(?:;\d+)*m")


def on_a_terminal(folder: Path, *arguments: str, **environment: str) -> tuple[int, bytes, bytes]:
    """Exit code, stdout, and what a command draws on a terminal as its stderr."""
    import pty

    theirs, ours = pty.openpty()
    env = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "100", "LINES": "30", **environment}
    command = [sys.executable, "-m", "nnlab", *arguments]
    with subprocess.Popen(command, cwd=folder, env=env, stdout=subprocess.PIPE, stderr=ours) as process:
        os.close(ours)
        drawn = b""
        while True:
            try:
                part = os.read(theirs, 65536)
            except OSError:  # Linux's way to say that nobody has the other end open any more
                break
            if not part:
                break
            drawn += part
        output = process.stdout.read()
        code = process.wait(timeout=60)
    os.close(theirs)
    return code, output, drawn


@posix
def test_on_a_terminal_a_bar_is_drawn_on_stderr_and_only_there(digits, tmp_path):
    code, output, drawn = on_a_terminal(tmp_path, "train", "digits.yaml", "train.epochs=60")
    assert code == 0
    assert output.splitlines()[-1].startswith(b"runs/")
    assert b"\x1b" not in output
    assert COLOUR.search(drawn)
    assert b"/2700" in drawn
    assert re.search(rb"loss \d\.\d{4}", drawn)
    assert drawn.startswith(b"training ")
    assert drawn.count(b"\x1b[?25l") == drawn.count(b"\x1b[?25h")  # the cursor is back


@posix
def test_on_a_terminal_no_color_is_kept_to_and_quiet_draws_nothing(digits, tmp_path):
    code, _, drawn = on_a_terminal(tmp_path, "train", "digits.yaml", "train.epochs=20", NO_COLOR="1")
    assert code == 0
    assert b"/900" in drawn
    assert not COLOUR.search(drawn)
    code, output, drawn = on_a_terminal(tmp_path, "train", "-q", "digits.yaml", "train.epochs=1")
    assert (code, drawn) == (0, b"")
    assert output.startswith(b"runs/")


def test_a_cell_of_a_table_is_one_line(capsys):
    screen.show(Listing(["name", "n"], [["run\nerror: forged", 1]]))
    assert "run\\nerror: forged" in capsys.readouterr().out
