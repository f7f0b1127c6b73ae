from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krakked_tui.domain.orders import LocalOrder
from krakked_tui.domain.records import KillSwitchSaved, OrderSaved, PausedSaved
from krakked_tui.domain.safety import KillCause, KillSwitch
from krakked_tui.storage import rows
from tests.unit.storage.samples import at, bare_order, order, transition


@given(st.datetimes(datetime(1900, 1, 1), datetime(9999, 12, 31), timezones=st.just(UTC)))  # noqa: DTZ001
def test_times_survive_to_the_microsecond(moment: datetime) -> None:
    assert rows.from_micros(rows.to_micros(moment)) == moment


def test_a_time_without_a_zone_is_a_bug() -> None:
    with pytest.raises(TypeError):
        rows.to_micros(at(0).replace(tzinfo=None))


def test_an_order_with_its_transition_is_two_statements_in_that_order() -> None:
    assert [name for name, _ in rows.statements(OrderSaved(order(1), transition(1)))] == [
        "save_order",
        "append_transition",
    ]
    assert [name for name, _ in rows.statements(OrderSaved(order(1)))] == ["save_order"]


@pytest.mark.parametrize("saved", [order(1), bare_order(2)])
def test_no_amount_of_an_order_passes_through_a_float(saved: LocalOrder) -> None:
    [(_, parameters)] = rows.statements(OrderSaved(saved))
    assert not [value for value in parameters.values() if isinstance(value, float | Decimal)]
    assert parameters["volume"] == str(saved.request.volume)


def test_missing_safety_rows_mean_nothing_is_set() -> None:
    assert rows.read_safety([]) == rows.Safety()


def test_safety_rows_come_back_as_they_were() -> None:
    switch = KillSwitch(active=True, cause=KillCause.OPERATOR, reason="lunch", since=at(1), by="tui")
    saved = [
        parameters
        for record in (KillSwitchSaved(switch), PausedSaved(paused=True))
        for _, parameters in rows.statements(record)
    ]
    assert rows.read_safety([(row["key"], row["value"]) for row in saved]) == rows.Safety(
        kill_switch=switch, paused=True
    )


def test_what_rows_have_in_common_is_kept_once() -> None:
    def row_of(*columns: str | int | None) -> tuple[str | int | None, ...]:
        # A database gives texts of its own for every row.
        return tuple("".join([*each]) if isinstance(each, str) else each for each in columns)

    reader, fee = rows.EventReader(), '[{"asset":"USD","amount":"0.5"}]'
    first, second = (
        reader.trade(row_of(f"T{number}", "O1", "XBTUSD", "sell", "1", "2", "2", fee, number, 1, None))
        for number in (1, 2)
    )
    base, quote = (
        reader.entry(row_of(f"L{asset}", "T2", 2, "trade", "spot", asset, "-2", zero, zero))
        for asset, zero in (("XBT", "0.00"), ("USD", "0.00"))
    )
    assert (first.pair, first.side, first.fees[0].asset) == ("XBTUSD", "sell", "USD")
    assert (second.fees[0].amount, base.fee, quote.balance) == (Decimal("0.5"), Decimal(0), Decimal(0))
    assert base.time == quote.time == rows.from_micros(2)
    for one, other in (
        (first.pair, second.pair), (first.side, second.side), (first.fees[0].asset, quote.asset),
        (base.refid, second.trade_id), (base.type, quote.type), (base.subtype, quote.subtype),
        (base.time, second.time), (base.time, quote.time), (base.fee, quote.fee), (base.fee, base.balance),
    ):  # fmt: skip
        assert one == other
        assert one is other
