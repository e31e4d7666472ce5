"""The unsubscribe button of a mail client (RFC 8058), pressed for a mail of the mailbox.

The POST goes to this machine only: a mail of the local default names the local application. It has
no cookies, sends what the RFC says and follows no redirect (a client must not).
"""

from __future__ import annotations

import http.client
import ipaddress
from urllib.parse import urlsplit

from infra.local.ses.errors import bad_request
from infra.local.ses.links import one_click
from infra.local.ses.model import Mail

BODY = b"List-Unsubscribe=One-Click"
_SECONDS = 10.0


def press(mail: Mail) -> str:
    """Do the POST; returns a line that tells the answer. Raises BadRequestException where it cannot."""
    url = one_click(mail.header("List-Unsubscribe"), mail.header("List-Unsubscribe-Post"))
    if not url:
        raise bad_request("This mail has no List-Unsubscribe and List-Unsubscribe-Post headers for one-click.")
    parts = urlsplit(url)
    address = _loopback(parts.hostname or "")
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(address, parts.port, timeout=_SECONDS)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    headers = {"Host": parts.netloc, "Content-Type": "application/x-www-form-urlencoded"}
    try:
        connection.request("POST", target, BODY, headers)
        answer = connection.getresponse()
        answer.read(1_000_000)
    except (OSError, http.client.HTTPException, ValueError) as error:
        return f"no answer from {url}: {error}"
    finally:
        connection.close()
    return f"{answer.status} {answer.reason} from {url}"


def _loopback(host: str) -> str:
    """The address to connect to; raises BadRequestException for a host that is not this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return "127.0.0.1"
    try:
        if ipaddress.ip_address(host).is_loopback:
            return host
    except ValueError:
        pass
    raise bad_request(f"{host or 'That URL'} is not this machine: the mailbox presses local buttons only.")
