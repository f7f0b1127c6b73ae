"""What risk is told of what is held."""

from tests.unit.risk.builders import make_holding, make_pending, make_share, money


def test_a_holding_is_the_sum_of_its_shares() -> None:
    holding = make_holding(make_share("2", "other"), make_share("0.5", "trend"), price="30")
    assert (holding.size, holding.value_usd) == money("2.5", 75)
    assert (holding.of("other"), holding.of("trend"), holding.of("third")) == money(2, "0.5", 0)


def test_a_buy_may_still_cost_all_of_its_shares() -> None:
    buy = make_pending(make_share("2", "other"), make_share("0.5", "trend"), price="30")
    assert buy.notional_usd == 75
