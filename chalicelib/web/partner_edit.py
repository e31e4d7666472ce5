"""Writing a campaign: the form, its autosave, its live preview and the test mail."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial

from chalicelib import texts
from chalicelib.domain import undo as undo_steps
from chalicelib.domain.campaign import Draft
from chalicelib.domain.errors import Conflict, Problem, Refused
from chalicelib.domain.ids import CampaignId
from chalicelib.domain.people import Person
from chalicelib.domain.template import TemplateVersion
from chalicelib.ports.system import PartnerSession
from chalicelib.ports.workflow import PartnerHome
from chalicelib.usecases import drafts, gate, preview, story, test_mail, versions
from chalicelib.usecases.story import Story
from chalicelib.usecases.world import World
from chalicelib.web import forms, http, partner_form, partner_hints, partner_time
from chalicelib.web.forms import field_id
from chalicelib.web.guard import Visit, partner_page
from chalicelib.web.http import Answer, Policy, redirect
from chalicelib.web.pages import environment, navigation, render
from chalicelib.web.partner_common import campaign_url, clock_time, colleague, shown_time
from chalicelib.web.routes import Routes

routes = Routes()
VIEWS = ("desktop", "phone", "dark")


@routes.get("/p/{partner}/campaigns/{campaign}/edit")
@partner_page()
def edit(visit: Visit, campaign: str) -> Answer:
    """The form; a campaign that is no draft any more shows its status page instead."""
    told = story.read(visit.world, visit.credentials, campaign)
    if not told.editable:
        return redirect(campaign_url(visit, campaign))
    return _page(visit, told, told.history.draft)


@routes.post("/p/{partner}/campaigns/{campaign}/edit")
@partner_page()
def save(visit: Visit, campaign: str) -> Answer:
    """Keep what was typed. The autosave gets JSON, a button a page; the text is never lost."""
    return kept(visit, campaign, drafts.save, lambda told, saved: _saved(visit, told, saved))


@routes.post("/p/{partner}/campaigns/{campaign}/undo")
@partner_page()
def undo(visit: Visit, campaign: str) -> Answer:
    """Go back one change; what stands in the form unsaved is the first to go, and can be done again."""
    return kept(visit, campaign, drafts.undo, lambda told, saved: _turned(visit, told, saved))


@routes.post("/p/{partner}/campaigns/{campaign}/redo")
@partner_page()
def redo(visit: Visit, campaign: str) -> Answer:
    """Do again what was undone; what stands in the form unsaved is kept, and ends what could be done again."""
    return kept(visit, campaign, partial(drafts.undo, forward=True), lambda told, saved: _turned(visit, told, saved))


Write = Callable[[World, PartnerSession, Person, CampaignId, int, drafts.Typed], Draft]
"""What :func:`drafts.save` and its like are."""


def kept(visit: Visit, campaign: str, write: Write, then: Callable[[Story, Draft], Answer]) -> Answer:
    """Write what the form holds; a form that is stale or refused is shown again with everything in it."""
    told = story.read(visit.world, visit.credentials, campaign)
    draft = told.history.draft
    version = visit.world.templates.get(draft.template, draft.template_version)
    typed = partner_form.typed_of(visit.form, version, draft)
    try:
        saved = write(
            visit.world, visit.credentials, visit.person, told.id, partner_form.version_of(visit.form), typed,
        )
    except Conflict as conflict:
        if conflict.code != "draft.changed":
            return _not_now(visit, conflict)
        return _stale(visit, told, drafts.as_typed(told.history.draft, typed))
    except Refused as refused:
        return _refused(visit, told, drafts.as_typed(told.history.draft, typed), refused)
    return then(told, saved)


def _turned(visit: Visit, told: Story, saved: Draft) -> Answer:
    """Back to the form, at the first field that reads differently now."""
    before = undo_steps.parts(told.history.draft)
    after = undo_steps.parts(saved)
    name = next((n for n in {**after, **before} if after.get(n) != before.get(n)), "")
    place = f"#{field_id(name)}" if name else ""
    return redirect(campaign_url(visit, told.id, "edit", turned="1") + place)


def _saved(visit: Visit, told: Story, saved: Draft) -> Answer:
    if _wants_json(visit):
        return http.data({
            "saved": clock_time(saved.saved_at, saved.zone), "version": saved.version,
            "undo": bool(saved.undo), "redo": bool(saved.redo),
        })
    if (picture := visit.form.get("next")).startswith("image."):
        return redirect(campaign_url(visit, told.id, "images", picture.removeprefix("image.")[:120]))
    if visit.form.get("next") == "check" and not partner_time.time_problems(saved):
        return redirect(campaign_url(visit, told.id, "check"))
    if partner_time.time_problems(saved):
        version = visit.world.templates.get(saved.template, saved.template_version)
        return _page(visit, told, saved, partner_form.at_fields(partner_time.time_problems(saved), version), status=422)
    return redirect(campaign_url(visit, told.id, "edit", saved="1"))


def _stale(visit: Visit, told: Story, mine: Draft) -> Answer:
    """Somebody else saved first: tell when and who; the form keeps the text and may be saved over theirs."""
    theirs = told.history.draft
    problem = Problem("draft.conflict", "", {
        "by": colleague(visit, theirs.saved_by), "at": shown_time(visit, theirs.saved_at, theirs.zone or "UTC"),
    })
    if _wants_json(visit):
        return http.data({"conflict": texts.sentence(problem, visit.language)}, status=409)
    return _page(visit, told, mine, status=409, conflict=texts.sentence(problem, visit.language))


def _not_now(visit: Visit, conflict: Conflict) -> Answer:
    if _wants_json(visit):
        return http.data({"conflict": texts.sentence(conflict.problem, visit.language)}, status=409)
    raise conflict


def _refused(visit: Visit, told: Story, mine: Draft, refused: Refused) -> Answer:
    version = visit.world.templates.get(mine.template, mine.template_version)
    problems = partner_form.at_fields(refused.problems, version)
    if _wants_json(visit):
        lines = partner_form.summary(problems, version, visit.language)
        return http.data({"problems": [line for _, line in lines]}, status=422)
    return _page(visit, told, mine, problems, status=422)


def _wants_json(visit: Visit) -> bool:
    return visit.request.header("accept").startswith("application/json")


def _page(
    visit: Visit, told: Story, draft: Draft, problems: Iterable[Problem] = (), *, status: int = 200, conflict: str = "",
) -> Answer:
    desk = visit.world.partners.desk(visit.credentials, told.programme)
    version = visit.world.templates.get(draft.template, draft.template_version)
    shown = replace(told, history=replace(told.history, draft=draft))
    answers = gate.consider(visit.world, visit.credentials, shown, desk)
    image = partner_form.image_origins(version, visit.world.facts.media_url)
    found = [partner_time.in_words(p, draft.zone, visit.language) for p in problems]
    sent, saved = visit.request.query.get("sent"), visit.request.query.get("saved")
    return render(
        visit, "partner/edit.html", status=status, errors=found, policy=Policy(images=image),
        place=desk.partner.name, active=navigation(visit)[0][0], story=told, form=partner_form.view(version, draft),
        part=desk.part, partner=desk.partner, conflict=conflict, here=_links(visit, told),
        newer=versions.offer(visit.world, told.history.draft),
        saved_at=clock_time(told.history.draft.saved_at, draft.zone), just_saved=bool(saved), test_sent=bool(sent),
        turned=bool(visit.request.query.get("turned")), fixed=visit.request.query.get("fixed"),
        taken=bool(visit.request.query.get("taken")), before=bool(told.history.draft.previous) and not told.revision,
        hints=partner_hints.of(visit, answers), asked=_asked(told),
        summary=partner_form.summary(found, version, visit.language), rich_words=_rich_words(visit),
    )


def _rich_words(visit: Visit) -> dict[str, str]:
    """What the editor of rich text says, in the person's language."""
    _ = texts.translations(visit.language).gettext
    return {
        "tools": _("Formatting"), "bold": _("Bold"), "italic": _("Italic"), "link": _("Link"), "ul": _("List"),
        "ol": _("Numbered"), "undo": _("Undo typing"), "redo": _("Redo typing"), "address": _("Address it opens"),
        "set": _("Set link"), "remove": _("Remove link"), "cancel": _("Cancel"), "allowed": _("Allowed:"),
        "wrongHost": _("Links may lead to the allowed addresses only."),
        "wrongAddress": _("This is not a web address. Write it like https://example.com/page."),
        "count": _("{n} of {max}"), "over": _("{n} of {max}: {more} too many"),
    }


