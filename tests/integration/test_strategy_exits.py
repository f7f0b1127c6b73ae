"""Exits between candles on a moving price: each sells the share of its strategy, and nothing else."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from krakked_tui.domain.orders import OrderStatus, Purpose
from krakked_tui.domain.plans import NET
from tests.integration.processes import (
    running_engine,
    running_sandbox_process,
)
from tests.integration.strategy_books import ZERO, Books
from tests.integration.strategy_desk import wait_until, write_home
from tests.integration.strategy_files import PAIR, configured, source, while_there_is

FOUR = ("keeps", "target", "times", "trails")
HELD, LATE = 20, 60
"""Minutes (of the exchange): how long one of them may hold, and how much later a slow machine sells."""
UNIT = Decimal("1e-8")
NEARLY = Decimal("0.995")
CONFIG = (
    f"""
[strategies]
enabled = {list(FOUR)}

[risk]
max_per_asset_pct = 50

[risk.protections]
stop_guard_count = 0
"""
    + configured("keeps", "buyer", 'tag = "kee"')
    + configured("target", "buyer", 'tag = "tar"', target_pct=3.0)
    + configured("times", "buyer", f'tag = "tim"\nmax_holding_minutes = {HELD}')
    + configured("trails", "buyer", 'tag = "tra"\ntrailing_stop_pct = 2.0')
)


@pytest.mark.timeout(120)
def test_every_exit_sells_its_own_share(tmp_path: Path) -> None:
    home, wanted = tmp_path / "home", tmp_path / "wanted"
    write_home(home, CONFIG, {"buyer": source("buyer", while_there_is(wanted))})
    wanted.touch()
    with running_sandbox_process("--speed", "240", "--seed", "7") as sandbox:
        with running_engine(sandbox, home) as engine:
            engine.wait_for("order_filled")
            wanted.unlink()
            sandbox.market(action="shock", pair=PAIR, percent=4)
            wait_until(engine, "take_profit_hit", pair=PAIR, strategy_id="target")
            wait_until(engine, "order_filled", count=2)
            engine.kill()
        # It falls while nobody looks: how high it was is known all the same.
        sandbox.market(action="shock", pair=PAIR, percent=-3)
        with running_engine(sandbox, home) as engine:
            wait_until(engine, "trailing_stop_hit", pair=PAIR, strategy_id="trails")
            wait_until(engine, "holding_time_over", pair=PAIR, strategy_id="times")
            wait_until(engine, "order_filled", count=2)
            engine.wait_for("strategy_cycle", count=2)
            sandbox.clock(action="pause")
            summary = engine.stop()
        truth = sandbox.state()
    assert summary["errors"] == 0
    _check(Books(home), Decimal(truth["balances"]["XXBT"]))


def _check(books: Books, balance: Decimal) -> None:
    entry, *exits = books.orders
    assert (entry.strategy_id, [share.strategy_id for share in entry.shares]) == (NET, list(FOUR))
    bought = {share.strategy_id: share for share in entry.shares}
    assert sorted(order.strategy_id for order in exits) == ["target", "times", "trails"]
    for order in exits:
        (share,) = order.shares
        whose = bought[share.strategy_id]
        assert (order.purpose, order.status) == (Purpose.STOP, OrderStatus.FILLED)
        # No more than the share had; of a rounded split perhaps a unit less.
        assert ZERO <= whose.size - share.size <= UNIT, share.strategy_id
    sold = {order.strategy_id: order for order in exits}
    prices = {strategy_id: order.avg_fill_price for strategy_id, order in sold.items()}
    assert bought["target"].take_profit_price is not None
    assert prices["target"] >= bought["target"].take_profit_price * NEARLY
    assert prices["trails"] < prices["target"]
    held = sold["times"].created_at - books.fills[0].trade.time
    assert timedelta(minutes=HELD) <= held < timedelta(minutes=HELD + LATE)
    assert bought["keeps"].size <= balance == books.positions()[PAIR] <= bought["keeps"].size + 3 * UNIT
