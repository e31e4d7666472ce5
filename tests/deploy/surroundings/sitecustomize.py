"""What surrounds the deployed functions in the emulator's processes: a clock that can be moved, an ear for calls.

Python loads a module of this name at each start, wherever ``PYTHONPATH`` names its folder; the emulator hands
the variable on to the functions. Nothing of the artefact is changed: its container is given a clock as
``wiring.install`` is there for, and botocore tells of its calls through its own events. Standard library
only, since it is loaded before the function's own packages are in reach.

``SURROUNDINGS_CLOCK`` names the file of an offset in seconds (``infra.local.clock`` writes it),
``SURROUNDINGS_CALLS`` the file that gets a JSON line for each call. ``SURROUNDINGS_PROGRAM`` says that a
process which is no function is to be surrounded as well.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import json
import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

# It stands in the place of settings.py, before any of the program is loaded.
_environ = os.environ  # noqa: TID251
FUNCTION = _environ.get("AWS_LAMBDA_FUNCTION_NAME", "")
CLOCK, CALLS = _environ.get("SURROUNDINGS_CLOCK", ""), _environ.get("SURROUNDINGS_CALLS", "")
_KEY = re.compile(r"Credential=([^/]+)/")


class _Afterwards(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Calls ``then[name]`` with each of these modules as soon as it is loaded."""

    def __init__(self, then: Mapping[str, Callable[[Any], None]]) -> None:
        self._then = then
        self._loaders: dict[str, Any] = {}

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None,
    ) -> importlib.machinery.ModuleSpec | None:
        """The module's own spec, loaded by this object."""
        spec = importlib.machinery.PathFinder.find_spec(fullname, path) if fullname in self._then else None
        if spec is not None:
            self._loaders[fullname] = spec.loader
            spec.loader = self
        return spec

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        """As its own loader makes it."""
        made: ModuleType | None = self._loaders[spec.name].create_module(spec)
        return made

    def exec_module(self, module: ModuleType) -> None:
        """Load it, then do what is to be done afterwards."""
        self._loaders[module.__name__].exec_module(module)
        self._then[module.__name__](module)


class MovedClock:
    """The machine's time and what the file adds to it at this moment."""

    def __init__(self, machine: Any, file: Path) -> None:
        self._machine, self._file = machine, file

    def now(self) -> datetime:
        """The present, in UTC and milliseconds."""
        offset = json.loads(self._file.read_text("utf-8"))["offset_seconds"] if self._file.exists() else 0.0
        moment: datetime = self._machine.now() + timedelta(seconds=offset)
        return moment


def give_clock(wiring: Any) -> None:
    """Install the function's container with a clock that can be moved."""
    settings, observe = wiring.settings_module, wiring.observe
    try:
        loaded = settings.load()
    except settings.SettingsError:
        return  # Not sealed yet: the function will say so itself.
    observe.install(loaded.prefix)
    clock, _ = wiring.machine()
    wiring.install(wiring.Container(loaded, clock=MovedClock(clock, Path(CLOCK))))


def listen(handlers: Any) -> None:
    """Have every session of this process tell of its calls."""
    heard: list[tuple[str, Callable[..., None]]] = [
        ("before-send", sent), ("before-parameter-build.sts.AssumeRole", asked),
        ("after-call.sts.AssumeRole", answered),
    ]
    handlers.BUILTIN_HANDLERS[:0] = heard


def sent(request: Any, event_name: str, **_: Any) -> None:
    """``before-send``: the signed request. What is written to S3 is not kept, it may be large."""
    authorization = request.headers.get("Authorization", b"")
    found = _KEY.search(authorization.decode() if isinstance(authorization, bytes) else str(authorization))
    body = b"" if event_name.startswith("before-send.s3.") else request.body or b""
    note(call=event_name, url=request.url, key=found[1] if found else "",
         body=body.decode() if isinstance(body, bytes) else str(body), tagged="x-amz-tagging" in request.headers)


def asked(params: Any, context: Any, **_: Any) -> None:
    """Whom the keys will be for."""
    context["surroundings_asked"] = {
        "role": params["RoleArn"], "tags": {tag["Key"]: tag["Value"] for tag in params.get("Tags", ())}}


def answered(parsed: Any, context: Any, **_: Any) -> None:
    """The keys themselves: which they are, not what they open."""
    given = parsed.get("Credentials")
    if given is not None:
        note(keys=given["AccessKeyId"], **context["surroundings_asked"])


def note(**line: Any) -> None:
    """Write a line, in one piece: several processes write to one file."""
    observe = sys.modules.get("chalicelib.observe")
    function = FUNCTION or (observe.current().function if observe else "")
    text = json.dumps({"function": function, **line}) + "\n"
    file = os.open(CALLS, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(file, text.encode())
    finally:
        os.close(file)


def install() -> None:
    """Surround this process: what is to be done waits until the program loads the module that it is about."""
    then: dict[str, Callable[[Any], None]] = {}
    if CLOCK:
        then["chalicelib.wiring"] = give_clock
    if CALLS:
        then["botocore.handlers"] = listen
    if then:
        sys.meta_path.insert(0, _Afterwards(then))


if FUNCTION or "SURROUNDINGS_PROGRAM" in _environ:  # The emulator's own process has the others, and is neither.
    install()
