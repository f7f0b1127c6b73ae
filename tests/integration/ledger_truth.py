"""What an engine stored and says of its account, held against the local exchange's own truth.

The sums here are made of the exchange's rows and prices by plain decimal arithmetic; of the product only the
database is read, and where it says so, its own replay of what is stored.
"""

import asyncio
import json
import os
import subprocess
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from krakked_tui.decision.state import CoreSettings, open_state
from krakked_tui.portfolio.ledger import Books
from krakked_tui.storage.journal_reader import read_journal
from krakked_tui.storage.universe_cache import UniverseFile
from tests.integration.processes import PATIENCE, PROGRAM, SandboxProcess, rows

D = Decimal
CASH = "USD"
Cells = tuple[object, ...]


class Truth(NamedTuple):
    """The exchange's account at one instant; assets by their alternate names, ledger and trades by id."""

    balances: dict[str, Decimal]
    held: dict[str, Decimal]
    ledger: dict[str, Cells]
    trades: dict[str, Cells]

    def available(self, asset: str) -> Decimal:
        """What can be spent of an asset."""
        return self.balances.get(asset, D(0)) - self.held.get(asset, D(0))

    def summed(self) -> dict[str, Decimal]:
        """The balances that the ledger's rows add up to."""
        sums: dict[str, Decimal] = {}
        for row in self.ledger.values():
            asset, amount, fee = row[-4:-1]
            assert isinstance(amount, Decimal)
            assert isinstance(fee, Decimal)
            sums[str(asset)] = sums.get(str(asset), D(0)) + amount - fee
        return sums


class Point(NamedTuple):
    """The newest stored point of the equity curve."""

    equity: Decimal
    cash: Decimal
    realized: Decimal


def asset_names(sandbox: SandboxProcess) -> dict[str, str]:
    """Every listed asset's alternate name, by its id."""
    return {raw: row["altname"] for raw, row in sandbox.public("Assets").items()}


def read_truth(sandbox: SandboxProcess, names: Mapping[str, str]) -> Truth:
    """Ask the exchange for the truth."""
    state = sandbox.state()

    def named(amounts: Mapping[str, str]) -> dict[str, Decimal]:
        return {names.get(raw, raw): D(amount) for raw, amount in amounts.items()}

    ledger: dict[str, Cells] = {
        row["id"]: (
            row["refid"], _instant(row["time"]), row["type"], row["subtype"],
            names.get(row["asset"], row["asset"]), D(row["amount"]), D(row["fee"]), D(row["balance"]),
        )
        for row in state["ledger"]
    }  # fmt: skip
    trades: dict[str, Cells] = {
        row["txid"]: (
            row["ordertxid"], row["pair"], row["type"], D(row["price"]), D(row["volume"]), D(row["cost"]),
            _instant(row["time"]), row["maker"],
        )
        for row in state["trades"]
    }  # fmt: skip
    return Truth(named(state["balances"]), named(state["holds"]), ledger, trades)


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def prices(sandbox: SandboxProcess) -> dict[str, Decimal]:
    """What one of each asset is worth in dollars now: the last trade inside the spread, else its middle."""
    listed = sandbox.public("AssetPairs")
    names = {raw: row for raw, row in listed.items() if row["quote"] == "ZUSD"}
    found = {CASH: D(1)}
    for raw, row in sandbox.public("Ticker").items():
        if raw not in names:
            continue
        ask, bid, last = D(row["a"][0]), D(row["b"][0]), D(row["c"][0])
        found[names[raw]["altname"].removesuffix(CASH)] = last if bid <= last <= ask else (bid + ask) / 2
    return found


def base_of(name: str) -> str:
    """The asset that a balance of this name is a form of."""
    return name.partition(".")[0]


def equity(truth: Truth, worth: Mapping[str, Decimal]) -> Decimal:
    """What everything is worth; nothing, where nothing says it."""
    return sum((amount * worth.get(base_of(name), D(0)) for name, amount in truth.balances.items()), D(0))


def cash(truth: Truth) -> Decimal:
    """All dollars, in whatever form."""
    return sum((amount for name, amount in truth.balances.items() if base_of(name) == CASH), D(0))


def newest_point(home: Path) -> Point | None:
    """The newest stored point of the equity curve."""
    found = rows(home, "SELECT equity, cash, realized_pnl FROM equity_snapshots ORDER BY at DESC LIMIT 1")
    return Point(*map(D, found[0])) if found else None


def row_differences(truth: Truth, home: Path) -> list[str]:
    """What is stored otherwise than the exchange has it: missing, twice, made up, or with other contents."""
    ledger = rows(
        home, "SELECT entry_id, refid, time, type, subtype, asset, amount, fee, balance FROM ledger_entries"
    )
    trades = rows(
        home, "SELECT trade_id, kraken_order_id, pair, side, price, volume, cost, time, maker FROM trades"
    )
    ours = [
        (entry_id, (refid, _stored_time(time), *texts, *map(D, numbers)))
        for entry_id, refid, time, *rest in ledger
        for texts, numbers in ((rest[:3], rest[3:]),)
    ]
    made = [
        (trade_id, (order_id, pair, side, *map(D, numbers), _stored_time(time), bool(maker)))
        for trade_id, order_id, pair, side, *numbers, time, maker in trades
    ]
    return [*_differences("row", truth.ledger, ours), *_differences("trade", truth.trades, made)]


def _stored_time(micros: int) -> datetime:
    seconds, rest = divmod(micros, 1_000_000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest)


def _differences(what: str, told: Mapping[str, Cells], kept: Sequence[tuple[str, Cells]]) -> list[str]:
    ours = dict(kept)
    twice = [key for key, count in Counter(key for key, _ in kept).items() if count > 1]
    return [
        *(f"{what} {key} is stored twice" for key in twice),
        *(f"{what} {key} is missing: {told[key]}" for key in told.keys() - ours.keys()),
        *(f"{what} {key} was made up: {ours[key]}" for key in ours.keys() - told.keys()),
        *(
            f"{what} {key} is {told[key]}, stored as {ours[key]}"
            for key in told.keys() & ours.keys()
            if told[key] != ours[key]
        ),
    ]


def replayed(home: Path) -> Books:
    """The product's own books, made anew from every stored row."""
    stored = read_journal(home / "data/demo/krakked.db")
    assert stored is not None
    [universe] = (home / "data/demo").glob("universe-*.json")
    listed = asyncio.run(UniverseFile(universe).load())
    assert listed is not None
    known = {pair.canonical: pair for pair in listed.pairs}
    return open_state(stored, CoreSettings(strategies=()), known, first_number=1).books


def exported(home: Path, which: str) -> list[dict[str, Any]]:
    """What the command exports of the demo's books."""
    inherited = {name: text for name, text in os.environ.items() if not name.startswith("KRAK")}
    done = subprocess.run(
        [*PROGRAM, "export", which, "--profile", "demo", "--format", "json"],
        capture_output=True, timeout=PATIENCE, check=False, stdin=subprocess.DEVNULL,
        env={**inherited, "KRAKKED_HOME": str(home)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found
