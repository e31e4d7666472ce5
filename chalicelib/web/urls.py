"""Every URL of the program, built in one place from the two base URLs.

The stage prefix of API Gateway lives in the base URL alone (``https://host/api``), so no
handler or template joins paths by itself: they ask :class:`Urls`.
"""

from __future__ import annotations

from urllib.parse import quote, urlencode, urlsplit

from chalicelib.domain.record import dataclass


@dataclass(frozen=True, slots=True)
class Urls:
    """``base`` is where partners' and customers' pages are, ``hq`` where HQ's and reviewers' are.

    ``here`` is the base of the surface that answers (sign-in, static files: both have them).
    """

    base: str
    hq: str
    here: str = ""

    @property
    def own(self) -> str:
        """The base of the surface that answers."""
        return self.here or self.base

    @property
    def origins(self) -> frozenset[str]:
        """The origin a form of this surface is posted from."""
        return frozenset({origin(self.own)})

    @property
    def secure(self) -> bool:
        """Whether pages come over https."""
        return self.own.startswith("https://")

    def local(self, path: str) -> str:
        """A path of the surface that answers, with the stage prefix."""
        return self.own + path

    # --- both surfaces
    def static(self, name: str) -> str:
        """A bundled file by its hashed name, as a path: pages load it from their own host."""
        return f"{urlsplit(self.own).path}/static/{name}"

    def sign_in(self, next_path: str = "") -> str:
        """The page that asks for an address."""
        return self.local("/sign-in") + (f"?{urlencode({'next': next_path})}" if next_path else "")

    def sign_in_link(self, token: str, *, at_hq: bool = False) -> str:
        """The link in the sign-in mail."""
        return f"{self.hq if at_hq else self.base}/sign-in/{token}"

    def sign_out(self) -> str:
        """Ends the session (POST)."""
        return self.local("/sign-out")

    def sessions(self) -> str:
        """My signed-in browsers."""
        return self.local("/sessions")

    def end_session(self) -> str:
        """Ends one of my sessions (POST)."""
        return self.local("/sessions/end")

    def language(self) -> str:
        """Chooses the language I read in (POST)."""
        return self.local("/language")

    def chooser(self) -> str:
        """Where a person with several memberships picks one."""
        return self.local("/start")

    # --- HQ
    def hq_home(self) -> str:
        """HQ's home."""
        return f"{self.hq}/hq"

    def templates(self) -> str:
        """The list of templates."""
        return f"{self.hq}/hq/templates"

    def new_template(self, template: str = "") -> str:
        """The form that publishes a template, or a further version of one."""
        return f"{self.hq}/hq/templates/new" + (f"?{urlencode({'template': template})}" if template else "")

    def check_template(self) -> str:
        """Compiles without publishing (POST)."""
        return f"{self.hq}/hq/templates/check"

    def template(self, template: str, number: int) -> str:
        """One version of a template."""
        return f"{self.hq}/hq/templates/{template}/{number}"

    def template_preview(self, template: str, number: int) -> str:
        """The frame that shows a version."""
        return f"{self.template(template, number)}/preview"

    def compare_template(self, template: str, number: int, other: int = 0) -> str:
        """What changed from another version, by default the one before."""
        return f"{self.template(template, number)}/compare" + (f"?{urlencode({'with': other})}" if other else "")

    def mark_template(self) -> str:
        """Makes fields of elements of plain HTML (POST)."""
        return f"{self.hq}/hq/templates/mark"

    def mark_preview(self) -> str:
        """The frame that shows the elements' numbers (POST, from a form with this frame as its target)."""
        return f"{self.hq}/hq/templates/mark/preview"

    def releases(self) -> str:
        """The list of releases; a form sent there prepares one (POST)."""
        return f"{self.hq}/hq/releases"

    def new_release(self, programme: str = "") -> str:
        """The form that prepares a release, of one programme if it is named; POST shows the form again."""
        return f"{self.releases()}/new" + (f"?{urlencode({'programme': programme})}" if programme else "")

    def release(self, release: str, *parts: str) -> str:
        """One release, and what lies below it."""
        return f"{self.releases()}/{release}" + "".join(f"/{part}" for part in parts)

    def programmes(self) -> str:
        """The list of programmes."""
        return f"{self.hq}/hq/programmes"

    def new_programme(self) -> str:
        """The form that defines a programme."""
        return f"{self.hq}/hq/programmes/new"

    def programme(self, programme: str) -> str:
        """One programme with its campaigns (metadata and brackets)."""
        return f"{self.hq}/hq/programmes/{programme}"

    def tell_programme(self, programme: str) -> str:
        """Tells the partners of a programme again (POST)."""
        return f"{self.programme(programme)}/tell"

    def partners(self) -> str:
        """HQ's list of partners."""
        return f"{self.hq}/hq/partners"

    def invite_partner(self) -> str:
        """The form that invites a partner."""
        return f"{self.hq}/hq/partners/invite"

    def hq_partner(self, partner: str, *parts: str) -> str:
        """One partner as head office sees it, and what lies below it."""
        return f"{self.partners()}/{partner}" + "".join(f"/{part}" for part in parts)

    def people(self) -> str:
        """The form that gives a person a role at HQ."""
        return f"{self.hq}/hq/people"

    def take_role(self) -> str:
        """Takes a role at HQ away (POST)."""
        return f"{self.people()}/take"

    def rules(self, kind: str = "") -> str:
        """The rule reference, or the page of a brand kit (``kit``) or of the approval routes (``lanes``)."""
        return f"{self.hq}/hq/rules" + (f"/{kind}" if kind else "")

    def images(self, *parts: str) -> str:
        """HQ's library of images, and what lies below it."""
        return f"{self.hq}/hq/images" + "".join(f"/{quote(part, safe='')}" for part in parts)

    def kit(self, market: str = "all") -> str:
        """The brand kit field by field."""
        return f"{self.hq}/hq/kit" + (f"?{urlencode({'market': market})}" if market != "all" else "")

    def baselines(self, market: str = "all") -> str:
        """What a kit lets pass in templates that stood before it."""
        return f"{self.hq}/hq/kit/baseline" + (f"?{urlencode({'market': market})}" if market != "all" else "")

    def exceptions(self, partner: str) -> str:
        """A partner's exceptions."""
        return f"{self.hq}/hq/exceptions/{partner}"

    def health(self) -> str:
        """How everything stands that sending needs."""
        return f"{self.hq}/hq/health"

    def stop(self) -> str:
        """The kill switch."""
        return f"{self.hq}/hq/stop"

    # --- partner; every path names the partner, and the guard compares it with the memberships
    def partner_home(self, partner: str) -> str:
        """A partner's home: programmes open to it and its campaigns."""
        return f"{self.base}/p/{partner}"

    def partner_page(self, partner: str, *parts: str, **query: str) -> str:
        """Any page below a partner's home: ``partner_page(p, "campaigns", id, "preview", kind="text")``."""
        path = "".join(f"/{quote(part, safe='')}" for part in parts)
        return self.partner_home(partner) + path + (f"?{urlencode(query)}" if query else "")

    # --- tokens
    def review(self, token: str, *parts: str) -> str:
        """A reviewer's decision page, and what lies below it."""
        return f"{self.hq}/r/{token}" + "".join(f"/{part}" for part in parts)

    def unsubscribe(self, token: str) -> str:
        """A customer's unsubscribe page; the same URL takes the one-click POST (RFC 8058)."""
        return f"{self.base}/u/{token}"


def origin(url: str) -> str:
    """Scheme, host and port of a URL, as a browser writes the Origin header."""
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    if ":" in host:
        host = f"[{host}]"
    default = {"http": 80, "https": 443}.get(parts.scheme)
    port = f":{parts.port}" if parts.port and parts.port != default else ""
    return f"{parts.scheme}://{host}{port}"
