"""What is deployed: complete, small enough, and importable by Lambda alone."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import re
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from chalicelib.adapters import schema
from chalicelib.events.registry import FUNCTIONS
from chalicelib.ports.system import QueueName
from chalicelib.web.surfaces import routes_of
from infra import artefact, intrinsics, package
from infra.artefact import INSTALLERS, PackageError
from infra.local.pump import BATCH_SIZES
from infra.template import ASSUMED, SURFACES, function_names
from tests.package.conftest import Packaged, seconds_of

pytestmark = pytest.mark.package
ROOT = Path(__file__).resolve().parents[2]
SETTINGS = {
    "COUNTERSIGN_STAGE": "prod", "COUNTERSIGN_ORG_ID": "org_01000000000000000000000000",
    "COUNTERSIGN_ORG_NAME": "Brand", "COUNTERSIGN_BASE_URL": "https://campaigns.example.com",
    "COUNTERSIGN_BUCKET": "brand-data", "COUNTERSIGN_KMS_KEY": "alias/brand",
    "COUNTERSIGN_PARTNER_ROLE": "arn:aws:iam::000000000000:role/partner",
    "COUNTERSIGN_REVIEW_ROLE": "arn:aws:iam::000000000000:role/review", "COUNTERSIGN_SECRET": "ab" * 32,
    "COUNTERSIGN_MAIL_FROM": "countersign@example.com", "COUNTERSIGN_CONFIGURATION_SET": "brand-prod",
    "AWS_REGION": "eu-central-1",
}


def functions_of(template: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Logical id -> properties of every Lambda function."""
    return {
        name: resource["Properties"] for name, resource in template["Resources"].items()
        if resource["Type"] == "AWS::Serverless::Function"
    }


@pytest.fixture
def lambda_process(unzipped: Path) -> Iterator[Packaged]:
    """A cold start with the settings of a deployment."""
    process = Packaged(unzipped, SETTINGS)
    yield process
    process.close()


def page_event(path: str, method: str = "GET") -> dict[str, Any]:
    """What API Gateway sends for a request."""
    return {
        "resource": path, "path": path, "httpMethod": method, "headers": {"Accept": "text/html"},
        "multiValueHeaders": {"Accept": ["text/html"]}, "queryStringParameters": None,
        "multiValueQueryStringParameters": None, "pathParameters": None, "stageVariables": None, "body": None,
        "isBase64Encoded": False,
        "requestContext": {"resourcePath": path, "httpMethod": method, "identity": {"sourceIp": "192.0.2.1"},
                           "requestId": "test", "path": path},
    }


def test_every_template_is_in_the_zip(unzipped: Path) -> None:
    """``chalice package`` alone would leave the templates out."""
    ours = {p.relative_to(ROOT) for p in (ROOT / "templates").rglob("*") if p.is_file() and not p.name.startswith(".")}
    assert len(ours) > 5
    assert [path for path in ours if not (unzipped / path).is_file()] == []


def test_tools_are_not_in_the_zip(unzipped: Path) -> None:
    """Neither installers nor test tools are deployed, and Chalice's command line stays at home."""
    names = {path.name for path in unzipped.iterdir()}
    assert names & {"pip", "setuptools", "click", "moto", "pytest", "infra", "tests", "bin"} == set()
    assert not (unzipped / "chalice" / "cli").exists()
    assert not [path for path in unzipped.glob("*.dist-info") if path.name.partition("-")[0] in INSTALLERS]


def test_each_function_has_a_role_and_policy_of_its_own(template: dict[str, Any]) -> None:
    """No two functions share a role, and each policy is the one in its file."""
    functions = functions_of(template)
    assert set(functions) == set(function_names())
    roles = [properties["Role"]["Fn::GetAtt"][0] for properties in functions.values()]
    assert len(set(roles)) == len(roles)
    for function, name in function_names().items():
        policies = template["Resources"][f"{function}Role"]["Properties"]["Policies"]
        assert [policy["PolicyDocument"] for policy in policies] == [intrinsics.policy(name)]


