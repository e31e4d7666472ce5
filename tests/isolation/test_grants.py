"""Every call of a whole campaign is allowed, every grant is accounted for, every widening would be seen."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.domain.ids import base32
from chalicelib.usecases.doctor import Area, Level
from infra.intrinsics import policy, resolve
from tests.contract.policy import Access, Policy
from tests.isolation.calls import NAMES
from tests.isolation.grants import (
    ROLES,
    Evidence,
    Grant,
    evidence,
    grants,
    machinery,
    statements,
    used,
    widened,
    without,
)
from tests.isolation.journey import Journey
from tests.isolation.judge import ASSUMED
from tests.isolation.report import PLACE, render
from tests.isolation.second import decide

TABLES = ("workflow", "trust", "keys", "other", "workflow/index/due", "workflow/index/by_programme")
WRAPPING = NAMES["PartnerKeysKey.Arn"]
ME, YOU = (f"prt_{base32(n)}" for n in (1, 2))


def arn(service: str, name: str) -> str:
    """An ARN with the names of the policies' variables."""
    return f"arn:aws:{service}:region:account:{name}"


def item(action: str, table: str, *keys: str) -> Access:
    """An access to a table by its leading keys."""
    context = {"dynamodb:LeadingKeys": keys} if keys else {}
    return Access(f"dynamodb:{action}", arn("dynamodb", f"table/app-stage-{table}"), context)


def probes(seen: set[Evidence]) -> list[Access]:
    """What any role does, the same for another partner, and what no role should ever do."""
    found = [e.access for e in seen]
    found += [item(a, t, k) for a in ("GetItem", "BatchGetItem", "Query", "PutItem") for t in TABLES
              for k in (f"P#{ME}#X", f"P#{YOU}#X", "ORG#x", "DUE#1", "Q#", "Q#CONTROL", "Q#SWITCH")]
    found += [Access(f"s3:{a}", f"arn:aws:s3:::{b}/{k}", {}) for a in ("GetObject", "PutObject", "DeleteObject")
              for b in ("bucket", "other") for k in (f"P/{YOU}/content/x", "ORG/x", "EVENTS/x", "JOURNAL/x", "y")]
    found += [Access("s3:DeleteBucket", "arn:aws:s3:::bucket", {}), Access("iam:CreateUser", "*", {})]
    found += [Access(f"sqs:{a}", arn("sqs", f"app-stage-{q}"), {}) for a in ("SendMessage", "PurgeQueue", "GetQueueUrl")
              for q in ("plan", "send", "feedback", "imports", "notices", "else")]
    found += [Access(f"kms:{a}", k, c) for a in ("Decrypt", "GenerateDataKey", "ScheduleKeyDeletion")
              for k in (NAMES["PartnerKeysKey.Arn"], NAMES["FeedbackKey.Arn"], arn("kms", "key/other"))
              for c in ({}, {"kms:EncryptionContext:partner": (YOU,)}, {"kms:EncryptionContext:purpose": ("x",)},
                        {"kms:EncryptionContext:purpose": ("deployment-secret",)})]
    found += [Access(a, f"arn:aws:iam::account:role/{r}", c) for a in ("sts:AssumeRole", "sts:TagSession", "sts:GetX")
              for r in ("app-stage-partner", "app-stage-review", "admin")
              for c in ({}, {"aws:RequestTag/partner": (YOU,)}, {"aws:RequestTag/partner": ("x",)})]
    found += [Access(f"ses:{a}", r, {}) for a in ("SendEmail", "DeleteEmailIdentity", "GetAccount", "GetEmailIdentity")
              for r in (arn("ses", "identity/x"), arn("ses", "configuration-set/other"), "*")]
    found += [Access(f"{s}:{a}", arn(s, "other"), {}) for s, a in (
        ("logs", "PutLogEvents"), ("cloudwatch", "DeleteAlarms"), ("dynamodb", "DescribeTable"), ("ses", "GetAccount"))]
    return [*found, *(probe for role in ROLES for statement in statements(role) for probe in _beside(statement))]


