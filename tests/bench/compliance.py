"""The compliance rules: how right they are and how fast. ``python -m tests.bench.compliance``.

Precision and recall per rule come from the labelled corpus in ``tests/corpus``.

**The yardstick** of speed is one lxml parse and walk of the same mail: parse the bytes with ``lxml.html``,
go to every element once, look at its name, at the name and value of each attribute, and at its text and
tail, cut into words. That is the least that anything must do which judges a mail, and nothing is judged by
it. All rules (reading the mail by our own tokeniser included) may take eight times as long. Both are CPU
times, in turns, medians; whatever the program remembers of earlier mails is forgotten before each run.

The realistic mail repeats its rows with some forty styles and links, as mails do. In the hostile one each
row has styles, colours, links and words of its own, is nested, hides a part for Outlook and breaks rules, so
that nothing can be remembered and thousands of findings are made; it has no limit but that its time, too,
grows with its size only.

**Hints** are what the form asks for while somebody types (``usecases.preview.hints``, which the page of hints
and the gate call): one value changes, the whole mail is rendered and judged. "First" is what a function pays that
has seen neither the template nor a mail of it; as in ``app.py``, garbage is not looked for among what was imported.
"""

from __future__ import annotations

import gc
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from chalicelib.domain import values
from chalicelib.domain.campaign import Draft
from chalicelib.domain.compliance import RULES, Demands, OpenValue, cascade, colours, css, hosts
from chalicelib.domain.compliance.registry import run
from chalicelib.domain.ids import CampaignId, PersonId
from chalicelib.domain.template import RegionType, TemplateVersion
from chalicelib.rendering import document, fill, text, tokens
from chalicelib.rendering import mail as rendering_mail
from chalicelib.usecases import preview
from tests.corpus.mails import FACTS, FRAME, IMPRINT, KIT, WAY_OUT, mails
from tests.rendering.samples import ENTITY, version

MOST_OF_WALK = 8.0
MOST_OF_SMALL = 1.5
"""How much longer a kilobyte of a large mail may take than one of a small mail, for the time to be linear."""
MOST_OF_HINTS = 30.0
"""Milliseconds of CPU, of the first ones too."""
SIZES = (100_000, 300_000, 1_000_000)
STARTER = Path(__file__).resolve().parents[2] / "templates" / "starter" / "spring-offer.en.html"
ROW = (
    '<tr><td style="padding:{n}px 40px;background-color:#ffffff"><p style="margin:0;color:#22302a;font-family:Georgia,'
    'serif;font-size:16px">Come by on day {n} and try one of {n} bikes, we look at brakes and gears of each.</p>'
    '<a href="https://www.example.com/offer/{n}" style="color:#1d6a4c">See offer number {n}</a>'
    '<img src="https://images.example.com/nordlicht/spring-lake.png" width="300" height="200" alt="A lake"></td></tr>'
)
HOSTILE_ROW = (
    '<tr><td style="padding:calc({n}px + 1px);background:rgb({a},{b},{n}%)"><div><div><p style="color:rgb({b},{a},9);'
    'font:bold {a}px/1.2 Font{n},serif">Nordlihct bikes {n} are free, act now: only {n}.99 &amp; 100% free &#42;</p>'
    '</div></div><a href="https://shop{n}.example.net/{n}?x={n}" style="color:#{n:06x}">www.other{n}.com</a>'
    '<!--[if mso]><v:rect href="http://e.example/{n}"><b style="color:#{n:06x}">{n}</b></v:rect><![endif]-->'
    '<img src="http://e.example/{n}.webp" alt="img_{n}.png" width=1 height={n}></td></tr>'
)


