"""Requests and answers: what a handler of pages gets, and what it gives back.

Chalice's own request is turned into a small frozen value, so that handlers can be tested
without a server, and an :class:`Answer` is the only thing that becomes a response: its
headers are checked and completed in one place.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import field, replace
from urllib.parse import parse_qsl, urlsplit

from chalice.app import Request as ChaliceRequest
from chalice.app import Response

from chalicelib.domain.errors import Problem
from chalicelib.domain.record import dataclass

FORM_TYPE = "application/x-www-form-urlencoded"
MAX_FIELDS = 400
"""Fields of one form: parameter counts are bounded (N40); a page whose form may be longer says so at its route."""
MAX_BODY = 10_000_000
"""Bytes of one form: what API Gateway takes, so that a template of 5 MB arrives and is refused by name."""


class BadRequest(Exception):
    """A request that no page of ours makes; ``status`` is 400, 403, 413 or 415."""

    def __init__(self, status: int, code: str, **params: int) -> None:
        self.status = status
        self.code = code
        self.problem = Problem(code, "", params)
        super().__init__(code)


@dataclass(frozen=True, slots=True)
class Form:
    """The fields of an urlencoded form or query; a field may come several times."""

    fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def get(self, name: str, default: str = "") -> str:
        """The last value of a field, with line ends as ``\\n``; ``default`` if it is absent."""
        values = self.fields.get(name)
        return values[-1].replace("\r\n", "\n") if values else default

    def all(self, name: str) -> tuple[str, ...]:
        """Every value of a field, in order."""
        return self.fields.get(name, ())

    def starting(self, prefix: str) -> dict[str, str]:
        """The fields whose name begins with ``prefix``, without it (``value.headline``)."""
        return {n[len(prefix):]: self.get(n) for n in self.fields if n.startswith(prefix)}

    def plain(self) -> dict[str, str]:
        """Each field's last value: what a page needs to show a refused form again."""
        return {n: self.get(n) for n in self.fields}


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request. ``ip`` comes from API Gateway's context only, never from a header (N52)."""

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Form = field(default_factory=Form)
    body: bytes = b""
    ip: str = ""
    id: str = ""

    def header(self, name: str) -> str:
        """A header's value, "" if absent; names in lower case."""
        return self.headers.get(name, "")

    @property
    def cookies(self) -> dict[str, str]:
        """The cookies sent; of two with one name the first counts."""
        found: dict[str, str] = {}
        for part in self.header("cookie").split(";"):
            name, equals, value = part.strip().partition("=")
            if equals:
                found.setdefault(name, value)
        return found

    @property
    def htmx(self) -> bool:
        """Whether htmx asked, for a fragment."""
        return self.header("hx-request") == "true"

    def form(self, most: int = MAX_FIELDS) -> Form:
        """The form that was posted, of ``most`` fields; raises BadRequest for another type, size or count."""
        if len(self.body) > MAX_BODY:
            raise BadRequest(413, "request.too_large")
        if self.header("content-type").partition(";")[0].strip().lower() != FORM_TYPE:
            raise BadRequest(415, "request.type")
        return parse_form(self.body, most)


def parse_form(data: bytes | str, most: int = MAX_FIELDS) -> Form:
    """Read urlencoded fields; raises BadRequest if they are more than ``most`` or not UTF-8."""
    try:
        text = data.decode("ascii") if isinstance(data, bytes) else data
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=most, errors="strict")
    except UnicodeError:
        raise BadRequest(400, "request.encoding") from None
    except ValueError:
        raise BadRequest(400, "request.fields", max=most) from None
    fields: dict[str, tuple[str, ...]] = {}
    for name, value in pairs:
        fields[name] = (*fields.get(name, ()), value)
    return Form(fields)


