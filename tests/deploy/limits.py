"""What the emulator does not carry of the deployed stack, and why: one list, which the README repeats."""

from __future__ import annotations

LIMITS = {
    "API Gateway's own pages": "it shows its JSON for an unknown address, whatever the template says",
    "Alarms on sums of metrics, the budget, the DKIM records": "its CloudFormation does not know them, so the stack "
                                                               "leaves them out where it is given another SES",
    "Expiry of old items": "its CloudFormation does not turn it on, which the doctor notices",
    "SES with SNS and Firehose": "its SES loses headers and tags and tells of nothing; mail goes to the local SES, "
                                 "which hands its events on in AWS's shapes",
    "Passing time": "the functions are given a clock that the test moves; the rule that calls them each minute goes by "
                    "the machine's",
    "HTTPS and host names": "both APIs and the bucket have one plain address, so cookies lack the `__Host-` prefix and "
                            "an upload does not leave its origin",
    "Permissions": "it lets everybody do everything; instead, each call of each function is judged by the policies",
    "Limits and access logs": "nothing is reserved or throttled, and the APIs' logs stay empty",
}
"""What -> why not, and what is done instead."""


def shown() -> str:
    """The list as the README has it."""
    return "\n".join(f"- *{what}*: {why}." for what, why in LIMITS.items())
