"""What the functions tell of themselves: one JSON object a line, with a correlation id, and metrics.

``story`` says which function works on whose request; every line written inside carries that, and the
queue adapter hands it on with each message, so that one search finds a click with all that it caused.
Metrics are lines too (CloudWatch's embedded metric format), so that counting costs no call.

No line holds personal data, by construction: our messages name ids, counts and codes; of an error of
another library only its type and the places in the code are kept, because its text may quote what
it choked on. What looks like an address or a token is blotted out besides, as a second net.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import TextIO

from chalicelib.domain.errors import CountersignError
from chalicelib.domain.record import dataclass

NAMESPACE = "Countersign"
METRICS: Mapping[str, str] = {
    "sent": "Count", "failed": "Count", "unknown": "Count", "unsent": "Count", "suppressed": "Count",
    "refused": "Count", "bounced": "Count", "complained": "Count", "held": "Count", "errors": "Count",
    "lag": "Seconds", "age": "Seconds",
}
"""Name -> unit. ``sent`` to ``suppressed`` count recipients of a turn of sending; ``refused`` the calls
that SES will refuse until a person mends something; ``held`` campaigns that the program paused;
``errors`` messages that failed and come again; ``lag`` is how late a campaign started, ``age`` how long a
message waited in its queue."""
ATTRIBUTE = "correlation"
"""The message attribute that carries the correlation id through SQS."""
_FRAMES = 12
# Bounded, so that a long text costs time in proportion to its length; 64 and 255 are SMTP's limits (RFC 5321).
_ADDRESS = re.compile(r"[^\s<>\"'@]{1,64}@[^\s<>\"'@]{1,255}\.[^\s<>\"'@]{1,63}")
_TOKEN = re.compile(r"/(r|u|sign-in)/[\w.~-]{8,}")
_ID = re.compile(r"[\w.:=-]{1,128}")


@dataclass(frozen=True, slots=True)
class Story:
    """Which function works, and on whose request: the id of the request or message it began with."""

    function: str = ""
    correlation: str = ""


_current: ContextVar[Story] = ContextVar("countersign_story", default=Story())  # noqa: B039 - frozen


@contextmanager
def story(function: str, correlation: str) -> Iterator[Story]:
    """Everything that is logged or queued inside belongs to this; a strange id is not taken over."""
    token = _current.set(Story(function, correlation if _ID.fullmatch(correlation) else ""))
    try:
        yield _current.get()
    finally:
        _current.reset(token)


def current() -> Story:
    """The story that is being told, an empty one outside of any."""
    return _current.get()


def count(**values: float) -> None:
    """Write metrics, named as in ``METRICS``; zeros are left out. Raises KeyError for another name."""
    told = {name: value for name, value in values.items() if value and METRICS[name]}
    if told:
        logging.getLogger("countersign.metrics").info("metrics", extra={"metrics": told})


class JsonLines(logging.Formatter):
    """Formats a record as one JSON object; ``deployment`` is the one dimension of all metrics."""

    def __init__(self, deployment: str = "") -> None:
        super().__init__()
        self._deployment = deployment

    def format(self, record: logging.LogRecord) -> str:
        """Time, level, logger, message and story; metrics and errors where there are any."""
        here = _current.get()
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname, "logger": record.name, "message": blot(record.getMessage()),
        }
        if here.function:
            line |= {"function": here.function, ATTRIBUTE: here.correlation}
        metrics: Mapping[str, float] = getattr(record, "metrics", {})
        if metrics:
            line |= embedded(metrics, self._deployment, int(record.created * 1000))
        if record.exc_info and record.exc_info[1] is not None:
            line["error"] = told(record.exc_info[1])
        return json.dumps(line, ensure_ascii=False, separators=(",", ":"))


def embedded(metrics: Mapping[str, float], deployment: str, millis: int) -> dict[str, object]:
    """The fields of CloudWatch's embedded metric format (CloudWatch user guide, "Specification")."""
    return {
        "_aws": {"Timestamp": millis, "CloudWatchMetrics": [{
            "Namespace": NAMESPACE, "Dimensions": [["deployment"]],
            "Metrics": [{"Name": name, "Unit": METRICS[name]} for name in metrics],
        }]},
        "deployment": deployment, **metrics,
    }


def told(error: BaseException) -> dict[str, object]:
    """An error without what it may quote: types, places, and the text of our own errors only."""
    chain: list[str] = []
    step: BaseException | None = error
    while step is not None and len(chain) < 5:
        chain.append(f"{type(step).__module__}.{type(step).__qualname__}")
        step = step.__cause__ or (None if step.__suppress_context__ else step.__context__)
    frames = traceback.extract_tb(error.__traceback__)[-_FRAMES:]
    return {
        "type": chain[0], "because": chain[1:],
        "text": blot(str(error)) if isinstance(error, CountersignError) else "",
        "at": [f"{'/'.join(frame.filename.split('/')[-2:])}:{frame.lineno} {frame.name}" for frame in frames],
    }


def blot(text: str) -> str:
    """The text without addresses and tokens of links."""
    return _TOKEN.sub(r"/\1/<token>", _ADDRESS.sub("<address>", text))


def install(deployment: str, stream: TextIO | None = None) -> None:
    """Write the process's log as JSON lines: to where Lambda reads it, or to ``stream``.

    Lambda has put a handler on the root logger; it keeps its place and gets our format.
    """
    root = logging.getLogger()
    if not root.handlers or stream is not None:
        root.addHandler(logging.StreamHandler(stream or sys.stdout))
    for handler in root.handlers:
        handler.setFormatter(JsonLines(deployment))
    root.setLevel(logging.WARNING)
    for name in ("countersign", "chalicelib"):
        logging.getLogger(name).setLevel(logging.INFO)
