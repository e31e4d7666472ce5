"""The mailbox page: what a developer sees of the mails that were "sent".

Server-rendered, without any script. A mail's HTML stands in a frame of its own route, in a sandbox
with its own content policy: nothing in it runs, and pictures come from this machine only until
somebody asks for the others.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from datetime import UTC, datetime
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from importlib import resources
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from infra.local.ses import links, mime, simulator
from infra.local.ses.account import Account
from infra.local.ses.aftermath import BY_HAND, Aftermath
from infra.local.ses.control import STATES, Hooks, query_of, set_identity
from infra.local.ses.errors import SesError, bad_request, not_found
from infra.local.ses.http import Request, Response, page, see
from infra.local.ses.model import Mail, Outcome, stamp
from infra.local.ses.search import find
from infra.local.ses.store import Store
from infra.local.ses.unsubscribe import press

if TYPE_CHECKING:
    from jinja2 import Environment

PER_PAGE = 50
TABS = {
    "preview": "Preview",
    "phone": "Phone",
    "text": "Text",
    "headers": "Headers",
    "details": "Tags and data",
    "events": "Events",
}
LABELS = {
    "Delivery": "Delivered",
    "DeliveryDelay": "Delayed",
    "Bounce": "Bounce (for good)",
    "Bounce:MailboxFull": "Bounce (mailbox full)",
    "Complaint": "Complaint",
    "Open": "Opened",
    "Click": "Clicked",
    "Reject": "Rejected (virus)",
}
STATE_NAMES = {
    "SUCCESS": "Verified",
    "PENDING": "Waiting for proof",
    "FAILED": "Failed",
    "TEMPORARY_FAILURE": "Failed for now",
    "NOT_STARTED": "Not asked for",
}
_LOCAL_PICTURES = "img-src data: http://127.0.0.1:* http://localhost:*"
_FRAME = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; {pictures}; style-src 'unsafe-inline'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)


class Pages:
    """Answers the paths of the mailbox page."""

    def __init__(
        self, account: Account, store: Store, aftermath: Aftermath, clock: Callable[[], datetime], hooks: Hooks
    ) -> None:
        self._account, self._store, self._aftermath = account, store, aftermath
        self._clock, self._hooks = clock, hooks

    def answer(self, request: Request) -> Response:
        """Answer one request with a page, also where it is refused."""
        try:
            return self._route(request)
        except SesError as error:
            return self._page("message.html", error.status, title="That did not work", message=error.message)

    def _route(self, request: Request) -> Response:
        parts = request.path.strip("/").split("/")
        match (request.method, *parts):
            case ("GET", ""):
                return self._list(request)
            case ("GET", "help"):
                return self._page("help.html", simulator=simulator.SIMULATOR, local=simulator.LOCAL)
            case ("GET", "senders"):
                return self._page("senders.html", identities=sorted(self._account.identities.values(), key=_name))
            case ("GET", "static", "mailbox.css"):
                return Response(200, _css(), "text/css; charset=utf-8")
            case ("GET", "mail", mail_id):
                return self._mail(request, self._find(mail_id))
            case ("GET", "mail", mail_id, "html"):
                return self._frame(request, self._find(mail_id))
            case ("GET", "mail", mail_id, "eml"):
                mail = self._find(mail_id)
                name = f'attachment; filename="{mail.message_id}.eml"'
                return Response(200, self._store.eml(mail), "message/rfc822", {"Content-Disposition": name})
            case ("POST", *_):
                return self._post(request, parts)
        raise not_found("There is no such page.")

    def _post(self, request: Request, parts: list[str]) -> Response:
        form = request.form()
        match parts:
            case ["mail", mail_id, "event"]:
                self._aftermath.fire(self._find(mail_id).id, form.get("type", ""), form.get("link", ""))
                return see(f"/mail/{mail_id}?tab=events")
            case ["mail", mail_id, "unsubscribe"]:
                mail = self._find(mail_id)
                self._aftermath.note(mail_id, "One-click unsubscribe", press(mail))
                return see(f"/mail/{mail_id}?tab=events")
            case ["senders"]:
                set_identity(self._account, form.get("name", "").strip(), form.get("status", ""))
                return see("/senders")
            case ["clear"]:
                self._store.clear()
                return see("/")
            case ["time"]:
                return self._move_time(form)
        raise not_found("There is no such page.")

    def _move_time(self, form: dict[str, str]) -> Response:
        if self._hooks.advance is None:
            raise not_found("This clock cannot be moved.")
        try:
            seconds = float(form.get("amount", "")) * float(form.get("unit", "60"))
        except ValueError:
            raise bad_request("Write how much as a number, such as 15.") from None
        if not 0 < seconds <= 366 * 86_400:
            raise bad_request("Move the time forward by at most a year.")
        try:
            self._hooks.advance(seconds)
        except ValueError as error:
            raise bad_request(f"The clock cannot be moved so: {error}.") from None
        return see("/")

    def _list(self, request: Request) -> Response:
        query = query_of(request)
        found = list(find(query, self._store.newest()))
        pages = max(-(-len(found) // PER_PAGE), 1)
        asked = request.arg("page", "1")
        number = min(max(int(asked) if asked.isdigit() else 1, 1), pages)
        kept = {name: values for name, values in request.query.items() if name != "page"}
        return self._page(
            "list.html",
            entries=found[(number - 1) * PER_PAGE : number * PER_PAGE],
            total=len(found),
            page=number,
            pages=pages,
            query=query,
            searching=bool(kept),
            outcomes=list(Outcome),
            link=lambda target: "/?" + urlencode(kept | {"page": [str(target)]}, doseq=True),
        )

    def _mail(self, request: Request, mail: Mail) -> Response:
        tab = request.arg("tab", "preview")
        offered = links.one_click(mail.header("List-Unsubscribe"), mail.header("List-Unsubscribe-Post"))
        return self._page(
            "mail.html",
            mail=mail,
            tab=tab if tab in TABS else "preview",
            tabs=TABS,
            remote=bool(request.arg("remote")),
            links=links.links_of(mail.body.html, mail.body.text),
            one_click=offered,
            labels={kind: LABELS[kind] for kind in BY_HAND},
            headers=mime.wire_headers(mail),
        )

    def _frame(self, request: Request, mail: Mail) -> Response:
        pictures = _LOCAL_PICTURES + (" https: http:" if request.arg("remote") else "")
        policy = _FRAME.format(pictures=pictures)
        return page(links.for_frame(mail.body.html), policy=policy, referrer="no-referrer")

    def _find(self, mail_id: str) -> Mail:
        mail = self._store.get(mail_id)
        if mail is None:
            raise not_found("There is no such mail. It may have been deleted.")
        return mail

    def _page(self, name: str, status: int = 200, **values: object) -> Response:
        common = {
            "now": self._clock().astimezone(UTC),
            "can_move_time": self._hooks.advance is not None,
            "states": STATES,
            "state_names": STATE_NAMES,
            "stamp": stamp,
            "at": datetime.fromisoformat,
        }
        return page(_templates().get_template(name).render(**common, **values), status)


def _name(identity: object) -> str:
    return str(getattr(identity, "name", ""))


@functools.cache
def _css() -> bytes:
    return resources.files(__package__).joinpath("static/mailbox.css").read_bytes()


@functools.cache
def _templates() -> Environment:
    """Jinja2 is imported when the first page is asked for: the endpoint must start at once."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    loader = PackageLoader("infra.local.ses", "pages")
    found = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    found.filters["readable"] = readable
    return found


def readable(address: str) -> str:
    """An address for people's eyes: encoded words (RFC 2047) decoded, anything odd left as it is."""
    if "=?" not in address:
        return address
    try:
        return str(make_header(decode_header(address)))
    except (ValueError, LookupError, HeaderParseError):
        return address
