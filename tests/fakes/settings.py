"""Settings views as an engine would give them, and what a change does to them."""

import tomllib
from datetime import UTC, datetime

import msgspec

from krakked_tui.control.commands import ChangeSetting
from krakked_tui.control.settings_view import CredentialsState, CredentialsView, SettingRow, SettingsView
from krakked_tui.control.ui_settings import UiSettings
from tests.fakes.setup import TRADER, audit

CONFIG = "/home/me/.config/krakked/config.toml"
RUNTIME = "/home/me/.local/state/krakked/paper/runtime.toml"
ROWS = (
    SettingRow("region.code", '"US_CA"', CONFIG),
    SettingRow("region.default_quote", '"USD"', "default"),
    SettingRow("universe.include", '["XBTUSD", "ETHUSD", "SOLUSD", "DOGEUSD", "XRPUSD", "ADAUSD"]', CONFIG),
    SettingRow("risk.max_open_positions", "6", "environment KRAKKED__RISK__MAX_OPEN_POSITIONS"),
    SettingRow("risk.max_daily_drawdown_pct", "10.0", "default"),
    SettingRow("execution.mode", '"paper"', "command line"),
    SettingRow("execution.paper.fee_bps", "26", "default"),
    *(SettingRow(f"market_data.setting_{number}", str(number), "default") for number in range(30)),
    SettingRow("ui.theme", '"dark"', "default", changeable=True),
    SettingRow("ui.refresh_hz", "4", CONFIG, changeable=True),
    SettingRow("ui.timezone", '"UTC"', "default", changeable=True),
)
VALIDATED_AT = datetime(2026, 11, 19, 8, 30, tzinfo=UTC)


def first_run() -> SettingsView:
    """Paper trading without a key."""
    return SettingsView(
        mode="paper",
        profile="paper",
        exchange="api.kraken.com",
        ui=UiSettings(),
        rows=ROWS,
        versions=(("krakked-tui", "0.4.0"), ("Python", "3.11.7"), ("schema", "5")),
        paths=(
            ("config", CONFIG),
            ("database", "/home/me/.local/share/krakked/paper/krakked.db"),
            ("log", "/home/me/.local/state/krakked/paper/krakked.log"),
        ),
    )


def good() -> SettingsView:
    """With a key that the exchange accepted."""
    credentials = CredentialsView(
        state=CredentialsState.OPEN,
        origin="/home/me/.config/krakked/secrets.enc",
        fingerprint="7f3a91c2",
        validated_at=VALIDATED_AT,
        audit=audit(*TRADER, ip_allowlist=("203.0.113.7",)),
    )
    return msgspec.structs.replace(first_run(), credentials=credentials)


def unvalidated() -> SettingsView:
    """With a key that was never tried, and a configuration with something to say."""
    credentials = CredentialsView(
        state=CredentialsState.OPEN,
        origin="the environment",
        fingerprint="7f3a91c2",
        warnings=("The key is unvalidated: run krakked-tui setup when the exchange can be reached.",),
    )
    warnings = ("ui.refresh_hz 4 is more than a slow line can carry.",)
    return msgspec.structs.replace(first_run(), credentials=credentials, warnings=warnings)


def changed(settings: SettingsView, command: ChangeSetting) -> SettingsView:
    """Do what an accepted change does: the value, its origin, and the screen's own settings."""
    rows = tuple(
        msgspec.structs.replace(row, value=command.value, origin=RUNTIME) if row.key == command.key else row
        for row in settings.rows
    )
    ui = settings.ui
    section, _, name = command.key.partition(".")
    if section == "ui":
        values = {**msgspec.to_builtins(ui), name: tomllib.loads(f"x = {command.value}")["x"]}
        ui = msgspec.convert(values, UiSettings)
    return msgspec.structs.replace(settings, rows=rows, ui=ui)
