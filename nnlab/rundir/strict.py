"""Strict: plain data out of a file becomes the dataclass whose annotations say what each of its keys may hold."""

import sys
from collections.abc import Callable
from dataclasses import MISSING, fields, is_dataclass
from functools import cache, reduce
from types import UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

Kind = TypeVar("Kind")
Rule = Callable[[Any], Any]
"""Gives what a piece of plain data stands for. Raises ShapeError."""
BESIDE = ("more", "keys")
"""Fields of a dataclass that takes keys it does not know: a mapping of these, and all keys as the file had them."""


class ShapeError(ValueError):
    """A key that is missing, or holds what it cannot have been written with."""

    def __init__(self, *path: str) -> None:
        self.path = path

    def __str__(self) -> str:
        return f"{'.'.join(self.path)} is missing or not what it should be"


def read(kind: Callable[..., Kind], content: Any) -> Kind:
    """The dataclass that this plain data stands for. Raises ShapeError."""
    found: Kind = _rule(kind)(content)
    return found


def fits(kind: Any, content: Any) -> bool:
    """Whether plain data is what an annotation says."""
    try:
        _rule(kind)(content)
    except ShapeError:
        return False
    return True


def plain(value: Any) -> Any:
    """What ``read`` makes this of, in the file's order of keys where it comes out of one, and in that of the fields."""
    if not is_dataclass(value):
        return value
    found = {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    more, keys = (found.pop(name, ()) for name in BESIDE)
    found |= more
    # Keys that the file did not have are left out, but for those that have been given something since.
    return {key: found[key] for key in dict.fromkeys([*keys, *found]) if not keys or key in keys or found[key]}


@cache
def _rule(kind: Any) -> Rule:
    """What an annotation says: a type of JSON, one in another, a dataclass, Literal, and Annotated with checks."""
    origin, inside = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return reduce(_checked, inside[1:], _rule(inside[0]))
    if origin in (Union, UnionType):
        return _nullable(_rule(next(each for each in inside if each is not type(None))))
    if origin is Literal:
        return _one_of(inside)
    if origin is list:
        return _list_of(_rule(inside[0]))
    if origin is dict:
        return _mapping_of(_rule(inside[0]), _rule(inside[1]))
    if is_dataclass(kind):
        return _keys_of(kind)
    return _number if kind is float else _same if kind is Any else _plain_type(kind)


def _same(value: Any) -> Any:
    return value


def _number(value: Any) -> Any:
    """One that a float can hold; JSON's may have any number of digits."""
    if type(value) in (int, float) and abs(value) <= sys.float_info.max:
        return value
    raise ShapeError


def _plain_type(kind: type) -> Rule:
    def rule(value: Any) -> Any:
        if type(value) is kind:  # True is no number
            return value
        raise ShapeError

    return rule


def _one_of(values: tuple[str, ...]) -> Rule:
    def rule(value: Any) -> Any:
        if type(value) is str and value in values:
            return value
        raise ShapeError

    return rule


def _checked(inner: Rule, check: Callable[[Any], bool]) -> Rule:
    def rule(value: Any) -> Any:
        found = inner(value)
        if check(found):
            return found
        raise ShapeError

    return rule


def _nullable(inner: Rule) -> Rule:
    return lambda value: None if value is None else inner(value)


def _list_of(inner: Rule) -> Rule:
    def rule(value: Any) -> Any:
        if type(value) is list:
            return list(map(inner, value))
        raise ShapeError

    return rule


def _mapping_of(named: Rule, inner: Rule) -> Rule:
    def rule(value: Any) -> Any:
        if type(value) is not dict:
            raise ShapeError
        found, key = {}, ""
        for key in value:
            named(key)
        try:
            for key, each in value.items():
                found[key] = inner(each)
        except ShapeError as error:
            raise ShapeError(key, *error.path) from None
        return found

    return rule


def _keys_of(kind: Any) -> Rule:
    declared = [field for field in fields(kind) if field.name not in BESIDE]
    annotations: dict[str, Any] = {field.name: field.type for field in declared}
    rules = {name: _rule(annotation) for name, annotation in annotations.items()}
    needed = [each.name for each in declared if each.default is MISSING and each.default_factory is MISSING]
    open_ended = len(declared) < len(fields(kind))

    def rule(value: Any) -> Any:
        if type(value) is not dict:
            raise ShapeError
        for name in needed:
            if name not in value:
                raise ShapeError(name)
        known, more, key = {}, {}, ""
        try:
            for key, each in value.items():
                if key in rules:
                    known[key] = rules[key](each)
                else:
                    more[key] = each
        except ShapeError as error:
            raise ShapeError(key, *error.path) from None
        if open_ended:
            return kind(**known, more=more, keys=tuple(value))
        if more:
            raise ShapeError(next(iter(more)))
        return kind(**known)

    return rule
