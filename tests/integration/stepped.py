"""The decision core against an exchange in the same process, on a clock that is stepped by hand.

Nothing here depends on wall time, threads or sockets: the same seed must give the same run.
"""

from datetime import timedelta
from decimal import Decimal

from krakked_tui.bootstrap.demo import DEMO_DEFAULTS
from krakked_tui.config.load import build
from krakked_tui.decision import effects as f
from krakked_tui.decision import events as e
from krakked_tui.decision.state import EPOCH, CoreSettings, open_state
from krakked_tui.decision.step import step
from krakked_tui.domain.candles import Candle, KnownFigures, Quote, Timeframe
from krakked_tui.domain.fills import AssetBalance
from krakked_tui.domain.orders import (
    Accepted,
    ExchangeStatus,
    LocalOrder,
    OrderReport,
    OrderRequest,
    Refused,
    SubmitOutcome,
)
from krakked_tui.domain.records import StoredState
from krakked_tui.engine.signals import compute
from krakked_tui.market.boundaries import closed_between
from krakked_tui.market.frames import RecentBars, frame_of
from krakked_tui.market.freshness import Freshness
from krakked_tui.market.settings import UniverseSettings
from krakked_tui.market.universe import select_universe
from krakked_tui.sandbox.catalog import Listing
from krakked_tui.sandbox.faults import ApiError
from krakked_tui.sandbox.market_data import ohlc_rows, ticker_now
from krakked_tui.sandbox.opening import open_exchange
from krakked_tui.sandbox.orders import Draft, ExchangeEvent, Order, OrderAccepted, OrderEnded, OrderTraded
from krakked_tui.sandbox.settings import SandboxSettings
from krakked_tui.strategies.registry import build_strategies

NANOS = 1_000_000_000
FRAMES = (Timeframe.M1, Timeframe.M5)


