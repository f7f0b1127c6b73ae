"""Facts of a stage's account, and strategies to ask about."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

import msgspec

from krakked_tui.domain.candles import Candle, Timeframe
from krakked_tui.engine.chains import Traded
from krakked_tui.engine.gates_passed import PassedGates
from krakked_tui.engine.moment import Moment
from krakked_tui.engine.portfolio_service import PortfolioService
from krakked_tui.engine.portfolio_service import take_facts as take_portfolio_facts
from krakked_tui.engine.recent_decisions import RecentDecisions
from krakked_tui.engine.risk_facts import RiskFacts, take, work_out
from krakked_tui.engine.strategy_risk import StrategyRiskEngine
from krakked_tui.market.frames import frame_of
from krakked_tui.strategies.catalogue import BUILT_IN, build_one
from krakked_tui.strategies.loaded import LoadedStrategy
from krakked_tui.strategies.settings import StrategySettings
from tests.fakes.journal_look import RecordedLook
from tests.scenarios.stage import STRATEGY, Stage

D = Decimal


def running(stage: Stage) -> Moment:
    """The moment of an engine that runs."""
    return Moment(at=stage.at, phase="running", state=stage.state)


def facts_of(stage: Stage, *pairs: str, **changes: object) -> RiskFacts:
    """The facts of now, some of them others."""
    taken = take(running(stage))
    assert taken is not None
    return msgspec.structs.replace(work_out(taken, pairs), **changes)


def built(settings: StrategySettings = STRATEGY, **params: object) -> LoadedStrategy:
    """A strategy ready to run."""
    return build_one(msgspec.structs.replace(settings, params=params), BUILT_IN)


def candles(pair: str, closes: Sequence[float | int], until: datetime) -> list[Candle]:
    """Minutes with these closes, the last of which has just closed at ``until``."""
    first = until - len(closes) * Timeframe.M1.length
    return [
        Candle(
            pair=pair, timeframe=Timeframe.M1, time=first + number * timedelta(minutes=1), open=float(close),
            high=float(close), low=float(close), close=float(close), volume=1.0, vwap=float(close), trades=1,
        )
        for number, close in enumerate(closes)
    ]  # fmt: skip


def frames(*rows: Candle) -> dict[Timeframe, object]:
    """Frames of minutes."""
    return {Timeframe.M1: frame_of(rows)}


class Asked:
    """What is known of a stage after its cycles, and who answers from it."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.look = RecordedLook(stage.records)
        self.decisions, self.passed = RecentDecisions(), PassedGates()
        self.loaded: dict[str, LoadedStrategy] = {}

    def engine(self, **changes: object) -> StrategyRiskEngine:
        """Take the new decisions in, and answer from the facts of now."""
        facts = facts_of(self.stage, **changes)
        self.passed.note(self.decisions.catch_up(self.look), facts, self.loaded)
        return StrategyRiskEngine(facts, decisions=self.decisions, passed=self.passed, built=self.loaded)

    def traded(self) -> Traded:
        """Orders and trades of now."""
        facts = take_portfolio_facts(self.stage.state, self.stage.at)
        service = PortfolioService(facts)
        trades = tuple(facts.booked.trades.values())
        return Traded(facts.orders.orders, trades, service.figures.records_of)
