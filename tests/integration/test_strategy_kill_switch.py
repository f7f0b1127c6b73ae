"""The kill switch: everything that sets it, and that nothing but a confirmed command clears it.

Each time the engine is killed (-9) as soon as it is set, and started again on what it had stored.
"""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from krakked_tui.control.commands import ClearKillSwitch, PauseCycles, ResumeCycles, SetKillSwitch
from krakked_tui.domain.orders import Side
from krakked_tui.domain.plans import ActionType
from krakked_tui.domain.safety import KillCause, KillSwitch
from krakked_tui.sandbox import happenings
from tests.integration.processes import SandboxProcess, rows, running_sandbox_process
from tests.integration.strategy_books import Books
from tests.integration.strategy_desk import DeskProcess, running_desk, wait_until, write_home

PAIR = "XBTUSD"
CYCLES = 2
ERRORS = 3
DRAWDOWN_PCT = 2
CONFIG = f"""
[strategies]
enabled = ["dca_rebalance_v1"]

[strategies.configs.dca_rebalance_v1]
timeframes = ["1m"]
stop_atr_multiple = 20.0
params = {{ targets = "XBTUSD: 1, ETHUSD: 1", every_bars = 1, amount_usd = 500.0, most_usd = 1e6 }}

[scheduler]
portfolio_sync_seconds = 1

[risk]
max_per_asset_pct = 50
max_risk_per_trade_pct = 50
max_portfolio_risk_pct = 100
max_daily_drawdown_pct = {DRAWDOWN_PCT}
max_consecutive_order_errors = {ERRORS}

[risk.protections]
cooldown_minutes = 0
max_entries_per_day = 0
"""


@pytest.fixture
def sandbox() -> Iterator[SandboxProcess]:
    with running_sandbox_process("--speed", "240", "--seed", "7") as process:
        yield process


def _home(tmp_path: Path) -> Path:
    home = tmp_path / "home"
    write_home(home, CONFIG)
    return home


def _stored(home: Path) -> KillSwitch:
    ((value,),) = rows(home, "SELECT value FROM safety WHERE key = 'kill_switch'")
    return msgspec.json.decode(value, type=KillSwitch)


def _dies_with_it(engine: DeskProcess, home: Path, cause: KillCause, by: str) -> KillSwitch:
    """Kill the engine once its kill switch is set; returns what it has stored."""
    told = wait_until(engine, "kill_switch_activated")
    engine.kill()
    stored = _stored(home)
    assert (stored.active, stored.cause, stored.by) == (True, cause, by)
    assert stored.since is not None
    assert stored.reason == told["reason"] != ""
    return stored


def _holds(engine: DeskProcess, home: Path, before: KillSwitch) -> None:
    """A new engine knows what was stored, and buys nothing however much its strategy wants to."""
    for _ in range(CYCLES):
        assert engine.wait_for("strategy_cycle")["intents"], "nothing was wanted"
    assert _stored(home) == before
    assert before.since is not None
    books = Books(home)
    last = books.decisions[-CYCLES:]
    assert all(record.kill_switch for record in last)
    actions = [action for record in last for action in record.actions]
    assert all(a.blocked and a.action_type is ActionType.NONE for a in actions)
    assert all("kill switch" in " ".join(action.blocked_reasons) for action in actions)
    assert not [o for o in books.orders if o.request.side is Side.BUY and o.created_at > before.since]


def _buys_again(engine: DeskProcess) -> None:
    count = len(engine.events("order_submitted"))
    wait_until(engine, "order_submitted", count + 1, side="buy")


def _logged(home: Path) -> list[tuple[str, str]]:
    """Return who did what to the switch, by the control log."""
    return rows(home, "SELECT actor, command FROM control_log WHERE command LIKE 'kill%' ORDER BY seq")


@pytest.mark.timeout(120)
def test_set_by_command(tmp_path: Path, sandbox: SandboxProcess) -> None:
    home = _home(tmp_path)
    with running_desk(sandbox, home) as engine:
        wait_until(engine, "order_filled")
        assert engine.tell(SetKillSwitch("looks wrong to me")).accepted
        stored = _dies_with_it(engine, home, KillCause.OPERATOR, "cli")
        assert stored.reason == "looks wrong to me"
    with running_desk(sandbox, home) as engine:
        _holds(engine, home, stored)
        refused = engine.tell(ClearKillSwitch("yes"))
        assert (refused.accepted, _stored(home)) == (False, stored)
        assert engine.tell(ClearKillSwitch("ARM")).accepted
        _buys_again(engine)
        assert _stored(home) == KillSwitch()
        assert _logged(home) == [("cli", "kill"), ("cli", "killclear"), ("cli", "killclear")]


