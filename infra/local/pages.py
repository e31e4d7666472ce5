"""The pages' server on this machine: Chalice's own local server, made fit for browsers."""

from __future__ import annotations

import contextlib
import functools
import threading
from typing import Any

from chalice.app import Chalice
from chalice.config import Config
from chalice.local import ChaliceRequestHandler, create_local_server

from infra.local.emulator import HOST

BACKLOG = 128
"""Connections that may wait; the default of 5 resets some when a page loads its parts at once."""


class Handler(ChaliceRequestHandler):
    """Chalice's handler without a line per request, and without a body where HTTP has none."""

    disable_nagle_algorithm = True
    timeout = 120

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the program logs what matters."""

    def handle(self) -> None:
        """Answer until the browser is done; one that went away in the middle needs no answer and no complaint."""
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            super().handle()

    def _send_http_response_with_body(self, code: int, headers: Any, body: Any) -> None:
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
