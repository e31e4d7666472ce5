"""The packaged stack in an emulator that nobody here wrote, deployed by the program that deploys to AWS."""

from __future__ import annotations

import http.cookiejar
import json
import re
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from http import HTTPStatus
from pathlib import Path
from typing import Any, TypeVar

import pytest
from botocore.config import Config
from botocore.credentials import ReadOnlyCredentials
from botocore.session import get_session

from chalicelib import settings, wiring
from chalicelib.adapters.aws import Clients
from chalicelib.ports.system import QueueName
from infra.deploy.cli import settings_of
from infra.deploy.run import Deployer
from infra.deploy.stage import APP, Stage
from infra.local import passing, resources, seed, ses
from infra.local.clock import OffsetClock
from infra.local.emulator import (
    ACCESS_KEY,
    ACCOUNT,
    REGION,
    SECRET_KEY,
    STACK_SERVICES,
    Emulator,
    free_port,
)
from tests.isolation.judge import ADMINISTRATOR, JUDGE, SURROUNDINGS, Noted, administrator
from tests.package.conftest import build_once

T = TypeVar("T")
AT_ONCE = 4
"""Requests that a browser has under way on our busiest page: a save, the hints, the previews."""


@dataclass(frozen=True)
class Got:
    """An answer of API Gateway."""

    status: int
    text: str
    url: str
    headers: dict[str, str]

    def hidden(self) -> dict[str, str]:
        """The hidden fields of the page's forms."""
        return dict(re.findall(r'<input type="hidden" name="([\w.-]+)" value="([^"]*)"', self.text))


class Visitor:
    """A person's browser: keeps cookies, follows redirects, sends forms with the page's origin."""

    def __init__(self) -> None:
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))

    def get(self, url: str) -> Got:
        """Load a page."""
        return self.send(urllib.request.Request(url))

    def submit(self, page: Got, url: str, **fields: str) -> Got:
        """Send the form of a page."""
        body = urllib.parse.urlencode(page.hidden() | fields).encode()
        parts = urllib.parse.urlsplit(page.url)
        return self.send(urllib.request.Request(url, data=body, headers={
            "Origin": f"{parts.scheme}://{parts.netloc}", "Content-Type": "application/x-www-form-urlencoded"}))

    def send(self, request: urllib.request.Request) -> Got:
        """Send any request; an answer of any status is an answer."""
        try:
            with self._opener.open(request, timeout=60) as answer:
                return Got(answer.status, answer.read().decode(), answer.url, dict(answer.headers))
        except urllib.error.HTTPError as error:
            with error:
                return Got(error.code, error.read().decode(), error.url, dict(error.headers))


def until(look: Callable[[], T | None], seconds: float = 120.0) -> T:
    """What ``look`` finds, as soon as it finds something."""
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < deadline, f"nothing was found in {seconds:.0f} seconds"
        time.sleep(0.1)


