"""Examining a rendered mail: the facts that the compliance rules judge it by."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict

from chalicelib.domain import blocks, compliance, plain_text, prices, urls, values
from chalicelib.domain.compliance import Demands, Finding, MailFacts, OpenValue
from chalicelib.domain.compliance.document import ImageFact
from chalicelib.domain.content import UNSUBSCRIBE_URL
from chalicelib.domain.partner import LegalEntity
from chalicelib.domain.template import Pictures, RegionType, TemplateVersion
from chalicelib.rendering import document, frame, merge
from chalicelib.rendering.mail import Rendered

_ENDS = r"ends?|until|expir\w*|last|valid|ende|bis|gültig\w*|ablauf|fin|hasta|jusqu\w*|vége"
_END = re.compile(rf"(?i)(?<![a-z])(?:{_ENDS})(?![a-z])")


def examine(
    version: TemplateVersion, rendered: Rendered, entity: LegalEntity, demands: Demands | None = None,
) -> list[Finding]:
    """What the compliance rules say about a rendered mail; blocking findings first."""
    demands = demands or Demands()
    version = blocks.concrete(version, rendered.values)
    parsed = document.read(
        rendered.filled.html, rendered.filled.slots, names=[UNSUBSCRIBE_URL], values=_open_values(version, rendered),
        html_bytes=len(rendered.content.html.encode()),
    )
    return compliance.check(parsed, MailFacts(
        subject=_with_defaults(rendered.subject), preheader=_with_defaults(rendered.preheader),
        plain_text=rendered.plain_text, headers=rendered.headers, postal_address=frame.postal_lines(entity),
        unsubscribe_placeholder=frame.UNSUBSCRIBE_FIELD, locked_sha256=version.locked_sha256,
        rendered_locked_sha256=rendered.locked_sha256, image_hosts=_image_hosts(version),
        language=version.language, kit=demands.kit, country=entity.country.upper(), entity=_entity(entity),
        message_class=demands.message_class, partner_hosts=_partner_hosts(version, entity, demands),
        images=(*_library(version), *demands.images), ends=_ends(version, rendered.values), prices=_prices(version),
        sends_on=demands.sends_on, brand_only=_brand_only(version),
    ))


def _entity(entity: LegalEntity) -> tuple[tuple[str, str], ...]:
    return tuple((name, str(value)) for name, value in asdict(entity).items() if isinstance(value, str))


def _partner_hosts(version: TemplateVersion, entity: LegalEntity, demands: Demands) -> tuple[str, ...]:
    """Where this partner's links may lead: what HQ wrote at the fields, and the host of its own address."""
    own = entity.email.rpartition("@")[2]
    fields = (host for region in version.regions for host in region.hosts)
    return (*demands.partner_hosts, *fields, *([own] if own else []))


def _library(version: TemplateVersion) -> tuple[ImageFact, ...]:
    """The images that HQ offers in the template's fields."""
    offered = (url for r in version.regions if r.type is RegionType.IMAGE for url in (*r.choices, r.default) if url)
    return tuple(ImageFact(url=url, origin="hq") for url in dict.fromkeys(offered))


def _brand_only(version: TemplateVersion) -> frozenset[str]:
    return frozenset(r.id for r in version.regions if r.type is RegionType.IMAGE and r.pictures is Pictures.BRAND)


def _prices(version: TemplateVersion) -> frozenset[str]:
    return frozenset(r.id for r in version.regions if r.type is RegionType.PRICE)


def _ends(version: TemplateVersion, given: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """The last days of offers; a date field counts where its name says that something ends."""
    days = [(r.id, given.get(f"{r.id}.until", "")) for r in version.regions if r.type is RegionType.PRICE]
    days += [(r.id, given.get(r.id, "")) for r in version.regions
             if r.type is RegionType.DATE and _END.search(r.id + " " + r.label)]
    return tuple((region, day) for region, day in days if prices.day_of(day))


def _with_defaults(line: str) -> str:
    """A subject or preheader as a customer without a name reads it."""
    data, out, position = line.encode(), list[str](), 0
    for place in merge.parse(line)[0]:
        out += [data[position:place.start].decode(), place.default]
        position = place.end
    return "".join(out) + data[position:].decode()


def _image_hosts(version: TemplateVersion) -> frozenset[str]:
    return frozenset(urls.host_of(url) for r in version.regions if r.type is RegionType.IMAGE for url in r.choices)


def _open_values(version: TemplateVersion, rendered: Rendered) -> list[OpenValue]:
    """The partner's words, region by region; HQ's own subject with its merge fields is not among them."""
    out = []
    for region in version.regions:
        for key in values.keys(region):
            text = rendered.values[key]
            if key.endswith((".currency", ".until")) and region.type is RegionType.PRICE:
                continue
            out.append(OpenValue(key, plain_text.visible(text) if region.type is RegionType.RICH else text))
    own = (("subject", rendered.subject, version.subject), ("preheader", rendered.preheader, version.preheader))
    return out + [OpenValue(key, text) for key, text, hq in own if text != hq.strip()]
