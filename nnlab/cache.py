"""The data cache: the only code that downloads, and the folder where what came is kept."""

import os
import secrets
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from http.client import HTTPException
from pathlib import Path
from typing import IO, Any, BinaryIO
from urllib import request
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit

import numpy as np
from platformdirs import user_cache_dir

from nnlab.dataset import Array, Progress, quiet
from nnlab.dataset.npy import read_npy
from nnlab.dataset.split import digest
from nnlab.errors import DataError, DataUnavailableError

TIMEOUT = 10.0
"""Seconds that a host may stay silent before the next one is asked."""
SLOWEST = 4096
"""Bytes a second; a host that sends less on average would keep a person waiting for hours."""

_RECORD = "sha256.txt"


def folder() -> Path:
    """Where data is kept: ``$NNLAB_DATA``, else the user's cache directory. It need not be there yet."""
    named = os.environ.get("NNLAB_DATA")
    if not named:
        return Path(user_cache_dir("nnlab", appauthor=False))
    try:
        return Path(named).expanduser().absolute()
    except RuntimeError as error:
        raise DataError(f"NNLAB_DATA: {error} (given: {named!r})", "name a folder") from error


def addresses(path: str, official: Sequence[str]) -> list[str]:
    """Where to ask for a file: its official addresses, or ``path`` under ``$NNLAB_MIRROR`` and nowhere else.

    Raises DataError for a mirror that is no http, https or file address.
    """
    mirror = os.environ.get("NNLAB_MIRROR")
    if not mirror:
        return list(official)
    hint = "set it to something like https://school.example/data or file:///srv/data"
    try:
        parts = urlsplit(mirror)
    except ValueError as error:
        raise DataError(f"NNLAB_MIRROR is no address: {error}", hint) from error
    if "@" in parts.netloc:  # urllib would take it for a host and print the password
        raise DataError("NNLAB_MIRROR holds a user name or password, which nnlab does not send", hint)
    local = parts.netloc in ("", "localhost")
    if not (local if parts.scheme == "file" else parts.scheme in ("http", "https") and parts.netloc):
        raise DataError(f"NNLAB_MIRROR must be an http, https or file address, not {mirror!r}", hint)
    return [f"{mirror.rstrip('/')}/{path}"]


def download(
    name: str, urls: Sequence[str], limit: int, check: Callable[[bytes], None], progress: Progress = quiet
) -> bytes:
    """The body of the first of ``urls`` that sends one, whole and right.

    ``name`` is the dataset's; ``limit`` is in bytes; ``check`` raises ValueError, saying why, for a body that is not
    what was asked for. Raises DataUnavailableError, naming every host and its reason, when none is left to ask.
    """
    reasons = []
    for url in urls:
        try:
            body = _fetch(url, limit, f"{name}: {urlsplit(url).path.rsplit('/', 1)[-1]}", progress)
            check(body)
        except (OSError, HTTPException, ValueError) as error:
            reasons.append(f"{_host(url)}: {_reason(error)}")
        else:
            return body
    mirror = "check what NNLAB_MIRROR serves" if os.environ.get("NNLAB_MIRROR") else "set NNLAB_MIRROR to a mirror"
    raise DataUnavailableError(
        f"{name} could not be downloaded ({'; '.join(reasons)})",
        f"check the network, {mirror}, or copy {folder() / name} from where `nnlab datasets fetch {name}` works; "
        "a config can name a `fallback`",
    )


def store(path: Path, data: bytes) -> None:
    """Write a file of the cache: it appears whole or not at all. Raises DataError where it cannot be written."""
    with _whole(path) as file:
        file.write(data)


def read(path: Path, limit: int) -> bytes:
    """A file of the cache. Raises OSError, and ValueError where it is longer than ``limit`` bytes."""
    with path.open("rb") as file:
        content = file.read(limit + 1)
    if len(content) > limit:
        raise ValueError(f"{path} is larger than {limit:,} bytes")
    return content


def store_arrays(name: str, arrays: dict[str, Array]) -> None:
    """Keep arrays under ``name``, and beside them their digest. Raises DataError where they cannot be written."""
    for key, array in arrays.items():
        with _whole(folder() / name / f"{key}.npy") as file:
            np.save(file, array, allow_pickle=False)
    store(folder() / name / _RECORD, digest(*arrays.values()).encode())


