"""Two ways of writing a file that hold when the process dies in between or another one writes."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

_numbers = itertools.count()


def replace_file(path: Path, data: bytes) -> None:
    """Write beside the file and rename: a reader sees the old or the new one, never half of it."""
    fresh = path.parent / f".{os.getpid()}-{next(_numbers)}.tmp"
    try:
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        _write(handle, data)
    finally:
        os.close(handle)
    fresh.replace(path)


def append_file(path: Path, data: bytes) -> None:
    """Append in one write, between which no other writer's bytes can come."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        _write(handle, data)
    finally:
        os.close(handle)


def _write(handle: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(handle, view) :]
