"""``python -m infra.local.ses --port 8001 --data .local/mailbox``: the endpoint by itself.

Events are shown on the page and published nowhere; the local runner wires queue and bucket.
"""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from pathlib import Path

from infra.local.ses import Config, Server


def main() -> int:
    """Serve until a signal comes; 1 if the port is taken."""
    parser = argparse.ArgumentParser(prog="python -m infra.local.ses", description="A local SES v2 endpoint.")
    parser.add_argument("--port", type=int, default=8001, help="the port on 127.0.0.1 (0: any that is free)")
    parser.add_argument("--data", type=Path, default=Path(".local/mailbox"), help="where mails are kept")
    parser.add_argument("--rate", type=float, default=500.0, help="mails a second")
    given = parser.parse_args()
    try:
        server = Server(Config(data=given.data, port=given.port, max_send_rate=given.rate))
    except OSError as error:
        print(f"Port {given.port} cannot be used: {error.strerror}. Choose another with --port.", file=sys.stderr)
        return 1
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    server.start()
    print(f"Mailbox and SES endpoint: {server.url}", flush=True)
    ended.wait()
    server.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
