"""The Settings screen: what is in force, where it comes from, and the state of the credentials."""

from collections.abc import Sequence
from datetime import tzinfo

from krakked_tui.control.settings_view import CredentialsState, CredentialsView, SettingRow, SettingsView
from krakked_tui.control.ui_settings import TerminalLoss, ThemeName
from krakked_tui.tui.rows.dialogs import labelled
from krakked_tui.tui.rows.line import EMPTY, Cell, Column, Line, Look, Row, Span, wrap
from krakked_tui.tui.rows.numbers import date_and_time
from krakked_tui.tui.rows.permissions import audit_lines

SETTING_COLUMNS = (
    Column("SETTING", 28, most=40),
    Column("", 1),
    Column("VALUE", 18, most=40),
    Column("FROM", 14, most=60),
)
CHANGEABLE_MARK = "⏎"

_LABEL_WIDTH = 12


def _toml(words: Sequence[str]) -> tuple[str, ...]:
    return tuple(f'"{word}"' for word in words)


CHOICES: dict[str, tuple[str, ...]] = {
    "ui.theme": _toml([theme.value for theme in ThemeName]),
    "ui.refresh_hz": tuple(str(hz) for hz in range(1, 11)),
    "ui.confirm_destructive": ("true", "false"),
    "ui.on_terminal_loss": _toml([loss.value for loss in TerminalLoss]),
}
"""Allowed values, as TOML, of settings that have few."""

TYPED = {"ui.timezone": "the name of a zone, such as UTC or America/New_York"}
"""What is typed for settings that have many, all of them text."""

_CREDENTIALS = {
    CredentialsState.NONE: ("none; this mode needs none", Look.PLAIN),
    CredentialsState.LOCKED: ("in the encrypted file, which this run did not open", Look.PLAIN),
    CredentialsState.OPEN: ("in use", Look.GOOD),
    CredentialsState.SANDBOX: ("the rehearsal exchange's own", Look.PLAIN),
}


_UNTRIED = ("in use, UNVALIDATED: the exchange has not accepted it yet", Look.WARN)


def setting_rows(settings: SettingsView) -> list[Row]:
    """Return a row per setting, the changeable ones first."""
    ordered = sorted(settings.rows, key=lambda setting: not can_change(setting))
    return [_row(setting) for setting in ordered]


def can_change(setting: SettingRow) -> bool:
    """Say whether this screen can change a setting."""
    return setting.changeable and (setting.key in CHOICES or setting.key in TYPED)


def _row(setting: SettingRow) -> Row:
    set_here = setting.origin != "default"
    return Row(
        setting.key,
        (
            Cell(setting.key, Look.STRONG if set_here else Look.PLAIN),
            Cell(CHANGEABLE_MARK if can_change(setting) else "", Look.KEY),
            Cell(setting.value),
            Cell(short_origin(setting.origin), Look.PLAIN if set_here else Look.MUTED),
        ),
    )


def short_origin(origin: str) -> str:
    """Return an origin without folders and variable names; the details have all of it."""
    if "/" in origin:
        return origin.rpartition("/")[2]
    return "environment" if origin.startswith("environment") else origin


def fact_lines(settings: SettingsView, width: int, zone: tzinfo) -> list[Line]:
    """Return what lies around the configuration, trouble first."""
    lines: list[Line] = []
    for warning in settings.warnings:
        lines += wrap(f"! {warning}", width, Look.WARN)
    lines += _labelled("Mode", settings.mode.replace("_", " ").upper(), width, Look.STRONG)
    lines += _labelled("Profile", settings.profile, width)
    lines += _labelled("Exchange", settings.exchange, width)
    lines += [EMPTY, (Span("API KEY", Look.TITLE),), *credential_lines(settings.credentials, width, zone)]
    for title, pairs in (("VERSIONS", settings.versions), ("PATHS", settings.paths)):
        if pairs:
            lines += [EMPTY, (Span(title, Look.TITLE),)]
        for name, text in pairs:
            lines += _labelled(name, text, width)
    return lines


def credential_lines(credentials: CredentialsView, width: int, zone: tzinfo) -> list[Line]:
    """Return the state of the credentials in words: never a part of them."""
    untried = credentials.state is CredentialsState.OPEN and credentials.validated_at is None
    words, look = _UNTRIED if untried else _CREDENTIALS[credentials.state]
    lines = _labelled("Key", words, width, look)
    for warning in credentials.warnings:
        lines += wrap(f"! {warning}", width, Look.WARN)
    if credentials.audit is not None and credentials.audit.can_withdraw:
        text = "DANGER: this key can, or may, withdraw money. Make one at Kraken that cannot."
        lines += wrap(text, width, Look.ALARM)
    if credentials.origin:
        lines += _labelled("From", credentials.origin, width)
    if credentials.fingerprint:
        lines += _labelled("Fingerprint", credentials.fingerprint, width)
    if credentials.validated_at is not None:
        lines += _labelled("Validated", date_and_time(credentials.validated_at, zone), width)
    if credentials.audit is not None:
        lines += [EMPTY, *audit_lines(credentials.audit, width, zone)]
    return lines


def setting_lines(setting: SettingRow, width: int) -> list[Line]:
    """Return one setting in full, and how it is changed."""
    lines = _labelled("Setting", setting.key, width, Look.STRONG)
    lines += _labelled("Value", setting.value, width)
    lines += _labelled("From", setting.origin, width)
    return [*lines, EMPTY, *wrap(_how_to_change(setting), width, Look.MUTED)]


def _how_to_change(setting: SettingRow) -> str:
    if can_change(setting):
        return (
            "To change it, close this and press Enter on its row: it takes effect at once, for this profile, "
            "and is kept in its runtime.toml."
        )
    if setting.key.startswith("risk."):
        return "To change it while the engine runs, press 2 for the Risk screen, then c."
    if setting.key.startswith("strategies.configs."):
        return "To change it while the engine runs, press 3 for the strategies, then c; not all of it can be."
    return "Change it in the configuration file or its environment variable, then start again."


def change_lines(setting: SettingRow, new: str, width: int) -> list[Line]:
    """Return what changing a setting does: old and new value."""
    lines = _labelled("Setting", setting.key, width, Look.STRONG)
    lines += _labelled("Now from", setting.origin, width)
    same = new == setting.value
    change = (
        Span(setting.value),
        Span("  →  ", Look.KEY),
        Span(f"{new} (no change)" if same else new, Look.MUTED if same else Look.STRONG),
    )
    lines.append((Span("Change".ljust(_LABEL_WIDTH), Look.MUTED), *change))
    how = f"Type {TYPED[setting.key]}." if setting.key in TYPED else "Up and down choose."
    hint = f"It takes effect at once and is kept in this profile's runtime.toml. {how}"
    return [*lines, EMPTY, *wrap(hint, width, Look.MUTED)]


def _labelled(label: str, value: str, width: int, look: Look = Look.PLAIN) -> list[Line]:
    name = Span(f"{label} ".ljust(_LABEL_WIDTH), Look.MUTED)
    return labelled(name, wrap(value or "-", width - len(name.text), look))
