"""The compliance rules: how right they are and how fast. ``python -m tests.bench.compliance``.

Precision and recall per rule come from the labelled corpus in ``tests/corpus``. Time is CPU time, in
turns with one lxml parse and walk of the same mail, medians; the style cache is emptied before each run.
"""

from __future__ import annotations

import statistics
import time
from collections import Counter
from collections.abc import Callable

from chalicelib.domain.compliance import RULES, OpenValue, css
from chalicelib.domain.compliance.registry import run
from chalicelib.rendering import document
from tests.corpus.mails import FACTS, FRAME, IMPRINT, WAY_OUT, mails

ROW = (
    '<tr><td style="padding:{n}px 40px;background-color:#ffffff"><p style="margin:0;color:#22302a;font-family:Georgia,'
    'serif;font-size:16px">Come by on day {n} and try one of {n} bikes, we look at brakes and gears of each.</p>'
    '<a href="https://www.example.com/offer/{n}" style="color:#1d6a4c">See offer number {n}</a>'
    '<img src="https://images.example.com/nordlicht/spring-lake.png" width="300" height="200" alt="A lake"></td></tr>'
)


def mail(size: int) -> bytes:
    """A mail of about ``size`` bytes."""
    rows = "".join(ROW.format(n=n % 40) for n in range(size // len(ROW)))
    body = f'<table role="presentation">{rows}</table>'
    return FRAME.format(lang="en", dark="", style="p{margin:0}", body=body, after="").encode()


def rules(html: bytes) -> int:
    """All rules on a mail, from its bytes."""
    css.read.cache_clear()
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


def cpu(work: Callable[[bytes], int], html: bytes) -> float:
    """Milliseconds of CPU."""
    began = time.process_time()
    work(html)
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


def main() -> None:
    """Print both tables."""
    print("rule      fires  precision  recall")
    for code, right, wrong, missed in quality():
        precision, recall = right / max(1, right + wrong), right / max(1, right + missed)
        print(f"{code:9} {right:5}  {precision:9.2f}  {recall:6.2f}")
    print("\nmail      all rules    lxml parse and walk   ratio   ms per 100 KB")
    for size in (100_000, 200_000, 500_000, 1_000_000):
        html, ours, theirs = mail(size), list[float](), list[float]()
        for _ in range(7):
            theirs.append(cpu(walk, html))
            ours.append(cpu(rules, html))
        our, their = statistics.median(ours), statistics.median(theirs)
        print(f"{size // 1000:4} KB  {our:7.1f} ms  {their:7.1f} ms          {our / their:12.1f}"
              f"   {our * 100_000 / size:8.1f}")


if __name__ == "__main__":
    main()