def _beside(statement: dict[str, Any]) -> Iterator[Access]:
    """With a statement's conditions met: what it does not name on its resources, and what it names elsewhere."""
    conditions = {
        key: tuple(v.replace("${aws:PrincipalTag/partner}", ME).replace("*", "x") for v in _listed(wanted))[:1]
        for operator, tests in statement.get("Condition", {}).items() if operator != "Null"
        for key, wanted in tests.items()
    }
    for action in _listed(statement["Action"]):
        yield Access(action, arn(action.partition(":")[0], "elsewhere"), conditions)
        for resource in _listed(statement["Resource"]) if "dynamodb:LeadingKeys" in conditions else ():
            for key in (f"P#{YOU}#X", "ORG#x", "ORG#x#OTHER", "DUE#1", "Q#"):
                yield Access(action, resource, {"dynamodb:LeadingKeys": (key,)})
    for resource in _listed(statement["Resource"]):
        place = resource.replace("${aws:PrincipalTag/partner}", ME).replace("*", "x")
        service = _listed(statement["Action"])[0].partition(":")[0]
        yield Access(f"{service}:Anything", place, conditions)
        yield Access("other:Anything", place, conditions)


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def test_a_whole_campaign_is_allowed(journey: Journey) -> None:
    """From the first page to the last event, no call of any function would be refused."""
    assert journey.wrong == []
    assert len(journey.calls) > 500
    done = {call.function for call in journey.calls}
    assert done == {"pages-hq", "pages-partner", "tick", "plan", "send", "feedback", "imports", "notices"}
    assert journey.totals.conserved
    assert journey.totals.sent == journey.totals.audience == 60


def test_the_page_of_health_sees_everything(journey: Journey) -> None:
    """With the role of HQ's pages, nothing stays unchecked for want of a right; only the name system was left out."""
    assert {c.code for c in journey.health.checks if c.level is Level.UNKNOWN} == {"doctor.no_names"}
    assert {c.area for c in journey.health.checks} == set(Area)


def missed(grant: Grant, seen: set[Evidence]) -> bool:
    """Whether a test would fail without the grant: a call that was made is refused, or Lambda lacks what it needs."""
    less = without(grant)
    return grant in machinery(grant.role) or any(
        e.role == grant.role and not less.allows(e.access, e.partner) for e in seen)


def test_removing_any_grant_is_noticed(journey: Journey) -> None:
    """Every single grant of every role is missed when it is gone; so none is there that nothing uses."""
    seen = evidence(journey.calls)
    every = [grant for role in ROLES for grant in grants(role)]
    assert [str(grant) for grant in every if not missed(grant, seen)] == []
    assert len(every) > 150


@pytest.mark.parametrize("role", ROLES)
def test_lambda_gets_what_it_needs_and_no_more(role: str) -> None:
    """A function's log and queue, with exactly the actions of Lambda's documentation; one less or more is seen here."""
    ours = {g for g in grants(role) if g.sid in ("OwnLogs", "OwnQueue", "QueueKey")}
    assert ours == set(machinery(role))


def test_taking_a_function_out_of_a_roles_trust_is_noticed(journey: Journey) -> None:
    """Each function that may become a partner's role does so in the journey; without it in the trust it could not."""
    seen = evidence(journey.calls)
    for name in ASSUMED:
        document = resolve(policy(f"assume-{name}"), NAMES)["Statement"]
        (statement,) = document
        trusted = statement["Condition"]["ArnLike"]["aws:PrincipalArn"]
        # The one person's role beside the functions': pausing one campaign, and what a restore replays.
        assert (NAMES["OperatorArn"] in trusted) is (name == "partner")
        trusted = [principal for principal in trusted if principal != NAMES["OperatorArn"]]
        arn_of = f"arn:aws:iam::account:role/app-stage-{name}"
        asks = {(e.role, e.access.action): e for e in seen if e.access.resource == arn_of}
        for principal in trusted:
            role = principal.rpartition("-fn-")[2]
            for action in statement["Action"]:
                asked = trusts(asks[role, action].access, role)
                assert Policy.of(document).allows(asked, "")
                fewer = json.loads(json.dumps(statement))
                fewer["Condition"]["ArnLike"]["aws:PrincipalArn"].remove(principal)
                assert not Policy.of([fewer]).allows(asked, "")
                fewer = {**statement, "Action": [a for a in statement["Action"] if a != action]}
                assert not Policy.of([fewer]).allows(asked, "")


