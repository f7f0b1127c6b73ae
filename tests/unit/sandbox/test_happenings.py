from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from krakked_tui.domain.orders import ExchangeStatus
from krakked_tui.sandbox.control import ControlError
from krakked_tui.sandbox.happenings import apply
from krakked_tui.sandbox.orders import ExchangeEvent, OrderAmended, PairChanged, SystemChanged
from krakked_tui.sandbox.settings import SandboxSettings
from tests.unit.sandbox.rig import Rig
from tests.unit.sandbox.test_account_streams import rows, subscribe
from tests.unit.sandbox.test_exchange import statement
from tests.unit.sandbox.trading import add, jump, last, now_of, refused

D = Decimal


def happen(rig: Rig, action: str, **details: object) -> dict[str, object]:
    return apply(rig.exchange, msgspec.json.encode({"action": action, **details}))


def test_a_crash_fills_what_waited_for_it_and_lasts(tmp_path: Path) -> None:
    rig = Rig(SandboxSettings(state=tmp_path / "s.db", balance={"USD": D(20_000), "XBT": D(1)}))
    stop = add(rig, "sell", "0.1", ordertype="stop-loss", price=str(last(rig) - 2000))
    before = last(rig)
    answer = happen(rig, "shock", pair="XBT/USD", percent=-20)
    assert (answer["action"], answer["pair"]) == ("shock", "XBTUSD")
    assert abs(last(rig) / before - D("0.8")) < D("0.001")
    jump(rig, minutes=2)
    done = now_of(rig, stop)
    assert done.status is ExchangeStatus.CLOSED
    assert done.average_price < before * D("0.81")
    candle = rig.private("QueryOrders", txid=stop.order_id)[stop.order_id]
    assert (candle["misc"], candle["trigger"]) == ("stopped", "last")
    price = last(rig)
    rig.exchange.close()
    back = Rig(SandboxSettings(state=tmp_path / "s.db"))
    assert last(back) == price
    back.exchange.close()


def test_deposits_and_withdrawals_are_booked_and_streamed(rig: Rig) -> None:
    listener = subscribe(rig, "balances", snapshot=False)
    happen(rig, "deposit", asset="XXBT", amount="0.5")
    answer = happen(rig, "withdrawal", asset="USD", amount=1000, fee="5")
    assert answer["balance"] == "8995.0000"
    assert statement(rig.exchange)[1:] == [
        "deposit XBT 0.5000000000 fee 0.0000000000 = 0.5000000000",
        "withdrawal USD -1000.0000 fee 5.0000 = 8995.0000",
    ]
    told = rows(listener.heard_on("balances"))
    assert [(row["type"], row["asset"], row["amount"], row["balance"]) for row in told] == [
        ("deposit", "BTC", D("0.5"), D("0.5")),
        ("withdrawal", "USD", D(-1000), D(8995)),
    ]
    assert told[1]["ref_id"] == answer["refid"]


def test_transfers_carry_their_subtype_and_conversions_a_common_refid(rig: Rig) -> None:
    happen(rig, "transfer", asset="USD", amount="-100", subtype="spottostaking")
    happen(rig, "transfer", asset="ETH", amount="0.01", type="staking")
    answer = happen(
        rig, "conversion", spend="USD", spend_amount="900", receive="XBT", receive_amount="0.01", fee="9"
    )
    entries = rig.exchange.books.entries[1:]
    assert [(row.type, row.subtype, row.asset, row.amount, row.fee) for row in entries] == [
        ("transfer", "spottostaking", "USD", D(-100), D(0)),
        ("staking", "", "ETH", D("0.01"), D(0)),
        ("spend", "", "USD", D(-900), D(9)),
        ("receive", "", "XBT", D("0.01"), D(0)),
    ]
    assert {row.refid for row in entries[2:]} == {answer["refid"]}
    assert rig.exchange.account.balance("USD") == 8991


def test_somebody_trades_by_hand(rig: Rig) -> None:
    listener = subscribe(rig, "executions", snap_orders=False)
    answer = happen(rig, "external_trade", pair="XBTUSD", side="buy", volume="0.01", price="60000.5")
    (trade,) = rig.exchange.books.trades.values()
    assert (answer["txid"], answer["trades"]) == (trade.kraken_order_id, (trade.trade_id,))
    assert (trade.price, trade.cl_ord_id, trade.cost) == (D("60000.5"), None, D("600.005"))
    assert {row.refid for row in rig.exchange.books.entries[1:]} == {trade.trade_id}
    kinds = [row["exec_type"] for row in rows(listener.heard_on("executions"))]
    assert kinds == ["pending_new", "new", "trade", "filled"]


