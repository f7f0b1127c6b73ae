"""A made-up market: seeded pairs that move, and one of them closely when somebody looks at it."""

import random
from datetime import datetime, timedelta
from decimal import Decimal

import msgspec

from krakked_tui.control.market_view import (
    ChartFill,
    ChartLine,
    ConnectionView,
    DataStatusView,
    FocusView,
    IngestView,
    MarketBar,
    MarketRow,
    MarketView,
)
from krakked_tui.domain.candles import Timeframe
from krakked_tui.domain.depth import BookLevel, BookTop, PublicTrade
from krakked_tui.domain.orders import Side
from krakked_tui.domain.precision import at_scale

NOON = datetime.fromisoformat("2026-11-20T12:00:00+00:00")
KNOWN = (("XBT", "64120.1", 1), ("ETH", "3391.25", 2), ("SOL", "171.44", 2), ("DOGE", "0.3821170", 7))
BARS, LEVELS, TRADES = 200, 10, 40


def well(pairs: int) -> DataStatusView:
    """Everything as it should be."""
    return DataStatusView(
        connections=(
            ConnectionView("market", connected=True, wanted=2 * pairs, acked=2 * pairs),
            ConnectionView("account", connected=True, wanted=2, acked=2),
        ),
        fresh=pairs, rest_success_age=3.2, messages_per_second=41.0, lag_seconds=0.2,
        clock_offset_seconds=0.004, state="live", system_status="online", pairs_tradable=pairs,
        pairs_known=1670, universe_age=725.0, next_boundary=NOON + timedelta(minutes=15),
        ingest=IngestView(NOON, done=pairs, failed=0, rows=pairs, seconds=2.1),
    )  # fmt: skip


def ailing(pairs: int) -> DataStatusView:
    """Much is wrong at once."""
    return msgspec.structs.replace(
        well(pairs),
        connections=(
            ConnectionView("market", connected=False, detail="closed 95 s ago, retrying in 4 s"),
            ConnectionView(
                "account", connected=True, wanted=2, acked=1, failed=("executions: Permission denied",)
            ),
        ),
        state="polling", fresh=pairs - 9, checked=4, quiet=2, stale=2, never=1, system_status="post_only",
        rest_error="EService:Unavailable", rest_error_age=1.0, lag_seconds=None,
        universe_trouble="EService:Busy", deaf=("ticker SOLUSD", "ohlc SOLUSD"), deaf_count=2,
        breaker_seconds=231.0, breaker_reason="5 failures in a row, the last of IE8USD: EService:Unavailable",
        ingest=IngestView(NOON, 51, 9, 50, 31.4, ("HX7USD", "IE8USD", "MG12USD", "FJ5USD")), unstored=12,
    )  # fmt: skip


def average(bars: list[MarketBar], length: int) -> tuple[float | None, ...]:
    """The mean of the last closes, None while there are fewer."""
    closes = [bar.close for bar in bars]
    return tuple(
        sum(closes[at - length : at]) / length if at >= length else None for at in range(1, len(closes) + 1)
    )


