"""``krakked-tui sandbox``: the exchange alone, in the foreground."""

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Literal

from krakked_tui.domain.errors import UsageError

PUBLIC_RATE = 1.0
"""Calls per second that Kraken lets anybody make."""


def sandbox(
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    seed: int | None = None,
    speed: float = 1.0,
    start: str | None = None,
    pairs: Literal["default", "all"] | None = None,
    balance: list[str] | None = None,
    api_key: str | None = None,
    api_secret: str | None = None,
    state: Path | None = None,
    replay: Path | None = None,
    chaos: Literal["mild", "rough", "hell"] | None = None,
    tier: Literal["starter", "intermediate", "pro", "none"] | None = None,
    public_rate: float | None = None,
    permissions: str | None = None,
    paused: bool = False,
    parent_fd: int | None = None,
) -> None:
    """Run a local Kraken: REST and WebSocket v2 on loopback, a made-up market, play money.

    Its first line of output is a JSON object with rest, ws_public, ws_private, api_key,
    api_secret and seed. It runs until it is interrupted.

    Args:
        host: Loopback address to listen on.
        port: Port to listen on; 0 takes a free one.
        seed: Seed of the market (7); equal seeds give equal markets.
        speed: Exchange seconds per second.
        start: Exchange time at which a new exchange starts, ISO 8601, UTC unless it says otherwise
            (2026-01-05T00:00Z).
        pairs: Which pairs to list (default: some 50).
        balance: Starting balance as ASSET=AMOUNT; repeat it for more assets (USD=10000).
        api_key: API key to accept (made up).
        api_secret: Its secret in base64 (made up).
        state: File that keeps the exchange's books; without it they are gone at the end.
        replay: Directory of Kraken's one-minute OHLCVT files (XBTUSD_1.csv), or of a candle store
            (tail.db), to play instead of a made-up market: at its own times when the start instant
            lies within it, else from the start instant on.
        chaos: Let things go wrong by themselves: mild heals within seconds, rough loses answers,
            hell is everything at once.
        tier: Whose private and trading rate limits hold (intermediate; none for a program's child).
        public_rate: Public calls per second, 15 at once, and 150 connections per ten minutes; 0 for no
            limit (1; 0 for a program's child).
        permissions: What the API key may do, with commas: query-funds, query-open-trades,
            query-closed-trades, modify-trades, close-trades, query-ledger, create-ws-token (these
            by default), add-funds, withdraw-funds.
        paused: Start with the clock stopped.
        parent_fd: Read end of a pipe from the parent: the line "resume" starts a stopped clock, its
            end ends the sandbox.
    """
    import msgspec

    from krakked_tui.sandbox.server import serve
    from krakked_tui.sandbox.settings import SandboxSettings

    given = {
        "host": host,
        "port": port,
        "seed": seed,
        "speed": speed,
        "start": None if start is None else _instant(start),
        "pairs": pairs,
        "balance": None if balance is None else dict(_amount(part) for part in balance),
        "api_key": api_key,
        "api_secret": api_secret,
        "state": None if state is None else state.expanduser(),
        "replay": None if replay is None else replay.expanduser(),
        "chaos": chaos,
        "tier": tier or ("intermediate" if parent_fd is None else "none"),
        "public_rate": _public_rate(public_rate, child=parent_fd is not None),
        "permissions": None if permissions is None else _names(permissions),
        "paused": paused,
    }
    try:
        settings = msgspec.convert(given, SandboxSettings)
    except msgspec.ValidationError as error:
        raise UsageError(f"The sandbox cannot be set up like this: {error}.") from error
    serve(settings, parent_fd)


def _public_rate(rate: float | None, *, child: bool) -> float | None:
    """Return the limit on public calls, None for none: a program's own child need not be spared."""
    if rate is None:
        return None if child else PUBLIC_RATE
    return None if rate == 0 else rate


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _instant(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"--start {text} is not a time: write it like 2026-01-05T00:00Z.") from error
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def _amount(text: str) -> tuple[str, Decimal]:
    asset, _, amount = text.partition("=")
    try:
        return asset, Decimal(amount)
    except InvalidOperation as error:
        raise UsageError(f"--balance {text} is not ASSET=AMOUNT: write it like USD=10000.") from error
