# ruff: noqa: E501 - a mail on a line reads better than one in pieces
"""A labelled corpus: whole mails, each with the codes of the rules that must fire on it, and no others.

For each rule there is a mail that must fire it and two lookalikes that must not. A mail is the demo
brand's frame with something in it; what is not in the HTML (headers, dates, legal data) is a change of
its facts. The brand is that of ``templates/starter/nordlicht.kit.yaml``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from chalicelib.domain import kit as kits
from chalicelib.domain.compliance import Document, MailFacts, OpenValue
from chalicelib.domain.compliance.document import ImageFact
from chalicelib.domain.template import Slot
from chalicelib.rendering import document

KIT = kits.read((Path(__file__).resolve().parents[2] / "templates" / "starter" / "nordlicht.kit.yaml").read_text("utf-8"))
WAY_OUT = "{{unsubscribe_url}}"
LOGO = '<img src="https://images.example.com/nordlicht/logo.png" width="{w}" height="{h}" alt="Nordlicht Bikes">'
PICTURE = "https://images.example.com/nordlicht/spring-lake.png"
ENTITY = {"name": "Radhaus Lindner GmbH", "street": "Kaiserstr. 12", "postal_code": "79098", "city": "Freiburg",
          "country": "DE", "email": "info@radhaus.example", "represented_by": "Anna Lindner", "register": "HRB 700123",
          "vat_id": "DE123456789"}
IMPRINT = " ".join(ENTITY.values())
FACTS = MailFacts(
    subject="Your bike is waiting", preheader="A look at brakes and gears", plain_text=f"Text {WAY_OUT}",
    headers=(("List-Unsubscribe", f"<{WAY_OUT}>"), ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")),
    postal_address=("Radhaus Lindner GmbH", "Kaiserstr. 12", "79098", "Freiburg"), unsubscribe_placeholder=WAY_OUT,
    locked_sha256="a", rendered_locked_sha256="a", image_hosts=frozenset({"images.example.com"}), language="en",
    kit=KIT, country="DE", entity=tuple(ENTITY.items()), sends_on="2026-04-01", partner_hosts=("radhaus.example",),
    images=(ImageFact(url=PICTURE, origin="hq", fingerprint="00ff00ff00ff00ff"),),
)
FRAME = """<!DOCTYPE html>
<html lang="{lang}"><head><meta charset="utf-8">{dark}<title>Spring</title><style>{style}</style></head>
<body style="margin:0;background-color:#eef2ef">
<table role="presentation" width="100%" bgcolor="#ffffff"><tr><td style="padding:20px;background-color:#ffffff;\
color:#22302a;font-family:Georgia,serif;font-size:16px">
<h1 style="font-size:28px;color:#12372a">Back on the road</h1>
<p>The days grow longer and the first tours are calling. Before you set off, let us look over brakes and tyres.</p>
<div>{body}</div>
</td></tr></table>{after}</body></html>"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """One mail. ``body`` stands in the open field ``story``; ``locked`` in HQ's part beside it."""

    name: str
    codes: frozenset[str] = frozenset()
    body: str = ""
    locked: str = ""
    style: str = ""
    lang: str = "en"
    dark: str = '<meta name="color-scheme" content="light dark">'
    facts: dict[str, Any] = field(default_factory=dict)
    parts: dict[str, Any] = field(default_factory=dict)

    @property
    def html(self) -> bytes:
        """The whole mail."""
        return FRAME.format(lang=self.lang, dark=self.dark, style=self.style, body=self.body, after=self.locked).encode()

    def read(self) -> tuple[Document, MailFacts]:
        """What the rules see of it."""
        html = self.html
        start = html.index(b"<div>") + 5
        end = start + len(self.body.encode())
        slots = (Slot("story", start, end),) if self.body else ()
        parsed = document.read(html, slots)
        values = []
        if self.body:
            words = document.read(self.body.encode()).text
            values.append(OpenValue("story", words))
        parts: dict[str, Any] = {
            "blocks": (("unsubscribe", "Unsubscribe"), ("imprint", IMPRINT)),
            "block_links": (("unsubscribe", WAY_OUT),), "values": tuple(values), **self.parts,
        }
        return replace(parsed, **parts), replace(FACTS, **self.facts)


