"""Faults published for systems of this kind, tried here: those that have no other home (N: docs/security-tests.md)."""

from __future__ import annotations

import ast
import csv
import io
import json
import re
import time
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import pytest

from chalicelib import observe
from chalicelib.adapters.dynamo import expressions as ex
from chalicelib.adapters.entropy import SystemEntropy
from chalicelib.domain.errors import NotFound, Refused
from chalicelib.domain.ids import is_id
from chalicelib.domain.people import Role
from chalicelib.events import feedback
from chalicelib.events.ses import event_of
from chalicelib.rendering.source import compile_source
from chalicelib.usecases import access, contacts, import_run, imports
from chalicelib.usecases.sign_in import PER_SOURCE
from chalicelib.web.surfaces import routes_of
from tests.contract.backends import SETTINGS
from tests.fakes.world import FakeWorld
from tests.sending.stage import Runner, Stage, people_go_on
from tests.sending.test_feedback import payload
from tests.stage import SOURCE, add_partner, stage
from tests.structure.sources import ROOT, imports_of, parsed, python_files
from tests.web import partner_stage
from tests.web import stage as web

HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(1)>{{7*7}}'


def test_no_secret_is_reachable_from_a_field() -> None:
    """N6: a template's merge fields are the customer's own, and settings never show their secret."""
    for name in ("settings.secret", "secret", "env.AWS_SECRET_ACCESS_KEY", "contact.__class__", "self", "config"):
        with pytest.raises(Refused):
            compile_source(SOURCE.replace(b"contact.first_name", name.encode()))
    shown = repr(replace(SETTINGS, secret="5ec4e7" * 10, former_secrets=("0ld5ec4e7",)))
    assert "5ec4e7" not in shown and "0ld5ec" not in shown


def test_a_hostile_report_of_a_mail_server_is_dropped() -> None:
    """N8, N27: of an event nothing but tag, recipient, kind and time is taken; what a server writes goes nowhere."""
    scene = Stage()
    people_go_on(Runner(scene, scene.world))
    entry = scene.fakes.bulk_mailer.accepted[0]
    honest = payload("Bounce", entry.tag, entry.to, bounceType="Permanent")
    hostile = payload("Bounce", entry.tag, entry.to, bounceType="Permanent")
    hostile["bounce"] |= {"bouncedRecipients": [{"emailAddress": entry.to, "diagnosticCode": HOSTILE}],
                          "reportingMTA": HOSTILE, "bounceSubType": HOSTILE}
    hostile["mail"]["commonHeaders"] = {"subject": HOSTILE}
    assert event_of(hostile) == event_of(honest) and "script" not in repr(event_of(hostile))


def test_frames_around_foreign_html_are_closed() -> None:
    """N27: every frame that shows a mail is sandboxed, and none may run scripts or keep an origin."""
    frames = []
    for folder in ("templates/pages", "infra/local/ses/pages"):
        for path in sorted((ROOT / folder).rglob("*.html")):
            frames += [(path.name, tag) for tag in re.findall(r"<iframe\b[^>]*>", path.read_text("utf-8"), re.DOTALL)]
    assert len(frames) >= 5
    for name, tag in frames:
        allowed = re.search(r'\ssandbox(?:="([^"]*)")?[\s>]', tag)
        assert allowed is not None, (name, tag)
        words = set((allowed[1] or "").split())
        assert not words & {"allow-scripts", "allow-same-origin", "allow-forms", "allow-top-navigation"}, (name, tag)


def test_nothing_fetches_an_address() -> None:
    """N12, N19: nothing opens a connection but the AWS libraries and the doctor's DNS look-ups; nothing is fetched."""
    modules = {"urllib.request", "http.client"}
    packages = {"requests", "urllib3", "httpx", "aiohttp", "socket", "ftplib", "smtplib"}
    found = [
        (path.name, found.line) for path in python_files("chalicelib", "app.py")
        for found in imports_of(path) if (found.module in modules or found.top in packages) and path.name != "dns.py"
    ]
    assert found == []


def test_numbers_that_look_alike_are_not_equal() -> None:
    """N21: tokens are compared as bytes: ``0e1`` is not ``0e2``, nor is a longer, cut or padded one right."""
    here = partner_stage.place()
    made = here.draft()
    account = here.world.people.account(here.anna.id).sessions[0]
    here.world.people.start_session(replace(account, csrf="0e215962017"))
    for sent in ("0e291242476", "0", "0.0", "", "0e21596201", "0e2159620170", "0e215962017 ", "0E215962017"):
        got = here.browser.post(here.path("campaigns", made.id, "test-mail"), {"csrf": sent})
        assert got.status == 403, sent
    assert here.browser.post(here.path("campaigns", made.id, "test-mail"), {"csrf": "0e215962017"}).status == 303


