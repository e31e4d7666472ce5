"""What holds for every test: no network but this machine, and in CI no test may be skipped.

The guard is an audit hook (PEP 578): it sees every connection and name look-up of the process,
also those of C extensions that use Python's socket, and patches nothing.
"""

from __future__ import annotations

import ipaddress
import os
import sys
from collections.abc import Generator
from typing import Any

import pytest

from infra import catalogues
from tests.isolation import judge

catalogues.compile_stale()
IN_CI = bool(os.environ.get("CI"))
_LOCAL_NAMES = {"", "localhost", "0.0.0.0", "::", "::1"}


class NetworkRefused(RuntimeError):
    """A test tried to reach another machine."""


def is_local(host: object) -> bool:
    """Whether an address or name means this machine: loopback, ``localhost`` or "any" for a bind."""
    if host is None:
        return True
    text = host.decode("ascii", "replace") if isinstance(host, bytes) else str(host)
    if text in _LOCAL_NAMES:
        return True
    try:
        return ipaddress.ip_address(text.split("%")[0]).is_loopback
    except ValueError:
        return False


def _deny_network(event: str, args: tuple[object, ...]) -> None:
    """Refuse connections and look-ups that leave the machine; Unix sockets (a str or bytes) stay."""
    if event in ("socket.connect", "socket.sendto"):
        address = args[1]
        if isinstance(address, tuple) and address and not is_local(address[0]):
            raise NetworkRefused(f"{event} to {address[0]!r}: tests talk to this machine only")
    elif event == "socket.getaddrinfo" and not is_local(args[0]):
        raise NetworkRefused(f"look-up of {args[0]!r}: tests talk to this machine only")


sys.addaudithook(_deny_network)
judge.listen()


@pytest.fixture(autouse=True)
def judged(request: pytest.FixtureRequest) -> Generator[None, None, None]:
    """Fail a test of which any AWS call would be refused by the deployed policies, or can't be judged.

    ``judge.UNJUDGED`` lists the tests whose calls are about nothing of a deployment, with the reasons.
    """
    judge.JUDGE.wrong.clear()
    yield
    judge.JUDGE.catch_up()
    wrong = list(judge.JUDGE.wrong)
    if not request.node.nodeid.startswith(tuple(judge.UNJUDGED)):
        assert wrong == []


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Share out whole files, those of the journey together; None leaves other ways (``--dist``) to pytest-xdist."""
    from tests.workers import ByFile

    return ByFile(config, log) if config.getvalue("dist") == "loadfile" else None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skip into a failure when ``CI`` is set: what CI runs, it runs whole."""
    report = yield
    if IN_CI and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, but nothing may skip in CI: {report.longrepr}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """The same for a module that skips itself while it is collected."""
    report = yield
    if IN_CI and report.skipped:
        report.outcome = "failed"
        report.longrepr = f"skipped, but nothing may skip in CI: {report.longrepr}"
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what tests have measured: times depend on the machine, so they are told and not asserted."""
    told = {
        str(value) for reports in terminalreporter.stats.values() for report in reports
        for name, value in getattr(report, "user_properties", ()) if name == "measured"
    }
    if told:
        terminalreporter.section("measured")
        for line in sorted(told):
            terminalreporter.write_line(line)
