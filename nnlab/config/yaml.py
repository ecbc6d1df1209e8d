"""Strict YAML: plain data with the types of YAML 1.2's core schema, and the place where each key and value stands."""

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import yaml

from nnlab.errors import ConfigError

Path = tuple[str | int, ...]
"""The keys and list positions that lead to a value: ("train", "lr")."""

# The parser in C is ten times as fast; both give the same events.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

MAX_CHARACTERS = 256 * 1024
MAX_DEPTH = 20
MAX_VALUES = 10_000
MAX_KEY = 100
MAX_PROBLEM = 200

# https://yaml.org/spec/1.2.2/#103-core-schema: unlike in YAML 1.1, 1e-3 is a number, `no` is text and 010 is ten.
_NULL = re.compile(r"~|null|Null|NULL|")
_BOOL = re.compile(r"true|True|TRUE|false|False|FALSE")
_INT = re.compile(r"[-+]?[0-9]{1,400}")
_OCTAL = re.compile(r"0o[0-7]{1,400}")
_HEX = re.compile(r"0x[0-9a-fA-F]{1,300}")  # as decimal digits they are no more than _INT takes
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")


@dataclass
class Document:
    """A YAML document: its data, and for each path where its key and its value stand ("file:line:column")."""

    source: str
    data: Any = None
    keys: dict[Path, str] = field(default_factory=dict)
    values: dict[Path, str] = field(default_factory=dict)


