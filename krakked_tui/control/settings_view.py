"""What the Settings screen shows: the effective configuration, and what lies around it."""

from datetime import datetime
from enum import StrEnum

import msgspec

from krakked_tui.control.ui_settings import UiSettings
from krakked_tui.domain.access import KeyAudit


class SettingRow(msgspec.Struct, frozen=True):
    """One effective setting: its dotted key, its value as TOML, and where the value comes from.

    ``changeable`` ones take a new value while the engine runs, by ``ChangeSetting``.
    """

    key: str
    value: str
    origin: str
    changeable: bool = False


class CredentialsState(StrEnum):
    """Where the API key is."""

    NONE = "none"
    """There is none, and the mode needs none."""
    LOCKED = "locked"
    """In the encrypted file, which this run did not need to open."""
    OPEN = "open"
    """In use, from the encrypted file or the environment."""
    SANDBOX = "sandbox"
    """The rehearsal exchange's own key."""


class CredentialsView(msgspec.Struct, frozen=True, kw_only=True):
    """What may be shown of the credentials: never a part of them."""

    state: CredentialsState = CredentialsState.NONE
    origin: str = ""
    """Where they come from, in words: the environment, a file's path."""
    fingerprint: str = ""
    """Eight hex digits that tell keys apart."""
    validated_at: datetime | None = None
    """When the exchange last accepted the key; None while it is unvalidated."""
    audit: KeyAudit | None = None
    warnings: tuple[str, ...] = ()


class SettingsView(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the Settings screen shows. It changes only by ``ChangeSetting``.

    ``config`` is the configuration file, empty for the usual one. ``versions`` and ``paths`` are pairs of
    name and text; ``warnings`` concern the configuration.
    """

    mode: str = ""
    profile: str = ""
    config: str = ""
    exchange: str = ""
    ui: UiSettings = UiSettings()
    rows: tuple[SettingRow, ...] = ()
    credentials: CredentialsView = CredentialsView()
    versions: tuple[tuple[str, str], ...] = ()
    paths: tuple[tuple[str, str], ...] = ()
    warnings: tuple[str, ...] = ()
