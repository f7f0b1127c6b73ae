"""Candles that were never traded, for trying a strategy out where no history is at hand.

Made up from numbers alone: the same at every call. They rise, fall, go sideways, stand still and jump, and
one pair lacks candles now and then, as pairs do that are seldom traded.
"""

import math
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise

import polars as pl

from krakked_tui.domain.candles import Candle, Timeframe
from krakked_tui.domain.pairs import FeeTier, PairMetadata, PairStatus
from krakked_tui.market.frames import frame_of

PAIRS = ("ADAUSD", "ETHUSD", "SOLUSD", "XBTUSD")
_END = datetime(2026, 1, 1, tzinfo=UTC)
_FIRST = {"ADAUSD": 0.8, "ETHUSD": 3_000.0, "SOLUSD": 150.0, "XBTUSD": 90_000.0}
_SELDOM = "ADAUSD"
_LEG = 40
"""Bars in which the market does one thing."""
_DRIFTS = (0.004, -0.006, 0.0, 0.01, -0.003, 0.0, -0.012, 0.006)
_QUIET_LEG = 2
"""Which of the legs above hardly moves, and stands still in its middle."""


def practice_candles(timeframe: Timeframe, bars: int) -> pl.DataFrame:
    """Return ``bars`` candles of each of ``PAIRS`` in the schema of ``market/frames.py``."""
    return frame_of(candle for pair in PAIRS for candle in _candles(pair, timeframe, bars))


def practice_pairs() -> dict[str, PairMetadata]:
    """Return what the exchange would say of ``PAIRS``."""
    return {name: _pair(name) for name in PAIRS}


def _candles(pair: str, timeframe: Timeframe, bars: int) -> Iterator[Candle]:
    start = timeframe.floor(_END) - bars * timeframe.length
    noise = _noise(PAIRS.index(pair) + 1)
    for bar, (before, close) in enumerate(pairwise(_closes(pair, bars + 1, noise))):
        reach = [0.0 if before == close else abs(next(noise)) * 0.004 for _ in range(2)]
        seldom = next(noise)
        if pair == _SELDOM and abs(seldom) < 0.08 and bar + 1 < bars:
            continue
        yield Candle(
            pair=pair,
            timeframe=timeframe,
            time=start + bar * timeframe.length,
            open=before,
            high=max(before, close) * (1 + reach[0]),
            low=min(before, close) * (1 - reach[1]),
            close=close,
            volume=100 * math.exp(2 * seldom),
            vwap=(before + close) / 2,
            trades=20 + int(10 * seldom),
        )


def _closes(pair: str, count: int, noise: Iterator[float]) -> Iterator[float]:
    price = _FIRST[pair]
    shift = 13 * PAIRS.index(pair)
    for bar in range(count):
        yield price
        leg, within = divmod(bar + shift, _LEG)
        quiet = leg % len(_DRIFTS) == _QUIET_LEG
        step = _DRIFTS[leg % len(_DRIFTS)] / 4 + next(noise) * (0.002 if quiet else 0.012)
        if within == 0:
            step += 4 * _DRIFTS[leg % len(_DRIFTS)]  # a gap
        if not quiet or not 10 <= within < 16:
            price *= math.exp(step)


def _noise(seed: int) -> Iterator[float]:
    """Yield numbers from -1 to 1, evenly spread (Knuth's MMIX generator)."""
    state = seed
    while True:
        state = (6364136223846793005 * state + 1442695040888963407) % 2**64
        yield (state >> 11) / 2**52 - 1


def _pair(name: str) -> PairMetadata:
    base = name.removesuffix("USD")
    return PairMetadata(
        canonical=name,
        base=base,
        quote="USD",
        rest_symbol=name,
        ws_symbol=f"{base.replace('XBT', 'BTC')}/USD",
        raw_name=name,
        price_decimals=6,
        tick_size=Decimal("0.000001"),
        volume_decimals=8,
        lot_size=Decimal("0.00000001"),
        order_min=Decimal("0.0001"),
        cost_min=Decimal("0.5"),
        cost_decimals=5,
        asset_class="currency",
        fees_taker=(FeeTier(Decimal(0), Decimal("0.40")),),
        status=PairStatus.ONLINE,
    )
