"""Limits that follow from what has happened: the protections in force, and the entries of the day."""

from krakked_tui.domain.plans import LimitCheck
from krakked_tui.risk.candidate import Candidate
from krakked_tui.risk.checks import count_at_most, flag, minute
from krakked_tui.risk.context import ProtectionKind


def cooldown(entry: Candidate) -> LimitCheck:
    """No entry in a pair that was sold at a loss a short while ago."""
    return _paused(entry, ProtectionKind.COOLDOWN)


def stop_guard(entry: Candidate) -> LimitCheck:
    """No entry at all after many stops in a short time."""
    return _paused(entry, ProtectionKind.STOP_GUARD)


def low_profit(entry: Candidate) -> LimitCheck:
    """No entry in a pair that has lately earned too little."""
    return _paused(entry, ProtectionKind.LOW_PROFIT)


def consecutive_losses(entry: Candidate) -> LimitCheck:
    """No entry of a strategy that has lost too often in a row."""
    return _paused(entry, ProtectionKind.CONSECUTIVE_LOSSES)


def max_entries_per_day(entry: Candidate) -> LimitCheck:
    """Only so many entries in a UTC day, those of the plan included; 0 sets no limit."""
    limit, most, made = (
        "max_entries_per_day",
        entry.settings.protections.max_entries_per_day,
        entry.room.entries,
    )
    if not most:
        return flag(limit, "")
    return count_at_most(limit, made, made + 1, most, "this UTC day has used")


def _paused(entry: Candidate, kind: ProtectionKind) -> LimitCheck:
    pause = entry.room.pause(kind, entry.intent.pair, entry.intent.strategy_id)
    return flag(kind.value, f"no entry until {minute(pause.until)}: {pause.reason}" if pause else "")
