"""The data cache against hosts that fail in every way, and against damage, races and folders it may not write to."""

import os
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from nnlab import cache
from nnlab.errors import DataError, DataUnavailableError

GOOD = b"the data" * 4000
LIMIT = 64_000


class Host(BaseHTTPRequestHandler):
    """A host that behaves as the path it is asked for says."""

    def do_GET(self):
        name = self.path.split("/")[1]
        try:
            getattr(self, f"send_{name}")()
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True  # the client had enough, as it should

    def log_message(self, *args):
        """Nothing: a test's output is its own."""

    def _head(self, code=200, **headers):
        self.send_response(code)
        for key, value in headers.items():
            self.send_header(key.replace("_", "-"), str(value))
        self.end_headers()

    def send_good(self):
        self._head(Content_Length=len(GOOD))
        self.wfile.write(GOOD)

    def send_unsized(self):
        self._head()
        self.wfile.write(GOOD)

    def send_cut(self):
        self._head(Content_Length=len(GOOD))
        self.wfile.write(GOOD[:100])

    def send_chunkless(self):
        self._head(Transfer_Encoding="chunked")
        self.wfile.write(b"ffff\r\nonly this")

    def send_other(self):
        self._head(Content_Length=5)
        self.wfile.write(b"other")

    def send_empty(self):
        self._head(Content_Length=0)

    def send_huge(self):
        self._head(Content_Length=10**12)

    def send_endless(self):
        self._head()
        for _ in range(10_000):
            self.wfile.write(bytes(65536))

    def send_missing(self):
        self.send_error(404)

    def send_broken(self):
        self.send_error(500, "Oh\x1b[31m no")

    def send_moved(self):
        self._head(302, Location="/good/file", Content_Length=0)

    def send_loop(self):
        self._head(302, Location="/loop/file", Content_Length=0)

    def send_tofile(self):
        self._head(302, Location="file:///etc/hostname", Content_Length=0)

    def send_toftp(self):
        self._head(302, Location="ftp://127.0.0.1/file", Content_Length=0)

    def send_garbage(self):
        self.wfile.write(b"what is HTTP?\r\n\r\n")

    def send_silent(self):
        time.sleep(1.0)

    def send_drip(self):
        self._head(Content_Length=len(GOOD))
        for n in range(40):
            self.wfile.write(GOOD[n : n + 1])
            time.sleep(0.05)

    def send_dripheader(self):
        for n in range(40):
            self.wfile.write(b"HTTP/1.1 200 OK and a long reason that never comes to its end"[n : n + 1])
            time.sleep(0.05)


