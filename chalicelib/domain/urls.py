"""What a link in a mail may be: an absolute web address that every client reads the same way."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import urlsplit, urlunsplit

MAX_LENGTH = 2000
DANGEROUS = ("javascript", "vbscript", "data", "file", "blob", "about", "filesystem")
_SCHEME = re.compile(r"([a-z][a-z0-9+.\-]*):", re.IGNORECASE)
_IGNORED = re.compile(r"[\x00-\x20\x7f-\xa0\xad\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
_BAD = re.compile(r"[\x00-\x20\x7f-\xa0\"<>\\^`{|}]")
_LABEL = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?+"
PLAIN = re.compile(rf"https?://(?:{_LABEL}\.){{1,4}}[a-z]{{2,20}}(?:/[A-Za-z0-9/._~%+=,-]*+)?"
                   r"(?:\?[A-Za-z0-9/._~%+=&-]++)?")
"""An address as most are written, which is in its one form already (a test holds it to the long way)."""
_HOST = re.compile(r"(?=.{1,253}\Z)[a-z0-9_]([a-z0-9_\-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9\-]{0,61}[a-z0-9])?)+",
                   re.IGNORECASE)


class BadUrl(ValueError):
    """``code`` says why: ``url.empty``, ``url.scheme``, ``url.malformed``, ``url.user`` ..."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)


def scheme_of(url: str) -> str:
    """The scheme as a lenient browser would see it, lower case; "" where there is none.

    Control characters and blanks are taken out first, as browsers do (``java\\nscript:``).
    """
    match = _SCHEME.match(_IGNORED.sub("", url))
    return match.group(1).lower() if match else ""


def is_dangerous(url: str) -> bool:
    """Whether a URL could run or carry content of its own (SEC004)."""
    return scheme_of(url) in DANGEROUS


def normalise(url: str) -> str:
    """The URL in its one form: lower-case scheme and host, IDN host in punycode.

    Accepts http and https only; raises BadUrl for anything a client could read differently:
    blanks, backslashes, a user name before the host, a host without a dot, a bad port.
    """
    url = url.strip()
    return url if len(url) <= MAX_LENGTH and PLAIN.fullmatch(url) else carefully(url)


def carefully(url: str) -> str:
    """:func:`normalise` of any address, part by part."""
    if not url or url == "#":
        raise BadUrl("url.empty")
    if len(url) > MAX_LENGTH:
        raise BadUrl("url.too_long")
    if is_dangerous(url):
        raise BadUrl("url.dangerous")
    if scheme_of(url) not in ("http", "https"):
        # "example.com:8080/x" and "example.com" both lack their scheme.
        raise BadUrl("url.scheme_missing" if "." in url.split(":")[0] or not scheme_of(url) else "url.scheme")
    if _BAD.search(url):
        raise BadUrl("url.malformed")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise BadUrl("url.malformed") from None
    if parts.username is not None or "@" in parts.netloc:
        raise BadUrl("url.user")
    host = _ascii_host(parts.hostname or "")
    netloc = host if port is None else f"{host}:{port}"
    return urlunsplit((parts.scheme.lower(), netloc, parts.path, parts.query, parts.fragment))


def host_of(url: str) -> str:
    """The host of a normalised URL, "" if there is none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def host_allowed(host: str, allowed: Iterable[str]) -> bool:
    """Whether ``host`` is one of the allowed hosts or lies below one of them."""
    host = host.lower().rstrip(".")
    return any(host == one or host.endswith("." + one) for one in (a.lower().rstrip(".") for a in allowed))


def _ascii_host(host: str) -> str:
    if not host.isascii():
        import idna

        # The length is bounded before the conversion, which is slow on long labels (CVE-2024-3651).
        if len(host) > 253:
            raise BadUrl("url.malformed")
        try:
            host = idna.encode(host, uts46=True).decode()
        except (idna.IDNAError, UnicodeError):
            raise BadUrl("url.malformed") from None
    if not _HOST.fullmatch(host):
        raise BadUrl("url.malformed")
    return host.lower()
