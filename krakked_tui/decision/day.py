"""The day's opening, the money that came and went since, and how far equity has fallen.

A flow is counted once, at the price of the moment in which the books first have it, because equity jumps by
just that. From then on neither prices nor prices of the past that are found later move it, nor does a
restart: the count is stored with the opening. What has no price is counted when it gets one.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal

import msgspec

from krakked_tui.decision.effects import Level
from krakked_tui.decision.outcome import Outcome
from krakked_tui.decision.state import State
from krakked_tui.domain.money import ONE, ZERO
from krakked_tui.domain.records import DayStartSaved
from krakked_tui.domain.safety import DayStart, FlowCount
from krakked_tui.portfolio.lots import part_of
from krakked_tui.portfolio.valuation import WITHOUT_VALUE, AssetValuation, Valuation, ValuationStatus
from krakked_tui.risk.drawdown import daily_drawdown_pct, drawdown_reason

PRICES_MAY_COME = timedelta(minutes=1)
"""How long a new day waits for good prices (at speed 1) before it is opened at those there are."""

Worth = Callable[[str, Decimal], AssetValuation]
"""What an amount of an asset is worth now."""


def count_flows(state: State, out: Outcome, worth: Worth) -> None:
    """Count what the books have of flows that is not counted yet. To be called after each valuation."""
    start, valuation = state.day_start, state.valuation
    if start is None or start.flows is None or valuation is None:
        return
    _keep(state, out, _counted(start.flows, valuation, worth))


def leave_out(state: State, out: Outcome, before: Valuation, after: Valuation) -> None:
    """Take a change of the books' flows for none: prices of the past have been found, no money has moved."""
    if state.day_start is None or state.day_start.flows is None:
        return
    count = state.day_start.flows
    unvalued = {
        asset: count.unvalued.get(asset, ZERO)
        + after.flow_unvalued.get(asset, ZERO)
        - before.flow_unvalued.get(asset, ZERO)
        for asset in count.unvalued.keys() | before.flow_unvalued.keys() | after.flow_unvalued.keys()
    }
    known = count.known + after.flow_known - before.flow_known
    _keep(state, out, FlowCount(count.total, known, _without_zeros(unvalued)))


def open_day(state: State, out: Outcome, at: datetime, worth: Worth) -> None:
    """Take the day's opening equity, and take it again when it is reckoned by other rules from now on.

    What has no price is no part of it; it counts as money that came in once it has one.
    """
    assert state.valuation is not None
    day, basis, before = at.date().isoformat(), state.settings.portfolio.basis, state.day_start
    same = before is not None and before.basis == basis and before.flows is not None
    if before is not None and before.day >= day and same:
        return
    if state.valuation.stale and not _waited_enough(state, at):
        return
    state.day_awaited = None
    count = before.flows if same and before is not None else None
    opening = _opening(state.valuation, day, basis, count, worth)
    if before is not None and before.day >= day:
        # What an earlier version stored as equity still is; only its cash flows were others.
        kept = before.basis in ("", basis)
        opening = msgspec.structs.replace(
            opening, day=before.day, equity=before.equity if kept else opening.equity
        )
        out.log(
            Level.WARNING, "day_start_retaken",
            "what equity is reckoned by has changed: today's drawdown is measured anew",
            equity=str(opening.equity), equity_before=str(before.equity),
            cash_flows=str(opening.cash_flows), cash_flows_before=str(before.cash_flows),
        )  # fmt: skip
    state.day_start = opening
    out.record(DayStartSaved(opening))


def fallen_pct(state: State) -> Decimal:
    """Return how far equity is below the day's start, in percent, net of the day's cash flows."""
    if state.day_start is None or state.valuation is None:
        return ZERO
    unpriced, _ = _worth_of_unpriced(state, state.day_start, state.valuation)
    return daily_drawdown_pct(state.day_start, state.valuation.equity + unpriced, state.day_cash_flows())


