"""The mailbox: what is kept, what the page shows, and whom the server answers."""

from __future__ import annotations

import email
import email.policy
import http.client
import json
import threading
import time
from collections.abc import Callable
from datetime import datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from infra.local.ses import Config, Hooks, Server
from infra.local.ses.links import first_link, for_frame, links_of, one_click
from infra.local.ses.store import FileStore
from tests.local.ses.desk import Desk, HandClock, bulk, entry, running, simple


def test_mails_survive_a_restart(tmp_path: Path) -> None:
    """Mails, identities, configuration sets and the suppression list are there after a start."""
    with running(store="files", data=tmp_path) as desk:
        desk.set_up()
        message_id = desk.send("kata+ses-bounce@example.com", ConfigurationSetName="campaigns")
        desk.send("ann@example.com", EmailTags=[{"Name": "a", "Value": "b"}])
        before = desk.mails()
    with running(store="files", data=tmp_path) as desk:
        assert desk.mails() == before and len(before) == 2
        desk.send("kata+ses-bounce@example.com", ConfigurationSetName="campaigns")
        assert [mail["outcome"] for mail in desk.mails()] == ["suppressed", "delivered", "bounced"]
        assert desk.json("GET", f"/_mails/{message_id}")["subject"] == "Spring offers"


def test_each_mail_is_a_file_and_an_eml(tmp_path: Path) -> None:
    """One JSON file a mail; the message beside it is a real one."""
    with running(store="files", data=tmp_path) as desk:
        desk.set_up()
        desk.bulk(
            entry("a@example.com", {"List-Unsubscribe": "<http://127.0.0.1/u>"}, name="Jürgen"), entry("b@example.com")
        )
        files = sorted((tmp_path / "mails" / "2026-11-22").iterdir())
        assert [path.suffix for path in files] == [".json", ".json"]
        mail = next(mail for mail in desk.mails() if mail["recipient"] == "a@example.com")
        desk.get(f"/mail/{mail['id']}/eml")
        (path,) = (tmp_path / "mails").rglob("*.eml")
        message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        assert message["Subject"] == "Hello Jürgen" and message["To"] == "a@example.com"
        assert message["List-Unsubscribe"] == "<http://127.0.0.1/u>"
        html, text = message.get_body(("html",)), message.get_body(("plain",))
        assert (
            html
            and text
            and (html.get_content().strip(), text.get_content().strip())
            == (
                "<p>Jürgen, 10 %</p>",
                "Jürgen, 10 %",
            )
        )


def test_the_eml_keeps_long_headers_and_mails_that_cannot_be_rendered(desk: Desk) -> None:
    """A long URL stays whole in its header; a line break in a subject becomes a blank."""
    url = "http://127.0.0.1:8000/u/" + "x" * 400
    desk.bulk(
        entry("a@example.com", {"List-Unsubscribe": f"<{url}>"}, name="Ann"),
        entry("b@example.com", name="Bob\r\nBcc: c@example.com"),
    )
    broken, whole = desk.mails()
    assert f"List-Unsubscribe: <{url}>\r\n" in desk.get(f"/mail/{whole['id']}/eml")
    assert "Subject: Hello Bob Bcc: c@example.com\r\n" in desk.get(f"/mail/{broken['id']}/eml")


def test_a_stopped_server_answers_nobody() -> None:
    """A connection that a client kept open does not reach a server that was stopped."""
    with running() as desk:
        connection = http.client.HTTPConnection("127.0.0.1", desk.server.port, timeout=5)
        connection.request("GET", "/_health")
        assert connection.getresponse().read()
    with pytest.raises((http.client.HTTPException, OSError)):
        connection.request("GET", "/_health")
        connection.getresponse()
    connection.close()


