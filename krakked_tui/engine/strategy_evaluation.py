"""One strategy on the candles of one cycle: what it says, or why it failed. Runs in a thread or a worker."""

import traceback
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Any

import msgspec
import polars as pl

from krakked_tui.domain.candles import Timeframe
from krakked_tui.domain.intents import StrategyIntent
from krakked_tui.engine.strategy_output import StrategyOutputError, checked, one_line, waiting_notes
from krakked_tui.strategies.base import Strategy, StrategyContext

AnyStrategy = Strategy[Any]

TRACEBACK_MAX = 4_000
"""Characters of a traceback that are kept: its end says what happened."""


class Evaluated(msgspec.Struct, frozen=True):
    """What came of one strategy. ``failure`` is one line and empty when all went well; intents then are none.

    ``seconds`` is wall time.
    """

    intents: tuple[StrategyIntent, ...] = ()
    notes: tuple[str, ...] = ()
    failure: str = ""
    traceback: str = ""
    seconds: float = 0.0


def evaluate(
    strategy: AnyStrategy, contexts: Sequence[StrategyContext], monotonic: Callable[[], float]
) -> Evaluated:
    """Ask a strategy what it wants on each of its timeframes. Raises nothing."""
    started = monotonic()
    strategy_id = strategy.settings.id
    intents: list[StrategyIntent] = []
    notes: list[str] = []
    try:
        for context in contexts:
            found = strategy.generate_intents(context)
            intents += checked(found, strategy_id, {context.timeframe: context})
            notes += waiting_notes(strategy.waiting(context), strategy_id, context)
    except BaseException as error:  # noqa: BLE001 - user code, SystemExit too; reported, not hidden
        return msgspec.structs.replace(failed(error), seconds=monotonic() - started)
    return Evaluated(tuple(intents), tuple(notes), seconds=monotonic() - started)


def failed(error: BaseException) -> Evaluated:
    """Return what an exception in a strategy comes to."""
    if isinstance(error, StrategyOutputError):
        return Evaluated(failure=one_line(error))
    sentence = ": ".join(filter(None, (type(error).__name__, one_line(error))))
    try:
        told = "".join(traceback.format_exception(error))[-TRACEBACK_MAX:]
    except Exception:  # noqa: BLE001 - the user's exception may not let itself be written
        told = sentence
    return Evaluated(failure=sentence, traceback=told)


def last_bars(frame: pl.DataFrame, pairs: Collection[str], upto: datetime, bars: int) -> pl.DataFrame:
    """Return the newest ``bars`` candles of these pairs that opened at ``upto`` or before."""
    return (
        frame.lazy()
        .filter(pl.col("time") <= upto, pl.col("pair").is_in(list(pairs)))
        .filter(pl.int_range(pl.len(), 0, -1).over("pair") <= bars)
        .collect()
    )


def by_timeframe(contexts: Sequence[StrategyContext]) -> dict[Timeframe, StrategyContext]:
    """Return contexts by their timeframe."""
    return {context.timeframe: context for context in contexts}
