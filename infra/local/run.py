"""``make run``: all of Countersign on one machine, in this process and the emulator's.

In this process: the pages, the handlers behind the queues (one thread each), the ticks, and the
local SES with its mailbox. In a process of its own, which outlives a crash of this one: the AWS
emulator. The application is told nothing of all this; it gets settings and a clock.
"""

from __future__ import annotations

import argparse
import fcntl
import functools
import logging
import os
import shutil
import signal
import sys
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TextIO

from botocore.credentials import ReadOnlyCredentials
from chalice.app import Chalice

from chalicelib import settings, wiring
from chalicelib.adapters.aws import Clients
from chalicelib.usecases.control import hold_restored
from infra import catalogues
from infra.local import passing, resources, seed, ses
from infra.local.clock import OffsetClock
from infra.local.deployment import BUCKET, CannotStart, Identity, Ports, environment
from infra.local.emulator import ACCESS_KEY, HOST, REGION, ROOT, SECRET_KEY, EmulatorError
from infra.local.keeper import Keeper
from infra.local.pages import PagesServer
from infra.local.pump import Pump, carry_delays, queue_urls

DATA = ROOT / ".local"
LOOK_SECONDS = 1.0
"""How often the runner looks whether the emulator is still there."""

log = logging.getLogger("countersign.local")


class Runner:
    """Starts and stops the parts, in order; ``say`` gets one line of progress per step."""

    def __init__(self, ports: Ports, data: Path = DATA, *, say: Callable[[str], None] | None = None) -> None:
        self.ports = ports
        self.data = data
        self.say = say or functools.partial(print, flush=True)
        data.mkdir(parents=True, exist_ok=True)
        self.clock = OffsetClock(data / "clock.json")
        self.keeper = Keeper(ports.emulator, data / "emulator")
        self._lock: TextIO | None = None
        self._stops: list[Callable[[], object]] = []

    @property
    def url(self) -> str:
        """Where the pages are."""
        return f"http://{HOST}:{self.ports.pages}"

    @property
    def mailbox_url(self) -> str:
        """Where the mails are."""
        return f"http://{HOST}:{self.ports.mailbox}"

    def start(self) -> None:
        """Start everything; raises CannotStart or EmulatorError, after ending what was started."""
        self._lock = only_one(self.data)
        try:
            self._start()
        except BaseException:
            self.stop()
            raise

    def _start(self) -> None:
        self.ports.require_free(self.ports.pages, self.ports.mailbox)
        variables = environment(self.ports, Identity.kept_in(self.data, self.clock.now()))
        for name in [name for name in os.environ if name.startswith(("AWS_", "COUNTERSIGN_"))]:
            del os.environ[name]
        os.environ.update(variables)

        self.say(f"Local AWS on port {self.ports.emulator}")
        found = self.keeper.start()
        self._stops.append(self.keeper.stop)
        if found:
            self.say("  it was still running and has everything")
        container = self._container()
        resources.ensure(container.clients, container.names)
        sqs = container.clients.get("sqs")
        pump = Pump(sqs, queue_urls(sqs, container.names.prefix), self.clock, region=REGION)
        carry_delays(sqs, self.clock, pump.nudge)
        self.clock.on_advance(pump.on_advance)

        self.say(f"Mailbox and SES on port {self.ports.mailbox}")
        mailbox = self._mailbox(container, pump)
        mailbox.start()
        self._stops.append(mailbox.stop)
        resources.ensure_mail(container.clients.get("sesv2", endpoint=mailbox.url), container.names.prefix, REGION,
                              seed.SENDERS)

        if self.keeper.lost:
            self._recover(container)
        if not seed.is_seeded(container):
            self.say("Demo data, once")
            seed.seed(container, images=f"http://{HOST}:{self.ports.emulator}/{BUCKET}/ORG/assets/")
            pump.settle()
            self.say("  saved")
            self.keeper.save()
        pump.start()
        self._stops.append(pump.stop)

        self.say(f"Pages on port {self.ports.pages}")
        pages = PagesServer(load_app(), self.ports.pages)
        pages.start()
        self._stops.append(pages.stop)

    def stop(self) -> None:
        """Stop everything in the opposite order; the emulator saves its state last."""
        while self._stops:
            self._stops.pop()()
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _container(self) -> wiring.Container:
        keys = ReadOnlyCredentials(ACCESS_KEY, SECRET_KEY, None, None)
        read = settings.load()
        container = wiring.Container(
            read, clock=self.clock, clients=Clients(read.region, endpoint=read.endpoint, own=lambda: keys),
        )
        wiring.install(container)
        return container

    def _mailbox(self, container: wiring.Container, pump: Pump) -> ses.Server:
        sqs, s3 = container.clients.get("sqs"), container.clients.get("s3")
        url = sqs.get_queue_url(QueueName=f"{container.names.prefix}-feedback")["QueueUrl"]
        hooks = ses.Hooks(
            advance=lambda seconds: passing.advance(self.clock, container.indexes, timedelta(seconds=seconds)),
            set=lambda moment: passing.advance(self.clock, container.indexes, moment - self.clock.now()),
            tick=pump.tick,
        )
        return ses.Server(
            ses.Config(data=self.data / "mailbox", port=self.ports.mailbox, region=REGION),
            sinks=ses.AwsSinks(sqs=sqs, queue_url=url, s3=s3, bucket=container.names.bucket),
            clock=self.clock.now, hooks=hooks,
        )

    def _recover(self, container: wiring.Container) -> None:
        """After an unclean end of the emulator the ledger may have forgotten sends: nothing goes on by itself."""
        held = hold_restored(container)
        self.keeper.mark_recovered()
        self.say("  the local AWS was not stopped cleanly: what was written since its last clean stop is lost,")
        self.say(f"  and {held} campaign(s) that were being sent are paused with the reason \"restored\"")


