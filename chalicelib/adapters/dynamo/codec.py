"""Dataclasses to items and back.

An item carries ``type`` (what it is) and ``v`` (the version of its shape). Times are written in
one fixed-width, sortable form; None is absent; floats are refused. An item of a newer version
than this program knows is refused, because guessing at it could lose what it says.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Generic, TypeVar

from chalicelib.adapters.dynamo.values import Item
from chalicelib.domain.errors import Permanent

T = TypeVar("T")
RESERVED = frozenset({"pk", "sk", "type", "v", "ttl"})
"""Attribute names that belong to the table."""


def stamp(moment: datetime) -> str:
    """A moment as it is stored: ``2026-11-22T03:37:50.123Z``; the order of texts is that of time."""
    if moment.tzinfo is None:
        raise ValueError("a stored time needs a time zone")
    moment = moment.astimezone(UTC)
    # Not strftime: it does not pad years below 1000, and costs four times as much.
    return (
        f"{moment.year:04}-{moment.month:02}-{moment.day:02}T{moment.hour:02}:{moment.minute:02}:"
        f"{moment.second:02}.{moment.microsecond // 1000:03}Z"
    )


@lru_cache(maxsize=4096)
def moment_of(text: str) -> datetime:
    """Read back what :func:`stamp` wrote; raises Permanent for anything else."""
    try:
        if len(text) != 24 or text[-1] != "Z":
            raise ValueError
        return datetime.fromisoformat(text[:-1]).replace(tzinfo=UTC)
    except ValueError:
        raise Permanent("a stored time is damaged") from None


def epoch(moment: datetime) -> int:
    """A moment in whole seconds, rounded up, as DynamoDB's time to live wants it."""
    return -int(-moment.timestamp() // 1)


def plain(value: object) -> Any:
    """Any value that is stored as native values: dataclasses, enums, times, tuples and sets resolved."""
    import msgspec

    return _settle(msgspec.to_builtins(value, builtin_types=(bytes, datetime), enc_hook=_unusual))


def _unusual(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"a {type(value).__name__} is not stored")


def _settle(value: Any) -> Any:
    if isinstance(value, str | bool | int | bytes) or value is None:
        return value
    if isinstance(value, datetime):
        return stamp(value)
    if isinstance(value, dict):
        return {str(key): _settle(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, set | frozenset):
        return sorted(_settle(inner) for inner in value)
    if isinstance(value, list | tuple):
        return [_settle(inner) for inner in value]
    raise TypeError(f"a {type(value).__name__} is not stored")


class Kind(Generic[T]):
    """One kind of item: a dataclass, the name in ``type`` and the version of its shape.

    ``implied`` are fields that the item's keys already say; they are not stored a second time and
    are given to :meth:`read`.
    """

    def __init__(self, cls: type[T], name: str, *, version: int = 1, implied: frozenset[str] = frozenset()) -> None:
        fields = {field.name for field in dataclasses.fields(cls)}  # type: ignore[arg-type]
        if clash := fields & RESERVED:
            raise ValueError(f"{cls.__name__} has fields that belong to the table: {sorted(clash)}")
        if unknown := implied - fields:
            raise ValueError(f"{cls.__name__} has no fields {sorted(unknown)}")
        self.cls = cls
        self.name = name
        self.version = version
        self.implied = implied

    def item(self, value: T, pk: str, sk: str, **more: Any) -> Item:
        """The item of a value; ``more`` are attributes beside the fields (index keys, ``ttl``)."""
        if type(value) is not self.cls:
            raise TypeError(f"{self.name} takes a {self.cls.__name__}, not a {type(value).__name__}")
        fields = plain(value)
        for name in self.implied:
            fields.pop(name, None)
        return {"pk": pk, "sk": sk, "type": self.name, "v": self.version, **fields, **more}

    def read(self, item: Item, **implied: Any) -> T:
        """The value of an item; raises Permanent for another type, a newer version or damage."""
        import msgspec

        check(item, self.name, self.version)
        try:
            return msgspec.convert({**item, **implied}, self.cls, builtin_types=(bytes,))
        except msgspec.ValidationError as error:
            raise Permanent(f"a stored {self.name} is damaged: {error}") from None


def check(item: Item, name: str, version: int) -> None:
    """Refuse an item of another type or of a version that this program does not know."""
    found, stored = item.get("type"), item.get("v")
    if found != name:
        raise Permanent(f"expected a stored {name}, found {found or 'an item without a type'}")
    if not isinstance(stored, int) or stored < 1:
        raise Permanent(f"a stored {name} has no version")
    if stored > version:
        raise Permanent(
            f"a stored {name} has version {stored}; this program knows versions up to {version}. "
            "A newer program wrote it: update this one."
        )