class FakeMarket:
    """Holds one market view; ``move`` changes a share of its rows and, if there is one, the focus."""

    def __init__(self, pairs: int = 60, seed: int = 7, *, answers: bool = True) -> None:
        self._random = random.Random(seed)
        self.asked: list[tuple[str | None, Timeframe]] = []
        self.answers = answers
        """Whether looking at a pair is answered with its picture at once."""
        rows = [self._row(number) for number in range(pairs)]
        rows.sort(key=lambda row: -(row.volume_24h or 0))
        self.current = MarketView(version=1, at=NOON, rows=tuple(rows), data=well(pairs))

    def _row(self, number: int) -> MarketRow:
        rng = self._random
        if number < len(KNOWN):
            base, text, decimals = KNOWN[number]
            price = Decimal(text)
        else:
            base, decimals = f"{chr(65 + number % 26)}{chr(65 + number * 7 % 26)}{number}", 2 + number % 5
            price = at_scale(Decimal(rng.randint(100, 90_000)) / 10**decimals, decimals)
        return MarketRow(
            pair=f"{base}USD",
            last=price,
            change_pct_24h=at_scale(Decimal(rng.randint(-900, 1100)) / 100, 2),
            spread_bps=at_scale(Decimal(rng.randint(1, 400)) / 10, 1),
            volume_24h=Decimal(rng.randint(40_000, 900_000)) * 1000 / (number + 1),
            freshness="fresh",
            age=0.2,
            price_decimals=decimals,
            volume_decimals=8,
            status="online",
            tradable=True,
            held=number in {0, 2},
        )

    def look_at(self, pair: str | None, timeframe: Timeframe) -> None:
        """Remember what was asked, and answer it unless told not to."""
        self.asked.append((pair, timeframe))
        if self.answers:
            self.answer()

    def answer(self) -> None:
        """Show what was asked for last."""
        pair, timeframe = self.asked[-1]
        row = next((row for row in self.current.rows if row.pair == pair), None)
        self.publish(focus=FocusView() if row is None else self.focus(row, timeframe))

    def focus(self, row: MarketRow, timeframe: Timeframe) -> FocusView:
        """One pair with candles, book and tape around its price."""
        price = row.last or Decimal(1)
        rng = random.Random(f"{row.pair} {timeframe}")
        *bars, running = self._bars(float(price), timeframe, rng)
        return FocusView(
            pair=row.pair,
            timeframe=timeframe,
            bars=tuple(bars),
            running=running,
            book=self._book(row, price, rng),
            trades=tuple(
                self._trade(row, price, NOON - timedelta(seconds=3 * n), rng) for n in range(TRADES)
            ),
            lines=tuple(ChartLine(f"sma {length}", average(bars, length)) for length in (20, 50)),
            fills=self._fills(bars) if row.held else (),
        )

    def _bars(self, price: float, timeframe: Timeframe, rng: random.Random) -> list[MarketBar]:
        bars: list[MarketBar] = []
        start, close = timeframe.floor(NOON), price
        for number in range(BARS):
            change = 0.0 if number % 17 == 16 else rng.gauss(0, 0.0012) * close
            opened = close - change
            high = max(opened, close) + abs(rng.gauss(0, 0.0005)) * close
            low = min(opened, close) - abs(rng.gauss(0, 0.0005)) * close
            bars.append(
                MarketBar(start - timeframe.length * number, opened, high, low, close, rng.uniform(1, 90))
            )
            close = opened
        return bars[::-1]

    def _fills(self, bars: list[MarketBar]) -> tuple[ChartFill, ...]:
        bought, sold = bars[-40], bars[-18]
        return (ChartFill(bought.time, "buy", bought.low), ChartFill(sold.time, "sell", sold.high))

    def _book(self, row: MarketRow, price: Decimal, rng: random.Random) -> BookTop:
        tick = Decimal(1).scaleb(-row.price_decimals)

        def level(steps: int) -> BookLevel:
            return BookLevel(price + tick * steps, Decimal(rng.randint(1000, 90_000_000)).scaleb(-8))

        return BookTop(
            row.pair,
            bids=tuple(level(-number) for number in range(1, LEVELS + 1)),
            asks=tuple(level(number) for number in range(1, LEVELS + 1)),
            valid=True,
        )

    def _trade(self, row: MarketRow, price: Decimal, at: datetime, rng: random.Random) -> PublicTrade:
        tick = Decimal(1).scaleb(-row.price_decimals)
        volume = Decimal(rng.randint(1000, 90_000_000)).scaleb(-8)
        return PublicTrade(row.pair, at, rng.choice(list(Side)), price + tick * rng.randint(-3, 3), volume)

    def publish(self, **changes: object) -> None:
        """Put a new picture in place."""
        self.current = msgspec.structs.replace(self.current, version=self.current.version + 1, **changes)

    def change_row(self, pair: str, **changes: object) -> None:
        """Change one row."""
        rows = (
            msgspec.structs.replace(row, **changes) if row.pair == pair else row for row in self.current.rows
        )
        self.publish(rows=tuple(rows))

    def change_focus(self, **changes: object) -> None:
        """Change what is shown of the pair that is looked at."""
        self.publish(focus=msgspec.structs.replace(self.current.focus, **changes))

    def move(self, share: float = 1.0, seconds: float = 0.25) -> None:
        """Let a share of the pairs tick, and the one looked at move on by some seconds."""
        at = (self.current.at or NOON) + timedelta(seconds=seconds)
        rows = tuple(self._ticked(row) if self._random.random() < share else row for row in self.current.rows)
        self.publish(rows=rows, at=at)
        row = next((row for row in rows if row.pair == self.current.focus.pair), None)
        if row is not None:
            self._move_focus(row, at)

    def _ticked(self, row: MarketRow) -> MarketRow:
        rng = self._random
        last = row.last or Decimal(1)
        step = at_scale(last * Decimal(rng.randint(-15, 15)) / 20_000, row.price_decimals)
        return msgspec.structs.replace(
            row,
            last=max(last + step, Decimal(1).scaleb(-row.price_decimals)),
            change_pct_24h=(row.change_pct_24h or 0) + at_scale(Decimal(rng.randint(-3, 3)) / 100, 2),
            spread_bps=at_scale(Decimal(rng.randint(1, 400)) / 10, 1),
            volume_24h=(row.volume_24h or 0) + rng.randint(0, 20_000),
        )

    def _move_focus(self, row: MarketRow, at: datetime) -> None:
        focus = self.current.focus
        running, price = focus.running, row.last
        assert running is not None
        assert price is not None
        close, start = float(price), focus.timeframe.floor(at)
        bars = focus.bars
        if start > running.time:
            bars, running = (*bars[1:], running), MarketBar(start, close, close, close, close, 0.0)
        running = msgspec.structs.replace(
            running, close=close, high=max(running.high, close), low=min(running.low, close)
        )
        trades = (self._trade(row, price, at, self._random), *focus.trades[: TRADES - 1])
        self.change_focus(
            bars=bars, running=running, trades=trades, book=self._book(row, price, self._random)
        )
