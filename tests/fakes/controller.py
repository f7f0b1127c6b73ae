"""A controller without an engine: seeded views that move, and a record of the commands sent.

Commands take effect in the views as the engine's would: the kill switch at once, cancels one order
per step, a flatten phase by phase. ``hold`` keeps answers back; ``answers`` overrides them.
"""

import asyncio
import random
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import assert_never

import msgspec

from krakked_tui.control.commands import (
    AcceptBalances,
    Actor,
    Answer,
    CancelAll,
    CancelOrder,
    ChangeSetting,
    ChangeSettings,
    ClearKillSwitch,
    Command,
    EnableStrategy,
    FlattenAll,
    IngestCandles,
    PauseCycles,
    ResumeCycles,
    SetKillSwitch,
    Shutdown,
)
from krakked_tui.control.log_view import LogPage
from krakked_tui.control.market_view import MarketView
from krakked_tui.control.portfolio_view import HistoryView, PortfolioQuery, PortfolioReport
from krakked_tui.control.risk_view import DecisionLine, Explanation, RiskPreview, RiskView, Silence, WhatIf
from krakked_tui.control.settings_view import SettingsView
from krakked_tui.control.strategy_view import StrategiesView
from krakked_tui.control.views import (
    AllocationView,
    CountsView,
    DriftView,
    ElsewhereView,
    EngineView,
    EquityPoint,
    HealthView,
    OrderView,
    PortfolioView,
    PositionView,
    RateLimitView,
    StartStep,
    StatusView,
    TradeView,
)
from krakked_tui.domain.candles import Timeframe
from krakked_tui.domain.money import ZERO, percent_of
from krakked_tui.domain.orders import OrderStatus
from krakked_tui.domain.portfolio import HeldAs
from krakked_tui.domain.precision import at_scale
from krakked_tui.domain.safety import FlattenPhase, FlattenProgress, KillCause, KillSwitch
from tests.fakes import settings as fake_settings
from tests.fakes import strategies as fake_strategies
from tests.fakes.log import FakeLog
from tests.fakes.market import FakeMarket
from tests.fakes.portfolio import FakePortfolio
from tests.fakes.risk import FakeRisk

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
CENT = 2


class Market(msgspec.Struct, frozen=True):
    """One pair of the made-up market."""

    base: str
    price: Decimal
    price_decimals: int
    volume_decimals: int
    size: Decimal

    @property
    def pair(self) -> str:
        return f"{self.base}USD"


MARKETS = (
    Market("XBT", Decimal("64120.1"), 1, 8, Decimal("0.03127711")),
    Market("ETH", Decimal("3391.25"), 2, 8, Decimal("0.51200000")),
    Market("SOL", Decimal("171.44"), 2, 8, Decimal("6.25000000")),
    Market("DOGE", Decimal("0.3821170"), 7, 8, Decimal("2410.00000000")),
)


def status(**changes: object) -> StatusView:
    """The top bar of a healthy demo."""
    base = StatusView(
        phase="running",
        mode="demo",
        profile="demo",
        at=NOON,
        speed=60.0,
        equity=Decimal("10412.33"),
        day_pnl=Decimal("41.20"),
        drawdown_pct=Decimal("0.35"),
        drawdown_limit_pct=Decimal(10),
        kill_switch=KillSwitch(),
        paused=False,
        drift=False,
        data="live",
        data_detail="",
        connection="up",
        connection_detail="",
        other_host="127.0.0.1:43211",
        next_cycle_at=NOON + timedelta(seconds=48),
    )
    return msgspec.structs.replace(base, **changes)


def position(market: Market, price: Decimal | None, **changes: object) -> PositionView:
    """A position bought two percent lower than the market's starting price."""
    entry = at_scale(market.price * Decimal("0.98"), market.price_decimals)
    value = at_scale((price or ZERO) * market.size, CENT)
    pnl = at_scale(((price or entry) - entry) * market.size, CENT)
    base = PositionView(
        pair=market.pair,
        base=market.base,
        size=market.size,
        volume_decimals=market.volume_decimals,
        price_decimals=market.price_decimals,
        avg_entry_price=entry,
        price=price,
        price_age=0.4 if price is not None else None,
        stale=False,
        value=value,
        unrealized_pnl=pnl,
        unrealized_pct=percent_of((price or entry) - entry, entry),
        stop_price=at_scale(entry * Decimal("0.95"), market.price_decimals),
        strategy_id="trend_following",
        opened_at=NOON - timedelta(hours=3),
    )
    return msgspec.structs.replace(base, **changes)


