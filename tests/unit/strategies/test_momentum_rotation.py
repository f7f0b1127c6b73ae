"""Momentum rotation on prices worked out by hand."""

from collections.abc import Mapping
from decimal import Decimal

import pytest

from krakked_tui.domain.candles import Timeframe
from krakked_tui.domain.errors import ConfigError
from krakked_tui.domain.intents import IntentType
from krakked_tui.strategies.momentum_rotation import MomentumRotation
from tests.unit.strategies.builders import make_context, make_frame, make_settings

ENTER, EXIT = IntentType.ENTER, IntentType.EXIT
PARAMS = {"lookback_bars": 2, "every_bars": 2, "top_n": 2, "keep_to": 3}

# Bars end at minutes 1, 2, 3 ...: every second one is due, beginning with bar 1.
PRICES: dict[str, list[float]] = {
    # bar       0    1    2    3    4    5     since 1  since 3
    "AAAUSD": [100, 100, 100, 110, 110, 111.1],  # +10 %   +1 %
    "BBBUSD": [100, 100, 100, 105, 105, 105],  #   +5 %    none
    "CCCUSD": [100, 100, 100, 103, 103, 113.3],  # +3 %   +10 %
    "DDDUSD": [100, 100, 100, 90, 90, 94.5],  #   -10 %    +5 %
}


def make_strategy(**params: object) -> MomentumRotation:
    return MomentumRotation(make_settings("momentum_rotation", PARAMS | params))


def wishes(
    bar: int, held: Mapping[str, Timeframe] | None = None, **params: object
) -> list[tuple[str, IntentType]]:
    context = make_context(make_frame(PRICES), bar, held=held)
    return [(i.pair, i.intent_type) for i in make_strategy(**params).generate_intents(context)]


def held(*pairs: str, by: Timeframe = Timeframe.M1) -> dict[str, Timeframe]:
    return dict.fromkeys(pairs, by)


def test_the_signals_of_hand_checked_prices() -> None:
    assert wishes(3) == [("AAAUSD", ENTER), ("BBBUSD", ENTER)]
    assert wishes(5, held("AAAUSD", "BBBUSD")) == [("BBBUSD", EXIT), ("CCCUSD", ENTER)]


def test_between_comparisons_there_is_nothing_to_say() -> None:
    assert wishes(4) == wishes(4, held("DDDUSD")) == []


def test_an_entry_says_how_strong_and_leaves_the_stop_to_risk() -> None:
    first, second = make_strategy().generate_intents(make_context(make_frame(PRICES), 3))
    assert (first.confidence, second.confidence) == (Decimal(1), Decimal("0.8"))
    assert first.metadata == pytest.approx({"rise_pct": 10.0, "rank": 1.0})
    assert first.close == 110
    assert first.stop_price is first.desired_exposure_usd is None


def test_what_is_held_stays_while_its_rank_is_good_enough() -> None:
    # At bar 5 the ranks are C, D, A, B.
    assert wishes(5, held("AAAUSD", "DDDUSD")) == []
    assert wishes(5, held("AAAUSD", "DDDUSD"), keep_to=2) == [("AAAUSD", EXIT), ("CCCUSD", ENTER)]


def test_what_has_not_risen_enough_is_not_held() -> None:
    assert wishes(3, min_return_pct=6.0) == [("AAAUSD", ENTER)]
    assert wishes(3, held("BBBUSD"), min_return_pct=6.0) == [("AAAUSD", ENTER), ("BBBUSD", EXIT)]


def test_another_timeframes_position_takes_a_place_and_is_left_alone() -> None:
    assert wishes(5, held("BBBUSD", by=Timeframe.M5), top_n=1, keep_to=1) == [("CCCUSD", ENTER)]
    assert wishes(5, held("CCCUSD", by=Timeframe.M5), top_n=1, keep_to=1) == []


def test_a_pair_without_a_candle_now_is_not_compared_and_keeps_its_place() -> None:
    frame = make_frame(PRICES | {"AAAUSD": PRICES["AAAUSD"][:5]})
    context = make_context(frame, 5, held=held("AAAUSD"))
    assert [(i.pair, i.intent_type) for i in make_strategy().generate_intents(context)] == [("CCCUSD", ENTER)]


def test_pairs_are_compared_over_the_same_time_however_many_candles_they_have() -> None:
    frame = make_frame({"AAAUSD": [100, 200, 1000, 100, 110, 115], "BBBUSD": [100, 100, 100, 100, 100, 120]})
    sparse = frame.filter((frame["pair"] != "AAAUSD") | (frame["close"] != 110))
    first, _ = make_strategy().generate_intents(make_context(sparse, 5))
    assert first.pair == "AAAUSD"
    assert first.metadata["rise_pct"] == pytest.approx(15.0)


def test_equal_ones_are_ranked_by_name_and_pairs_outside_the_universe_not_at_all() -> None:
    frame = make_frame({pair: [100.0, 100, 100, 110] for pair in ("CCCUSD", "BBBUSD", "AAAUSD")})
    strategy = make_strategy(top_n=1)
    assert [i.pair for i in strategy.generate_intents(make_context(frame, 3))] == ["AAAUSD"]
    some = make_context(frame, 3, pairs=["BBBUSD", "CCCUSD"])
    assert [i.pair for i in strategy.generate_intents(some)] == ["BBBUSD"]


def test_a_pair_needs_a_candle_a_lookback_ago() -> None:
    assert make_strategy().warmup_bars == 3
    context = make_context(make_frame(PRICES), 1)
    assert make_strategy().generate_intents(context) == []


def test_no_fewer_are_kept_than_wanted() -> None:
    with pytest.raises(ConfigError, match="keep_to is 1: use at least top_n, 2"):
        make_strategy(keep_to=1)
