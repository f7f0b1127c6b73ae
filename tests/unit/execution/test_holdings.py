"""Shares in a pair, from the fills of orders."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import msgspec
import pytest

from krakked_tui.domain.candles import Timeframe
from krakked_tui.domain.fills import Fee, Trade
from krakked_tui.domain.orders import LocalOrder, OrderRequest, OrderStatus, OrderType, Purpose, Side
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.domain.plans import NET, ActionShare
from krakked_tui.execution.holdings import Holding, Share, buy, sell, shares_of

D = Decimal
NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def made(side: Side, *shares: ActionShare, purpose: Purpose = Purpose.ENTRY) -> LocalOrder:
    volume = sum((share.size for share in shares), D(0)) or D(1)
    return LocalOrder(
        local_id="l", cl_ord_id="k", plan_id="p", strategy_id=shares[0].strategy_id if shares else "old",
        purpose=purpose, request=OrderRequest("k", "XBTUSD", side, OrderType.MARKET, volume),
        status=OrderStatus.FILLED, created_at=NOON, updated_at=NOON, timeframe=Timeframe.M5,
        stop_price=D(90), shares=shares,
    )  # fmt: skip


def fill(side: Side, volume: str, price: str = "100", *fees: Fee, minute: int = 0) -> Trade:
    cost = D(volume) * D(price)
    return Trade(
        f"T{minute}", "O", "XBTUSD", side, D(price), D(volume), cost, fees, NOON + minute * MINUTE, False
    )


def sizes(holding: Holding | None) -> dict[str, Decimal]:
    return {share.strategy_id: share.size for share in holding.shares} if holding else {}


def bought(pair: PairMetadata, *shares: ActionShare) -> Holding:
    total = sum((share.size for share in shares), D(0))
    holding = buy(None, made(Side.BUY, *shares), fill(Side.BUY, str(total)), pair)
    assert holding is not None
    return holding


def share(strategy_id: str, size: str) -> ActionShare:
    return ActionShare(strategy_id, D(size))


def test_a_buy_is_split_with_its_fees(xbtusd: PairMetadata) -> None:
    order = made(Side.BUY, share("a", "0.25"), share("b", "0.75"))
    trade = fill(Side.BUY, "1", "100", Fee("USD", D("0.4")), Fee("XBT", D("0.01")))
    holding = buy(None, order, trade, xbtusd)
    assert holding is not None
    assert sizes(holding) == {"a": D("0.2475"), "b": D("0.7425")}
    assert (holding.size, holding.cost) == (D("0.99"), D("100.4"))
    assert [each.cost for each in holding.shares] == [D("25.1"), D("75.3")]
    assert (holding.strategy_id, holding.stop_price, holding.opened_at) == (NET, None, NOON)


def test_a_buy_that_its_fee_takes_whole_leaves_nothing(xbtusd: PairMetadata) -> None:
    trade = fill(Side.BUY, "1", "100", Fee("XBT", D(1)))
    assert buy(None, made(Side.BUY, share("a", "1")), trade, xbtusd) is None


def test_a_second_buy_adds_to_a_share_and_keeps_what_it_does_not_say(xbtusd: PairMetadata) -> None:
    first = ActionShare("a", D(1), Timeframe.H1, NOON, D(90), D(120), D(2), 60)
    holding = buy(
        bought(xbtusd, first), made(Side.BUY, share("a", "1")), fill(Side.BUY, "1", "110", minute=5), xbtusd
    )
    assert holding is not None
    (held,) = holding.shares
    assert held == Share("a", Timeframe.H1, D(2), D(210), NOON, D(110), D(90), D(120), D(2), 60)
    assert held.sell_by == NOON + timedelta(hours=1)
    assert held.trailing_stop == D("107.8") == held.exit_below == holding.stop_price
    raised = buy(
        holding, made(Side.BUY, ActionShare("a", D(1), stop_price=D(109))), fill(Side.BUY, "1"), xbtusd
    )
    assert raised is not None
    assert raised.stop_price == D(109)


def test_dust_that_is_bought_more_of_begins_anew(xbtusd: PairMetadata) -> None:
    order = made(Side.BUY, share("a", "1"))
    dust = buy(None, order, fill(Side.BUY, "0.0000001", "500"), xbtusd)
    holding = buy(dust, order, fill(Side.BUY, "1", minute=9), xbtusd)
    assert holding is not None
    assert (holding.opened_at, holding.shares[0].highest, holding.size) == (
        NOON + 9 * MINUTE,
        D(100),
        D("1.0000001"),
    )


def test_a_sale_takes_what_its_order_says_of_each(xbtusd: PairMetadata) -> None:
    holding = bought(xbtusd, share("a", "1"), share("b", "2"), share("c", "3"))
    order = made(Side.SELL, share("a", "1"), share("b", "1"))
    left, sold = sell(holding, order, fill(Side.SELL, "1", "110", Fee("USD", D("0.44"))), xbtusd)
    assert sizes(left) == {"a": D("0.5"), "b": D("1.5"), "c": D(3)}
    assert [(s.strategy_id, s.size, s.cost, s.proceeds) for s in sold] == [
        ("a", D("0.5"), D(50), D("54.78")), ("b", D("0.5"), D(50), D("54.78")),
    ]  # fmt: skip
    gone, _ = sell(left, order, fill(Side.SELL, "1"), xbtusd)
    assert sizes(gone) == {"b": D(1), "c": D(3)}


@pytest.mark.parametrize(
    ("volume", "left"),
    [("1.5", {"b": "1.5", "c": "3"}), ("3.5", {"c": "2.5"}), ("7", {})],
)
def test_what_a_share_has_not_is_taken_from_the_orders_others_then_from_anyone(
    xbtusd: PairMetadata, volume: str, left: dict[str, str]
) -> None:
    holding = bought(xbtusd, share("a", "1"), share("b", "2"), share("c", "3"))
    order = made(Side.SELL, share("a", "9"), share("b", "0.1"))
    rest, sold = sell(holding, order, fill(Side.SELL, volume), xbtusd)
    assert sizes(rest) == {key: D(size) for key, size in left.items()}
    assert sum(each.size for each in sold) == min(D(volume), D(6))


def test_a_sale_of_what_nobody_holds_changes_nothing(xbtusd: PairMetadata) -> None:
    order = made(Side.SELL, share("a", "1"))
    assert sell(None, order, fill(Side.SELL, "1"), xbtusd) == (None, ())
    holding = bought(xbtusd, share("b", "1"))
    left, sold = sell(holding, order, fill(Side.SELL, "2"), xbtusd)
    assert (left, [each.proceeds for each in sold]) == (None, [D(100)])


def test_an_order_without_shares_is_for_its_strategy_with_its_stop(xbtusd: PairMetadata) -> None:
    (only,) = shares_of(made(Side.BUY))
    assert only == ActionShare("old", D(1), Timeframe.M5, None, D(90))
    assert shares_of(made(Side.BUY, purpose=Purpose.MANUAL))[0].strategy_id == "manual"
    holding = buy(None, made(Side.BUY), fill(Side.BUY, "1"), xbtusd)
    assert holding is not None
    assert (holding.strategy_id, holding.stop_price) == ("old", D(90))


def test_only_what_can_be_sold_is_worthwhile(xbtusd: PairMetadata) -> None:
    pair = msgspec.structs.replace(xbtusd, order_min=D("0.001"))
    holding = bought(pair, share("a", "1"), share("b", "0.00001"), share("c", "0.00000999"))
    assert [each.strategy_id for each in holding.worthwhile(pair)] == ["a", "b"]
    assert bought(pair, share("a", "0.0009")).worthwhile(pair) == ()
    assert holding.of("b") == holding.shares[1]
    assert holding.of("x") is None


def test_without_any_stop_there_is_none(xbtusd: PairMetadata) -> None:
    (held,) = bought(xbtusd, share("a", "1")).shares
    assert (held.exit_below, held.trailing_stop, held.sell_by) == (None, None, None)