def test_modes_of_the_exchange(rig: Rig) -> None:
    heard: list[ExchangeEvent] = []
    rig.exchange.listen(heard.append)
    order = add(rig, price="50000")
    heard.clear()
    errors = {
        "maintenance": "EService:Unavailable",
        "cancel_only": "EService:Market in cancel_only mode",
        "post_only": "EService:Market in post_only mode",
        "reduce_only": "EOrder:Reduce only:No position exists",
    }
    limit = {"pair": "XBTUSD", "type": "buy", "volume": "0.01", "ordertype": "limit", "price": "50000"}
    for mode, error in errors.items():
        happen(rig, "system_status", status=mode)
        assert rig.exchange.system == mode
        assert refused(rig, **limit) == error
    happen(rig, "system_status", status="limit_only")
    assert refused(rig, **(limit | {"ordertype": "market"})) == "EService:Market in limit_only mode"
    rig.buy("0.01", "50000")
    happen(rig, "system_status", status="maintenance")
    for method, params in (("CancelOrder", {"txid": order.order_id}), ("CancelAll", {})):
        assert refused(rig, method, **params) == "EService:Unavailable"
    happen(rig, "system_status", status="cancel_only")
    assert rig.private("CancelAll") == {"count": 2}
    assert [event.system for event in heard if isinstance(event, SystemChanged)] == [
        *errors,
        *("limit_only", "maintenance", "cancel_only"),
    ]


def test_nothing_fills_or_fires_on_a_halted_pair() -> None:
    rig = Rig(SandboxSettings(balance={"USD": D(20_000), "XBT": D(1)}))
    bid = add(rig, price=str(rig.bid() - 20))
    stop = add(rig, "sell", ordertype="stop-loss", price=str(last(rig) - 20))
    happen(rig, "pair_status", pair="XBTUSD", status="cancel_only")
    jump(rig, hours=6)
    assert now_of(rig, bid).is_open
    assert now_of(rig, stop).is_armed
    assert refused(rig, "AmendOrder", txid=bid.order_id, limit_price="50000").startswith("EService:Market")
    happen(rig, "pair_status", pair="XBTUSD", status="online")
    jump(rig, hours=12)
    assert not now_of(rig, bid).is_open
    rig.exchange.close()


def test_a_delisted_pair_is_gone_for_good(tmp_path: Path) -> None:
    rig = Rig(SandboxSettings(state=tmp_path / "s.db"))
    heard: list[ExchangeEvent] = []
    rig.exchange.listen(heard.append)
    order = add(rig, price="50000")
    happen(rig, "delist", pair="XBTUSD")
    assert heard[-2] == PairChanged("XBTUSD")
    done = now_of(rig, order)
    assert (done.status, done.reason) == (ExchangeStatus.CANCELED, "Pair delisted")
    limit = {"pair": "XBTUSD", "type": "buy", "volume": "0.01", "ordertype": "limit", "price": "50000"}
    assert refused(rig, **limit) == "EQuery:Unknown asset pair"
    rig.exchange.close()
    back = Rig(SandboxSettings(state=tmp_path / "s.db"))
    back.nonce = rig.nonce
    assert refused(back, **limit) == "EQuery:Unknown asset pair"
    with pytest.raises(ControlError, match="There is no pair XBTUSD"):
        happen(back, "shock", pair="XBTUSD", percent=1)
    back.exchange.close()


def test_a_coarser_grid_restates_resting_orders(rig: Rig) -> None:
    heard: list[ExchangeEvent] = []
    listener = subscribe(rig, "executions", snap_orders=False)
    order = add(rig, price="50000.7", cl_ord_id="mine")
    rig.exchange.listen(heard.append)
    listener.heard()
    happen(rig, "precision", pair="XBTUSD", price_decimals=0)
    assert now_of(rig, order).draft.price == 50000
    (amended,) = (event for event in heard if isinstance(event, OrderAmended))
    assert amended.restated
    (row,) = rows(listener.heard_on("executions"))
    assert (row["exec_type"], row["reason"], row["limit_price"]) == ("restated", "Tick size changed", 50000)
    odd = {"pair": "XBTUSD", "type": "buy", "volume": "0.01", "ordertype": "limit", "price": "50000.5"}
    assert refused(rig, **odd).startswith("EOrder:Invalid price:XBT/USD price can only be specified up to 0")