def complete(name: str, keys: Sequence[str]) -> bool:
    """Whether every array of ``name`` is there; whether they are undamaged shows when they are read."""
    try:
        return all((folder() / name / file).is_file() for file in _files(keys))
    except OSError as error:
        raise _unreadable(error) from error


def load_arrays(name: str, keys: Sequence[str], fetch: Callable[[], None], pin: str = "") -> tuple[list[Array], str]:
    """The arrays kept under ``name`` and their digest, which must be ``pin``, or else the one recorded beside them.

    Calls ``fetch`` where they are missing, and once more where they are damaged. Raises DataError where that does not
    help, and what ``fetch`` raises.
    """
    damaged = ""
    for _ in range(2):
        if not complete(name, keys):
            try:
                fetch()
            except DataUnavailableError as error:
                raise DataUnavailableError(damaged + error.message, error.hint) from error
        if found := _read(name, keys, pin):
            return found
        _remove(name, keys)
        damaged = f"the copy of {name} in {folder()} was damaged and is removed; "
    raise DataError(
        f"{name} in {folder()} is damaged, and so is what was fetched in its place",
        "check the disk, or set NNLAB_DATA to a folder on another one",
    )


def kept(name: str, keys: Sequence[str]) -> list[Array] | None:
    """The arrays that ``store_arrays`` kept under this name; None where there are none, or they are damaged."""
    found = _read(name, keys, "")
    if found is None:
        return None
    with suppress(OSError):  # a cache that is only read from forgets what was used last
        (folder() / name / _RECORD).touch()
    return found[0]


def entries(name: str, prefix: str) -> list[str]:
    """The names of what is kept in a folder of the cache that begin with this. Raises DataError as ``scratch`` does."""
    try:
        if not (folder() / name).is_dir():
            return []
        return [path.name for path in (folder() / name).iterdir() if path.name.startswith(prefix)]
    except OSError as error:
        raise _unreadable(error) from error


