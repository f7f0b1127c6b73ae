"""What is left for the next entry."""

from decimal import Decimal

from krakked_tui.risk.candidate import Room
from krakked_tui.risk.context import PendingBuy
from tests.unit.risk.builders import make_candidate, make_context, make_holding, make_pricing, money

CONTEXT = make_context(
    cash="900",
    holdings={"XBTUSD": make_holding("2", "200")},
    pending={"XBTUSD": PendingBuy("trend", Decimal(30)), "ETHUSD": PendingBuy("other", Decimal(70))},
)


def test_held_and_bought_pairs_take_places() -> None:
    room = Room.at_start(CONTEXT)
    assert room == Room(Decimal(900), {"ETHUSD": "other", "XBTUSD": "trend"}, frozenset({"XBTUSD", "ETHUSD"}))


def test_an_entry_takes_cash_and_a_place() -> None:
    room = Room.at_start(make_context(cash="900")).after_buy("SOLUSD", "trend", Decimal("100.40"))
    assert room == Room(Decimal("799.60"), {"SOLUSD": "trend"}, frozenset({"SOLUSD"}))


def test_an_exit_frees_nothing_yet() -> None:
    room = Room.at_start(CONTEXT)
    after = room.after_exit("XBTUSD")
    assert (after.cash, after.holders) == (room.cash, room.holders)
    assert after.leaving == {"XBTUSD"}


def test_exposure_counts_open_buys() -> None:
    entry = make_candidate(context=CONTEXT)
    assert (entry.held_size, entry.exposure_usd) == money(2, 230)
    assert (make_candidate().held_size, make_candidate().exposure_usd) == money(0, 0)


def test_the_distance_is_what_a_unit_loses_at_the_stop() -> None:
    assert make_pricing(price="100.5", stop="98").distance == Decimal("2.5")
