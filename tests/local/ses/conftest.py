"""The fixture that most tests of the local SES endpoint start from."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.local.ses.desk import Desk, running


@pytest.fixture
def desk() -> Iterator[Desk]:
    """A running endpoint in memory with a verified domain and a configuration set."""
    with running() as found:
        found.set_up()
        yield found
