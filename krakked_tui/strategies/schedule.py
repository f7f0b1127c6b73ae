"""When a strategy that acts now and then does so."""

from datetime import UTC, datetime

from krakked_tui.domain.candles import Timeframe

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def is_due(timeframe: Timeframe, candle_time: datetime, every_bars: int) -> bool:
    """Say whether the candle that opened at ``candle_time`` is one of every ``every_bars``.

    Counted from 1970, so that it is the same after a restart and in a backtest, whenever that begins.
    """
    end = candle_time + timeframe.length
    return (end - _EPOCH) // timeframe.length % every_bars == 0
