"""A local Kraken for every test, and strangers pointed at it by nothing but its addresses and its key."""

from collections.abc import Iterator

import pytest

from krakked_tui.sandbox.settings import SandboxSettings
from tests.interop.local_kraken import LocalKraken, local_kraken


@pytest.fixture
def settings() -> SandboxSettings:
    """How the local Kraken is set up; a module or test that wants another one overrides it."""
    return SandboxSettings()


@pytest.fixture
def kraken(settings: SandboxSettings) -> Iterator[LocalKraken]:
    with local_kraken(settings) as running:
        yield running