def test_the_index_is_a_cache(tmp_path: Path) -> None:
    """Without its index file, or with a line cut short, the list is complete all the same."""
    with running(store="files", data=tmp_path) as desk:
        desk.set_up()
        desk.send("a@example.com")
        desk.clock.advance(1)
        desk.send("b@example.com")
        before = desk.mails()
    index = tmp_path / "index.jsonl"
    index.write_bytes(index.read_bytes() + b'["0102')
    with running(store="files", data=tmp_path) as desk:
        assert desk.mails() == before
    index.unlink()
    with running(store="files", data=tmp_path) as desk:
        assert desk.mails() == before


def test_a_raw_mail_survives_a_restart(tmp_path: Path) -> None:
    """The bytes of a raw message are those that came."""
    raw = b"From: a@partner.example\r\nTo: kata@example.com\r\nSubject: Raw\r\n\r\nBody\r\n"
    with running(store="files", data=tmp_path) as desk:
        desk.set_up()
        message_id = desk.client.send_email(Content={"Raw": {"Data": raw}})["MessageId"]
    with running(store="files", data=tmp_path) as desk:
        assert desk.http("GET", f"/mail/{message_id}/eml")[2] == raw
        assert "Body" in desk.get(f"/mail/{message_id}?tab=text")


@pytest.mark.parametrize("store", ["memory", "files"])
def test_many_writers_at_once_lose_nothing(tmp_path: Path, store: str) -> None:
    """Eight clients at the same time: every mail is there, once."""
    with running(store=store, data=tmp_path, max_send_rate=1e9) as desk:
        desk.set_up()

        def send(writer: int) -> None:
            for batch in range(4):
                desk.bulk(*(entry(f"w{writer}b{batch}n{n}@example.com") for n in range(10)))

        threads = [threading.Thread(target=send, args=(writer,)) for writer in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        mails = desk.mails()
        assert len({mail["id"] for mail in mails}) == len({mail["recipient"] for mail in mails}) == len(mails) == 320


def test_memory_holds_a_bounded_number_of_mails() -> None:
    """The oldest mails fall out of a mailbox in memory."""
    with running() as desk:
        desk.set_up()
        desk.server.store._index.limit = 3  # type: ignore[attr-defined]
        for n in range(5):
            desk.send(f"a{n}@example.com")
        assert [mail["recipient"] for mail in desk.mails()] == ["a4@example.com", "a3@example.com", "a2@example.com"]


def test_no_id_leaves_the_directory(tmp_path: Path) -> None:
    """A made-up id finds nothing, whatever path is in it."""
    store = FileStore(tmp_path / "box")
    (tmp_path / "box" / "account.json").write_text("{}")
    for made_up in ("../account", "..", "", "0102/../../account", "0102019a8b7c6d5e-x-000000"):
        assert store.get(made_up) is None


def test_searching_and_paging(desk: Desk) -> None:
    """The interface finds by recipient, sender, subject, tag and outcome; the page by words."""
    desk.bulk(
        *(entry(f"kata{n}@example.com", tags={"campaign": "cmp_1", "n": str(n)}, name=f"N{n}") for n in range(50)),
    )
    desk.send("kata+ses-bounce@example.com")
    assert desk.json("GET", "/_mails?to=kata7@")["total"] == 1
    assert desk.json("GET", "/_mails?tag=campaign=cmp_1")["total"] == 50
    assert desk.json("GET", "/_mails?tag=campaign&tag=n=3")["total"] == 1
    assert desk.json("GET", "/_mails?subject=spring&from=NEWS@")["total"] == 1
    assert desk.json("GET", "/_mails?outcome=bounced")["total"] == 1
    assert desk.json("GET", "/_mails?q=hello+n=49")["total"] == 1
    listed = desk.json("GET", "/_mails?limit=2&offset=49")
    assert listed["total"] == 51 and [mail["recipient"] for mail in listed["mails"]] == [
        "kata1@example.com",
        "kata0@example.com",
    ]
    first, second = desk.get("/"), desk.get("/?page=2")
    assert "Page 1 of 2" in first and "kata49@example.com" in first and "kata0@example.com" not in first
    assert "kata0@example.com" in second and "kata49@example.com" not in second
    assert "Nothing found" in desk.get("/?q=nothing+of+that+kind")
    assert desk.get("/?q=kata7%40&page=99").count("/mail/") == 1
    desk.json("DELETE", "/_mails")
    assert desk.mails() == [] and "No mail yet" in desk.get("/")


@pytest.mark.parametrize("tab", ["preview", "phone", "text", "headers", "details", "events", "nonsense"])
def test_nothing_of_a_mail_becomes_markup_of_the_page(desk: Desk, tab: str) -> None:
    """Subject, text, tags, headers and addresses of a hostile mail are text on every tab."""
    evil = "<script>alert(1)</script><img src=x onerror=alert(1)>"
    message = {
        "Subject": {"Data": evil},
        "Body": {"Html": {"Data": f'<a href="javascript:alert(1)">{evil}</a>'}, "Text": {"Data": evil}},
        "Headers": [{"Name": "X-Evil", "Value": evil}],
    }
    message_id = desk.send(FromEmailAddress='"<script>" <a@partner.example>', Content={"Simple": message})
    for path in ("/", f"/mail/{message_id}?tab={tab}"):
        page = desk.get(path)
        assert "<script" not in page and "<img" not in page and 'href="javascript' not in page


def test_pages_have_a_strict_policy_and_no_script(desk: Desk) -> None:
    """Every page forbids scripts and frames of others; the mail's own frame is a sandbox."""
    message_id = desk.send()
    for path in ("/", "/senders", "/help", f"/mail/{message_id}", "/nothing"):
        _, headers, body = desk.http("GET", path)
        assert headers["content-security-policy"].startswith("default-src 'none'; style-src 'self'")
        assert (
            "script-src" not in headers["content-security-policy"] and b"<script" not in body and b"style=" not in body
        )
        assert headers["x-content-type-options"] == "nosniff"
    _, headers, body = desk.http("GET", f"/mail/{message_id}/html")
    policy = headers["content-security-policy"]
    assert policy.startswith("sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'")
    assert "https:" not in policy and "allow-scripts" not in policy and "allow-same-origin" not in policy
    assert headers["referrer-policy"] == "no-referrer"
    assert body.startswith(b'<base target="_blank"><p>Dear Kata')
    assert "https:" in desk.http("GET", f"/mail/{message_id}/html?remote=1")[1]["content-security-policy"]


def test_a_mail_shows_its_links_tags_and_events(desk: Desk) -> None:
    """The links of a mail can be used outside the frame; each tab shows its part."""
    message_id = desk.send(EmailTags=[{"Name": "campaign", "Value": "cmp_1"}], ConfigurationSetName="campaigns")
    assert '<a href="http://127.0.0.1:9/x" target="_blank" rel="noopener noreferrer">look</a>' in desk.get(
        f"/mail/{message_id}"
    )
    assert "Dear Kata, look" in desk.get(f"/mail/{message_id}?tab=text")
    assert "cmp_1" in desk.get(f"/mail/{message_id}?tab=details")
    assert f"&lt;{message_id}@email.amazonses.com&gt;" in desk.get(f"/mail/{message_id}?tab=headers")
    assert "published to firehose" in desk.get(f"/mail/{message_id}?tab=events")


def test_encoded_names_are_shown_as_people_read_them(desk: Desk) -> None:
    """The page decodes a sender's name, as text; what cannot be decoded is shown as it is."""
    for name, shown in (
        ("=?utf-8?q?M=C3=BCller?=", "Müller &lt;news@"),
        ("=?utf-8?q?=3Cscript=3E?=", "&lt;script&gt; &lt;news@"),
        ("=?nope?q?M=C3?=", "=?nope?q?M=C3?= &lt;news@"),
        ("=?utf-8?b?x?=", "=?utf-8?b?x?= &lt;news@"),
    ):
        message_id = desk.send(FromEmailAddress=f"{name} <news@partner.example>")
        for path in ("/", f"/mail/{message_id}"):
            assert shown in desk.get(path)


def test_events_by_hand_on_the_page(desk: Desk) -> None:
    """A button of the page lets an event happen, which is published."""
    message_id = desk.send(ConfigurationSetName="campaigns")
    status, headers, _ = desk.post(f"/mail/{message_id}/event", "type=Bounce")
    assert (status, headers["location"]) == (303, f"/mail/{message_id}?tab=events")
    desk.settle()
    assert [event["eventType"] for event in desk.sinks.messages()] == ["Bounce"]
    assert "published to sns" in desk.get(headers["location"])
    assert desk.post(f"/mail/{message_id}/event", "type=Nonsense")[0] == 400
    assert desk.post("/mail/unknown/event", "type=Bounce")[0] == 404


def test_senders_can_be_verified_on_the_page(desk: Desk) -> None:
    """A person decides whether a sender is verified."""
    assert desk.post("/senders", "name=new.example&status=PENDING")[0] == 303
    assert "new.example" in desk.get("/senders")
    assert desk.client.get_email_identity(EmailIdentity="new.example")["VerificationStatus"] == "PENDING"
    assert desk.post("/senders", "name=new.example&status=GREAT")[0] == 400
    assert desk.post("/senders", "name=&status=SUCCESS")[0] == 400


class _Unsubscribe(BaseHTTPRequestHandler):
    """Notes what a mail client's button sends."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.seen.append((self.path, self.headers["Content-Type"], self.headers["Cookie"], body))  # type: ignore[attr-defined]
        self.send_response(302)
        self.send_header("Location", "http://192.0.2.1/")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def test_the_unsubscribe_button_does_what_a_mail_client_does(desk: Desk) -> None:
    """RFC 8058: a POST with the one body, without cookies, and no redirect is followed."""
    with HTTPServer(("127.0.0.1", 0), _Unsubscribe) as site:
        site.seen = []  # type: ignore[attr-defined]
        thread = threading.Thread(target=site.handle_request)
        thread.start()
        url = f"http://localhost:{site.server_address[1]}/u/token?x=1"
        message = simple()["Content"]["Simple"] | {
            "Headers": [
                {"Name": "List-Unsubscribe", "Value": f"<mailto:u@partner.example>, <{url}>"},
                {"Name": "List-Unsubscribe-Post", "Value": "List-Unsubscribe=One-Click"},
            ]
        }
        message_id = desk.send(Content={"Simple": message})
        assert "Unsubscribe with one click</button>" in desk.get(f"/mail/{message_id}")
        assert desk.post(f"/mail/{message_id}/unsubscribe", "")[0] == 303
        thread.join()
        assert site.seen == [  # type: ignore[attr-defined]
            ("/u/token?x=1", "application/x-www-form-urlencoded", None, b"List-Unsubscribe=One-Click")
        ]
    assert desk.mails()[0]["events"][-1][0] == "One-click unsubscribe"
    assert desk.mails()[0]["events"][-1][2] == f"302 Found from {url}"


@pytest.mark.parametrize(
    "url", ["http://192.0.2.1/u", "https://example.com/u", "http://127.0.0.1.example.com/u", "http:///u"]
)
def test_the_unsubscribe_button_reaches_this_machine_only(desk: Desk, url: str) -> None:
    """A mail that names another host gets no request."""
    message = simple()["Content"]["Simple"] | {
        "Headers": [
            {"Name": "List-Unsubscribe", "Value": f"<{url}>"},
            {"Name": "List-Unsubscribe-Post", "Value": "List-Unsubscribe=One-Click"},
        ]
    }
    message_id = desk.send(Content={"Simple": message})
    assert desk.post(f"/mail/{message_id}/unsubscribe", "")[0] == 400
    assert desk.post(f"/mail/{desk.send()}/unsubscribe", "")[0] == 400


@pytest.mark.parametrize(
    "host", ["mailbox.example", "127.0.0.1.example.com", "", "192.0.2.1:8001", "localhost.example"]
)
def test_a_foreign_host_name_is_refused(desk: Desk, host: str) -> None:
    """A name that was rebound to this machine gets nothing, not even a page."""
    for path in ("/", "/_mails", "/v2/email/account"):
        assert desk.http("GET", path, headers={"Host": host, "Authorization": "x"})[0] == 421
    assert desk.http("GET", "/", headers={"Host": f"localhost:{desk.server.port}"})[0] == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_forms_of_other_pages_are_refused(desk: Desk, headers: dict[str, str]) -> None:
    """A page of another origin can change nothing here."""
    message_id = desk.send()
    for method, path in (
        ("POST", "/clear"),
        ("POST", f"/mail/{message_id}/event"),
        ("DELETE", "/_mails"),
        ("POST", "/_faults"),
        ("POST", "/v2/email/outbound-emails"),
    ):
        assert desk.http(method, path, b"type=Bounce", headers)[0] == 403
    assert len(desk.mails()) == 1 and len(desk.mails()[0]["events"]) == 2


def test_get_and_head_change_nothing(desk: Desk) -> None:
    """Reading the pages in every way leaves the mailbox as it was, and HEAD has no body."""
    message_id = desk.send()
    before = desk.mails()
    for path in (
        "/",
        "/clear",
        "/time",
        f"/mail/{message_id}/event",
        f"/mail/{message_id}/unsubscribe",
        "/_flush",
        "/_tick",
    ):
        status, _, _ = desk.http("GET", path)
        assert desk.http("HEAD", path)[::2] == (status, b"")
    assert desk.mails() == before


def test_malformed_requests_get_an_answer(desk: Desk) -> None:
    """Too much, too odd or too many: an answer, and the server goes on."""
    assert desk.http("POST", "/clear", headers={"Content-Length": "x"})[0] == 411
    assert desk.http("PUT", "/nothing")[0] == 404
    assert desk.http("GET", "/_mails?limit=x")[0] == 400
    assert desk.http("GET", "/_mails/../account.json")[0] == 404
    assert desk.http("GET", "/mail/%2e%2e%2faccount")[0] == 404
    assert desk.http("GET", "/?page=-3")[0] == 200
    assert desk.json("GET", "/_health")["time"] == "2026-11-22T03:37:50.123Z"


def hooks_of(clock: HandClock) -> Hooks:
    """The hooks that a runner lends."""

    def move(moment: datetime) -> None:
        if moment < clock():
            raise ValueError("the clock goes forward only")
        clock.moment = moment

    return Hooks(advance=clock.advance, set=move, tick=lambda: clock.advance(0.001))


def test_the_clock_is_moved_by_the_runner() -> None:
    """The hooks advance and set the time and run a tick; the page offers it."""
    with running(hooks=hooks_of) as desk:
        assert desk.json("POST", "/_clock", {"advance": 90})["time"] == "2026-11-22T03:39:20.123Z"
        assert desk.json("POST", "/_clock", {"set": "2026-12-24T18:00:00+01:00"})["time"] == "2026-12-24T17:00:00.000Z"
        assert desk.json("POST", "/_tick")["time"] == "2026-12-24T17:00:00.001Z"
        assert desk.post("/time", "amount=2&unit=3600")[0] == 303
        assert "Thursday, 24 December 2026, 19:00" in desk.get("/")
        for refused in (b'{"set": "soon"}', b'{"set": "2020-01-01T00:00:00Z"}'):
            assert desk.http("POST", "/_clock", refused)[0] == 400
        assert desk.post("/time", "amount=much&unit=60")[0] == 400
        assert desk.post("/time", "amount=-5&unit=60")[0] == 400


def test_without_hooks_there_is_no_way_to_move_the_clock(desk: Desk) -> None:
    """The form is shown, and the paths answer, only where the runner lends its clock."""
    assert "Advance" not in desk.get("/")
    assert desk.post("/time", "amount=1&unit=60")[0] == 404
    for path in ("/_clock", "/_tick"):
        assert desk.http("POST", path, b'{"advance": 1}')[0] == 404


def test_the_server_starts_at_once_and_says_if_its_port_is_taken(tmp_path: Path) -> None:
    """A start reads no mail and compiles no page; a second server on the port is refused."""
    with running(store="files", data=tmp_path) as desk:
        desk.set_up()
        desk.bulk(*(entry(f"a{n}@example.com") for n in range(50)))
        with pytest.raises(OSError, match="in use"):
            Server(Config(store="memory", port=desk.server.port))
    began = time.process_time()
    server = Server(Config(data=tmp_path, port=0))
    server.start()
    took = time.process_time() - began
    server.stop()
    assert took < 0.3 and server.store._loaded is False  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("html", "wanted"),
    [
        (
            "<!doctype html><html><head><title>x</title></head>",
            '<!doctype html><html><head><base target="_blank"><title>',
        ),
        ("<!DOCTYPE html>\n<p>x", '<!DOCTYPE html><base target="_blank">\n<p>x'),
        ("<p>x", '<base target="_blank"><p>x'),
    ],
)
def test_the_frame_adds_one_element(html: str, wanted: str) -> None:
    """The HTML of a mail is shown as it is, but for a base element."""
    assert for_frame(html).startswith(wanted)


def test_links_are_found_in_html_and_text() -> None:
    """Each destination once, in order, with its words; pictures by their description."""
    html = '<a href="http://a.example/">One</a><a href=" http://b.example/ "><img alt="Two"></a><a href="http://a.example/">'
    assert [(link.url, link.words, link.safe) for link in links_of(html, "")] == [
        ("http://a.example/", "One", True),
        ("http://b.example/", "Two", True),
    ]
    assert [link.safe for link in links_of('<a href="javascript:x">a</a><a href="http://[">b</a>', "")] == [
        False,
        False,
    ]
    assert [link.url for link in links_of("", "See http://a.example/x, or not.")] == ["http://a.example/x"]
    assert first_link(html) == "http://a.example/" and first_link("") == ""


@pytest.mark.parametrize(
    ("header", "post", "url"),
    [
        ("<http://a.example/u>", "List-Unsubscribe=One-Click", "http://a.example/u"),
        ("<mailto:a@b.example>, <https://a.example/u>", " list-unsubscribe=one-click ", "https://a.example/u"),
        ("<http://a.example/u>", "", ""),
        ("<mailto:a@b.example>", "List-Unsubscribe=One-Click", ""),
        ("http://a.example/u", "List-Unsubscribe=One-Click", ""),
    ],
)
def test_one_click_needs_both_headers(header: str, post: str, url: str) -> None:
    """RFC 8058: an URL in angle brackets, and the header that says that it takes a POST."""
    assert one_click(header, post) == url


def test_a_bulk_request_to_ten_thousand(tmp_path: Path) -> None:
    """A test with 10,000 recipients finds each of them, by two hundred calls."""
    with running(max_send_rate=1e9) as desk:
        desk.set_up()
        send: Callable[[int], object] = lambda batch: desk.http(  # noqa: E731
            "POST",
            "/v2/email/outbound-bulk-emails",
            json.dumps(bulk(*(entry(f"n{batch * 50 + n}@example.com") for n in range(50)))).encode(),
            {"Authorization": "AWS4-HMAC-SHA256 x"},
        )
        for batch in range(200):
            send(batch)
        listed = desk.json("GET", "/_mails?limit=20000")
        assert listed["total"] == 10_000 and len({mail["recipient"] for mail in listed["mails"]}) == 10_000
        desk.settle()
        assert len(desk.sinks.records()) == 20_000
