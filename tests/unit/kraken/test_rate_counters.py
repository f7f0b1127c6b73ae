"""What a rate limit is made of."""

import math

from hypothesis import given
from hypothesis import strategies as st

from krakked_tui.kraken.rate_counters import Meter, Spenders, Window


@given(
    decay=st.floats(0.1, 10),
    calls=st.lists(st.tuples(st.floats(0, 20), st.floats(0, 8)), min_size=1, max_size=50),
)
def test_after_the_wait_it_fits_and_not_much_before(decay: float, calls: list[tuple[float, float]]) -> None:
    meter, limit, now = Meter(decay), 10.0, 0.0
    for gap, units in calls:
        now += gap
        wait = meter.wait(units, limit, now)
        if wait > 1e-3:
            assert meter.wait(units, limit, now + wait / 2) > 0
        now += wait
        assert meter.used(now) + units <= limit + 1e-6
        meter.count(units, now)


def test_held_units_stay_until_they_are_counted() -> None:
    meter = Meter(1.0)
    meter.held = 4.0
    assert meter.used(1000.0) == 4
    assert meter.wait(7.0, 10.0, 0.0) == math.inf
    meter.held = 0.0
    meter.count(4.0, 1000.0)
    assert meter.wait(7.0, 10.0, 1000.0) == 1
    assert meter.used(1003.0) == 1


def test_a_time_before_the_last_changes_nothing() -> None:
    meter = Meter(1.0)
    meter.count(5.0, 10.0)
    assert meter.used(3.0) == 5
    meter.raise_to(2.0, 10.0)
    assert meter.used(10.0) == 5


def test_spenders_forget_after_a_minute_and_are_bounded() -> None:
    spenders = Spenders()
    spenders.add("Ledgers", 4, 0.5)
    spenders.add("OpenOrders", 1, 30.0)
    spenders.add("OpenOrders", 1, 31.0)
    shown = [spenders.last_minute(now) for now in (59.9, 60.0)]
    assert shown == [(("Ledgers", 4), ("OpenOrders", 2)), (("OpenOrders", 2),)]
    for n in range(1000):
        spenders.add(f"Method{n}", 1, 100.5)
    crowd = spenders.last_minute(101.0)
    assert dict(crowd)["others"] == 1000 - 64
    assert len(crowd) == 65


@given(st.lists(st.floats(0, 30), min_size=1, max_size=100))
def test_a_window_is_never_overfull_and_never_idle(gaps: list[float]) -> None:
    window, now, slots = Window(5, 60.0), 0.0, []
    for gap in gaps:
        now += gap
        slots.append(now + window.book(now))
        earliest = max(now, slots[-2] if len(slots) > 1 else now, slots[-6] + 60 if len(slots) > 5 else now)
        assert slots[-1] == earliest
        assert window.used(slots[-1]) <= 5
