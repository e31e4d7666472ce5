"""The judge: sees every AWS call of this process and holds it against the policies that are deployed.

It listens in botocore itself (``BUILTIN_HANDLERS``, which every new session takes over), so that no test
can make a call past it; processes of their own, such as deployed functions, note what they send in a file.
It knows from AssumeRole's answers which keys belong to which partner and role, and from ``observe.story``
which function is at work. A call by a function is judged by that function's policy; one by nobody in
particular (a store under test) by what any function may; one with a partner's keys by the role that was
assumed, for that very partner.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from botocore.handlers import BUILTIN_HANDLERS

from chalicelib import observe
from chalicelib.events.registry import FUNCTIONS
from tests.contract.policy import Access, Policy
from tests.isolation.calls import NAMES, Unjudged, accesses

PAGES = ("pages-partner", "pages-hq")
ASSUMED = {"partner": "partner-data", "review": "review-data"}
"""The roles that are assumed for one partner, and their policies."""
ADMINISTRATOR = "administrator"
"""Who makes calls that no function makes: the name of a story, and the access key of a client of its own."""
UNJUDGED = {
    "tests/adapters/test_table.py": "a server of the test's own answers to a table of no deployment",
    "tests/adapters/test_blobs.py": "a server of the test's own answers; keys of S3 are made up",
    "tests/adapters/test_credentials.py": "credentials and calls are made up, to see who signs",
    "tests/adapters/test_vault.py": "answers of KMS that no emulator gives, to a table of no deployment",
    "tests/local/ses/": "the local SES endpoint itself, with requests that the program never makes",
    "tests/contract/test_isolation.py::test_the_recorder_sees_what_is_wrong": "it goes past the stores on purpose",
    "tests/contract/test_moto_deviations.py": "moto itself, with calls that the program never makes",
    "tests/isolation/test_judge.py": "it makes the wrong calls, to see them caught",
}
"""Where a test begins with one of these names, its calls are about nothing of a deployment: name -> why."""
TAGS = "x-amz-tagging"
"""The header that gives an object tags with the object itself: it takes a right of its own."""
SURROUNDINGS = Path(__file__).parents[1] / "deploy" / "surroundings"
_KEY = re.compile(r"Credential=([^/]+)/")


@dataclass(frozen=True, slots=True)
class Call:
    """One request: what it did and as whom. ``partner`` is "" for a function's own role."""

    name: str
    function: str
    partner: str
    role: str
    accesses: tuple[Access, ...]

    @property
    def items(self) -> int:
        """How many items DynamoDB bills: those of a batch or transaction, else one."""
        if self.name == "dynamodb.BatchGetItem":
            return sum(len(access.context["dynamodb:LeadingKeys"]) for access in self.accesses)
        return len(self.accesses) if self.name == "dynamodb.TransactWriteItems" else 1

    @property
    def actors(self) -> tuple[str, ...]:
        """The policies of which one must allow all of it."""
        if self.partner:
            return (ASSUMED[self.role],)
        if self.function in (*FUNCTIONS, *PAGES):
            return (self.function,)
        return PAGES if self.function == "pages" else (*PAGES, *FUNCTIONS)


@dataclass(slots=True)
class Noted:
    """Calls that other processes note in a file (``tests/deploy/surroundings``).

    ``prefix`` is what their functions' names begin with; ``count`` says how many calls each function made.
    """

    file: Path
    prefix: str
    count: Counter[str] = field(default_factory=Counter)
    _at: int = 0

    def command(self, *program: str) -> list[str]:
        """A command line by which a Python program, function or not, notes its calls here."""
        variables = {"PYTHONPATH": SURROUNDINGS, "SURROUNDINGS_CALLS": self.file, "SURROUNDINGS_PROGRAM": "yes"}
        return ["env", *(f"{name}={value}" for name, value in variables.items()), *program]

    def news(self) -> Iterator[dict[str, Any]]:
        """The lines that were not told before; one that is being written waits for the next time."""
        if not self.file.exists():
            return
        with self.file.open("rb") as opened:
            opened.seek(self._at)
            for line in opened:
                if not line.endswith(b"\n"):
                    return
                self._at += len(line)
                told: dict[str, Any] = json.loads(line)
                self.count[told["function"].removeprefix(self.prefix)] += 1
                yield told


