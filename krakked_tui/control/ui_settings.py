"""The screen's settings, as far as the screen may know the configuration."""

from krakked_tui.config.ui_settings import TerminalLoss, ThemeName, UiSettings

__all__ = ["TerminalLoss", "ThemeName", "UiSettings"]
