"""The correction rule on frames: a later row for the same time counts when at least as complete.

``supersedes`` of market/frames.py says the same about two candles.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

import msgspec
import polars as pl

from krakked_tui.domain.candles import Candle
from krakked_tui.market.frames import CANDLE_SCHEMA
from krakked_tui.storage.rows import to_micros

ROW_SCHEMA: Final = pl.Schema({name: kind for name, kind in CANDLE_SCHEMA.items() if name != "pair"})
"""Columns of one pair's rows, as partitions hold them."""

VALUES: Final = ("open", "high", "low", "close", "volume", "vwap", "trades")

_TAKES = (pl.col("trades") >= pl.col("old_trades")) & (pl.col("volume") >= pl.col("old_volume"))


class Judgement(msgspec.Struct, frozen=True):
    """What a batch does to a store: the rows to write, and how many are of which kind."""

    accepted: pl.DataFrame
    new: int
    corrected: int
    refused: int


def resolve(older: pl.DataFrame, newer: pl.DataFrame) -> pl.DataFrame:
    """Unite two frames of one pair, each ascending and unique by time."""
    if newer.is_empty():
        return older
    if older.is_empty() or older["time"][-1] < newer["time"][0]:
        return pl.concat([older, newer])
    known = older.select("time", old_trades="trades", old_volume="volume")
    counting = newer.join(known, on="time", how="left").filter(pl.col("old_trades").is_null() | _TAKES)
    return (
        pl.concat([older, counting.select(older.columns)])
        .unique("time", keep="last", maintain_order=True)
        .sort("time")
    )


def resolve_all(frames: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Unite frames of one pair, given from the oldest to the newest source."""
    united = ROW_SCHEMA.to_frame()
    for frame in frames:
        united = resolve(united, frame)
    return united


def judge(batch: pl.DataFrame, stored: pl.DataFrame) -> Judgement:
    """Tell what the rows of ``batch``, in their order, do to the rows ``stored`` under their keys.

    Both have the columns of ``CANDLE_SCHEMA``; ``stored`` is unique by pair and time.
    """
    key = ["pair", "time"]
    rounds = batch.with_columns(turn=pl.int_range(pl.len()).over(key)).partition_by(
        "turn", maintain_order=True, include_key=False
    )
    current, accepted = stored, [batch.clear()]
    new = corrected = refused = 0
    for rows in rounds:
        old = current.rename({name: f"old_{name}" for name in VALUES})
        met = rows.join(old, on=key, how="left", maintain_order="left")
        unknown, differs = pl.col("old_trades").is_null(), _any_differs()
        taken = met.filter(unknown | differs & _TAKES)
        fresh = met.select(unknown.sum()).item()
        new += fresh
        corrected += taken.height - fresh
        refused += met.select((differs & ~_TAKES).sum()).item()
        accepted.append(taken.select(batch.columns))
        current = _replaced(current, accepted[-1])
    return Judgement(_replaced(batch.clear(), pl.concat(accepted)), new, corrected, refused)


def _any_differs() -> pl.Expr:
    return pl.any_horizontal(*(pl.col(name) != pl.col(f"old_{name}") for name in VALUES))


def _replaced(rows: pl.DataFrame, by: pl.DataFrame) -> pl.DataFrame:
    return pl.concat([rows, by]).unique(["pair", "time"], keep="last", maintain_order=True)


def micros_of(candles: Iterable[Candle]) -> list[int]:
    """Return open times in microseconds; the many candles of one minute are worked out once."""
    known: dict[datetime, int] = {}
    found: list[int] = []
    for candle in candles:
        micros = known.get(candle.time)
        if micros is None:
            micros = known[candle.time] = to_micros(candle.time)
        found.append(micros)
    return found


def frame_of(candles: Sequence[Candle]) -> pl.DataFrame:
    """Build a candle frame column by column, which is quick."""
    columns = {
        "pair": [candle.pair for candle in candles],
        "time": micros_of(candles),
        "open": [candle.open for candle in candles],
        "high": [candle.high for candle in candles],
        "low": [candle.low for candle in candles],
        "close": [candle.close for candle in candles],
        "volume": [candle.volume for candle in candles],
        "vwap": [candle.vwap for candle in candles],
        "trades": [candle.trades for candle in candles],
    }
    return pl.DataFrame(columns).cast(CANDLE_SCHEMA) if candles else CANDLE_SCHEMA.to_frame()


def with_pair(rows: pl.DataFrame, pair: str) -> pl.DataFrame:
    """Return one pair's rows as a candle frame."""
    return rows.select(pl.lit(pair, pl.String()).alias("pair"), *ROW_SCHEMA.names())


def united_frame(frames: Iterable[pl.DataFrame]) -> pl.DataFrame:
    """Put candle frames of different pairs below each other."""
    return pl.concat([CANDLE_SCHEMA.to_frame(), *frames])