@dataclass(slots=True)
class Judge:
    """What was seen since :meth:`clear`; ``wrong`` has a sentence for each call that IAM would refuse."""

    calls: list[Call] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    scopes: dict[str, tuple[str, str]] = field(default_factory=dict)
    keep: bool = False
    """Whether calls are kept, and not only judged."""
    noted: list[Noted] = field(default_factory=list)
    """The files in which processes of their own note their calls."""

    def clear(self) -> None:
        """Forget the calls; keys that were handed out stay known."""
        self.calls.clear()
        self.wrong.clear()

    def sent(self, request: Any, event_name: str, **_: Any) -> None:
        """botocore's ``before-send``: the signed request."""
        authorization = request.headers.get("Authorization", b"")
        text = authorization.decode() if isinstance(authorization, bytes) else str(authorization)
        found = _KEY.search(text)
        body = request.body if isinstance(request.body, bytes) else str(request.body or "").encode()
        self.weigh(event_name, request.url, body, key=found[1] if found else "", function=observe.current().function,
                   tagged=TAGS in request.headers)

    def weigh(
        self, event_name: str, url: str, body: bytes, *, key: str, function: str, tagged: bool = False,
    ) -> None:
        """Judge one call by what was sent, the key that signed it, and the function that made it."""
        service, operation = event_name.split(".")[1:]
        if function == ADMINISTRATOR or key == ADMINISTRATOR:
            return
        partner, role = self.scopes.get(key, ("", ""))
        try:
            call = Call(f"{service}.{operation}", function, partner, role,
                        accesses(service, operation, url, body, function=function, tagged=tagged))
        except (Unjudged, KeyError, ValueError, TypeError) as error:
            self.wrong.append(f"{service}.{operation} can't be judged: {error!r}")
            return
        if not function and not partner and all(_by_aws(access) for access in call.accesses):
            return
        if self.keep:
            self.calls.append(call)
        if not any(all(allows(actor, access, partner) for access in call.accesses) for actor in call.actors):
            self.wrong.append(f"{call.name} of {' or '.join(call.actors)} {partner}: {call.accesses}")

    def catch_up(self) -> None:
        """Judge what processes of their own have noted since the last time."""
        for noted in self.noted:
            for line in noted.news():
                function = line["function"].removeprefix(noted.prefix)
                if "keys" in line:
                    self.scopes[line["keys"]] = _scope(line["role"], line["tags"])
                else:
                    self.weigh(line["call"], line["url"], line["body"].encode(), key=line["key"], function=function,
                               tagged=line.get("tagged", False))

    def asked(self, params: Any, context: Any, **_: Any) -> None:
        """``before-parameter-build.sts.AssumeRole``: whom the keys will be for."""
        tags = {tag["Key"]: tag["Value"] for tag in params.get("Tags", ())}
        context["judge_scope"] = _scope(str(params["RoleArn"]), tags)

    def answered(self, parsed: Any, context: Any, **_: Any) -> None:
        """``after-call.sts.AssumeRole``: the keys themselves."""
        given = parsed.get("Credentials")
        if given is not None and "judge_scope" in context:
            self.scopes[given["AccessKeyId"]] = context["judge_scope"]


def _scope(role: str, tags: Mapping[str, str]) -> tuple[str, str]:
    """Partner and short name of the role that keys are for."""
    return tags.get("partner", ""), role.rpartition("/")[2].rpartition("-")[2]


def _by_aws(access: Access) -> bool:
    """What AWS does by itself, played by the local SES in a thread of its own: Firehose's objects, SNS's messages.

    It runs beside whatever test is on, and no function of ours writes either.
    """
    firehose = access.action == "s3:PutObject" and "/EVENTS/" in access.resource
    return firehose or (access.action == "sqs:SendMessage" and access.resource.endswith("-feedback"))


JUDGE = Judge()


@cache
def _policy(name: str) -> Policy:
    return Policy(name, NAMES)


def allows(actor: str, access: Access, partner: str) -> bool:
    """Whether the deployed policy of an actor allows it; assuming a role asks that role's trust, too."""
    if not _policy(actor).allows(access, partner):
        return False
    if not access.action.startswith("sts:"):
        return True
    principal = f"arn:aws:iam::account:role/app-stage-fn-{actor}"
    trusted = Access(access.action, access.resource, {**access.context, "aws:PrincipalArn": (principal,)})
    return _policy(f"assume-{access.resource.rpartition('-')[2]}").allows(trusted, "")


def listen() -> None:
    """Have every botocore session that is made from now on heard; may be called twice."""
    for name, hear in (
        ("before-send", JUDGE.sent), ("before-parameter-build.sts.AssumeRole", JUDGE.asked),
        ("after-call.sts.AssumeRole", JUDGE.answered),
    ):
        if (name, hear) not in BUILTIN_HANDLERS:
            BUILTIN_HANDLERS.insert(0, (name, hear))


@contextmanager
def administrator() -> Iterator[None]:
    """Calls inside are made by the account's administrator: setting up, looking behind the curtain."""
    with observe.story(ADMINISTRATOR, ""):
        yield


@contextmanager
def acting(function: str) -> Iterator[None]:
    """Calls inside are made by one function."""
    with observe.story(function, f"test-{function}"):
        yield
