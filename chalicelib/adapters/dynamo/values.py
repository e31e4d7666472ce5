"""Native Python values to DynamoDB's attribute values and back.

str, int, bool, bytes, list, dict, None and sets of one of str, int or bytes. Floats are refused:
they do not come back as they were written, and nothing here is measured in them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Item = dict[str, Any]
"""An item as native values; an attribute that is None is absent."""

Wire = dict[str, Any]
"""An attribute value as DynamoDB writes it: ``{"S": "text"}``."""


def encode(value: object) -> Wire:
    """One native value in DynamoDB's form; raises TypeError for a type that is not stored."""
    if isinstance(value, str):
        return {"S": str(value)}
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, int):
        return {"N": str(value)}
    if isinstance(value, bytes):
        return {"B": value}
    if value is None:
        return {"NULL": True}
    if isinstance(value, Mapping):
        return {"M": {str(key): encode(inner) for key, inner in value.items()}}
    if isinstance(value, list | tuple):
        return {"L": [encode(inner) for inner in value]}
    if isinstance(value, set | frozenset):
        return _encode_set(value)
    raise TypeError(f"a {type(value).__name__} is not stored; use str, int, bool, bytes, list, dict or a set")


def _encode_set(values: set[Any] | frozenset[Any]) -> Wire:
    kinds = {type(value) for value in values}
    if len(kinds) != 1:
        raise TypeError("a stored set has at least one member, and all of one type")
    kind = kinds.pop()
    if kind is int:
        return {"NS": [str(value) for value in sorted(values)]}
    if kind is bytes:
        return {"BS": sorted(values)}
    if issubclass(kind, str):
        return {"SS": sorted(str(value) for value in values)}
    raise TypeError(f"a set of {kind.__name__} is not stored")


def decode(wire: Wire) -> Any:
    """The native value of one attribute value; raises TypeError for a number that is not whole."""
    (kind, value), = wire.items()
    if kind in ("S", "BOOL"):
        return value
    if kind == "N":
        return _whole(value)
    if kind == "B":
        return bytes(value)
    if kind == "M":
        return {key: decode(inner) for key, inner in value.items()}
    if kind == "L":
        return [decode(inner) for inner in value]
    if kind == "NULL":
        return None
    if kind == "SS":
        return frozenset(value)
    if kind == "NS":
        return frozenset(_whole(number) for number in value)
    if kind == "BS":
        return frozenset(bytes(member) for member in value)
    raise TypeError(f"unknown attribute type {kind}")


def _whole(number: str) -> int:
    try:
        return int(number)
    except ValueError:
        raise TypeError("a stored number is not whole") from None


def encode_item(item: Mapping[str, Any]) -> dict[str, Wire]:
    """An item in DynamoDB's form, without the attributes that are None."""
    return {name: encode(value) for name, value in item.items() if value is not None}


def decode_item(wire: Mapping[str, Wire]) -> Item:
    """An item as native values."""
    # Texts are most of what is stored, and a call for each would be most of the work.
    return {name: value["S"] if "S" in value else decode(value) for name, value in wire.items()}


def size_of(item: Mapping[str, Any]) -> int:
    """The item's size in bytes as DynamoDB counts it: names and values.

    Source: DynamoDB Developer Guide, "DynamoDB item sizes and formats".
    """
    return sum(len(name.encode()) + _size(value) for name, value in item.items() if value is not None)


def _size(value: object) -> int:
    if isinstance(value, str):
        return len(value.encode())
    if isinstance(value, bool) or value is None:
        return 1
    if isinstance(value, int):
        digits = len(str(abs(value)).rstrip("0")) or 1
        return (digits + 1) // 2 + 1 + (value < 0)
    if isinstance(value, bytes):
        return len(value)
    if isinstance(value, Mapping):
        return 3 + sum(1 + len(str(key).encode()) + _size(inner) for key, inner in value.items())
    if isinstance(value, list | tuple):
        return 3 + sum(1 + _size(inner) for inner in value)
    if isinstance(value, set | frozenset):
        return sum(_size(inner) for inner in value)
    raise TypeError(f"a {type(value).__name__} is not stored")
