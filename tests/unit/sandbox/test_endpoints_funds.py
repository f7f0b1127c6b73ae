import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from krakked_tui.sandbox.settings import SandboxSettings
from tests.unit.sandbox.rig import RefusedCall, Rig
from tests.unit.sandbox.test_endpoints_public import recorded, shape

DOCUMENTED = Path(__file__).parents[2] / "fixtures" / "kraken" / "rest.ndjson"


def documented(method: str) -> Any:
    rows = [json.loads(line) for line in DOCUMENTED.read_text(encoding="utf-8").splitlines()]
    return next(row["body"]["result"] for row in rows if (row["endpoint"], row["source"]) == (method, "docs"))


def test_balances(rig: Rig) -> None:
    rig.buy("0.05")
    rig.buy("0.002", "50000")
    assert rig.private("Balance")["XXBT"] == "0.0500000000"
    rows = rig.private("BalanceEx")
    assert set(rows["ZUSD"]) == set(recorded("BalanceEx")[0]["ZUSD"])
    assert rows["ZUSD"]["hold_trade"] == "100.4000"
    assert rows["XXBT"]["hold_trade"] == "0.0000000000"


def test_trade_balance(rig: Rig) -> None:
    real, ours = documented("TradeBalance"), rig.private("TradeBalance")
    assert set(ours) == {*real, "uv"} - {"ml"}, "no positions, no margin level"
    for key in set(real) & set(ours) - {"n"}:  # a loss in the example
        assert shape(ours[key]) == shape(real[key]), key
    assert (ours["eb"], ours["tb"], ours["e"], ours["mf"], ours["m"]) == ("10000.0000",) * 4 + ("0.0000",)
    rig.buy("0.01")
    rig.buy("0.002", "50000")
    after = rig.private("TradeBalance")
    assert after["uv"] == "100.4000"
    assert Decimal(9990) < Decimal(after["eb"]) < Decimal(10000), "the fee is gone"
    in_bitcoin = rig.private("TradeBalance", asset="XBT")
    last = Decimal(rig.public("Ticker", pair="XBTUSD")["XXBTZUSD"]["c"][0])
    assert abs(Decimal(in_bitcoin["eb"]) * last - Decimal(after["eb"])) < last / 10000
    with pytest.raises(RefusedCall, match="EQuery:Unknown asset"):
        rig.private("TradeBalance", asset="NOPE")


def test_trade_volume() -> None:
    rig = Rig(SandboxSettings(balance={"USD": Decimal(100_000)}))
    assert rig.private("TradeVolume") == {
        "currency": "ZUSD", "volume": "0.0000", "fees": None, "fees_maker": None
    }  # fmt: skip
    rig.buy("0.3")
    answer, real = rig.private("TradeVolume", pair="XBTUSD,ETHUSD"), documented("TradeVolume")
    assert set(answer) == set(real)
    assert set(answer["fees"]) == set(answer["fees_maker"]) == {"XXBTZUSD", "XETHZUSD"}
    cost = sum(trade.cost for trade in rig.exchange.books.trades.values())
    assert abs(Decimal(answer["volume"]) - cost) < 1
    row = answer["fees"]["XXBTZUSD"]
    assert set(row) == set(real["fees"]["XXBTZUSD"])
    assert row == {
        "fee": "0.3500",
        "minfee": "0.1000",
        "maxfee": "0.4000",
        "nextfee": "0.2400",
        "nextvolume": "50000.0000",
        "tiervolume": "10000.0000",
    }
    assert answer["fees_maker"]["XXBTZUSD"]["fee"] == "0.2000"
    rig.wall.advance(31 * 86_400)
    assert rig.private("TradeVolume")["volume"] == "0.0000"
    with pytest.raises(RefusedCall, match="EQuery:Unknown asset pair"):
        rig.private("TradeVolume", pair="XBTUSD,NOPE")
    rig.exchange.close()


def test_at_the_top_of_the_ladder_nothing_is_next(monkeypatch: pytest.MonkeyPatch) -> None:
    from krakked_tui.sandbox import endpoints_funds

    rig = Rig()
    monkeypatch.setattr(endpoints_funds, "_volume", lambda _exchange, _at: Decimal(20_000_000))
    row, real = rig.private("TradeVolume", pair="XBTUSD")["fees"]["XXBTZUSD"], documented("TradeVolume")
    assert shape(row) == shape(real["fees"]["XXBTZUSD"])
    assert (row["nextfee"], row["nextvolume"], row["tiervolume"]) == (None, None, "10000000.0000")
    rig.exchange.close()


def test_there_are_no_positions(rig: Rig) -> None:
    rig.buy("0.01")
    assert rig.private("OpenPositions", docalcs="true") == {}


def test_a_token_belongs_to_its_key(rig: Rig) -> None:
    answer = rig.private("GetWebSocketsToken")
    assert answer["expires"] == 900
    rig.gatekeeper.check_token(answer["token"])
    assert rig.gatekeeper.token_key(answer["token"]) is rig.key


def test_what_a_key_is_told_about_itself(rig: Rig) -> None:
    ours, real = rig.private("GetApiKeyInfo"), documented("GetApiKeyInfo")
    assert set(ours) == set(real)
    assert all(isinstance(value, str | list) for value in ours.values())
    assert ours["nonce"] == str(rig.nonce)
    assert ours["api_key"] == rig.gatekeeper.api_key
    assert ours["valid_until"] == "0"
    assert ours["last_used"] == "1767571200"
    assert "withdraw-funds" not in ours["permissions"]
    assert set(ours["permissions"]) <= set(real["permissions"])
    assert rig.gatekeeper.api_secret not in json.dumps(ours)


def test_there_is_no_address_to_withdraw_to() -> None:
    rig = Rig(SandboxSettings(permissions=("query-funds", "withdraw-funds")))
    with pytest.raises(RefusedCall, match="EFunding:Unknown withdraw key"):
        rig.private("WithdrawInfo", asset="XBT", key="cold", amount="1")
    with pytest.raises(RefusedCall, match="EFunding:Unknown asset"):
        rig.private("WithdrawInfo", asset="NOPE", key="cold", amount="1")
    rig.exchange.close()


def test_who_may_not_withdraw_learns_nothing_about_withdrawals(rig: Rig) -> None:
    with pytest.raises(RefusedCall, match="EGeneral:Permission denied"):
        rig.private("WithdrawInfo", asset="XBT", key="cold", amount="1")
