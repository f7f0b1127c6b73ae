"""A stage for transcripts of the decision core: a state, a clock that is told, events by name."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TypeVar

from krakked_tui.decision import effects as f
from krakked_tui.decision import events as e
from krakked_tui.decision.outcome import Outcome
from krakked_tui.decision.state import CoreSettings, State, open_state
from krakked_tui.decision.step import step
from krakked_tui.domain.candles import Quote, Timeframe
from krakked_tui.domain.fills import AssetBalance, Fee, LedgerEntry, Trade
from krakked_tui.domain.intents import IntentType, StrategyIntent
from krakked_tui.domain.orders import (
    Accepted,
    ExchangeStatus,
    LocalOrder,
    OrderReport,
    Side,
    SubmitOutcome,
)
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.domain.records import Record, StoredState
from krakked_tui.execution.settings import ExecutionSettings
from krakked_tui.market.freshness import Freshness
from krakked_tui.portfolio.settings import PortfolioSettings
from krakked_tui.risk.settings import RiskSettings
from krakked_tui.strategies.settings import StrategySettings
from tests.fakes.journal import Disk, stored_on

T0 = datetime(2026, 1, 5, tzinfo=UTC)
PRICE = Decimal("50000.0")
STRATEGY = StrategySettings(
    id="trend_following_v1",
    type="trend_following",
    timeframes=(Timeframe.M1,),
    tag="tfv",
)
OTHER = StrategySettings(
    id="breakout_v1", type="breakout", timeframes=(Timeframe.M1, Timeframe.H1), tag="bre"
)
"""A second strategy, for stages that have two."""
EXECUTION = ExecutionSettings()
RISK = RiskSettings(max_per_asset_pct=Decimal(50), max_risk_per_trade_pct=Decimal(1))
PORTFOLIO = PortfolioSettings()
E = TypeVar("E")


class Stage:
    """Plays events to a core that holds $10,000, and keeps everything it asks for."""

    def __init__(
        self,
        pair: PairMetadata,
        *,
        stored: StoredState | None = None,
        execution: ExecutionSettings = EXECUTION,
        risk: RiskSettings = RISK,
        portfolio: PortfolioSettings = PORTFOLIO,
        strategies: tuple[StrategySettings, ...] = (STRATEGY,),
    ) -> None:
        settings = CoreSettings(strategies=strategies, execution=execution, risk=risk, portfolio=portfolio)
        stored = stored or StoredState(instance_id="abc", account_id="test")
        self.pair = pair
        self.at = T0
        self.wall = 1000.0
        self.state: State = open_state(stored, settings, {pair.canonical: pair}, first_number=1)
        self.state.tradable = frozenset({pair.canonical})
        self.account_answers = True
        self.records: list[Record] = []
        self.effects: list[f.Effect] = []

    def play(self, event: e.Event) -> Outcome:
        """Apply one event."""
        outcome = step(self.state, event)
        self.records += outcome.records
        self.effects += outcome.effects
        return outcome

    def later(self, seconds: float) -> Outcome:
        """Let time pass, in steps as small as the engine's, and return all that was asked for.

        Requests to read the account are answered, unless ``account_answers`` says otherwise.
        """
        outcome = Outcome()
        while seconds > 0:
            passed = min(seconds, 0.5)
            self.at += timedelta(seconds=passed)
            self.wall += passed
            seconds -= passed
            if self.state.account.in_flight and self.account_answers:
                outcome = _both(outcome, self.synced())
            outcome = _both(outcome, self.play(e.TimePassed(self.at, self.wall, 1.0)))
        return outcome

    def ready(self, deposit: Decimal = Decimal(10_000)) -> "Stage":
        """Bring the core to where it may trade: account read, prices live."""
        entry = LedgerEntry(
            "L1", "R1", T0, "deposit", "", "USD", amount=deposit, fee=Decimal(0), balance=deposit
        )
        self.play(e.SyncRequested(self.at, self.wall))
        self.synced(entries=(entry,), balances={"USD": deposit})
        self.play(e.MarketDataChanged(self.at, usable=True, detail="live"))
        self.priced(PRICE)
        return self

    def synced(
        self,
        *,
        open_orders: Sequence[OrderReport] = (),
        trades: Sequence[Trade] = (),
        entries: Sequence[LedgerEntry] = (),
        balances: dict[str, Decimal] | None = None,
    ) -> Outcome:
        """The account as the exchange has it; balances agree with the books unless given."""
        held = balances if balances is not None else dict(self.state.books.state.balances)
        return self.play(
            e.AccountSynced(
                self.at,
                self.wall,
                self.state.activity,
                self.at,
                tuple(open_orders),
                tuple(trades),
                tuple(entries),
                {asset: AssetBalance(asset, total) for asset, total in held.items()},
            )
        )

    def mark(self, price: Decimal) -> e.Mark:
        """A fresh price with a spread of one tick either side."""
        tick = self.pair.tick_size
        quote = Quote(self.pair.canonical, price - tick, price + tick, price, self.at, self.wall)
        return e.Mark(quote, 0.0, Freshness.FRESH)

    def priced(self, price: Decimal) -> Outcome:
        """A steady price sample."""
        return self.play(e.Priced(self.at, self.wall, {self.pair.canonical: self.mark(price)}))

    def cycle(
        self, *intents: StrategyIntent, price: Decimal = PRICE, unread: frozenset[str] = frozenset()
    ) -> Outcome:
        """A closed minute with what the strategies want on it."""
        started = self.play(e.BoundaryClosed(self.at, self.at, (Timeframe.M1,)))
        return _both(started, self.play(self.computed(*intents, price=price, unread=unread)))

    def computed(
        self,
        *intents: StrategyIntent,
        price: Decimal = PRICE,
        unread: frozenset[str] = frozenset(),
        failures: dict[str, str] | None = None,
        atr: dict[str, Decimal] | None = None,
    ) -> e.SignalsComputed:
        """The answer of the strategies in the running cycle."""
        return e.SignalsComputed(
            at=self.at,
            wall=self.wall,
            cycle=self.state.cycle,
            boundary=self.at,
            timeframes=(Timeframe.M1,),
            intents=intents,
            marks={self.pair.canonical: self.mark(price)},
            duration_ms=1.0,
            fingerprint="f",
            failures=failures or {},
            unread=unread,
            atr=atr or {},
        )

    def intent(
        self,
        kind: IntentType = IntentType.ENTER,
        stop: Decimal | None = Decimal(49_000),
        strategy_id: str = STRATEGY.id,
    ) -> StrategyIntent:
        """What a strategy wants now."""
        return StrategyIntent(
            strategy_id=strategy_id,
            pair=self.pair.canonical,
            intent_type=kind,
            timeframe=Timeframe.M1,
            signal_time=self.at - timedelta(minutes=1),
            generated_at=self.at,
            confidence=Decimal("0.9"),
            close=PRICE,
            stop_price=stop,
        )

    def answer(self, outcome: SubmitOutcome) -> Outcome:
        """How a submission ended."""
        return self.play(e.SubmitAnswered(self.at, self.wall, outcome))

    def accept(self, order: LocalOrder, kraken_id: str = "OAAAAA-AAAAA-AAAAAA") -> Outcome:
        """The exchange took the order."""
        return self.answer(Accepted(order.cl_ord_id, kraken_id))

    def report(
        self, order: LocalOrder, status: ExchangeStatus, filled: Decimal = Decimal(0), kraken_id: str = ""
    ) -> OrderReport:
        """What the exchange says about an order."""
        request = order.request
        return OrderReport(
            kraken_order_id=kraken_id or order.kraken_order_id or "OAAAAA-AAAAA-AAAAAA",
            cl_ord_id=order.cl_ord_id,
            pair=request.pair,
            side=request.side,
            order_type=str(request.order_type),
            status=status,
            volume=request.volume,
            filled=filled,
            price=PRICE if filled else Decimal(0),
            cost=filled * PRICE,
            fee=Decimal(0),
            opened_at=self.at,
            limit_price=request.price,
        )

    def fill(
        self,
        order: LocalOrder,
        volume: Decimal | None = None,
        trade_id: str = "TAAAAA-AAAAA-AAAAAA",
        price: Decimal = PRICE,
    ) -> Trade:
        """A fill of an order, at the usual price unless told, with a fee of 0.4 %."""
        volume = volume if volume is not None else order.request.volume
        cost = volume * price
        return Trade(
            trade_id=trade_id,
            kraken_order_id=order.kraken_order_id or "OAAAAA-AAAAA-AAAAAA",
            pair=order.request.pair,
            side=order.request.side,
            price=price,
            volume=volume,
            cost=cost,
            fees=(Fee("USD", cost * Decimal("0.004")),),
            time=self.at,
            maker=False,
            cl_ord_id=order.cl_ord_id,
        )

    def filled(
        self, order: LocalOrder, trade_id: str = "TAAAAA-AAAAA-AAAAAA", price: Decimal = PRICE
    ) -> None:
        """An order fills completely: trade and final report."""
        self.play(e.TradeReported(self.at, self.fill(order, trade_id=trade_id, price=price), "stream"))
        report = self.report(order, ExchangeStatus.CLOSED, order.request.volume)
        self.play(e.OrderReported(self.at, report, "stream"))

    def bought(self) -> LocalOrder:
        """Enter and be filled; returns the entry."""
        self.cycle(self.intent())
        entry = self.last_order()
        self.accept(entry)
        self.filled(self.order(entry))
        return self.order(entry)

    def bought_together(self, *stops: tuple[str, Decimal]) -> LocalOrder:
        """Have several strategies enter at once, each with its stop, and be filled."""
        self.cycle(*(self.intent(stop=stop, strategy_id=strategy_id) for strategy_id, stop in stops))
        entry = self.last_order()
        self.accept(entry)
        self.filled(self.order(entry))
        return self.order(entry)

    def sold(self, price: Decimal = PRICE) -> LocalOrder:
        """Have the order made last taken and filled; returns it."""
        number = f"{len(self.state.orders):06}"
        order = self.last_order()
        self.accept(order, f"OZZZZZ-ZZZZZ-{number}")
        self.filled(self.order(order), f"TZZZZZ-ZZZZZ-{number}", price)
        return self.order(order)

    def crossed(self, price: Decimal) -> Outcome:
        """A price that the engine was to watch for."""
        watched = (self.state.watched_stops or {}).get(self.pair.canonical, f.Levels())
        level = watched.crossed(price)
        assert level is not None, f"{price} is within {watched}"
        return self.play(e.StopCrossed(self.at, self.mark(price), level))

    def restarted(self) -> "Stage":
        """The same profile after a crash: only what was recorded is left."""
        disk = Disk(account_id="test")
        disk.commits.append(tuple(self.records))
        settings = self.state.settings
        again = Stage(
            self.pair,
            stored=stored_on(disk),
            execution=settings.execution,
            risk=settings.risk,
            portfolio=settings.portfolio,
            strategies=settings.strategies,
        )
        again.at, again.wall = self.at, self.wall
        return again

    def order(self, order: LocalOrder) -> LocalOrder:
        """The order as it is now."""
        now = self.state.orders.get(order.cl_ord_id)
        assert now is not None
        return now

    def last_order(self) -> LocalOrder:
        """The order made last."""
        return self.state.orders.newest(1)[0]

    def submitted(self) -> list[LocalOrder]:
        """Every order that was to be sent, in order, repeats included."""
        return [effect.order for effect in self.effects if isinstance(effect, f.Submit)]

    def sells(self) -> list[LocalOrder]:
        """The sell orders that were to be sent."""
        return [order for order in self.submitted() if order.request.side is Side.SELL]


def _both(first: Outcome, second: Outcome) -> Outcome:
    return Outcome(first.records + second.records, first.effects + second.effects)


def asked(outcome: Outcome, kind: type[E]) -> list[E]:
    """The effects of one kind."""
    return [effect for effect in outcome.effects if isinstance(effect, kind)]


def recorded(outcome: Outcome, kind: type[E]) -> list[E]:
    """The records of one kind."""
    return [record for record in outcome.records if isinstance(record, kind)]
