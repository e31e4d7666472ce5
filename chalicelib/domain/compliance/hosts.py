"""Hosts of links: who owns them, and what only looks like one of the brand's."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from functools import lru_cache

from chalicelib.domain.compliance.words import typing_distance

_SHORTENERS = (
    "bit.ly tinyurl.com t.co goo.gl ow.ly is.gd buff.ly rebrand.ly cutt.ly rb.gy shorturl.at tiny.cc bl.ink lnkd.in"
    " t.ly s.id v.gd shorte.st adf.ly soo.gd clck.ru qr.ae kurzelinks.de tny.im x.co dlvr.it snip.ly short.io"
    " rotf.lol urlz.fr u.to 1url.com bit.do mcaf.ee po.st su.pr wp.me fb.me amzn.to goo.su"
)
SHORTENERS = frozenset(_SHORTENERS.split())
_SUFFIXES = (
    "co.uk org.uk ac.uk gov.uk me.uk ltd.uk com.au net.au org.au co.nz co.jp ne.jp or.jp com.br com.mx com.ar com.tr"
    " com.cn com.tw com.hk com.sg co.in co.kr co.za co.il com.pl com.ua com.es org.es nom.es co.at or.at co.hu"
    " org.hu asso.fr com.fr gouv.fr com.pt co.id com.my com.ph com.vn co.th com.co com.pe com.gr com.ro"
)
_SECOND_LEVEL = frozenset(_SUFFIXES.split())
"""Suffixes of two parts under which the countries that we know register names (publicsuffix.org)."""
_LOOKALIKES = str.maketrans({
    **dict(zip("аеорсхуіјѕԁһӏԛԝкмтвнпгч", "aeopcxyijsdhlqwkmtbhnry", strict=False)),
    **dict(zip("αβεηικνορτυχωϲ", "abeniknoptuxwc", strict=False)),
    "ı": "i", "ł": "l", "ø": "o", "đ": "d", "ß": "b", "æ": "ae", "œ": "oe", "0": "o", "1": "l", "3": "e", "5": "s",
    "|": "l", "!": "i", "$": "s", "ɡ": "g", "ո": "n", "ս": "u", "օ": "o",
})


def registrable(host: str) -> str:
    """The part of a host that somebody registers (``shop.example.co.uk`` -> ``example.co.uk``)."""
    labels = host.lower().rstrip(".").split(".")
    size = 3 if ".".join(labels[-2:]) in _SECOND_LEVEL else 2
    return ".".join(labels[-size:])


def same_owner(first: str, second: str) -> bool:
    """Whether two hosts lie under one registered name."""
    return registrable(first) == registrable(second)


@lru_cache(maxsize=512)
def readable(host: str) -> str:
    """A host with its punycode decoded; as it stands where that is not possible."""
    if "xn--" not in host:
        return host
    out = []
    for label in host.split(".")[:20]:
        try:
            out.append(label[4:63].encode("ascii").decode("punycode") if label.startswith("xn--") else label)
        except UnicodeError:
            out.append(label)
    return ".".join(out)


@lru_cache(maxsize=1024)
def skeleton(label: str) -> str:
    """What a label looks like: look-alikes of other alphabets and digits as Latin letters, accents gone."""
    plain = label.casefold().translate(_LOOKALIKES)
    plain = "".join(c for c in unicodedata.normalize("NFKD", plain) if not unicodedata.combining(c))
    return plain.replace("rn", "m").replace("vv", "w").replace("cl", "d").replace("-", "")


def _script(char: str) -> str:
    return unicodedata.name(char, "?").split(" ")[0] if char.isalpha() else ""


def mixed(label: str) -> bool:
    """Whether a label mixes alphabets, as no honest name does."""
    return len({s for s in map(_script, label) if s} - {"MODIFIER"}) > 1


def imitates(host: str, brands: Iterable[str]) -> str:
    """The brand's name that a foreign host's registered name imitates, or "".

    A label that holds the brand's whole name beside other words (``nordlicht-freiburg``) is how
    dealers name their sites and no imitation; one or two letters off is.
    """
    label = readable(registrable(host)).split(".")[0]
    shape = skeleton(label)
    for brand in brands:
        name = "".join(c for c in brand.casefold() if c.isalnum())
        if len(name) < 4 or label.casefold() == name:
            continue
        if shape == skeleton(name) and label.casefold().replace("-", "") != name:
            return brand
        if 0 < typing_distance(label.casefold(), name) <= (2 if len(name) >= 8 else 1 if len(name) >= 5 else 0):
            return brand
    return label if mixed(label) else ""