_LONG = "Notwithstanding considerable organisational complications, comprehensive "
_MORE = "maintenance appointments continue unconditionally regardless of international circumstances "
HARD = (_LONG + _MORE) * 6
VML = '<!--[if mso]><v:rect><v:fill src="https://images.example.com/b.png"></v:rect><![endif]-->'
BEHIND = '<p style="background-image:url(https://images.example.com/b.png)">&nbsp;</p>'
SPANISH = "Las bicicletas de la tienda están en la calle para que usted lo vea con su familia hasta el domingo."
CONTENT = "The shop is in the old part of the town and you will find it by the river with ease."
OWN = ImageFact(url="https://images.example.com/own/team.jpg", fingerprint="f0f0f0f00f0f0f0f")
TEAM = '<img src="https://images.example.com/own/team.jpg" width="300" height="200" alt="Our team">'
PLAIN = f'<img src="{PICTURE}" width="300" height="200" alt="A lake">'
REQUIRED_LOGO = {"kit": replace(KIT, logo_required=True)}
SPACE = '<table role="presentation"><tr><td style="padding:{p}">' + LOGO.format(w=240, h=80) + "</td></tr></table>"
CREDIT = "Credit is subject to status and provided by Polar Bank."
TERMS_LINK = '<a href="https://www.example.com/terms">Terms of the offer</a>'
SIZED = {"html_bytes": 103 * 1024}
STYLE = "p{color:#22302a}" * 1_100
HEAVY = {"images": (ImageFact(url=PICTURE, origin="hq", animated=True, size=2_000_000, kind="gif"),)}
LIGHT = {"images": (ImageFact(url=PICTURE, origin="hq", animated=True, size=300_000, kind="gif"),)}

