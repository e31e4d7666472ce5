"""Check your answers, and submit (GOV.UK's pattern: every answer with a link that changes it)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from chalicelib import texts
from chalicelib.domain import blocks, plain_text, values
from chalicelib.domain.asset import owner_in
from chalicelib.domain.audience import Skip
from chalicelib.domain.errors import Conflict, NotFound, Problem, Refused
from chalicelib.domain.ids import CampaignId, is_id
from chalicelib.domain.record import dataclass
from chalicelib.domain.template import RegionType
from chalicelib.texts.contacts import REASONS
from chalicelib.usecases import gate, submit
from chalicelib.usecases.drafts import EDITABLE
from chalicelib.usecases.gate import Answers
from chalicelib.web import partner_form, partner_time
from chalicelib.web.forms import field_id
from chalicelib.web.guard import Visit, partner_page
from chalicelib.web.http import Answer, Policy, redirect
from chalicelib.web.pages import navigation, render
from chalicelib.web.partner_common import campaign_url, clock_time, colleague, shown_time, url, wording
from chalicelib.web.partner_route import path_of, route_words
from chalicelib.web.partner_rows import PREFIX
from chalicelib.web.routes import Routes

routes = Routes()
OWN_FIELDS = frozenset({"terms", "note"})
"""Fields of this page; every other problem is mended on the form, or on the customers' page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """One answer: what was asked, what was given, and where to change it. ``image`` is a picture's address."""

    label: str
    text: str
    change: str
    image: str = ""


@routes.get("/p/{partner}/campaigns/{campaign}/check")
@partner_page()
def check(visit: Visit, campaign: str) -> Answer:
    """Every answer, who decides, who receives it, and what still stands in the way."""
    answers = _look(visit, campaign)
    if answers.campaign.state not in EDITABLE:
        return redirect(campaign_url(visit, campaign))
    return _page(visit, answers, answers.problems)


@routes.post("/p/{partner}/campaigns/{campaign}/submit")
@partner_page()
def send(visit: Visit, campaign: str) -> Answer:
    """Submit what the page showed; a double click finds it submitted and shows where it stands."""
    note, terms = visit.form.get("note"), visit.form.get("terms") == "yes"
    try:
        if not is_id(campaign, "cmp"):
            raise NotFound
        submit.submit(
            visit.world, visit.credentials, visit.person, CampaignId(campaign), partner_form.version_of(visit.form),
            note=note, terms=terms, ask=visit.form.all("ask"),
        )
    except Refused as refused:
        return _page(visit, _look(visit, campaign), refused.problems, status=422, note=note, terms=terms)
    except Conflict as conflict:
        answers = _look(visit, campaign)
        if answers.campaign.state not in EDITABLE:
            return redirect(campaign_url(visit, campaign))
        return _page(visit, answers, [_told(visit, answers, conflict)], status=409, note=note, terms=terms)
    return redirect(campaign_url(visit, campaign))


def _look(visit: Visit, campaign: str) -> Answers:
    if not is_id(campaign, "cmp"):
        raise NotFound
    return gate.look(visit.world, visit.credentials, CampaignId(campaign), visit.form.all("ask"))


def _told(visit: Visit, answers: Answers, conflict: Conflict) -> Problem:
    if conflict.code != "draft.changed":
        return conflict.problem
    draft = answers.draft
    return Problem("draft.changed_since", "", {
        "by": colleague(visit, draft.saved_by), "at": shown_time(visit, draft.saved_at, draft.zone or "UTC"),
    })


def _page(
    visit: Visit, answers: Answers, problems: Iterable[Problem], *, status: int = 200, note: str = "",
    terms: bool = False,
) -> Answer:
    found = [
        partner_time.in_words(p, answers.draft.zone, visit.language)
        for p in partner_form.at_fields(problems, answers.template)
    ]
    own = [p for p in found if p.field in OWN_FIELDS]
    return render(
        visit, "partner/check.html", status=status, errors=own,
        policy=Policy(images=partner_form.image_origins(answers.template, visit.world.facts.media_url)),
        place=answers.partner.name,
        active=navigation(visit)[0][0], answers=answers, given=_given(visit, answers),
        summary=_summary(visit, answers, found),
        route=route_words(visit, answers.lane), path=path_of(visit, answers.route),
        askable=_askable(visit, answers), asked=set(visit.form.all("ask")), skipped=_skipped(visit, answers),
        counted=clock_time(answers.audience.as_of, answers.partner.zone) if answers.audience.as_of else "",
        notes=_notes(visit, answers), note=note, terms=terms, ready=not answers.problems,
        here={name: campaign_url(visit, answers.campaign.id, name) for name in ("edit", "submit", "preview")},
        customers=url(visit, "customers"),
    )


def _askable(visit: Visit, answers: Answers) -> list[tuple[str, str]]:
    """Findings of rules that only guess, which a person may be asked about: fingerprint and sentence."""
    return [
        (key, texts.sentence(Problem(f.code, f.region, {**f.params, "quote": f.quote}), visit.language))
        for key, f in answers.askable
    ]


def _target(visit: Visit, answers: Answers, problem: Problem) -> str:
    """Where a problem is mended: its field on this page or the form, or the customers' page."""
    if problem.field == "audience":
        return url(visit, "customers")
    if problem.field == "sender":
        return url(visit, "profile")
    if problem.field in OWN_FIELDS:
        return f"#{field_id(problem.field)}"
    edit = campaign_url(visit, answers.campaign.id, "edit")
    return f"{edit}#{field_id(problem.field)}" if problem.field else edit


