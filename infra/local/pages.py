"""The pages' server on this machine: Chalice's own local server, made fit for browsers."""

from __future__ import annotations

import contextlib
import functools
import threading
from typing import Any

from chalice.app import Chalice
from chalice.config import Config
from chalice.local import ChaliceRequestHandler, LocalGatewayException, create_local_server

from infra.local.emulator import HOST

MAX_BODY = 10_000_000
"""Bytes of a request, as API Gateway takes them."""
SENTENCES = {
    400: "The request can't be read. Go back and try again.",
    404: "There is no such page. Check the address, or begin at the start page.",
    405: "This address can't be used in this way. Begin at the start page.",
    413: "That is more than 10 MB. Send less.",
}
BACKLOG = 128
"""Connections that may wait; the default of 5 resets some when a page loads its parts at once."""


class Handler(ChaliceRequestHandler):
    """Chalice's handler without a line per request, and without a body where HTTP has none."""

    disable_nagle_algorithm = True
    timeout = 120

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the program logs what matters."""

    def version_string(self) -> str:
        """Nothing of versions for those who ask."""
        return "Countersign"

    def _generic_handle(self) -> None:
        length = self.headers.get("Content-Length") or "0"
        if not (length.isascii() and length.isdigit()):
            self._refuse(400)
        elif int(length) > MAX_BODY:
            self._refuse(413)
        else:
            super()._generic_handle()

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = do_PATCH = do_OPTIONS = _generic_handle

    def _refuse(self, code: int) -> None:
        """Refuse without reading the body, which would be read as the next request: the connection ends."""
        self.close_connection = True
        self._send_page(code)

    def _send_error_response(self, error: LocalGatewayException) -> None:
        # Chalice imitates API Gateway, which says of an address without a route: 403, and something of tokens.
        self._send_page(404)

    def _send_page(self, code: int) -> None:
        """One sentence for people, of what never reaches the application."""
        body = (f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Error {code}</title></head>'
                f'<body><main><h1>Error {code}</h1><p>{SENTENCES[code]}</p><p><a href="/">Start page</a></p>'
                "</main></body></html>")
        self._send_http_response_with_body(code, {
            "Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store",
            "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
            "X-Content-Type-Options": "nosniff", **({"Connection": "close"} if self.close_connection else {}),
        }, body)

    def handle(self) -> None:
        """Answer until the browser is done; one that went away in the middle needs no answer and no complaint."""
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            super().handle()

    def _send_http_response_with_body(self, code: int, headers: Any, body: Any) -> None:
        if code == 405 and "json" in str(headers.get("Content-Type", "json")):
            return self._send_page(405)
        # The body of an answer to HEAD would be read as the next answer on a kept connection.
        if self.command == "HEAD" or code in (204, 304):
            self.send_response(code)
            self.send_header("Content-Length", "0" if code == 204 else str(len(_bytes(body))))
            self._send_headers({"Content-Type": "application/json", **headers})
        else:
            super()._send_http_response_with_body(code, headers, body)


class PagesServer:
    """Serves an app on one port of this machine. Raises OSError if the port is taken."""

    def __init__(self, app: Chalice, port: int) -> None:
        config = Config()
        self._server = create_local_server(app, config, HOST, port).server
        # The class attribute counts at construction only, so the socket is told again.
        self._server.socket.listen(BACKLOG)
        self._server.RequestHandlerClass = functools.partial(
            Handler, app_object=app, config=config,
        )
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="pages", daemon=True)

    @property
    def port(self) -> int:
        """The port it listens on, also where it was free to choose."""
        return int(self._server.server_address[1])

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self) -> None:
        """End; an answer that is being made is finished by its own thread."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)


def _bytes(body: Any) -> bytes:
    return body if isinstance(body, bytes) else str(body).encode()
