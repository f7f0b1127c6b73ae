"""What the dialogs say: consequences in numbers."""

from datetime import UTC
from decimal import Decimal

import msgspec

from krakked_tui.control.commands import FlattenAll
from krakked_tui.control.views import EngineView
from krakked_tui.domain.orders import OrderStatus
from krakked_tui.tui.rows.dialogs import (
    arm_sentences,
    cancel_all_sentence,
    cancel_one_sentence,
    count,
    flatten_progress_lines,
    flatten_result,
    flatten_sentence,
    flatten_warnings,
    order_lines,
    proceeds,
    quit_sentences,
    sale_lines,
)
from krakked_tui.tui.rows.line import Line, text_of, width_of
from tests.fakes.controller import (
    MARKETS,
    FakeController,
    disconnected,
    empty,
    killed,
    normal,
    order,
    position,
    status,
)

XBT = MARKETS[0]


def texts(lines: list[Line]) -> str:
    return "\n".join(text_of(line) for line in lines)


def test_counts_have_a_plural() -> None:
    assert [count(number, "order") for number in (0, 1, 7)] == ["0 orders", "1 order", "7 orders"]


def test_cancel_all_says_how_many() -> None:
    assert cancel_all_sentence(normal()).startswith("This cancels 3 orders.")
    assert "whatever of ours the exchange still has" in cancel_all_sentence(empty())


def test_cancel_one_says_which_and_how_much_is_left() -> None:
    partial = order(1, XBT, OrderStatus.PARTIALLY_FILLED, filled=Decimal("0.01"))
    assert cancel_one_sentence(partial) == (
        "This cancels 1 order: buy 0.02127711 XBTUSD at 63,799.5 (limit, entry, trend_following)."
    )


def test_flatten_says_what_is_sold_for_how_much() -> None:
    assert flatten_sentence(normal()) == (
        "This cancels 3 orders and sells 3 positions at market, for about $4,813.31 before fees and slippage."
    )
    assert flatten_sentence(empty()) == "Nothing is held: this cancels 0 orders and sells nothing."


def test_an_unpriced_position_adds_nothing_to_the_estimate_and_is_called_out() -> None:
    held = (position(XBT, XBT.price), position(MARKETS[1], None))
    view = msgspec.structs.replace(normal(), positions=held)
    assert proceeds(held) == held[0].value
    assert "ETHUSD" in texts(flatten_warnings(view, 71))
    table = texts(sale_lines(held, 71))
    assert "never" in table
    assert "unknown" in table


def test_each_sale_shows_the_age_of_its_price() -> None:
    table = texts(sale_lines(disconnected().positions, 71))
    assert table.count("1m35s") == 3
    assert sale_lines((), 71) == []


def test_flatten_warns_of_drift_and_of_strategies_that_may_buy_again() -> None:
    assert "strategies may buy again" in texts(flatten_warnings(normal(), 71))
    assert "strategies may buy again" not in texts(flatten_warnings(killed(), 71))
    drifting = msgspec.structs.replace(normal(), status=status(drift=True))
    assert "may not be all that is held" in texts(flatten_warnings(drifting, 71))


def flattening() -> FakeController:
    fake = FakeController()
    fake.take_effect(FlattenAll("FLATTEN", "x"))
    return fake


def test_a_running_flatten_shows_its_progress() -> None:
    shown = texts(flatten_progress_lines(flattening().current, UTC, 71))
    assert "SELLING  started 12:00:00 by tui" in shown
    assert "positions left:   3" in shown
    assert "XBTUSD: 1 attempt" in shown


def test_a_finished_flatten_shows_what_was_verified_and_what_is_left() -> None:
    fake = flattening()
    fake.finish_flatten()
    assert "nothing left to sell" in texts(flatten_progress_lines(fake.current, UTC, 71))
    fake = flattening()
    fake.finish_flatten(ETHUSD="0.0001 is below the minimum of 0.002")
    shown = texts(flatten_progress_lines(fake.current, UTC, 71))
    assert "ETHUSD left: 0.0001 is below the minimum of 0.002" in shown
    assert flatten_result(fake.current).startswith("Verified, with something left: ETHUSD")


def test_a_flatten_nobody_started_is_waited_for() -> None:
    assert texts(flatten_progress_lines(normal(), UTC, 71)) == "Waiting for the engine to start."


def quitting(view: EngineView, *, cancels: bool) -> str:
    return " ".join(quit_sentences(view, cancels_orders=cancels))


def test_quitting_says_what_becomes_of_orders_and_positions() -> None:
    assert "3 open orders stay at the exchange and may still fill." in quitting(normal(), cancels=False)
    assert "It cancels 3 open orders first." in quitting(normal(), cancels=True)
    assert "3 positions worth $4,813.31 stay held" in quitting(normal(), cancels=True)
    assert "There are no open orders. No position is held." in quitting(empty(), cancels=True)
    one = msgspec.structs.replace(
        normal(), open_orders=normal().open_orders[:1], positions=normal().positions[:1]
    )
    assert "1 open order stays at the exchange" in quitting(one, cancels=False)
    assert "1 position worth $2,005.49 stays held" in quitting(one, cancels=False)


def test_arming_says_why_the_switch_was_set() -> None:
    assert arm_sentences(killed(), UTC)[0] == "Set at 12:00:00 by tui: operator at the terminal."


def test_an_orders_details_are_complete_and_fit() -> None:
    long = order(4, XBT, OrderStatus.ERROR, last_error="E" * 200)
    lines = order_lines(long, UTC, 71)
    shown = texts(lines)
    for fact in (long.cl_ord_id, long.kraken_order_id, long.plan_id, "ERROR", "2026-11-20 11:56:00 UTC"):
        assert fact in shown
    assert shown.count("E") >= 200
    assert all(width_of(line) <= 71 for line in lines)