def test_the_surfaces_are_two_functions(template: dict[str, Any]) -> None:
    """HQ's function may assume the review role only, and each API knows the routes of its own surface only."""
    assumable = {}
    for surface, prefix in SURFACES.items():
        properties = functions_of(template)[f"{prefix}Pages"]
        assert properties["Environment"]["Variables"]["COUNTERSIGN_SURFACE"] == surface
        paths = template["Resources"][f"{prefix}Api"]["Properties"]["DefinitionBody"]["paths"]
        assert set(paths) == {route.path for route in routes_of(surface)}
        assert f"pages-{surface}/invocations" in json.dumps(paths)
        statements = intrinsics.policy(f"pages-{surface}")["Statement"]
        assumable[surface] = [
            arn["Fn::Sub"].rpartition("-")[2]
            for s in statements if "sts:AssumeRole" in s["Action"] for arn in s["Resource"]
        ]
    assert assumable == {"partner": ["partner"], "hq": ["review"]}


def test_roles_are_assumed_by_those_functions_that_may(template: dict[str, Any]) -> None:
    """A role's trust names exactly the functions whose own policies let them assume it."""
    for resource, (role, _) in ASSUMED.items():
        trust = template["Resources"][resource]["Properties"]["AssumeRolePolicyDocument"]["Statement"][0]
        named = {arn["Fn::Sub"] for arn in trust["Condition"]["ArnLike"]["aws:PrincipalArn"]}
        assert ("${OperatorArn}" in named) is (role == "partner"), "who pauses campaigns by hand"
        trusted = {arn.rpartition("-fn-")[2] for arn in named - {"${OperatorArn}"}}
        wanting = {
            name for name in function_names().values() for s in intrinsics.policy(name)["Statement"]
            if "sts:AssumeRole" in s["Action"] and any(arn["Fn::Sub"].endswith(f"-{role}") for arn in s["Resource"])
        }
        assert trusted == wanting


def test_no_function_keeps_compute_for_itself(template: dict[str, Any]) -> None:
    """Idle, the deployment costs no compute: nothing is provisioned, tables are paid by request."""
    assert "Provisioned" not in json.dumps(template)
    small = template["Mappings"]["Concurrency"]["small"]
    assert template["Parameters"]["Size"]["Default"] == "small", "a new account has 10 concurrent executions"
    assert small["Send"] == small["Worker"] == 2, "the least that SQS takes"
    normal = template["Mappings"]["Concurrency"]["normal"]
    reserved = normal["Tick"] + 2 * normal["Pages"] + normal["Send"] + 4 * normal["Worker"]
    assert f"reserves {reserved}" in template["Parameters"]["Size"]["Description"]


def test_no_function_but_the_assumed_role_reaches_customers(template: dict[str, Any]) -> None:
    """The trust and keys tables are granted to the role that is assumed with a partner's tag, and to nothing else.

    HQ's page of health may describe them: what describes a table reads no item.
    """
    granted = {
        (name, statement["Sid"]) for name, resource in template["Resources"].items()
        if resource["Type"] == "AWS::IAM::Role" for policy in resource["Properties"].get("Policies", ())
        for statement in policy["PolicyDocument"]["Statement"]
        if any(f"-{table}" in json.dumps(statement) for table in ("trust", "keys"))
        and not all(action.startswith("dynamodb:Describe") for action in statement["Action"])
    }
    assert granted == {("PartnerDataRole", "OwnCustomers"), ("PartnerDataRole", "OwnWrappedKeys")}


def test_queues_call_their_functions_as_the_local_pump_does(template: dict[str, Any]) -> None:
    """Batch sizes and partial failures are the same on AWS and locally."""
    functions = functions_of(template)
    for name, batch in BATCH_SIZES.items():
        source = functions[name.capitalize()]["Events"]["Source"]["Properties"]
        assert source["BatchSize"] == batch
        assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        assert source["Queue"] == {"Fn::GetAtt": [f"{name.capitalize()}Queue", "Arn"]}
    assert functions["Send"]["RecursiveLoop"] == "Allow"