@pytest.fixture(scope="module")
def host():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Host)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("NNLAB_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.delenv("NNLAB_MIRROR", raising=False)
    monkeypatch.setattr(cache, "TIMEOUT", 0.4)
    return tmp_path / "data"


def is_good(body):
    if body != GOOD:
        raise ValueError("not the data")


def everything(folder):
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*")) if folder.exists() else []


BAD = {
    "cut": "cut off after 100 of 32000 bytes",
    "chunkless": "IncompleteRead",
    "other": "not the data",
    "empty": "not the data",
    "huge": "1000000000000 bytes, where at most 64000 belong",
    "endless": "more than the 64000 bytes that belong",
    "missing": "HTTP 404 Not Found",
    "broken": "HTTP 500",
    "loop": "HTTP 302",
    "tofile": "not allowed",
    "toftp": "refused",
    "garbage": "what is HTTP?",
    "silent": "no answer within 0.4 s",
    "drip": "too slow",
    "dripheader": "no answer within 0.4 s",
}


@pytest.mark.parametrize("way", BAD)
def test_a_bad_host_is_named_with_its_reason_and_the_next_one_is_asked(way, host, folder):
    started = time.monotonic()
    with pytest.raises(DataUnavailableError) as caught:
        cache.download("signs", [f"{host}/{way}/file"], LIMIT, is_good)
    assert time.monotonic() - started < 2
    assert host.removeprefix("http://") in caught.value.message
    assert BAD[way] in caught.value.message
    assert "\n" not in caught.value.message
    assert "\x1b" not in caught.value.message
    assert "NNLAB_MIRROR" in caught.value.hint
    assert "nnlab datasets fetch signs" in caught.value.hint
    assert "fallback" in caught.value.hint
    assert cache.download("signs", [f"{host}/{way}/file", f"{host}/good/file"], LIMIT, is_good) == GOOD
    assert not everything(folder)


def test_every_host_is_named(host):
    with pytest.raises(DataUnavailableError) as caught:
        cache.download("signs", [f"{host}/missing/a", "http://nowhere.invalid/a", f"{host}/cut/a"], LIMIT, is_good)
    for part in ("HTTP 404", "nowhere.invalid: ", "cut off"):
        assert part in caught.value.message


@pytest.mark.parametrize("way", ["good", "unsized", "moved"])
def test_a_good_host_is_heard(way, host):
    seen = []
    body = cache.download("signs", [f"{host}/{way}/file"], LIMIT, is_good, lambda *args: seen.append(args))
    assert body == GOOD
    assert seen[-1] == ("signs: file", len(GOOD), None if way == "unsized" else len(GOOD))


def test_a_file_address(tmp_path):
    (tmp_path / "a file").write_bytes(GOOD)
    url = (tmp_path / "a file").as_uri()
    assert cache.download("signs", [url], LIMIT, is_good) == GOOD
    for wrong in (tmp_path.as_uri(), url + "-not", "file:///dev/zero"):
        with pytest.raises(DataUnavailableError):
            cache.download("signs", [wrong], LIMIT, is_good)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_does_not_hold_up_the_run(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(DataUnavailableError, match="no answer"):
        cache.download("signs", [(tmp_path / "pipe").as_uri()], LIMIT, is_good)


def test_an_interrupt_goes_through_and_leaves_nothing(host, folder):
    def interrupt(*args):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cache.download("signs", [f"{host}/drip/file"], LIMIT, is_good, interrupt)
    assert not everything(folder)


def test_the_mirror_replaces_the_hosts(monkeypatch):
    assert cache.addresses("a/b.gz", ["https://x.example/b.gz"]) == ["https://x.example/b.gz"]
    for mirror in ("http://localhost", "http://localhost:80/data/", "https://school.example", "file:///srv/data"):
        monkeypatch.setenv("NNLAB_MIRROR", mirror)
        assert cache.addresses("a/b.gz", ["https://x.example/b.gz"]) == [f"{mirror.rstrip('/')}/a/b.gz"]


@pytest.mark.parametrize(
    "mirror",
    ["ftp://x.example", "data:text/plain,x", "/srv/data", "http://", "file://x.example/a", "x", "http://[", "\n"],
)
def test_other_mirrors_are_refused(mirror, monkeypatch):
    monkeypatch.setenv("NNLAB_MIRROR", mirror)
    with pytest.raises(DataError, match="NNLAB_MIRROR") as caught:
        cache.addresses("a/b.gz", [])
    assert "\n" not in caught.value.message


def test_a_password_in_the_mirror_is_not_shown(monkeypatch):
    monkeypatch.setenv("NNLAB_MIRROR", "https://me:hunter2@x.example/data")
    with pytest.raises(DataError) as caught:
        cache.addresses("a/b.gz", [])
    assert "hunter2" not in str(caught.value)


def test_the_folder(monkeypatch, tmp_path):
    assert cache.folder() == tmp_path / "data"
    monkeypatch.setenv("NNLAB_DATA", "somewhere")
    assert cache.folder() == Path.cwd() / "somewhere"
    monkeypatch.setenv("NNLAB_DATA", "")
    assert cache.folder().name == "nnlab"


ARRAYS = {"a": np.arange(12, dtype=np.uint8).reshape(3, 4), "b": np.arange(3)}


def keep():
    cache.store_arrays("some", ARRAYS)


def refuse():
    raise AssertionError("there is nothing to fetch")


def test_arrays_come_back(folder):
    assert not cache.complete("some", ["a", "b"])
    (a, b), found = cache.load_arrays("some", ["a", "b"], keep)
    assert cache.complete("some", ["a", "b"])
    np.testing.assert_array_equal(a, ARRAYS["a"])
    np.testing.assert_array_equal(b, ARRAYS["b"])
    assert cache.load_arrays("some", ["a", "b"], refuse, pin=found)[1] == found
    assert everything(folder) == ["some", "some/a.npy", "some/b.npy", "some/sha256.txt"]


def test_others_may_read_what_is_stored(folder):
    keep()
    umask = os.umask(0)
    os.umask(umask)
    assert (folder / "some" / "a.npy").stat().st_mode & 0o777 == 0o666 & ~umask


@pytest.mark.parametrize("damage", ["flip", "header", "cut", "empty", "record", "missing"])
def test_damage_is_noticed_and_fetched_again_once(damage, folder):
    keep()
    file = folder / "some" / ("sha256.txt" if damage == "record" else "a.npy")
    body = bytearray(file.read_bytes())
    match damage:
        case "flip" | "record":
            body[-1] ^= 1
        case "header":
            body[20:40] = b"'" * 20
        case "cut":
            del body[-3:]
        case "empty":
            body.clear()
    file.write_bytes(body)
    if damage == "missing":
        file.unlink()
    fetched = []
    (a, _), _ = cache.load_arrays("some", ["a", "b"], lambda: (fetched.append(1), keep()))
    assert len(fetched) == 1
    np.testing.assert_array_equal(a, ARRAYS["a"])


def test_damage_that_stays_is_an_error():
    fetched = []
    with pytest.raises(DataError, match="damaged"):
        cache.load_arrays("some", ["a", "b"], lambda: (fetched.append(1), keep()), pin="0" * 64)
    assert len(fetched) == 2


def test_damage_without_a_network_is_said(folder):
    keep()
    (folder / "some" / "a.npy").write_bytes(b"")

    def unreachable():
        raise DataUnavailableError("no host answered", "hint")

    with pytest.raises(DataUnavailableError, match="was damaged and is removed; no host answered"):
        cache.load_arrays("some", ["a", "b"], unreachable)


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError, OSError(28, "No space left on device")])
def test_nothing_half_written_is_left(error, folder, monkeypatch):
    def save(file, array, allow_pickle):
        file.write(b"half")
        raise error

    monkeypatch.setattr(np, "save", save)
    with pytest.raises((KeyboardInterrupt, MemoryError, DataError)) as caught:
        keep()
    if caught.type is DataError:
        assert "No space left" in caught.value.message
        assert "NNLAB_DATA" in caught.value.hint
    assert everything(folder) == ["some"]