TABLE: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "BRD001": ({"locked": '<p style="color:#cc00cc;font-family:Georgia,serif;background:#fff">Pink</p>'},
               {"locked": '<p style="color:#12382b;background-color:#fff">Nearly the green</p>'},
               {"locked": '<p title="#cc00cc" style="color:#000">About #cc00cc and red roses</p>'}),
    "BRD002": ({"locked": '<p style="font-family:Comic Sans MS,cursive">Jokes</p>'},
               {"locked": '<p style="font-family:\'Segoe UI\',Arial,sans-serif">Plain</p>'},
               {"locked": "<p>We love Comic Sans MS, a font-family of its own</p>"}),
    "BRD003": ({"facts": REQUIRED_LOGO},
               {"facts": REQUIRED_LOGO, "locked": SPACE.format(p="16px")},
               {"facts": {"kit": replace(KIT, logo_required=True, logos=(replace(KIT.logos[0], sha256="b" * 64),)),
                          "images": (ImageFact(url=PICTURE, sha256="b" * 64, origin="hq"),)},
                "locked": f'<table role="presentation"><tr><td style="padding:20px"><img src="{PICTURE}" width="240" '
                          'height="80" alt="Nordlicht"></td></tr></table>'}),
    "BRD004": ({"locked": SPACE.format(p="20px").replace('width="240"', 'width="90"')},
               {"locked": SPACE.format(p="20px")},
               {"locked": SPACE.format(p="20px").replace('width="240" height="80"', 'width="241" height="80"')}),
    "BRD005": ({"locked": SPACE.format(p="4px 20px")},
               {"locked": SPACE.format(p="16px")}, {"locked": SPACE.format(p="18px 20px 16px 30px")}),
    "BRD006": ({"body": TEAM}, {"body": PLAIN},
               {"body": TEAM, "facts": {"images": (*FACTS.images, replace(OWN, approved=True))}}),
    "BRD007": ({"body": "<p>Come to Nordlihct Bikes today</p>"}, {"body": "<p>Come to Nordlicht Bikes' spring day</p>"},
               {"body": "<p>The northern light above our bikes, NORDLICHT BIKES</p>", "also": "BRD012"}),
    "BRD008": ({"body": "<p>The Fjordrunner is here</p>"}, {"body": "<p>The Fjordrunner® is here, try the Fjordrunner</p>"},
               {"body": "<p>A run along the fjord, with many runners</p>"}),
    "BRD009": ({"body": "<p>The <b>chea</b>pest check-up in town</p>"}, {"body": "<p>Not only for the cheap, also for fans</p>"},
               {"body": "<p>The best service in our world of bikes</p>"}),
    "BRD010": ({"body": "<p>Now with 0% finance</p>"},
               {"body": f'<p>Now with 0% finance</p><p><a href="https://www.example.com/finance">{CREDIT}</a></p>'},
               {"body": "<p>Our finance team is here, at 10% less noise</p>"}),
    "BRD011": ({"body": "<p>Better than Velomax</p>"}, {"body": "<p>To the max on the velo</p>"},
               {"body": "<p>A cycle ride in the south wind</p>"}),
    "BRD012": ({"body": "<p>Come NOW and HURRY before WINTER</p>"}, {"body": "<p>Radhaus Lindner GMBH has ABS and USB!</p>"},
               {"body": "<p>What a day! We look forward to it.</p>"}),
    "BRD013": ({"body": f"<p>{HARD}</p>"}, {"body": "<p>" + "We look at it. You ride on. " * 20 + "</p>"},
               {"body": f"<p>{_LONG}{_MORE}</p>"}),
    "BRD014": ({"body": f"<p>{SPANISH}</p>"}, {"body": f"<p>{CONTENT}</p>"}, {"body": "<p>La vie en rose et le café de la gare</p>"}),
    "BRD015": ({"facts": {"ends": (("price", "2026-03-31"),)}}, {"facts": {"ends": (("price", "2026-04-01"),)}},
               {"body": "<p>We have stood here since 2019-03-31</p>"}),
    "LNK001": ({"locked": '<p><a href="#">Nowhere known</a></p>'}, {"locked": '<p><a name="top"></a>The top of it</p>'},
               {"locked": '<p><a href="#top" style="color:#12372a">To the top</a></p>'}),
    "LNK002": ({"body": '<a href="www.example.com/spring offers">Spring offers</a>'},
               {"body": '<a href="https://www.example.com/spring%20offers?x=1#y">Spring offers</a>'},
               {"body": '<a href="mailto:info@radhaus.example">Write to us</a>'}),
    "LNK003": ({"body": '<a href="https://bit.ly/3abc">Our offers</a>', "also": "LNK004"},
               {"body": '<a href="https://www.example.com/bit.ly">Our offers</a>'},
               {"body": '<a href="https://habit.ly.example.com/">Our offers</a>'}),
    "LNK004": ({"body": '<a href="https://elsewhere.test/">Another site</a>'},
               {"body": '<a href="https://shop.example.com/a">The shop</a>'},
               {"body": '<a href="https://www.radhaus.example/">Our site</a>'}),
    "LNK005": ({"body": '<a href="https://www.example.com/a">The offers</a>', "facts": {"kit": replace(KIT, utm=(("utm_source", "mail"),))}},
               {"body": '<a href="https://www.example.com/a?utm_source=mail">The offers</a>',
                "facts": {"kit": replace(KIT, utm=(("utm_source", "mail"),))}},
               {"body": '<a href="https://www.radhaus.example/a">Our page</a>', "facts": {"kit": replace(KIT, utm=(("utm_source", "mail"),))}}),
    "LNK006": ({"body": '<a href="https://www.example.com/pay">www.radhaus.example</a>'},
               {"body": '<a href="https://shop.example.com/pay">www.example.com</a>'},
               {"body": '<a href="https://www.example.com/pay">Version 2.de luxe, write to a@b.de</a>'}),
    "LNK007": ({"body": '<a href="https://nordl1cht.test/">Log in there</a>', "also": "LNK004"},
               {"body": '<a href="https://nordlicht.example/login">Log in there</a>'},
               {"body": '<a href="https://nordlicht-freiburg.test/">Our sister shop</a>', "also": "LNK004"}),
    "LNK008": ({"body": '<a href="http://www.example.com/">Our offers</a>'},
               {"body": '<a href="https://www.example.com/?to=http://www.example.com/">Our offers</a>'},
               {"body": "<p>Type http: and see</p>"}),
    "LEG001": ({"parts": {"blocks": (("imprint", IMPRINT),), "block_links": ()}},
               {"body": "<p>How to unsubscribe from lectures</p>"}, {"parts": {"blocks": (
                   ("unsubscribe", "Abmelden"), ("imprint", IMPRINT))}}),
    "LEG002": ({"facts": {"postal_address": ()}}, {"facts": {"postal_address": ("Radhaus  Lindner GmbH", "Freiburg")}},
               {"parts": {"blocks": (("unsubscribe", "x"), ("address", IMPRINT))}}),
    "LEG003": ({"facts": {"entity": tuple({**ENTITY, "register": ""}.items())}}, {"facts": {"country": "US"}},
               {"facts": {"country": "GB", "entity": tuple({**ENTITY, "register": ""}.items())}}),
    "LEG004": ({"body": "<p>A check-up for €49</p>"},
               {"body": "<p>A check-up for €49 including VAT, valid until 31 May</p>"},
               {"body": "<p>From 9.30 am, 20% of all 49 riders, only 3.5 km away</p>"}),
    "LEG005": ({"body": "<p>Check-up* for all riders</p>"},
               {"body": "<p>Check-up* for all riders</p><p>* While we have time.</p>"},
               {"body": "<p>A frame of 3 * 4 tubes, 5*6 spokes and five * stars</p>"}),
    "LEG006": ({"body": "<p>Win a bike this spring</p>"}, {"body": f"<p>Win a bike this spring</p>{TERMS_LINK}"},
               {"body": "<p>The window is open, feel at freedom</p>"}),
    "LEG007": ({"facts": {"subject": "Re: your order"}}, {"facts": {"subject": "Refreshed for spring"}},
               {"facts": {"subject": "Rewards: ride more"}}),
    "LEG008": ({"facts": {"message_class": ""}}, {"facts": {"message_class": "service"}},
               {"facts": {"message_class": "safety"}}),
    "DLV001": ({"parts": SIZED}, {"parts": {"html_bytes": 90 * 1024}}, {"parts": {"html_bytes": 1_000}}),
    "DLV002": ({"body": PLAIN * 9}, {"body": PLAIN}, {
        "locked": '<img src="https://images.example.com/p.gif" width="1" height="1" alt="">'}),
    "DLV003": ({"body": "<p>Act now and be quick</p>"}, {"body": "<p>An act, now and then, in the theatre</p>"},
               {"body": "<p>No obligations of any kind</p>"}),
    "DLV004": ({"facts": {"plain_text": ""}}, {"facts": {"plain_text": f"x {WAY_OUT}"}},
               {"facts": {"plain_text": f"{WAY_OUT}\n\nLong text"}}),
    "DLV005": ({"facts": {"headers": FACTS.headers[:1]}},
               {"facts": {"headers": tuple((n.lower(), v) for n, v in FACTS.headers)}},
               {"facts": {"headers": (*FACTS.headers, ("X-Other", "1"))}}),
    "DLV006": ({"facts": {"subject": "x" * 61}}, {"facts": {"subject": "x" * 60}}, {"facts": {"subject": "👩‍👩‍👧‍👦 and us " + "y" * 40}}),
    "DLV007": ({"facts": {"preheader": "YOUR bike is waiting"}}, {"facts": {"preheader": "Your bike is waiting for you"}},
               {"facts": {"preheader": "Soon"}}),
    "DLV008": ({"body": "<p>Hello *|FNAME|*</p>", "also": "SEC008"}, {"body": "<p>Hello * | and 5 * 3 || 2</p>"},
               {"body": "<p>100 %% sure [[ or not</p>"}),
    "CLI001": ({"style": "p{display:grid}"}, {"style": "p{display:block;border-radius:4px}"},
               {"locked": "<p>A grid of display: grid</p>"}),
    "CLI002": ({"style": STYLE}, {"style": "@media (max-width:600px){p{color:#22302a}}"},
               {"style": "p{color:#22302a}" * 900}),
    "CLI003": ({"locked": BEHIND}, {"locked": VML + BEHIND},
               {"locked": '<p style="background-color:#eef2ef">Of background: url and images</p>'}),
    "CLI004": ({"body": PLAIN, "facts": HEAVY}, {"body": PLAIN, "facts": LIGHT},
               {"body": PLAIN, "facts": {"images": (ImageFact(url=PICTURE, origin="hq", kind="png", size=9_000_000),)}}),
    "A11Y001": ({"locked": f'<img src="{PICTURE}" width="300" height="200">'},
                {"locked": f'<img src="{PICTURE}" width="300" height="200" alt="">'},
                {"locked": f'<img src="{PICTURE}" width="1" height="1">'}),
    "A11Y002": ({"locked": '<p style="color:#aebbb4;background-color:#ffffff">Grey on white</p>'},
                {"locked": '<p style="color:#55645c;background-color:#ffffff">Darker grey on white</p>'},
                {"locked": '<p style="color:#2e8b63;background-color:#fff;font-size:24px">Large green</p>'}),
    "A11Y003": ({"lang": "de"}, {"lang": "en-GB"}, {"lang": "EN"}),
    "A11Y004": ({"locked": "<table><tr><td>Two</td><td>cells</td></tr></table>"},
                {"locked": '<table role="none"><tr><td>Two</td></tr></table>'},
                {"locked": "<table><tr><th>Day</th><td>Monday</td></tr></table>"}),
    "A11Y005": ({"body": "<h4>Much deeper</h4>"}, {"body": "<h2>One deeper</h2><h3>Two deeper</h3>"},
                {"body": "<h2>One deeper</h2><h1>And up again</h1>"}),
    "A11Y006": ({"body": '<a href="https://www.example.com/a">Click here!</a>'},
                {"body": '<a href="https://www.example.com/a">Click here for the opening hours</a>'},
                {"body": "<p>Click here, read more, and so on</p>"}),
    "A11Y007": ({"locked": '<p style="font-size:11px">Small words</p>'}, {"locked": '<p style="font-size:14px">Fine words</p>'},
                {"locked": '<p style="font-size:0"><span style="font-size:11pt">Of 14.7 pixels</span></p>'}),
    "A11Y008": ({"dark": ""}, {"dark": "", "style": "@media (prefers-color-scheme:dark){p{color:#fff}}"},
                {"dark": '<meta name="Color-Scheme" content="light">'}),
    "A11Y009": ({"body": PLAIN.replace("A lake", "spring-lake.png")}, {"body": PLAIN.replace("A lake", "Lake in spring")},
                {"body": PLAIN.replace("A lake", "The new .png format explained")}),
    "SEC001": ({"locked": "<form><p>Tell us</p></form>"}, {"locked": "<p>Fill in the form &lt;form&gt;</p>"},
               {"locked": "<!-- <form> -->"}),
    "SEC002": ({"style": "@import 'https://a.example/x.css';"}, {"style": "/* @import 'x' */ p{color:#22302a}"},
               {"body": "<p>@import is a rule</p>"}),
    "SEC003": ({"locked": '<p onclick="x()">Press</p>'}, {"locked": '<p title="onclick=x" class="onclick">Press</p>'},
               {"body": "<p>onclick=run()</p>"}),
    "SEC004": ({"locked": '<p><a href="java&#9;script:x" style="color:#12372a">Run it</a></p>'},
               {"locked": '<p><a href="https://www.example.com/?u=javascript:x" style="color:#12372a">About it</a></p>'},
               {"body": "<p>data: and javascript: are words</p>"}),
    "SEC005": ({"locked": '<img src="https://track.test/o.gif" width="1" height="1" alt="">'},
               {"locked": '<img src="https://images.example.com/o.gif" width="1" height="1" alt="">'},
               {"locked": '<img src="https://track.test/line.gif" width="1" height="40" alt="">'}),
    "SEC006": ({"facts": {"rendered_locked_sha256": "b"}}, {"facts": {"locked_sha256": "b", "rendered_locked_sha256": "b"}}, {}),
    "SEC007": ({"locked": '<p style="display:none">Many words for filters</p>'},
               {"locked": '<p style="font-size:0"><span style="font-size:16px">Seen</span></p>'},
               {"locked": '<p style="display:none"> </p>'}),
    "SEC008": ({"locked": '<p style="width:expression(1)">Odd</p>'}, {"style": "p{position:relative;content:'expression(x)'}"},
               {"body": "<p>The expression of joy: behaviour</p>"}),
}
"""Rule -> a mail that fires it, and two that look alike; ``also`` are codes that are right on it, too."""


