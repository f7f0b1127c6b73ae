"""How the market data is doing, in the words of the view that screens and scripts see."""

from collections.abc import Iterable

from krakked_tui.control import market_view as v
from krakked_tui.engine.ingest_report import IngestStatistics
from krakked_tui.engine.market_data import early_status
from krakked_tui.engine.moment import Moment
from krakked_tui.market.freshness import Freshness
from krakked_tui.ports import StreamState

FAILURES_SHOWN = 5
"""Pairs of a round that are named when they failed."""


def data_status(moment: Moment) -> v.DataStatusView:
    """Return how the market data is doing; before the pairs are known there is little to say."""
    if moment.data is not None:
        status = moment.data.get_data_status()
    else:
        status = early_status(moment.feed, moment.wall, (moment.account_stream,))
    pairs = status.pairs
    return v.DataStatusView(
        connections=tuple(_connections(status.streams)),
        fresh=pairs.get(Freshness.FRESH, 0),
        checked=pairs.get(Freshness.CHECKED, 0),
        quiet=pairs.get(Freshness.QUIET, 0),
        stale=pairs.get(Freshness.STALE, 0),
        never=pairs.get(Freshness.NEVER, 0),
        rest_success_age=status.rest_success_age,
        rest_error=status.rest_error,
        rest_error_age=status.rest_error_age,
        messages_per_second=status.messages_per_second,
        lag_seconds=status.lag_seconds,
        clock_offset_seconds=status.clock_offset_seconds,
        state=status.state.value,
        system_status=status.system_status.value if status.system_status else "",
        pairs_tradable=status.tradable,
        pairs_known=status.known,
        universe_age=status.universe_age,
        universe_trouble=status.universe_trouble,
        deaf=status.deaf.names,
        deaf_count=status.deaf.count,
        prices_trouble=status.prices_trouble,
        breaker_seconds=status.breaker_seconds,
        breaker_reason=status.breaker_reason,
        ingest=_round(status.ingest) if status.ingest else None,
        missing=status.missing,
        incomplete=status.incomplete,
        next_boundary=status.next_boundary,
        unstored=status.unstored,
    )


def _round(last: IngestStatistics) -> v.IngestView:
    failures = last.failures[:FAILURES_SHOWN]
    return v.IngestView(last.at, last.done, last.failed, last.rows, last.seconds, failures)


def _connections(streams: Iterable[StreamState]) -> Iterable[v.ConnectionView]:
    """Yield every connection: the parts of a stream instead of it, where it has more than one."""
    for stream in streams:
        for part in stream.parts or (stream,):
            yield v.ConnectionView(
                part.name, part.connected, part.detail, part.wanted, part.acked, part.failed
            )
