"""Limits and strategies changed while an engine runs: from the next cycle on, on record, and kept."""

import tomllib
from decimal import Decimal
from pathlib import Path

import pytest

from krakked_tui.control.commands import ChangeSettings, EnableStrategy
from tests.integration.processes import rows, running_sandbox_process
from tests.integration.strategy_books import Books
from tests.integration.strategy_desk import running_desk, wait_until, write_home

KEY, LIMIT = "risk.max_per_asset_pct", "max_per_asset_pct"
STRATEGY = "dca_rebalance_v1"
CONFIG = f"""
[strategies]
enabled = ["{STRATEGY}"]

[strategies.configs.{STRATEGY}]
timeframes = ["1m"]
params = {{ targets = "XBTUSD: 1, ETHUSD: 1", every_bars = 1, amount_usd = 50.0, most_usd = 1e6 }}

[risk]
{LIMIT} = 40

[risk.protections]
max_entries_per_day = 0
"""


def _thresholds(home: Path) -> list[Decimal]:
    """Return the limit that each decision was measured by, oldest first."""
    checks = [
        [check for action in record.actions for check in action.checks] for record in Books(home).decisions
    ]
    return [check.threshold for each in checks for check in each if check.limit == LIMIT]


def _logged(home: Path) -> list[tuple[str, str, str]]:
    return rows(
        home, "SELECT actor, command, arguments FROM control_log WHERE command = 'settings' ORDER BY seq"
    )


@pytest.mark.timeout(120)
def test_a_limit_and_a_strategy_are_changed_at_run_time(tmp_path: Path) -> None:
    home = tmp_path / "home"
    write_home(home, CONFIG)
    with running_sandbox_process("--speed", "240", "--seed", "7") as sandbox:
        with running_desk(sandbox, home) as engine:
            wait_until(engine, "order_filled")
            assert set(_thresholds(home)) == {Decimal(40)}
            bad = engine.tell(ChangeSettings({KEY: "7", "risk.max_open_positions": "0"}))
            assert not bad.accepted
            assert "max_open_positions" in bad.message
            engine.wait_for("strategy_cycle", count=2)
            assert (set(_thresholds(home)), _logged(home)) == ({Decimal(40)}, [])

            before = len(_thresholds(home))
            assert engine.tell(ChangeSettings({KEY: "7"})).accepted
            # The one that is computed now may have been decided before.
            engine.wait_for("strategy_cycle", count=3)
            assert set(_thresholds(home)[before + 1 :]) == {Decimal(7)}
            engine.kill()
        assert _logged(home) == [("cli", "settings", f"{KEY} = 7, was 40")]
        with running_desk(sandbox, home) as engine:
            before = len(_thresholds(home))
            engine.wait_for("strategy_cycle", count=2)
            assert set(_thresholds(home)[before:]) == {Decimal(7)}
            assert engine.tell(EnableStrategy(STRATEGY, enabled=False)).accepted
            # What it bought is guarded all the same, and nothing is bought by it.
            made = len(Books(home).orders)
            sandbox.market(action="shock", pair="XBTUSD", percent=-30)
            wait_until(engine, "stop_hit", pair="XBTUSD", strategy_id=STRATEGY)
            wait_until(engine, "order_filled", pair="XBTUSD")
            sold = [order.request.side for order in Books(home).orders[made:]]
            assert set(sold) == {"sell"}
    (_, stopped) = _logged(home)
    assert stopped == ("cli", "settings", f'strategies.enabled = [], was ["{STRATEGY}"]')
    kept = tomllib.loads((home / "state" / "demo" / "runtime.toml").read_text())
    assert kept == {"risk": {LIMIT: 7}, "strategies": {"enabled": []}}
