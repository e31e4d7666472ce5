"""My customers (only we see them): counts, imports and their refused rows, and "no more mail" by hand."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from chalicelib import texts
from chalicelib.domain.contact import ImportBatch, ImportState, LegalBasis
from chalicelib.domain.errors import NotFound, Problem, Refused
from chalicelib.domain.ids import ImportId
from chalicelib.domain.import_file import COMPULSORY, MAX_ROWS
from chalicelib.texts.contacts import BASES, CONDITIONS, REASONS
from chalicelib.usecases import contacts, imports
from chalicelib.web.guard import Visit, partner_page
from chalicelib.web.http import Answer, Policy, redirect
from chalicelib.web.pages import context_of, environment, navigation, render
from chalicelib.web.partner_common import partner_name, partner_zone, url, wording
from chalicelib.web.routes import Routes
from chalicelib.web.urls import origin

routes = Routes()
FIELDS = ("basis", "source", "wording", "attest")
SHOWN_ROWS = 100
SAMPLE = (
    ",".join((*COMPULSORY, "first_name", "last_name", "status")) + "\n"
    "anna.example@example.com,double_opt_in,2026-05-31,web form,Anna,Lindner,\n"
    "tom.example@example.com,existing_customer,2025-11-02,bought a bicycle,Tom,Hughes,subscribed\n"
    "julie.example@example.com,double_opt_in,2026-01-15,trade fair,Julie,Perrin,unsubscribed\n"
)
"""The documented header with three rows to copy; ``example.com`` never receives a mail (RFC 2606)."""


def _frame(visit: Visit) -> dict[str, Any]:
    return {
        "place": partner_name(visit) or visit.world.facts.org_name, "zone": partner_zone(visit),
        "active": navigation(visit)[1][0],
        "here": {name: url(visit, "customers", name) for name in ("import", "sample.csv", "recount", "stop")}
        | {"list": url(visit, "customers")},
    }


@routes.get("/p/{partner}/customers")
@partner_page()
def show(visit: Visit) -> Answer:
    """How many customers there are, by consent, and why others are not mailed; the imports."""
    return _page(visit)


def _page(visit: Visit, problems: Iterable[Problem] = (), *, status: int = 200, address: str = "") -> Answer:
    counts = contacts.summary(visit.world, visit.credentials)
    batches = imports.listing(visit.world, visit.credentials)
    return render(
        visit, "partner/customers.html", status=status, errors=problems, counts=counts, address=address,
        by_basis=[(wording(visit, BASES, basis.value), n) for basis, n in counts.by_basis.items()],
        suppressed=[(wording(visit, REASONS, reason.value), n) for reason, n in counts.suppressed.items()],
        batches=[(batch, url(visit, "customers", "imports", batch.id)) for batch in batches],
        conditions={state.value: wording(visit, CONDITIONS, state.value) for state in ImportState},
        asked=visit.request.query.get("asked"), stopped=visit.request.query.get("stopped"), **_frame(visit),
    )


@routes.get("/p/{partner}/customers/import")
@partner_page()
def ask_import(visit: Visit) -> Answer:
    """The form that asks where a file's consents come from, with the header that the file must have."""
    return _import_form(visit, {})


def _import_form(visit: Visit, typed: dict[str, str], problems: Iterable[Problem] = (), *, status: int = 200) -> Answer:
    return render(
        visit, "partner/import_new.html", status=status, errors=problems, typed=context_of(typed, *FIELDS),
        bases=[(basis.value, _first_upper(wording(visit, BASES, basis.value))) for basis in LegalBasis],
        sample=SAMPLE, columns=COMPULSORY, rows=MAX_ROWS, **_frame(visit),
    )


def _first_upper(text: str) -> str:
    """The first letter of a label as a capital; ``capitalize`` would write "Us opt-out"."""
    return text[:1].upper() + text[1:]


@routes.post("/p/{partner}/customers/import")
@partner_page()
def begin_import(visit: Visit) -> Answer:
    """Note source and attestation, then go on to the page that uploads the file."""
    form = visit.form
    try:
        batch, _ = imports.start_import(
            visit.world, visit.person.id, visit.credentials, file_name="", basis=form.get("basis"),
            source=form.get("source"), wording=form.get("wording"), attest=form.get("attest") == "yes",
        )
    except Refused as refused:
        return _import_form(visit, form.plain(), refused.problems, status=422)
    return redirect(url(visit, "customers", "imports", batch.id))