def prune(name: str, most: int) -> None:
    """Keep the ``most`` entries of a folder of the cache that were used last. Raises DataError as ``scratch`` does."""
    try:
        entries = [path for path in (folder() / name).iterdir() if (path / _RECORD).is_file()]
        entries.sort(key=lambda path: (path / _RECORD).stat().st_mtime, reverse=True)
        for old in entries[most:]:
            for file in old.glob("*.npy"):
                file.unlink(missing_ok=True)
            (old / _RECORD).unlink(missing_ok=True)
            old.rmdir()
    except OSError as error:
        raise _unwritable(error) from error


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder inside the cache that is gone afterwards. Raises DataError where the cache cannot be written."""
    try:
        folder().mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder(), prefix=".") as path:
            yield Path(path)
    except OSError as error:
        raise _unwritable(error) from error


def _files(keys: Sequence[str]) -> list[str]:
    return [*(f"{key}.npy" for key in keys), _RECORD]


def _read(name: str, keys: Sequence[str], pin: str) -> tuple[list[Array], str] | None:
    """The arrays and their digest; None where they are not what was stored."""
    arrays = []
    try:
        for key in keys:
            path = folder() / name / f"{key}.npy"
            with path.open("rb") as file:
                arrays.append(read_npy(file, path.stat().st_size))
        expected = pin or (folder() / name / _RECORD).read_text("ascii")
    except (FileNotFoundError, ValueError, MemoryError):
        return None
    except OSError as error:
        raise _unreadable(error) from error
    found = digest(*arrays)
    return (arrays, found) if found == expected else None


def _remove(name: str, keys: Sequence[str]) -> None:
    try:
        for file in _files(keys):
            (folder() / name / file).unlink(missing_ok=True)
    except OSError as error:
        raise _unwritable(error) from error


@contextmanager
def _whole(path: Path) -> Iterator[BinaryIO]:
    """A file to write that takes its place at ``path`` once all of it is on the disk."""
    # The name is this process's own, so that two that fetch at once cannot write into one file. Not mkstemp, whose
    # files nobody else may read: a teacher's cache serves a class.
    part = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        raise _unwritable(error) from error
    finally:
        with suppress(OSError):  # there is nothing to remove after the rename, and the first error matters more
            part.unlink()


_CACHE_HINT = "set NNLAB_DATA to a folder you may write to, with room for the data"


def _unreadable(error: OSError) -> DataError:
    return DataError(f"the data cache {folder()} cannot be read: {_reason(error)}", _CACHE_HINT)


def _unwritable(error: OSError) -> DataError:
    return DataError(f"the data cache {folder()} cannot be written: {_reason(error)}", _CACHE_HINT)


def _fetch(url: str, limit: int, what: str, progress: Progress) -> bytes:
    """The body at ``url``; raises OSError, HTTPException or ValueError with the reason why there is none."""
    transfer = _Transfer(url, limit)
    started = time.monotonic()
    transfer.start()
    try:
        while transfer.is_alive():
            transfer.join(0.1)
            got, waited = len(transfer.body), time.monotonic() - started
            if transfer.is_alive() and waited > TIMEOUT + got / SLOWEST:
                raise TimeoutError(f"too slow, {got} bytes in {waited:.0f} s" if got else _silence())
            progress(what, got, transfer.total)
    finally:
        transfer.stop.set()
    if transfer.failure:
        raise transfer.failure
    progress(what, len(transfer.body), transfer.total)
    return bytes(transfer.body)


class _Transfer(threading.Thread):
    """A body on its way, in a thread of its own: a name server or a header that never comes ignores any timeout."""

    def __init__(self, url: str, limit: int) -> None:
        super().__init__(daemon=True)
        self.url = url
        self.limit = limit
        self.body = bytearray()
        self.total: int | None = None
        self.failure: Exception | None = None
        self.stop = threading.Event()

    def run(self) -> None:
        try:
            self._receive()
        except HTTPError as error:
            with error:  # it holds the connection
                self.failure = OSError(f"HTTP {error.code} {error.reason}")
        except Exception as error:  # noqa: BLE001 - raised again by the thread that waits
            self.failure = error

    def _receive(self) -> None:
        with _opener().open(self.url, timeout=TIMEOUT) as response:
            length = response.headers.get("Content-Length") or ""
            self.total = int(length) if length.isdecimal() else None
            if self.total is not None and self.total > self.limit:
                raise ValueError(f"{self.total} bytes, where at most {self.limit} belong")
            while not self.stop.is_set() and (chunk := response.read1(1 << 16)):
                self.body += chunk
                if len(self.body) > self.limit:
                    raise ValueError(f"more than the {self.limit} bytes that belong")
        if self.total is not None and len(self.body) != self.total:
            raise ValueError(f"cut off after {len(self.body)} of {self.total} bytes")


class _Redirects(request.HTTPRedirectHandler):
    """Redirects to the same scheme, or up to https, are followed; no host can send us to a file or to ftp."""

    def redirect_request(
        self, req: request.Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> request.Request | None:
        if urlsplit(newurl).scheme not in (req.type, "https"):
            fp.close()
            raise OSError(f"redirects to {newurl!r}, which is refused")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _opener() -> request.OpenerDirector:
    """What opens http, https and file addresses and nothing else."""
    opener = request.OpenerDirector()
    opener.addheaders = [("User-agent", "nnlab")]
    for handler in (
        request.ProxyHandler(),
        request.HTTPHandler(),
        request.HTTPSHandler(),
        request.FileHandler(),
        request.HTTPDefaultErrorHandler(),
        request.HTTPErrorProcessor(),
        _Redirects(),
    ):
        opener.add_handler(handler)
    return opener


def _host(url: str) -> str:
    return urlsplit(url).netloc or url


def _silence() -> str:
    return f"no answer within {TIMEOUT:g} s"


def _reason(error: BaseException) -> str:
    """One printable line that says what went wrong."""
    if isinstance(error, URLError) and isinstance(error.reason, BaseException):
        error = error.reason
    if isinstance(error, TimeoutError) and str(error) in ("", "timed out"):
        return _silence()
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    text = " ".join(text.split()) or type(error).__name__
    return "".join(c if c.isprintable() else "?" for c in text)[:200]
