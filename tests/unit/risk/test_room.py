"""What the entries of a plan have left."""

from datetime import timedelta
from decimal import Decimal

import pytest

from krakked_tui.risk.context import MANUAL, Protection, ProtectionKind
from krakked_tui.risk.room import Bought, Room
from krakked_tui.risk.settings import RiskSettings
from tests.unit.domain.builders import START
from tests.unit.risk.builders import (
    SETTINGS,
    facts,
    make_context,
    make_holding,
    make_pending,
    make_share,
    make_state,
)

STATES = [make_state(pair) for pair in ("XBTUSD", "ETHUSD", "SOLUSD")]
CONTEXT = make_context(
    *STATES,
    cash="900",
    entries_today=3,
    holdings={
        "XBTUSD": make_holding(make_share("1", MANUAL), make_share("2", "trend", "90")),
        "SOLUSD": make_holding(make_share("3", MANUAL, "99")),
    },
    pending={"ETHUSD": make_pending(make_share("1", "other", "80"))},
)


def test_what_is_held_and_being_bought_is_summed_up() -> None:
    room = Room.at_start(CONTEXT, SETTINGS)
    assert facts(room.cash, room.entries) == (900, 3)
    assert room.asset_usd == {"XBT": 300, "SOL": 300, "ETH": 100}
    assert room.strategy_usd == {"trend": 200, "other": 100}
    assert room.strategy_pairs == {"trend": {"XBTUSD"}, "other": {"ETHUSD"}}
    assert room.pair_risk == {"XBTUSD": 20, "ETHUSD": 20}
    assert room.risk == 100 + 20 + 3 + 20  # the manual XBT has no stop: all of it
    assert room.places == {"XBTUSD", "ETHUSD", "SOLUSD"}


def test_what_is_nobodys_strategys_may_take_no_place() -> None:
    room = Room.at_start(CONTEXT, RiskSettings(include_manual_positions=False))
    assert room.places == {"XBTUSD", "ETHUSD"}
    assert room.risk == 143
    assert room.asset_usd["SOL"] == 300


def test_an_entry_takes_from_everything() -> None:
    room = Room.at_start(make_context(cash="900"), SETTINGS)
    parts = [
        Bought("trend", Decimal(60), Decimal(6)),
        Bought("other", Decimal(40), Decimal(2)),
    ]
    room.after_buy("SOLUSD", "SOL", Decimal("100.40"), parts)
    assert facts(room.cash, room.entries, room.risk) == (Decimal("799.60"), 1, 8)
    assert room.asset_usd == {"SOL": 100}
    assert room.strategy_usd == {"trend": 60, "other": 40}
    assert room.strategy_pairs == {"trend": {"SOLUSD"}, "other": {"SOLUSD"}}
    assert room.pair_risk == {"SOLUSD": 8}
    assert room.places == {"SOLUSD"}


def pause(pair: str = "", strategy_id: str = "", minutes: int = 5) -> Protection:
    until = START + timedelta(minutes=minutes)
    return Protection(ProtectionKind.COOLDOWN, until, "why", pair, strategy_id)


@pytest.mark.parametrize(
    ("found", "meant"),
    [
        (pause(), True),
        (pause("XBTUSD"), True),
        (pause("ETHUSD"), False),
        (pause("", "trend"), True),
        (pause("", "other"), False),
        (pause("XBTUSD", "trend"), True),
        (pause("XBTUSD", "other"), False),
    ],
)
def test_a_pause_is_of_a_pair_of_a_strategy_or_of_everything(found: Protection, meant: bool) -> None:
    room = Room.at_start(make_context(protections=(found,)), SETTINGS)
    assert room.pause(ProtectionKind.COOLDOWN, "XBTUSD", "trend") == (found if meant else None)
    assert room.pause(ProtectionKind.STOP_GUARD, "XBTUSD", "trend") is None


def test_of_several_pauses_the_longest_counts() -> None:
    pauses = (pause(minutes=9), pause("XBTUSD", minutes=20), pause("XBTUSD", minutes=7))
    for order in (pauses, pauses[::-1]):
        room = Room.at_start(make_context(protections=order), SETTINGS)
        assert room.pause(ProtectionKind.COOLDOWN, "XBTUSD", "trend") == pauses[1]
