"""``make run``: all of Countersign on one machine, in this process and the emulator's.

In this process: the pages, the handlers behind the queues (one thread each), the ticks, and the
local SES with its mailbox. In a process of its own, which outlives a crash of this one: the AWS
emulator. The application is told nothing of all this; it gets settings and a clock.
"""

from __future__ import annotations

import argparse
import fcntl
import functools
import json
import logging
import os
import secrets
import shutil
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TextIO

from botocore.credentials import ReadOnlyCredentials
from chalice.app import Chalice

from chalicelib import settings, wiring
from chalicelib.adapters.aws import Clients
from chalicelib.domain.ids import make_id
from chalicelib.usecases.control import hold_restored
from infra import catalogues
from infra.local import passing, resources, seed, ses
from infra.local.clock import OffsetClock
from infra.local.emulator import ACCESS_KEY, HOST, REGION, ROOT, SECRET_KEY, EmulatorError, port_taken
from infra.local.keeper import Keeper
from infra.local.pages import PagesServer
from infra.local.pump import Pump, carry_delays, queue_urls

APP, STAGE = "countersign", "local"
BUCKET = f"{APP}-{STAGE}-data"
DATA = ROOT / ".local"
LOOK_SECONDS = 1.0
"""How often the runner looks whether the emulator is still there."""

log = logging.getLogger("countersign.local")


class CannotStart(Exception):
    """Why it does not start, as one sentence with what to do."""


@dataclass(frozen=True, slots=True)
class Ports:
    """The three ports; ``PORT=`` moves all of them."""

    pages: int
    mailbox: int
    emulator: int

    @classmethod
    def beside(cls, port: int) -> Ports:
        """Pages at PORT, mailbox at PORT+1, emulator at PORT-3434 (so that 8000 gives AWS emulators' usual 4566).

        Where that would be one of the system's ports (below 1024) the emulator takes PORT+2.
        """
        if not 1024 <= port <= 65_533:
            raise CannotStart(f"PORT={port} is not usable: take one between 1024 and 65533, such as PORT=9000.")
        return cls(port, port + 1, port - 3434 if port - 3434 >= 1024 else port + 2)

    def require_free(self, *ports: int) -> None:
        """Raise CannotStart for the first that another program uses."""
        for port in ports:
            if port_taken(port):
                raise CannotStart(
                    f"Port {port} is taken by another program: end that one, or choose other ports with "
                    f"`make run PORT={self.pages + 1000 if self.pages < 60_000 else 9000}`.")


@dataclass(frozen=True, slots=True)
class Identity:
    """What the first start chooses for good: the org's id and the secret of its unsubscribe links."""

    org_id: str
    secret: str

    @classmethod
    def kept_in(cls, data: Path, now: datetime) -> Identity:
        """Read it, or make it once."""
        file = data / "identity.json"
        if not file.exists():
            made = {"org_id": make_id("org", now, secrets.token_bytes(10)), "secret": secrets.token_hex(32)}
            fresh = file.with_suffix(".new")
            fresh.write_text(json.dumps(made), "utf-8")
            fresh.chmod(0o600)
            fresh.replace(file)
        return cls(**json.loads(file.read_text("utf-8")))


def environment(ports: Ports, identity: Identity) -> dict[str, str]:
    """The settings of the local deployment, in the form in which any deployment has them."""
    prefix = f"{APP}-{STAGE}"
    base = f"http://{HOST}:{ports.pages}"
    return {
        "COUNTERSIGN_APP": APP, "COUNTERSIGN_STAGE": STAGE, "COUNTERSIGN_SURFACE": "all",
        "COUNTERSIGN_ORG_ID": identity.org_id, "COUNTERSIGN_ORG_NAME": seed.ORG_NAME,
        "COUNTERSIGN_BASE_URL": base, "COUNTERSIGN_HQ_BASE_URL": base,
        "COUNTERSIGN_BUCKET": BUCKET, "COUNTERSIGN_KMS_KEY": resources.key_alias(prefix),
        "COUNTERSIGN_PARTNER_ROLE": resources.role_arn(prefix, "partner"),
        "COUNTERSIGN_REVIEW_ROLE": resources.role_arn(prefix, "review"),
        "COUNTERSIGN_SECRET": identity.secret, "COUNTERSIGN_MAIL_FROM": seed.MAIL_FROM,
        "COUNTERSIGN_CONFIGURATION_SET": prefix,
        "COUNTERSIGN_SES_ENDPOINT": f"http://{HOST}:{ports.mailbox}",
        "COUNTERSIGN_MEDIA_URL": f"http://{HOST}:{ports.emulator}/{BUCKET}/MEDIA",
        "AWS_ENDPOINT_URL": f"http://{HOST}:{ports.emulator}", "AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION,
        # Nothing of this person's real AWS account may be used by mistake.
        "AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull, "AWS_EC2_METADATA_DISABLED": "true",
    }


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
