"""Everything that questions about risk and strategies are answered from.

It is taken on the engine's loop by reference, and worked out in whatever thread asks.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal

import msgspec
import polars as pl

from krakked_tui.decision.account import drawdown_pct
from krakked_tui.decision.events import Mark
from krakked_tui.decision.kill_switch import persisting
from krakked_tui.decision.risk_context import risk_context
from krakked_tui.decision.state import CoreSettings, State
from krakked_tui.domain.candles import Quote, Timeframe
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.engine.moment import Moment
from krakked_tui.engine.state_copy import copy_of
from krakked_tui.execution.holdings import Holding
from krakked_tui.risk.context import RiskContext


class RiskFacts(msgspec.Struct, frozen=True, kw_only=True):
    """One moment; nothing in it ever changes. Texts are empty when what they tell of is not so.

    ``context`` is what a decision would be told, of what is held and bought and of the pairs that were asked
    for. ``halted`` says why no cycle runs, ``refusal`` why nothing may be opened, ``market_trouble`` why
    prices as a whole cannot be trusted, ``kill_persists`` what set the kill switch and goes on; ``errors``
    what stopped strategies that failed. ``frames`` are the recent closed candles of all pairs.
    """

    at: datetime
    settings: CoreSettings
    context: RiskContext
    drawdown_pct: Decimal
    drift: bool
    account_truth: str
    halted: str
    refusal: str
    market_trouble: str
    kill_persists: str
    tradable: frozenset[str]
    known: Mapping[str, PairMetadata]
    marks: Mapping[str, Mark]
    holdings: Mapping[str, Holding]
    errors: Mapping[str, str]
    frames: Mapping[Timeframe, pl.DataFrame] = {}

    @property
    def quotes(self) -> dict[str, Quote]:
        """The last price of every pair."""
        return {pair: mark.quote for pair, mark in self.marks.items()}


class Taken(msgspec.Struct, frozen=True):
    """What facts are worked out from; nothing in it changes any more."""

    at: datetime
    phase: str
    state: State
    frames: Mapping[Timeframe, pl.DataFrame]


def take(moment: Moment) -> Taken | None:
    """Take what there is now, by reference; None before there is a state. Engine's loop."""
    if moment.state is None:
        return None
    market = moment.market
    frames = {} if market is None else {each: market.frame(each) for each in market.timeframes}
    return Taken(moment.at, moment.phase, copy_of(moment.state, moment.at), frames)


def work_out(taken: Taken, pairs: Iterable[str] = ()) -> RiskFacts:
    """Work the facts out; ``pairs`` are looked at besides what is held. Any thread."""
    state = taken.state
    return RiskFacts(
        at=taken.at,
        settings=state.settings,
        context=risk_context(state, taken.at, pairs),
        drawdown_pct=drawdown_pct(state),
        drift=bool(state.account.drift),
        account_truth=account_truth(state),
        halted=_halted(taken.phase, state),
        refusal=state.new_risk_refusal(),
        market_trouble="" if state.market_usable else state.market_detail,
        kill_persists=persisting(state),
        tradable=state.tradable,
        known=state.known,
        marks=state.marks,
        holdings=state.holdings,
        errors=state.strategy_errors,
        frames=taken.frames,
    )


def account_truth(state: State) -> str:
    """Say in words how sure the account's figures are."""
    account = state.account
    if state.history_pending:
        return f"its history is being read: {state.history_progress}"
    if account.synced_wall is None:
        return f"cannot be read: {account.failure}" if account.failure else "has not been read yet"
    if account.failure:
        return f"{'too old' if state.account_stale else 'getting old'}, cannot be read: {account.failure}"
    return "differs from the books" if account.drift else "confirmed"


def _halted(phase: str, state: State) -> str:
    if phase != "running":
        return f"the engine is {phase}"
    if state.stopping:
        return "the engine is stopping"
    if state.paused:
        return "cycles are paused"
    return "a flatten is in progress" if state.flattening else ""
