"""The checks of a deployed stage. Each returns nothing or raises AssertionError with what is wrong.

They change nothing but one tick and, if asked for, two mails to SES's mailbox simulator. IAM itself
is asked what the roles may, with the keys and tags of a real call: no emulator answers that.
"""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from infra.deploy.stage import Stage

OWN, FOREIGN = "prt_00000000000000000000000000", "prt_zzzzzzzzzzzzzzzzzzzzzzzzzz"


@dataclass(frozen=True, slots=True)
class Site:
    """A deployed stage: clients, the stage, its account, the stack's outputs."""

    clients: Callable[[str], Any]
    stage: Stage
    account: str
    outputs: Mapping[str, str]

    def arn(self, service: str, name: str, *, region: bool = True) -> str:
        """The ARN of something that is named after the stack."""
        where = self.stage.region if region else ""
        return f"arn:aws:{service}:{where}:{self.account}:{name}"

    def may(self, role: str, action: str, resource: str, **context: str) -> str:
        """What IAM decides: allowed, implicitDeny or explicitDeny. ``__`` in a context key is a colon."""
        entries = [{"ContextKeyName": key, "ContextKeyValues": [value], "ContextKeyType": kind}
                   for key, value, kind in _entries(context)]
        told = self.clients("iam").simulate_principal_policy(
            PolicySourceArn=self.arn("iam", f"role/{self.stage.stack}-{role}", region=False), ActionNames=[action],
            ResourceArns=[resource], ContextEntries=entries)
        return str(told["EvaluationResults"][0]["EvalDecision"])


def _entries(context: Mapping[str, str]) -> list[tuple[str, str, str]]:
    names = {"leading": ("dynamodb:LeadingKeys", "stringList"), "tag": ("aws:PrincipalTag/partner", "string"),
             "request_tag": ("aws:RequestTag/partner", "string"),
             "kms_partner": ("kms:EncryptionContext:partner", "string")}
    return [(names[key][0], value, names[key][1]) for key, value in context.items()]


def fetch(url: str) -> tuple[int, str, dict[str, str]]:
    """Status, body and headers of a page."""
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:
            return answer.status, answer.read().decode(), dict(answer.headers)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode(), dict(error.headers)


def pages_answer(site: Site) -> None:
    """Both surfaces show their sign-in page over https, closed to everything foreign."""
    for name in ("PartnerUrl", "HqUrl"):
        status, text, headers = fetch(f"{site.outputs[name]}/sign-in")
        assert status == 200 and "<title>" in text, f"{name} answers {status}"
        assert "default-src 'none'" in headers.get("Content-Security-Policy", ""), f"{name} has no closed policy"
        assert "__Host-" in headers.get("Set-Cookie", ""), f"{name} sets a cookie without the __Host- prefix"


def unknown_pages_are_friendly(site: Site) -> None:
    """API Gateway's own answers are pages, not JSON."""
    status, text, _ = fetch(f"{site.outputs['PartnerUrl']}/no-such-page/at/all")
    assert (status, "There is no such page" in text) == (404, True), f"an unknown page answers {status}: {text[:100]}"


def surfaces_are_apart(site: Site) -> None:
    """HQ's pages are not on the partners' API."""
    status, _, _ = fetch(f"{site.outputs['PartnerUrl']}/hq")
    assert status == 404, f"the partners' API answers /hq with {status}"


