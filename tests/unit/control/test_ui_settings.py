"""Bounds of the screen's settings."""

import msgspec
import pytest

from krakked_tui.control.ui_settings import TerminalLoss, ThemeName, UiSettings


def test_defaults() -> None:
    settings = UiSettings()
    assert (settings.refresh_hz, settings.theme, settings.timezone) == (4, ThemeName.DARK, "UTC")
    assert settings.on_terminal_loss is TerminalLoss.SHUTDOWN
    assert settings.confirm_destructive
    assert not settings.read_only


@pytest.mark.parametrize(
    "wrong",
    [{"refresh_hz": 0}, {"refresh_hz": 11}, {"theme": "pink"}, {"timezone": "Mars/Base"}, {"colour": 1}],
)
def test_nonsense_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(wrong, UiSettings)


def test_an_unknown_zone_is_named_with_what_to_use_instead() -> None:
    with pytest.raises(msgspec.ValidationError, match="'Mars/Base' is unknown here; use an IANA name"):
        msgspec.convert({"timezone": "Mars/Base"}, UiSettings)
