"""Images: weights and examples as small PNG pictures inside the page."""

import base64
import io
import math
from typing import TYPE_CHECKING

import numpy as np

from nnlab.dataset import Array

if TYPE_CHECKING:
    from PIL.Image import Image

STEPS = 7
"""Colours on either side of zero: with zero and the gaps 16 in all, four bits a pixel."""
_ANCHORS = np.array([[8, 48, 107], [66, 146, 198], [247, 247, 247], [230, 120, 60], [127, 39, 4]], dtype=np.float64)
"""Blue below zero, orange above: told apart by the colour-blind too."""
_GAP = 2 * STEPS + 1
MOST_PIXELS = 32
"""A side of a unit's picture, at most."""
COLOURS = 64
"""Of a picture with red, green and blue."""


def of_weights(units: Array, scale: float) -> str:
    """Units (n, h, w) or (n, 3, h, w) as one picture, a cell each, as a data URI.

    One channel is blue below zero and orange above, ``scale`` the darkest; of three, grey is zero.
    """
    values = np.clip(np.nan_to_num(units.astype(np.float64)) / (scale or 1.0), -1, 1)
    if values.ndim == 4:
        return _uri(_quantised(_sheet(np.moveaxis(127.5 + 127.5 * values, 1, -1), 255.0).astype(np.uint8)))
    return _uri(_paletted(_sheet(np.round(values * STEPS) + STEPS, _GAP).astype(np.uint8)))


def of_example(values: Array) -> str:
    """An input (h, w) or (channels, h, w) from its lowest value to its highest or from 0 to 1, as a data URI.

    Of four channels the last, which says how clear a pixel is, is not shown.
    """
    from PIL import Image

    pixels = np.nan_to_num(shrunk(values[None], 2 * MOST_PIXELS)[0].astype(np.float64))
    low, high = min(0.0, float(pixels.min())), max(1.0, float(pixels.max()))
    bytes_ = np.round(255 * (pixels - low) / (high - low)).astype(np.uint8)
    if bytes_.ndim == 3 and len(bytes_) >= 3:
        return _uri(_quantised(np.moveaxis(bytes_[:3], 0, -1)))
    grey = Image.fromarray(bytes_.reshape(bytes_.shape[-2:]) >> 4 << 4)
    return _uri(grey.quantize(16, dither=Image.Dither.NONE))


def shrunk(values: Array, most: int = MOST_PIXELS) -> Array:
    """(…, h, w) with no side longer than ``most``: means of square blocks."""
    block = math.ceil(max(values.shape[-2:]) / most)
    if block <= 1:
        return values
    height, width = (side // block or 1 for side in values.shape[-2:])
    cut = values[..., : height * block, : width * block]
    blocks = cut.reshape(*values.shape[:-2], height, min(block, cut.shape[-2]), width, min(block, cut.shape[-1]))
    mean: Array = blocks.astype(np.float64).mean(axis=(-3, -1))
    return mean


def _sheet(units: Array, gap: float) -> Array:
    """Units (n, h, w, …) in rows and columns, a line of ``gap`` between them."""
    n, height, width = units.shape[:3]
    columns = math.ceil(math.sqrt(n))
    rows = math.ceil(n / columns)
    sheet = np.full((rows * (height + 1) - 1, columns * (width + 1) - 1, *units.shape[3:]), gap)
    for number, unit in enumerate(units):
        y, x = (place * (side + 1) for place, side in zip(divmod(number, columns), (height, width), strict=True))
        sheet[y : y + height, x : x + width] = unit
    return sheet


def _paletted(indices: Array) -> "Image":
    from PIL import Image

    places = np.linspace(0, 1, _GAP)
    channels = [np.interp(places, np.linspace(0, 1, len(_ANCHORS)), _ANCHORS[:, channel]) for channel in range(3)]
    image = Image.fromarray(indices)
    image.putpalette([*np.stack(channels, axis=1).round().astype(int).reshape(-1).tolist(), 255, 255, 255])
    image.info["transparency"] = _GAP
    return image


def _quantised(pixels: Array) -> "Image":
    from PIL import Image

    return Image.fromarray(pixels).quantize(COLOURS, dither=Image.Dither.NONE)


def _uri(image: "Image") -> str:
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"
