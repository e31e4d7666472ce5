"""The pages' server on this machine: what a browser or an attacker meets before the application."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from chalice.app import Chalice, Response

from infra.local.pages import PagesServer


@pytest.fixture
def server() -> Iterator[PagesServer]:
    """A server with one page and one form."""
    app = Chalice(app_name="pages", configure_logs=False)

    @app.route("/here/{name}")
    def here(name: str) -> Response:
        return Response(body="here", headers={"Content-Type": "text/html"})

    @app.route("/form", methods=["POST"], content_types=["application/x-www-form-urlencoded"])
    def form() -> Response:
        assert app.current_request is not None
        return Response(body=str(len(app.current_request.raw_body)), headers={"Content-Type": "text/html"})

    made = PagesServer(app, 0)
    made.start()
    yield made
    made.stop()


def ask(server: PagesServer, raw: bytes) -> tuple[int, str]:
    """Send bytes; returns the status and all of the answer, up to the end of the connection."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as connection:
        connection.sendall(raw)
        got = b""
        while chunk := connection.recv(65_536):
            got += chunk
    return int(got.split(b" ", 2)[1]), got.decode("latin-1")


END = b"Host: localhost\r\nConnection: close\r\n\r\n"


@pytest.mark.parametrize(("line", "status"), [
    (b"GET /here/you", 200), (b"HEAD /nowhere", 404), (b"GET /nowhere", 404), (b"GET /../../etc/passwd", 404),
    (b"GET /%00", 404), (b"GET //evil.example/here", 404), (b"GET /here", 404), (b"PUT /here/you", 405),
    (b"DELETE /form", 405),
])
def test_what_is_no_page_is_told_in_words(server: PagesServer, line: bytes, status: int) -> None:
    """An address or a method that nothing answers gets a page with a sentence, never JSON of the framework."""
    got, text = ask(server, line + b" HTTP/1.1\r\n" + END)
    assert got == status
    assert "text/html" in text and "Token" not in text and "json" not in text.lower() and "Python" not in text
    if status != 200 and not line.startswith(b"HEAD"):
        assert "<h1>" in text and 'href="/"' in text and "default-src 'none'" in text


@pytest.mark.parametrize(("length", "status"), [
    (b"abc", 400), (b"-5", 400), (b"1e3", 400), (b"\xb2", 400), (b"10000001", 413),
])
def test_a_length_that_lies_is_refused_unread(server: PagesServer, length: bytes, status: int) -> None:
    """A length that is none, or too much, is refused before a byte of the body is read, and the connection ends."""
    got, text = ask(server, b"POST /form HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + length + b"\r\n\r\n")
    assert got == status and "Connection: close" in text and "Traceback" not in text


def test_a_slow_request_holds_nobody_up(server: PagesServer) -> None:
    """Requests that never end their body leave the server free for others."""
    slow = [socket.create_connection(("127.0.0.1", server.port), timeout=5) for _ in range(40)]
    for connection in slow:
        connection.sendall(b"POST /form HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\na")
    assert ask(server, b"GET /here/you HTTP/1.1\r\n" + END)[0] == 200
    for connection in slow:
        connection.close()
