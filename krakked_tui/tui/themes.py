"""The colours behind the words: one pair for gain and loss, red for alarms only.

The default pair is sky blue and orange, which stay apart for colour-blind eyes even after a
terminal reduces them to 256 colours; ``classic`` is green and red.
"""

from textual.theme import Theme

from krakked_tui.control.ui_settings import ThemeName

_BASE = {
    "gain": "#56b4e9",
    "loss": "#e69f00",
    "good": "#8fbf8f",
    "stale": "#b8a06a",
    "warn": "#f0e442",
    "alarm": "#d70000",
    "alarm-text": "#ffffff",
    "live": "#d700af",
    "live-bar": "#3a0a30",
    "mode": "#3a5f8a",
    "shape": "#4f7ca8",
    "curve": "#af87ff",
    "curve2": "#d7d7af",
    "muted": "#8a8a8a",
    "title": "#c8c8c8",
    "key": "#5fafd7",
    "bar": "#262626",
    "cursor": "#3a3a3a",
}


def _theme(name: ThemeName, **colours: str) -> Theme:
    return Theme(
        name=name.value,
        primary="#5fafd7",
        secondary="#3a5f8a",
        accent="#5fafd7",
        foreground="#e4e4e4",
        background="#121212",
        surface="#1c1c1c",
        panel="#262626",
        warning="#f0e442",
        error="#d70000",
        success="#8fbf8f",
        dark=True,
        variables={**_BASE, **colours},
    )


THEMES = (
    _theme(ThemeName.DARK),
    _theme(ThemeName.CLASSIC, gain="#5fd75f", loss="#ff5f5f"),
)
