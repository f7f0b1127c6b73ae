from typing import Any

import msgspec
import pytest

from krakked_tui.sandbox.settings import SandboxSettings


@pytest.mark.parametrize(
    "wrong",
    [{"port": 65536}, {"seed": -1}, {"speed": 0}, {"speed": 200_000}, {"pairs": "some"}, {"colour": "red"}],
)
def test_out_of_bounds(wrong: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(wrong, SandboxSettings)


def test_the_secret_is_not_shown() -> None:
    assert "c2VjcmV0" not in repr(SandboxSettings(api_secret="c2VjcmV0"))
