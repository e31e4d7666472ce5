"""The guards of tests/conftest.py guard."""

from __future__ import annotations

import socket

import pytest


@pytest.mark.parametrize("address", ["192.0.2.1", "2001:db8::1"])
def test_another_machine_is_refused(address: str) -> None:
    """A connection that would leave this machine fails before the first packet."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as sock, pytest.raises(RuntimeError, match="this machine only"):
        sock.connect((address, 80))


def test_a_look_up_is_refused() -> None:
    """Not even the name of another machine is asked for."""
    with pytest.raises(RuntimeError, match=r"look-up of 'example\.com'"):
        socket.getaddrinfo("example.com", 443)


def test_this_machine_is_reached() -> None:
    """Loopback works, since the emulator and the browser live there."""
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        client.sendall(b"x")
        peer, _ = server.accept()
        with peer:
            assert peer.recv(1) == b"x"
