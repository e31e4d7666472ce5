"""The JSON interface for tests and for the runner: mails, events, faults, the clock.

``GET /_mails?to=&from=&subject=&tag=name=value&outcome=&q=&limit=&offset=&full=1``, ``DELETE /_mails``,
``GET /_mails/<id>``; ``POST /_events {"id": ..., "type": "Bounce"}``; ``GET, POST, DELETE /_faults``;
``POST /_flush``; ``POST /_identities {"name": ..., "status": "PENDING", "mail_from": "FAILED"}``;
``POST /_clock {"advance": seconds}`` or ``{"set": "2026-11-22T09:00:00Z"}``; ``POST /_tick``; ``GET /_health``.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from infra.local.ses import checks, faults, wire
from infra.local.ses.account import Account, Identity
from infra.local.ses.aftermath import Aftermath
from infra.local.ses.errors import SesError, bad_request, not_found
from infra.local.ses.faults import Faults
from infra.local.ses.http import Request, Response, answer
from infra.local.ses.model import Entry, stamp
from infra.local.ses.publisher import Publisher
from infra.local.ses.search import Query, find
from infra.local.ses.store import Store

STATES = ("SUCCESS", "PENDING", "FAILED", "TEMPORARY_FAILURE", "NOT_STARTED")
"""The verification states of an identity."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hooks:
    """What the runner lends: its clock, which a developer may advance, and a tick at once."""

    advance: Callable[[float], object] | None = None
    set: Callable[[datetime], object] | None = None
    tick: Callable[[], object] | None = None


class Control:
    """Answers the paths that begin with ``/_``."""

    def __init__(
        self,
        account: Account,
        store: Store,
        publisher: Publisher,
        aftermath: Aftermath,
        open_faults: Faults,
        clock: Callable[[], datetime],
        hooks: Hooks,
    ) -> None:
        self._account, self._store, self._publisher = account, store, publisher
        self._aftermath, self._faults = aftermath, open_faults
        self._clock, self._hooks = clock, hooks

    def answer(self, request: Request) -> Response:
        """Answer one request; refusals have the same JSON as SES's."""
        routes: dict[tuple[str, str], Callable[[Request], object]] = {
            ("GET", "/_mails"): self._list,
            ("DELETE", "/_mails"): self._clear,
            ("POST", "/_events"): self._fire,
            ("GET", "/_faults"): lambda _: [fault.as_json() for fault in self._faults.open()],
            ("POST", "/_faults"): self._add_fault,
            ("DELETE", "/_faults"): lambda _: self._faults.clear(),
            ("POST", "/_flush"): self._flush,
            ("POST", "/_identities"): self._set_identity,
            ("POST", "/_clock"): self._set_clock,
            ("POST", "/_tick"): self._tick,
            ("GET", "/_health"): lambda _: {"time": stamp(self._clock()), "waiting": self._publisher.waiting()},
        }
        run = routes.get((request.method, request.path))
        if run is None and request.method == "GET" and request.path.startswith("/_mails/"):
            run = self._one
        try:
            if run is None:
                raise not_found(f"There is no {request.method} {request.path}.")
            return answer(run(request))
        except SesError as error:
            return answer({"code": error.code, "message": error.message}, error.status)

    def _list(self, request: Request) -> object:
        query = query_of(request)
        found = list(find(query, self._store.newest()))
        start, limit = _count(request.arg("offset", "0")), _count(request.arg("limit", "1000"))
        shown = itertools.islice(found, start, start + limit)
        if request.arg("full"):
            mails = (self._store.get(entry.id) for entry in shown)
            return {"total": len(found), "mails": [mail.as_json() for mail in mails if mail]}
        return {"total": len(found), "mails": [_entry(entry) for entry in shown]}

    def _one(self, request: Request) -> object:
        mail = self._store.get(request.path.removeprefix("/_mails/"))
        if mail is None:
            raise not_found("There is no such mail.")
        return mail.as_json()

    def _clear(self, request: Request) -> object:
        self._store.clear()
        return {}

    def _fire(self, request: Request) -> object:
        given = wire.parse(request.body)
        detail = wire.text(given, "link")
        mail = self._aftermath.fire(wire.required(given, "id"), wire.required(given, "type"), detail)
        if mail is None:
            raise not_found("There is no such mail.")
        return mail.as_json()

    def _add_fault(self, request: Request) -> object:
        fault = faults.parse(wire.parse(request.body))
        self._faults.add(fault)
        return fault.as_json()

    def _flush(self, request: Request) -> object:
        self._publisher.flush()
        return {"waiting": self._publisher.waiting()}

    def _set_identity(self, request: Request) -> object:
        given = wire.parse(request.body)
        status, mail_from = wire.text(given, "status", "SUCCESS"), wire.text(given, "mail_from")
        set_identity(self._account, wire.required(given, "name"), status, mail_from)
        return {}

    def _set_clock(self, request: Request) -> object:
        given = wire.parse(request.body)
        moment = wire.text(given, "set")
        try:
            if moment and self._hooks.set is not None:
                self._hooks.set(parse_time(moment))
            elif not moment and self._hooks.advance is not None:
                self._hooks.advance(wire.number(given, "advance", 0.0))
            else:
                raise not_found("The runner's clock cannot be moved here.")
        except ValueError as error:
            raise bad_request(f"The clock cannot be moved so: {error}.") from None
        return {"time": stamp(self._clock())}

    def _tick(self, request: Request) -> object:
        if self._hooks.tick is None:
            raise not_found("The runner offers no tick here.")
        self._hooks.tick()
        return {"time": stamp(self._clock())}


def query_of(request: Request) -> Query:
    """What a request looks for."""
    return Query(
        words=request.arg("q"),
        recipient=request.arg("to"),
        source=request.arg("from"),
        subject=request.arg("subject"),
        tags=tuple(request.query.get("tag", ())),
        outcome=request.arg("outcome"),
    )


def set_identity(account: Account, name: str, status: str, mail_from: str = "") -> None:
    """Make an identity, or give it another state; raises BadRequestException for an unknown one."""
    if status not in STATES:
        raise bad_request(f"status is one of {', '.join(STATES)}.")
    name = checks.identity(name)
    with account.lock:
        identity = account.identities.setdefault(name, Identity(name))
        identity.status, identity.mail_from = status, mail_from
        account.save()


def parse_time(text: str) -> datetime:
    """A time with its offset; without one it is UTC. Raises BadRequestException."""
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        raise bad_request(f"{text!r} is not a time. Write it as 2026-12-31T09:00:00Z.") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _count(text: str) -> int:
    if not text.isdigit():
        raise bad_request("limit and offset are whole numbers.")
    return int(text)


def _entry(entry: Entry) -> dict[str, object]:
    return {
        "id": entry.id,
        "time": entry.at,
        "from": entry.source,
        "recipient": entry.recipient,
        "subject": entry.subject,
        "tags": entry.tags,
        "outcome": entry.outcome.value,
    }
