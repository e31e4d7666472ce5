"""LNK: links that lead somewhere, and the same way in every client."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from chalicelib.domain import urls
from chalicelib.domain.compliance import hosts
from chalicelib.domain.compliance.document import Document, Element, MailFacts
from chalicelib.domain.compliance.finding import Finding, FindingState, Severity, quoted
from chalicelib.domain.compliance.gather import gathered
from chalicelib.domain.compliance.registry import At, Edits, Fix, Rule
from chalicelib.domain.kit import Kit

_FIELD = re.compile(r"\{\{[^{}]*\}\}")
_OTHER_SCHEMES = re.compile(r"(mailto:[^\s@<>\"]+@[^\s@<>\"]+|(tel|sms):\+?[0-9().\- ]{2,30})", re.IGNORECASE)
_SAID = re.compile(r"(?<![\w@.-])(?:https?://)?((?:[a-z0-9à-ÿ-]{1,63}\.){0,3}[a-z0-9à-ÿ-]{2,63}\."
                   r"(?:com|org|net|de|at|ch|eu|info|shop|example|fr|es|hu|it|nl|uk|co|io|biz|store|us))(?![\w.-]*@)\b",
                   re.IGNORECASE)
"""What a reader takes for an address: a host under a suffix that people know."""


def _links(document: Document, facts: MailFacts) -> Iterator[tuple[Element, str]]:
    """All links with an address; one that a partner still fills in is not judged in the template."""
    for index, href in gathered(document).attribute("href").items():
        element = document.elements[index]
        if element.tag in ("link", "base") or (facts.template and element.region):
            continue
        if element.region != "unsubscribe":  # its address is ours and made per recipient
            yield element, href


def _empty(document: Document, facts: MailFacts) -> Iterator[Finding]:
    """LNK001: a link to nowhere. ``<a name=...>`` without an address is a target, not a link."""
    for element, href in _links(document, facts):
        if href.strip() in ("", "#"):
            yield Finding(code="LNK001", region=element.region, quote=quoted(element.text or f"<{element.tag}>"),
                          line=element.line)


def _malformed(document: Document, facts: MailFacts) -> Iterator[Finding]:
    """LNK002: an address without a scheme, with blanks, or one that clients read differently."""
    sound = set[str]()
    for element, href in _links(document, facts):
        href = href.strip()
        if href in sound or href == "" or href.startswith("#"):
            continue
        if _OTHER_SCHEMES.fullmatch(href) or urls.is_dangerous(href):
            continue  # LNK001, a place in the same mail, mail and telephone, SEC004
        if _FIELD.match(href):
            yield Finding(code="LNK002", state=FindingState.UNDECIDABLE, region=element.region, quote=quoted(href),
                          line=element.line)
            continue
        reason = _address(document, href)[1]
        if reason:
            yield Finding(code="LNK002", region=element.region, quote=quoted(href), line=element.line,
                          params={"reason": reason},
                          fix=(href, f"https://{href}") if reason == "url.scheme_missing" else None)
        else:
            sound.add(href)


def _address(document: Document, href: str) -> tuple[str, str]:
    """The host of an address, lower case and in punycode, or why it is none; each address is read once."""
    known = document.cache.setdefault("addresses", {})
    found = known.get(href)  # type: ignore[attr-defined]
    if found is None:
        try:
            found = (urls.host_of(urls.normalise(_FIELD.sub("x", href))), "")
        except urls.BadUrl as error:
            found = ("", error.code)
        known[href] = found  # type: ignore[index]
    return found  # type: ignore[no-any-return]


def _insecure(document: Document, facts: MailFacts) -> Iterator[Finding]:
    """LNK008: ``http:`` in links and images; namespaces and document types are not links."""
    given = [(index, place, value) for place, name in enumerate(("href", "src", "background"))
             for index, value in gathered(document).attribute(name).items() if ":" in value]
    insecure = {value for value in {value for _, _, value in given} if urls.scheme_of(value) == "http"}
    for index, _, value in sorted(given) if insecure else ():
        element = document.elements[index]
        if element.tag == "img" and element.region and not facts.template:
            continue  # a partner chooses among HQ's images; HQ was told at publish
        if value in insecure:
            yield Finding(code="LNK008", severity=Severity.WARN, region=element.region, quote=quoted(value),
                          line=element.line, fix=(value, re.sub(r"(?i)\Ahttp:", "https:", value.strip())))


def _hosts(document: Document, facts: MailFacts) -> Iterator[tuple[Element, str, str]]:
    """All links to a web address with their hosts, lower case and in punycode; merge fields stand for anything."""
    key = f"hosts:{facts.template}"
    if key not in document.cache:
        document.cache[key] = list(_read_hosts(document, facts))
    yield from document.cache[key]  # type: ignore[misc]


def _read_hosts(document: Document, facts: MailFacts) -> Iterator[tuple[Element, str, str]]:
    for element, href in _links(document, facts):
        href = href.strip()
        host, reason = _address(document, href)
        if not reason:  # LNK002 has told
            yield element, href, host


def _hosts_that(document: Document, facts: MailFacts, test: Callable[[str], object]) -> frozenset[str]:
    """The hosts of links that pass a test; a mail has a few, and many links to each."""
    return frozenset(host for host in {host for _, _, host in _hosts(document, facts)} if test(host))


def _shortener(document: Document, facts: MailFacts) -> Iterator[Finding]:
    """LNK003: a shortener hides where a link leads, and filters distrust it."""
    short = _hosts_that(document, facts, lambda host: hosts.registrable(host) in hosts.SHORTENERS)
    for element, href, host in _hosts(document, facts) if short else ():
        if host in short:
            yield Finding(code="LNK003", region=element.region, quote=quoted(href), line=element.line)


def _foreign(document: Document, facts: MailFacts) -> Iterator[Finding]:
    """LNK004: links lead to the brand's hosts and the partner's own. A host that a merge field writes needs a look."""
    allowed = (*facts.kit.hosts, *facts.partner_hosts)
    if not facts.kit.hosts:
        return
    for element, href in _links(document, facts):
        host_part = href.strip().partition("://")[2].partition("/")[0] if "{{" in href else ""
        if "{{" in host_part:
            yield Finding(code="LNK004", state=FindingState.UNDECIDABLE, region=element.region, quote=quoted(href),
                          line=element.line, params={"host": quoted(host_part)})
    foreign = _hosts_that(document, facts, lambda host: not urls.host_allowed(host, allowed))
    for element, href, host in _hosts(document, facts) if foreign else ():
        if host in foreign and "{{" not in href.partition("://")[2].partition("/")[0]:
            yield Finding(code="LNK004", region=element.region, quote=quoted(href), line=element.line,
                          params={"host": hosts.readable(host)})


def _campaign_parameters(document: Document, facts: MailFacts) -> Iterator[Finding]:
    """LNK005: links to the brand's own hosts carry the parameters that its statistics count by."""
    for element, href, host in _hosts(document, facts) if facts.kit.utm else ():
        if not urls.host_allowed(host, facts.kit.hosts) or href in facts.kit.terms:
            continue
        given = dict(parse_qsl(urlsplit(href).query, keep_blank_values=True))
        wrong = [(n, v) for n, v in facts.kit.utm if n not in given or (v not in ("", "*") and given[n] != v)]
        if wrong:
            yield Finding(code="LNK005", severity=Severity.INFO, region=element.region, quote=quoted(href),
                          line=element.line, params={"missing": ", ".join(n for n, _ in wrong)},
                          fix=(href, _with(href, wrong)))


