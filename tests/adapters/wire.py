"""Stands where the network is: keeps each signed request and answers it with what a test says."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from typing import Any

from botocore.awsrequest import AWSResponse

from chalicelib.adapters.aws import Clients
from chalicelib.adapters.credentials import Keys, ScopedSession
from chalicelib.adapters.dynamo.connection import ScopedConnection
from chalicelib.adapters.dynamo.table import Table
from chalicelib.domain.ids import PartnerId
from chalicelib.domain.scope import Zone


class _Raw:
    def __init__(self, data: bytes) -> None:
        self._data = data

    def stream(self) -> Iterator[bytes]:
        yield self._data


class Wire:
    """Answers with ``answers`` in turn (status and body), the last one for ever.

    An exception among them is raised, as a broken connection would be. ``together`` makes calls
    wait for each other, so that two are being signed at once.
    """

    def __init__(
        self, *answers: tuple[int, bytes] | Exception, together: threading.Barrier | None = None,
    ) -> None:
        self.sent: list[tuple[str, str, bytes]] = []
        self.answers = list(answers or [(200, b"{}")])
        self._together = together

    def __call__(self, **event: Any) -> AWSResponse:
        """Answer a request (botocore's ``before-send``)."""
        request = event["request"]
        if self._together is not None:
            self._together.wait(5)
        found = re.search(r"Credential=([^/]+)/", _text(request.headers["Authorization"]))
        assert found
        token = _text(request.headers.get("X-Amz-Security-Token", ""))
        self.sent.append((found.group(1), token, _text(request.body or "").encode()))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return AWSResponse(request.url, answer[0], {}, _Raw(answer[1]))  # type: ignore[arg-type]


def clients_on(wire: Wire, *, attempts: int = 1) -> Clients:
    """Clients whose requests go to the wire."""
    clients = Clients("eu-central-1", own=lambda: Keys("AKIAOWN", "own-secret", None, None), attempts=attempts)
    # The stubs know handlers that answer nothing; what before-send answers is taken for the network's answer.
    clients.session.register("before-send", wire)  # type: ignore[arg-type]
    return clients


def scoped(partner: PartnerId) -> ScopedSession:
    """A session with an access key that names its partner."""
    return ScopedSession(partner, Zone.PARTNER, lambda: Keys(f"ASIA{partner}", "s", f"token-{partner}", None))


def table_on(wire: Wire, *, attempts: int = 1) -> Table:
    """A table whose requests go to the wire, and which waits for nothing itself."""
    return Table(ScopedConnection(clients_on(wire, attempts=attempts)), "t", sleep=lambda _: None)


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
