"""What a day with trouble does beyond the journey's sound campaign: the paths that a grant is for, taken once each.

Each scene goes through the functions' own handlers like the journey itself: a partner pauses and goes on, SES
throttles and refuses, customers complain, head office applies a release, images are brought, people leave.
"""

from __future__ import annotations

import json
from datetime import timedelta
from urllib.request import Request, urlopen

from chalicelib.domain.asset import Box, Details
from chalicelib.domain.campaign import Actor, HoldReason, State
from chalicelib.domain.ids import make_id
from chalicelib.domain.people import Role
from chalicelib.domain.release import Phase
from chalicelib.domain.scope import Zone
from chalicelib.ports.system import QueueName
from chalicelib.usecases import access, assets, control, people, plan, publish, release_moves, release_run, releases
from infra.local import seed
from tests import pictures
from tests.isolation import journey
from tests.isolation.journey import ADDRESS, CANARY, Journey
from tests.isolation.judge import acting, administrator
from tests.usecases.release_stage import NEW_LOGO, OLD_LOGO, STAMP

MANY = 210
"""Customers of the second campaign: more than the guard needs before complaints say something."""


def run(j: Journey) -> None:
    """All scenes, after the journey."""
    journey.customers(j, MANY)
    journey.approved(j)
    release(j)
    paused(j)
    overtaken(j)
    throttled(j)
    complained(j)
    refused(j)
    finished(j)
    images(j)
    looked_at_anew(j)
    people_leave(j)


def release(j: Journey) -> None:
    """A new logo and a new kit, prepared by one at head office and approved by another, for campaigns in flight."""
    w = j.at("pages-hq")
    with acting("pages-hq"):
        admin = j.person(f"hq-{ADDRESS}@{seed.ZONE}")
        people.add_at_hq(w, admin, address=f"henry-{ADDRESS}@{seed.ZONE}", name=CANARY, role=Role.HQ_ADMIN.value)
        made = releases.prepare(w, admin, releases.Plan(
            id=make_id("rel", w.clock.now(), w.entropy.bytes(10)), title="New logo", kit="brand: Nordlicht\n",
            pairs=STAMP,
        ))
        releases.approve(w, j.person(f"henry-{ADDRESS}@{seed.ZONE}"), made.id, shown=made.fingerprint)
    j.settle()
    with acting("pages-hq"):
        assert releases.look(w, made.id).release.phase is Phase.DONE
        release_moves.candidates(w)


def paused(j: Journey) -> None:
    """The partner pauses shortly before the start and goes on: the plan comes early and waits for its second."""
    w = j.at("pages-partner")
    assert j.campaign is not None
    assert j.campaign.start is not None
    j.clock.set(j.campaign.start.at - timedelta(minutes=5))
    with acting("pages-partner"):
        control.hold(w, j.session(), j.campaign.id, HoldReason.PARTNER, actor=Actor.PARTNER, by="x")
    j.settle()
    with acting("pages-partner"):
        control.resume(w, j.session(), j.campaign.id, actor=Actor.PARTNER, by="x")
        control.look_soon(w, w.campaigns.get(j.session(), j.campaign.id))
    j.settle()
    assert now(j) is State.APPROVED


def overtaken(j: Journey) -> None:
    """At its start a release withdraws the campaign's version: the plan waits until the campaign was carried over."""
    assert j.campaign is not None
    assert j.campaign.start is not None
    hq, notices, plans = j.at("pages-hq"), j.at("notices"), j.at("plan")
    with acting("pages-hq"):
        admin, henry = (j.person(f"{name}-{ADDRESS}@{seed.ZONE}") for name in ("hq", "henry"))
        made = releases.prepare(hq, admin, releases.Plan(
            id=make_id("rel", hq.clock.now(), hq.entropy.bytes(10)), title="Old logo", old="withdrawn",
            pairs=((NEW_LOGO, OLD_LOGO),)))
        releases.approve(hq, henry, made.id, shown=made.fingerprint)
    j.clock.set(j.campaign.start.at)
    with acting("notices"):
        release_run.start(notices, made.id)
    with acting("plan"):
        plan.look(plans, j.partner, j.campaign.id)
    assert now(j) is State.APPROVED
    with acting("notices"):
        for partner in releases.look(notices, made.id).missing:
            release_run.partner(notices, made.id, partner)
        release_run.finish(notices, made.id)
        assert releases.look(notices, made.id).release.phase is Phase.DONE


def throttled(j: Journey) -> None:
    """After some batches SES throttles: the slice waits in its own queue for its next turn."""
    assert j.campaign is not None
    assert j.campaign.start is not None
    j.clock.set(j.campaign.start.at)
    fault(j, kind="statuses", operation="SendBulkEmail", statuses={}, times=3)
    fault(j, kind="throttle", operation="SendBulkEmail", times=20)
    with administrator():
        j.pump.tick()
    j.settle()
    assert now(j) is State.SENDING


