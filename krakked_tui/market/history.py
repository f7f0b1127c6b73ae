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


class Answered(msgspec.Struct, frozen=True):
    """What the exchange was asked for and has answered: all candles that open from ``since`` to ``upto``.

    A hole in between is none: nobody traded.
    """

    since: datetime
    upto: datetime

    def joined(self, later: "Answered") -> "Answered":
        """Return this and a later answer as one, or the later one alone where a gap is between them."""
        if later.since > self.upto:
            return later
        return Answered(min(self.since, later.since), max(self.upto, later.upto))


NO_ANSWERS: Mapping[str, Answered] = {}


def lacking(
    newest: pl.DataFrame, pairs: Iterable[str], timeframe: Timeframe, bars: int, now: datetime, *,
    depth: int = SERVED, answered: Mapping[str, Answered] = NO_ANSWERS,
) -> dict[str, Lack]:  # fmt: skip
    """Say for each pair what is missing of the latest ``bars`` candles (1 or more) closed at ``now``.

    ``newest`` is a candle frame with the latest ``bars`` stored candles of each pair. Asked for again are
    the last one before a hole and all after it: it may have been stored before it was complete. A pair with
    fewer candles than wanted is asked for ``depth`` ones, or ``bars`` if that is more. What was ``answered``
    is not asked for again.
    """
    known = newest.with_columns(
        since=_instants(newest, {pair: each.since for pair, each in answered.items()}),
        upto=_instants(newest, {pair: each.upto for pair, each in answered.items()}),
    )
    time, following = pl.col("time"), pl.col("time").shift(-1)
    told = ((time >= pl.col("since")) & (following <= pl.col("upto") + timeframe.length)).fill_null(
        value=False
    )
    # A hole is where the next candle is not the next one.
    found = known.group_by("pair").agg(
        rows=pl.len(),
        last=time.max(),
        hole=time.filter((following - time > timeframe.length) & ~told).first(),
    )
    closed, oldest = closed_candle_time(timeframe, now), reach(timeframe, now)
    short = Lack(reach(timeframe, now, max(bars, depth)), beyond=bars > SERVED)
    by_pair = {row["pair"]: row for row in found.iter_rows(named=True)}
    nothing: dict[str, datetime | int | None] = {"rows": 0, "last": None, "hole": None}
    return {
        pair: _lack(by_pair.get(pair, nothing), bars, closed, oldest, short, answered.get(pair))
        for pair in pairs
    }


def _instants(frame: pl.DataFrame, by_pair: Mapping[str, datetime]) -> pl.Expr:
    """Return a column with one instant for each pair, null where there is none."""
    return (
        pl.col("pair")
        .replace_strict(by_pair, default=None, return_dtype=frame.schema["time"])
        .alias("instant")
    )


def _lack(
    row: Mapping[str, datetime | int | None], bars: int, closed: datetime, oldest: datetime, short: Lack,
    answered: Answered | None,
) -> Lack:  # fmt: skip
    rows, last, hole = row["rows"], row["last"], row["hole"]
    assert isinstance(rows, int)
    assert short.since is not None
    begins = [
        each for each in (hole, answered.upto if answered else None, last) if isinstance(each, datetime)
    ]
    complete = rows >= bars or (answered is not None and answered.since <= short.since)
    if not isinstance(hole, datetime) and complete:
        upto = max(begins)
        return Lack(None) if upto >= closed else Lack(max(upto, oldest), beyond=upto < oldest)
    since = hole if isinstance(hole, datetime) else last
    if not complete:
        since = min(short.since, since) if isinstance(since, datetime) else short.since
    assert isinstance(since, datetime)
    return Lack(max(since, oldest), beyond=since < oldest or (not complete and short.beyond))


def served(frame: pl.DataFrame, timeframe: Timeframe, now: datetime) -> pl.DataFrame:
    """Return the candles of a frame that the exchange still serves, and the newest one of each pair.

    What lies further back is no hole that anything can be done about.
    """
    time = pl.col("time")
    return frame.filter((time >= reach(timeframe, now)) | (time == time.max().over("pair")))


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
