"""A row that makes no sense is left out and told; the others count."""

from typing import Any

import msgspec
import pytest

from krakked_tui.kraken import endpoints
from krakked_tui.kraken.endpoints import Endpoint
from tests.unit.kraken.exchange import ScriptedKraken, ok

TRADE = {"ordertxid": "O", "pair": "XXBTZUSD", "time": 1762820044.88, "type": "buy", "price": "1",
         "cost": "1", "fee": "0", "vol": "1"}  # fmt: skip
ENTRY = {"refid": "R", "time": 1762820044.88, "type": "deposit", "asset": "ZUSD", "amount": "1", "fee": "0",
         "balance": "1"}  # fmt: skip
HELD = {"balance": "1", "hold_trade": "0"}
BAD = [
    "1e18",
    "-1000000000000000000",
    "1e-31",
    "0.0000000000000000000000000000001",
    "NaN",
    "much",
    "1e999999",
]


def read(endpoint: Endpoint[Any], result: object) -> Any:
    return endpoint.reply.decode(msgspec.json.encode(result))


@pytest.mark.parametrize("bad", BAD)
def test_a_number_that_cannot_be_reckoned_with_costs_its_row_alone(bad: str) -> None:
    trades = read(endpoints.TRADES_HISTORY, {"trades": {"T1": TRADE, "T2": TRADE | {"vol": bad}}, "count": 2})
    assert (list(trades.trades), list(trades.unreadable), trades.count) == (["T1"], ["T2"], 2)
    ledger = read(endpoints.LEDGERS, {"ledger": {"L1": ENTRY | {"amount": bad}, "L2": ENTRY}})
    assert (list(ledger.ledger), list(ledger.unreadable), ledger.count) == (["L2"], ["L1"], None)
    assert ledger.unreadable["L1"]
    held = read(endpoints.BALANCE_EX, {"ZUSD": HELD, "XXBT": HELD | {"balance": bad}})
    assert (list(held), list(held.unreadable)) == (["ZUSD"], ["XXBT"])


@pytest.mark.parametrize(
    "fine", ["999999999999999999.9", "-999999999999999999", "0.000000000000000000000000000001"]
)
def test_everything_that_money_can_be_is_read(fine: str) -> None:
    assert read(endpoints.LEDGERS, {"ledger": {"L1": ENTRY | {"amount": fine}}}).unreadable == {}


@pytest.mark.parametrize("time", [-1, 253402300800])
def test_a_time_outside_the_calendar_costs_its_row_alone(time: int) -> None:
    for endpoint, name, row in (
        (endpoints.LEDGERS, "ledger", ENTRY),
        (endpoints.TRADES_HISTORY, "trades", TRADE),
    ):
        assert list(read(endpoint, {name: {"A": row | {"time": time}, "B": row}}).unreadable) == ["A"]


def test_when_nothing_is_right_the_reply_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError, match="balance"):
        read(endpoints.BALANCE_EX, {"ZUSD": {"free": "1"}})
    changed = {f"L{number}": {"ref": "R"} for number in range(4)}
    with pytest.raises(msgspec.ValidationError, match="missing required field"):
        read(endpoints.LEDGERS, {"ledger": changed})
    del changed["L0"]
    assert len(read(endpoints.LEDGERS, {"ledger": changed}).unreadable) == 3
    with pytest.raises(msgspec.ValidationError, match="trades"):
        read(endpoints.TRADES_HISTORY, {"count": 1})


async def test_what_is_left_out_is_told() -> None:
    kraken = ScriptedKraken()
    kraken.on("BalanceEx", ok({"ZUSD": HELD, "XXBT": {"balance": "1e18"}}))
    rest = kraken.rest()
    assert [*await rest.call(endpoints.BALANCE_EX)] == ["ZUSD"]
    [said] = rest.oddities.counts()
    assert said.startswith("BalanceEx: row XXBT is left out: `balance` is a number beyond 18 digits before")
