"""What others did with the account: trades that are not ours, and money that came and went."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal

import msgspec

from krakked_tui.decision.effects import Level
from krakked_tui.decision.outcome import Outcome
from krakked_tui.decision.outside import External
from krakked_tui.decision.state import State
from krakked_tui.domain.fills import LedgerEntry, Trade
from krakked_tui.domain.money import ZERO, percent_of
from krakked_tui.domain.precision import half_up
from krakked_tui.domain.records import ExternalJudged
from krakked_tui.execution.lifecycle import UNPROVEN
from krakked_tui.portfolio.flows import OWN_ROW, TRADE_ROW, Treatment, meaning_of
from krakked_tui.portfolio.valuation import PriceMark, Valuer

ASSETS_MAX = 10
PRICES_MAY_COME = timedelta(minutes=1)
"""How long it is waited for good prices (at speed 1) before it is judged by those there are."""


class _Moved(msgspec.Struct):
    """Number and worth, in base currency; ``net`` is what came in less what went out."""

    count: int = 0
    worth: Decimal = ZERO
    net: Decimal = ZERO


def judge_external(state: State, out: Outcome, at: datetime, prices: Mapping[str, PriceMark]) -> None:
    """Report what others moved since the last judgement, when it is more than a part of equity.

    The part is that of equity before they moved anything; without any, whatever comes in is reported.
    """
    external = state.external
    if external.due is None or state.valuation is None:
        return
    if state.valuation.stale and at - external.due < PRICES_MAY_COME * max(state.speed, 1.0):
        return
    if any(_may_be_ours(state, trade) for trade in external.trades):
        return
    _begin_anew(state, out, at)
    valuer = Valuer(prices, state.known, state.settings.portfolio)
    traded, flowed, assets = _Moved(), _Moved(), set[str]()
    _add_trades(state, external.trades, valuer, traded, assets)
    _add_rows(state, external.entries, valuer, (traded, flowed), assets)
    moved = traded.worth + flowed.worth
    before = state.valuation.equity - flowed.net
    percent = percent_of(moved, before) if before > ZERO else None
    if not moved or (percent is not None and percent <= state.settings.portfolio.external_activity_pct):
        return
    if state.last_sync is not None:
        state.last_sync = msgspec.structs.replace(state.last_sync, external_activity=True)
    currency = state.settings.portfolio.base_currency
    share = "there was nothing before" if percent is None else f"{half_up(percent, 1)} % of equity"
    out.log(
        Level.WARNING, "external_activity",
        f"not by Krakked: {traded.count} trades worth {half_up(traded.worth, 2):,f} {currency} and"
        f" {flowed.count} cash flows worth {half_up(flowed.worth, 2):,f} {currency} ({share})",
        trades=traded.count, traded=str(traded.worth), flows=flowed.count, flowed=str(flowed.worth),
        flowed_net=str(flowed.net), percent=None if percent is None else str(half_up(percent, 2)),
        equity_before=str(before), assets=",".join(sorted(assets)[:ASSETS_MAX]),
    )  # fmt: skip


def _begin_anew(state: State, out: Outcome, at: datetime) -> None:
    """Take everything that is known for judged; of what is dated in the future, what comes next."""
    before, books = state.external.until, state.books
    known = [min(each, at) for each in (books.last_trade_time, books.last_entry_time) if each is not None]
    until = max([*known, *([] if before is None else [before])], default=None)
    state.external = External(until=until)
    if until is not None and until != before:
        out.record(ExternalJudged(until))


def _may_be_ours(state: State, trade: Trade) -> bool:
    """Say whether the order of a fill is unknown and may be one of ours that was sent and not answered.

    The history of trades does not bear our ids. An order's fate is found out in a bounded time.
    """
    if trade.kraken_order_id not in state.unattributed:
        return False
    return any(
        order.status in UNPROVEN and (order.request.pair, order.request.side) == (trade.pair, trade.side)
        for order in state.orders.live()
    )


def _add_trades(
    state: State, trades: Iterable[Trade], valuer: Valuer, traded: _Moved, assets: set[str]
) -> None:
    for trade in trades:
        pair = state.known.get(trade.pair)
        if pair is None or state.orders.by_kraken_id(trade.kraken_order_id) is not None:
            continue  # since it was read, its order has turned out to be ours
        worth = valuer.value(pair.quote, trade.cost).value or valuer.value(pair.base, trade.volume).value
        traded.count += 1
        traded.worth += worth
        assets.add(pair.base)


def _add_rows(
    state: State, rows: Iterable[LedgerEntry], valuer: Valuer, into: tuple[_Moved, _Moved], assets: set[str]
) -> None:
    """Add flows, and conversions to the trades: by the side that was given."""
    traded, flowed = into
    for entry in rows:
        form = state.books.forms.form(entry.asset)
        treatment = meaning_of(entry, form).treatment
        if entry.type == TRADE_ROW or entry.subtype == OWN_ROW or treatment is Treatment.MOVE:
            continue
        if not state.settings.portfolio.includes(form.asset):
            continue
        net = entry.amount - entry.fee
        worth = valuer.value(form.asset, abs(net)).value
        if treatment is Treatment.CONVERT:
            if net < ZERO:
                traded.count += 1
                traded.worth += worth
                assets.add(form.asset)
            continue
        flowed.count += 1
        flowed.worth += worth
        flowed.net += worth if net > ZERO else -worth
        assets.add(form.asset)
