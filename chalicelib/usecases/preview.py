"""A draft as customers would see it, and what the gate would say of it: for the form's preview."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from chalicelib.domain import values
from chalicelib.domain.campaign import Draft, FindingRecord
from chalicelib.domain.compliance.document import Demands
from chalicelib.domain.errors import Problem, Refused
from chalicelib.domain.partner import LegalEntity
from chalicelib.domain.record import dataclass
from chalicelib.domain.template import TemplateVersion

if TYPE_CHECKING:
    from chalicelib.domain.compliance.finding import Finding
    from chalicelib.rendering.mail import Rendered

_SCHEME = re.compile(r"\(\s*prefers-color-scheme\s*:\s*(dark|light)\s*\)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Shown:
    """Subject, HTML and text as a customer without a profile gets them."""

    subject: str
    html: str
    text: str


def shown(version: TemplateVersion, draft: Draft, entity: LegalEntity) -> Shown:
    """Render what is there, finished or not; the way out leads nowhere. Raises Refused if it cannot be shown."""
    from chalicelib.rendering.fill import LockedBytesChanged
    from chalicelib.rendering.mail import preview

    try:
        mail = preview(
            version, values=draft.values, subject=draft.subject, preheader=draft.preheader, entity=entity,
        )
    except LockedBytesChanged as changed:
        raise Refused([Problem("preview.impossible", changed.region)]) from None
    return Shown(mail.subject, mail.html, mail.text)


def in_scheme(html: str, scheme: str) -> str:
    """The mail's own dark styles on (``dark``) or off (``light``), whatever the reader's device prefers.

    The condition is replaced by one that is always, or never, true: a page cannot ask a frame to
    prefer another scheme in every browser.
    """
    def decided(match: re.Match[str]) -> str:
        return "(min-width: 0)" if match.group(1).lower() == scheme else "(max-width: 0)"

    return _SCHEME.sub(decided, html)


@dataclass(frozen=True, slots=True)
class Hints:
    """What stands against a draft: ``problems`` stop it, ``warnings`` and ``found`` are to be looked at.

    ``rendered`` is the mail, None where a problem kept it from being made.
    """

    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    found: tuple[Finding, ...] = ()
    rendered: Rendered | None = None

    @property
    def findings(self) -> tuple[FindingRecord, ...]:
        """The findings as a revision keeps them."""
        return tuple(finding.record() for finding in self.found)


def hints(
    version: TemplateVersion, draft: Draft, entity: LegalEntity, demands: Demands | None = None,
) -> Hints:
    """What the rules say of the texts now; never raises for what was typed.

    It is the one judgement there is: the form's hints and the gate (``usecases.gate``) both call it.
    """
    from chalicelib.rendering.examine import examine
    from chalicelib.rendering.fill import LockedBytesChanged
    from chalicelib.rendering.mail import render

    try:
        rendered = render(
            version, values=draft.values, subject=draft.subject, preheader=draft.preheader, entity=entity,
        )
    except Refused as refused:
        return Hints(tuple(refused.problems), _warnings(version, draft))
    except LockedBytesChanged as changed:
        return Hints((Problem("preview.impossible", changed.region),), _warnings(version, draft))
    return Hints((), rendered.warnings, tuple(examine(version, rendered, entity, demands)), rendered)


def _warnings(version: TemplateVersion, draft: Draft) -> tuple[Problem, ...]:
    return values.validate_version(version, draft.values)[1].warnings