@pytest.mark.parametrize("name", ASSUMED)
def test_widening_a_roles_trust_is_noticed(name: str) -> None:
    """Another principal, no tag, or a tag that is no partner: each is refused now, and let in by a wider document."""
    (statement,) = resolve(policy(f"assume-{name}"), NAMES)["Statement"]
    assert statement["Principal"] == {"AWS": "arn:aws:iam::account:root"}
    stranger = trusts(Access("sts:AssumeRole", "*", {"aws:RequestTag/partner": (ME,)}), "stranger")
    untagged = trusts(Access("sts:AssumeRole", "*", {}), "notices")
    odd = trusts(Access("sts:AssumeRole", "*", {"aws:RequestTag/partner": ("*",)}), "notices")
    for asked, keys in ((stranger, ("ArnLike",)), (untagged, ("StringLike", "Null")), (odd, ("StringLike",))):
        assert not Policy.of([statement]).allows(asked, "")
        wide = {**statement, "Condition": {k: v for k, v in statement["Condition"].items() if k not in keys}}
        assert Policy.of([wide]).allows(asked, "")


def trusts(access: Access, role: str) -> Access:
    """The same, as the trust of the assumed role sees it: with who asks."""
    principal = f"arn:aws:iam::account:role/app-stage-fn-{role}"
    return Access(access.action, access.resource, {**access.context, "aws:PrincipalArn": (principal,)})


def test_every_role_needs_what_its_work_needs(journey: Journey) -> None:
    """Each role has used grants in its essential services; the report would not be empty by mistake."""
    seen = evidence(journey.calls)
    for role, services in {
        "tick": {"dynamodb", "sqs", "ses"}, "plan": {"dynamodb", "sqs", "sts", "ses"},
        "send": {"dynamodb", "sqs", "sts", "ses", "kms"}, "feedback": {"sts", "s3"},
        "imports": {"sts", "sqs"}, "notices": {"dynamodb", "sts", "ses"}, "pages-hq": {"dynamodb", "s3", "sts", "sqs"},
        "pages-partner": {"dynamodb", "s3", "sts", "sqs", "ses", "kms"}, "partner-data": {"dynamodb", "s3", "kms"},
        "review-data": {"dynamodb", "s3"},
    }.items():
        found = {g.action.partition(":")[0] for g in grants(role) if used(g, seen)}
        assert found >= services, role


def test_widening_any_statement_is_noticed(journey: Journey) -> None:
    """A wildcard, a dropped condition or a wider key lets something through that was refused: a probe shows it."""
    tried, universe = 0, probes(evidence(journey.calls))
    for role in ROLES:
        stands = Policy.of(statements(role))
        refused = [access for access in universe if not stands.allows(access, ME)]
        for what, wide in widened(role):
            assert any(wide.allows(access, ME) for access in refused), f"{role} {what} would go unseen"
            tried += 1
    assert tried > 100


def test_no_statement_has_a_bare_wildcard() -> None:
    """No role may do everything, anywhere; whatever names all resources only reads."""
    for role in ROLES:
        for statement in statements(role):
            if statement["Effect"] == "Deny":
                continue
            actions = statement["Action"]
            assert all("*" not in action for action in actions), (role, statement["Sid"])
            if "*" in (statement["Resource"], *statement["Resource"]) and statement["Resource"] in ("*", ["*"]):
                assert all(a.partition(":")[2].startswith(("Get", "Describe", "List")) for a in actions), role