def order(number: int, market: Market, state: OrderStatus, **changes: object) -> OrderView:
    """An order; ended ones are filled unless told otherwise."""
    filled = market.size if state is OrderStatus.FILLED else ZERO
    base = OrderView(
        cl_ord_id=f"kk-7f3a-{number:06d}",
        kraken_order_id=f"OSBX{number:02d}-AAAAA-{number:06d}",
        plan_id=f"20261120T1159-{number:03d}",
        pair=market.pair,
        side="buy" if number % 3 else "sell",
        order_type="limit",
        purpose="entry" if number % 3 else "exit",
        strategy_id="trend_following",
        status=state,
        volume=market.size,
        filled=filled,
        price=at_scale(market.price * Decimal("0.995"), market.price_decimals),
        avg_fill_price=market.price if filled else ZERO,
        volume_decimals=market.volume_decimals,
        price_decimals=market.price_decimals,
        created_at=NOON - timedelta(minutes=number),
        updated_at=NOON - timedelta(minutes=number, seconds=-4),
    )
    return msgspec.structs.replace(base, **changes)


def trade(number: int, market: Market, **changes: object) -> TradeView:
    """A fill."""
    cost = at_scale(market.price * market.size, CENT)
    sold = number % 3 == 0
    base = TradeView(
        trade_id=f"TSBX{number:02d}-BBBBB-{number:06d}",
        pair=market.pair,
        side="sell" if sold else "buy",
        price=market.price,
        volume=market.size,
        price_decimals=market.price_decimals,
        volume_decimals=market.volume_decimals,
        cost=cost,
        fee=at_scale(cost * Decimal("0.0026"), 5),
        fee_asset="USD",
        time=NOON - timedelta(minutes=number * 7),
        strategy_id="trend_following",
        realized_pnl=Decimal("12.41") if sold else ZERO,
    )
    return msgspec.structs.replace(base, **changes)


_ENDS = (
    OrderStatus.FILLED,
    OrderStatus.FILLED,
    OrderStatus.CANCELED,
    OrderStatus.REJECTED,
    OrderStatus.FILLED,
    OrderStatus.EXPIRED,
    OrderStatus.UNKNOWN,
    OrderStatus.FILLED,
)


def _recent(number: int) -> OrderView:
    state = _ENDS[number % len(_ENDS)]
    error = "EOrder:Insufficient funds" if state is OrderStatus.REJECTED else ""
    return order(number + 10, MARKETS[number % 4], state, last_error=error)


def normal(seed: int = 7) -> EngineView:
    """A running demo with positions, orders, fills and an hour of equity."""
    rng = random.Random(seed)
    equity = status().equity
    curve: list[EquityPoint] = []
    for minute in range(60):
        curve.insert(0, EquityPoint(NOON - timedelta(minutes=minute), equity))
        equity -= at_scale(Decimal(rng.randint(-1200, 1600)) / 100, CENT)
    positions = tuple(position(market, market.price) for market in MARKETS[:3])
    value = sum((each.value for each in positions), start=ZERO)
    total = status().equity
    cash = total - value
    shares = [AllocationView("cash", cash, percent_of(cash, total))]
    shares += [AllocationView(each.base, each.value, percent_of(each.value, total)) for each in positions]
    return EngineView(
        version=1,
        status=status(),
        start_steps=tuple(StartStep(name, "done", 0.1) for name in STEPS),
        portfolio=PortfolioView(
            equity=total,
            cash=cash,
            realized_pnl=Decimal("23.18"),
            unrealized_pnl=sum((each.unrealized_pnl for each in positions), start=ZERO),
            fees=Decimal("18.77"),
            growth_pct=percent_of(total - curve[0].equity, curve[0].equity),
        ),
        positions=positions,
        open_orders=tuple(order(number, MARKETS[number % 4], OrderStatus.OPEN) for number in range(1, 4)),
        recent_orders=tuple(_recent(number) for number in range(14)),
        recent_trades=tuple(trade(number, MARKETS[number % 4]) for number in range(1, 12)),
        equity_curve=tuple(curve),
        allocation=tuple(shares),
        counts=CountsView(cycles=61, plans=14, fills=11, uptime_seconds=63.0),
        rate_limits=RATE_LIMITS,
        health=HealthView(account_age=4.0),
        messages=("11:52:01 bought 0.51200000 ETHUSD at 3,391.25", "11:58:20 kk-7f3a-000013 refused: funds"),
    )


