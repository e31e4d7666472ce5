"""Ports for tests that start ``make run``'s program."""

from __future__ import annotations

from infra.local.deployment import Ports
from infra.local.emulator import free_ports


def three_free_ports() -> Ports:
    """Ports in the pattern of ``PORT=``, promised to this process: no other test can take one of them."""

    def beside(port: int) -> tuple[int, ...]:
        ports = Ports.beside(port)
        return ports.pages, ports.mailbox, ports.emulator

    return Ports(*free_ports(beside))
