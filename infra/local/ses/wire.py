"""Reading a JSON request with its types checked.

AWS refuses a value of the wrong JSON type with ``SerializationException`` before it looks at
anything else, and treats ``null`` as absent.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TypeAlias

from infra.local.ses.errors import SesError, bad_request

Json: TypeAlias = Mapping[str, object]


def _wrong(name: str, wanted: str) -> SesError:
    return SesError("SerializationException", 400, f"{name} must be {wanted}.")


def parse(body: bytes) -> Json:
    """The request's JSON object; an empty body is an empty object."""
    if not body:
        return {}
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise SesError("SerializationException", 400, f"The body is not JSON: {error}.") from None
    if not isinstance(value, dict):
        raise _wrong("The body", "a JSON object")
    if half_pair(body, value):
        raise SesError("SerializationException", 400, "The body contains half of a surrogate pair.")
    return value


def half_pair(source: bytes | str, value: object) -> bool:
    """Whether parsed JSON holds half of a surrogate pair, which has no UTF-8 form."""
    if isinstance(source, bytes):
        suspicious = b"\\ud" in source or b"\\uD" in source
    else:
        suspicious = "\\ud" in source or "\\uD" in source
    try:
        return suspicious and not json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return True


def text(source: Json, name: str, default: str = "") -> str:
    """A string member, or ``default`` where it is absent."""
    value = source.get(name)
    if value is None:
        return default
    if not isinstance(value, str):
        raise _wrong(name, "a string")
    return value


def required(source: Json, name: str) -> str:
    """A string member that must be there and not empty."""
    value = text(source, name)
    if not value:
        raise bad_request(f"{name} is required.")
    return value


def flag(source: Json, name: str, default: bool) -> bool:
    """A boolean member."""
    value = source.get(name)
    if value is None:
        return default
    if not isinstance(value, bool):
        raise _wrong(name, "true or false")
    return value


def number(source: Json, name: str, default: float) -> float:
    """A number member."""
    value = source.get(name)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _wrong(name, "a number")
    return float(value)


def member(source: Json, name: str) -> Json | None:
    """An object member, None where it is absent."""
    value = source.get(name)
    if value is None:
        return None
    if not isinstance(value, dict):
        raise _wrong(name, "an object")
    return value


def objects(source: Json, name: str) -> list[Json]:
    """A member that is a list of objects; empty where it is absent."""
    value = source.get(name)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise _wrong(name, "a list of objects")
    return value


def texts(source: Json, name: str) -> list[str]:
    """A member that is a list of strings; empty where it is absent."""
    value = source.get(name)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise _wrong(name, "a list of strings")
    return value


def unsupported(source: Json, *names: str) -> None:
    """Refuse what this endpoint does not imitate, instead of dropping it in silence."""
    for name in names:
        if source.get(name):
            raise bad_request(f"{name} is not supported by this local SES endpoint.")
