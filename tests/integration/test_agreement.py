"""The exchange's truth and our books, to the last digit."""

from decimal import Decimal
from pathlib import Path

from tests.integration.processes import EngineProcess, rows, running_sandbox_process


def _money(value: str) -> Decimal:
    return Decimal(value)


def test_after_a_stop_the_books_equal_the_exchange(tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / "config").mkdir(parents=True)
    (home / "config" / "config.demo.toml").write_text('[execution]\non_shutdown = "cancel"\n')
    with running_sandbox_process("--speed", "120", "--seed", "11") as sandbox:
        engine = EngineProcess(sandbox, home)
        engine.wait_for("fill", count=12)
        engine.wait_for("strategy_cycle", count=2)
        sandbox.clock(action="pause")
        summary = engine.stop()
        truth = sandbox.state()
    assert summary["errors"] == 0

    theirs = {
        t["txid"]: (_money(t["price"]), _money(t["volume"]), _money(t["cost"])) for t in truth["trades"]
    }
    ours = {
        trade_id: (_money(price), _money(volume), _money(cost))
        for trade_id, price, volume, cost in rows(home, "SELECT trade_id, price, volume, cost FROM trades")
    }
    assert ours == theirs
    assert len(ours) >= 12

    # The rows of the ledger carry amounts, fees and balances at the asset's full scale.
    entries = rows(home, "SELECT entry_id, asset, amount, fee, balance FROM ledger_entries")
    assert {i: (_money(a), _money(f), _money(b)) for i, _, a, f, b in entries} == {
        e["id"]: (_money(e["amount"]), _money(e["fee"]), _money(e["balance"])) for e in truth["ledger"]
    }
    balances: dict[str, Decimal] = {}
    for _, asset, amount, fee, _ in entries:
        balances[asset] = balances.get(asset, Decimal(0)) + _money(amount) - _money(fee)
    theirs_by_id = {e["id"]: e["asset"] for e in truth["ledger"]}
    raw_name = {asset: theirs_by_id[entry_id] for entry_id, asset, *_ in entries}
    assert {raw_name[asset]: amount for asset, amount in balances.items() if amount} == {
        asset: _money(amount) for asset, amount in truth["balances"].items() if _money(amount)
    }
    assert _money(summary["equity"]) > 0

    orders = {o["txid"]: (o["cl_ord_id"], o["status"], _money(o["filled"])) for o in truth["orders"]}
    assert orders == {
        kraken_id: (cl_ord_id, {"filled": "closed"}.get(status, status), _money(filled))
        for kraken_id, cl_ord_id, status, filled in rows(
            home,
            "SELECT kraken_order_id, cl_ord_id, status, filled FROM execution_orders"
            " WHERE kraken_order_id IS NOT NULL",
        )
    }
    unsent = "SELECT DISTINCT status FROM execution_orders WHERE kraken_order_id IS NULL"
    assert rows(home, unsent) in ([], [("canceled",)]), "withheld by the stop"
    assert not [line for line in engine.lines if line["event"] == "portfolio_drift"]
