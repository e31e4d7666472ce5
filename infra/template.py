"""The stack's template: two of Chalice's templates, ``infra/resources.yaml``, and what every function has.

Chalice builds one function of pages per application, so it is asked twice, once for each surface; the
workers come with the partners' surface. Both run from one zip: what differs is which routes the API
knows, the role and ``COUNTERSIGN_SURFACE``.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from chalicelib.events.registry import FUNCTIONS
from infra.intrinsics import policy

Template = dict[str, Any]
ROOT = Path(__file__).resolve().parents[1]
SURFACES = {"partner": "Partner", "hq": "Hq"}
"""Surface -> what the names of its resources begin with."""
ASSUMED = {"PartnerDataRole": ("partner", "partner-data"), "ReviewDataRole": ("review", "review-data")}
"""The two roles that functions assume with a partner's tag: name, policy file."""
# What API Gateway answers by itself, before a function is asked: type -> status, title, sentence.
GATEWAY = {
    "MISSING_AUTHENTICATION_TOKEN": ("404", "There is no such page", "Check the address, or go back to the link in "
                                     "your mail."),
    "ACCESS_DENIED": ("404", "There is no such page", "Check the address, or go back to the link in your mail."),
    "THROTTLED": ("429", "Too many requests", "Many people are here at this moment. Wait a few seconds and load the "
                  "page again."),
    "REQUEST_TOO_LARGE": ("413", "That is too large", "At most 10 MB can be sent at once. Make it smaller and try "
                          "again."),
    "INTEGRATION_TIMEOUT": ("504", "That took too long", "Nothing is lost. Go back, load the page again and look "
                            "whether your change is there before you repeat it."),
    "DEFAULT_4XX": (None, "That did not work", "Go back, load the page again and repeat it."),
    "DEFAULT_5XX": (None, "That did not work", "It is our fault. Wait a minute, load the page again and look whether "
                    "your change is there before you repeat it."),
}


def compose(built: Mapping[str, Template]) -> Template:
    """One SAM template from Chalice's templates by surface."""
    whole = renamed(built["partner"], SURFACES["partner"])
    pages = renamed(built["hq"], SURFACES["hq"])["Resources"]
    whole["Resources"] |= {name: part for name, part in pages.items() if name.startswith(SURFACES["hq"])}
    for surface, prefix in SURFACES.items():
        _finish_api(whole["Resources"][f"{prefix}Api"]["Properties"]["DefinitionBody"], surface)
    for function, name in function_names().items():
        _finish_function(whole["Resources"], function, name)
    for resource, (name, document) in ASSUMED.items():
        whole["Resources"][resource] = _assumed_role(name, document)
    whole["Outputs"] = {}
    whole["Description"] = "Countersign: templates, approval and unattended sending of partners' campaigns"
    result: Template = merged(whole, yaml.safe_load((ROOT / "infra" / "resources.yaml").read_text("utf-8")))
    for function in function_names():
        result["Resources"][function]["Properties"].pop("Tags", None)
        # The archive is the stack's parameter; Chalice names a file beside the template.
        result["Resources"][function]["Properties"].pop("CodeUri", None)
    return result


def function_names() -> dict[str, str]:
    """Logical id of each function -> the last part of its name."""
    pages = {f"{prefix}Pages": f"pages-{surface}" for surface, prefix in SURFACES.items()}
    return pages | {name.capitalize(): name for name in FUNCTIONS}


def renamed(template: Template, prefix: str) -> Template:
    """Chalice's names for the pages' function and API, made into those of a surface."""
    names = {
        "APIHandlerInvokePermission": f"{prefix}PagesPermission", "APIHandler": f"{prefix}Pages",
        "ApiHandlerRole": f"{prefix}PagesRole", "RestAPI": f"{prefix}Api",
    }
    text = json.dumps(template)
    for old, new in names.items():
        text = re.sub(rf'(?<=[{{"]){old}(?=["}}.])', new, text)
    result: Template = json.loads(text)
    return result


def merged(base: Any, more: Any) -> Any:
    """``more`` over ``base``: mappings are united key by key, unless one of them is an intrinsic function."""
    if not (isinstance(base, dict) and isinstance(more, dict)):
        return more
    if any(key.startswith("Fn::") or key == "Ref" for key in (*base, *more)):
        return more
    return base | {key: merged(base[key], value) if key in base else value for key, value in more.items()}


def _finish_api(swagger: Template, surface: str) -> None:
    """Name the function by its name, not by its resource, and say friendly words where no function is asked.

    The function must know the API's address, so the API must not wait for the function.
    """
    account = "${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}"
    arn = f"arn:{account}:function:${{App}}-${{Stage}}-pages-{surface}"
    for methods in swagger["paths"].values():
        for method in methods.values():
            integration = method["x-amazon-apigateway-integration"]
            integration["uri"] = {"Fn::Sub": "arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/"
                                             f"functions/{arn}/invocations"}
    swagger["info"] = {"title": {"Fn::Sub": f"${{App}}-${{Stage}}-{surface}"}, "version": "1.0"}
    page = (ROOT / "infra" / "gateway.html").read_text("utf-8")
    swagger["x-amazon-apigateway-gateway-responses"] = {
        kind: {
            **({"statusCode": status} if status else {}),
            "responseTemplates": {"text/html": page.format(title=html.escape(title), sentence=html.escape(sentence))},
            "responseParameters": {
                "gatewayresponse.header.Cache-Control": "'no-store'",
                "gatewayresponse.header.Referrer-Policy": "'no-referrer'",
                "gatewayresponse.header.X-Content-Type-Options": "'nosniff'",
            },
        }
        for kind, (status, title, sentence) in GATEWAY.items()
    }


def _finish_function(resources: Template, function: str, name: str) -> None:
    """A fixed name (the API and the logs are addressed by it), a named role, a log group that ends."""
    full = {"Fn::Sub": f"${{App}}-${{Stage}}-{name}"}
    log = f"{function}Log"
    resources[function]["Properties"]["FunctionName"] = full
    resources[function]["DependsOn"] = [log]
    resources[f"{function}Role"]["Properties"]["RoleName"] = {"Fn::Sub": f"${{App}}-${{Stage}}-fn-{name}"}
    resources[log] = {
        "Type": "AWS::Logs::LogGroup",
        "Properties": {
            "LogGroupName": {"Fn::Sub": f"/aws/lambda/${{App}}-${{Stage}}-{name}"},
            "RetentionInDays": {"Ref": "LogDays"},
        },
    }


def _assumed_role(name: str, document: str) -> Template:
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "RoleName": {"Fn::Sub": f"${{App}}-${{Stage}}-{name}"},
            "AssumeRolePolicyDocument": policy(f"assume-{name}"),
            "Policies": [{"PolicyName": "scoped", "PolicyDocument": policy(document)}],
        },
    }