def read(text: str, source: str) -> Document:
    """Parse one document. ``source`` names it in messages.

    Raises ConfigError for anything but plain data: syntax errors, duplicate keys, tags, anchors, aliases, more than
    one document, and more nesting, values or characters than a config can need.
    """
    if len(text) > MAX_CHARACTERS:
        place = _place_at(source, text, MAX_CHARACTERS)
        raise ConfigError(f"{place}: {len(text):,} characters are too many for a config", f"at most {MAX_CHARACTERS:,}")
    bad = yaml.reader.Reader.NON_PRINTABLE.search(text)
    if bad:
        message = f"{_place_at(source, text, bad.start())}: the character {bad.group()!r} is not allowed in YAML"
        raise ConfigError(message, "save the file as plain UTF-8 text")
    try:
        return _Builder(source).build(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        if mark is not None:
            _check_before(text[: mark.index], source)
        problem = str(error.problem or error.context)[:MAX_PROBLEM]  # a tag's handle may stand in it, however long
        raise ConfigError(f"{_place(source, mark)}: {problem}", "this is not valid YAML") from None


def _check_before(before: str, source: str) -> None:
    """Raise ConfigError where something is refused in the text before the place at which a parser gave up.

    Parsers read ahead, over a thousand brackets: some give up at so many before they have handed over the first.
    """
    with suppress(yaml.MarkedYAMLError):
        _Builder(source).build(before)


def scalar(text: str) -> Any:
    """The value of an unquoted scalar by YAML 1.2's core schema: None, bool, int, float or the text itself."""
    if _NULL.fullmatch(text):
        return None
    if _BOOL.fullmatch(text):
        return text.lower() == "true"
    if _INT.fullmatch(text):
        return int(text)
    if _OCTAL.fullmatch(text):
        return int(text[2:], 8)
    if _HEX.fullmatch(text):
        return int(text[2:], 16)
    if _FLOAT.fullmatch(text):
        return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
    return text


def dump(data: Any) -> str:
    """YAML text that ``read`` gives back as the same data, with each value of a mapping on one line."""
    width = 2**31 - 1
    return yaml.dump(
        data, Dumper=_CoreDumper, sort_keys=False, default_flow_style=False, allow_unicode=True, width=width
    )


def dump_line(data: Any) -> str:
    """The same without the line's end and the mark of the document's, as an override or a table has it."""
    return _dump_line(data) if isinstance(data, dict | list) else _scalar_line(repr(data), data)


def _dump_line(data: Any) -> str:
    return dump(data).removesuffix("\n").removesuffix("\n...")


@lru_cache(maxsize=4096)
def _scalar_line(_: str, value: Any) -> str:
    """A thousand runs have the same few values. They are told apart by their text: 1, 1.0 and true are equal."""
    return _dump_line(value)


def short(value: Any) -> str:
    """A value as a message can show it: as YAML has it, on one line and not too long."""
    text = {"None": "null", "True": "true", "False": "false"}.get(repr(value), repr(value))
    return text if len(text) <= 80 else f"{text[:60]}… ({len(text):,} characters)"


class _Builder:
    """Builds a Document from parser events, one at a time, so that too much of anything is refused before it costs."""

    def __init__(self, source: str) -> None:
        self.document = Document(source)
        self.count = 0

    def build(self, text: str) -> Document:
        events = iter(yaml.parse(text, Loader=_LOADER))
        documents = 0
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self._refuse(event, "a second document starts here", "a config is one document; remove the ---")
            elif isinstance(event, yaml.NodeEvent):
                self.document.data = self._value(event, events, ())
        return self.document

    def _value(self, event: Any, events: Iterator[Any], path: Path) -> Any:
        self._check(event, path)
        self.document.values[path] = _place(self.document.source, event.start_mark)
        if isinstance(event, yaml.ScalarEvent):
            return scalar(event.value) if event.implicit[0] else event.value
        if isinstance(event, yaml.SequenceStartEvent):
            return self._list(events, path)
        return self._mapping(events, path)

    def _list(self, events: Iterator[Any], path: Path) -> list[Any]:
        items: list[Any] = []
        while not isinstance(event := next(events), yaml.SequenceEndEvent):
            items.append(self._value(event, events, (*path, len(items))))
        return items

    def _mapping(self, events: Iterator[Any], path: Path) -> dict[str, Any]:
        mapping: dict[str, Any] = {}
        while not isinstance(event := next(events), yaml.MappingEndEvent):
            self._check(event, path)
            if not isinstance(event, yaml.ScalarEvent):
                self._refuse(event, "a key must be a plain word", "write key: value")
            key = event.value
            if len(key) > MAX_KEY:
                self._refuse(event, f"there is no such key: {short(key)}", f"keys have at most {MAX_KEY} characters")
            if key in mapping:
                first = self.document.keys[(*path, key)]
                self._refuse(event, f"the key {key!r} stands here a second time", f"it was given at {first}; keep one")
            self.document.keys[(*path, key)] = _place(self.document.source, event.start_mark)
            mapping[key] = self._value(next(events), events, (*path, key))
        return mapping

    def _check(self, event: Any, path: Path) -> None:
        self.count += 1
        if self.count > MAX_VALUES:
            self._refuse(event, "there are too many values here for a config", f"at most {MAX_VALUES:,}")
        if len(path) >= MAX_DEPTH:
            self._refuse(event, "the brackets or blocks are nested too deeply", f"at most {MAX_DEPTH} levels")
        if isinstance(event, yaml.AliasEvent):
            self._refuse(event, f"the alias *{str(event.anchor)[:MAX_KEY]} is not allowed", "write the value out")
        if event.anchor is not None:
            self._refuse(
                event,
                f"the anchor &{str(event.anchor)[:MAX_KEY]} is not allowed",
                "write the value out where it is used",
            )
        if event.tag is not None:
            self._refuse(event, f"the tag {short(event.tag)} is not allowed", "a config is plain data; remove the tag")

    def _refuse(self, event: Any, message: str, hint: str) -> None:
        raise ConfigError(f"{_place(self.document.source, event.start_mark)}: {message}", hint)


def _place_at(source: str, text: str, offset: int) -> str:
    line, column = text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)
    return f"{source}:{line}:{column}"


def _place(source: str, mark: Any) -> str:
    return f"{source}:{mark.line + 1}:{mark.column + 1}" if mark is not None else source


class _CoreDumper(yaml.SafeDumper):
    """Quotes text exactly where YAML 1.2's core schema, and so ``read``, would take it for something else."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 (PyYAML's own class attribute)

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def represent_sequence(self, tag: str, sequence: Any, flow_style: bool | None = None) -> yaml.SequenceNode:
        return super().represent_sequence(tag, sequence, flow_style=True)

    def represent_str(self, text: str) -> yaml.ScalarNode:
        # As escapes: line breaks of Unicode's own would be read as spaces, and a value stays on its line.
        style = '"' if any(char in text for char in "\n\r\x85\u2028\u2029") else None
        return self.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_CoreDumper.add_representer(str, _CoreDumper.represent_str)

for _tag, _pattern in (
    ("null", _NULL),
    ("bool", _BOOL),
    ("int", re.compile(f"{_INT.pattern}|{_OCTAL.pattern}|{_HEX.pattern}")),
    ("float", _FLOAT),
):
    _CoreDumper.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern.pattern})$"), None)
