"""The source of a table: the bytes of a file, unpacked and decoded a piece at a time, with Unix line ends."""

import codecs
import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from nnlab.errors import DataError
from nnlab.tables.cells import short

SUFFIXES = (".csv", ".tsv", ".txt", ".data", ".csv.gz", ".tsv.gz", ".txt.gz", ".data.gz", ".parquet")
"""The files that hold tables."""
PIECE = 1 << 20
"""Bytes that are read at once: large enough for speed, small beside the data."""
LONGEST = 1 << 24
"""Characters of one record; more is no table, or a quotation mark that is never closed."""

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark begins alike
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_NO_FILES = {"unicode_escape", "raw_unicode_escape", "unicode-escape", "raw-unicode-escape", "idna", "punycode"}
"""Codecs of Python that no file is written in."""
_GZIP = b"\x1f\x8b"
_PROGRAMS = {
    b"PK\x03\x04": "a zip file or a spreadsheet",
    b"\xd0\xcf\x11\xe0": "a spreadsheet",
    b"PAR1": "a parquet file",
    b"%PDF": "a PDF",
    b"BZh": "packed by bzip2",
    b"\xfd7zXZ": "packed by xz",
    b"\x28\xb5\x2f\xfd": "packed by zstd",
}


def compression(path: Path) -> str:
    """How a file is packed, by its first bytes, whatever its name says: gzip, or empty. Raises DataError."""
    with opened(path, "") as file:
        first = file.read(4)
    for mark, what in _PROGRAMS.items():
        if first.startswith(mark[:4]):
            raise DataError(f"{str(path)!r} is {what}, no text", "save it as CSV")
    if first.startswith(_GZIP):
        return "gzip"
    if path.suffix.lower() == ".gz" and first:
        raise DataError(f"{str(path)!r} is not packed by gzip", "pack it again, or name it without .gz")
    return ""


def encoding(path: Path, packed: str, given: str) -> str:
    """The codec of a file: the one given, or what its first bytes say. Raises DataError for one that is none."""
    if given == "auto":
        with opened(path, packed) as file:
            first = file.read(4)
        return next((name for mark, name in _MARKS if first.startswith(mark)), "utf-8")
    try:
        "a".encode(given)
        codecs.getincrementaldecoder(given)
        if codecs.lookup(given).name in _NO_FILES:
            raise LookupError(given)
    except (LookupError, UnicodeError, ValueError) as error:
        raise DataError(
            f"dataset.encoding: {short(given)} is no encoding", "for example utf-8, latin-1, cp1252, utf-16 or cp932"
        ) from error
    return given


def is_unicode(path: Path) -> bool:
    """Whether a file is text in UTF-8, or in what its mark says. Raises DataError where it cannot be read at all."""
    if path.suffix.lower() == ".parquet":
        return True
    packed = compression(path)
    codec = encoding(path, packed, "auto")
    decoder = codecs.getincrementaldecoder(codec)()
    with opened(path, packed) as file:
        while chunk := file.read(PIECE):
            if not _decodes(decoder, chunk) or (codec == "utf-8" and b"\0" in chunk):
                return False
    return _decodes(decoder, b"", final=True)


@contextmanager
def opened(path: Path, packed: str) -> Iterator[BinaryIO]:
    """The bytes of a file, unpacked as they are read. Raises DataError where it cannot be read or is damaged."""
    try:
        with path.open("rb") as file:
            yield gzip.GzipFile(fileobj=file) if packed else file  # type: ignore[misc]
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"{str(path)!r} is damaged: {_reason(error)}", "pack it again") from error
    except (OSError, ValueError) as error:
        raise DataError(f"{str(path)!r} cannot be read: {_reason(error)}", "give a file that can be") from error