def complained(j: Journey) -> None:
    """Four of the first hundred and fifty complain: the guard pauses the campaign."""
    with administrator():
        mails = [m for m in map(j.mailbox.store.get, (e.id for e in j.mailbox.store.newest()))
                 if m is not None and m.recipient.startswith("c") and "canary" in m.recipient]
        for mail in mails[:4]:
            j.mailbox.pages._aftermath.fire(mail.id, "Complaint")
        j.clock.advance(minutes=1)
        j.mailbox.publisher.flush()
    j.settle()
    assert now(j) is State.HELD


def refused(j: Journey) -> None:
    """Somebody lets it go on; SES has paused the account meanwhile and refuses: the sender's guard pauses it."""
    assert j.campaign is not None
    fault(j, clear=True)
    closed = {str(n): "ACCOUNT_SENDING_PAUSED" for n in range(50)}
    fault(j, kind="statuses", operation="SendBulkEmail", statuses=closed, times=20)
    resumed(j)
    assert now(j) is State.HELD
    fault(j, clear=True)


def finished(j: Journey) -> None:
    """It is mended, and the rest goes out."""
    for _ in range(10):
        if now(j) is State.HELD:
            resumed(j)
        j.clock.advance(minutes=20)
        with administrator():
            j.pump.tick()
        j.settle()
        if now(j).final:
            break
    assert now(j) is State.SENT


def resumed(j: Journey) -> None:
    """The partner goes on, and a minute passes."""
    assert j.campaign is not None
    with acting("pages-partner"):
        control.resume(j.at("pages-partner"), j.session(), j.campaign.id, actor=Actor.PARTNER, by="x")
    j.settle()
    j.clock.advance(minutes=15)
    j.settle()


def images(j: Journey) -> None:
    """Head office and the partner bring a picture each; the partner's own part of head office's is cut."""
    hq, w, said = j.at("pages-hq"), j.at("pages-partner"), Details(name="Lake", alt="A lake")
    with acting("pages-hq"):
        brand = assets.start_upload(hq, j.person(f"hq-{ADDRESS}@{seed.ZONE}").id, None, said)
        assets.upload_form(hq, None, brand, "")
        # The browser does this with the form, signed with the same keys.
        hq.blobs.put(None, assets.upload_key(brand.owner, brand.id), pictures.photo(seed=1), "image/jpeg")
    with acting("pages-partner"):
        paula, session = j.person(f"paula-{ADDRESS}@{seed.ZONE}"), j.session()
        own = assets.start_upload(w, paula.id, session, said)
        w.blobs.put(session, assets.upload_key(own.owner, own.id), pictures.photo(seed=2), "image/jpeg")
    j.settle()
    with acting("pages-hq"):
        found = assets.upload(hq, None, brand.id)
        asset = assets.find(hq, None, found.asset)
        assets.change(hq, None, asset.sha256, said, version=asset.version)
    with acting("pages-partner"):
        mine = assets.find(w, session, assets.upload(w, session, own.id).asset)
        assets.change(w, session, mine.sha256, said, version=mine.version)
        for original in (asset.sha256, mine.sha256):
            cut = assets.new_cut(
                w, paula.id, session, said, original=original, box=Box(0, 0, 200, 200), width=200, campaign="",
                region="")
            w.uploads.begin(session, cut)
            w.queue.put(QueueName.IMPORTS, {"v": 1, "kind": "cut", "partner": session.partner, "upload": cut.id})
    j.settle()
    with acting("pages-partner"):
        assert assets.upload(w, session, cut.id).state.value == "done"


def looked_at_anew(j: Journey) -> None:
    """Processes that start anew have nothing in their caches: templates come from the bucket."""
    j.worlds.clear()
    with acting("pages-hq"):
        w = j.at("pages-hq")
        programme = w.programmes.list()[0]
        publish.templates(w)
        w.templates.get(programme.template, programme.template_version)
    with acting("pages-partner"):
        j.at("pages-partner").templates.get(programme.template, programme.template_version)


def people_leave(j: Journey) -> None:
    """On both surfaces somebody signs out; a role at head office is taken away."""
    for function, address in (("pages-hq", "hq"), ("pages-partner", "paula")):
        with acting(function):
            w, person = j.at(function), j.person(f"{address}-{ADDRESS}@{seed.ZONE}")
            _, session = access.start(w, person, "a browser")
            people.end_session(w, person.id, session.secret_hash)
    with acting("pages-hq"):
        w, admin = j.at("pages-hq"), j.person(f"hq-{ADDRESS}@{seed.ZONE}")
        people.take_at_hq(w, admin, j.person(f"henry-{ADDRESS}@{seed.ZONE}").id, Role.HQ_ADMIN.value)


def now(j: Journey) -> State:
    """Where the campaign stands."""
    assert j.campaign is not None
    with administrator():
        return j.container.campaigns.get(j.container.sessions.open(j.partner, Zone.PARTNER), j.campaign.id).state


def fault(j: Journey, *, clear: bool = False, **wish: object) -> None:
    """Have SES fail in a chosen way from now on, or not any more."""
    data = None if clear else json.dumps(wish).encode()
    request = Request(f"{j.mailbox.url}/_faults", data=data, method="DELETE" if clear else "POST",
                      headers={"Content-Type": "application/json"})
    with urlopen(request, timeout=10) as answer:
        answer.read()
