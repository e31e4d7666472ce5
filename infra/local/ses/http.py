"""Requests and answers, and what is refused before anything is looked at.

The server stands on the loopback interface, but browsers visit foreign pages too: a Host header
that is no loopback name means DNS rebinding, and an Origin that is not this very server means that
another page sends a form here. Both are refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qs, quote

_LOOPBACK = re.compile(r"(?:127(?:\.\d{1,3}){3}|\[::1\]|(?:[a-z0-9-]+\.)*localhost)(?::\d{1,5})?", re.IGNORECASE)

PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; frame-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


@dataclass(frozen=True, slots=True)
class Request:
    """One request, read whole; HEAD comes as GET, and its answer goes out without the body."""

    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: bytes = b""

    def arg(self, name: str, default: str = "") -> str:
        """A value of the query, stripped."""
        return self.query.get(name, [default])[0].strip()

    def form(self) -> dict[str, str]:
        """The fields of a posted form."""
        posted = parse_qs(self.body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=50)
        return {name: values[0] for name, values in posted.items()}


@dataclass(frozen=True, slots=True)
class Response:
    """One answer."""

    status: int
    body: bytes = b""
    content_type: str = "text/html; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)


def answer(value: object, status: int = 200) -> Response:
    """A JSON answer of the control interface."""
    return Response(status, json.dumps(value, ensure_ascii=False).encode(), "application/json")


def page(text: str, status: int = 200, policy: str = PAGE_POLICY, referrer: str = "same-origin") -> Response:
    """A page under a strict content policy.

    The referrer policy is not ``no-referrer``, with which browsers send ``Origin: null`` in forms.
    """
    headers = {"Content-Security-Policy": policy, "Referrer-Policy": referrer}
    return Response(status, text.encode("utf-8", "replace"), headers=headers)


def see(path: str) -> Response:
    """After a POST: look at this page."""
    return Response(303, headers={"Location": quote(path, safe="/?&=~%#")})


def refuse(request: Request) -> Response | None:
    """The answer to a request that no page or client of this machine would send; None lets it pass."""
    host = request.headers.get("host", "")
    if not _LOOPBACK.fullmatch(host):
        return answer({"message": "This server answers to loopback names such as 127.0.0.1 only."}, 421)
    if request.method == "GET":
        return None
    origin = request.headers.get("origin")
    if origin is not None and origin.lower() != f"http://{host}".lower():
        return answer({"message": "Requests from pages of another origin are refused."}, 403)
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return answer({"message": "Requests from pages of another site are refused."}, 403)
    return None
