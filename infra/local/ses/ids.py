"""Message ids in SES's form, which tell the time at which they were made.

``0102`` (the European regions), 12 hexadecimal digits of milliseconds, a random UUID and a
counter: ``0102019a8b7c6d5e-1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed-000000``. The mails of one
message to several recipients carry ``~2``, ``~3`` ... behind it.
"""

from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime

_ID = re.compile(r"0102([0-9a-f]{12})-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}-000000(?:~[0-9]{1,3})?")


def new_message_id(moment: datetime) -> str:
    """A fresh id for a message that was accepted at ``moment``."""
    return f"0102{int(moment.timestamp() * 1000):012x}-{uuid.uuid4()}-000000"


def mail_id(message_id: str, place: int) -> str:
    """The id of the mail to the recipient at ``place`` (0: the first)."""
    return f"{message_id}~{place + 1}" if place else message_id


def day_of(identifier: str) -> str:
    """The UTC day in an id as ``yyyy-mm-dd``; raises ValueError for anything that is not an id."""
    found = _ID.fullmatch(identifier)
    if found is None:
        raise ValueError("not the id of a mail")
    return datetime.fromtimestamp(int(found[1], 16) / 1000, UTC).strftime("%Y-%m-%d")