@pytest.mark.parametrize("role", ROLES)
def test_scans_and_partiql_stay_denied(role: str) -> None:
    """Even a careless ``dynamodb:*`` would leave them closed: LeadingKeys can't guard what has no key."""
    careless = {"Sid": "Careless", "Effect": "Allow", "Action": ["dynamodb:*"], "Resource": ["*"]}
    wide = Policy.of([*statements(role), careless])
    if not any(g.action.startswith("dynamodb:") for g in grants(role)):
        return
    for action in ("Scan", "PartiQLSelect", "PartiQLUpdate", "PartiQLInsert", "PartiQLDelete"):
        assert not wide.allows(item(action, "trust"), ME), action


def test_the_two_evaluators_agree(journey: Journey) -> None:
    """The first, which judges every test, and a second of other making answer alike on all probes and calls."""
    seen = evidence(journey.calls)
    universe = [*probes(seen), *(replace(e.access) for e in seen)]
    disagreed = []
    for role in ROLES:
        document = resolve(policy(role), NAMES)
        first = Policy.of(document["Statement"])
        for access in universe:
            answers = first.allows(access, ME), decide(document, access.action, access.resource, access.context, ME)
            if answers[0] != answers[1]:
                disagreed.append((role, access, answers))
    assert disagreed == []


@pytest.mark.parametrize(("role", "access", "allowed"), [
    ("partner-data", item("Query", "trust", f"P#{ME}#C#00"), True),
    ("partner-data", item("Query", "trust", f"P#{YOU}#C#00"), False),
    ("partner-data", item("BatchGetItem", "trust", f"P#{ME}#C#00", f"P#{YOU}#C#00"), False),
    ("partner-data", item("Query", "trust"), False),
    ("partner-data", item("Scan", "trust", f"P#{ME}#C#00"), False),
    ("partner-data", Access("s3:GetObject", f"arn:aws:s3:::bucket/P/{ME}/content/x", {}), True),
    ("partner-data", Access("s3:GetObject", f"arn:aws:s3:::bucket/P/{YOU}/content/x", {}), False),
    ("partner-data", Access("kms:Decrypt", WRAPPING, {"kms:EncryptionContext:partner": (ME,)}), True),
    ("partner-data", Access("kms:Decrypt", WRAPPING, {"kms:EncryptionContext:partner": (YOU,)}), False),
    ("partner-data", Access("kms:Decrypt", WRAPPING, {}), False),
    ("review-data", item("Query", "trust", f"P#{ME}#C#00"), False),
    ("review-data", item("GetItem", "keys", f"P#{ME}#KEY"), False),
    ("review-data", item("GetItem", "workflow", f"P#{ME}#HOME"), True),
    ("review-data", Access("s3:GetObject", f"arn:aws:s3:::bucket/P/{ME}/imports/a.csv", {}), False),
    ("tick", item("GetItem", "workflow", f"P#{ME}#HOME"), False),
    ("tick", Access("dynamodb:Query", arn("dynamodb", "table/app-stage-workflow/index/due"),
                    {"dynamodb:LeadingKeys": ("DUE#1",)}), True),
    ("send", Access("ses:SendBulkEmail", arn("ses", "configuration-set/app-stage"), {}), True),
    ("plan", Access("ses:SendBulkEmail", arn("ses", "configuration-set/app-stage"), {}), False),
    ("pages-hq", Access("sts:AssumeRole", "arn:aws:iam::account:role/app-stage-partner",
                        {"aws:RequestTag/partner": (ME,)}), False),
    ("pages-hq", Access("sts:AssumeRole", "arn:aws:iam::account:role/app-stage-review", {}), False),
    ("pages-hq", Access("sts:AssumeRole", "arn:aws:iam::account:role/app-stage-review",
                        {"aws:RequestTag/partner": (ME,)}), True),
])
def test_fixed_cases(role: str, access: Access, allowed: bool) -> None:
    """Cases whose answer a person worked out from IAM's documentation; both evaluators give it."""
    document = resolve(policy(role), NAMES)
    assert Policy.of(document["Statement"]).allows(access, ME) is allowed
    assert decide(document, access.action, access.resource, access.context, ME) is allowed


def test_the_report_is_up_to_date(journey: Journey) -> None:
    """docs/isolation.md is what ``make isolation`` writes now."""
    assert PLACE.read_text("utf-8") == render(evidence(journey.calls)), "run `make isolation` and commit the report"
