"""Every strategy has its own time and its own failures; the others give their intents all the same."""

import asyncio
import sys
import threading
import time
from collections.abc import AsyncIterator

import msgspec
import pytest

from krakked_tui.decision.effects import Log
from krakked_tui.domain.candles import Timeframe
from krakked_tui.engine.signals import Signals
from krakked_tui.engine.strategy_runner import WARMUP_MAX, StrategyRunner, our_own
from krakked_tui.strategies.loaded import LoadedStrategy, StrategySet
from krakked_tui.strategies.settings import UniverseFilter
from tests.unit.engine.strategy_builders import make_inputs, ours, own

BUYS = "return [self.buy(ctx)]"
PATIENCE = 30.0
GATE = "tests.unit.engine.test_strategy_runner"
began, opened = threading.Event(), threading.Event()
"""What strategies below tell that they have begun, and wait for."""
HANGS = f"import {GATE} as t\nt.opened.wait()\nreturn []"


class Rig:
    def __init__(self, *strategies: LoadedStrategy, deadline: float = PATIENCE) -> None:
        self.lines: list[Log] = []
        self.runner = StrategyRunner(
            StrategySet(strategies), deadline_seconds=deadline, monotonic=time.monotonic,
            write_log=self.lines.append,
        )  # fmt: skip

    async def run(self, *, seconds: float | None = None) -> Signals:
        return await self.runner.run(make_inputs(), seconds=seconds)


@pytest.fixture(autouse=True)
async def ended() -> AsyncIterator[None]:
    opened.clear()
    yield
    opened.set()


def _said(signals: Signals) -> list[str]:
    return [intent.strategy_id for intent in signals.intents]


async def test_all_strategies_speak_in_the_order_of_their_ids() -> None:
    rig = Rig(ours("zzz", BUYS), ours("aaa", BUYS))
    signals = await rig.run()
    assert _said(signals) == ["aaa", "zzz"]
    assert signals.failures == {}
    assert set(rig.runner.seconds) == {"aaa", "zzz"}


async def test_only_those_that_are_to_run_do() -> None:
    rig = Rig(ours("aaa", BUYS), ours("bbb", BUYS))
    assert _said(await rig.runner.run(make_inputs(), {"bbb"})) == ["bbb"]
    hourly = await rig.runner.run(make_inputs(frames={}))
    assert (hourly.intents, hourly.failures) == ((), {})


async def test_one_that_fails_is_told_with_its_traceback() -> None:
    rig = Rig(ours("aaa", "raise ValueError('no way')"), ours("bbb", BUYS))
    signals = await rig.run()
    assert _said(signals) == ["bbb"]
    assert signals.failures == {"aaa": "ValueError: no way"}
    (line,) = rig.lines
    assert line.event == "strategy_traceback"
    assert line.fields["strategy_id"] == "aaa"
    assert "generate_intents" in str(line.fields["traceback"])


async def test_one_that_hangs_in_a_thread_holds_up_no_later_cycle() -> None:
    rig = Rig(ours("aaa", HANGS), ours("bbb", BUYS), deadline=1.0)
    signals = await rig.run()
    assert _said(signals) == ["bbb"]
    assert signals.failures == {"aaa": "it took longer than 1 s and was given up"}
    again = await rig.run()
    assert _said(again) == ["bbb"]
    assert "still hangs" in again.failures["aaa"]


async def test_one_that_hangs_in_the_worker_costs_the_others_nothing_but_its_share() -> None:
    rig = Rig(own("aaa", "time.sleep(99)"), own("bbb", BUYS), ours("ccc", BUYS), deadline=6.0)
    started = time.monotonic()
    signals = await rig.run()
    assert _said(signals) == ["bbb", "ccc"]
    assert set(signals.failures) == {"aaa"}
    assert "given up" in signals.failures["aaa"]
    assert time.monotonic() - started < 6.0 + 1.0
    rig.runner.close()


async def test_the_users_own_code_runs_in_a_process_and_expressions_do_not() -> None:
    where = "return [self.buy(ctx, metadata={'pid': os.getpid()})]"
    rig = Rig(own("aaa", where), own("bbb", where), ours("ccc", where))
    pids = [intent.metadata["pid"] for intent in (await rig.run()).intents]
    assert pids[0] == pids[1] != pids[2]
    rig.runner.close()


