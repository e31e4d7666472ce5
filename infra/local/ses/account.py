"""The account's lasting state: identities, configuration sets and the suppression list.

It is one small JSON file, ``account.json``, written whole at each change. An identity is verified
as soon as it is created, unless ``auto_verify`` is off or somebody says otherwise on the page of
senders; on AWS the owner has to publish DNS records or press a link first.
"""

from __future__ import annotations

import json
import threading
from dataclasses import asdict, dataclass, field
from pathlib import Path

from infra.local.ses.files import replace_file

SUPPRESSED_BY_DEFAULT = ("BOUNCE", "COMPLAINT")
"""The account-level reasons of every account made after November 2019 (developer guide)."""


@dataclass(slots=True)
class Identity:
    """An address or a domain that may send. ``mail_from`` is the state of a custom MAIL FROM domain."""

    name: str
    status: str = "SUCCESS"
    configuration_set: str = ""
    tags: list[dict[str, str]] = field(default_factory=list)
    mail_from: str = ""

    @property
    def is_domain(self) -> bool:
        """Whether it is a whole domain."""
        return "@" not in self.name

    @property
    def verified(self) -> bool:
        """Whether it may send."""
        return self.status == "SUCCESS"


@dataclass(slots=True)
class Destination:
    """An event destination of a configuration set: exactly what was asked for, plus its name."""

    name: str
    definition: dict[str, object]

    @property
    def kind(self) -> str:
        """``sns``, ``firehose`` or another word that this endpoint does not publish to."""
        if "SnsDestination" in self.definition:
            return "sns"
        return "firehose" if "KinesisFirehoseDestination" in self.definition else "other"

    def takes(self, event_type: str) -> bool:
        """Whether events of a type (as in MatchingEventTypes) go here."""
        types = self.definition.get("MatchingEventTypes")
        return bool(self.definition.get("Enabled", False)) and isinstance(types, list) and event_type in types


@dataclass(slots=True)
class ConfigurationSet:
    """A configuration set; ``options`` holds its other members as they were given."""

    name: str
    sending: bool = True
    suppressed_reasons: list[str] | None = None
    options: dict[str, object] = field(default_factory=dict)
    destinations: list[Destination] = field(default_factory=list)


class Account:
    """Everything that belongs to the account and outlives a restart."""

    def __init__(self, path: Path | None, *, auto_verify: bool = True) -> None:
        self.lock = threading.RLock()
        self.auto_verify = auto_verify
        self.identities: dict[str, Identity] = {}
        self.sets: dict[str, ConfigurationSet] = {}
        self.suppressed: dict[str, str] = {}
        self._path = path
        if path is not None and path.exists():
            self._read(json.loads(path.read_text("utf-8")))

    def identity_for(self, address: str) -> Identity | None:
        """The verified identity by which an address may send: itself, without its label, or a domain above it."""
        local, _, domain = address.rpartition("@")
        names = [f"{local}@{domain}".lower(), f"{local.partition('+')[0]}@{domain}".lower()]
        labels = domain.lower().split(".")
        names += [".".join(labels[place:]) for place in range(len(labels) - 1)]
        found = (self.identities.get(name) for name in names)
        return next((identity for identity in found if identity and identity.verified), None)

    def suppresses(self, address: str, configuration_set: str) -> bool:
        """Whether the account's suppression list stops a mail of this configuration set."""
        reason = self.suppressed.get(address.lower())
        return reason is not None and reason in self.reasons(configuration_set)

    def suppress(self, address: str, reason: str, configuration_set: str) -> None:
        """Put an address on the list after a bounce or a complaint, where the set says so."""
        if reason in self.reasons(configuration_set) and self.suppressed.get(address.lower()) is None:
            with self.lock:
                self.suppressed[address.lower()] = reason
                self.save()

    def reasons(self, configuration_set: str) -> tuple[str, ...]:
        """The suppression reasons in force: the set's own, or else the account's."""
        own = self.sets.get(configuration_set)
        if own is None or own.suppressed_reasons is None:
            return SUPPRESSED_BY_DEFAULT
        return tuple(own.suppressed_reasons)

    def save(self) -> None:
        """Write the file; the caller holds the lock."""
        if self._path is not None:
            state = {
                "v": 1,
                "identities": [asdict(identity) for identity in self.identities.values()],
                "sets": [asdict(one) for one in self.sets.values()],
                "suppressed": self.suppressed,
            }
            replace_file(self._path, json.dumps(state, indent=1).encode())

    def _read(self, state: dict[str, list[dict[str, object]]]) -> None:
        self.identities = {one.name: one for one in (Identity(**fields) for fields in state["identities"])}  # type: ignore[arg-type]
        for fields in state["sets"]:
            one = ConfigurationSet(**fields)  # type: ignore[arg-type]
            one.destinations = [Destination(**item) for item in fields["destinations"]]  # type: ignore[attr-defined]
            self.sets[one.name] = one
        self.suppressed = dict(state["suppressed"])  # type: ignore[arg-type]