def _asked(told: Story) -> list[tuple[str, str]]:
    """Who asked for changes in the last round, and what."""
    if told.state.value != "changes_requested":
        return []
    last = told.revision.number if told.revision else 0
    return [(a.person_name, a.reason) for a in told.history.asks if a.revision == last and a.reason]


def _links(visit: Visit, told: Story) -> dict[str, str]:
    names = ("edit", "undo", "redo", "fix", "fixes", "last", "preview", "preview.txt", "hints", "check", "test-mail",
             "version")
    return {name: campaign_url(visit, told.id, name) for name in names} | {"status": campaign_url(visit, told.id)}


@routes.get("/p/{partner}/campaigns/{campaign}/hints")
@partner_page()
def hints(visit: Visit, campaign: str) -> Answer:
    """What the check and the routes say now, for the form to load again after it was saved."""
    told = story.read(visit.world, visit.credentials, campaign)
    desk = visit.world.partners.desk(visit.credentials, told.programme)
    answers = gate.consider(visit.world, visit.credentials, told, desk)
    body = environment(visit.language).get_template("partner/_hints_again.html").render(
        hints=partner_hints.of(visit, answers), names=partner_form.names(answers.template, answers.draft),
        here=_links(visit, told), errors=forms.NONE, csrf=visit.csrf,
    )
    return http.page(body)


