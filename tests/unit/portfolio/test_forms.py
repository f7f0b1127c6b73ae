import json
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krakked_tui.domain.fills import AssetBalance
from krakked_tui.domain.portfolio import HeldAs, Holding
from krakked_tui.portfolio.forms import Form, Forms, holdings
from tests.unit.portfolio.statements import PAIRS

D = Decimal
KNOWN = ("XBT", "ETH", "DOT", "SOL", "LUNA", "LUNA2", "FLOW", "USD", "EUR")
ASSETS = Path(__file__).parents[2] / "fixtures/kraken/assets.json"


@pytest.mark.parametrize(
    ("name", "asset", "held_as"),
    [
        ("XBT", "XBT", HeldAs.SPOT),
        ("XBT.S", "XBT", HeldAs.STAKED),
        ("XBT.M", "XBT", HeldAs.EARNING),
        ("XBT.F", "XBT", HeldAs.EARNING),
        ("XBT.B", "XBT", HeldAs.EARNING),
        ("DOT.P", "DOT", HeldAs.BONDED),
        ("USD.HOLD", "USD", HeldAs.HELD),
        ("XBT.T", "XBT", HeldAs.OTHER),
        ("XBT.NEXT", "XBT", HeldAs.OTHER),
        ("DOT28.S", "DOT", HeldAs.BONDED),
        ("SOL03.S", "SOL", HeldAs.BONDED),
        ("FLOWH.S", "FLOW", HeldAs.BONDED),
        ("LUNA2", "LUNA2", HeldAs.SPOT),
        ("LUNA2.S", "LUNA2", HeldAs.STAKED),
        ("LUNA28.S", "LUNA", HeldAs.BONDED),
        ("NEW14.S", "NEW14", HeldAs.STAKED),
        ("ETH2", "ETH", HeldAs.STAKED),
        ("ETH2.S", "ETH", HeldAs.STAKED),
        (".S", ".S", HeldAs.SPOT),
        ("", "", HeldAs.SPOT),
    ],
)
def test_what_a_name_means(name: str, asset: str, held_as: HeldAs) -> None:
    assert Forms(KNOWN).form(name) == Form(asset, held_as)


def test_every_suffixed_asset_of_the_exchange_has_a_form_of_a_listed_asset() -> None:
    rows = json.loads(ASSETS.read_text())
    names = {row["altname"] for row in rows.get("result", rows).values()}
    plain = {name for name in names if "." not in name}
    forms = Forms(plain)
    seen = {name: forms.form(name) for name in names if "." in name}
    assert len(seen) > 40
    assert {form.held_as for form in seen.values()} >= {HeldAs.STAKED, HeldAs.BONDED, HeldAs.EARNING}
    strangers = {name for name, form in seen.items() if form.asset not in plain}
    assert not strangers


def test_what_is_traded_is_known() -> None:
    assert Forms.of_pairs(PAIRS.values()).form("ETH14.S") == Form("ETH", HeldAs.BONDED)


def test_the_columns_of_a_holding() -> None:
    balances = {
        "XBT": AssetBalance("XBT", D("1.5"), D("0.5")),
        "XBT.M": AssetBalance("XBT.M", D("0.2")),
        "XBT.F": AssetBalance("XBT.F", D("0.1")),
        "DOT28.S": AssetBalance("DOT28.S", D(40)),
        "ETH.S": AssetBalance("ETH.S", D(0)),
    }
    assert holdings(balances, Forms(KNOWN)) == {
        "DOT": Holding("DOT", D(0), D(0), ((HeldAs.BONDED, D(40)),)),
        "ETH": Holding("ETH", D(0)),
        "XBT": Holding("XBT", D(1), D("0.5"), ((HeldAs.EARNING, D("0.3")),)),
    }


@given(
    st.dictionaries(
        st.sampled_from(["XBT", "XBT.S", "XBT.M", "XBT.Q", "DOT28.S", "DOT", "ETH2", "ETH2.S", "USD.HOLD"]),
        st.tuples(st.decimals(0, 9, places=8), st.decimals(0, 9, places=8)),
    )
)
def test_the_columns_add_up_to_what_the_exchange_says(rows: dict[str, tuple[Decimal, Decimal]]) -> None:
    balances = {name: AssetBalance(name, free + held, held) for name, (free, held) in rows.items()}
    found = holdings(balances, Forms(KNOWN))
    forms = Forms(KNOWN)
    for asset, holding in found.items():
        of_it = [balance.total for name, balance in balances.items() if forms.asset(name) == asset]
        assert holding.total == sum(of_it)
