"""``krakked-tui export`` as a process: beside the engine that trades, and after it."""

import asyncio
import csv
import io
import json
import os
import subprocess
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from krakked_tui.cli.app import run_command_line
from krakked_tui.decision.state import CoreSettings, open_state
from krakked_tui.portfolio.ledger import LedgerState
from krakked_tui.storage.journal import SqliteJournal
from krakked_tui.storage.universe_cache import UniverseFile
from tests.integration.processes import (
    PATIENCE,
    PROGRAM,
    EngineProcess,
    SandboxProcess,
    rows,
    running_engine,
    running_sandbox_process,
)

D = Decimal
PROFILE = ("--profile", "demo")
COLUMNS = {
    "trades": "time,trade_id,order_id,client_order_id,pair,side,price,volume,cost,fee,fee_asset,other_fees,"
    "maker,strategy,realized_pnl,currency",
    "cash-flows": "time,id,type,asset,amount,value,note,currency",
    "positions": "pair,base_asset,base_size,cost_basis,avg_entry_price,realized_pnl,fees_paid,opened_at,"
    "currency",
    "snapshots": "time,equity,cash,realized_pnl,unrealized_pnl,currency",
    "pnl": "date_acquired,date_sold,asset,quantity,proceeds,cost_basis,fee,gain,term,event_id,currency",
}


class Exports:
    """Exports of one home's demo profile: in this process, or as one of their own."""

    def __init__(self, home: Path) -> None:
        self._home = home

    def __call__(self, *arguments: str) -> bytes:
        file = self._home / "export"
        assert run_command_line(["export", *arguments, *PROFILE, "--output", str(file), "--force"]) == 0
        return file.read_bytes()

    def process(self, *arguments: str) -> list[dict[str, str]]:
        inherited = {name: text for name, text in os.environ.items() if not name.startswith("KRAK")}
        done = subprocess.run(
            [*PROGRAM, "export", *arguments, *PROFILE], capture_output=True, timeout=PATIENCE,
            check=False, stdin=subprocess.DEVNULL, env={**inherited, "KRAKKED_HOME": str(self._home)},
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (0, b""), done.stderr
        return _read(arguments[0], done.stdout)

    def table(self, which: str, *arguments: str) -> list[dict[str, str]]:
        return _read(which, self(which, *arguments))


def _read(which: str, content: bytes) -> list[dict[str, str]]:
    """A table from its CSV, the header of which is as documented."""
    text = content.decode()
    assert text.splitlines()[0] == COLUMNS[which]
    return list(csv.DictReader(io.StringIO(text)))


def _filled(home: Path, engine: EngineProcess, trades: int) -> None:
    """Wait until the engine has stored so many trades, with the exchange's rows for each."""
    give_up = time.monotonic() + PATIENCE
    while True:
        engine.drain(0.5)
        [(found,)] = rows(
            home, "SELECT count(*) FROM trades WHERE trade_id IN (SELECT refid FROM ledger_entries)"
        )
        if found >= trades:
            return
        assert time.monotonic() < give_up, f"{found} trades only"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxProcess]:
    with running_sandbox_process("--speed", "240", "--seed", "7") as running:
        yield running


