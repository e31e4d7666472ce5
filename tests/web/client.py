"""A browser for tests: it speaks to the mounted Chalice application in API Gateway's events.

Cookies are kept as a browser would; forms are filled from the page that was shown, so that a
test posts what a person's browser would post, hidden fields included.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlencode, urlsplit

from chalice.app import Chalice
from chalice.local import RouteMatcher

from chalicelib.usecases.world import World
from chalicelib.web.routes import Route, mount
from chalicelib.web.urls import Urls, origin

BASE = "https://partners.example.com"
HQ = "https://hq.example.com"


@dataclass(frozen=True, slots=True)
class Got:
    """A response: header names in lower case, Set-Cookie apart."""

    status: int
    body: str
    headers: Mapping[str, str]
    cookies: tuple[str, ...] = ()

    @property
    def location(self) -> str:
        """Where it redirects to."""
        return self.headers.get("location", "")

    def field(self, name: str) -> str:
        """The value of the first form field of that name on the page; fails if there is none."""
        return fields_of(self.body)[name]


class _Fields(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        at = dict(attrs)
        name = at.get("name")
        if tag == "input" and name and at.get("type") not in ("checkbox", "radio", "submit"):
            self.found.setdefault(name, at.get("value") or "")


def fields_of(html: str) -> dict[str, str]:
    """The input fields of a page with their values."""
    parser = _Fields()
    parser.feed(html)
    return parser.found


@dataclass
class Browser:
    """One browser at one surface of an application."""

    app: Chalice
    base: str = HQ
    cookies: dict[str, str] = field(default_factory=dict)
    agent: str = "Mozilla/5.0 (test)"
    ip: str = "192.0.2.7"

    def get(self, path: str, **headers: str) -> Got:
        """GET a path (with query) or a full URL."""
        return self.send("GET", path, headers=headers)

    def head(self, path: str) -> Got:
        """HEAD."""
        return self.send("HEAD", path)

    def post(self, path: str, form: Mapping[str, object] | Iterable[tuple[str, str]], **headers: str) -> Got:
        """POST a form as a browser does, with the Origin of the page; a field may hold several values."""
        sent = {"content-type": "application/x-www-form-urlencoded", "origin": origin(self.base), **headers}
        sent = {name.replace("_", "-"): value for name, value in sent.items() if value != "-"}
        return self.send("POST", path, headers=sent, body=urlencode(dict[str, object](form), doseq=True))

    def submit(self, page: Got, path: str, **values: str) -> Got:
        """POST the form of a page that was shown, with its hidden fields."""
        shown = fields_of(page.body)
        names: tuple[str, ...] = ("csrf", "id", "template", "number", "to", "next")
        return self.post(path, {name: shown[name] for name in names if name in shown} | values)

    def send(self, method: str, path: str, *, headers: Mapping[str, str] | None = None, body: str = "") -> Got:
        """One request, as API Gateway hands it to Lambda."""
        path = path.removeprefix(self.base)
        match = RouteMatcher(list(self.app.routes)).match_route(path)
        sent = {"host": urlsplit(self.base).netloc, "user-agent": self.agent, **(headers or {})}
        if self.cookies:
            sent["cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        event: dict[str, Any] = {
            "requestContext": {
                "httpMethod": method, "resourcePath": match.route, "identity": {"sourceIp": self.ip},
                "path": path.split("?")[0], "requestId": "request-1",
            },
            "headers": sent, "pathParameters": match.captured, "stageVariables": {}, "body": body or None,
            "multiValueQueryStringParameters": match.query_params or None,
        }
        answer = self.app(event, None)
        multi = answer.get("multiValueHeaders", {})
        cookies = tuple(multi.get("Set-Cookie", ()))
        for line in cookies:
            self._keep(line)
        return Got(
            answer["statusCode"], answer["body"], {n.lower(): v for n, v in answer["headers"].items()}, cookies,
        )

    def _keep(self, line: str) -> None:
        name, _, value = line.split(";")[0].partition("=")
        age = re.search(r"Max-Age=(\d+)", line)
        if age and age.group(1) == "0":
            self.cookies.pop(name, None)
        else:
            self.cookies[name] = value


def application(world: World, routes: Iterable[Route], *, surface: str = "hq") -> Chalice:
    """The application with some routes, as ``app.py`` would mount them."""
    app = Chalice(app_name="countersign-test")
    here = HQ if surface == "hq" else BASE
    urls: Callable[[], Urls] = lambda: Urls(BASE, HQ, here)  # noqa: E731
    mount(app, routes, lambda: world, urls)
    return app
