"""Runs the strategies of a cycle, each for as long as it may: in a thread, or the user's own in the worker.

A strategy that fails, takes too long or returns what no strategy may return is reported once, with its
traceback in the log, and the others give their intents all the same. Threads all have until the cycle's
deadline. The worker takes one strategy after another: each may take its part of the time that is left.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence

import msgspec

from krakked_tui.decision.effects import Level, Log
from krakked_tui.domain.candles import Timeframe
from krakked_tui.engine.signals import CycleInputs, Given, Signals, conclude, contexts
from krakked_tui.engine.strategy_evaluation import AnyStrategy, Evaluated, evaluate, failed
from krakked_tui.engine.strategy_output import one_line
from krakked_tui.engine.strategy_process import NotReadyError, StrategyProcess
from krakked_tui.engine.strategy_threads import StillHangingError, StrategyThreads
from krakked_tui.strategies.loaded import LoadedStrategy, Origin, StrategySet

WARMUP_MAX = 10_000
"""Candles of every pair that a strategy may ask for at most: they are all kept in memory."""
SLOW_SHARE = 0.5
"""From this part of a cycle's deadline on a strategy is called slow in the log."""


class StrategyRunner:
    """Used from one event loop. ``close`` must be called in the end."""

    def __init__(
        self, strategies: StrategySet, *, deadline_seconds: float, monotonic: Callable[[], float],
        write_log: Callable[[Log], None],
    ) -> None:  # fmt: skip
        self._deadline = deadline_seconds
        self._monotonic = monotonic
        self._write_log = write_log
        self._threads = StrategyThreads()
        self._process = StrategyProcess()
        self._loaded: dict[str, LoadedStrategy] = {}
        self._warmups: dict[str, int] = {}
        self.given = StrategySet()
        """The strategies as they were handed over last."""
        self.failed: dict[str, str] = {}
        """Why strategies that are to run cannot, by id."""
        self.seconds: dict[str, float] = {}
        """How long each strategy took when it was evaluated last."""
        self.left_out: dict[str, dict[Timeframe, Mapping[str, str]]] = {}
        """Why each strategy did not look at pairs when it was evaluated last, by timeframe and pair."""
        self.use(strategies)

    def use(self, strategies: StrategySet) -> None:
        """Replace the strategies, from the next cycle on.

        What one that is another now says in this one is dropped; one built anew from the same is the same.
        """
        self.given = strategies
        self._loaded, self._warmups, self.failed = {}, {}, dict(strategies.failed)
        for loaded in sorted(strategies.strategies, key=lambda each: each.strategy.settings.id):
            strategy_id = loaded.strategy.settings.id
            try:
                self._warmups[strategy_id] = _warmup(loaded.strategy)
            except (Exception, SystemExit) as error:  # noqa: BLE001 - user code; reported, not hidden
                self.failed[strategy_id] = failed(error).failure
            else:
                self._loaded[strategy_id] = loaded
        for told in (self.seconds, self.left_out):
            for gone in told.keys() - self._loaded.keys():
                del told[gone]

    @property
    def warmup(self) -> dict[Timeframe, int]:
        """How many bars each timeframe in use needs for its most demanding strategy; shortest first."""
        found: dict[Timeframe, int] = {}
        for strategy_id, loaded in self._loaded.items():
            for timeframe in loaded.strategy.settings.timeframes:
                known = loaded.strategy.settings.universe_filter.min_history_bars
                bars = max(self._warmups[strategy_id], min(known, WARMUP_MAX))
                found[timeframe] = max(found.get(timeframe, 1), bars)
        return {timeframe: found[timeframe] for timeframe in sorted(found, key=lambda each: each.minutes)}

    async def run(
        self, inputs: CycleInputs, running: Collection[str] | None = None, seconds: float | None = None
    ) -> Signals:
        """Evaluate the strategies among ``running`` (None: all) that have a timeframe in the inputs.

        Takes ``seconds`` (wall; None: the cycle's deadline) and little more, whatever they do.
        """
        give_up = self._monotonic() + (self._deadline if seconds is None else seconds)
        asked = [
            loaded
            for strategy_id, loaded in self._loaded.items()
            if (running is None or strategy_id in running)
            and any(timeframe in inputs.frames for timeframe in loaded.strategy.settings.timeframes)
        ]
        given = await asyncio.to_thread(contexts, [each.strategy for each in asked], inputs, self._warmups)
        self.left_out |= {strategy_id: dict(each.left_out) for strategy_id, each in given.items()}
        evaluated: dict[str, Evaluated] = {}
        async with asyncio.TaskGroup() as group:
            for loaded in asked:
                if not loaded.in_worker:
                    group.create_task(self._in_thread(loaded, given, give_up, evaluated))
            group.create_task(
                self._in_worker([each for each in asked if each.in_worker], given, give_up, evaluated)
            )
        current = {
            loaded.strategy.settings.id: evaluated[loaded.strategy.settings.id]
            for loaded in asked
            if _same(loaded, self._loaded.get(loaded.strategy.settings.id))
        }
        self._tell(current)
        return await asyncio.to_thread(conclude, inputs, current)

    def close(self) -> None:
        """End the worker process."""
        self._process.close()

    async def _in_thread(
        self, loaded: LoadedStrategy, given: Mapping[str, Given], give_up: float,
        evaluated: dict[str, Evaluated],
    ) -> None:  # fmt: skip
        strategy_id = loaded.strategy.settings.id
        left = give_up - self._monotonic()
        try:
            evaluated[strategy_id] = await self._threads.run(
                strategy_id, lambda: evaluate(loaded.strategy, given[strategy_id].of, self._monotonic), left
            )
        except TimeoutError:
            evaluated[strategy_id] = _late(left)
        except StillHangingError as error:
            evaluated[strategy_id] = Evaluated(failure=str(error))

    async def _in_worker(
        self, asked: Sequence[LoadedStrategy], given: Mapping[str, Given], give_up: float,
        evaluated: dict[str, Evaluated],
    ) -> None:  # fmt: skip
        for number, loaded in enumerate(asked):
            strategy_id = loaded.strategy.settings.id
            try:
                await self._process.ready(give_up - self._monotonic())
            except NotReadyError as error:
                evaluated[strategy_id] = self._not_evaluated(strategy_id, str(error))
                continue
            started = self._monotonic()
            share = (give_up - started) / (len(asked) - number)
            try:
                answer = await self._process.evaluate(
                    loaded, given[strategy_id].of, self._warmups[strategy_id], share
                )
                # Its own word for it is not taken.
                answer = msgspec.structs.replace(answer, seconds=self._monotonic() - started)
            except TimeoutError:
                answer = _late(share)
            evaluated[strategy_id] = answer

    def _not_evaluated(self, strategy_id: str, why: str) -> Evaluated:
        """Put on record what kept a strategy from being evaluated and is not its fault."""
        told: dict[str, str | int | float | bool | None] = {"strategy_id": strategy_id, "reason": why}
        message = f"{strategy_id} was not evaluated: {why}"
        self._write_log(Log(Level.ERROR, "strategy_not_evaluated", told, message))
        return Evaluated(notes=(message,))

    def _tell(self, evaluated: Mapping[str, Evaluated]) -> None:
        """Remember how long each took, and put on record what failed or nearly did."""
        for strategy_id, each in evaluated.items():
            self.seconds[strategy_id] = each.seconds
            if each.failure and each.traceback:
                told = {"strategy_id": strategy_id, "error": each.failure, "traceback": each.traceback}
                self._write_log(Log(Level.ERROR, "strategy_traceback", {**told}))
            elif not each.failure and each.seconds > SLOW_SHARE * self._deadline:
                slow: dict[str, str | int | float | bool | None] = {
                    "strategy_id": strategy_id, "seconds": round(each.seconds, 3),
                }  # fmt: skip
                message = (
                    f"{strategy_id} took {each.seconds:.1f} s and is disabled after {self._deadline:g} s"
                )
                self._write_log(Log(Level.WARNING, "strategy_slow", slow, message))


def our_own(strategies: Sequence[AnyStrategy]) -> StrategySet:
    """Return strategies of our own code as what came of loading them: they run in threads."""
    return StrategySet(
        tuple(
            LoadedStrategy(each, Origin("built-in", type(each).__module__, type(each).__qualname__))
            for each in strategies
        )
    )


def _same(asked: LoadedStrategy, now: LoadedStrategy | None) -> bool:
    """Say whether a strategy is still what was asked, built anew or not."""
    return now is not None and (now.origin, now.strategy.settings) == (asked.origin, asked.strategy.settings)


def _late(seconds: float) -> Evaluated:
    return Evaluated(
        failure=f"it took longer than {round(max(seconds, 0.0), 1):g} s and was given up", seconds=seconds
    )


def _warmup(strategy: AnyStrategy) -> int:
    bars: object = strategy.warmup_bars
    if isinstance(bars, bool) or not isinstance(bars, int) or not 0 <= bars <= WARMUP_MAX:
        raise ValueError(f"its warmup_bars is {one_line(repr(bars), 60)}: allowed is 0 to {WARMUP_MAX}")
    return max(bars, 1)
