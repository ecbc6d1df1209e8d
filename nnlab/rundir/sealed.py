"""Sealed JSON: strict, and with the SHA-256 of all else it says as its last key, so that one changed byte shows."""

import hashlib
import json
import math
from collections.abc import Mapping
from typing import Any, NoReturn

SEAL = "seal"
_END = b"\n}\n"
MAX_KEYS = 10_000
MAX_NESTED = 250_000
"""Lists and objects; what is small as text may take a hundred times the memory as they do."""


def sha256(content: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def dump(content: Any) -> bytes:
    """JSON text in UTF-8; numbers that are not finite become null, because JSON has no word for them."""
    return (json.dumps(finite(content), indent=2, allow_nan=False, ensure_ascii=False) + "\n").encode()


def seal(content: Mapping[str, Any]) -> bytes:
    """The same with its seal."""
    return dump({**content, SEAL: sha256(dump(content))})


def load(text: bytes) -> dict[str, Any]:
    """A JSON object.

    Raises ValueError for anything else, a key given twice, NaN or infinity as a number, text that is no Unicode, and
    more inside than anything that is written here has.
    """
    if text.count(b"[") + text.count(b"{") > MAX_NESTED:
        raise ValueError("it holds too many lists and objects")
    try:
        content = json.loads(text.decode(), object_pairs_hook=_unique, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if not isinstance(content, dict):
        raise ValueError("it is not an object")
    if b"\\u" in text:  # half a surrogate pair can be written so, and could not be written again
        json.dumps(content, ensure_ascii=False).encode()
    return content


def unseal(text: bytes) -> dict[str, Any]:
    """The content of what ``seal`` wrote. Raises ValueError where a byte of it has changed."""
    content = load(text)
    content.pop(SEAL, None)
    if not _holds(text) and seal(content) != text:
        raise ValueError("it is not as it was written")
    return content


def _holds(text: bytes) -> bool:
    """Whether the last key is the hash of all before it, told from the text alone, which is ten times as fast."""
    start = text.rfind(f',\n  "{SEAL}": "'.encode())
    return start > 0 and text[start:] == f',\n  "{SEAL}": "{sha256(text[:start] + _END)}"'.encode() + _END


def finite(content: Any) -> Any:
    """The same plain data with null for numbers that are not finite."""
    if isinstance(content, Mapping):
        return {key: finite(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [finite(value) for value in content]
    if isinstance(content, float) and not math.isfinite(content):
        return None
    return content


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(pairs) > MAX_KEYS:
        raise ValueError(f"an object in it has more than {MAX_KEYS:,} keys")
    content = dict(pairs)
    if len(content) < len(pairs):
        raise ValueError("a key is given twice")
    return content


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number of JSON")
