"""A local SES v2 endpoint and its mailbox, for trying and for tests.

It refuses what SES refuses, keeps every mail, and publishes SES's events in AWS's shapes. See
``README.md`` beside this file for what it imitates and what it does not.
"""

from __future__ import annotations

from infra.local.ses.config import Config
from infra.local.ses.control import Hooks
from infra.local.ses.server import Server
from infra.local.ses.sinks import AwsSinks, KeptSinks, NoSinks, Sinks

__all__ = ["AwsSinks", "Config", "Hooks", "KeptSinks", "NoSinks", "Server", "Sinks"]
