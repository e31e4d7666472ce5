"""The server: one port for the SES v2 interface, the mailbox page and the control interface.

server = Server(Config(data=Path(".local/mailbox"), port=8001), sinks=..., clock=..., hooks=...)
server.start()      # listens on 127.0.0.1 when this returns; server.url has the port
server.stop()       # publishes what waits, then ends
"""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from infra.local.ses.account import Account
from infra.local.ses.aftermath import Aftermath
from infra.local.ses.api import PREFIX, Api, Cut
from infra.local.ses.config import Config
from infra.local.ses.control import Control, Hooks
from infra.local.ses.faults import Faults
from infra.local.ses.http import Request, Response, answer, refuse
from infra.local.ses.operations import Operations
from infra.local.ses.publisher import Publisher
from infra.local.ses.rate import Limits
from infra.local.ses.sending import Sending
from infra.local.ses.sinks import NoSinks, Sinks
from infra.local.ses.store import FileStore, MemoryStore, Store
from infra.local.ses.web import Pages

_LOG = logging.getLogger(__name__)
MAX_REQUEST = 64 * 1024 * 1024
"""Bytes of a request: a raw message of 40 MB in base64, and its envelope."""


def system_clock() -> datetime:
    """The machine's time, for a server that runs by itself."""
    return datetime.fromtimestamp(time.time(), UTC)


class Server:
    """The endpoint with everything behind it. Raises OSError if its port is taken."""

    def __init__(
        self,
        config: Config,
        *,
        sinks: Sinks | None = None,
        clock: Callable[[], datetime] = system_clock,
        hooks: Hooks | None = None,
    ) -> None:
        root = config.root
        if config.store == "files" and root is None:
            raise ValueError("a mailbox in files needs a data directory")
        self.config = config
        self.account = Account(root / "account.json" if root else None, auto_verify=config.auto_verify)
        self.store: Store = FileStore(root) if root else MemoryStore()
        self.publisher = Publisher(
            self.account,
            sinks or NoSinks(),
            clock,
            outbox=root / "outbox" if root else None,
            prefix=config.events_prefix,
            buffer_seconds=config.buffer_seconds,
            buffer_records=config.buffer_records,
        )
        self.faults = Faults()
        self.stopping = threading.Event()
        hooks = hooks or Hooks()
        limits = Limits(config.max_send_rate, config.max_24_hour_send)
        aftermath = Aftermath(self.account, self.store, self.publisher, clock)
        sending = Sending(config, self.account, limits, self.store, aftermath, clock)
        self.api = Api(sending, Operations(config, self.account, limits, self.publisher, clock), self.faults)
        self.control = Control(self.account, self.store, self.publisher, aftermath, self.faults, clock, hooks)
        self.pages = Pages(self.account, self.store, aftermath, clock, hooks)
        self._http = _Listener(self)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), name="ses-http", daemon=True)

    @property
    def port(self) -> int:
        """The port it listens on, also where it was free to choose."""
        return int(self._http.server_address[1])

    @property
    def url(self) -> str:
        """What to give a client as its endpoint, and a browser as its address."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Begin to answer and to publish."""
        self.publisher.start()
        self._thread.start()

    def stop(self) -> None:
        """End: no more answers, then publish what waits."""
        self.stopping.set()
        ending = threading.Thread(target=self._http.shutdown)
        ending.start()
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
            pass  # wakes the listener, which would otherwise notice at its next look only
        ending.join()
        self._http.server_close()
        self._thread.join(timeout=5)
        self.publisher.stop()

    def dispatch(self, request: Request) -> Response:
        """Answer one request; raises Cut where the connection is to be cut."""
        refusal = refuse(request)
        if refusal is not None:
            return refusal
        if request.path.startswith(PREFIX):
            return self.api.answer(request)
        if request.path.startswith("/_"):
            return self.control.answer(request)
        return self.pages.answer(request)


class _Listener(ThreadingHTTPServer):
    """Listens on the loopback interface, with room for many clients at once."""

    request_queue_size = 128
    daemon_threads = True

    def __init__(self, owner: Server) -> None:
        self.owner = owner
        super().__init__(("127.0.0.1", owner.config.port), _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is no news."""
        _LOG.debug("A connection ended early", exc_info=True)


class _Handler(BaseHTTPRequestHandler):
    """Reads a request whole, has it answered, and writes the answer in one piece."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 120

    server: _Listener

    def _answer(self) -> None:
        if self.server.owner.stopping.is_set():
            return self._cut()  # a client that kept its connection must not reach a stopped server
        length = self.headers.get("Content-Length", "0")
        if not length.isdigit() or self.headers.get("Transfer-Encoding"):
            return self._write(answer({"message": "Send the body with its Content-Length."}, 411), close=True)
        if int(length) > MAX_REQUEST:
            self._drain(min(int(length), 4 * MAX_REQUEST))
            return self._write(answer({"message": "The request is too large."}, 413), close=True)
        body = self.rfile.read(int(length)) if int(length) else b""
        url = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        method = "GET" if self.command == "HEAD" else self.command
        request = Request(method, url.path, parse_qs(url.query, max_num_fields=50), headers, body)
        try:
            response = self.server.owner.dispatch(request)
        except Cut as cut:
            self.server.owner.stopping.wait(cut.seconds)
            return self._cut()
        except Exception:
            _LOG.exception("%s %s failed", self.command, url.path)
            response = answer({"message": "An error of the local SES endpoint itself: see its log."}, 500)
        return self._write(response)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = _answer

    def _write(self, response: Response, *, close: bool = False) -> None:
        headers = {
            "Content-Type": response.content_type,
            "Content-Length": str(len(response.body)),
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
            "Cross-Origin-Resource-Policy": "same-origin",
            **response.headers,
        }
        if close:
            headers["Connection"] = "close"
            self.close_connection = True
        self.log_request(response.status)
        lines = [f"HTTP/1.1 {response.status} {HTTPStatus(response.status).phrase}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        head = "\r\n".join([*lines, "", ""]).encode("latin-1")
        # One write for all: head and body apart would cost a packet and a wait.
        self.wfile.write(head if self.command == "HEAD" else head + response.body)

    def _cut(self) -> None:
        """Close without an answer: the client cannot know whether anything was done."""
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def _drain(self, left: int) -> None:
        while left > 0 and (chunk := self.rfile.read(min(left, 1 << 16))):
            left -= len(chunk)

    def log_message(self, format: str, *args: object) -> None:
        """Requests are logged for debugging only, without what was sent."""
        _LOG.debug(format, *args)