def test_a_cache_that_cannot_be_written(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("NNLAB_DATA", str(tmp_path / "file"))
    for write in (keep, lambda: cache.store(cache.folder() / "a", b"x"), lambda: cache.scratch().__enter__()):
        with pytest.raises(DataError, match="cannot be written") as caught:
            write()
        assert str(tmp_path / "file") in caught.value.message
        assert "NNLAB_DATA" in caught.value.hint


def test_scratch_is_gone_afterwards(folder):
    def interrupted():
        with cache.scratch() as path:
            (path / "file").write_text("x")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert not everything(folder)


def test_two_processes_that_fetch_at_once_both_succeed(folder):
    script = """if True:
        import sys, time
        import numpy as np
        from nnlab import cache
        arrays = {"a": np.arange(1_000_000), "b": np.ones(1000)}
        sys.stdin.read(1)
        for _ in range(10):
            cache.store_arrays("some", arrays)
            (a, b), _ = cache.load_arrays("some", ["a", "b"], lambda: sys.exit("missing"))
            assert (a == arrays["a"]).all()
    """
    root = Path(cache.__file__).parent.parent
    run = [subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, cwd=root) for _ in range(2)]
    with _all(run):
        for process in run:
            process.stdin.write(b"x")
            process.stdin.close()
        assert [process.wait(30) for process in run] == [0, 0]
    assert everything(folder) == ["some", "some/a.npy", "some/b.npy", "some/sha256.txt"]


@contextmanager
def _all(processes):
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()
