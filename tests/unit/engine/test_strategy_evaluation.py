"""One strategy is asked on each of its timeframes, and whatever it does comes back as a value."""

import pytest

from krakked_tui.engine.strategy_evaluation import TRACEBACK_MAX, evaluate, failed, last_bars
from tests.unit.engine.strategy_builders import FRAME, NEWEST, make_context, ours


def _clock() -> float:
    return 0.0


class Unwritable(Exception):
    def __str__(self) -> str:
        raise ValueError


def test_intents_and_reasons_to_wait_come_back() -> None:
    found = evaluate(ours("mine", "return [self.buy(ctx)]").strategy, [make_context()], _clock)
    assert [intent.pair for intent in found.intents] == ["XBTUSD"]
    assert (found.failure, found.notes) == ("", ())
    few = evaluate(ours("mine", "return []").strategy, [make_context(29)], _clock)
    assert few.notes[-1] == "mine 1h XBTUSD: 29 of 30 candles"


def test_time_is_measured() -> None:
    times = iter([3.0, 5.5])
    assert evaluate(ours("mine", "return []").strategy, [], lambda: next(times)).seconds == 2.5


@pytest.mark.parametrize(
    ("body", "failure"),
    [
        ("raise ValueError('no\\nway')", "ValueError: no way"),
        ("sys.exit(3)", "SystemExit: 3"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("return [self.buy(ctx, strategy_id='other')]", "it returned an intent of the strategy 'other'"),
    ],
)
def test_what_goes_wrong_is_one_line_and_takes_all_intents_with_it(body: str, failure: str) -> None:
    strategy = ours("mine", f"if ctx.held: {body}\nreturn [self.buy(ctx)]").strategy
    first, second = make_context(), make_context()
    second = type(second)(
        now=second.now, timeframe=second.timeframe, candle_time=second.candle_time, frame=second.frame,
        pairs=second.pairs, held={"XBTUSD": second.timeframe},
    )  # fmt: skip
    found = evaluate(strategy, [first, second], _clock)
    assert found.failure.startswith(failure)
    assert found.intents == ()


def test_a_traceback_is_kept_and_bounded() -> None:
    found = evaluate(ours("mine", "raise ValueError('x' * 9000)").strategy, [make_context()], _clock)
    assert len(found.traceback) == TRACEBACK_MAX
    assert (
        "generate_intents"
        in evaluate(ours("mine", "raise ValueError").strategy, [make_context()], _clock).traceback
    )
    assert failed(Unwritable()).failure == "Unwritable: (no text)"


def test_the_newest_bars_of_some_pairs() -> None:
    found = last_bars(FRAME, ["XBTUSD", "ETHUSD"], NEWEST, 3)
    assert found.group_by("pair").len().sort("pair").rows() == [("ETHUSD", 3), ("XBTUSD", 3)]
    before = last_bars(FRAME, ["XBTUSD"], FRAME["time"].unique().sort()[-2], 3)
    assert before["time"].max() == FRAME["time"].unique().sort()[-2]
