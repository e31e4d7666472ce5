"""Clock, entropy, queues, blobs and the scoped credentials of a partner."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from chalicelib.domain.ids import PartnerId
from chalicelib.domain.record import dataclass
from chalicelib.domain.scope import Zone


class Clock(Protocol):
    """The only source of the time."""

    def now(self) -> datetime:
        """The present in UTC, cut to milliseconds."""


class Entropy(Protocol):
    """The only source of randomness (``secrets`` in production)."""

    def bytes(self, count: int) -> bytes:
        """That many unpredictable bytes."""


class Draws(Protocol):
    """Decides what is drawn for a sample, so that neither luck nor a second try changes it."""

    def chance(self, subject: str) -> float:
        """A number in [0, 1) that belongs to the subject; who has no secret of ours cannot tell it before."""


class PartnerSession(Protocol):
    """Proof that credentials tagged with one partner were obtained; stores ask for it."""

    @property
    def partner(self) -> PartnerId:
        """The one partner these credentials reach."""

    @property
    def zone(self) -> Zone:
        """What of the partner they reach."""


class PartnerSessions(Protocol):
    """Obtains scoped credentials: an assumed role with the session tag ``partner``."""

    def open(self, partner: PartnerId, zone: Zone) -> PartnerSession:
        """Credentials for one partner; cached until shortly before they expire."""


class QueueName(StrEnum):
    """The queues; each has a dead-letter queue of the same name with ``-dead``."""

    PLAN = "plan"
    SEND = "send"
    FEEDBACK = "feedback"
    IMPORTS = "imports"
    NOTICES = "notices"


class Queue(Protocol):
    """Hands messages over; every message is a JSON object with ``v`` (its version) and ``kind``."""

    def put(self, queue: QueueName, message: Mapping[str, object], *, delay: int = 0) -> None:
        """Send one message, to be seen after ``delay`` seconds (at most 900)."""

    def put_many(self, queue: QueueName, messages: Sequence[Mapping[str, object]]) -> None:
        """Send several; raises Retryable if any was not taken (those taken stay taken)."""


@dataclass(frozen=True, slots=True)
class UploadForm:
    """A presigned POST: the browser sends ``fields`` and the file to ``url``."""

    url: str
    fields: Mapping[str, str]


class Blobs(Protocol):
    """Objects by key. A partner's keys begin with ``P/<partner>/`` and need its session.

    ``session`` None means the org's own prefix, ``ORG/``, under the function's role. Uploaded images and
    public ones have the same two below ``UPLOADS/`` and ``MEDIA/``.
    """

    def put(
        self, session: PartnerSession | None, key: str, data: bytes, content_type: str, *, temporary: bool = False,
    ) -> None:
        """Store an object, replacing one of the same key; one that is ``temporary`` is gone after thirty days."""

    def put_new(self, session: PartnerSession | None, key: str, data: bytes, content_type: str) -> bool:
        """Store an object that is to be cached for ever; False, and nothing changed, if the key is taken."""

    def get(self, session: PartnerSession | None, key: str) -> bytes:
        """Read an object; raises NotFound."""

    def lines(self, session: PartnerSession | None, key: str, *, chunk: int = 65536) -> Iterator[bytes]:
        """Read an object in chunks of bytes, without holding it whole; raises NotFound."""

    def size(self, session: PartnerSession | None, key: str) -> int:
        """The object's size in bytes; raises NotFound."""

    def upload_form(
        self, session: PartnerSession | None, key: str, *, max_bytes: int, seconds: int, redirect: str = "",
        temporary: bool = False,
    ) -> UploadForm:
        """A presigned POST for one key, valid for a short time and up to a size.

        What is uploaded ``temporary`` is gone after thirty days. ``redirect`` is the page that the
        browser is sent to once the file is stored.
        """
