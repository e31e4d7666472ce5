"""Messages that outlive an update: each one that a release has ever sent is understood, any other is refused whole."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from chalicelib.domain.errors import Conflict, NotFound, Permanent
from chalicelib.events import imports, notices, plan, send, worker
from chalicelib.usecases.world import World
from tests.fakes.world import FakeWorld

SOURCES = Path(__file__).resolve().parents[2] / "chalicelib" / "usecases"
Handle = Callable[[Mapping[str, Any], World], None]
HANDLERS: Mapping[str, Handle] = {
    "plan": plan.handle, "imports": imports.handle, "notices": notices.handle,
    "send": lambda message, world: send.handle(message, world, datetime(2100, 1, 1, tzinfo=UTC)),
}
PARTNER, PERSON = "prt_" + "0" * 26, "prs_" + "0" * 26
CAMPAIGN, PROGRAMME, IMPORT = "cmp_" + "0" * 26, "prg_" + "0" * 26, "imp_" + "0" * 26
_OF = {"partner": PARTNER, "campaign": CAMPAIGN}
SENT: Mapping[str, tuple[Mapping[str, object], ...]] = {
    "plan": (
        {"v": 1, "kind": "plan", **_OF}, {"v": 1, "kind": "plan", **_OF, "epoch": 1},
    ),
    "send": (
        {"v": 1, "kind": "send", **_OF, "mailing": 1, "variant": 1, "slice": 0, "epoch": 1},
        {"v": 1, "kind": "send", **_OF, "mailing": 1, "variant": 1, "slice": 0, "epoch": 1, "turn": 2, "hop": 3},
    ),
    "imports": (
        {"v": 1, "kind": "import", "partner": PARTNER, "import": IMPORT},
        {"v": 1, "kind": "import", "partner": PARTNER, "import": IMPORT, "hop": 2},
        {"v": 1, "kind": "recount", "partner": PARTNER},
        {"v": 1, "kind": "cut", "partner": PARTNER, "upload": "upl_" + "0" * 26},
    ),
    "notices": (
        {"v": 1, "kind": "outbox", **_OF},
        {"v": 1, "kind": "fresh_link", **_OF, "revision": 1, "stage": 1, "person": PERSON},
        {"v": 1, "kind": "sign_in", "person": PERSON}, {"v": 1, "kind": "sign_in", "person": PERSON, "language": "de"},
        {"v": 1, "kind": "invited", "person": PERSON, "partner": PARTNER},
        {"v": 1, "kind": "import_done", "partner": PARTNER, "import": IMPORT},
        {"v": 1, "kind": "programme_opened", "programme": PROGRAMME, "partner": PARTNER},
        {"v": 1, "kind": "release", "release": "rel_" + "0" * 26},
        {"v": 1, "kind": "release_partner", "release": "rel_" + "0" * 26, "partner": PARTNER},
        {"v": 1, "kind": "release_end", "release": "rel_" + "0" * 26},
    ),
}
"""Queue -> every shape of message that a release has sent. A line may be added; none is ever changed or removed."""
EVERY = [pytest.param(queue, message, id=f"{queue}-{message['kind']}-{place}")
         for queue, messages in SENT.items() for place, message in enumerate(messages)]


class Untouchable:
    """A world of which nothing may be asked: whoever refuses a message refuses it before anything else."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"a message that is not understood has asked for {name}")


class Asked:
    """A world that notes the ids with which its ports are asked."""

    def __init__(self, real: Any, asked: list[object]) -> None:
        self._real, self._asked = real, asked

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._real, name)
        return real if name in ("clock", "facts", "entropy") else Asked(real, self._asked)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self._asked += [arg for arg in (*args, *kwargs.values()) if isinstance(arg, str)]
        return self._real(*args, **kwargs)


@pytest.mark.parametrize(("queue", "message"), EVERY)
@pytest.mark.parametrize("version", [None, 0, 2, 99, "1"])
def test_another_version_is_refused_before_anything_is_done(
    queue: str, message: Mapping[str, object], version: object,
) -> None:
    """Older, newer or none: never half-done, always reported, and so in the end in the dead-letter queue."""
    nothing: Any = Untouchable()
    other = {**message, "v": version}
    with pytest.raises(Permanent, match="version"):
        HANDLERS[queue](other, nothing)
    event = {"Records": [{"messageId": "m", "body": json.dumps(other)}]}
    told = worker.each(queue, event, nothing, HANDLERS[queue], drop_missing=True)
    assert told == {"batchItemFailures": [{"itemIdentifier": "m"}]}


@pytest.mark.parametrize(("queue", "message"), EVERY)
def test_what_a_release_has_sent_is_understood(queue: str, message: Mapping[str, object]) -> None:
    """What waited in a queue during the update is drained: what it is about is looked for by the ids that it names."""
    asked: list[object] = []
    with suppress(NotFound, Conflict):  # understood; here there is nothing that it is about
        HANDLERS[queue](message, cast(World, Asked(FakeWorld(), asked)))
    named = {value for key, value in message.items() if key in ("partner", "campaign", "person", "import", "release")}
    assert named & set(asked), asked


def test_every_kind_of_message_is_listed() -> None:
    """A use case that queues a message of a new kind, or of a new version, adds a line here."""
    listed = {(message["v"], message["kind"]) for messages in SENT.values() for message in messages}
    assert listed == set(queued())


def queued() -> Iterator[tuple[int, str]]:
    """Version and kind of each message that the use cases write down."""
    for path in SOURCES.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Dict):
                given = {key.value: value.value for key, value in zip(node.keys, node.values, strict=True)
                         if isinstance(key, ast.Constant) and isinstance(value, ast.Constant)}
                if isinstance(given.get("v"), int) and "kind" in given:
                    yield int(str(given["v"])), str(given["kind"])