def partners_are_apart(site: Site) -> None:
    """IAM lets the partner's role at the items, objects and keys of its own tag, and at nothing else."""
    table = site.arn("dynamodb", f"table/{site.stage.stack}-trust")
    own, foreign = f"P#{OWN}#C#00", f"P#{FOREIGN}#C#00"
    key = site.outputs["PartnerKeysKeyArn"]
    for action, resource, context, wanted in (
        ("dynamodb:GetItem", table, {"leading": own, "tag": OWN}, "allowed"),
        ("dynamodb:GetItem", table, {"leading": foreign, "tag": OWN}, "implicitDeny"),
        ("dynamodb:GetItem", table, {"leading": own}, "implicitDeny"),
        ("dynamodb:Scan", table, {"tag": OWN}, "explicitDeny"),
        ("dynamodb:PartiQLSelect", table, {"tag": OWN}, "explicitDeny"),
        ("kms:Decrypt", key, {"tag": OWN, "kms_partner": OWN}, "allowed"),
        ("kms:Decrypt", key, {"tag": OWN, "kms_partner": FOREIGN}, "implicitDeny"),
    ):
        found = site.may("partner", action, resource, **context)
        assert found == wanted, f"{action} with {context} is {found}, not {wanted}"


def hq_has_no_way_to_customers(site: Site) -> None:
    """HQ's function may neither read the trust table nor assume the partner's role."""
    table = site.arn("dynamodb", f"table/{site.stage.stack}-trust")
    partner = site.arn("iam", f"role/{site.stage.stack}-partner", region=False)
    review = site.arn("iam", f"role/{site.stage.stack}-review", region=False)
    for action, resource, context, wanted in (
        ("dynamodb:GetItem", table, {"leading": f"P#{OWN}#C#00"}, "implicitDeny"),
        ("sts:AssumeRole", partner, {"request_tag": OWN}, "implicitDeny"),
        ("sts:AssumeRole", review, {"request_tag": OWN}, "allowed"),
    ):
        found = site.may("fn-pages-hq", action, resource, **context)
        assert found == wanted, f"{action} on {resource} is {found}, not {wanted}"


def a_tick_runs(site: Site) -> None:
    """The function that starts everything runs with its own role."""
    told = site.clients("lambda").invoke(FunctionName=f"{site.stage.stack}-tick", Payload=b"{}")
    assert "FunctionError" not in told, told["Payload"].read()[:300]


def queues_are_quiet(site: Site) -> None:
    """No message waits in a dead-letter queue."""
    sqs = site.clients("sqs")
    for name in ("plan", "send", "feedback", "imports", "notices"):
        url = sqs.get_queue_url(QueueName=f"{site.stage.stack}-{name}-dead")["QueueUrl"]
        told = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])["Attributes"]
        assert told["ApproximateNumberOfMessages"] == "0", f"{name}-dead holds {told['ApproximateNumberOfMessages']}"


def data_is_protected(site: Site) -> None:
    """Tables can't be deleted; all but the keys' can be restored; the bucket is closed."""
    dynamodb = site.clients("dynamodb")
    for name, wanted in (("workflow", "ENABLED"), ("trust", "ENABLED"), ("keys", "DISABLED")):
        table = f"{site.stage.stack}-{name}"
        assert dynamodb.describe_table(TableName=table)["Table"]["DeletionProtectionEnabled"], f"{table} is unprotected"
        told = dynamodb.describe_continuous_backups(TableName=table)["ContinuousBackupsDescription"]
        state = told["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"]
        assert state == wanted, f"point-in-time recovery of {table} is {state}"


def mail_goes_out(site: Site) -> None:
    """SES takes mail to its own simulator, one that arrives and one that bounces, with our configuration set."""
    sender = site.stage.parameters["MailFrom"]
    for to in ("success@simulator.amazonses.com", "bounce@simulator.amazonses.com"):
        site.clients("sesv2").send_email(
            FromEmailAddress=sender, Destination={"ToAddresses": [to]}, ConfigurationSetName=site.stage.stack,
            Content={"Simple": {"Subject": {"Data": "Smoke test"}, "Body": {"Text": {"Data": "Smoke test"}}}})


CHECKS: tuple[Callable[[Site], None], ...] = (
    pages_answer, unknown_pages_are_friendly, surfaces_are_apart, partners_are_apart, hq_has_no_way_to_customers,
    a_tick_runs, queues_are_quiet, data_is_protected, mail_goes_out,
)
