"""The doctor's look at senders: what SES and the name system say of each domain that mail comes from.

The partners' domains come from the org's own list of partners (one query, however many there are);
what belongs to an identity of SES is asked once, however many senders stand under it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from chalicelib.domain.errors import Retryable
from chalicelib.ports.operation import IdentityState, Inspector, Resolver
from chalicelib.usecases.doctor import Area, Check, Level, unknown, verdict
from chalicelib.usecases.world import World

HERE = Area.SENDERS


def examine_senders(
    world: World, inspector: Inspector, resolver: Resolver | None, further: Sequence[str] = (),
) -> Iterator[Check]:
    """Each sender's domain, that of system mails first; raises what the ports raise."""
    domains = _domains([world.facts.mail_from, *further], (card.sender_domain for card in world.partners.cards()))
    known = inspector.identities()
    names = _Names(resolver) if resolver else None
    seen: set[str] = set()
    for domain in domains:
        identity = next((name for name in _above(domain) if name in known), "")
        if identity and identity not in seen:
            seen.add(identity)
            yield from _identity(inspector.identity(identity), identity, names)
        if not identity:
            yield verdict(False, HERE, "doctor.identity", name=domain)
        if names:
            yield from _dmarc(names, domain)
    if not names:
        yield unknown(HERE, "doctor.no_names")


def _domains(addresses: Iterable[str], domains: Iterable[str]) -> list[str]:
    """Every domain once, in order of appearance; partners who have set no sender yet have none."""
    found = [address.rpartition("@")[2] for address in addresses]
    return [domain for domain in dict.fromkeys([*found, *sorted(domains)]) if domain]


def _above(domain: str) -> Iterator[str]:
    """The domain and the ones above it, down to two labels: SES lets a domain speak for those below it."""
    while "." in domain:
        yield domain
        domain = domain.partition(".")[2]


def _identity(found: IdentityState | None, name: str, names: _Names | None) -> Iterator[Check]:
    """What SES says of an identity, and whether the name system agrees (SES developer guide, "Easy DKIM")."""
    yield verdict(found is not None and found.verified, HERE, "doctor.identity", name=name)
    if found is None:
        return
    yield verdict(found.dkim == "SUCCESS", HERE, "doctor.dkim", name=name, status=found.dkim or "-")
    if names is None:
        return
    for token in found.tokens:
        record, target = f"{token}._domainkey.{name}", f"{token}.dkim.amazonses.com"
        alias = names.alias(record)
        yield verdict(alias == target, HERE, "doctor.dkim_record", name=record, target=target) \
            if alias is not None else unknown(HERE, "doctor.silent", name=record)
    # SPF judges the envelope; without a MAIL FROM of its own that is amazonses.com's, not ours to mend.
    yield verdict(bool(found.mail_from), HERE, "doctor.mail_from", Level.WARN, name=name, domain=found.mail_from)
    if found.mail_from:
        yield _spf(names, found)


def _spf(names: _Names, found: IdentityState) -> Check:
    """One SPF record, which lets SES send (RFC 7208, section 4.5)."""
    records = names.texts(found.mail_from)
    if records is None:
        return unknown(HERE, "doctor.silent", name=found.mail_from)
    spf = [text for text in records if text.lower().startswith("v=spf1")]
    good = len(spf) == 1 and "include:amazonses.com" in spf[0].lower()
    return verdict(good, HERE, "doctor.spf", name=found.mail_from, count=len(spf))


def _dmarc(names: _Names, domain: str) -> Iterator[Check]:
    """The record of the domain, or of one above it (RFC 7489, section 6.6.3), and how strict it is."""
    for name in _above(domain):
        records = names.texts(f"_dmarc.{name}")
        if records is None:
            yield unknown(HERE, "doctor.silent", name=f"_dmarc.{name}")
            return
        found = [text for text in records if text.lower().startswith("v=dmarc1")]
        if len(found) == 1:
            yield verdict(True, HERE, "doctor.dmarc", name=domain)
            policy = _tags(found[0]).get("sp" if name != domain else "p") or _tags(found[0]).get("p", "")
            yield verdict(policy in ("quarantine", "reject"), HERE, "doctor.dmarc_weak", Level.WARN, name=domain,
                          policy=policy or "-")
            return
    yield verdict(False, HERE, "doctor.dmarc", name=domain)


def _tags(record: str) -> dict[str, str]:
    """A DMARC record's tags and values, in lower case (RFC 7489, section 6.3)."""
    pairs = (part.partition("=") for part in record.lower().split(";"))
    return {tag.strip(): value.strip() for tag, _, value in pairs if value}


@dataclass(slots=True)
class _Names:
    """The name system, asked once for each name; None where it does not answer."""

    resolver: Resolver
    kept: dict[str, tuple[str, ...] | None] = field(default_factory=dict)

    def texts(self, name: str) -> tuple[str, ...] | None:
        """TXT records."""
        if name not in self.kept:
            try:
                self.kept[name] = tuple(self.resolver.texts(name))
            except Retryable:
                self.kept[name] = None
        return self.kept[name]

    def alias(self, name: str) -> str | None:
        """The CNAME without its last dot, in lower case."""
        try:
            return self.resolver.alias(name).rstrip(".").lower()
        except Retryable:
            return None
