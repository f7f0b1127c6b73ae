"""Pauses of entries after what has happened: which are in force, until when, and why.

They are made anew from what was sold and bought, so they need no store of their own.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

import msgspec

from krakked_tui.domain.money import ZERO, percent_of
from krakked_tui.risk.checks import amount, minute
from krakked_tui.risk.context import Protection, ProtectionKind
from krakked_tui.risk.settings import ProtectionSettings

STREAK_REACH = timedelta(days=30)
"""Within which losses in a row are counted."""
_DAY = timedelta(days=1)


class ClosedShare(msgspec.Struct, frozen=True):
    """What a strategy sold of a pair at once: what it made and had cost, fees included.

    ``stopped`` says that a stop sold it, a trailing one too.
    """

    pair: str
    strategy_id: str
    at: datetime
    pnl_usd: Decimal
    cost_usd: Decimal
    stopped: bool = False


def protections(
    closed: Iterable[ClosedShare],
    entries: Iterable[datetime],
    settings: ProtectionSettings,
    now: datetime,
) -> tuple[Protection, ...]:
    """Return the pauses in force at ``now``, in the order of their kinds, then pair, then strategy.

    ``closed`` and ``entries`` (times of buys made for strategies) may be in any order; what lies in the
    future is left out. A pause ends at its ``until``, at which it is no longer in force. How far back
    they have to reach says ``reach``.
    """
    past = sorted(
        (share for share in closed if share.at <= now), key=lambda s: (s.at, s.pair, s.strategy_id, s.pnl_usd)
    )
    found = (
        *_cooldowns(past, settings),
        *_stop_guard(past, settings),
        *_low_profit(past, settings, now),
        *_losing_streaks([share for share in past if share.at >= now - STREAK_REACH], settings),
        *_busy_day(entries, settings, now),
    )
    return tuple(protection for protection in found if now < protection.until)


def reach(settings: ProtectionSettings) -> timedelta:
    """Return how far back sales and buys matter: older ones can be forgotten."""
    minutes = max(
        settings.cooldown_minutes,
        settings.stop_guard_window_minutes + settings.stop_guard_pause_minutes,
        settings.low_profit_window_minutes + settings.low_profit_pause_minutes,
    )
    return max(timedelta(minutes=minutes), STREAK_REACH)


def next_utc_day(at: datetime) -> datetime:
    """Return the first instant of the UTC day after ``at``."""
    return at.replace(hour=0, minute=0, second=0, microsecond=0) + _DAY


def _cooldowns(past: Sequence[ClosedShare], settings: ProtectionSettings) -> Iterator[Protection]:
    pause = timedelta(minutes=settings.cooldown_minutes)
    last = {share.pair: share for share in past if share.pnl_usd < ZERO}
    for pair, share in sorted(last.items()):
        reason = (
            f"{share.strategy_id} sold {pair} at a loss of {amount(-share.pnl_usd, 'USD')} at"
            f" {minute(share.at)}; cooldown_minutes is {settings.cooldown_minutes}"
        )
        yield Protection(ProtectionKind.COOLDOWN, share.at + pause, reason, pair=pair)


def _stop_guard(past: Sequence[ClosedShare], settings: ProtectionSettings) -> Iterator[Protection]:
    """Pause everything from the latest stop that was the last of enough within the window."""
    count, window = settings.stop_guard_count, timedelta(minutes=settings.stop_guard_window_minutes)
    stops = [share.at for share in past if share.stopped]
    if not count:
        return
    for latest in range(len(stops) - 1, count - 2, -1):
        hit = stops[latest]
        if hit - stops[latest - count + 1] <= window:
            reason = (
                f"{count} stops were hit in {settings.stop_guard_window_minutes} minutes, the last at"
                f" {minute(hit)}; stop_guard_count is {count}"
            )
            until = hit + timedelta(minutes=settings.stop_guard_pause_minutes)
            yield Protection(ProtectionKind.STOP_GUARD, until, reason)
            return


def _low_profit(
    past: Sequence[ClosedShare], settings: ProtectionSettings, now: datetime
) -> Iterator[Protection]:
    """Pause a pair after the latest sale at which the sales of its window had made too little."""
    if not settings.low_profit_pct:
        return
    pause = timedelta(minutes=settings.low_profit_pause_minutes)
    for pair, sales in sorted(_by_pair(past).items()):
        for end in range(len(sales), 1, -1):
            last = sales[end - 1].at
            if last + pause <= now:
                break
            made = _made_pct(sales[:end], last - timedelta(minutes=settings.low_profit_window_minutes))
            if made is not None and made < settings.low_profit_pct:
                reason = (
                    f"the sales of {pair} in {settings.low_profit_window_minutes} minutes up to"
                    f" {minute(last)} made {amount(made, '%')};"
                    f" low_profit_pct is {amount(settings.low_profit_pct, '%')}"
                )
                yield Protection(ProtectionKind.LOW_PROFIT, last + pause, reason, pair=pair)
                break


def _made_pct(sales: Sequence[ClosedShare], since: datetime) -> Decimal | None:
    """Return what the sales since then made of their cost; None of fewer than two, or for nothing."""
    counted = [share for share in sales if share.at >= since]
    cost = sum((share.cost_usd for share in counted), ZERO)
    if len(counted) < 2 or cost <= ZERO:
        return None
    return percent_of(sum((share.pnl_usd for share in counted), ZERO), cost)


def _losing_streaks(past: Sequence[ClosedShare], settings: ProtectionSettings) -> Iterator[Protection]:
    """Pause a strategy that lost too often in a row, until the UTC day after the last loss.

    Only a gain ends the row: after the pause one more loss makes the next one.
    """
    most = settings.max_consecutive_losses
    if not most:
        return
    for strategy_id, sales in sorted(_by_strategy(past).items()):
        streak = 0
        reached: tuple[int, datetime] | None = None
        for share in sales:
            streak = streak + 1 if share.pnl_usd < ZERO else 0
            if streak >= most:
                reached = streak, share.at
        if reached:
            reason = (
                f"{strategy_id} lost {reached[0]} times in a row, the last time at {minute(reached[1])};"
                f" max_consecutive_losses is {most}"
            )
            until = next_utc_day(reached[1])
            yield Protection(ProtectionKind.CONSECUTIVE_LOSSES, until, reason, strategy_id=strategy_id)


def _busy_day(
    entries: Iterable[datetime], settings: ProtectionSettings, now: datetime
) -> Iterator[Protection]:
    most, end = settings.max_entries_per_day, next_utc_day(now)
    made = sum(end - _DAY <= at <= now for at in entries)
    if most and made >= most:
        reason = f"{made} entries were made this UTC day; max_entries_per_day is {most}"
        yield Protection(ProtectionKind.ENTRIES_PER_DAY, end, reason)


def _by_pair(past: Sequence[ClosedShare]) -> Mapping[str, list[ClosedShare]]:
    found: dict[str, list[ClosedShare]] = {}
    for share in past:
        found.setdefault(share.pair, []).append(share)
    return found


def _by_strategy(past: Sequence[ClosedShare]) -> Mapping[str, list[ClosedShare]]:
    found: dict[str, list[ClosedShare]] = {}
    for share in past:
        found.setdefault(share.strategy_id, []).append(share)
    return found