def test_post_only_after_the_fact(rig: Rig) -> None:
    happen(rig, "late_post_only", enabled=True)
    order = add(rig, price=str(rig.ask()), oflags="post")
    assert (order.status, order.reason, order.filled) == (ExchangeStatus.CANCELED, "Post only order", D(0))
    happen(rig, "late_post_only", enabled=False)
    crossing = {"pair": "XBTUSD", "type": "buy", "volume": "0.01", "ordertype": "limit"}
    assert refused(rig, **crossing, price=str(rig.ask()), oflags="post") == "EOrder:Post only order"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"action": "riot"}, "Invalid value 'riot'"),
        ({"action": "shock", "pair": "NOPE", "percent": 1}, "There is no pair NOPE"),
        ({"action": "shock", "pair": "XBTUSD", "percent": -100}, "above -100"),
        ({"action": "shock", "pair": "XBTUSD", "percent": 1, "hard": True}, "unknown field `hard`"),
        ({"action": "system_status", "status": "asleep"}, "The system can be online, maintenance"),
        ({"action": "pair_status", "pair": "XBTUSD", "status": "odd"}, "Invalid enum value 'odd'"),
        ({"action": "deposit", "asset": "NOPE", "amount": 1}, "There is no asset NOPE"),
        ({"action": "deposit", "asset": "USD", "amount": 0}, "above 0"),
        ({"action": "deposit", "asset": "USD", "amount": "NaN"}, "above 0"),
        ({"action": "deposit", "asset": "USD", "amount": "1e300"}, "below"),
        ({"action": "deposit", "asset": "USD", "amount": "0.00001"}, "at least 0.0001"),
        ({"action": "withdrawal", "asset": "USD", "amount": 9999, "fee": 2}, "Only 10000.0000 USD is"),
        ({"action": "withdrawal", "asset": "USD", "amount": 9, "fee": -2}, "not negative"),
        (
            {
                "action": "conversion",
                "spend": "USD",
                "spend_amount": 1,
                "receive": "XBT",
                "receive_amount": "1e-12",
            },
            "at least",
        ),
        ({"action": "external_trade", "pair": "XBTUSD", "side": "sell", "volume": 1}, "cannot afford"),
        (
            {
                "action": "external_trade",
                "pair": "XBTUSD",
                "side": "buy",
                "volume": 1,
                "price": "0.05",
            },
            "ticks of 0.1",
        ),
    ],
)
def test_what_cannot_happen_says_why_and_changes_nothing(
    rig: Rig, body: dict[str, Any], message: str
) -> None:
    with pytest.raises(ControlError, match=message):
        apply(rig.exchange, msgspec.json.encode(body))
    assert len(rig.exchange.books.entries) == 1
    assert not rig.exchange.books.orders
    assert not rig.exchange.books.market_changes


def test_nonsense_is_refused(rig: Rig) -> None:
    for body in (b"", b"[]", b"{", b'{"action": "shock"}'):
        with pytest.raises(ControlError, match=r"This cannot happen: .* The actions are shock, pair_status"):
            apply(rig.exchange, body)


def test_a_delisted_pair_may_be_listed_again(tmp_path: Path) -> None:
    rig = Rig(SandboxSettings(state=tmp_path / "s.db"))
    listener = rig.listener()
    listener.ask("subscribe", channel="instrument")
    listener.ask("subscribe", channel="ticker", symbol=["BTC/USD"])
    with pytest.raises(ControlError, match="XBTUSD is no delisted pair; delisted: none is"):
        happen(rig, "list", pair="XBTUSD")
    happen(rig, "delist", pair="XBTUSD")
    with pytest.raises(ControlError, match="ETHUSD is no delisted pair; delisted: XBTUSD"):
        happen(rig, "list", pair="ETHUSD")
    listener.heard()
    happen(rig, "list", pair="BTC/USD")
    (update,) = listener.heard_on("instrument")
    (row,) = update["data"]["pairs"]
    assert (row["symbol"], row["status"]) == ("BTC/USD", "online")
    assert "XXBTZUSD" in rig.public("AssetPairs")
    assert "XXBTZUSD" in rig.public("Ticker")
    # The subscription went with the pair: it may be made again, and carries prices then.
    listener.ask("subscribe", channel="ticker", symbol=["BTC/USD"])
    ack, snapshot = listener.heard()
    assert (ack["success"], snapshot["channel"], snapshot["type"]) == (True, "ticker", "snapshot")
    rig.exchange.close()
    back = Rig(SandboxSettings(state=tmp_path / "s.db"))
    assert "XXBTZUSD" in back.public("AssetPairs")
    back.exchange.close()
