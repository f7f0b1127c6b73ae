"""Strategies of a user's own that go wrong in every way: each ends alone, and what it holds stays guarded."""

from pathlib import Path
from typing import Any

import pytest

from krakked_tui.domain.orders import OrderStatus, Purpose, Side
from tests.integration.processes import running_sandbox_process
from tests.integration.strategy_books import ZERO, Books
from tests.integration.strategy_desk import DeskProcess, running_desk, wait_until, write_home
from tests.integration.strategy_files import PAIR, configured, source, while_there_is

WRONG = {
    "crashes": "os._exit(3)",
    "garbles": '[{"pair": "XBTUSD", "buy": "everything"}]',
    "hangs": "time.sleep(3600)",
    "raises": "[][7]",
}
TOLD = {
    "crashes": "exit code 3",
    "garbles": "a dict among its intents",
    "hangs": "was given up",
    "raises": "IndexError: list index out of range",
}
"""A part of what is said of each."""
BUILT_IN = "dca_rebalance_v1"
CONFIG = (
    f"""
[strategies]
enabled = {[*WRONG, "good", BUILT_IN]}

[scheduler]
cycle_deadline_seconds = 4

[risk]
max_per_asset_pct = 50
"""
    + "".join(configured(name, name, stop_pct=5.0) for name in WRONG)
    + configured("good", "good", stop_pct=40.0)
    + """
[strategies.configs.dca_rebalance_v1]
timeframes = ["1m"]
params = { targets = "ETHUSD: 1", every_bars = 1, amount_usd = 25.0 }
"""
)


def _files(wanted: Path, wrong: Path) -> dict[str, str]:
    """They buy while there is the one file, and go wrong while there is the other; the good one buys then."""
    files = {
        name: source(name, f'{body} if os.path.exists("{wrong}") else {while_there_is(wanted)}')
        for name, body in WRONG.items()
    }
    return files | {"good": source("good", while_there_is(wrong))}


@pytest.mark.timeout(120)
def test_bad_strategies_are_disabled_and_what_they_hold_is_sold_at_its_stops(tmp_path: Path) -> None:
    home, wanted, wrong = (tmp_path / name for name in ("home", "wanted", "wrong"))
    write_home(home, CONFIG, _files(wanted, wrong))
    wanted.touch()
    with (
        running_sandbox_process("--speed", "120", "--seed", "7") as sandbox,
        running_desk(sandbox, home) as engine,
    ):
        wait_until(engine, "order_filled", pair=PAIR)
        wrong.touch()
        failed = {name: wait_until(engine, "strategy_failed", strategy_id=name) for name in WRONG}
        _check_told(engine, failed)
        bought = wait_until(engine, "order_submitted", strategy_id="good")
        wait_until(engine, "order_filled", cl_ord_id=bought["cl_ord_id"])
        since = engine.wait_for("strategy_cycle", count=2)
        sandbox.market(action="shock", pair=PAIR, percent=-8)
        for name in WRONG:
            wait_until(engine, "stop_hit", pair=PAIR, strategy_id=name)
        wait_until(engine, "order_filled", pair=PAIR, count=3)
        engine.failures()
        engine.wait_for("strategy_cycle", count=2)
        assert engine.failures() == {name: line["error"] for name, line in failed.items()}
        sandbox.clock(action="pause")
        engine.stop()
    _check_books(Books(home), since)
    assert len(engine.events("strategy_failed")) == len(WRONG)


def _check_told(engine: DeskProcess, failed: dict[str, dict[str, Any]]) -> None:
    """The log says what became of each; where its code raised, it says where."""
    for name, line in failed.items():
        assert line["level"] == "error"
        assert TOLD[name] in line["error"], line
        assert f"{name} is disabled" in line["message"]
    (traceback,) = engine.events("strategy_traceback")
    assert traceback["strategy_id"] == "raises"
    assert "raises.py" in traceback["traceback"]
    assert "IndexError" in traceback["traceback"]


def _check_books(books: Books, since: dict[str, Any]) -> None:
    bought, *_ = books.orders
    assert [share.strategy_id for share in bought.shares] == sorted(WRONG)
    stops = [order for order in books.orders if order.purpose is Purpose.STOP and order.request.pair == PAIR]
    assert {share.strategy_id for order in stops for share in order.shares} >= set(WRONG)
    assert all(order.status is OrderStatus.FILLED for order in stops)
    held = books.replayed()[PAIR]
    assert not set(WRONG) & {share.strategy_id for share in held.shares}
    good = held.of("good")
    assert good is not None
    assert good.size > ZERO
    # Whoever has failed is asked no more; the others are.
    later = [each for each in books.decisions if each.plan_id >= since["plan_id"]]
    heard = {intent.strategy_id for each in later for intent in each.intents}
    assert heard <= {"good", BUILT_IN}
    assert BUILT_IN in heard
    sells = [order for order in books.orders if order.request.side is Side.SELL]
    assert "good" not in {share.strategy_id for order in sells for share in order.shares}
