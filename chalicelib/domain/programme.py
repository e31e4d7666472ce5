"""A programme: the measure by which HQ offers a template to partners for a time."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from chalicelib.domain.cap import Cap
from chalicelib.domain.ids import PersonId, ProgrammeId, TemplateId
from chalicelib.domain.record import dataclass
from chalicelib.domain.scope import Scope


class Mode(StrEnum):
    """``SELF_SERVICE``: the partner fills the form; ``OPT_IN``: it joins HQ's ready campaign."""

    SELF_SERVICE = "self_service"
    OPT_IN = "opt_in"


class MessageClass(StrEnum):
    """What kind of message the law sees."""

    MARKETING = "marketing"
    SERVICE = "service"
    SAFETY = "safety"


@dataclass(frozen=True, slots=True, kw_only=True)
class Programme:
    """Template, run window, reviewers and defaults, in one scope.

    ``zone`` is the IANA zone in which HQ wrote the window; pages show the window in it. ``cap`` leaves
    out who had enough marketing campaigns of the partner lately, of whatever programme; None: no limit.
    Service and safety messages know none, whatever stands here.
    """

    id: ProgrammeId
    scope: Scope
    title: str
    brief: str = ""
    template: TemplateId
    template_version: int
    opens_at: datetime
    closes_at: datetime
    zone: str = "UTC"
    groups: frozenset[str] = frozenset()
    reviewers: tuple[PersonId, ...] = ()
    mode: Mode = Mode.SELF_SERVICE
    message_class: MessageClass = MessageClass.MARKETING
    defaults: tuple[tuple[str, str], ...] = ()
    cap: Cap | None = None
    created_at: datetime
    version: int = 1

    def open_at(self, at: datetime) -> bool:
        """Whether a mail may go out at that moment."""
        return self.opens_at <= at < self.closes_at