async def test_a_worker_that_cannot_start_is_no_strategys_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig(own("aaa", BUYS), ours("bbb", BUYS))
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    signals = await rig.run()
    assert (_said(signals), signals.failures) == (["bbb"], {})
    assert [line.event for line in rig.lines] == ["strategy_not_evaluated"]
    assert signals.notes[0].startswith("aaa was not evaluated: the worker process cannot be started")


async def test_a_slow_one_is_warned_of() -> None:
    rig = Rig(ours("aaa", "time.sleep(0.11)\nreturn []"), deadline=0.2)
    signals = await rig.run(seconds=PATIENCE)
    assert signals.failures == {}
    assert [line.event for line in rig.lines] == ["strategy_slow"]
    assert rig.runner.seconds["aaa"] >= 0.11


async def test_what_replaced_strategies_say_is_dropped() -> None:
    late, stays = (
        ours("aaa", f"import {GATE} as t\nt.began.set()\nt.opened.wait(5)\nreturn [self.buy(ctx)]"),
        ours("bbb", BUYS),
    )
    rig = Rig(late, stays)
    task = asyncio.get_running_loop().create_task(rig.run())
    assert await asyncio.to_thread(began.wait, PATIENCE)
    other = ours("aaa", BUYS)
    other.strategy.settings = msgspec.structs.replace(other.strategy.settings, max_positions=2)
    rig.runner.use(StrategySet((other, ours("bbb", BUYS))))
    opened.set()
    assert _said(await task) == ["bbb"], "built anew from the same it is the same"
    assert _said(await rig.run()) == ["aaa", "bbb"]
    rig.runner.use(StrategySet((stays,)))
    assert _said(await rig.run()) == ["bbb"]
    assert set(rig.runner.seconds) == {"bbb"}


@pytest.mark.parametrize("bars", ["-1", "1.5", "True", str(WARMUP_MAX + 1), "1 / 0"])
def test_one_that_asks_for_too_much_history_is_not_run(bars: str) -> None:
    rig, loaded = Rig(), ours("bbb", BUYS)
    type(loaded.strategy).warmup_bars = property(lambda _self: eval(bars))  # type: ignore[method-assign,assignment]
    rig.runner.use(StrategySet((loaded,), failed={"ccc": "no such type"}))
    assert set(rig.runner.failed) == {"bbb", "ccc"}
    assert rig.runner.warmup == {}


def test_each_timeframe_needs_what_its_most_demanding_strategy_does() -> None:
    first, second = ours("aaa", BUYS), ours("bbb", BUYS)
    settings = msgspec.structs.replace(
        second.strategy.settings, timeframes=(Timeframe.H4, Timeframe.M15, Timeframe.H1),
        universe_filter=UniverseFilter(min_history_bars=200),
    )  # fmt: skip
    second.strategy.settings = settings
    rig = Rig(first, second)
    assert list(rig.runner.warmup.items()) == [
        (Timeframe.M15, 200), (Timeframe.H1, 200), (Timeframe.H4, 200),
    ]  # fmt: skip
    rig.runner.use(StrategySet((first,)))
    assert rig.runner.warmup == {Timeframe.H1: 30}


async def test_pairs_outside_a_strategys_universe_are_told_with_the_reason() -> None:
    loaded = ours("aaa", "return [self.buy(ctx, pair=pair) for pair in ctx.pairs]")
    loaded.strategy.settings = msgspec.structs.replace(
        loaded.strategy.settings, universe_filter=UniverseFilter(pairs=("ETHUSD",))
    )
    rig = Rig(loaded)
    assert [intent.pair for intent in (await rig.run()).intents] == ["ETHUSD"]
    assert rig.runner.left_out["aaa"][Timeframe.H1]["XBTUSD"] == "is not among its pairs"


def test_plain_strategies_count_as_our_own() -> None:
    loaded = own("aaa", BUYS)
    (taken,) = our_own([loaded.strategy]).strategies
    assert (loaded.in_worker, taken.in_worker) == (True, False)