def _with(href: str, wanted: Sequence[tuple[str, str]]) -> str:
    parts = urlsplit(href)
    names = {n for n, _ in wanted}
    kept = [(n, v) for n, v in parse_qsl(parts.query, keep_blank_values=True) if n not in names]
    query = urlencode([*kept, *((n, "" if v == "*" else v) for n, v in wanted)])
    return urlunsplit(parts._replace(query=query))


def _other_words(document: Document, facts: MailFacts) -> Iterator[Finding]:
    """LNK006: a link whose words are an address leads to that address's owner."""
    for element, _, host in _hosts(document, facts):
        for said in _SAID.findall(element.text[:1_000].lower()) if "." in element.text else ():
            if not hosts.same_owner(said, hosts.readable(host)) and not hosts.same_owner(said, host):
                yield Finding(code="LNK006", region=element.region, quote=quoted(element.text), line=element.line,
                              params={"said": said, "host": hosts.readable(host)})
                break


def _imitation(document: Document, facts: MailFacts) -> Iterator[Finding]:
    """LNK007: a host that only looks like the brand's, by letters of other alphabets or a typing mistake."""
    own = (*facts.kit.hosts, *facts.partner_hosts)
    brands = [*(n.name for n in facts.kit.names), *(hosts.registrable(h).split(".")[0] for h in facts.kit.hosts)]
    foreign = _hosts_that(document, facts, lambda host: not urls.host_allowed(host, own))
    imitated = {host: hosts.imitates(host, brands) for host in foreign}
    for element, _, host in _hosts(document, facts) if foreign else ():
        if brand := imitated.get(host):
            yield Finding(code="LNK007", region=element.region, quote=quoted(hosts.readable(host)), line=element.line,
                          params={"brand": brand})


def _put_right(text: str, finding: Finding, kit: Kit) -> Edits:
    """LNK002, LNK005, LNK008: the address that the rule wants in place of the one it found."""
    wrong, right = finding.fix or ("", "")
    return ((0, len(text), right.strip()),) if wrong and text.strip() == wrong.strip() != right.strip() else ()


RULES = (
    Rule("LNK001", Severity.BLOCK, _empty),
    Rule("LNK002", Severity.BLOCK, _malformed, fix=Fix(_put_right, At.ADDRESS)),
    Rule("LNK003", Severity.BLOCK, _shortener),
    Rule("LNK004", Severity.BLOCK, _foreign),
    Rule("LNK005", Severity.INFO, _campaign_parameters, fix=Fix(_put_right, At.ADDRESS)),
    Rule("LNK006", Severity.BLOCK, _other_words),
    Rule("LNK007", Severity.BLOCK, _imitation),
    Rule("LNK008", Severity.WARN, _insecure, fix=Fix(_put_right, At.ADDRESS)),
)
