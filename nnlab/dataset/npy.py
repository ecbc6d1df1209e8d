"""NumPy files: an array read without pickle, and never larger than its file."""

import math
import tokenize
import warnings
from typing import IO, Any

import numpy as np

from nnlab.dataset.split import Array


def read_npy(file: IO[bytes], limit: int) -> Array:
    """The array in a .npy file of at most ``limit`` bytes, more than which is never allocated, whatever it says.

    Raises ValueError for anything else, damaged ones and those that need pickle.
    """
    try:
        with warnings.catch_warnings(action="ignore"):  # of headers from Python 2, or damaged ones
            read_header = _NPY_HEADERS[np.lib.format.read_magic(file)]
            shape, fortran, dtype = read_header(file)
    except (EOFError, SyntaxError, TypeError, KeyError, RecursionError, tokenize.TokenError) as error:
        # What NumPy's reader of headers lets through.
        raise ValueError(f"its header is damaged ({type(error).__name__})") from error
    if dtype.hasobject:
        raise ValueError("it holds Python objects, which need pickle")
    size = math.prod(shape) * dtype.itemsize
    if not 0 <= size <= limit or not all(type(side) is int and side >= 0 for side in shape):
        raise ValueError("it is shorter than its header says")
    content = np.empty(size, np.uint8)
    if _fill(file, content.data) < size:
        raise ValueError("it is shorter than its header says")
    return content.view(dtype).reshape(shape, order="F" if fortran else "C")


_NPY_HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


def _fill(file: Any, room: memoryview) -> int:
    """Read until there is no more room, or no more to read; returns how many bytes came."""
    done = 0
    while done < len(room) and (count := file.readinto(room[done:])):
        done += count
    return done
