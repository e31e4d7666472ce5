"""0 locked bytes change, whatever is posted: through the form, the saved draft and the submission.

CI posts 2,000 fills over every starter template and every importer's output, ``COUNTERSIGN_FUZZ=100000``
as many as one has time for.
"""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chalicelib.domain import blocks, content, values
from chalicelib.domain.campaign import Draft
from chalicelib.domain.errors import Refused
from chalicelib.domain.ids import CampaignId
from chalicelib.rendering.mail import render
from chalicelib.usecases import submit
from chalicelib.usecases.keys import content_key
from chalicelib.web.partner_rows import PREFIX
from tests.rendering.test_locked import FILLS, SOURCES, VERSIONS, fills, stretches
from tests.web.partner_stage import LOCAL, Place, place

EACH = max(FILLS // len(VERSIONS), 1)


class Fuzzed:
    """A partner at a template, who fills it again and again in one campaign."""

    def __init__(self, source: bytes) -> None:
        self.here: Place = place(source=source)
        self.id: CampaignId = self.here.ready().id
        self.posted = self.refused = self.submitted = 0

    def fill(self, typed: dict[str, str]) -> None:
        """Post it; what the form keeps is submitted, and what was submitted is looked at."""
        here, version = self.here, str(self._draft().version)
        form = {PREFIX + key: text for key, text in typed.items()}
        got = here.send(("campaigns", self.id, "edit"), {
            **form, "subject": "Spring check", "preheader": "", "local_time": LOCAL, "zone": "Europe/Berlin",
            "version": version})
        self.posted += 1
        assert got.status in (302, 303, 422), got.status
        if got.status == 422:
            # Refused at a field, with what was typed, and nothing of it is kept.
            assert 'aria-invalid="true"' in got.body or "error-summary" in got.body
            assert str(self._draft().version) == version
            self.refused += 1
            return
        try:
            campaign = submit.submit(
                here.world, here.session, here.anna, self.id, self._draft().version, terms=True)
        except Refused as refused:
            assert all(p.code for p in refused.problems)
            self._locked_stands(sent="")
            return
        self.submitted += 1
        history = here.world.campaigns.history(here.session, self.id)
        revision = next(r for r in history.revisions if r.number == campaign.revision)
        stored = here.world.blobs.get(here.session, content_key(here.ours.id, revision.content))
        assert hashlib.sha256(stored).hexdigest() == revision.content == content.decode(stored).sha256
        # Of a mail with fewer or more copies of a block, the locked bytes are those of the version so put together.
        assert revision.locked_sha256 == blocks.concrete(here.template, revision.values).locked_sha256
        self._locked_stands(sent=revision.content)
        submit.withdraw(here.world, here.session, here.anna, self.id)

    def _draft(self) -> Draft:
        return self.here.world.campaigns.history(self.here.session, self.id).draft

    def _locked_stands(self, *, sent: str) -> None:
        """The bytes between the fields are the published ones, and what was stored is made of exactly these bytes."""
        of, draft = self.here.template, self._draft()
        try:
            mail = render(of, values=draft.values, subject=draft.subject, preheader=draft.preheader,
                          entity=self.here.ours.entity)
        except Refused as refused:
            assert {p.field for p in refused.problems} <= values.open_keys(of)
            assert not sent
            return
        assert stretches(of, mail.filled.html, dict(draft.values), tuple((s.start, s.end) for s in mail.filled.slots))
        assert b"<script" not in mail.filled.html.lower()
        if sent:
            assert hashlib.sha256(mail.content.encode()).hexdigest() == sent


@pytest.mark.parametrize("name", VERSIONS)
def test_no_locked_byte_changes_through_the_form(name: str) -> None:
    """Whatever is posted is refused at its field, or submitted with every locked byte as published."""
    fuzzed = Fuzzed(SOURCES[name])

    @settings(max_examples=EACH, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
    @given(st.one_of(fills(VERSIONS[name]), fills(VERSIONS[name], hostile=1)))
    def check(typed: dict[str, str]) -> None:
        fuzzed.fill(typed)

    check()
    assert fuzzed.posted >= EACH
    assert fuzzed.submitted > EACH // 12, "what is worst is refused by a rule; enough must come through to be looked at"
