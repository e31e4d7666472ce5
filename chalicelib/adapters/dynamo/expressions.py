"""Conditions and update actions, over pynamodb's expressions, with values encoded as we store them.

Everything a caller gives is a value, never a piece of an expression: names and values both go to
DynamoDB as placeholders. (pynamodb on its own would take ``{"S": "x"}`` for an encoded value and a
name with a dot for a path.)
"""

from __future__ import annotations

from typing import Any

from pynamodb.expressions.condition import And, Condition, Or
from pynamodb.expressions.operand import Path, Value
from pynamodb.expressions.update import Action, AddAction, RemoveAction, SetAction

from chalicelib.adapters.dynamo.values import encode

__all__ = [
    "Action", "Condition", "above", "absent", "add", "all_of", "any_of", "at_least", "at_most", "begins_with",
    "below", "between", "equals", "one_of", "path", "present", "put", "put_if_absent", "remove", "value",
]


def path(*names: str) -> Path:
    """An attribute, or a member of a map within one, by exact names."""
    return Path(list(names))


def value(native: Any) -> Value:
    """A native value as an operand."""
    return Value(encode(native))


def equals(name: str, native: Any) -> Condition:
    """The attribute is there and has this value."""
    return path(name) == value(native)


def below(name: str, native: Any) -> Condition:
    """The attribute is there and less."""
    return path(name) < value(native)


def above(name: str, native: Any) -> Condition:
    """The attribute is there and greater."""
    return path(name) > value(native)


def at_most(name: str, native: Any) -> Condition:
    """The attribute is there and less or equal."""
    return path(name) <= value(native)


def at_least(name: str, native: Any) -> Condition:
    """The attribute is there and greater or equal."""
    return path(name) >= value(native)


def between(name: str, low: Any, high: Any) -> Condition:
    """The attribute lies between the two, both included."""
    return path(name).between(value(low), value(high))


def begins_with(name: str, prefix: str) -> Condition:
    """The attribute is a string that begins so."""
    return path(name).startswith(prefix)


def one_of(name: str, *natives: Any) -> Condition:
    """The attribute has one of these values."""
    return path(name).is_in(*(value(native) for native in natives))


def present(name: str) -> Condition:
    """The attribute is there; with a key's name: the item is there."""
    return path(name).exists()


def absent(name: str) -> Condition:
    """The attribute is not there; with a key's name: the item is not there."""
    return path(name).does_not_exist()


def all_of(first: Condition, *more: Condition) -> Condition:
    """Every one holds."""
    for condition in more:
        first = And(first, condition)
    return first


def any_of(first: Condition, *more: Condition) -> Condition:
    """At least one holds."""
    for condition in more:
        first = Or(first, condition)
    return first


def put(name: str, native: Any) -> Action:
    """Set an attribute; None removes it."""
    return remove(name) if native is None else SetAction(path(name), value(native))


def put_if_absent(name: str, native: Any) -> Action:
    """Set an attribute unless it has a value already."""
    return SetAction(path(name), path(name) | value(native))


def remove(name: str) -> Action:
    """Remove an attribute."""
    return RemoveAction(path(name))


def add(name: str, native: Any) -> Action:
    """Add a number (from 0 if absent), or the members of a set to a set."""
    return AddAction(path(name), value(native))