class SteppedRun:
    """One run from the sandbox's first instant; ``minute`` plays the next minute."""

    def __init__(self, seed: int) -> None:
        self._nanos = 0
        self._exchange, _ = open_exchange(SandboxSettings(seed=seed), lambda: self._nanos)
        self._exchange.listen(self._heard)
        self._queue: list[e.Event] = []
        self._stops: dict[str, f.Levels] = {}
        config = build([DEMO_DEFAULTS])
        self._strategies = build_strategies(config.strategies.active)
        listings = self._exchange.catalog.listings
        known = {name: listing.pair for name, listing in listings.items()}
        self._now = self._exchange.clock.now()
        universe = select_universe(known.values(), self._quotes(), UniverseSettings(), "USD")
        self._listings = [listings[name] for name in universe.pairs]
        settings = CoreSettings(strategies=config.strategies.active)
        stored = StoredState(instance_id="abc", account_id="stepped")
        self.state = open_state(stored, settings, known, first_number=1)
        self.state.tradable = frozenset(universe.pairs)
        self._bars = {timeframe: RecentBars(60) for timeframe in FRAMES}
        for timeframe in FRAMES:
            self._load(timeframe, bars=60)
        self._begin()

    def minute(self) -> None:
        """Let a minute pass at the exchange, then run the cycle that its end causes."""
        before = self._now
        self._nanos += 60 * NANOS
        self._now = self._exchange.catch_up()
        self._drain()
        marks = self._marks()
        self._play(e.Priced(self._now, 0.0, marks))
        for pair, stop in sorted(self._stops.items(), key=lambda item: item[0]):
            if (level := stop.crossed(marks[pair].quote.price)) is not None:
                self._play(e.StopCrossed(self._now, marks[pair], level))
        frames = closed_between(before, self._now, FRAMES)
        for timeframe in frames:
            self._load(timeframe, bars=1)
        self._play(e.BoundaryClosed(self._now, self._now, frames))

    def orders(self) -> list[LocalOrder]:
        """Every order made, in order."""
        return list(self.state.orders)

    def _begin(self) -> None:
        self._play(e.SyncRequested(self._now, 0.0))
        entries = tuple(self._exchange.books.entries)
        held = {"USD": AssetBalance("USD", entries[-1].balance)}
        self._play(e.AccountSynced(self._now, 0.0, 0, self._now, (), (), entries, held))
        self._play(e.MarketDataChanged(self._now, usable=True, detail="live"))
        self._play(e.Priced(self._now, 0.0, self._marks()))

    def _play(self, event: e.Event) -> None:
        for effect in step(self.state, event).effects:
            match effect:
                case f.Submit(order):
                    self._play(e.SubmitAnswered(self._now, 0.0, self._submit(order.request)))
                    self._drain()
                case f.ComputeSignals():
                    self._play(self._signals(effect))
                case f.WatchStops(stops):
                    self._stops = stops
                case _:
                    pass

    def _submit(self, request: OrderRequest) -> SubmitOutcome:
        draft = Draft(
            pair=request.pair,
            side=request.side,
            order_type=request.order_type,
            volume=request.volume,
            price=request.price,
            cl_ord_id=request.cl_ord_id,
        )
        try:
            return Accepted(request.cl_ord_id, self._exchange.place(draft).order_id)
        except ApiError as error:
            return Refused(request.cl_ord_id, "refused", str(error))

    def _signals(self, effect: f.ComputeSignals) -> e.SignalsComputed:
        frames = {timeframe: self._bars[timeframe].frame for timeframe in effect.timeframes}
        pairs = {name: self.state.known[name] for name in self.state.tradable | self.state.holdings.keys()}
        signals = compute(self._strategies, frames, pairs, effect.held, effect.boundary, self._now)
        assert not signals.failures
        return e.SignalsComputed(
            self._now, 0.0, effect.cycle, effect.boundary, effect.timeframes, signals.intents, self._marks(),
            0.0, signals.fingerprint,
        )  # fmt: skip

    def _heard(self, event: ExchangeEvent) -> None:
        match event:
            case OrderTraded(order, trade):
                self._queue.append(e.TradeReported(trade.time, trade, "stream"))
                self._queue.append(e.OrderReported(trade.time, _report(order), "stream"))
            case OrderAccepted(order):
                self._queue.append(e.OrderReported(order.arrived_at, _report(order), "stream"))
            case OrderEnded(order, at):
                self._queue.append(e.OrderReported(at, _report(order), "stream"))
            case _:
                pass

    def _drain(self) -> None:
        while self._queue:
            self._play(self._queue.pop(0))

    def _load(self, timeframe: Timeframe, bars: int) -> None:
        since = int((timeframe.floor(self._now) - (bars + 1) * timeframe.length).timestamp())
        candles = []
        for listing in self._listings:
            rows, _ = ohlc_rows(self._exchange, listing, timeframe.minutes, since, self._now)
            candles += [_candle(listing, timeframe, row) for row in rows[:-1]]
        self._bars[timeframe].append(frame_of(candles))

    def _quotes(self) -> dict[str, Quote]:
        return {name: self._quote(listing) for name, listing in self._exchange.catalog.listings.items()}

    def _quote(self, listing: Listing) -> Quote:
        name = listing.name
        now, grid = ticker_now(self._exchange, listing, self._now), self._exchange.market.grids[name]
        volume = Decimal(now.day.volume).scaleb(-grid.volume_decimals)
        last = grid.price(now.quote.last)
        return Quote(
            name, now.bid.price, now.ask.price, last, self._now, 0.0,
            KnownFigures(volume_24h=volume, vwap_24h=last),
        )  # fmt: skip

    def _marks(self) -> dict[str, e.Mark]:
        return {x.name: e.Mark(self._quote(x), 0.0, Freshness.FRESH) for x in self._listings}


def _report(order: Order) -> OrderReport:
    draft = order.draft
    return OrderReport(
        order.order_id, draft.cl_ord_id, draft.pair, draft.side, draft.order_type.value,
        ExchangeStatus(order.status), draft.volume, order.filled, order.average_price, order.cost, order.fee,
        order.arrived_at, order.closed_at, draft.price, order.reason,
    )  # fmt: skip


def _candle(listing: Listing, timeframe: Timeframe, row: list[int | str]) -> Candle:
    time = timeframe.floor(EPOCH + timedelta(seconds=int(row[0])))
    opened, high, low, close, vwap, volume = (float(x) for x in row[1:7])
    return Candle(listing.name, timeframe, time, opened, high, low, close, volume, vwap, int(row[7]))