def from_chalice(request: ChaliceRequest) -> Request:
    """Take over what we use of Chalice's request."""
    query = request.query_params
    names = list(query.keys()) if query is not None else []
    if len(names) > MAX_FIELDS:
        raise BadRequest(400, "request.fields", max=MAX_FIELDS)
    raw = request.raw_body
    context = request.context
    return Request(
        method=request.method,
        path=str(context.get("path", request.path)),
        headers={name.lower(): value for name, value in request.headers.items()},
        query=Form({n: tuple(query.getlist(n)) for n in names} if query is not None else {}),
        body=raw if isinstance(raw, bytes) else raw.encode(),
        ip=str((context.get("identity") or {}).get("sourceIp", "")),
        id=str(context.get("requestId", "")),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The content security policy of a page: closed, and opened only for what is named.

    ``sandbox`` is for previews of mails: the mail's own styles, no script, an opaque origin.
    """

    bucket: str = ""
    """Origin of the bucket, on the pages that upload to it."""
    images: tuple[str, ...] = ()
    """Further origins of images."""
    sandbox: bool = False

    def header(self) -> str:
        """The header's value. Pico draws its marks with data: images, which can't run script."""
        images = " ".join(("'self'", "data:", *self.images))
        if self.sandbox:
            images = " ".join(("https:", "http:", "data:")) if not self.images else images
            return (f"sandbox; default-src 'none'; img-src {images}; style-src 'unsafe-inline'; "
                    "frame-ancestors 'self'; base-uri 'none'; form-action 'none'")
        own = f"'self' {self.bucket}".strip()
        return (f"default-src 'none'; script-src 'self'; style-src 'self'; connect-src {own}; img-src {images}; "
                f"frame-src 'self'; form-action {own}; base-uri 'none'; frame-ancestors 'none'")


PAGE = Policy()
PREVIEW = Policy(sandbox=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a handler gives back.

    ``private`` answers are never stored by a browser or proxy. ``referrer`` is ``same-origin``
    but on pages whose URL holds a token.
    """

    body: str = ""
    status: int = 200
    type: str = "text/html; charset=utf-8"
    headers: tuple[tuple[str, str], ...] = ()
    cookies: tuple[str, ...] = ()
    policy: Policy = PAGE
    private: bool = True
    referrer: str = "same-origin"

    def with_cookie(self, cookie: str) -> Answer:
        """The same answer with one more Set-Cookie header."""
        return replace(self, cookies=(*self.cookies, cookie))

    def with_header(self, name: str, value: str) -> Answer:
        """The same answer with one more header."""
        return replace(self, headers=(*self.headers, (name, value)))


def page(body: str, *, status: int = 200, policy: Policy = PAGE, referrer: str = "same-origin") -> Answer:
    """An HTML page."""
    return Answer(body=body, status=status, policy=policy, referrer=referrer)


def preview(html: str, images: tuple[str, ...] = ()) -> Answer:
    """A mail shown in a frame: no script, no form, an origin of its own, never indexed.

    ``images`` are the only origins of its images, where those are known.
    """
    policy = replace(PREVIEW, images=images)
    return Answer(body=html, policy=policy, headers=(("X-Robots-Tag", "noindex"),), referrer="no-referrer")


def plain(text: str, *, status: int = 200) -> Answer:
    """Plain text."""
    return Answer(body=text, status=status, type="text/plain; charset=utf-8")


def data(value: object, *, status: int = 200) -> Answer:
    """JSON, for the small ES modules (autosave)."""
    return Answer(body=json.dumps(value, ensure_ascii=False), status=status, type="application/json")


def redirect(url: str) -> Answer:
    """Send the browser on with 303 to one of our own pages, given as :mod:`web.urls` built it."""
    return Answer(status=303, headers=(("Location", url),), type="text/plain; charset=utf-8")


def safe_path(target: str, default: str) -> str:
    """A path that a request asks to go on to, or ``default`` if it might lead elsewhere (N17).

    Allowed is a path that begins with exactly one slash and has no backslash, no control
    character and no scheme or host by the reading of a URL parser.
    """
    if not target.startswith("/") or target.startswith(("//", "/\\")) or "\\" in target:
        return default
    if any(ord(c) < 0x21 or ord(c) == 0x7F for c in target) or len(target) > 500:
        return default
    try:
        parts = urlsplit(target)
    except ValueError:
        return default
    return default if parts.scheme or parts.netloc else target


def cookie(name: str, value: str, *, secure: bool, max_age: int) -> str:
    """A Set-Cookie value: HttpOnly, SameSite=Lax, for the whole host; max-age 0 deletes it."""
    parts = [f"{name}={value}", "Path=/", "HttpOnly", "SameSite=Lax", f"Max-Age={max_age}"]
    if secure:
        parts.append("Secure")
    return "; ".join(parts)


def check_header(name: str, value: str) -> str:
    """Return the value; raises ValueError for control characters or anything beyond Latin-1.

    Chalice looks for a line feed in plain values only, not for a bare CR nor into lists.
    """
    if any(ord(c) < 0x20 or ord(c) == 0x7F or ord(c) > 0xFF for c in value):
        raise ValueError(f"the header {name} has a control or non-Latin-1 character")
    return value


def to_chalice(answer: Answer, *, head: bool, secure: bool) -> Response:
    """Complete and check the headers; a HEAD request gets them without the body."""
    headers: dict[str, str | list[str]] = {
        "Content-Type": answer.type,
        "Content-Security-Policy": answer.policy.header(),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": answer.referrer,
        "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    }
    if secure:
        headers["Strict-Transport-Security"] = "max-age=31536000"
    if answer.private:
        headers["Cache-Control"] = "no-store"
    for name, value in answer.headers:
        headers[name] = value
    for name, text in headers.items():
        check_header(name, str(text))
    if answer.cookies:
        headers["Set-Cookie"] = [check_header("Set-Cookie", c) for c in answer.cookies]
    return Response(body="" if head else answer.body, headers=headers, status_code=answer.status)