@pytest.mark.timeout(120)
def test_set_by_a_loss_but_not_by_moving_money(tmp_path: Path, sandbox: SandboxProcess) -> None:
    home = _home(tmp_path)
    with running_desk(sandbox, home) as engine:
        wait_until(engine, "fill", count=4)
        for action, amount in (("deposit", 3000), ("withdrawal", 4000)):
            sandbox.market(action=action, asset="USD", amount=amount)
            engine.wait_for("strategy_cycle", count=2)
        moved = rows(home, "SELECT type FROM ledger_entries WHERE type IN ('deposit', 'withdrawal')")
        assert {kind for (kind,) in moved} >= {"deposit", "withdrawal"}, "they were not seen"
        assert not engine.events("kill_switch_activated")
        sandbox.market(action="shock", pair=PAIR, percent=-40)
        stored = _dies_with_it(engine, home, KillCause.DRAWDOWN, "engine")
        assert f"max_daily_drawdown_pct is {DRAWDOWN_PCT}" in stored.reason
    with running_desk(sandbox, home) as engine:
        _holds(engine, home, stored)
        refused = engine.tell(ClearKillSwitch("ARM"))
        assert not refused.accepted
        assert "what set it goes on" in refused.message
        assert _stored(home) == stored
        assert engine.tell(ClearKillSwitch("FORCE")).accepted
        _buys_again(engine)
        assert _stored(home) == KillSwitch(forced=(KillCause.DRAWDOWN,))
        assert _logged(home) == [("engine", "kill"), ("cli", "killclear"), ("cli", "killclear")]


@pytest.mark.timeout(120)
def test_set_by_orders_that_fail_in_a_row(tmp_path: Path, sandbox: SandboxProcess) -> None:
    home = _home(tmp_path)
    with running_desk(sandbox, home) as engine:
        wait_until(engine, "order_filled")
        sandbox.fault(kind="error", where="AddOrder", text="EOrder:Orders limit exceeded")
        stored = _dies_with_it(engine, home, KillCause.ORDER_ERRORS, "engine")
        assert len(engine.events("order_error")) == ERRORS
    with running_desk(sandbox, home) as engine:
        _holds(engine, home, stored)
        refused = engine.tell(ClearKillSwitch("ARM"))
        assert not refused.accepted
        assert f"no order has been taken since {ERRORS} in a row" in refused.message
        sandbox.forget_faults()
        assert engine.tell(ClearKillSwitch("FORCE")).accepted
        _buys_again(engine)
        wait_until(engine, "order_filled")
        assert _stored(home) == KillSwitch()


@pytest.mark.skipif(not hasattr(happenings, "Unexplained"), reason="this sandbox explains every balance")
@pytest.mark.timeout(120)
def test_set_by_balances_that_nothing_explains(tmp_path: Path, sandbox: SandboxProcess) -> None:
    home = _home(tmp_path)
    with running_desk(sandbox, home) as engine:
        wait_until(engine, "order_filled")
        # Balances and books are compared while nothing is traded: here hardly ever, so fast does time run.
        assert engine.tell(PauseCycles()).accepted
        sandbox.market(action="unexplained", asset="USD", amount="-250")
        stored = _dies_with_it(engine, home, KillCause.DRIFT, "engine")
        assert "USD" in stored.reason
    with running_desk(sandbox, home) as engine:
        engine.wait_for("engine_started")
        assert engine.tell(ResumeCycles()).accepted
        _holds(engine, home, stored)
        refused = engine.tell(ClearKillSwitch("ARM"))
        assert not refused.accepted
        assert "balances differ from the ledger" in refused.message
        sandbox.market(action="unexplained", asset="USD", amount="250")
        wait_until(engine, "portfolio_drift_cleared")
        assert engine.tell(ClearKillSwitch("ARM")).accepted
        _buys_again(engine)
