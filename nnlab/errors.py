"""Errors: what a person can act on, with what would help and the exit code it ends in."""

import difflib
import errno
from collections.abc import Iterable


def did_you_mean(given: object, known: Iterable[str]) -> str:
    """The name that was probably meant, as the start of a hint; empty where none is near."""
    near = difflib.get_close_matches(str(given)[:100], list(known), n=1)
    return f"did you mean {near[0]}? " if near else ""


class NnlabError(Exception):
    """Something the user can put right: ``message`` says where and what was given, ``hint`` what would work.

    Both name the keys of a config as they are written, "train.lr", and what is given beside it in backticks,
    "`epochs`", of which the command line makes its flags.
    """

    exit_code = 2

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n{self.hint}" if self.hint else self.message


class ConfigError(NnlabError):
    """The config, an override or an argument is not one that nnlab can run."""


class DataError(NnlabError):
    """The data is not what the config says, or not fit to train on."""


class DataUnavailableError(DataError):
    """The data could not be had: no host answered, or what came was damaged. A config's ``fallback`` answers this."""


class DataChangedError(DataError):
    """The data is there, and is not what the run was trained on."""


class DeviceError(ConfigError):
    """The device that was asked for is not there, or the model cannot run on it."""


class RunError(NnlabError):
    """The run directory is missing, ambiguous, unfinished or damaged."""


class TrainingError(NnlabError):
    """The run, or whatever else was at work, failed: the loss diverged, or memory or disk ran out."""

    exit_code = 1


class DivergedError(TrainingError):
    """The loss became a number that is none: infinite, or not a number."""


class CheckError(NnlabError):
    """A check did not hold: what came out is not what is recorded."""

    exit_code = 3


class MissingDependencyError(NnlabError):
    """A package is missing or does not fit the others."""

    exit_code = 4


class Interrupted(Exception):  # noqa: N818 (a request to stop, not an error)
    """A signal asked the run to stop."""

    def __init__(self, signal: int) -> None:
        super().__init__(f"stopped by signal {signal}")
        self.signal = signal
        self.exit_code = 128 + signal


# What no program can help: the disk, the memory or the open files have run out, or the disk fails.
_TROUBLES = {
    getattr(errno, name)
    for name in ("ENOSPC", "EDQUOT", "EFBIG", "EIO", "EROFS", "EMFILE", "ENFILE", "ENOMEM", "ESTALE")
    if hasattr(errno, name)
}


def trouble(error: BaseException) -> TrainingError | None:
    """The error as the user can act on it, where the machine has run out of something; None for any other."""
    if isinstance(error, MemoryError):
        return TrainingError(f"out of memory: {error}".rstrip(": "), "close other programs, or take less at once")
    if not isinstance(error, OSError) or error.errno not in _TROUBLES:
        return None
    where = f"{error.filename}: " if isinstance(error.filename, str) else ""
    return TrainingError(f"{where}{error.strerror}", "see to the disk, or to how many files are open")


def complaint(error: BaseException) -> list[str]:
    """Lines that say what went wrong, what is to be noted of it, and what would work."""
    said = {"error": [getattr(error, "message", "")], "note": getattr(error, "__notes__", [])}
    said["hint"] = [getattr(error, "hint", "")]
    return [f"{word}: {line}" for word, texts in said.items() for text in texts for line in text.splitlines()]
