"""Variables that are written almost like a key."""

import pytest

from krakked_tui.config.variables import meant
from tests.unit.config.keys import STRATEGY, standing


@pytest.mark.parametrize("key", [key for key in standing() if not key.startswith(STRATEGY)])
def test_every_key_is_known_whatever_its_underscores(key: str) -> None:
    right = f"KRAKKED__{key.upper().replace('.', '__')}"
    assert meant(right) == right
    assert meant(f"KRAKKED_{key.upper().replace('.', '_')}") == right
    assert meant(f"krakked___{key.replace('.', '_')}") == right


@pytest.mark.parametrize("name", ["KRAKKED__", "KRAKKED__NOPE__NOPE", "KRAKKED_HOME", "KRAKKED__RISK__Q"])
def test_what_means_nothing_is_not_guessed(name: str) -> None:
    assert meant(name) == ""