@pytest.mark.parametrize("table", schema.TABLES, ids=lambda table: table.suffix)
def test_tables_agree_with_the_schema(template: dict[str, Any], table: schema.TableSchema) -> None:
    """CloudFormation makes the tables that the adapters expect."""
    properties = template["Resources"][f"{table.suffix.capitalize()}Table"]["Properties"]
    request = schema.table_request("x", table)
    for part in ("KeySchema", "AttributeDefinitions", "BillingMode"):
        assert properties[part] == request[part]
    assert properties.get("GlobalSecondaryIndexes", []) == request.get("GlobalSecondaryIndexes", [])
    assert ("TimeToLiveSpecification" in properties) == table.ttl
    assert properties["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] == table.recovery


@pytest.mark.parametrize("queue", list(QueueName))
def test_queues_agree_with_the_schema(template: dict[str, Any], queue: QueueName) -> None:
    """Retention, visibility and redrive are the same on AWS and locally."""
    properties = template["Resources"][f"{queue.value.capitalize()}Queue"]["Properties"]
    keep = schema.RETENTION_SECONDS.get(queue, schema.DEFAULT_RETENTION_SECONDS)
    assert properties["MessageRetentionPeriod"] == keep
    assert properties["VisibilityTimeout"] == schema.VISIBILITY_SECONDS
    assert properties["RedrivePolicy"]["maxReceiveCount"] == schema.MAX_RECEIVES[queue]


def test_no_function_runs_longer_than_a_message_is_hidden(template: dict[str, Any]) -> None:
    """A message must not come again while its first handler still works on it."""
    assert max(p["Timeout"] for p in functions_of(template).values()) <= schema.VISIBILITY_SECONDS


def test_every_handler_imports_by_itself(template: dict[str, Any], unzipped: Path) -> None:
    """Each function starts cold, from the zip alone; those behind queues load neither app.py nor Chalice."""
    for properties in functions_of(template).values():
        process = Packaged(unzipped, SETTINGS)
        try:
            answer = process.ask(handler=properties["Handler"])
            assert answer["result"] is True, properties["Handler"]
            unwanted = {"premailer", "lxml", "moto", "pytest", "PIL"}
            if properties["Handler"] != "app.app":
                unwanted |= {"app", "chalice"}
            assert set(answer["loaded"]) & unwanted == set(), properties["Handler"]
        finally:
            process.close()


def test_a_page_is_rendered(lambda_process: Packaged) -> None:
    """The packaged application finds its templates and answers as API Gateway expects."""
    result = lambda_process.ask(handler="app.app", event=page_event("/sign-in"))["result"]
    assert result["statusCode"] == 200
    assert "<title>Sign in" in result["body"]
    assert "Brand" in result["body"]


def test_translations_are_in_the_zip_compiled(unzipped: Path, lambda_process: Packaged) -> None:
    """Every language's catalogue, without its source; a page comes in the browser's language."""
    held = sorted(p.relative_to(unzipped).as_posix() for p in unzipped.glob("chalicelib/locale/*/LC_MESSAGES/*"))
    assert held == [f"chalicelib/locale/{language}/LC_MESSAGES/countersign.mo" for language in ("de", "es", "fr", "hu")]
    event = page_event("/sign-in")
    event["headers"] |= {"Accept-Language": "hu"}
    body = lambda_process.ask(handler="app.app", event=event)["result"]["body"]
    assert '<html lang="hu">' in body
    assert "Hivatkozás küldése" in body


def test_missing_settings_are_told_all_at_once(unzipped: Path) -> None:
    """A function without its settings says what is missing instead of failing in the middle."""
    process = Packaged(unzipped, {"AWS_REGION": "eu-central-1"})
    try:
        with pytest.raises(AssertionError, match=r"(?s)COUNTERSIGN_STAGE is missing.*COUNTERSIGN_SECRET is missing"):
            process.ask(world=True)
    finally:
        process.close()



def test_the_same_sources_give_the_same_bytes(built: Path, tmp_path: Path) -> None:
    """Built twice, zip and templates are byte-identical, so that a release can be checked by building it again."""
    again = package.build(tmp_path)
    for name in ("deployment.zip", "sam.json", "stack.json"):
        assert (again / name).read_bytes() == (built / name).read_bytes(), name


def test_a_source_build_is_refused(tmp_path: Path) -> None:
    """A package that has no wheel for Lambda stops the build instead of being compiled for this machine."""
    source = tmp_path / "compiled-1.0"
    source.mkdir()
    (source / "setup.py").write_text("raise SystemExit('this must never run')", "utf-8")
    (source / "PKG-INFO").write_text("Metadata-Version: 2.1\nName: compiled\nVersion: 1.0\n", "utf-8")
    archive = tmp_path / "compiled-1.0.tar.gz"
    with tarfile.open(archive, "w:gz") as opened:
        opened.add(source, "compiled-1.0")
    lock = tmp_path / "lock.txt"
    lock.write_text(f"compiled==1.0 --hash=sha256:{hashlib.sha256(archive.read_bytes()).hexdigest()}\n", "utf-8")
    with pytest.raises(PackageError, match=r"(?s)never compiled here.*compiled==1.0"):
        artefact.install_wheels(tmp_path / "out", lock, "--no-index", "--find-links", str(tmp_path))


def test_the_artefact_stays_small(built: Path, record_property: Callable[[str, object], None]) -> None:
    """Under 50 MB zipped and 170 MB unzipped, and one byte more than allowed is refused."""
    zipped, unzipped = (built / "deployment.zip").stat().st_size, artefact.unzipped_size(built / "deployment.zip")
    record_property("measured", f"package: built in {seconds_of(built)} s; {zipped / 1e6:.1f} MB, "
                                f"unzipped {unzipped / 1e6:.1f} MB")
    artefact.check_sizes(built / "deployment.zip")
    assert artefact.ZIPPED_LIMIT <= 50_000_000
    assert artefact.UNZIPPED_LIMIT <= 170_000_000


def test_everything_is_compiled(unzipped: Path) -> None:
    """Each module has its bytecode, which is taken without a look at the source and names Lambda's folder."""
    for module in unzipped.rglob("*.py"):
        compiled = Path(importlib.util.cache_from_source(str(module)))
        assert compiled.exists(), module
        assert compiled.read_bytes()[4:8] == b"\x01\x00\x00\x00", "PEP 552: hash-based, unchecked"
    assert b"/var/task/app.py" in Path(importlib.util.cache_from_source(str(unzipped / "app.py"))).read_bytes()


def test_every_page_is_compiled(unzipped: Path) -> None:
    """A first page loads its templates as modules: nothing is left to be compiled by a function."""
    pages = unzipped / "templates" / "pages"
    sources = [path.relative_to(pages).as_posix() for path in pages.rglob("*") if path.is_file()]
    compiled = {path.name for path in (unzipped / "templates" / "compiled").glob("*.py")}
    assert compiled == {f"tmpl_{hashlib.sha1(name.encode()).hexdigest()}.py" for name in sources}


def test_every_service_in_use_has_its_model() -> None:
    """What the program asks botocore for is not trimmed away."""
    asked = {
        name for file in (ROOT / "chalicelib").rglob("*.py")
        for name in re.findall(r'clients\.get\(\s*"([a-z0-9]+)"', file.read_text("utf-8"))
    }
    assert {"dynamodb", "sqs", "sts"} <= asked <= set(artefact.SERVICES)


@pytest.mark.parametrize("surface", ["partner", "hq"])
def test_pages_load_no_more_than_they_need(unzipped: Path, surface: str) -> None:
    """A cold start of pages loads Chalice and Jinja2 and nothing else of others; what a click needs comes with it."""
    code = (
        "import json, sys; sys.path.insert(0, sys.argv[1]); import app; ours = [n for n, m in sys.modules.items() "
        "if str(getattr(m, '__file__', '')).startswith(sys.argv[1])]; print(json.dumps([ours, list(sys.modules)]))"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code, str(unzipped)], capture_output=True, text=True, check=True,
        env={"COUNTERSIGN_SURFACE": surface, "AWS_DEFAULT_REGION": "eu-central-1"},
    )
    loaded, everything = json.loads(done.stdout)
    assert {name.partition(".")[0] for name in loaded} == {
        "app", "chalice", "chalicelib", "jinja2", "markupsafe", "tzdata"}
    unwanted = (
        *(f"chalicelib.adapters.{name}" for name in ("dynamo", "aws", "ses", "vault", "journal", "queue", "blobs")),
        *(f"chalicelib.rendering.{name}" for name in ("inline", "importers", "mjml", "source", "fill")),
        *(f"chalicelib.domain.compliance.{name}" for name in ("judge", "brand", "legal", "cascade", "gather")),
        *(f"chalicelib.usecases.{name}" for name in ("send", "plan", "batch", "tick", "feedback", "import_run")),
    )
    assert [name for name in loaded if name.startswith(unwanted)] == []
    slow = {"asyncio", "concurrent", "email", "http", "multiprocessing", "socket", "ssl", "subprocess", "xml"}
    assert slow & set(everything) == set(), "the standard library's costly parts come with the first read of AWS"
    assert len(everything) < 360, "a cold start pays for each of them"
    workers = {f"chalicelib.events.{name}" for name in FUNCTIONS}
    assert workers & set(loaded) == set(), "the functions behind queues are not part of the pages"
