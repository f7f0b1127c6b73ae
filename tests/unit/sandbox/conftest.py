from collections.abc import Iterator

import pytest

from tests.unit.sandbox.rig import Rig


@pytest.fixture
def rig() -> Iterator[Rig]:
    """A fresh exchange with $10,000 at 2026-01-05, at speed 1."""
    found = Rig()
    yield found
    found.exchange.close()