RATE_LIMITS = (
    RateLimitView("public calls", used=0.4, limit=15, spenders=(("Ticker", 1.0), ("OHLC", 2.0))),
    RateLimitView("private calls", used=6.5, limit=20, spenders=(("TradesHistory", 8.0), ("BalanceEx", 3.0))),
    RateLimitView(
        "orders of XBTUSD", used=104, limit=125, spenders=(("CancelOrder", 16.0), ("AddOrder", 2.0))
    ),
    RateLimitView("orders of ETHUSD", used=2, limit=125),
)
STEPS = ("open the database", "ask the exchange for its clock", "load the universe", "warm up candles")


def starting() -> EngineView:
    """The second of four start steps."""
    steps = (
        StartStep(STEPS[0], "done", 0.03),
        StartStep(STEPS[1], "done", 0.21, "skew +0.004 s"),
        StartStep(STEPS[2], "running", 1.4, "312 of 700 pairs"),
        StartStep(STEPS[3], "waiting"),
    )
    fresh = status(phase="starting", data="starting", connection="partial", equity=ZERO, day_pnl=ZERO)
    return EngineView(version=1, status=fresh, start_steps=steps)


def start_failed() -> EngineView:
    """The exchange did not answer."""
    steps = (
        StartStep(STEPS[0], "done", 0.03),
        StartStep(STEPS[1], "failed", 10.0, "api.kraken.com did not answer in 10 s; check the network"),
        StartStep(STEPS[2], "waiting"),
    )
    return EngineView(
        version=1, status=status(phase="failed", data="down", connection="down"), start_steps=steps
    )


def empty() -> EngineView:
    """A fresh account: only cash."""
    total = Decimal(10000)
    return EngineView(
        version=1,
        status=status(equity=total, day_pnl=ZERO, drawdown_pct=ZERO),
        portfolio=PortfolioView(total, total, ZERO, ZERO, ZERO),
    )


def killed() -> EngineView:
    """The operator pressed the key."""
    switch = KillSwitch(
        active=True, cause=KillCause.OPERATOR, reason="operator at the terminal", since=NOON, by="tui"
    )
    view = normal()
    changed = msgspec.structs.replace(
        view.status, kill_switch=switch, no_new_risk="the kill switch is on", paused=True
    )
    return msgspec.structs.replace(view, status=changed)


def disconnected() -> EngineView:
    """The exchange went away 95 seconds ago."""
    view = normal()
    changed = msgspec.structs.replace(
        view.status,
        data="stale",
        data_detail="3 pairs older than 60 s",
        connection="down",
        connection_detail="WebSocket closed 95 s ago, retrying in 4 s",
        no_new_risk="prices are stale",
    )
    positions = tuple(msgspec.structs.replace(each, stale=True, price_age=95.0) for each in view.positions)
    return msgspec.structs.replace(view, status=changed, positions=positions)


def drifting() -> EngineView:
    """Books and exchange disagree, some assets cannot be valued, history is still being read."""
    view = normal()
    assert view.portfolio is not None
    portfolio = msgspec.structs.replace(
        view.portfolio,
        drift=(
            DriftView("XBT", Decimal("0.03127711"), Decimal("0.04127711"), Decimal("641.20")),
            DriftView("USD", Decimal("5599.02"), Decimal("5499.02"), Decimal("100.00")),
            DriftView("LUNA2", ZERO, Decimal("12.5"), None),
        ),
        unvalued=("LUNA2",),
        stale=("SOL",),
        elsewhere=(
            ElsewhereView("ETH", HeldAs.STAKED, Decimal("0.21000000")),
            ElsewhereView("XBT", HeldAs.EARNING, Decimal("0.01000000")),
        ),
        excluded=("EUR", "DOGE"),
        excluded_value=Decimal("812.40"),
        history=(HistoryView("trades", 1200, 50_000, done=False), HistoryView("ledger", 0, None, done=False)),
    )
    changed = msgspec.structs.replace(view.status, drift=True, no_new_risk="balances differ from the ledger")
    return msgspec.structs.replace(view, status=changed, portfolio=portfolio)