def mail(size: int) -> bytes:
    """A realistic mail of about ``size`` bytes."""
    return _framed("".join(ROW.format(n=n % 40) for n in range(size // len(ROW))))


def hostile(size: int) -> bytes:
    """A mail of about ``size`` bytes in which every row is new and wrong."""
    return _framed("".join(
        HOSTILE_ROW.format(n=n, a=n % 256, b=n * 7 % 256) for n in range(size // (len(HOSTILE_ROW) - 30))))


def _framed(rows: str) -> bytes:
    body = f'<table role="presentation">{rows}</table>'
    return FRAME.format(lang="en", dark="", style="p{margin:0}", body=body, after="").encode()


def forget() -> None:
    """As if no mail had been read before."""
    for cache in (
        tokens.remembered, tokens.plain_pairs, css.remembered, css.component_values, cascade.rules, colours.parse,
        colours.within, colours.lab, colours.luminance, hosts.readable, hosts.skeleton, text.remembered, fill.published,
        rendering_mail.template_places,
    ):
        cache.cache_clear()


def rules(html: bytes) -> int:
    """All rules on a mail, from its bytes."""
    parsed = document.read(html, (), values=[OpenValue("story", "Come by and try one")])
    blocks = {"blocks": (("unsubscribe", "x"), ("imprint", IMPRINT)), "block_links": (("unsubscribe", WAY_OUT),)}
    for name, value in blocks.items():
        object.__setattr__(parsed, name, value)
    return len(run(RULES, parsed, FACTS))


def walk(html: bytes) -> int:
    """One lxml parse and a walk that looks at each element's name, attributes and text."""
    from lxml import html as lxml_html

    found = 0
    for element in lxml_html.fromstring(html).iter():
        found += len(str(element.tag)) + sum(len(n) + len(v) for n, v in element.attrib.items())
        found += len((element.text or "").split()) + len((element.tail or "").split())
    return found


def cpu(work: Callable[[], object]) -> float:
    """Milliseconds of CPU."""
    began = time.process_time()
    work()
    return (time.process_time() - began) * 1000


def quality() -> list[tuple[str, int, int, int]]:
    """Per rule: right, wrong and missed firings over the corpus."""
    right, wrong, missed = Counter[str](), Counter[str](), Counter[str]()
    for one in mails():
        found = {finding.code for finding in run(RULES, *one.read())}
        right.update(found & one.codes)
        wrong.update(found - one.codes)
        missed.update(one.codes - found)
    return [(rule.code, right[rule.code], wrong[rule.code], missed[rule.code]) for rule in RULES]


def speed(html: bytes, rounds: int) -> tuple[float, float]:
    """Medians of all rules and of the walk, in turns."""
    ours, theirs = list[float](), list[float]()
    for _ in range(rounds):
        theirs.append(cpu(lambda: walk(html)))
        forget()
        ours.append(cpu(lambda: rules(html)))
    return statistics.median(ours), statistics.median(theirs)


def large_template(size: int) -> bytes:
    """The starter template with as many locked rows as ``size`` bytes hold."""
    source = STARTER.read_bytes()
    rows = "".join(ROW.format(n=n % 40) for n in range((size - len(source)) // len(ROW)))
    return source.replace(b"</body>", f'<table role="presentation">{rows}</table></body>'.encode())


def hints(of: TemplateVersion, keystrokes: int) -> tuple[float, float]:
    """Medians of a first hint and of those after each further keystroke in a text."""
    field = next(region.id for region in of.regions if region.type is RegionType.TEXT)
    demands, taken = Demands(kit=KIT, sends_on="2026-04-01"), (list[float](), list[float]())
    for number in range(2 * keystrokes):
        cold = number % 2 == 0
        if cold:
            forget()
        draft = Draft(
            campaign=CampaignId("cmp_x"), template=of.template, template_version=1, subject=of.subject,
            preheader=of.preheader, values={**values.defaults(of.regions), field: "Come by and try " + "x" * number},
            saved_at=datetime(2026, 1, 1, tzinfo=UTC), saved_by=PersonId("prs_x"),
        )
        spent = cpu(lambda draft=draft: preview.hints(of, draft, ENTITY, demands))  # type: ignore[misc]
        taken[not cold].append(spent)
    return statistics.median(taken[0]), statistics.median(taken[1])


def main() -> int:
    """Print the tables; 1 if something is above its limit."""
    print("rule      fires  precision  recall")
    for code, right, wrong, missed in quality():
        precision, recall = right / max(1, right + wrong), right / max(1, right + missed)
        print(f"{code:9} {right:5}  {precision:9.2f}  {recall:6.2f}")
    over = _speeds() + _hints()
    return 1 if over else 0


def _speeds() -> int:
    over = 0
    print("\nmail                 all rules    lxml parse and walk   ratio   ms per 100 KB")
    for name, make in (("realistic", mail), ("hostile", hostile)):
        first = 0.0
        for size in SIZES:
            html = make(size)
            our, their = speed(html, 9 if size < 500_000 else 3)
            each = our * 100_000 / len(html)
            first = first or each
            bad = (name == "realistic" and our / their > MOST_OF_WALK) or each / first > MOST_OF_SMALL
            over += bad
            print(f"{name:9} {len(html) // 1000:6} KB {our:8.1f} ms  {their:7.1f} ms  {our / their:18.1f}   {each:8.1f}"
                  f"{'  ABOVE THE LIMIT' if bad else ''}")
    return over


def _hints() -> int:
    over = 0
    gc.collect()
    gc.freeze()
    print("\nhints of a field     first     after a keystroke")
    for name, source in (("starter template", STARTER.read_bytes()), ("of 100 KB", large_template(100_000))):
        first, next_one = hints(version(source), 21)
        bad = max(first, next_one) > MOST_OF_HINTS
        over += bad
        print(f"{name:16} {first:6.1f} ms  {next_one:10.1f} ms{'  ABOVE THE LIMIT' if bad else ''}")
    return over


if __name__ == "__main__":
    sys.exit(main())
