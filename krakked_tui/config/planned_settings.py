"""Sections whose services come with a later version: read, checked and kept, without effect yet.

Files written for a later version work with this one; ``rules.WITHOUT_EFFECT`` warns of each.
"""

import ipaddress
from decimal import Decimal
from typing import Annotated, Literal

import msgspec

from krakked_tui.domain.money import ZERO

TimeOfDay = Annotated[
    str,
    msgspec.Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]\Z", description='a time of day such as "03:00"'),
]
QuietHours = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^(([01][0-9]|2[0-3]):[0-5][0-9]-([01][0-9]|2[0-3]):[0-5][0-9])?\Z",
        description='empty, or a span such as "23:00-07:00"',
    ),
]


class ApiAuthSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[api.auth]``; the tokens themselves are kept with the secrets."""

    enabled: bool = True
    """Ask for a token. Without, host must be a loopback address."""


class ApiSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[api]``: the HTTP interface."""

    enabled: bool = False
    """Listen on host and port."""
    socket: str = ""
    """Path of the Unix socket; empty: control.sock in the profile's state directory."""
    host: str = "127.0.0.1"
    """Address to listen on."""
    port: Annotated[int, msgspec.Meta(ge=1, le=65535)] = 8080
    """TCP port to listen on."""
    base_path: Annotated[
        str, msgspec.Meta(pattern=r"^/([A-Za-z0-9._~/-]*)\Z", description='a path such as "/" or "/krakked"')
    ] = "/"
    """Path below which the routes lie."""
    read_only: bool = False
    """Refuse every command."""
    auth: ApiAuthSettings = ApiAuthSettings()

    def __post_init__(self) -> None:
        if not self.auth.enabled and not _is_loopback(self.host):
            raise ValueError(
                f"host is {self.host!r} while auth.enabled is false:"
                " use 127.0.0.1 or ::1, or switch api.auth.enabled on"
            )


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class AlertsSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[alerts]``; where they go is kept with the secrets, because the addresses hold tokens."""

    min_level: Literal["INFO", "WARNING", "ERROR", "CRITICAL"] = "WARNING"
    """Lowest level that is sent: INFO, WARNING, ERROR or CRITICAL."""
    dedup_minutes: Annotated[int, msgspec.Meta(ge=0, le=1440)] = 10
    """The same alert is not sent again for this many minutes; 0: always sent."""
    quiet_hours: QuietHours = ""
    """Span of the day (UTC) in which only CRITICAL is sent, such as 23:00-07:00; empty: none."""
    heartbeat_seconds: Annotated[float, msgspec.Meta(ge=10, le=3600)] = 60.0
    """Wall seconds between signs of life."""


class BackupSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[backup]``."""

    time_utc: TimeOfDay = "03:00"
    """Time of day (UTC) of the daily backup."""
    keep: Annotated[int, msgspec.Meta(ge=1, le=365)] = 7
    """How many backups are kept."""


class SimulationSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[simulation]``: what a backtest assumes."""

    seed: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)] = 7
    """Equal seeds give equal results."""
    volume_30d_usd: Decimal = ZERO
    """Traded value of the last 30 days that decides the tier of Kraken's fee schedule; 0 or more."""
    slippage_bps: Decimal = Decimal(5)
    """How much worse than the market a simulated market order fills, in basis points; 0 to 1000."""

    def __post_init__(self) -> None:
        if not self.volume_30d_usd >= ZERO:
            raise ValueError(f"volume_30d_usd is {self.volume_30d_usd}: use 0 or more")
        if not ZERO <= self.slippage_bps <= 1000:
            raise ValueError(f"slippage_bps is {self.slippage_bps}: use 0 to 1000")