class FakeController:
    """Holds one view, changes it on command or by ``tick``, and remembers what it was told."""

    def __init__(
        self,
        view: EngineView | None = None,
        *,
        settings: SettingsView | None = None,
        market: FakeMarket | None = None,
        log: FakeLog | None = None,
        portfolio: FakePortfolio | None = None,
        risk: FakeRisk | None = None,
        strategies: StrategiesView | None = None,
        moving: bool = False,
        seed: int = 7,
    ) -> None:
        self.current = view if view is not None else normal(seed)
        self.current_settings = SettingsView() if settings is None else settings
        self.pairs = FakeMarket() if market is None else market
        self.log = FakeLog() if log is None else log
        self.books = FakePortfolio() if portfolio is None else portfolio
        self.limits = FakeRisk() if risk is None else risk
        self.current_strategies = fake_strategies.normal() if strategies is None else strategies
        self.looked: list[str] = []
        """Which pictures of limits, strategies and decisions were asked for."""
        self.asking: asyncio.Event | None = None
        """Keeps answers to questions back until it is set."""
        self.sent: list[tuple[Command, Actor]] = []
        self.answers: list[Answer | Exception] = []
        self.hold: asyncio.Event | None = None
        self.views = 0
        self.markets = 0
        self._moving = moving
        self._random = random.Random(seed)

    @property
    def commands(self) -> list[Command]:
        """What was sent, without who sent it."""
        return [command for command, _actor in self.sent]

    def view(self) -> EngineView:
        """The current view; a moving controller moves on first."""
        self.views += 1
        if self._moving:
            self.tick()
        return self.current

    def settings(self) -> SettingsView:
        """The settings put in place."""
        return self.current_settings

    def market(self) -> MarketView:
        """The current market; a moving controller moves on first."""
        self.markets += 1
        if self._moving:
            self.pairs.move()
        return self.pairs.current

    def logs(self, after: int, limit: int) -> LogPage:
        """The log put in place; a moving controller writes on first."""
        if self._moving:
            self.log.say("info", "cycle", cycle=str(self.views))
        return self.log.page(after, limit)

    def portfolio(self, query: PortfolioQuery) -> PortfolioReport | None:
        """What the made-up books say to a query, as soon as they answer."""
        return self.books.ask(query)

    def look_at(self, pair: str | None, timeframe: Timeframe) -> None:
        """Pass on what is looked at."""
        self.pairs.look_at(pair, timeframe)

    def risk(self) -> RiskView:
        """The limits put in place."""
        self.looked.append("risk")
        return self.limits.view

    def strategies(self) -> StrategiesView:
        """The strategies put in place."""
        self.looked.append("strategies")
        return self.current_strategies

    def decisions(self) -> tuple[DecisionLine, ...]:
        """The decisions put in place."""
        self.looked.append("decisions")
        return self.limits.decisions

    async def preview(self, changes: Mapping[str, str]) -> RiskPreview:
        """What changes would do."""
        await self._until_asked()
        return self.limits.previewed(changes)

    async def preset(self, name: str) -> RiskPreview:
        """What a preset would do."""
        await self._until_asked()
        return self.limits.from_preset(name)

    async def what_if(self, pair: str, usd: Decimal, stop_price: Decimal | None = None) -> WhatIf:
        """What a buy would meet."""
        await self._until_asked()
        return self.limits.what_if(pair, usd, stop_price)

    async def explain(self, name: str) -> Explanation:
        """The one explanation there is."""
        await self._until_asked()
        return self.limits.explain(name)

    async def explain_silence(self, strategy_id: str, pair: str) -> Silence:
        """The next silence."""
        await self._until_asked()
        return self.limits.explain_silence(strategy_id, pair)

    async def _until_asked(self) -> None:
        if self.asking is not None:
            await self.asking.wait()

    async def execute(self, command: Command, actor: Actor) -> Answer:
        """Record the command, wait if told to, and take effect."""
        self.sent.append((command, actor))
        if self.hold is not None:
            await self.hold.wait()
        if self.answers:
            answer = self.answers.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer
        self.take_effect(command)
        return Answer(accepted=True, message="started")

    def publish(self, **changes: object) -> None:
        """Put a new picture in place."""
        self.current = msgspec.structs.replace(self.current, version=self.current.version + 1, **changes)

    def publish_status(self, **changes: object) -> None:
        """Put a new picture with a changed top bar in place."""
        self.publish(status=msgspec.structs.replace(self.current.status, **changes))

    def tick(self) -> None:
        """Move prices, equity and the clock by one view."""
        view = self.current
        at = view.status.at + timedelta(seconds=15)
        positions = tuple(self._moved(each) for each in view.positions)
        unrealized = sum((each.unrealized_pnl for each in positions), start=ZERO)
        equity = view.status.equity + unrealized - sum((p.unrealized_pnl for p in view.positions), start=ZERO)
        next_cycle = view.status.next_cycle_at or at
        changed = msgspec.structs.replace(
            view.status,
            at=at,
            equity=equity,
            day_pnl=view.status.day_pnl + equity - view.status.equity,
            next_cycle_at=next_cycle if next_cycle > at else next_cycle + timedelta(minutes=1),
        )
        curve = view.equity_curve
        if view.version % 4 == 0:
            curve = (*curve[-719:], EquityPoint(at, equity))
        portfolio = view.portfolio
        if portfolio is not None:
            portfolio = msgspec.structs.replace(portfolio, equity=equity, unrealized_pnl=unrealized)
        self.publish(status=changed, positions=positions, equity_curve=curve, portfolio=portfolio)

    def _moved(self, held: PositionView) -> PositionView:
        if held.price is None or self._random.random() < 0.4:
            return held
        step = Decimal(self._random.randint(-20, 21)) / Decimal(20_000)
        price = at_scale(held.price * (1 + step), held.price_decimals)
        gain = price - held.avg_entry_price
        return msgspec.structs.replace(
            held,
            price=price,
            value=at_scale(price * held.size, CENT),
            unrealized_pnl=at_scale(gain * held.size, CENT),
            unrealized_pct=percent_of(gain, held.avg_entry_price),
        )

    def take_effect(self, command: Command) -> None:  # noqa: C901 - one arm per command
        """Change the view as the engine would."""
        match command:
            case SetKillSwitch():
                at = self.current.status.at
                switch = KillSwitch(
                    active=True, cause=KillCause.OPERATOR, reason=command.reason, since=at, by="tui"
                )
                self.publish_status(kill_switch=switch)
            case ClearKillSwitch():
                self.publish_status(kill_switch=KillSwitch())
            case CancelOrder():
                self._end(lambda each: each.cl_ord_id == command.cl_ord_id)
            case CancelAll():
                self._end(lambda _each: True)
            case FlattenAll():
                self._flatten(command)
            case AcceptBalances():
                self._accept()
            case PauseCycles() | ResumeCycles():
                self.publish_status(paused=isinstance(command, PauseCycles))
            case ChangeSetting():
                self.current_settings = fake_settings.changed(self.current_settings, command)
            case ChangeSettings():
                for key, value in command.changes.items():
                    change = ChangeSetting(key, value)
                    self.current_settings = fake_settings.changed(self.current_settings, change)
            case EnableStrategy():
                self.current_strategies = fake_strategies.switched(self.current_strategies, command)
            case IngestCandles():
                pass  # nothing of it is in this view
            case Shutdown():
                self.publish_status(phase="stopped")
            case _:
                assert_never(command)

    def _accept(self) -> None:
        self.publish_status(drift=False)
        if self.current.portfolio is not None:
            self.publish(portfolio=msgspec.structs.replace(self.current.portfolio, drift=()))

    def _end(self, which: Callable[[OrderView], bool]) -> None:
        ended = tuple(
            msgspec.structs.replace(each, status=OrderStatus.CANCELED)
            for each in self.current.open_orders
            if which(each)
        )
        left = tuple(each for each in self.current.open_orders if not which(each))
        self.publish(open_orders=left, recent_orders=(*ended, *self.current.recent_orders))

    def _flatten(self, command: FlattenAll) -> None:
        self.publish(
            flatten=FlattenProgress(
                phase=FlattenPhase.CLOSING,
                reason=command.reason,
                by="tui",
                started_at=self.current.status.at,
                attempts={each.pair: 1 for each in self.current.positions},
            )
        )

    def finish_flatten(self, **left: str) -> None:
        """Let a running flatten sell everything and verify it."""
        progress = self.current.flatten
        assert progress is not None
        done = msgspec.structs.replace(
            progress, phase=FlattenPhase.DONE, left=left, finished_at=self.current.status.at
        )
        kept = tuple(each for each in self.current.positions if each.pair in left)
        self.publish(flatten=done, positions=kept, open_orders=())
