from decimal import Decimal
from pathlib import Path

import pytest

from krakked_tui.sandbox.control import ControlError, state_row
from krakked_tui.sandbox.settings import SandboxSettings
from tests.unit.sandbox.rig import RefusedCall, Rig
from tests.unit.sandbox.test_happenings import happen

D = Decimal


def booked(rig: Rig, since: int = 1) -> list[str]:
    """The ledger from a row on, one line each."""
    return [
        f"{row.type} {row.subtype or '-'} {row.asset} {row.amount:f} {row.fee:f}"
        for row in rig.exchange.books.entries[since:]
    ]


def refids(rig: Rig, since: int = 1) -> list[str]:
    return [row.refid for row in rig.exchange.books.entries[since:]]


def test_earn_moves_both_sides_under_one_refid() -> None:
    rig = Rig(SandboxSettings(balance={"XBT": D(1)}))
    answer = happen(rig, "move", source="XXBT", target="XBT.F", amount="0.4")
    happen(rig, "move", source="XBT.F", target="XBT", amount="0.1")
    happen(rig, "move", source="XBT.F", target="XBT.B", amount="0.3", subtype="migration")
    assert booked(rig) == [
        "earn allocation XBT -0.4000000000 0.0000000000",
        "earn allocation XBT.F 0.4000000000 0.0000000000",
        "earn deallocation XBT.F -0.1000000000 0.0000000000",
        "earn deallocation XBT 0.1000000000 0.0000000000",
        "earn migration XBT.F -0.3000000000 0.0000000000",
        "earn migration XBT.B 0.3000000000 0.0000000000",
    ]
    first, second, *_ = refids(rig)
    assert first == second == answer["refid"]
    assert len(set(refids(rig))) == 3
    assert rig.private("Balance") == {
        "XXBT": "0.7000000000",
        "XBT.F": "0.0000000000",
        "XBT.B": "0.3000000000",
    }


def test_staking_moves_each_side_under_its_own_refid() -> None:
    rig = Rig(SandboxSettings(balance={"DOT": D(10)}))
    answer = happen(rig, "move", source="DOT", target="DOT.S", amount=6, type="staking")
    happen(rig, "move", source="DOT.S", target="DOT", amount=2, type="staking")
    assert booked(rig) == [
        "transfer spottostaking DOT -6.0000000000 0.0000000000",
        "transfer stakingfromspot DOT.S 6.0000000000 0.0000000000",
        "transfer stakingtospot DOT.S -2.0000000000 0.0000000000",
        "transfer spotfromstaking DOT 2.0000000000 0.0000000000",
    ]
    assert answer["refids"] == refids(rig)[:2]
    assert len(set(refids(rig))) == 4


def test_a_form_is_known_to_the_account_alone(tmp_path: Path) -> None:
    rig = Rig(SandboxSettings(state=tmp_path / "s.db", balance={"USD": D(100), "XBT": D(1)}))
    happen(rig, "move", source="XBT", target="XBT.F", amount="0.25")
    with pytest.raises(RefusedCall, match="Unknown asset"):
        rig.public("Assets", asset="XBT.F")
    assert "XBT.F" not in rig.public("Assets")
    (row,) = rig.private("Ledgers", asset="XBT.F")["ledger"].values()
    assert (row["asset"], row["amount"]) == ("XBT.F", "0.2500000000")
    rig.exchange.close()
    back = Rig(SandboxSettings(state=tmp_path / "s.db"))
    assert back.exchange.account.balance("XBT.F") == D("0.25")
    price = back.exchange.usd_value("XBT", D(1), back.exchange.clock.now())
    assert back.exchange.usd_value("XBT.F", D("0.25"), back.exchange.clock.now()) == price / 4
    happen(back, "transfer", asset="XBT.F", amount="0.001", type="earn", subtype="reward")
    assert back.exchange.account.balance("XBT.F") == D("0.251")
    back.exchange.close()


def test_small_balances_become_one_asset() -> None:
    rig = Rig(SandboxSettings(balance={"USD": D(5), "XBT": D("0.00000012"), "ETH": D("0.0001"), "SOL": D(1)}))
    answer = happen(
        rig, "dust_sweep", assets=["XBT", "ETH", "XETH"], receive="USD", receive_amount="0.21", fee="0.0063"
    )
    assert booked(rig, 4) == [
        "receive dustsweeping USD 0.2100 0.0063",
        "spend dustsweeping XBT -0.0000001200 0.0000000000",
        "spend dustsweeping ETH -0.0001000000 0.0000000000",
    ]
    assert set(refids(rig, 4)) == {answer["refid"]}
    assert answer["spent"] == {"XBT": "0.0000001200", "ETH": "0.0001000000"}
    assert rig.exchange.account.balances == {"USD": D("5.2037"), "XBT": 0, "ETH": 0, "SOL": 1}


