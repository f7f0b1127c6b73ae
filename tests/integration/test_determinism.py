"""The same seed and the same clock give the same orders, in every field."""

from tests.integration.stepped import SteppedRun

MINUTES = 45


def _orders(seed: int) -> tuple[SteppedRun, list[object]]:
    run = SteppedRun(seed)
    for _ in range(MINUTES):
        run.minute()
    return run, list(run.orders())


def test_the_first_ten_orders_are_identical_in_every_field() -> None:
    run, first = _orders(7)
    _, second = _orders(7)
    assert len(first) >= 10
    assert first[:10] == second[:10]
    assert first == second
    assert run.state.counts.errors == 0
    assert run.state.counts.fills > 0


def test_another_seed_gives_another_run() -> None:
    _, first = _orders(7)
    _, other = _orders(8)
    assert [order.request for order in first] != [order.request for order in other]  # type: ignore[attr-defined]
