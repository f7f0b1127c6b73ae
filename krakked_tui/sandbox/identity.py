"""What makes one exchange that exchange: settled when it is new, and never changed afterwards."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import cast

import msgspec

from krakked_tui.domain.errors import RefusedError
from krakked_tui.sandbox.keys import make_key, make_secret
from krakked_tui.sandbox.settings import (
    DEFAULT_BALANCE,
    DEFAULT_SEED,
    DEFAULT_START,
    PairChoice,
    SandboxSettings,
)


class Identity(msgspec.Struct, frozen=True):
    """Seed, first instant, pairs, starting balance and key pair of an exchange, and what it replays."""

    seed: int
    start: datetime
    pairs: PairChoice
    balance: dict[str, Decimal]
    api_key: str
    api_secret: str
    replay: Path | None = None

    def __repr__(self) -> str:
        return f"Identity(seed={self.seed}, start={self.start:%Y-%m-%d}, pairs={self.pairs})"

    def facts(self) -> dict[str, str]:
        """Spell it for the state file."""
        return {
            "seed": str(self.seed),
            "start": self.start.isoformat(),
            "pairs": self.pairs,
            "balance": " ".join(f"{asset}={amount}" for asset, amount in sorted(self.balance.items())),
            "api_key": self.api_key,
            "api_secret": self.api_secret,
            "replay": "" if self.replay is None else str(self.replay),
        }


def identify(settings: SandboxSettings, facts: Mapping[str, str]) -> Identity:
    """Return the identity of a new exchange (no facts) or of a stored one.

    Raises ``RefusedError`` when a setting contradicts what is stored.
    """
    if facts:
        stored = _stored(facts)
        _check(settings, stored)
        return stored
    return Identity(
        seed=DEFAULT_SEED if settings.seed is None else settings.seed,
        start=settings.start or DEFAULT_START,
        pairs=settings.pairs or "default",
        balance=DEFAULT_BALANCE if settings.balance is None else settings.balance,
        api_key=settings.api_key or make_key(),
        api_secret=settings.api_secret or make_secret(),
        replay=_absolute(settings.replay),
    )


def _absolute(path: Path | None) -> Path | None:
    """Spell a directory so that it means the same from anywhere."""
    return None if path is None else path.absolute()


def _stored(facts: Mapping[str, str]) -> Identity:
    parts = (part.split("=") for part in facts["balance"].split())
    return Identity(
        seed=int(facts["seed"]),
        start=datetime.fromisoformat(facts["start"]),
        pairs=cast("PairChoice", facts["pairs"]),
        balance={asset: Decimal(amount) for asset, amount in parts},
        api_key=facts["api_key"],
        api_secret=facts["api_secret"],
        replay=Path(facts["replay"]) if facts.get("replay") else None,
    )


def _check(settings: SandboxSettings, stored: Identity) -> None:
    wanted = {
        "--seed": (settings.seed, stored.seed),
        "--start": (settings.start, stored.start),
        "--pairs": (settings.pairs, stored.pairs),
        "--balance": (settings.balance, stored.balance),
        "--api-key": (settings.api_key, stored.api_key),
        "--api-secret": (settings.api_secret, stored.api_secret),
        "--replay": (_absolute(settings.replay), stored.replay),
    }
    for option, (given, kept) in wanted.items():
        if given is not None and given != kept:
            raise RefusedError(
                f"{option} contradicts the exchange stored in {settings.state}: leave {option} out, or give "
                "--state another path for a new exchange."
            )
