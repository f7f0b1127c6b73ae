from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from krakked_tui.domain.orders import ExchangeStatus
from krakked_tui.sandbox.happenings import apply
from krakked_tui.sandbox.settings import SandboxSettings
from tests.unit.sandbox.rig import Rig
from tests.unit.sandbox.trading import add, jump, now_of, refused

REASON = "CancelAllOrdersAfter Timeout"


def test_it_cancels_everything_when_its_time_has_come(rig: Rig) -> None:
    orders = [add(rig, price="50000"), add(rig, volume="0.5", pair="ETHUSD", price="1000")]
    assert rig.private("CancelAllOrdersAfter", timeout="60") == {
        "currentTime": "2026-01-05T00:00:00Z",
        "triggerTime": "2026-01-05T00:01:00Z",
    }
    fires_at = rig.exchange.dead_man_at
    assert fires_at == orders[0].arrived_at + timedelta(seconds=60)
    rig.wall.advance(59.9)
    rig.exchange.catch_up()
    assert len(rig.exchange.books.open_orders) == 2
    rig.wall.advance(3600)
    rig.exchange.catch_up()
    for order in orders:
        done = now_of(rig, order)
        assert (done.status, done.reason, done.closed_at) == (ExchangeStatus.CANCELED, REASON, fires_at)
    assert rig.exchange.dead_man_at is None, "after firing it is off"
    add(rig, price="50000")
    jump(rig, days=1)
    assert len(rig.exchange.books.open_orders) == 1


def test_each_call_replaces_the_deadline_and_zero_disarms(rig: Rig) -> None:
    add(rig, price="50000")
    rig.private("CancelAllOrdersAfter", timeout="60")
    rig.wall.advance(50)
    rig.private("CancelAllOrdersAfter", timeout="60")
    rig.wall.advance(50)
    rig.exchange.catch_up()
    assert len(rig.exchange.books.open_orders) == 1
    answer = rig.private("CancelAllOrdersAfter", timeout="0")
    assert answer["triggerTime"] == "0"
    jump(rig, days=1)
    assert len(rig.exchange.books.open_orders) == 1


def test_the_timeout_is_wall_time() -> None:
    rig = Rig(SandboxSettings(speed=60.0))
    add(rig, price="50000")
    answer = rig.private("CancelAllOrdersAfter", timeout="60")
    assert answer["triggerTime"] == "2026-01-05T01:00:00Z"
    rig.wall.advance(59)
    rig.exchange.catch_up()
    assert rig.exchange.books.open_orders
    rig.wall.advance(1)
    rig.exchange.catch_up()
    assert not rig.exchange.books.open_orders
    rig.exchange.close()


def test_what_the_market_did_before_it_fired_counts(rig: Rig) -> None:
    order = add(rig, volume="0.05", price=str(rig.bid() - 30))
    alone = Rig()
    filled = add(alone, volume="0.05", price=str(alone.bid() - 30))
    jump(alone, hours=3)
    first = alone.exchange.books.trades[now_of(alone, filled).trade_ids[0]].time
    rig.private("CancelAllOrdersAfter", timeout=str(int((first - order.arrived_at).total_seconds()) + 1))
    jump(rig, hours=3)
    assert now_of(rig, order).filled > 0
    alone.exchange.close()


def test_during_maintenance_it_waits_for_the_engine_to_be_back(rig: Rig) -> None:
    order = add(rig, price="50000")
    rig.private("CancelAllOrdersAfter", timeout="60")
    apply(rig.exchange, b'{"action": "system_status", "status": "maintenance"}')
    jump(rig, minutes=10)
    assert now_of(rig, order).is_open
    apply(rig.exchange, b'{"action": "system_status", "status": "online"}')
    back = rig.exchange.clock.now()
    jump(rig, seconds=1)
    assert (now_of(rig, order).reason, now_of(rig, order).closed_at) == (REASON, back)


def test_it_survives_a_restart(tmp_path: Path) -> None:
    rig = Rig(SandboxSettings(state=tmp_path / "s.db"))
    order = add(rig, price="50000")
    rig.private("CancelAllOrdersAfter", timeout="60")
    fires_at = rig.exchange.dead_man_at
    rig.exchange.close()
    back = Rig(SandboxSettings(state=tmp_path / "s.db"))
    assert back.exchange.dead_man_at == fires_at
    jump(back, hours=1)
    assert now_of(back, order).closed_at == fires_at
    back.exchange.close()
    again = Rig(SandboxSettings(state=tmp_path / "s.db"))
    assert again.exchange.dead_man_at is None
    again.exchange.close()


@pytest.mark.parametrize("timeout", ["86400", "-1", "1.5", ""])
def test_a_bad_timeout_is_refused(rig: Rig, timeout: str) -> None:
    error = refused(rig, "CancelAllOrdersAfter", timeout=timeout)
    assert error == "EGeneral:Invalid arguments:timeout"
    assert rig.exchange.dead_man_at is None


def test_it_does_not_kill_what_was_never_placed(rig: Rig) -> None:
    rig.private("CancelAllOrdersAfter", timeout="5")
    jump(rig, seconds=10)
    assert rig.private("CancelAll") == {"count": 0}
    assert not rig.exchange.account.held("USD") > Decimal(0)