def test_secrets_are_never_compared_by_equality() -> None:
    """N21, N41, N49: no ``==`` with a token, secret, code, nonce or MAC on either side of it."""
    secret = re.compile(r"(^|_)(secret|token|csrf|mac|signature|cookie)(_|$)")
    found = []
    for path in python_files("chalicelib/web", "chalicelib/usecases", "chalicelib/adapters"):
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.Compare) and any(isinstance(op, (ast.Eq, ast.NotEq)) for op in node.ops):
                sides = [node.left, *node.comparators]
                names = [getattr(side, "id", "") or getattr(side, "attr", "") for side in sides]
                if any(secret.search(name) for name in names) and not any(isinstance(s, ast.Constant) for s in sides):
                    found.append((path.name, ast.unparse(node)))
    # Both sides are known to whoever asks: a cookie beside what was taken from it, a token beside its own spelling.
    assert sorted(found) == [
        ("routes.py", "visit.request.cookies.get(name) == visit.csrf"),
        ("unsubscribe.py", "base64.urlsafe_b64encode(data).decode().rstrip('=') == token"),
    ]


def test_tokens_hold_no_time_and_no_count() -> None:
    """N10, N24: 256 bits from the operating system; two tokens of one moment share nothing."""
    world: Any = FakeWorld()
    world.entropy = SystemEntropy()
    tokens = [access.random_token(world) for _ in range(2_000)]
    assert len(set(tokens)) == 2_000 and {len(token) for token in tokens} == {43}
    for place in range(42):
        # A character that a clock or a counter gives would keep to few values; each of 64 comes about 31 times.
        assert len({token[place] for token in tokens}) == 64, place


@pytest.mark.parametrize("name", ["a = :b OR c", "#n0", "SET x = 1", "a.b[0]", "size(a)", "\u202e"])
def test_names_of_columns_are_data(name: str) -> None:
    """N25: names and values go into an expression through placeholders only, whatever they are."""
    for condition in (ex.equals(name, "v' OR '1'='1"), ex.begins_with(name, ":x"), ex.above(name, "}")):
        names: dict[str, str] = {}
        values: dict[str, Any] = {}
        text = condition.serialize(names, values)
        assert re.fullmatch(r"[#:\w\s(),.=<>\[\]]*", text), text
        assert "OR" not in text and "'" not in text and "}" not in text


@pytest.mark.parametrize("before", [
    "cmp_' OR 1=1", "~", "\x00", "cmp_" + "z" * 26 + "x", "prt_" + "0" * 26, "%", "cmp_\n" + "0" * 25,
])
def test_a_page_of_a_list_begins_at_an_id_or_at_the_top(before: str) -> None:
    """N25, N40: what a query names as the place to go on from is an id of the right kind, or ignored."""
    here = partner_stage.place()
    made = here.draft()
    got = here.get(query=f"before={quote(before)}")
    assert got.status == 200 and made.name in got.body


@pytest.mark.parametrize("path", [r.path for r in routes_of("all") if "POST" in r.methods and r.csrf])
def test_no_address_takes_events_from_outside(path: str) -> None:
    """N41: SES's events come by a queue; a notification that somebody posts is refused by every route as no form."""
    world = web.Watched(FakeWorld())
    browser = web.browser(world, web.person(world._world, "Hanna", list(Role)[:2]), routes=routes_of("all"))
    got = browser.send("POST", re.sub(r"{\w+}", "x", path), body='{"Type": "Notification"}', headers={
        "content-type": "application/json", "origin": "https://hq.example.com",
        "x-amz-sns-message-type": "Notification",
    })
    assert got.status in (403, 415) and world.writes() == []


@pytest.mark.parametrize("body", [
    {"Type": "SubscriptionConfirmation", "SubscribeURL": "http://169.254.169.254/", "Message": "x"},
    {"Type": "Notification", "Message": '{"eventType": "Bounce"}'}, {"Type": "Notification", "Message": HOSTILE},
    {"Records": [{"s3": {"object": {"key": "EVENTS/../P/x/imports/y.csv"}}}]},
    {"Records": [{"s3": {"object": {"key": "P/prt_x/content/secret.json"}}}]}, [], None, 7,
])
def test_a_forged_notification_changes_nothing(body: object) -> None:
    """N41, N11: what is no event of a campaign is dropped, no address in it is opened, no foreign key is read."""
    world = web.Watched(FakeWorld())
    assert feedback.handle([{"messageId": "m", "body": json.dumps(body)}], world) == []
    assert world.writes() == []


def test_no_parser_is_used_as_sanitiser() -> None:
    """N45: what cleans HTML is nh3 alone; lxml's cleaner and bleach are not even here."""
    found = [
        (path.name, found.module) for path in python_files("chalicelib") for found in imports_of(path)
        if found.top in ("bleach", "lxml_html_clean", "html5lib") or found.module.startswith("lxml.html.clean")
    ]
    assert found == []
    assert any(found.top == "nh3" for path in python_files("chalicelib/rendering") for found in imports_of(path))