@pytest.mark.timeout(180)
def test_a_demo_that_traded_is_exported_while_it_runs_and_after(
    sandbox: SandboxProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KRAKKED_HOME", str(tmp_path))
    export = Exports(tmp_path)
    with running_engine(sandbox, tmp_path) as engine:
        engine.wait_for("engine_started")
        _filled(tmp_path, engine, 3)
        known = {row["trade_id"] for row in export.process("trades")}
        for which in COLUMNS:
            assert export.table(which) or which == "pnl", which
        assert len(known) >= 3
        summary = engine.stop()
    assert summary["fills"] >= len(known)
    assert known <= {row["trade_id"] for row in export.process("trades")}
    _agree_with_the_engine(export, asyncio.run(_reopened(tmp_path)), known)
    _say_the_same_in_every_format(export)
    _close_at_a_time(export)


async def _reopened(home: Path) -> LedgerState:
    """The books as the engine has them when it starts again."""
    [(account,)] = rows(home, "SELECT value FROM meta WHERE key = 'account_id'")
    [universe] = (home / "data/demo").glob("universe-*.json")
    listed = await UniverseFile(universe).load()
    assert listed is not None
    journal = await SqliteJournal.open(home / "data/demo/krakked.db", lambda: "abc")
    try:
        stored = await journal.load(account)
    finally:
        await journal.close()
    known = {pair.canonical: pair for pair in listed.pairs}
    return open_state(stored, CoreSettings(strategies=()), known, first_number=1).books.state


def _agree_with_the_engine(export: Exports, ours: LedgerState, known: set[str]) -> None:
    trades = export.table("trades")
    assert known <= {row["trade_id"] for row in trades}
    assert {row["strategy"] for row in trades} == {"trend_following_v1"}
    positions = export.table("positions")
    assert [(row["pair"], D(row["base_size"]), D(row["cost_basis"])) for row in positions] == [
        (each.pair, each.size, each.cost) for each in ours.positions.values()
    ]
    made = _total(trades, "realized_pnl")
    assert made == _total(positions, "realized_pnl")
    assert made == ours.realized_pnl
    # What was made is the gains of sales less the fees of purchases, which no sale bears. The exchange's own
    # rows, with four decimals where trades have five, are the final truth.
    gains = _total(export.table("pnl"), "gain")
    bought = _total([row for row in trades if row["side"] == "buy"], "fee")
    little = D("0.0001") * len(trades)
    assert abs(made - (gains - bought)) < little
    cash = _total([row for row in export.table("cash-flows") if row["asset"] == "USD"], "amount")
    held = {row["base_asset"]: D(row["base_size"]) for row in positions}
    for row in trades:
        sign = 1 if row["side"] == "sell" else -1
        cash += sign * D(row["cost"]) - D(row["fee"])
        held[row["pair"].removesuffix("USD")] += sign * D(row["volume"])
    assert abs(cash - ours.balances["USD"]) < little
    assert all(abs(left) < D("1e-8") for left in held.values()), "purchases less sales are positions"


def _say_the_same_in_every_format(export: Exports) -> None:
    for which, columns in COLUMNS.items():
        table = export.table(which)
        objects = json.loads(export(which, "--format", "json"))
        frame = _frame(export, which)
        assert frame.columns == columns.split(",")
        assert len(objects) == frame.height == len(table)
        for row, one in zip(table, objects, strict=True):
            assert [row[name] or None for name in row] == [_spelled(one[name]) for name in row]
    total = _frame(export, "trades")["cost"].sum()
    assert D(str(total)) == _total(export.table("trades"), "cost")


def _frame(export: Exports, which: str) -> pl.DataFrame:
    content = export(which, "--format", "parquet")
    return pl.read_parquet(io.BytesIO(content))  # noqa: TID251 - what a user does


def _total(rows_: list[dict[str, str]], column: str) -> Decimal:
    return sum((D(row[column]) for row in rows_), D(0))


def _spelled(cell: object) -> str | None:
    return str(cell).lower() if isinstance(cell, bool) else None if cell is None else str(cell)


def _close_at_a_time(export: Exports) -> None:
    trades = export.table("trades")
    cut = trades[-1]["time"]
    before = [row for row in trades if row["time"] < cut]
    assert export.table("trades", "--until", cut) == before
    assert export.table("trades", "--since", cut) == trades[len(before) :]
    held = {row["pair"] for row in export.table("positions", "--until", cut)}
    assert held == {row["pair"] for row in before}
    quantities = {
        _total(export.table("pnl", "--cost-basis", method), "quantity")
        for method in ("wac", "fifo", "lifo", "hifo")
    }
    assert len(quantities) == 1, "however sales are matched, what is sold is the same"
