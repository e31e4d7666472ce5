"""What the template carries of the way in: the gateway's own answers, throttling, logs, host names of one's own."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from infra.deploy import stage
from infra.template import GATEWAY, SURFACES
from tests.package.evaluated import Evaluated

pytestmark = pytest.mark.package
DEPLOY = Path(__file__).resolve().parents[2] / "docs" / "deploy.md"
OWN = {"PartnerDomain": "campaigns.brand.example", "HqDomain": "desk.brand.example",
       "CertificateArn": "arn:aws:acm:eu-central-1:123456789012:certificate/x"}
CHOSEN = {"Stage": "prod", "OrgId": "org_0", "OrgName": "Brand", "MailFrom": "c@brand.example", "Bucket": "data",
          "CodeBucket": "releases", "CodeKey": "k", "Release": "r", "Secret": "kms:x"}
LONGEST = {
    "AWS::Lambda::Function": ("FunctionName", 64), "AWS::IAM::Role": ("RoleName", 64),
    "AWS::SQS::Queue": ("QueueName", 80),
    "AWS::DynamoDB::Table": ("TableName", 255), "AWS::SES::ConfigurationSet": ("Name", 64),
    "AWS::SNS::Topic": ("TopicName", 256), "AWS::KinesisFirehose::DeliveryStream": ("DeliveryStreamName", 64),
    "AWS::CloudWatch::Alarm": ("AlarmName", 255), "AWS::CloudWatch::Dashboard": ("DashboardName", 255),
    "AWS::Logs::LogGroup": ("LogGroupName", 512), "AWS::S3::Bucket": ("BucketName", 63),
}
"""Resource -> (its name's property, the characters that AWS takes there), by each service's API reference."""


@pytest.fixture(scope="module")
def stack(built: Path) -> dict[str, Any]:
    """The template that is deployed."""
    document: dict[str, Any] = json.loads((built / "stack.json").read_text("utf-8"))
    return document


def test_the_gateways_own_answers_are_pages(stack: dict[str, Any]) -> None:
    """Where no function is asked, people read a sentence with what to do; nothing of it is stored or passed on."""
    apis = Evaluated(stack, **CHOSEN).resources("AWS::ApiGateway::RestApi")
    assert len(apis) == len(SURFACES)
    for api in apis.values():
        answers = api["Body"]["x-amazon-apigateway-gateway-responses"]
        assert set(answers) == set(GATEWAY)
        assert {"MISSING_AUTHENTICATION_TOKEN", "THROTTLED", "DEFAULT_4XX", "DEFAULT_5XX"} <= set(answers)
        for kind, (status, title, sentence) in GATEWAY.items():
            answer = answers[kind]
            assert answer.get("statusCode") == status
            page = answer["responseTemplates"]["text/html"]
            assert title in page and sentence in page and "<script" not in page
            # Velocity reads it: what looks like a variable or a directive would be taken for one.
            assert not re.search(r"\$\w|\$\{|#(?:if|set|foreach|end|else|\{)", page)
            headers = {name.rpartition(".")[2]: value for name, value in answer["responseParameters"].items()}
            assert headers["Cache-Control"] == "'no-store'"
            assert headers["X-Content-Type-Options"] == "'nosniff'"
            assert headers["Referrer-Policy"] == "'no-referrer'"


def test_both_doors_are_throttled_without_a_firewall(stack: dict[str, Any]) -> None:
    """Each stage has a rate and a burst for all methods together; nothing that costs by the hour stands before it."""
    whole = Evaluated(stack, **CHOSEN)
    stages = whole.resources("AWS::ApiGateway::Stage")
    assert len(stages) == len(SURFACES)
    for properties in stages.values():
        (setting,) = properties["MethodSettings"]
        assert (setting["HttpMethod"], setting["ResourcePath"]) == ("*", "/*")
        assert 0 < setting["ThrottlingRateLimit"] <= setting["ThrottlingBurstLimit"] <= 5_000
    kinds = {resource["Type"] for resource in stack["Resources"].values()}
    assert not {kind for kind in kinds if kind.startswith(("AWS::WAF", "AWS::EC2", "AWS::ElasticLoadBalancing"))}
    regional = [api["EndpointConfiguration"] for api in whole.resources("AWS::ApiGateway::RestApi").values()]
    assert regional == [{"Types": ["REGIONAL"]}] * len(SURFACES)


def test_the_doors_logs_name_routes_and_nobody(stack: dict[str, Any]) -> None:
    """Paths hold tokens and addresses tell of people: neither is in the format of the access log."""
    for properties in Evaluated(stack, **CHOSEN).resources("AWS::ApiGateway::Stage").values():
        named = set(re.findall(r"\$context\.([\w.]+)", properties["AccessLogSetting"]["Format"]))
        assert {"resourcePath", "status", "requestId"} <= named
        assert not {name for name in named if name == "path" or name.startswith(("identity", "authorizer"))}


def test_host_names_of_ones_own(stack: dict[str, Any]) -> None:
    """With them: TLS 1.2, mapped without a prefix, in every link and in the bucket's rule, and their targets told."""
    whole = Evaluated(stack, **CHOSEN, **OWN)
    domains = {d["DomainName"]: d for d in whole.resources("AWS::ApiGateway::DomainName").values()}
    assert set(domains) == {OWN["PartnerDomain"], OWN["HqDomain"]}
    for domain in domains.values():
        assert (domain["SecurityPolicy"], domain["RegionalCertificateArn"]) == ("TLS_1_2", OWN["CertificateArn"])
    mappings = whole.resources("AWS::ApiGateway::BasePathMapping").values()
    assert len(mappings) == len(domains)
    assert not any("BasePath" in mapping for mapping in mappings)
    for function in whole.resources("AWS::Lambda::Function").values():
        variables = function["Environment"]["Variables"]
        assert variables["COUNTERSIGN_BASE_URL"] == f"https://{OWN['PartnerDomain']}"
        assert variables["COUNTERSIGN_HQ_BASE_URL"] == f"https://{OWN['HqDomain']}"
    (rule,) = whole.resources("AWS::S3::Bucket")["DataBucket"]["CorsConfiguration"]["CorsRules"]
    assert rule["AllowedOrigins"] == [f"https://{OWN['PartnerDomain']}"]
    assert (whole.outputs()["PartnerUrl"], whole.outputs()["HqUrl"]) == (
        f"https://{OWN['PartnerDomain']}", f"https://{OWN['HqDomain']}")
    assert {"PartnerDomainTarget", "HqDomainTarget"} <= set(whole.outputs())


def test_without_host_names_the_apis_own_addresses_are_used(stack: dict[str, Any]) -> None:
    """No domain is made; links, the bucket's rule and outputs name the API's address, with its stage in links."""
    whole = Evaluated(stack, **CHOSEN)
    assert whole.resources("AWS::ApiGateway::DomainName") == whole.resources("AWS::ApiGateway::BasePathMapping") == {}
    assert not {"PartnerDomainTarget", "HqDomainTarget"} & set(whole.outputs())
    origin = "https://<PartnerApi>.execute-api.eu-central-1.amazonaws.com"
    (rule,) = whole.resources("AWS::S3::Bucket")["DataBucket"]["CorsConfiguration"]["CorsRules"]
    assert rule["AllowedOrigins"] == [origin]
    functions = whole.resources("AWS::Lambda::Function").values()
    urls = {function["Environment"]["Variables"]["COUNTERSIGN_BASE_URL"] for function in functions}
    assert urls == {f"{origin}/app"} == {whole.outputs()["PartnerUrl"]}
    assert {s["StageName"] for s in whole.resources("AWS::ApiGateway::Stage").values()} == {"app"}


def test_a_host_name_without_a_certificate_is_refused_by_the_stack_too(stack: dict[str, Any]) -> None:
    """Whoever does not deploy with `make deploy` meets the same rule."""
    (assertion,) = stack["Rules"]["DomainsNeedACertificate"]["Assertions"]
    for parameters, allowed in (({}, True), (OWN, True), ({**OWN, "CertificateArn": ""}, False)):
        whole = Evaluated(stack, **CHOSEN, **parameters)
        asked = whole.holds(stack["Rules"]["DomainsNeedACertificate"]["RuleCondition"])
        assert (not asked or whole.holds(assertion["Assert"])) is allowed


def test_the_document_names_what_there_is(stack: dict[str, Any]) -> None:
    """Outputs and parameters that docs/deploy.md names exist, and every output that needs an act of people is there."""
    text = DEPLOY.read_text("utf-8")
    named = set(re.findall(r"`([A-Z][A-Za-z]+\d?)`", text))
    known = {"Parameters", *stack["Outputs"], *stack["Parameters"]}
    assert named <= known, named - known
    assert {"PartnerDomainTarget", "HqDomainTarget", "HqUrl", "Dkim1", "Dkim3"} <= named


@pytest.mark.parametrize("kind", sorted(LONGEST))
def test_the_longest_stage_name_fits_everywhere(stack: dict[str, Any], kind: str) -> None:
    """Twelve characters of a stage leave room in every name that is made from it."""
    name, limit = LONGEST[kind]
    longest = "a" * 12
    whole = Evaluated(stack, **CHOSEN | {
        "Stage": longest, "Bucket": f"{stage.APP}-{longest}-data-123456789012", "SenderDomain": "z.example"})
    found = [str(properties[name]) for properties in whole.resources(kind).values() if name in properties]
    assert found
    assert all(len(text) <= limit for text in found), found
    assert re.fullmatch(stack["Parameters"]["Stage"]["AllowedPattern"], longest)
    assert not re.fullmatch(stack["Parameters"]["Stage"]["AllowedPattern"], longest + "a")
