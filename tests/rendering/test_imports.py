"""What is loaded when, and that publishing opens no connection; each in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("premailer", "lxml", "tinycss2", "cssutils", "nh3", "jinja2", "idna", "requests")

LIGHT = f"""
import sys
import chalicelib.rendering.source, chalicelib.rendering.mail
import chalicelib.rendering.dead, chalicelib.rendering.placeholders
import chalicelib.domain.compliance
print([name for name in {HEAVY!r} if name in sys.modules])
"""

DENIED = """
import sys
def deny(event, args):
    # urllib3 binds a socket to ::1 when it is imported; what leaves is a connection or a look-up.
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto", "urllib.Request"):
        raise SystemExit("a connection was opened: " + event)
sys.addaudithook(deny)
from chalicelib.domain.errors import Refused
from chalicelib.rendering.source import compile_source
from tests.rendering.samples import SYSTEM, page
good = "<style>p{color:red}</style><p data-region=r>x</p><img src=https://a.example/x.png alt=''>" + SYSTEM
assert "color:red" in compile_source(page(good)).html
for bad in ("<style>@import url(http://a.example/x.css);</style>", "<link rel=stylesheet href=http://a.example/x.css>",
            "<style>@\\\\69mport 'http://a.example/x.css';</style>", "<object data=http://169.254.169.254/></object>"):
    try:
        compile_source(page(bad + good))
    except Refused:
        continue
    raise SystemExit("not refused: " + bad)
print("quiet")
"""


def run(code: str) -> str:
    """Run in a fresh interpreter; what it printed."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT,
        check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_importing_loads_nothing_heavy() -> None:
    """The modules are cheap to import; parsers and inliner come when they are needed."""
    assert run(LIGHT) == "[]"


def test_publishing_opens_no_connection() -> None:
    """Neither a good source nor one that asks for foreign style reaches for the network (N12)."""
    assert run(DENIED) == "quiet"