def test_a_partner_sees_nothing_of_an_import_that_is_running() -> None:
    """N50: while one partner's file is half read, another sees no customer, no count and no import of it."""
    scene = stage(customers=0)
    other = scene.world.session(add_partner(scene.world, "Other", None, scene.world.clock.now()))
    head = "email,consent_basis,consent_at,consent_source\n"
    batch, _ = imports.start_import(
        scene.world, scene.people["paula"].id, scene.session, file_name="a.csv", basis="double_opt_in", source="web",
        wording="Yes", attest=True,
    )
    rows = "".join(f"c{n}@example.net,double_opt_in,2026-01-15,web\n" for n in range(import_run.ROWS_A_RUN + 500))
    key = imports.upload_key(scene.partner, batch.id)
    scene.world.blobs.put(scene.session, key, (head + rows).encode(), "text/csv")
    import_run.run(scene.world, scene.partner, batch.id)
    half = imports.detail(scene.world, scene.session, batch.id)
    assert 0 < half.added < half.rows and not half.settled
    assert contacts.summary(scene.world, other).total == 0 and imports.listing(scene.world, other) == []
    with pytest.raises(NotFound):
        imports.detail(scene.world, other, batch.id)
    assert [r.contact for byte in range(256) for r in scene.world.contacts.scan(other, byte)] == []
    import_run.run(scene.world, other.partner, batch.id)
    assert imports.detail(scene.world, scene.session, batch.id) == half


def test_downloads_are_safe_in_a_spreadsheet() -> None:
    """N22: every cell of the file of refused rows that a spreadsheet would run is text there."""
    here = partner_stage.place(sees_contacts=True)
    batch, _ = imports.start_import(
        here.world, here.anna.id, here.session, file_name="a.csv", basis="double_opt_in", source="web", wording="Yes",
        attest=True,
    )
    cells = ['=HYPERLINK("http://evil.example";"x")', "+1+1", "-1", "@SUM(A1)", "\tx", "=cmd|'/c calc'!A1"]
    out = io.StringIO()
    csv.writer(out).writerows([["email", "consent_basis", "consent_at", "consent_source"],
                               *([cell, "none", "never", cell] for cell in cells)])
    here.world.blobs.put(here.session, imports.upload_key(here.ours.id, batch.id), out.getvalue().encode(), "text/csv")
    import_run.run(here.world, here.ours.id, batch.id)
    got = here.get("customers", "imports", batch.id, "refused.csv")
    assert got.status == 200
    assert got.headers["content-disposition"].startswith('attachment; filename="refused-rows-imp_')
    rows = list(csv.reader(io.StringIO(got.body)))
    assert len(rows) == 1 + len(cells)
    assert not [cell for row in rows for cell in row if cell[:1] in ("=", "+", "-", "@", "\t", "\r")]


@pytest.mark.parametrize("header", ["x-forwarded-for", "forwarded", "x-real-ip", "x-forwarded-host", "host"])
def test_no_header_says_who_or_where_somebody_is(header: str) -> None:
    """N52: limits count API Gateway's address, and links are built from the settings, whatever headers say."""
    world = web.Watched(FakeWorld())
    browser = web.browser(world)
    token = browser.get("/sign-in").field("csrf")
    statuses = [
        browser.post("/sign-in", {"csrf": token, "email": f"a{n}@example.com"}, **{header: f"198.51.100.{n}"}).status
        for n in range(PER_SOURCE + 1)
    ]
    assert statuses == [200] * PER_SOURCE + [429]
    assert "198.51.100" not in browser.get("/sign-in", **{header: "198.51.100.9"}).body


@pytest.mark.parametrize("text", ["a", "a@", "a.", "@a.", "/r/", "a@b.c "])
def test_a_long_text_is_blotted_in_linear_time(text: str) -> None:
    """N35: what looks for addresses in log lines takes a megabyte in seconds, not hours."""
    began = time.monotonic()
    blotted = observe._ADDRESS.sub("*", text * (1_000_000 // len(text)))
    assert time.monotonic() - began < 20 and "a@b.c" not in blotted


def test_ids_are_compared_whole() -> None:
    """N11, N33: an id with anything before, behind or inside it is none."""
    good = "cmp_" + "0" * 26
    before, behind = ("\n", "../", " "), ("\n", "/", "\x00", "0")
    for bad in (*(b + good for b in before), *(good + b for b in behind), good.upper(), good[:-1] + "\u0660"):
        assert is_id(good, "cmp") and not is_id(bad, "cmp"), bad


def test_a_role_that_ended_opens_no_page() -> None:
    """N4: a membership that expired, or was given for another partner, opens nothing any more."""
    here = partner_stage.place()
    key = (here.anna.id, here.ours.id, Role.PARTNER_EDITOR.value)
    here.world.people.memberships[key] = replace(
        here.world.people.memberships[key], expires_at=here.world.clock.now())
    assert here.get().status == 404 and here.get("customers").status == 404