LIBRARY = "https://media.example.com/ORG/0000/"
SHOWN = '<img src="{url}" width="{w}" height="{h}" alt="A lake in spring">'
LAKE = ImageFact(url=LIBRARY + "lake.jpg", sha256="a" * 64, fingerprint="00ff00ff00ff00ff", width=600, height=280,
                 kind="jpeg", size=90_000, origin="hq", name="Lake")
SHOP = replace(LAKE, url="https://media.example.com/P/prt_1/0000/shop.jpg", sha256="c" * 64,
               fingerprint="f0f00f0ff0f00f0f", origin="partner", name="Our shop")
MARK = replace(LAKE, url=LIBRARY + "mark.png", sha256="d" * 64, fingerprint="", width=480, height=160, kind="png",
               name="Mark", logo=True)
BUSY = replace(LAKE, url=LIBRARY + "busy.gif", kind="gif", animated=True, size=2_000_000)


def _with(*images: ImageFact, **more: Any) -> dict[str, Any]:
    """A picture in the open field, with what the library knows."""
    shown = SHOWN.format(url=images[0].url, w=images[0].width, h=images[0].height)
    return {"body": shown, "facts": {"images": (*FACTS.images, *images), **more}}


def _locked(image: ImageFact, width: int, height: int, kit: Any = None) -> dict[str, Any]:
    """A logo in the locked part, in a cell with clear space, where a logo is demanded."""
    cell = f'<table role="presentation"><tr><td style="padding:20px">{SHOWN}</td></tr></table>'
    return {"locked": cell.format(url=image.url, w=width, h=height),
            "facts": {"images": (*FACTS.images, image), "kit": kit or replace(KIT, logo_required=True)}}


