"""Pictures: how a file or a Pillow image becomes the pixels a net is given."""

import struct
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from nnlab.dataset import Array, Transform
from nnlab.dataset.transform import Colour, Fit
from nnlab.errors import DataError

if TYPE_CHECKING:
    from PIL.Image import Image

SUFFIXES = (".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".gif", ".webp", ".tif", ".tiff")
FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF")
"""What Pillow may take a file for, whatever its name says: each decoder less is one less to trust."""
UNREAD = frozenset(
    f".{suffix}"
    for suffix in (  # noqa: SIM905
        "heic heif hif avif svg svgz jp2 j2k jpx jxl jxr wdp raw arw cr2 cr3 crw dng nef nrw orf pef raf rw2 srw "
        "psd xcf ico icns tga ppm pgm pbm pnm pcx eps exr hdr dds dcm fits nii qoi apng dib pdf ai cur"
    ).split()
)
"""Suffixes of pictures that are not read."""
DEPTH = 24
"""Where a PNG says how many bits each of its numbers has: https://www.w3.org/TR/png-3/#11IHDR."""
LARGEST = 50_000_000
"""Pixels; more than any camera's, less than what a few bytes of a picture made to do harm can ask for."""

_BROKEN = (
    *(OSError, ValueError, SyntaxError, EOFError, struct.error),
    *(TypeError, LookupError, ArithmeticError, AttributeError, RuntimeError),
)
"""What Pillow's decoders raise over damaged files, the last five over tags that are not what they should be."""


def open_picture(path: Path) -> "Image":
    """The picture in a file, decoded and upright. Raises DataError for what is no picture, damaged or too large."""
    from PIL import Image, ImageOps, UnidentifiedImageError

    if not path.is_file():  # a pipe would be waited for
        raise DataError(f"{str(path)!r} is no plain file", "replace it, or take it out")
    try:
        with warnings.catch_warnings(action="ignore"), path.open("rb") as file:  # Pillow only warns of large ones
            start = file.read(DEPTH + 1)
            picture = Image.open(file, formats=FORMATS)
            if picture.width * picture.height > LARGEST:
                raise ValueError(f"{picture.width}x{picture.height} pixels, at most {LARGEST:,} are read")
            if picture.mode in ("F", "LAB") or (picture.format == "TIFF" and picture.mode == "I"):
                raise ValueError(f"pixels of the kind {picture.mode} have no shade that is black or white for certain")
            picture.load()
            if picture.format == "PNG":
                _fit_clear_colour(picture, start[DEPTH])
            ImageOps.exif_transpose(picture, in_place=True)
            return picture
    except UnidentifiedImageError as error:
        raise DataError(f"{str(path)!r} is no picture", "PNG, JPEG, BMP, GIF, WebP and TIFF files are read") from error
    except (*_BROKEN, Image.DecompressionBombError) as error:
        raise DataError(
            f"{str(path)!r} cannot be read as a picture: {' '.join(str(error).split())[:200]}",
            "replace the file, or take it out",
        ) from error


def _fit_clear_colour(picture: "Image", depth: int) -> None:
    """Bring a PNG's one transparent colour to the 8 bits that Pillow makes of other depths.

    It leaves that colour as the file has it. Of 16 bits it keeps the upper 8 alone, so colours that agree in those are
    one colour; shades of grey keep all 16.
    """
    clear = picture.info.get("transparency")
    if picture.mode == "L" and isinstance(clear, int) and depth in (2, 4, 8):
        most = 2**depth - 1
        picture.info["transparency"] = (clear & most) * 255 // most
    elif picture.mode == "RGB" and isinstance(clear, tuple) and depth == 16:
        picture.info["transparency"] = tuple(part >> 8 for part in clear)


def pixels(image: "Image", size: tuple[int, ...], colour: Colour, fit: Fit = "stretch") -> Array:
    """The image upright and brought to ``size`` (h, w): (h, w) uint8 in grey, (3, h, w) in colour."""
    from PIL import ImageOps

    mode = "L" if colour == "grey" else "RGB"
    found = np.asarray(fitted(plain(ImageOps.exif_transpose(image)).convert(mode), size[-2:], fit))
    return found if colour == "grey" else np.ascontiguousarray(found.transpose(2, 0, 1))


def read_picture(image: "Image", shape: tuple[int, ...]) -> Array:
    """A picture as (features,) float32 in [0, 1], brought to the ``shape`` of an input: (h, w) or (3, h, w)."""
    found = pixels(image, shape, "rgb" if len(shape) == 3 else "grey")
    return Transform(scale=255).apply(found[None]).ravel()


def fitted(image: "Image", size: tuple[int, ...], fit: Fit) -> "Image":
    """The image in ``size`` (h, w): stretched to it, whole on a black ground, or cropped to its middle."""
    from PIL import Image

    height, width = size
    bilinear = Image.Resampling.BILINEAR
    across, down = width / image.width, height / image.height
    if fit == "stretch" or across == down:
        return image.resize((width, height), bilinear)
    if fit == "crop":
        part = (width / max(across, down), height / max(across, down))
        left, top = (image.width - part[0]) / 2, (image.height - part[1]) / 2
        right, bottom = min(left + part[0], image.width), min(top + part[1], image.height)
        return image.resize((width, height), bilinear, (max(left, 0), max(top, 0), right, bottom))
    inner = [max(1, round(side * min(across, down))) for side in image.size]
    ground = Image.new(image.mode, (width, height))
    ground.paste(image.resize((inner[0], inner[1]), bilinear), ((width - inner[0]) // 2, (height - inner[1]) // 2))
    return ground


def has_colour(image: "Image") -> bool:
    """Whether red, green and blue differ anywhere, in a small copy."""
    if image.mode in ("1", "L", "LA", "La", "F") or image.mode.startswith("I"):
        return False
    from PIL import Image

    small = np.asarray(plain(image).convert("RGB").resize((32, 32), Image.Resampling.BOX)).astype(np.int16)
    return bool((small.max(axis=2) - small.min(axis=2) > 8).any())


def plain(image: "Image") -> "Image":
    """The image with 8 bits a pixel and channel and nothing transparent: what shows through is white, like paper."""
    from PIL import Image

    if image.mode.startswith("I"):  # 16 bits; Pillow's own conversion would cut off all but the darkest 256 shades
        deep = np.asarray(image)
        shades = np.round(np.clip(deep.astype(np.float32) / 257, 0, 255)).astype(np.uint8)
        if isinstance(clear := image.info.get("transparency"), int):
            shades[deep == clear] = 255
        return Image.fromarray(shades)
    if image.has_transparency_data:
        clear = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", clear.size, "white"), clear).convert("RGB")
    return image