@routes.get("/p/{partner}/customers/imports/{batch}")
@partner_page()
def show_import(visit: Visit, batch: str) -> Answer:
    """Upload, progress or result of one import: the page is the same address all along."""
    found = imports.detail(visit.world, visit.credentials, batch)
    if found.state is ImportState.WAITING:
        return _upload(visit, found)
    return render(visit, "partner/import.html", **_result(visit, found), **_frame(visit))


def _upload(visit: Visit, batch: ImportBatch) -> Answer:
    """The file goes straight to the bucket, so the page's policy names the bucket, on this page alone."""
    here = url(visit, "customers", "imports", batch.id)
    form = imports.upload_form(visit.world, visit.credentials, batch, f"{here}?sent=1")
    sent = visit.request.query.get("sent") == "1"
    return render(
        visit, "partner/import_upload.html", policy=Policy(bucket=origin(form.url)), batch=batch, form=form,
        next=f"{here}?sent=1", sent=sent, refresh=f"{here}?sent=1" if sent else here, sample=SAMPLE,
        form_path=urlsplit(form.url).geturl(), **_frame(visit),
    )


def _result(visit: Visit, batch: ImportBatch) -> dict[str, Any]:
    cells = visit.account is not None and contacts.may_see(visit.account, visit.credentials, visit.now)
    refused = imports.refused_rows(
        visit.world, visit.credentials, batch, limit=SHOWN_ROWS, with_cells=cells,
    ) if batch.settled else ()
    here = url(visit, "customers", "imports", batch.id)
    return {
        "batch": batch, "refused": refused, "cells": cells, "shown_rows": SHOWN_ROWS,
        "condition": wording(visit, CONDITIONS, batch.state.value), "basis": wording(visit, BASES, batch.basis.value),
        "problems": [texts.sentence(p, visit.language) for p in batch.problems],
        "refresh": here, "fragment": f"{here}/progress", "download": f"{here}/refused.csv",
    }


@routes.get("/p/{partner}/customers/imports/{batch}/progress")
@partner_page()
def show_import_progress(visit: Visit, batch: str) -> Answer:
    """How far an import is, asked for every five seconds; once something changed, the page is loaded again."""
    found = imports.detail(visit.world, visit.credentials, batch)
    here = url(visit, "customers", "imports", found.id)
    if not visit.request.htmx:
        return redirect(here)
    body = environment(visit.language).get_template("partner/_import_progress.html").render(
        batch=found, condition=wording(visit, CONDITIONS, found.state.value), fragment=f"{here}/progress", refresh=here,
    )
    answer = Answer(body=body)
    waited = visit.request.query.get("from") == ImportState.WAITING.value
    moved = found.settled or (waited and found.state is not ImportState.WAITING)
    return answer.with_header("HX-Refresh", "true") if moved else answer


@routes.get("/p/{partner}/customers/imports/{batch}/refused.csv")
@partner_page()
def refused_csv(visit: Visit, batch: str) -> Answer:
    """All refused rows as a file, for members who may see customers; for others it does not exist."""
    if visit.account is None or not contacts.may_see(visit.account, visit.credentials, visit.now):
        raise NotFound
    found = imports.detail(visit.world, visit.credentials, batch)
    data = imports.refused_file(visit.world, visit.credentials, found)
    return _file(data.decode("utf-8"), f"refused-rows-{ImportId(found.id)}.csv")


@routes.get("/p/{partner}/customers/sample.csv")
@partner_page()
def sample_csv(visit: Visit) -> Answer:
    """The documented header with three rows."""
    return _file(SAMPLE, "customers-sample.csv")


def _file(text: str, name: str) -> Answer:
    """A download under a name of ours; the upload's own name never reaches a header (N52)."""
    return Answer(
        body=text, type="text/csv; charset=utf-8", headers=(("Content-Disposition", f'attachment; filename="{name}"'),),
    )


@routes.post("/p/{partner}/customers/recount")
@partner_page()
def recount(visit: Visit) -> Answer:
    """Have the customers counted again."""
    contacts.ask_recount(visit.world, visit.credentials)
    return redirect(url(visit, "customers", asked="1"))


@routes.post("/p/{partner}/customers/stop")
@partner_page()
def stop(visit: Visit) -> Answer:
    """Somebody asked, by phone or letter, for no more mail; works for every address and tells nothing."""
    address = visit.form.get("address")
    try:
        contacts.stop_mailing(visit.world, visit.person.id, visit.credentials, address)
    except Refused as refused:
        problems = [Problem(p.code, "address", p.params) for p in refused.problems]
        return _page(visit, problems, status=422, address=address)
    return redirect(url(visit, "customers", stopped="1"))
