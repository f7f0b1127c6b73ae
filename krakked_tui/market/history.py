"""Which candles are at hand and which have to be read: rules for whoever fills a candle store."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec
import polars as pl

from krakked_tui.domain.candles import Candle, Quote, Timeframe
from krakked_tui.domain.money import ZERO
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.market.boundaries import closed_candle_time

SERVED = 720
"""Closed candles of a pair that the exchange serves at most, whatever is asked for."""

CLOCK_DOUBT = timedelta(seconds=2)
"""How far (at speed 1) our idea of the exchange's time may be ahead of it."""


class Lack(msgspec.Struct, frozen=True):
    """What a pair lacks of one timeframe.

    ``since`` is the open time of the first candle to ask for, None when nothing is missing.
    ``beyond`` says that older ones are missing that the exchange does not serve any more.
    """

    since: datetime | None
    beyond: bool = False


def reach(timeframe: Timeframe, now: datetime, bars: int = SERVED) -> datetime:
    """Return the open time of the oldest of the latest ``bars`` closed candles that the exchange serves."""
    return timeframe.floor(now) - min(bars, SERVED) * timeframe.length


def lacking(
    newest: pl.DataFrame, pairs: Iterable[str], timeframe: Timeframe, bars: int, now: datetime, *,
    depth: int = SERVED,
) -> dict[str, Lack]:  # fmt: skip
    """Say for each pair what is missing of the latest ``bars`` candles (1 or more) closed at ``now``.

    ``newest`` is a candle frame with the latest ``bars`` stored candles of each pair. Asked for again are
    the last one before a hole and all after it: it may have been stored before it was complete. A pair with
    fewer candles than wanted is asked for ``depth`` ones, or ``bars`` if that is more.
    """
    # A hole is where the next candle is not the next one.
    following = pl.col("time").shift(-1)
    found = newest.group_by("pair").agg(
        rows=pl.len(),
        last=pl.col("time").max(),
        hole=pl.col("time").filter(following - pl.col("time") > timeframe.length).first(),
    )
    closed, oldest = closed_candle_time(timeframe, now), reach(timeframe, now)
    short = Lack(reach(timeframe, now, max(bars, depth)), beyond=bars > SERVED)
    by_pair = {row["pair"]: row for row in found.iter_rows(named=True)}
    return {
        pair: _lack(by_pair[pair], bars, closed, oldest, short) if pair in by_pair else short
        for pair in pairs
    }


def _lack(
    row: Mapping[str, datetime | int | None], bars: int, closed: datetime, oldest: datetime, short: Lack
) -> Lack:
    rows, last, hole = row["rows"], row["last"], row["hole"]
    assert isinstance(last, datetime)
    assert isinstance(rows, int)
    if isinstance(hole, datetime):
        since = hole
    elif rows < bars:
        assert short.since is not None
        return Lack(max(min(short.since, last), oldest), beyond=short.beyond or last < oldest)
    elif last >= closed:
        return Lack(None)
    else:
        since = last
    return Lack(max(since, oldest), beyond=since < oldest)


def closed_only(candles: Sequence[Candle], asked: datetime, doubt: timedelta = CLOCK_DOUBT) -> list[Candle]:
    """Return the candles of an answer, oldest first, that are closed for certain.

    ``asked`` is exchange time when the request was made. A candle counts as closed when it had ended by
    then; the newest of the answer, which is the running one as a rule, only when it had ended by more than
    ``doubt``: our clock may be ahead of the exchange's.
    """
    return [
        candle
        for index, candle in enumerate(candles, start=1)
        if candle.end <= (asked if index < len(candles) else asked - doubt)
    ]


def by_turnover(pairs: Iterable[PairMetadata], quotes: Mapping[str, Quote]) -> tuple[PairMetadata, ...]:
    """Order pairs by what was traded in 24 hours, in quote, most first; those without a price last."""

    def turnover(pair: PairMetadata) -> tuple[bool, object, str]:
        quote = quotes.get(pair.canonical)
        traded = quote.figures.volume_24h * quote.figures.vwap_24h if quote else ZERO
        return (quote is None, -traded, pair.canonical)

    return tuple(sorted(pairs, key=turnover))
