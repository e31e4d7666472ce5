"""One CloudFormation stack: what state it is in, and one change at a time, seen before it is made."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from botocore.exceptions import ClientError

from infra.deploy.stage import DeployError

Say = Callable[[str], None]
KEPT_TYPES = frozenset({"AWS::DynamoDB::Table", "AWS::S3::Bucket", "AWS::KMS::Key"})
"""What holds customers' data: a change that replaces or removes one of them is never executed."""
_POLL_SECONDS = 5.0
BEGINNINGS = frozenset({"CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS"})
"""With these statuses of the stack itself an operation begins; a rollback is part of one."""
# status -> what to do about it
STUCK = {
    "UPDATE_ROLLBACK_FAILED": "An update failed and could not be taken back. Look at the stack's events, mend the "
                              "cause, run `aws cloudformation continue-update-rollback --stack-name {name}` and "
                              "deploy again.",
    "ROLLBACK_FAILED": "The first deployment failed and could not be taken back. Run `make remove` for this stage, "
                       "then deploy again.",
    "CREATE_FAILED": "The first deployment failed. Run `make remove` for this stage, then deploy again.",
    "DELETE_FAILED": "A removal stopped half-way. Look at the stack's events, mend the cause and remove it again.",
}


class Stack:
    """The stack ``name``; ``client`` is CloudFormation's, ``pause`` waits between two looks."""

    def __init__(self, client: Any, name: str, say: Say, *, pause: Callable[[float], None] = time.sleep,
                 poll: float = _POLL_SECONDS) -> None:
        self.client, self.name, self.say = client, name, say
        self._pause, self._poll = pause, poll

    def describe(self) -> dict[str, Any] | None:
        """The stack as AWS tells it; None if there is none."""
        try:
            found: dict[str, Any] = self.client.describe_stacks(StackName=self.name)["Stacks"][0]
        except ClientError as error:
            if "does not exist" in str(error):
                return None
            raise
        return None if found["StackStatus"] == "DELETE_COMPLETE" else found

    @property
    def outputs(self) -> dict[str, str]:
        """The outputs by name; empty without a stack."""
        found = self.describe() or {}
        return {o["OutputKey"]: o["OutputValue"] for o in found.get("Outputs", ())}

    @property
    def parameters(self) -> dict[str, str]:
        """The parameters in force; those that are hidden are stars."""
        found = self.describe() or {}
        return {p["ParameterKey"]: p.get("ParameterValue", "") for p in found.get("Parameters", ())}

    def prepare(self) -> str:
        """Make the stack fit for a change set; returns CREATE or UPDATE. Raises DeployError for what it can't mend."""
        found = self.describe()
        if found is None:
            return "CREATE"
        status = found["StackStatus"]
        if status == "REVIEW_IN_PROGRESS":  # a first change set that nobody executed
            return "CREATE"
        if status == "ROLLBACK_COMPLETE":
            self.say("The first deployment failed and was taken back; its empty shell is removed first.")
            self.delete()
            return "CREATE"
        if status in STUCK:
            raise DeployError(f"{self.name} is {status}. {STUCK[status].format(name=self.name)}")
        if status.endswith("_IN_PROGRESS"):
            raise DeployError(f"{self.name} is {status}: somebody else deploys at this moment. Wait until it has "
                              "ended, then run this again; it will show you what is left to change.")
        return "UPDATE"

    def propose(self, kind: str, template_url: str, parameters: Mapping[str, str | None], label: str) -> str | None:
        """Make a change set and wait for it; None if there is nothing to change. None for a value keeps the present."""
        given = [
            {"ParameterKey": name, "UsePreviousValue": True} if value is None
            else {"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()
        ]
        made = self.client.create_change_set(
            StackName=self.name, ChangeSetName=label, ChangeSetType=kind, TemplateURL=template_url, Parameters=given,
            Capabilities=["CAPABILITY_NAMED_IAM"],
        )
        while True:
            told = self.client.describe_change_set(ChangeSetName=made["Id"], StackName=self.name)
            if told["Status"] not in ("CREATE_PENDING", "CREATE_IN_PROGRESS"):
                break
            self._pause(min(self._poll, 2.0))
        if told["Status"] == "CREATE_COMPLETE":
            return str(made["Id"])
        reason = told.get("StatusReason", "")
        self.discard(str(made["Id"]))
        if "didn't contain changes" in reason or "No updates are to be performed" in reason:
            return None
        raise DeployError(f"CloudFormation refuses the change: {reason}")

    def changes(self, change_set: str) -> list[dict[str, Any]]:
        """The resource changes of a change set, in order of name."""
        found: list[dict[str, Any]] = []
        page: dict[str, Any] = {}
        while True:
            told = self.client.describe_change_set(ChangeSetName=change_set, StackName=self.name, **page)
            found += [change["ResourceChange"] for change in told.get("Changes", ()) if "ResourceChange" in change]
            if not told.get("NextToken"):
                return sorted(found, key=lambda change: (change["Action"], change["LogicalResourceId"]))
            page = {"NextToken": told["NextToken"]}

    def discard(self, change_set: str) -> None:
        """Forget a change set."""
        self.client.delete_change_set(ChangeSetName=change_set, StackName=self.name)

    def execute(self, change_set: str) -> None:
        """Make the change and wait; raises DeployError with the first things that failed."""
        try:
            self.client.execute_change_set(ChangeSetName=change_set, StackName=self.name)
        except ClientError as error:
            # Whoever executes one change set makes the others obsolete, and CloudFormation soon deletes them.
            if error.response["Error"]["Code"] in ("InvalidChangeSetStatus", "ChangeSetNotFound"):
                raise DeployError(
                    "Somebody else has deployed since you were shown this change, so it no longer fits: run it again "
                    "and look at the new one.") from error
            raise
        status = self._settled()
        if status not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
            first = status.startswith(("CREATE", "ROLLBACK"))
            state = "Nothing is deployed" if first else "What was deployed before is in force"
            raise DeployError(f"{self.name} is {status}. {state}. {self._reasons()}")

    def delete(self) -> None:
        """Delete the stack and wait; what it retains stays. Raises DeployError."""
        self.client.delete_stack(StackName=self.name)
        status = self._settled()
        if status not in ("", "DELETE_COMPLETE"):
            raise DeployError(f"{self.name} is {status}. {self._reasons()}")

    def _settled(self) -> str:
        while True:
            found = self.describe()
            if found is None:
                return ""
            status = str(found["StackStatus"])
            if not status.endswith("_IN_PROGRESS"):
                return status
            self._pause(self._poll)

    def _reasons(self) -> str:
        failed = [e for e in self._events() if e["ResourceStatus"].endswith("_FAILED")
                  and "cancelled" not in e.get("ResourceStatusReason", "")]
        lines = [f"{e['LogicalResourceId']} ({e['ResourceType']}): {e.get('ResourceStatusReason', '')}" for e in failed]
        if lines:
            return "What failed first:\n  " + "\n  ".join(lines[:5])
        return str((self.describe() or {}).get("StackStatusReason", "Look at its events."))

    def _events(self) -> list[dict[str, Any]]:
        """What happened since the present operation began, the oldest first.

        CloudFormation tells the newest first and page by page: what a rollback undoes fills the first pages, and
        behind the operation's own beginning come the failures of earlier ones.
        """
        found: list[dict[str, Any]] = []
        page: dict[str, Any] = {}
        while True:
            told = self.client.describe_stack_events(StackName=self.name, **page)
            for event in told["StackEvents"]:
                found.append(event)
                if event["ResourceType"] == "AWS::CloudFormation::Stack" and event["ResourceStatus"] in BEGINNINGS:
                    return found[::-1]
            if not told.get("NextToken"):
                return found[::-1]
            page = {"NextToken": told["NextToken"]}


def shown(changes: Sequence[Mapping[str, Any]]) -> str:
    """The changes as lines that a person decides on: what is added, changed, replaced, removed."""
    marks = {"Add": "+", "Modify": "~", "Remove": "-", "Import": ">"}
    lines = []
    for change in changes:
        replaced = {"True": "REPLACED", "Conditional": "perhaps REPLACED"}.get(change.get("Replacement", ""), "")
        details = sorted({d["Target"].get("Name") or d["Target"]["Attribute"] for d in change.get("Details", ())})
        lines.append(" ".join(filter(None, (
            f"  {marks.get(change['Action'], '?')} {change['LogicalResourceId']} ({change['ResourceType']})",
            replaced, ", ".join(details),
        ))))
    return "\n".join(lines)


def endangered(changes: Sequence[Mapping[str, Any]]) -> list[str]:
    """What holds data and would be replaced or removed."""
    return [
        change["LogicalResourceId"] for change in changes if change["ResourceType"] in KEPT_TYPES
        and (change["Action"] == "Remove" or change.get("Replacement") == "True")
    ]
