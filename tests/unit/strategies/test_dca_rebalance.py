"""Scheduled accumulation, worked out by hand."""

from collections.abc import Mapping
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krakked_tui.domain.candles import Timeframe
from krakked_tui.domain.errors import ConfigError
from krakked_tui.domain.intents import IntentType
from krakked_tui.strategies.dca_rebalance import DcaRebalance
from tests.unit.strategies.builders import make_context, make_frame, make_settings

ENTER, EXIT, INCREASE, REDUCE = IntentType.ENTER, IntentType.EXIT, IntentType.INCREASE, IntentType.REDUCE

PARAMS = {"targets": "XBTUSD: 60, ETHUSD: 40", "amount_usd": 50.0, "every_bars": 2, "most_usd": 1000.0}
PRICES: dict[str, list[float]] = {"ETHUSD": [10] * 6, "XBTUSD": [100] * 6, "XRPUSD": [1] * 6}
Wish = tuple[str, IntentType, Decimal | None]


def make_strategy(**params: object) -> DcaRebalance:
    return DcaRebalance(make_settings("dca_rebalance", PARAMS | params))


def wishes(worth: Mapping[str, int], bar: int = 1, **params: object) -> list[Wish]:
    held = dict.fromkeys(worth, Timeframe.M1)
    context = make_context(make_frame(PRICES), bar, held=held, worth=worth)
    intents = make_strategy(**params).generate_intents(context)
    return [(i.pair, i.intent_type, i.desired_exposure_usd) for i in intents]


def test_the_signals_of_a_hand_checked_schedule() -> None:
    # Missing of 50: 30 and 20. Of 100: 60 - 50 and 40. Of 150: 90 - 50 and 60 - 50. Of 200: 20 and 30.
    assert wishes({}) == [("XBTUSD", ENTER, Decimal(50))]
    assert wishes({"XBTUSD": 50}, bar=3) == [("ETHUSD", ENTER, Decimal(50))]
    assert wishes({"XBTUSD": 50, "ETHUSD": 50}, bar=5) == [("XBTUSD", INCREASE, Decimal(100))]
    assert wishes({"XBTUSD": 100, "ETHUSD": 50}, bar=5) == [("ETHUSD", INCREASE, Decimal(100))]


def test_between_purchases_there_is_nothing_to_say() -> None:
    assert wishes({}, bar=0) == wishes({}, bar=2) == wishes({"XRPUSD": 5}, bar=2, band_pct=1.0) == []


def test_nothing_more_is_bought_than_wanted_in_all() -> None:
    assert wishes({"XBTUSD": 100}, most_usd=140.0) == [("ETHUSD", ENTER, Decimal(40))]
    assert wishes({"XBTUSD": 100}, most_usd=100.0) == wishes({"XBTUSD": 100}, most_usd=90.0) == []


def test_what_is_too_large_is_cut_back_to_its_weight() -> None:
    # 60 % of 100 and 10 % of 100 more.
    assert wishes({"XBTUSD": 70, "ETHUSD": 30}, band_pct=10.0, most_usd=1.0) == []
    assert wishes({"XBTUSD": 71, "ETHUSD": 29}, band_pct=10.0, most_usd=1.0) == [
        ("XBTUSD", REDUCE, Decimal(60))
    ]
    assert wishes({"XBTUSD": 90, "ETHUSD": 10}, most_usd=1.0) == []


def test_what_has_no_weight_any_more_is_sold_when_anything_is() -> None:
    worth = {"XBTUSD": 60, "ETHUSD": 40, "XRPUSD": 1}
    assert ("XRPUSD", EXIT, None) in wishes(worth, band_pct=50.0)
    assert wishes(worth, most_usd=1.0) == []


def test_what_it_holds_of_unknown_worth_stops_everything() -> None:
    context = make_context(make_frame(PRICES), 1, held={"ETHUSD": Timeframe.M1}, worth={"XBTUSD": 50})
    assert make_strategy().generate_intents(context) == []


def test_pairs_that_cannot_be_traded_now_are_passed_over() -> None:
    frame = make_frame(PRICES | {"XBTUSD": [100]})
    assert [i.pair for i in make_strategy().generate_intents(make_context(frame, 1))] == ["ETHUSD"]
    some = make_context(make_frame(PRICES), 1, pairs=["ETHUSD"])
    assert [i.pair for i in make_strategy().generate_intents(some)] == ["ETHUSD"]
    assert make_strategy().generate_intents(make_context(make_frame(PRICES), 1, pairs=[])) == []


def test_another_timeframes_position_is_left_alone() -> None:
    context = make_context(
        make_frame(PRICES), 1, held={"XBTUSD": Timeframe.M5, "XRPUSD": Timeframe.M5},
        worth={"XBTUSD": 10, "XRPUSD": 5},
    )  # fmt: skip
    intents = make_strategy(band_pct=1.0).generate_intents(context)
    assert [(i.pair, i.intent_type) for i in intents] == [("ETHUSD", ENTER)]


def test_pairs_may_have_any_of_their_names() -> None:
    assert wishes({"XBTUSD": 50}, targets="btc/usd:1,ETH/USD: 1.5") == [("ETHUSD", ENTER, Decimal(50))]


def test_an_intent_carries_what_the_operator_needs() -> None:
    (intent,) = make_strategy().generate_intents(make_context(make_frame(PRICES), 1))
    assert (intent.close, intent.confidence) == (Decimal(100), Decimal(1))
    assert intent.stop_price is None
    assert intent.metadata == {"worth_usd": 0.0, "target_usd": 50.0}


@pytest.mark.parametrize(
    ("targets", "text"),
    [
        ("XBTUSD: 1, XBTUSD: 2", "name each pair once"),
        ("XBTUSD: 0", "use a weight above 0"),
        ("XBTUSD", 'allowed is a text such as "XBTUSD: 60, ETHUSD: 40"'),
        ("XBTUSD: -1", "allowed is a text"),
        ("XBTUSD: 1,", "allowed is a text"),
        ("", "allowed is a text"),
    ],
)
def test_targets_that_mean_nothing_are_refused(targets: str, text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        make_strategy(targets=targets)


@given(
    st.dictionaries(st.sampled_from(["XBTUSD", "ETHUSD", "XRPUSD"]), st.integers(0, 2000)),
    st.floats(0, 100),
    st.floats(1, 500),
)
def test_it_never_buys_more_than_the_amount_nor_sells_what_it_has_not(
    worth: dict[str, int], band: float, amount: float
) -> None:
    for pair, intent_type, exposure in wishes(worth, band_pct=band, amount_usd=amount):
        has = Decimal(worth.get(pair, 0))
        if intent_type in (ENTER, INCREASE):
            assert exposure is not None
            assert 0 < exposure - has <= Decimal(repr(amount))
            assert (intent_type is INCREASE) == (pair in worth)
        elif intent_type is REDUCE:
            assert exposure is not None
            assert 0 < exposure < has
        else:
            assert (intent_type, exposure, pair) == (EXIT, None, "XRPUSD")
