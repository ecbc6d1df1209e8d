"""Tensors: arrays in safetensors files, whose header is read and judged before anything is allocated for them."""

import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nnlab.dataset import Array
from nnlab.errors import RunError
from nnlab.rundir import sealed, storage

MAX_HEADER_BYTES = 4 * 2**20
# https://huggingface.co/docs/safetensors/index#format: what NumPy has of its types.
_DTYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "i1", "U8": "u1"}


@dataclass(frozen=True)
class Header:
    """What a file says of one of its arrays."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]


Check = Callable[[Mapping[str, Header]], None]
"""Raises RunError where these arrays are not what belongs in the file."""


def dump(arrays: Mapping[str, Array]) -> bytes:
    """The arrays as a safetensors file."""
    from safetensors.numpy import save

    return save({key: np.asarray(array, order="C") for key, array in arrays.items()})


def count(path: Path) -> int:
    """How many numbers a safetensors file says it has. Raises RunError as ``load`` does."""
    return sum(math.prod(header.shape) for header in _read_headers(path).values())


def load(path: Path, limit: int, check: Check | None = None) -> dict[str, Array]:
    """The arrays of a safetensors file of at most ``limit`` bytes.

    Raises RunError for anything else, and what ``check`` raises before any array is loaded.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load as parse

    headers = _read_headers(path)
    if check:
        try:
            check(headers)
        except RunError as error:
            error.message = f"{path}: {error.message}"
            raise
    try:
        return parse(storage.read(path, limit))
    except (SafetensorError, ValueError, KeyError) as error:
        raise _damaged(path, error) from None


def _read_headers(path: Path) -> dict[str, Header]:
    handle = storage.open_plain(path)
    try:
        return _headers(handle)
    except (ValueError, KeyError, TypeError, OverflowError) as error:
        raise _damaged(path, error) from None
    except OSError as error:
        raise RunError(f"{path}: cannot be read: {error.strerror}") from None
    finally:
        os.close(handle)


def _headers(handle: int) -> dict[str, Header]:
    """Each array's header. Raises ValueError and the like where they do not add up to the file."""
    size = os.fstat(handle).st_size
    length = int.from_bytes(os.read(handle, 8), "little")
    if length > min(MAX_HEADER_BYTES, size - 8):
        raise ValueError("its header is longer than it can be")
    found = sealed.load(os.read(handle, length))
    found.pop("__metadata__", None)
    headers = {name: Header(_shape(entry["shape"]), np.dtype(_DTYPES[entry["dtype"]])) for name, entry in found.items()}
    if sum(math.prod(header.shape) * header.dtype.itemsize for header in headers.values()) != size - 8 - length:
        raise ValueError("its arrays are not as long as its header says")
    return headers


def _shape(given: Any) -> tuple[int, ...]:
    if not isinstance(given, list) or len(given) > 32 or not all(type(n) is int and n >= 0 for n in given):
        raise ValueError("a shape in it is none")
    return tuple(given)


def _damaged(path: Path, error: Exception) -> RunError:
    return RunError(f"{path}: this is not a safetensors file: {error or type(error).__name__}", "the file is damaged")
