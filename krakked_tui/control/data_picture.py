"""How the market data is doing, from the engine's parts to the view that screens and scripts see."""

from collections.abc import Iterable, Mapping
from typing import Any

from krakked_tui.control import market_view as v
from krakked_tui.engine.ingest_report import IngestStatistics
from krakked_tui.engine.market_side import MarketSide
from krakked_tui.engine.moment import Moment
from krakked_tui.market.freshness import Freshness
from krakked_tui.ports import StreamState

FAILURES_SHOWN = 5
"""Pairs of a round that are named when they failed."""


def data_status(moment: Moment, counts: Mapping[Freshness, int]) -> v.DataStatusView:
    """Return how the market data is doing; ``counts`` are the pairs in each state."""
    market, feed, now = moment.market, moment.feed, moment.wall
    streams = (market.stream if market else None, moment.account_stream)
    return v.DataStatusView(
        connections=tuple(_connections(streams)),
        fresh=counts[Freshness.FRESH],
        checked=counts[Freshness.CHECKED],
        quiet=counts[Freshness.QUIET],
        stale=counts[Freshness.STALE],
        never=counts[Freshness.NEVER],
        rest_success_age=_age(feed.answered if feed else None, now),
        rest_error=feed.failure if feed else "",
        rest_error_age=_age(feed.failed if feed else None, now),
        messages_per_second=market.message_rate if market else 0.0,
        lag_seconds=market.lag if market else None,
        clock_offset_seconds=feed.clock_offset if feed else None,
        state=market.state.value if market else "starting",
        system_status=market.system_status.value if market and market.system_status else "",
        pairs_tradable=len(moment.state.tradable) if moment.state else 0,
        pairs_known=len(moment.state.known) if moment.state else 0,
        **(_upkeep(moment.side, now) if moment.side else {}),
    )


def _upkeep(side: MarketSide, now: float) -> dict[str, Any]:
    """Return what is said of those that watch over the pairs and their candles."""
    ingest, breaker = side.ingest, side.ingest.breaker
    return {
        "universe_age": _age(side.keeper.read_at_wall, now),
        "universe_trouble": side.keeper.trouble,
        "deaf": side.checks.deaf,
        "breaker_seconds": breaker.open_seconds(now),
        "breaker_reason": breaker.reason,
        "ingest": _round(ingest.last) if ingest.last else None,
        "next_boundary": side.boundaries.next_at,
        "unstored": side.boundaries.unstored,
    }


def _round(last: IngestStatistics) -> v.IngestView:
    failures = last.failures[:FAILURES_SHOWN]
    return v.IngestView(last.at, last.done, last.failed, last.rows, last.seconds, failures)


def _connections(streams: Iterable[StreamState | None]) -> Iterable[v.ConnectionView]:
    for stream in streams:
        if stream is not None:
            yield v.ConnectionView(
                stream.name, stream.connected, stream.detail, stream.wanted, stream.acked, stream.failed
            )


def _age(at: float | None, now: float) -> float | None:
    return None if at is None else max(now - at, 0.0)
