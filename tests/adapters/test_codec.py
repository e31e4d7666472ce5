"""Everything that is stored comes back as it was; what must not be stored is refused."""

from __future__ import annotations

import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from types import MappingProxyType, UnionType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.adapters.dynamo import campaigns, imports, links, partners, people, programmes, templates
from chalicelib.adapters.dynamo.codec import Kind, epoch, moment_of, plain, stamp
from chalicelib.adapters.dynamo.control import CARD_COLUMNS, control_item, control_of
from chalicelib.adapters.dynamo.values import Item, decode_item, encode_item, size_of
from chalicelib.domain.campaign import Campaign
from chalicelib.domain.errors import Permanent
from chalicelib.domain.ids import CampaignId, OrgId, PartnerId, ProgrammeId, base32
from chalicelib.domain.people import Person
from chalicelib.ports.workflow import CampaignCard
from tests.contract import values
from tests.fakes.system import START
from tests.fakes.world import ORG

KINDS: dict[str, Kind[Any]] = {
    kind.name: kind
    for module in (campaigns, imports, links, partners, people, programmes, templates)
    for kind in vars(module).values() if isinstance(kind, Kind)
}

_TEXTS = st.text(st.characters(codec="utf-8"), max_size=12)
_MOMENTS = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC)).map(
    lambda m: m.replace(microsecond=m.microsecond // 1000 * 1000))
_PLAIN: Mapping[object, st.SearchStrategy[Any]] = {
    str: _TEXTS, int: st.integers(-10**20, 10**20), bool: st.booleans(), bytes: st.binary(max_size=12),
    datetime: _MOMENTS, type(None): st.none(),
}


def of_type(hint: Any) -> st.SearchStrategy[Any]:
    """Any value of a type that is stored; raises for a type that is not, so no field goes untested."""
    while hasattr(hint, "__supertype__"):
        hint = hint.__supertype__
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if hint in _PLAIN:
        return _PLAIN[hint]
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return st.sampled_from(list(hint))
    if is_dataclass(hint) and isinstance(hint, type):
        return any_of(hint)
    if origin in (typing.Union, UnionType):
        return st.one_of(*(of_type(option) for option in inner))
    if origin is tuple and inner[1:] == (Ellipsis,):
        return st.lists(of_type(inner[0]), max_size=3).map(tuple)
    if origin is tuple:
        return st.tuples(*(of_type(part) for part in inner))
    if origin is frozenset:
        return st.frozensets(of_type(inner[0]), max_size=3)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return st.dictionaries(of_type(inner[0]), of_type(inner[1]), max_size=3)
    raise TypeError(f"no way to make a {hint}")


def any_of(cls: type) -> st.SearchStrategy[Any]:
    """Any instance of a dataclass."""
    hints = typing.get_type_hints(cls)
    return st.builds(cls, **{field.name: of_type(hints[field.name]) for field in fields(cls)})


def stored(item: Item) -> Item:
    """The item after DynamoDB had it."""
    return decode_item(encode_item(item))


def test_every_kind_is_looked_at() -> None:
    """The stores' kinds are found, each under a name of its own."""
    assert {"campaign", "draft", "revision", "ask", "audit", "person", "membership", "session", "link", "partner",
            "participation", "partner_card", "programme", "template", "template_version", "import"} <= set(KINDS)
    classes = [kind.cls for kind in KINDS.values()]
    assert len(set(classes)) == len(classes)


@pytest.mark.parametrize("name", sorted(KINDS))
def test_what_is_stored_comes_back(name: str) -> None:
    """Any value of the kind survives the way to DynamoDB and back."""
    kind = KINDS[name]

    @settings(max_examples=25, deadline=None)
    @given(any_of(kind.cls))
    def round_trip(value: Any) -> None:
        implied = {field: getattr(value, field) for field in kind.implied}
        item = stored(kind.item(value, "ORG#x", "y", ttl=1))
        assert (item["type"], item["v"]) == (name, kind.version)
        assert kind.read(item, **plain_fields(implied)) == value

    round_trip()


def plain_fields(implied: dict[str, Any]) -> dict[str, Any]:
    """Implied fields as a store gives them: from keys, so as native values."""
    return {name: plain(value) for name, value in implied.items()}


@settings(max_examples=60, deadline=None)
@given(any_of(Campaign))
def test_a_control_item_comes_back(campaign: Campaign) -> None:
    """What the keys imply is read back from the keys."""
    campaign = replace(
        campaign, id=CampaignId(values.new_id("cmp")), partner=PartnerId(values.new_id("prt")),
        programme=ProgrammeId(values.new_id("prg")), org=ORG,
    )
    item = stored(control_item(campaign))
    assert control_of(item, campaign.org, campaign.partner) == campaign


def test_a_control_item_costs_one_write_unit() -> None:
    """With every field set, each as long as it gets, the item stays under 1 KB."""
    campaign = values.full_campaign(ORG, PartnerId(f"prt_{base32(1)}"))
    assert all(getattr(campaign, field.name) not in (None, "", ()) for field in fields(campaign))
    assert size_of(control_item(campaign)) < 1024


def test_a_card_has_no_more_than_hq_may_see() -> None:
    """The index projects exactly the columns of a card that keys do not say."""
    from_keys = {"id", "partner", "programme", "updated_at"}
    assert {*CARD_COLUMNS, *from_keys} == {field.name for field in fields(CampaignCard)}


def test_the_due_keys_are_sparse() -> None:
    """Only a campaign with a next look is in the due index."""
    campaign = values.campaign(OrgId("org_x"), PartnerId("prt_x"))
    assert not {"due_pk", "due_sk"} & set(encode_item(control_item(campaign)))
    full = values.full_campaign(OrgId("org_x"), PartnerId("prt_x"))
    assert control_item(full)["due_sk"] == f"2026-03-09T09:00:00.000Z#{full.id}"


@given(_MOMENTS, _MOMENTS)
def test_the_order_of_stamps_is_that_of_time(one: datetime, other: datetime) -> None:
    """Fixed width, so texts sort as times do, and each is read back."""
    assert (stamp(one) < stamp(other)) == (one < other)
    assert len(stamp(one)) == 24 and moment_of(stamp(one)) == one


def test_a_stamp_is_utc_in_milliseconds() -> None:
    """Other zones are converted, finer digits cut, naive times refused."""
    berlin = timezone(timedelta(hours=1))
    assert stamp(datetime(2026, 11, 22, 4, 37, 50, 123999, tzinfo=berlin)) == "2026-11-22T03:37:50.123Z"
    with pytest.raises(ValueError, match="time zone"):
        stamp(datetime(2026, 11, 22))
    for damaged in ("", "2026-11-22T03:37:50Z", "2026-11-22T03:37:50.123+00:", "2026-13-22T03:37:50.123Z"):
        with pytest.raises(Permanent):
            moment_of(damaged)


def test_a_time_to_live_is_never_early() -> None:
    """Whole seconds, rounded up."""
    assert epoch(START) == int(START.timestamp())
    assert epoch(START + timedelta(milliseconds=1)) == int(START.timestamp()) + 1


def person_item(**changes: Any) -> Item:
    """A stored person, changed."""
    return {**people.PERSON.item(values.person("a@example.com"), "x", "y"), **changes}


@pytest.mark.parametrize(("changes", "told"), [
    ({"v": 2}, "version 2"), ({"v": 99}, "newer program"), ({"v": 0}, "no version"), ({"v": None}, "no version"),
    ({"v": "1"}, "no version"), ({"type": "partner"}, "found partner"), ({"type": None}, "without a type"),
    ({"created_at": "yesterday"}, "damaged"), ({"generation": "1"}, "damaged"), ({"name": None}, "damaged"),
])
def test_what_this_program_cannot_read_is_refused(changes: dict[str, Any], told: str) -> None:
    """A newer version, another type or damage is told, never guessed at."""
    with pytest.raises(Permanent, match=told):
        people.PERSON.read(person_item(**changes))


def test_a_field_that_was_added_is_passed_over() -> None:
    """A newer program may add fields within a version."""
    item = person_item(nickname="Zo")
    assert people.PERSON.read(item).address == "a@example.com"


@dataclass(frozen=True)
class _Measured:
    value: Any


@pytest.mark.parametrize("value", [1.5, {"a": [2.0]}, (1, 0.1), object(), 1j, frozenset({1.5}), datetime(2026, 1, 1)])
def test_what_is_not_stored(value: Any) -> None:
    """Floats, naive times and foreign objects are refused on the way in."""
    with pytest.raises((TypeError, ValueError)):
        plain(_Measured(value))


@pytest.mark.parametrize("value", [1.5, [2.0], {"a": 0.1}, {1.5}, set(), {1, "a"}, object()])
def test_what_the_table_does_not_take(value: Any) -> None:
    """The table's own encoding refuses the same, and sets that are empty or mixed."""
    with pytest.raises(TypeError):
        encode_item({"pk": "x", "value": value})


def test_what_is_absent_is_not_written() -> None:
    """None is the absence of an attribute; the empty string is a value."""
    assert encode_item({"pk": "x", "gone": None, "empty": ""}) == {"pk": {"S": "x"}, "empty": {"S": ""}}
    assert plain(_Measured(MappingProxyType({"a": None, "b": 1}))) == {"value": {"b": 1}}


def test_a_kind_takes_its_own_class_only() -> None:
    """A store that mixes values up is told at once; so is a class whose fields clash with the table's."""
    with pytest.raises(TypeError):
        people.PERSON.item(values.link(), "x", "y")  # type: ignore[arg-type]

    @dataclass(frozen=True)
    class Clash:
        sk: str

    with pytest.raises(ValueError, match="sk"):
        Kind(Clash, "clash")
    with pytest.raises(ValueError, match="nothing"):
        Kind(Person, "person", implied=frozenset({"nothing"}))


def sizes() -> Iterator[tuple[Item, int]]:
    """Items and their sizes by the rules of the Developer Guide."""
    yield {"a": "é"}, 3
    yield {"ab": True}, 3
    yield {"a": b"\x00\x01"}, 3
    yield {"a": 7}, 3
    yield {"a": -12345}, 6
    yield {"a": ["x"]}, 1 + 3 + 1 + 1
    yield {"a": {"b": "c"}}, 1 + 3 + 1 + 2
    yield {"a": None}, 0


@pytest.mark.parametrize(("item", "size"), list(sizes()))
def test_sizes_are_counted_as_dynamodb_does(item: Item, size: int) -> None:
    """Names and values in UTF-8, a number in half its digits, containers with their overhead."""
    assert size_of(item) == size