class Deployed:
    """A stage in the emulator, with the local SES beside it; a clock that all of them share can be moved."""

    def __init__(self, data: Path, package: Path, name: str = "ci") -> None:
        self.clock = OffsetClock(data / "clock.json")
        self.clock.on_advance(self.tick)
        self.noted = Noted(data / "calls.jsonl", f"{APP}-{name}-")
        JUDGE.noted.append(self.noted)
        self.emulator = Emulator(free_port(), data, services=STACK_SERVICES, variables={
            "PYTHONPATH": str(SURROUNDINGS), "SURROUNDINGS_CLOCK": str(data / "clock.json"),
            "SURROUNDINGS_CALLS": str(self.noted.file), "LAMBDA_WARM_TTL_SECONDS": "3600",
        })
        self.emulator.start()
        self._session = get_session()
        self.said: list[str] = []
        self.ticks = 0
        self.seconds = 0.0
        self.bucket = f"{APP}-{name}-data-{ACCOUNT}"
        feedback = f"{self.emulator.url}/{ACCOUNT}/{APP}-{name}-feedback"
        self.mail = ses.Server(
            ses.Config(port=0, store="memory", region=REGION, max_send_rate=10_000), clock=self.clock.now,
            sinks=ses.AwsSinks(sqs=self.client("sqs"), queue_url=feedback, s3=self.client("s3"), bucket=self.bucket),
            hooks=ses.Hooks(advance=lambda seconds: self.advance(timedelta(seconds=seconds)), tick=self.tick),
        )
        self.mail.start()
        self.deployer = self.deployer_of(name, package)

    def deployer_of(self, name: str, package: Path, ask: Callable[[str], str] = lambda question: "y") -> Deployer:
        """What deploys a stage here."""
        parameters = {
            "OrgName": seed.ORG_NAME, "MailFrom": seed.MAIL_FROM, "SesEndpoint": self.mail.url,
            "SenderDomain": seed.ZONE, "AlarmEmail": "operations@nordlicht.example",
            "MediaUrl": f"{self.emulator.url}/{self.bucket}/MEDIA",
        }
        return Deployer(
            clients=self.client, stage=Stage(name, REGION, parameters), ask=ask, say=self.said.append,
            now=lambda: datetime.now(UTC),  # noqa: TID251 - names of change sets only
            emulator=self.emulator.url, poll=0.1, package=package,
        )

    def client(self, service: str, key: str = ADMINISTRATOR) -> Any:
        """A client of the emulator's, by default the administrator's."""
        return self._session.create_client(
            service, region_name=REGION, endpoint_url=self.emulator.url, config=Config(s3={"addressing_style": "path"}),
            aws_access_key_id=key, aws_secret_access_key=SECRET_KEY)

    def hurry(self) -> None:
        """Bring a message that failed again after seconds instead of a quarter of an hour.

        The emulator starts a function's second process while it unpacks the first one's code, and such
        a process may die at once.
        """
        sqs = self.client("sqs")
        for queue in QueueName:
            url = sqs.get_queue_url(QueueName=f"{self.deployer.stage.stack}-{queue.value}")["QueueUrl"]
            sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "10"})

    @cached_property
    def world(self) -> wiring.Container:
        """The deployed stage's data, as its functions see them."""
        variables = settings_of(self.client("lambda"), self.deployer.stage) | {
            "AWS_ENDPOINT_URL": self.emulator.url, "AWS_REGION": REGION}
        keys = ReadOnlyCredentials(ACCESS_KEY, SECRET_KEY, None, None)
        clients = Clients(REGION, endpoint=self.emulator.url, own=lambda: keys)
        with administrator():
            resources.ensure_mail(
                clients.get("sesv2", endpoint=self.mail.url), self.deployer.stage.stack, REGION, seed.SENDERS)
        return wiring.Container(settings.read(variables), clock=self.clock, clients=clients)

    def warm(self, *pages: str) -> None:
        """Let as many processes of a page's function run as a browser asks for at once.

        The emulator unpacks the whole package for each, seconds of work on a small machine, and the
        process that it starts meanwhile may die at once: a page asks again then, this does so before.
        """
        for page in pages:
            with ThreadPoolExecutor(AT_ONCE) as browser:
                for asked in [browser.submit(until, lambda page=page: Visitor().get(page).status == HTTPStatus.OK)
                              for _ in range(AT_ONCE)]:
                    assert asked.result()

    def tick(self) -> None:
        """What the rule does each minute, done now."""
        self.ticks += 1
        self.invoke("tick", {})

    def advance(self, by: timedelta) -> None:
        """Move the clock of functions and SES; it stops, with a tick, wherever a campaign is due on the way."""
        passing.advance(self.clock, self.world.indexes, by)

    def newest_mail(self, to: str, subject: str = "") -> dict[str, Any] | None:
        """The newest mail to somebody, with its texts and headers; None while there is none."""
        for entry in self.mail.store.newest():
            if to in entry.recipient and subject in entry.subject:
                mail = self.mail.store.get(entry.id)
                assert mail is not None
                return dict(mail.as_json())
        return None

    def invoke(self, function: str, event: dict[str, Any]) -> Any:
        """Run a deployed function now and wait for it."""
        answer = self.client("lambda").invoke(
            FunctionName=f"{self.deployer.stage.stack}-{function}", Payload=json.dumps(event).encode())
        told = json.loads(answer["Payload"].read())
        assert "FunctionError" not in answer, told
        return told

    def close(self) -> None:
        """End everything; what the functions called since the last test is judged, too."""
        self.mail.stop()
        self.emulator.stop()
        JUDGE.catch_up()
        JUDGE.noted.remove(self.noted)
        assert JUDGE.wrong == []


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What ``make package`` built."""
    return build_once(tmp_path_factory)


@pytest.fixture(scope="module")
def deployed(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    """An emulator with the stage ``ci`` in it, for one file of tests."""
    running = Deployed(tmp_path_factory.mktemp("emulator"), package)
    try:
        began = time.monotonic()
        assert running.deployer.deploy()
        running.seconds = time.monotonic() - began
        running.hurry()
        yield running
    finally:
        running.close()


@pytest.fixture(scope="module")
def world(deployed: Deployed) -> wiring.Container:
    """The demo data; what it queued was done by the deployed functions."""
    seed.seed(deployed.world, images=f"{deployed.emulator.url}/{deployed.bucket}/ORG/assets/")
    return deployed.world