def too_deep(state: State) -> str:
    """Say why the kill switch must be set: empty while the day's loss is bearable.

    Empty too while something held has neither a price nor had one at the opening, since not knowing it may
    be all there is to the loss.
    """
    if state.day_start is None or state.valuation is None:
        return ""
    _, sure = _worth_of_unpriced(state, state.day_start, state.valuation)
    return drawdown_reason(fallen_pct(state), state.settings.risk) if sure else ""


def _opening(valuation: Valuation, day: str, basis: str, count: FlowCount | None, worth: Worth) -> DayStart:
    """Return an opening that goes on with a count, or begins one with all flows there have been."""
    priced = [each for each in valuation.assets if each.status not in WITHOUT_VALUE]
    missing = {each.asset: each.amount for each in valuation.assets if each.status in WITHOUT_VALUE}
    if count is None:
        count = FlowCount(valuation.flow_value, valuation.flow_known, valuation.flow_unvalued)
    left_out = {asset: valuation.flow_unvalued.get(asset, ZERO) - amount for asset, amount in missing.items()}
    count = msgspec.structs.replace(count, unvalued=_without_zeros(count.unvalued | left_out))
    prices = {each.asset: worth(each.asset, ONE).value for each in priced if each.source_pair is not None}
    return DayStart(day, valuation.equity, count.total, basis, prices, count)


def _waited_enough(state: State, at: datetime) -> bool:
    if state.day_awaited is None:
        state.day_awaited = at
    return at - state.day_awaited >= PRICES_MAY_COME * max(state.speed, 1.0)


def _counted(count: FlowCount, valuation: Valuation, worth: Worth) -> FlowCount:
    total, unvalued = count.total + valuation.flow_known - count.known, count.unvalued.copy()
    for asset, uncounted in _uncounted(count, valuation).items():
        found = worth(asset, uncounted)
        if found.status not in WITHOUT_VALUE:
            total += found.value
            unvalued[asset] = valuation.flow_unvalued.get(asset, ZERO)
    return FlowCount(total, valuation.flow_known, _without_zeros(unvalued))


def _uncounted(count: FlowCount, valuation: Valuation) -> dict[str, Decimal]:
    """Return the amounts, by asset, that still wait for a price to be counted at."""
    booked, counted = valuation.flow_unvalued, count.unvalued
    assets = booked.keys() | counted.keys()
    return _without_zeros({asset: booked.get(asset, ZERO) - counted.get(asset, ZERO) for asset in assets})


def _worth_of_unpriced(state: State, start: DayStart, valuation: Valuation) -> tuple[Decimal, bool]:
    """Return what is held without a price was worth last, and whether that is known of all of it.

    What is not counted as a flow yet is no part of it: it is in neither side of the drawdown.
    """
    total, sure = ZERO, True
    waiting = _uncounted(start.flows, valuation) if start.flows is not None else {}
    for each in valuation.assets:
        if each.status not in WITHOUT_VALUE or not (each.source_pair or each.asset in start.prices):
            continue
        amount = each.amount - waiting.get(each.asset, ZERO)
        price = _last_price(state, each) or start.prices.get(each.asset)
        if price is not None:
            total += amount * price
        elif amount > ZERO:
            # The books may have moved on since the valuation.
            account = state.books.state.accounts.get(each.asset)
            if account is not None and account.size > ZERO:
                total += part_of(account.cost, min(amount, account.size), account.size)
            sure = False
    return total, sure


def _last_price(state: State, worth: AssetValuation) -> Decimal | None:
    """Return the last price of a delisted pair; any other would have made a value."""
    mark = state.marks.get(worth.source_pair or "")
    return mark.quote.price if mark is not None and worth.status is ValuationStatus.DELISTED else None


def _keep(state: State, out: Outcome, count: FlowCount) -> None:
    assert state.day_start is not None
    if count != state.day_start.flows:
        state.day_start = msgspec.structs.replace(state.day_start, flows=count)
        out.record(DayStartSaved(state.day_start))


def _without_zeros(amounts: dict[str, Decimal]) -> dict[str, Decimal]:
    return {asset: amount for asset, amount in sorted(amounts.items()) if amount}