def _summary(visit: Visit, answers: Answers, problems: Sequence[Problem]) -> list[tuple[str, str]]:
    lines = partner_form.summary(problems, answers.template, visit.language)
    return [(_target(visit, answers, p), text) for p, (_, text) in zip(problems, lines, strict=True)]


def _given(visit: Visit, answers: Answers) -> list[Given]:
    """The texts of the mail, in the order of the template."""
    _ = texts.translations(visit.language).gettext
    edit = campaign_url(visit, answers.campaign.id, "edit")
    draft, media = answers.draft, visit.world.facts.media_url
    given = [
        Given(label=_("Subject"), text=draft.subject, change=f"{edit}#{field_id('subject')}"),
        Given(label=_("Preview line"), text=draft.preheader, change=f"{edit}#{field_id('preheader')}"),
    ]
    for region in blocks.concrete(answers.template, draft.values).regions:
        base = values.defaults((region,))
        if region.type is RegionType.PRICE:
            shown = " ".join(filter(None, (draft.values.get(key, base[key]) for key in values.keys(region))))
            given.append(Given(label=region.label, text=shown, image="",
                               change=f"{edit}#{field_id(PREFIX + region.id)}"))
            continue
        for key in values.keys(region):
            text = draft.values.get(key, base[key])
            if region.type is RegionType.RICH:
                text = plain_text.visible(text)
            picture = region.type is RegionType.IMAGE and key == region.id
            second = _("description") if region.type is RegionType.IMAGE else _("wording")
            label = region.label if key == region.id else f"{region.label} · {second}"
            given.append(Given(
                label=label, text="" if picture else text,
                image=text if picture and (text in region.choices or owner_in(media, text)) else "",
                change=f"{edit}#{field_id(PREFIX + key)}",
            ))
    return given


def _skipped(visit: Visit, answers: Answers) -> list[tuple[str, int]]:
    """Why customers are left out, the most frequent first."""
    ordered = sorted(answers.audience.skipped.items(), key=lambda item: (-item[1], item[0].value))
    return [(wording(visit, REASONS, Skip(reason).value), count) for reason, count in ordered if count]


def _notes(visit: Visit, answers: Answers) -> list[tuple[str, str, str]]:
    """Findings that do not stop the mail but that the reviewer sees: kind, where, sentence."""
    lines = []
    for finding in answers.findings:
        if finding.severity == "info" or (finding.severity == "block" and finding.state == "fail"):
            continue
        kind = "undecidable" if finding.state == "undecidable" else finding.severity
        problem = Problem(f"compliance.{finding.code}", finding.region, {**finding.params, "quote": finding.quote})
        place = partner_form.at_fields([problem], answers.template)[0]
        target = _target(visit, answers, place) if place.field else ""
        lines.append((kind, target, texts.sentence(problem, visit.language)))
    return lines
