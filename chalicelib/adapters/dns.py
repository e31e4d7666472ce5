"""A small DNS client: TXT and CNAME records over UDP, over TCP where the answer was cut (RFC 1035, RFC 7766)."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path

from chalicelib.domain.errors import Retryable
from chalicelib.ports.system import Entropy

TXT, CNAME = 16, 5
SECONDS = 3.0
_NAME_ERROR = 3
_TRUNCATED = 0x0200


class DnsResolver:
    """See ``ports.operation.Resolver``; asks the machine's own name servers, or those given as (host, port)."""

    def __init__(self, entropy: Entropy, servers: Sequence[tuple[str, int]] = ()) -> None:
        self._entropy = entropy
        self._servers = tuple(servers) or tuple(_system_servers())

    def texts(self, name: str) -> Sequence[str]:
        """A record's strings joined, as SPF and DKIM want them (RFC 7208, section 3.3)."""
        return [_strings(data) for kind, data, _ in self._ask(name, TXT) if kind == TXT]

    def alias(self, name: str) -> str:
        """The first CNAME."""
        found = self._ask(name, CNAME, raw=True)
        return next((_name(message, at)[0] for kind, message, at in found if kind == CNAME), "")

    def _ask(self, name: str, kind: int, *, raw: bool = False) -> list[tuple[int, bytes, int]]:
        number = int.from_bytes(self._entropy.bytes(2), "big")
        query = struct.pack(">HHHHHH", number, 0x0100, 1, 0, 0, 0) + _encoded(name) + struct.pack(">HH", kind, 1)
        for server in self._servers:
            try:
                message = _exchange(server, query, number)
            except OSError:
                continue
            code = message[3] & 15
            if code in (0, _NAME_ERROR):
                return list(_answers(message, raw=raw))
        raise Retryable("no name server answered")


def _system_servers() -> Iterator[tuple[str, int]]:
    file = Path("/etc/resolv.conf")
    for line in file.read_text("utf-8").splitlines() if file.exists() else ():
        words = line.split()
        if len(words) > 1 and words[0] == "nameserver":
            yield words[1], 53


def _exchange(server: tuple[str, int], query: bytes, number: int) -> bytes:
    """One question; raises OSError for silence or an answer to another question."""
    family = socket.AF_INET6 if ":" in server[0] else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as udp:
        udp.settimeout(SECONDS)
        udp.connect(server)
        udp.send(query)
        message = udp.recv(4096)
    if len(message) >= 12 and struct.unpack(">H", message[2:4])[0] & _TRUNCATED:
        with socket.create_connection(server, SECONDS) as tcp:
            tcp.sendall(struct.pack(">H", len(query)) + query)
            with tcp.makefile("rb") as stream:
                message = stream.read(struct.unpack(">H", stream.read(2))[0])
    if len(message) < 12 or message[:2] != struct.pack(">H", number):
        raise OSError("not the answer to this question")
    return message


def _encoded(name: str) -> bytes:
    parts = [part.encode("ascii") for part in name.rstrip(".").split(".")]
    return b"".join(bytes([len(part)]) + part for part in parts) + b"\0"


def _answers(message: bytes, *, raw: bool) -> Iterator[tuple[int, bytes, int]]:
    """(type, data, place of the data); the whole message instead of the data where names are compressed."""
    questions, answers = struct.unpack(">HH", message[4:8])
    at = 12
    try:
        for _ in range(questions):
            at = _name(message, at)[1] + 4
        for _ in range(answers):
            at = _name(message, at)[1]
            kind, _, _, length = struct.unpack(">HHIH", message[at:at + 10])
            at += 10
            yield kind, message if raw else message[at:at + length], at
            at += length
    except (struct.error, IndexError):
        raise Retryable("a name server's answer can't be read") from None


def _name(message: bytes, at: int) -> tuple[str, int]:
    """A name and where it ends; it may go on at an earlier place (RFC 1035, section 4.1.4)."""
    labels: list[str] = []
    end = -1
    for _ in range(128):
        length = message[at]
        if length == 0:
            return ".".join(labels), at + 1 if end < 0 else end
        if length & 0xC0 == 0xC0:
            end = at + 2 if end < 0 else end
            at = (length & 0x3F) << 8 | message[at + 1]
            continue
        labels.append(message[at + 1:at + 1 + length].decode("ascii", "replace"))
        at += 1 + length
    raise IndexError("a name without end")


def _strings(data: bytes) -> str:
    found, at = b"", 0
    while at < len(data):
        found += data[at + 1:at + 1 + data[at]]
        at += 1 + data[at]
    return found.decode("utf-8", "replace")