def pieces(path: Path, packed: str, codec: str, size: int = 0) -> Iterator[str]:
    """The text of a file, without its mark and with line ends of one character, in pieces of about ``size`` bytes.

    0 is PIECE. Raises DataError, naming line and byte, for what is no text in this encoding.
    """
    decoder = codecs.getincrementaldecoder(codec)()
    lines = io.IncrementalNewlineDecoder(None, translate=True)
    before, first = 0, True
    with opened(path, packed) as file:
        while True:
            chunk = file.read(size or PIECE)
            try:
                text = decoder.decode(chunk, final=not chunk)
            except UnicodeError as error:
                line = 1 + _lines(path, packed, codec, before)
                raise _undecodable(path, codec, error, before + len(chunk), line) from error
            text = lines.decode(text, final=not chunk)
            if first and text:
                text, first = text.removeprefix("\ufeff"), False
            if "\0" in text:
                line = 1 + _lines(path, packed, codec, before) + text.count("\n", 0, text.index("\0"))
                raise DataError(
                    f"{str(path)!r} line {line} holds a character of code 0, as no text does",
                    "is it a text file? If it is UTF-16, say so with dataset.encoding: utf-16-le",
                )
            before += len(chunk)
            if text:
                yield text
            if not chunk:
                return


def blocks(path: Path, packed: str, codec: str) -> Iterator[bytes]:
    """The text of a file as ``pieces`` has it, in UTF-8 and in blocks that end anywhere.

    A file that is UTF-8 already is never decoded. Raises DataError as ``pieces`` does.
    """
    if codec != "utf-8":
        yield from (text.encode() for text in pieces(path, packed, codec))
        return
    decoder, first, held = codecs.getincrementaldecoder(codec)(), True, b""
    with opened(path, packed) as file:
        while chunk := file.read(max(PIECE, len(codecs.BOM_UTF8))):
            fine = (chunk.isascii() and not decoder.getstate()[0]) or _decodes(decoder, chunk)
            if not fine or b"\0" in chunk:
                break
            chunk, held = held + chunk, b""
            if first:
                chunk, first = chunk.removeprefix(codecs.BOM_UTF8), False
            if chunk.endswith(b"\r"):  # the other half of its line end may come next
                chunk, held = chunk[:-1], b"\r"
            yield chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in chunk else chunk
        else:
            if _decodes(decoder, b"", final=True):
                if held:
                    yield b"\n"
                return
    for _ in pieces(path, packed, codec):  # which says what is wrong, and where
        pass


def _decodes(decoder: codecs.IncrementalDecoder, chunk: bytes, *, final: bool = False) -> bool:
    try:
        decoder.decode(chunk, final)
    except UnicodeError:
        return False
    return True


def _lines(path: Path, packed: str, codec: str, size: int) -> int:
    """The line ends in the first ``size`` bytes of a file.

    They are counted where something is to be said: while all goes well, counting would cost a tenth of the time.
    """
    decoder, lines = codecs.getincrementaldecoder(codec)(errors="replace"), io.IncrementalNewlineDecoder(None, True)
    count = 0
    with opened(path, packed) as file:
        while size > 0 and (chunk := file.read(min(size, PIECE))):
            count, size = count + lines.decode(decoder.decode(chunk)).count("\n"), size - len(chunk)
    return count


def _undecodable(path: Path, codec: str, error: UnicodeError, read: int, line: int) -> DataError:
    place = f"{str(path)!r} line {line}"
    if isinstance(error, UnicodeDecodeError):
        good = error.object[: error.start].decode(codec, errors="replace")
        line += good.replace("\r\n", "\n").replace("\r", "\n").count("\n")
        byte = read - len(error.object) + error.start
        place = f"{str(path)!r} line {line}: byte {byte + 1} of the file (0x{error.object[error.start]:02x})"
    reason = error.reason if isinstance(error, UnicodeDecodeError) else "undecodable"
    return DataError(
        f"{place} is not {codec.upper() if codec.startswith('utf') else codec} text: {reason}",
        "say how it is encoded with dataset.encoding, for example latin-1 or cp1252, or save it as UTF-8",
    )


def _reason(error: BaseException) -> str:
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return " ".join(text.split())[:200] or type(error).__name__
