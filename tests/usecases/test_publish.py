"""Publishing templates below the pages."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.domain.errors import Conflict, NotFound, Refused
from chalicelib.domain.people import Role
from chalicelib.usecases import publish
from tests.fakes.world import FakeWorld
from tests.web import stage

TPL = "tpl_" + "1" * 26


def upload(**changed: object) -> publish.Upload:
    """A good form."""
    values: dict[str, object] = {"template": TPL, "number": 1, "name": "Spring", "language": "", "source": stage.SOURCE}
    return publish.Upload(**{**values, **changed})  # type: ignore[arg-type]


def test_a_version_is_immutable_and_numbers_have_no_gap() -> None:
    """The same source twice is one version; another source under its number, or a number too far, is refused."""
    world = FakeWorld()
    dora = stage.person(world, "Dora", [Role.HQ_DESIGNER])
    first = publish.publish(world, dora, upload())
    assert publish.publish(world, dora, upload()) == first
    for number in (1, 3, 0):
        with pytest.raises(Conflict, match="version_exists"):
            publish.publish(world, dora, upload(number=number, source=stage.SOURCE + b"<!-- 2 -->"))
    second = publish.publish(world, dora, upload(number=2, source=stage.SOURCE.replace(b"spring", b"Spring")))
    assert [v.number for v in publish.templates(world)[0].versions] == [second.number, first.number]


@pytest.mark.parametrize("same", [True, False])
def test_two_who_publish_at_once(same: bool) -> None:
    """A double click publishes once and both see it; another source under the same number is a conflict."""
    world = FakeWorld()
    dora = stage.person(world, "Dora", [Role.HQ_DESIGNER])
    store = world.templates.publish

    def late(version: Any) -> None:
        world.templates.publish = store  # type: ignore[method-assign]
        publish.publish(world, dora, upload() if same else upload(name="Another"))
        store(version)

    world.templates.publish = late  # type: ignore[method-assign]
    if same:
        publish.publish(world, dora, upload())
    else:
        with pytest.raises(Conflict, match=r"template\.version_exists"):
            publish.publish(world, dora, upload())
    assert len(world.templates.list()) == 1


def test_form_and_source_are_judged_together() -> None:
    """Name, language and source give their problems at once; those of the source belong to its field."""
    world = FakeWorld()
    dora = stage.person(world, "Dora", [Role.HQ_DESIGNER])
    with pytest.raises(Refused) as refused:
        publish.publish(world, dora, upload(name="", language="tlh", source=b"<p>nothing</p>"))
    fields = [p.field for p in refused.value.problems]
    assert fields[:2] == ["name", "language"] and set(fields[2:]) == {"html"}
    assert world.templates.list() == []


def test_an_id_that_is_none_is_not_found() -> None:
    """A form with a made-up id publishes nothing."""
    world = FakeWorld()
    with pytest.raises(NotFound):
        publish.publish(world, stage.person(world, "Dora"), upload(template="../../etc"))


def test_looking_at_the_fields_changes_no_locked_byte() -> None:
    """The outlined view puts frames around open parts and leaves every other byte as it is."""
    world = FakeWorld()
    version = publish.publish(world, stage.person(world, "Dora"), upload())
    shown = publish.outlined(version)
    frame = '<span style="outline:2px dashed #2447b3;outline-offset:2px">'
    assert shown.count(frame) > 3
    for slot in version.slots:
        assert 0 <= slot.start <= slot.end <= len(version.html.encode())
    assert len(shown) == len(version.html) + shown.count(frame) * (len(frame) + len("</span>"))
    assert 50 < publish.locked_share(version) < 100