BY_HASH = replace(KIT, logo_required=True, logos=(replace(KIT.logos[0], url="", sha256="d" * 64, ratio=0.0),))
PICTURES: dict[str, tuple[str, dict[str, Any]]] = {
    "a picture of the library": ("", _with(LAKE)),
    "a partner's own picture": ("BRD006", _with(SHOP, LAKE)),
    "an own picture that was approved": ("", _with(replace(SHOP, approved=True))),
    "an own picture that is nearly the library's": ("BRD006", _with(replace(SHOP, fingerprint="00ff00ff00ff00fe"), LAKE)),
    "a picture that nobody knows": ("BRD006", _with(LAKE) | {"body": SHOWN.format(url="https://a.example/x.jpg", w=9, h=9)}),
    "a picture that was withdrawn": ("BRD006", _with(replace(LAKE, withdrawn=True))),
    "an approved picture that was withdrawn": ("BRD006", _with(replace(SHOP, approved=True, withdrawn=True))),
    "an own picture where the brand's are wanted": ("BRD006", _with(replace(SHOP, approved=True),
                                                                    brand_only=frozenset({"story"}))),
    "the brand's picture where the brand's are wanted": ("", _with(LAKE, brand_only=frozenset({"story"}))),
    "a picture past its last day": ("BRD015", _with(replace(LAKE, ends="2026-03-31"))),
    "a picture on its last day": ("", _with(replace(LAKE, ends="2026-04-01"))),
    "another picture is past its day": ("", _with(LAKE, replace(SHOP, ends="2026-03-31"))),
    "a logo of the library": ("", _locked(MARK, 240, 80)),
    "a logo of the kit by its bytes": ("", _locked(replace(MARK, logo=False), 240, 80, BY_HASH)),
    "another picture is no logo": ("BRD003", _locked(replace(MARK, logo=False), 240, 80)),
    "a withdrawn logo is none": ("BRD003", _locked(replace(MARK, withdrawn=True), 240, 80)),
    "a logo of the library, squeezed": ("BRD004", _locked(MARK, 240, 100)),
    "a logo of the kit by its bytes, squeezed": ("BRD004", _locked(MARK, 240, 100, BY_HASH)),
    "a logo of the library, rounded": ("", _locked(MARK, 241, 80)),
    "a heavy animation of the library": ("CLI004", _with(BUSY)),
    "a light animation of the library": ("", _with(replace(BUSY, size=300_000))),
    "a still one of the same size": ("", _with(replace(BUSY, animated=False))),
}
"""What the rules say of pictures by what the library knows of them: name -> code that fires, or none."""


def mails() -> Iterator[Mail]:
    """All of them."""
    for name, (code, changes) in PICTURES.items():
        yield _mail(name, dict(changes), {code} if code else set())
    for code, (fires, *alike) in TABLE.items():
        yield _mail(f"{code} fires", fires, {code})
        for number, changes in enumerate(alike, 1):
            yield _mail(f"{code} lookalike {number}", changes, set())


def _mail(name: str, changes: dict[str, Any], codes: set[str]) -> Mail:
    changes = dict(changes)
    also = set(str(changes.pop("also", "")).split())
    return Mail(name=name, codes=frozenset(codes | also), **changes)