def test_a_hand_may_pay_its_fee_in_base() -> None:
    rig = Rig(SandboxSettings(balance={"USD": D(1000)}))
    happen(rig, "external_trade", pair="XBTUSD", side="buy", volume="0.01", price="50000", fee_in_base=True)
    happen(rig, "external_trade", pair="XBTUSD", side="sell", volume="0.005", price="50000", fee_in_base=True)
    assert booked(rig) == [
        "trade - USD -500.0000 0.0000",
        "trade - XBT 0.0100000000 0.0000400000",
        "trade - USD 250.0000 0.0000",
        "trade - XBT -0.0050000000 0.0000200000",
    ]
    told = rig.private("TradesHistory")["trades"].values()
    assert [row["fee"] for row in told] == ["1.00000", "2.00000"]
    truth = state_row(rig.exchange)["trades"]
    assert isinstance(truth, list)
    assert [(row["fee"], row["fee_asset"]) for row in truth] == [
        ("0.0000400000", "XBT"), ("0.0000200000", "XBT"),
    ]  # fmt: skip


def test_what_nothing_explains_lasts_and_may_be_taken_back(tmp_path: Path) -> None:
    rig = Rig(SandboxSettings(state=tmp_path / "s.db", balance={"USD": D(100), "XBT": D(1)}))
    happen(rig, "unexplained", asset="XBT", amount="-0.25")
    happen(rig, "unexplained", asset="ETH", amount="2")
    happen(rig, "deposit", asset="XBT", amount="0.1")
    assert booked(rig, 2) == ["deposit - XBT 0.1000000000 0.0000000000"]
    rig.exchange.close()
    back = Rig(SandboxSettings(state=tmp_path / "s.db"))
    assert back.exchange.account.balances == {"USD": 100, "XBT": D("0.85"), "ETH": 2}
    answer = happen(back, "unexplained", asset="XBT", amount="0.25")
    assert answer["balance"] == "1.1000000000"
    happen(back, "unexplained", asset="ETH", amount="-2")
    back.exchange.close()
    again = Rig(SandboxSettings(state=tmp_path / "s.db"))
    assert again.exchange.account.balances == {"USD": 100, "XBT": D("1.1"), "ETH": 0}
    assert len(again.exchange.books.entries) == 3
    again.exchange.close()


@pytest.mark.parametrize(
    ("action", "details", "message"),
    [
        ("move", {"source": "XBT", "target": "ETH.F", "amount": 1}, "two forms of one asset"),
        ("move", {"source": "XBT", "target": "XXBT", "amount": 1}, "two forms of one asset"),
        ("move", {"source": "XBT", "target": "XBT.F", "amount": 3}, "Only 1.0000000000 XBT"),
        ("move", {"source": "XBT.F", "target": "XBT", "amount": 1}, "Only 0.0000000000 XBT.F"),
        ("move", {"source": "XBT", "target": "XBT.Q", "amount": 1}, "no asset XBT.Q"),
        ("move", {"source": "XBT", "target": "XBT.F.F", "amount": 1}, "no asset XBT.F.F"),
        ("dust_sweep", {"assets": ["ETH"], "receive": "USD", "receive_amount": 1}, "of ETH is at least"),
        ("dust_sweep", {"assets": ["USD", "XBT"], "receive": "ZUSD", "receive_amount": 1}, "into itself"),
        ("dust_sweep", {"assets": [], "receive": "USD", "receive_amount": 1}, "length >= 1"),
        ("unexplained", {"asset": "XBT", "amount": -2}, "Only 1.0000000000 XBT is available"),
    ],
)  # fmt: skip
def test_what_cannot_be_moved_moves_nothing(action: str, details: dict[str, object], message: str) -> None:
    rig = Rig(SandboxSettings(balance={"USD": D(10), "XBT": D(1)}))
    with pytest.raises(ControlError, match=message):
        happen(rig, action, **details)
    assert len(rig.exchange.books.entries) == 2
    assert {name: amount for name, amount in rig.exchange.account.balances.items() if amount} == {
        "USD": 10,
        "XBT": 1,
    }
