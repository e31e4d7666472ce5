"""A small template and what is needed to render it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from chalicelib.domain import values
from chalicelib.domain.errors import Problem, Refused
from chalicelib.domain.ids import OrgId, PersonId, TemplateId
from chalicelib.domain.partner import LegalEntity
from chalicelib.domain.scope import Scope
from chalicelib.domain.template import TemplateVersion
from chalicelib.rendering.mail import Rendered, render
from chalicelib.rendering.source import compile_source

ENTITY = LegalEntity(
    name="Rad & Tat GmbH", street="Hauptstr. 1", postal_code="10115", city="Berlin", country="Germany",
    vat_id="DE123456789", represented_by="Ada B.", register="HRB 1", email="info@rad.example", phone="+49 30 1",
)
SYSTEM = '<p data-system="imprint">Imprint</p><a data-system="unsubscribe" href="https://u.example.com/">Unsubscribe</a>'
CELL = '<td data-region="cell" data-region-type="rich" data-region-hosts="example.com"><p>Cell</p></td>'
ROW = f"<table><tr>{CELL}</tr></table>"
BODY = """
<!--[if mso]><p>Outlook only</p><![endif]-->
<h1 data-region="headline" data-region-max-length="60">Hello &amp; welcome</h1>
<p>Dear {{ contact.first_name|default('customer') }}, see
<a href="https://example.com/?n={{ contact.first_name|default('you') }}">your page</a></p>
""" + ROW + """
<img data-region="hero" src=https://img.example.com/a.png width=600 alt='a "quoted" word'
 data-region-choices="https://img.example.com/a.png|https://img.example.com/b.png">
<a data-region="cta" data-region-type="button" href="https://shop.example.com/?a=1&amp;b=2">Buy</a>
<span data-region="badge" data-region-type="choice" data-region-choices="One|Two">One</span>
<p data-region="hours" data-region-rows="3">Mon<br>Tue</p>
"""


def page(body: str, head: str = "<title>Hi</title>") -> bytes:
    """A whole source; the body begins in line 2."""
    return f'<!doctype html><html lang="en"><head>{head}</head><body>\n{body}</body></html>'.encode()


def version(source: bytes | None = None) -> TemplateVersion:
    """A published version of a source."""
    compiled = compile_source(page(BODY + SYSTEM) if source is None else source)
    return compiled.version(
        template=TemplateId("tpl_x"), number=1, scope=Scope(OrgId("org_x")), name="Sample",
        published_by=PersonId("prs_x"), published_at=datetime(2026, 1, 1, tzinfo=UTC),
    )


def rendered(of: TemplateVersion, changes: Mapping[str, str] | None = None, *, subject: str = "Hello",
             preheader: str = "More inside") -> Rendered:
    """The mail with HQ's defaults and some changes."""
    filled = {**values.defaults(of.regions), **(changes or {})}
    return render(of, values=filled, subject=subject, preheader=preheader, entity=ENTITY)


def refusal(source: bytes) -> dict[str, list[int]]:
    """The codes with which a source is refused, each with its lines; {} if it compiles."""
    return lines_by_code(problems(source))


def problems(source: bytes) -> tuple[Problem, ...]:
    """Everything that is wrong with a source."""
    try:
        compile_source(source)
    except Refused as refused:
        return refused.problems
    return ()


def lines_by_code(found: tuple[Problem, ...]) -> dict[str, list[int]]:
    """Problems as code -> lines."""
    out: dict[str, list[int]] = {}
    for problem in found:
        out.setdefault(problem.code, []).append(int(problem.params.get("line", 0)))
    return out


HOSTILE = (
    "</td></tr></table>", "<!--", "<!-- x", "<!--[if mso]>", "<![endif]-->", "-->", "<style>", "</style>",
    "<style>td{display:none}",
    "<script>alert(1)</script>", "<script>", '" onmouseover="alert(1)', "' onerror='x",
    '"><script>x</script>', "<a href=\"",
    "<a href='https://example.com", "<img src=x onerror=alert(1)>",
    "<svg><style><img src=x onerror=alert(1)></style></svg>",
    "<math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=1 onerror=alert(1)&gt;\">",
    "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">", "<textarea>", "<title>",
    "<plaintext>", "<xmp>", "<table>",
    "<svg></p><style><a id=\"</style><img src=1 onerror=alert(1)>\">",
    "<form><math><mtext></form><form><mglyph><style></math>",
    "<p><table><p>", "<b><i></b></i>", "<a><a>", "<ul><li><p></ul>", "<select><option>", "<base href=//evil.example>",
    "<meta http-equiv=refresh content=0>", "<link rel=stylesheet href=//evil>",
    "<iframe srcdoc='<script>'>", "&lt;script&gt;",
    "&#60;script&#62;", "<a href=\"java&#9;script:alert(1)\">x</a>", "<a href='JaVaScRiPt:alert(1)'>x</a>",
    "<a href=\"data:text/html,<script>\">x</a>", "<a href='vbscript:x'>x</a>", "<<b>>", "<b", "<b x=\"",
    "</", "</ b>", "<!doctype x>",
    "<?xml ?>", "<![CDATA[x]]>", "]]>", "{{ contact.email }}", "{{{x}}}", "\\{{x}}", "{% raw %}", "{# x #}",
    "*|MERGE|*", "%%x%%",
    "{{env}} {% x %} *|MERGE|* %%", "{{#each a}}", "{", "}", "{{", "}}", "\\", "<div style=\"position:fixed\">x</div>",
    "<p style='behavior:url(x)'>", "<body onload=x>", "</body></html>", "<html>",
    "<div id=x class=y>z</div>", "<br></br></p></p>",
    "\u00a0\u200b\u2060", "Zalgo z\u0351\u036b\u0343", "👩‍👩‍👧‍👦🇩🇪", "עברית العربية", "1;DROP TABLE",
    "../../etc/passwd", "%00", "%0d%0aBcc: x",
    "<template><td></template>", "<frameset>", "<td></td><tr>", "<p title='-->'>",
    "<IMG SRC=\"jav&#x0A;ascript:alert('XSS');\">",
)
"""Values that break out of careless templates: markup, mutation XSS, template languages, odd characters."""
