"""Pictures: what is transparent is white like paper, in every kind of PNG, for training and for ``predict`` alike."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nnlab.datasets._pictures import open_picture, pixels, plain, read_picture

GREY, RGB, PALETTE, GREY_ALPHA, RGB_ALPHA = 0, 2, 3, 4, 6
THREE = (b"PLTE", bytes([10, 10, 10, 50, 50, 50, 200, 200, 200]))


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, depth: int, colour: int, row: bytes, *others: tuple[bytes, bytes]) -> bytes:
    """A PNG of one row, written by hand: Pillow cannot write all that it reads."""
    header = struct.pack(">IIBBBBB", width, 1, depth, colour, 0, 0, 0)
    rest = b"".join(chunk(*other) for other in others)
    start = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)
    return start + rest + chunk(b"IDAT", zlib.compress(b"\0" + row)) + chunk(b"IEND", b"")


def words(*numbers: int) -> bytes:
    return struct.pack(f">{len(numbers)}H", *numbers)


def key(*numbers: int) -> tuple[bytes, bytes]:
    """The chunk that says which colour is transparent."""
    return b"tRNS", words(*numbers)


KINDS = {
    "16-bit grey": (png(4, 16, GREY, words(0, 1000, 40_000, 65_535), key(1000)), [0, 255, 156, 255]),
    "16-bit grey, black": (png(4, 16, GREY, words(0, 1, 256, 65_535), key(0)), [255, 0, 1, 255]),
    "16-bit grey, opaque": (png(3, 16, GREY, words(0, 1000, 40_000)), [0, 4, 156]),
    "16-bit grey with alpha": (png(2, 16, GREY_ALPHA, words(3000, 0, 3000, 65_535)), [255, 11]),
    "16-bit colour": (png(2, 16, RGB, words(*[0x4000] * 3, *[0x8000] * 3), key(*[0x4000] * 3)), [255, 128]),
    "16-bit colour, low byte": (png(2, 16, RGB, words(*[0x0100] * 3, *[0x8000] * 3), key(*[0x0001] * 3)), [1, 128]),
    "16-bit colour with alpha": (png(2, 16, RGB_ALPHA, words(*[3000] * 3, 0, *[3000] * 3, 65_535)), [255, 11]),
    "8-bit grey": (png(4, 8, GREY, bytes([0, 3, 100, 255]), key(3)), [0, 255, 100, 255]),
    "8-bit grey with alpha": (png(2, 8, GREY_ALPHA, bytes([10, 0, 20, 255])), [255, 20]),
    "8-bit colour": (png(2, 8, RGB, bytes([7, 7, 7, 5, 5, 5]), key(7, 7, 7)), [255, 5]),
    "4-bit grey": (png(4, 4, GREY, bytes([0x03, 0x7F]), key(3)), [0, 255, 119, 255]),
    "2-bit grey": (png(4, 2, GREY, bytes([0b00011011]), key(1)), [0, 255, 170, 255]),
    "1-bit grey, black": (png(8, 1, GREY, bytes([0b00011011]), key(0)), [255] * 8),
    "1-bit grey, white": (png(8, 1, GREY, bytes([0b00011011]), key(1)), [0, 0, 0, 255, 255, 0, 255, 255]),
    "palette": (png(4, 8, PALETTE, bytes([0, 1, 2, 0]), THREE, (b"tRNS", bytes([0, 255]))), [255, 50, 200, 255]),
    "palette, half": (png(2, 8, PALETTE, bytes([1, 2]), THREE, (b"tRNS", bytes([0, 128]))), [152, 200]),
    "1-bit palette": (png(4, 1, PALETTE, bytes([0b00010000]), THREE, (b"tRNS", b"\0")), [255, 255, 255, 50]),
}


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_transparent_is_white_in_training_and_in_predict(kind: str, tmp_path: Path) -> None:
    content, shades = KINDS[kind]
    path = tmp_path / "one.png"
    path.write_bytes(content)
    assert np.asarray(plain(open_picture(path)).convert("L")).tolist() == [shades]
    size = (1, len(shades))
    assert pixels(open_picture(path), size, "grey").tolist() == [shades]
    assert (pixels(open_picture(path), size, "rgb") == np.array(shades)).all()
    predicted = read_picture(open_picture(path), size)
    np.testing.assert_allclose(255 * predicted, shades, rtol=1e-6)


def test_a_picture_of_ones_own_may_have_a_transparent_colour_too(tmp_path: Path) -> None:
    """As Pillow opens it, without the file: in a notebook."""
    path = tmp_path / "one.png"
    path.write_bytes(KINDS["16-bit grey"][0])
    with Image.open(path) as image:
        assert pixels(image, (1, 4), "grey").tolist() == [KINDS["16-bit grey"][1]]
