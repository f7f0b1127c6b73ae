"""Settings of the sandbox."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

import msgspec

DEFAULT_SEED = 7
DEFAULT_START = datetime(2026, 1, 5, tzinfo=UTC)
DEFAULT_BALANCE = {"USD": Decimal(10000)}

PairChoice = Literal["default", "all"]


class SandboxSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a sandbox is set up.

    What is None is taken from the state file, else from the defaults. What is given must agree with
    the state file: an exchange does not change its past.
    """

    host: str = "127.0.0.1"
    """Address to listen on; loopback only."""

    port: Annotated[int, msgspec.Meta(ge=0, le=65535)] = 0
    """TCP port to listen on; 0 takes a free one."""

    seed: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)] | None = None
    """The market's seed (default 7). Equal seeds give equal markets."""

    speed: Annotated[float, msgspec.Meta(gt=0, le=100_000)] = 1.0
    """Exchange seconds per wall second."""

    start: datetime | None = None
    """Exchange time of a new exchange (UTC, default 2026-01-05T00:00Z)."""

    pairs: PairChoice | None = None
    """``default`` lists some 50 pairs, ``all`` every one of the table."""

    balance: dict[str, Decimal] | None = None
    """Starting balance by asset (Kraken's alternate names), in that asset; default 10000 USD."""

    api_key: str | None = None
    """API key to accept; made up when not given."""

    api_secret: str | None = None
    """Its secret, base64; made up when not given."""

    state: Path | None = None
    """SQLite file with the exchange's books; without one they end with the process."""

    paused: bool = False
    """Start with the clock stopped at the start instant."""

    def __repr__(self) -> str:
        return f"SandboxSettings(host={self.host}, port={self.port}, seed={self.seed}, speed={self.speed})"