def load_app() -> Chalice:
    """The application, as Chalice finds it."""
    from app import app

    return app


def only_one(data: Path) -> TextIO:
    """Take this folder for ourselves; raises CannotStart if another start has it."""
    lock = (data / "lock").open("a+", encoding="utf-8")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.seek(0)
        holder = lock.read().strip() or "unknown"
        lock.close()
        raise CannotStart(
            f"Countersign already runs from this folder (process {holder}): stop it with Ctrl-C where it was started."
        ) from None
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()
    return lock


def welcome(runner: Runner) -> str:
    """What a person needs to know to begin."""
    width = max(len(someone.address) for someone in seed.who_can_sign_in())
    people = "\n".join(f"    {someone.address:<{width}}  {someone.tells}" for someone in seed.who_can_sign_in())
    return (
        f"\nCountersign is ready:  {runner.url}\n\n"
        f"  Sign in with one of these addresses; the link arrives in the mailbox:\n{people}\n"
        f"  The mailbox, which also moves the clock: {runner.mailbox_url}\n"
        "  Ctrl-C stops all of it; the data stays in .local/.\n"
    )


def reset(data: Path) -> None:
    """End an emulator that was left running, and forget all data."""
    if not data.exists():
        return
    lock = only_one(data)
    keeper = Keeper(0, data / "emulator")
    keeper.end_left_over()
    shutil.rmtree(data)
    lock.close()


def serve(runner: Runner, ended: threading.Event) -> int:
    """Run until ``ended`` is set or the emulator dies; returns the exit status."""
    runner.start()
    runner.say(welcome(runner))
    status = 0
    while not ended.wait(LOOK_SECONDS):
        if not runner.keeper.alive():
            runner.say("The local AWS ended by itself: what was written since its last clean stop is lost. "
                       "Start again; campaigns that were being sent will be paused.")
            status = 1
            break
    runner.say("Stopping; the local AWS saves its data.")
    runner.stop()
    runner.say("Stopped.")
    return status


def main() -> int:
    """The command line; problems that a person can solve are one sentence each."""
    parser = argparse.ArgumentParser(prog="python -m infra.local.run", description="Countersign on this machine.")
    parser.add_argument("--port", type=int, default=8000, help="the pages' port; the others lie beside it")
    parser.add_argument("--data", type=Path, default=DATA, help="where the data is kept")
    parser.add_argument("--reset", action="store_true", help="forget all data and end")
    given = parser.parse_args()
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: ended.set())
    try:
        if given.reset:
            reset(given.data)
            return 0
        catalogues.compile_stale()
        return serve(Runner(Ports.beside(given.port), given.data), ended)
    except (CannotStart, EmulatorError) as hindrance:
        print(hindrance, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