@routes.get("/p/{partner}/campaigns/{campaign}/preview")
@partner_page()
def show_preview(visit: Visit, campaign: str) -> Answer:
    """The mail for the frame: the mail's own styles, no script, an origin of its own."""
    told, home, version = _read(visit, campaign)
    wanted = visit.request.query.get("view")
    scheme = "dark" if wanted == "dark" else "light"
    try:
        mail = preview.shown(version, told.history.draft, home.partner.entity)
    except Refused as refused:
        return http.plain("\n".join(texts.sentence(p, visit.language) for p in refused.problems))
    images = partner_form.mail_origins(version, visit.world.facts.media_url)
    return http.preview(preview.in_scheme(mail.html, scheme), images)


@routes.get("/p/{partner}/campaigns/{campaign}/preview.txt")
@partner_page()
def show_text(visit: Visit, campaign: str) -> Answer:
    """The plain-text part, for people whose mail program shows no HTML."""
    told, home, version = _read(visit, campaign)
    mail = preview.shown(version, told.history.draft, home.partner.entity)
    text = f"{mail.subject}\n{'=' * min(len(mail.subject), 72)}\n\n{mail.text}"
    answer = replace(http.plain(text), policy=http.PREVIEW)
    return answer.with_header("X-Robots-Tag", "noindex")


@routes.post("/p/{partner}/campaigns/{campaign}/test-mail")
@partner_page()
def send_test(visit: Visit, campaign: str) -> Answer:
    """Mail the draft as it is saved to the person who asks, and to nobody else."""
    test_mail.send(visit.world, visit.credentials, visit.person, campaign)
    return redirect(campaign_url(visit, campaign, "edit", sent="1"))


def _read(visit: Visit, campaign: str) -> tuple[Story, PartnerHome, TemplateVersion]:
    told = story.read(visit.world, visit.credentials, campaign)
    home = visit.world.partners.home(visit.credentials)
    draft = told.history.draft
    return told, home, visit.world.templates.get(draft.template, draft.template_version)
