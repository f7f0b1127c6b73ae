"""An account that its owner uses beside the bot, while the bot trades, is stopped and killed.

Now and then the exchange's clock stands still, and what the engine says of it is held against the truth.
"""

import json
import time
from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from itertools import cycle
from pathlib import Path
from typing import Any, NamedTuple

from krakked_tui.domain.precision import half_up
from tests.integration import ledger_truth as truths
from tests.integration.ledger_acts import PRICELESS, QUIET_PART, Acts, Flow
from tests.integration.ledger_truth import D, Truth
from tests.integration.processes import PATIENCE, EngineProcess, SandboxProcess

TRADED = (
    "XBTUSD", "ETHUSD", "SOLUSD", "DOTUSD", "XRPUSD", "XDGUSD", "ADAUSD", "SUIUSD", "XMRUSD", "RIVERUSD",
    "PEPEUSD",
)  # fmt: skip
"""Pairs that the strategies trade: in each something is traded every few seconds."""
SETTINGS = {
    "KRAKKED__UNIVERSE__MIN_24H_VOLUME_USD": "100000000000",
    "KRAKKED__UNIVERSE__INCLUDE_PAIRS": json.dumps(TRADED),
    "KRAKKED__SCHEDULER__PORTFOLIO_SYNC_SECONDS": "1",
    "KRAKKED__SCHEDULER__SNAPSHOT_SECONDS": "60",
}
POLL_SECONDS = 0.1
AT_ONCE_SECONDS = 2.0
"""Within which an engine mostly knows everything."""
JUMP_EVERY_SECONDS = 6.0
"""Until an engine has looked at the exchange's clock, and a little longer."""
JUMP_SECONDS = 600.0
"""Further than an engine's clock can have run ahead by then, and long enough for trades everywhere."""
BESIDES_MAX = 12
"""Quiet acts that one report may count along with a loud one."""

DRIFTS = (
    ("XBT", D("0.01")),
    ("", D(0)),
    ("USD", D("-25.5")),
    ("XBT.F", D("0.005")),
    ("", D(0)),
    ("ETH", D("0.1")),
)
"""What is injected, by turns: in what, and how much; without an asset a deposit whose row comes late."""
LATE = ("SOL", D(40))
LATE_SECONDS = 120.0
"""Longer than a drift is looked at."""

REPORT, DRIFT, CLEARED = "external_activity", "portfolio_drift", "portfolio_drift_cleared"
TROUBLE = frozenset(
    {"task_failed", "engine_failed", "order_inconsistent", "trade_unknown_pair", "close_failed"}
)
FINDINGS = frozenset({"in_transit", "flow_unvalued"})
"""What the books may find: half of a transfer, and the credit that nothing says a price of."""

WORTH_OFF_MAX = D("0.05")
"""How far a price may have moved between an act and its booking, as a part of it."""


class Tally(NamedTuple):
    """What a scene has come to."""

    acts: Counter[str]
    stops: int
    kills: int
    drifts: int
    checks: int
    rows: int
    trades: int
    own_trades: int
    flows: int

    def __str__(self) -> str:
        kinds = ", ".join(f"{count} x {name}" for name, count in sorted(self.acts.items()))
        return (
            f"{sum(self.acts.values())} acts ({kinds}); {self.stops} stops, {self.kills} kills, {self.drifts}"
            f" drifts, {self.checks} checks; {self.rows} ledger rows, {self.trades} trades ({self.own_trades}"
            f" by the bot), {self.flows} cash flows: no difference"
        )


class LedgerScene:
    """One account, its owner and the engines that follow each other on it."""

    def __init__(self, sandbox: SandboxProcess, home: Path, seed: int) -> None:
        self.sandbox = sandbox
        self.acts = Acts(sandbox, seed)
        self.kills = self.stops = self.drifts = self.checks = 0
        self._home = home
        self._drifts = cycle(DRIFTS)
        self._lines: list[dict[str, Any]] = []
        self._drift_lines = 0
        self._engine: EngineProcess | None = None

    @property
    def engine(self) -> EngineProcess:
        """The one that runs."""
        assert self._engine is not None
        return self._engine

    def start(self) -> None:
        """Start an engine on what the ones before it left."""
        self._engine = EngineProcess(self.sandbox, self._home, **SETTINGS)
        self.engine.wait_for("engine_started")

    def kill(self) -> None:
        """End the engine in the middle of whatever it does."""
        self.engine.kill()
        self._gone()
        self.kills += 1

    def stop(self) -> None:
        """Stop the engine while the clock stands still: the last thing it says is right to the cent."""
        self.check()
        summary = self.engine.stop()
        truth = self.acts.truth()
        whole = self._equity(truth, truths.prices(self.sandbox))
        assert D(summary["equity"]) == half_up(whole, 2), (whole, summary)
        assert not truths.row_differences(truth, self._home)
        self._gone()
        self.stops += 1
        self.check_replay()
        self.sandbox.clock(action="resume")

    def close(self) -> None:
        """End the engine if one runs."""
        if self._engine is not None:
            self._engine.kill()

    def quietly(self, name: str) -> None:
        """Do something that is not worth a report."""
        self.acts.do(name)

    def loudly(self, name: str, *, restart: bool = False) -> None:
        """Do something that is worth one, and wait for it; perhaps while no engine runs."""
        self.acts.worth = D(0)
        self.acts.do(name)
        if restart:
            self.start()
        told = self.engine.events(REPORT)[-1:] if restart else []
        line = told[0] if told else self.engine.wait_for(REPORT)
        worth, reported = self.acts.worth, D(line["traded"]) + D(line["flowed"])
        besides = BESIDES_MAX * 2 * QUIET_PART * D(line["equity_before"])
        assert worth * (1 - WORTH_OFF_MAX) <= reported <= worth * (1 + WORTH_OFF_MAX) + besides, (name, line)
        assert D(line["percent"]) > 1

    def drift(self, *, killed: bool = False) -> None:
        """Let a balance change and no ledger row say why, until one does or the change is taken back.

        Perhaps the engine is killed in between.
        """
        asset, amount = next(self._drifts)
        self._settle()
        if asset:
            self.acts.unexplained(asset, amount)
        else:
            self.sandbox.fault(kind="late_entries", where="Ledgers", seconds=LATE_SECONDS)
            asset, amount = LATE[0], self.acts.deposit(*LATE)
        self._await_drift(asset, amount)
        if killed:
            self.kill()
            self.start()
            if not self.engine.events(DRIFT):
                self._await_drift(asset, amount)
        if self.sandbox.faults():
            self.sandbox.forget_faults()
        else:
            self.acts.unexplained(asset, -amount)
        self.engine.wait_for(CLEARED)
        self._drift_lines = len(self._said(DRIFT))
        self.drifts += 1

    def _settle(self) -> None:
        """Wait until the engine has stored all that there is."""
        give_up = time.monotonic() + PATIENCE
        while found := truths.row_differences(self.acts.truth(), self._home):
            assert time.monotonic() < give_up, found[:5]
            self.engine.drain(POLL_SECONDS)

    def _await_drift(self, asset: str, amount: Decimal) -> None:
        line = self.engine.wait_for(DRIFT)
        assert line["asset"] == truths.base_of(asset)
        assert D(line["actual"]) - D(line["expected"]) == amount, (amount, line)

    def check(self) -> None:
        """Let the clock stand still until the engine knows everything, which is then the truth.

        It hears of a price with every trade, so that the spread may have moved on since. After a jump all
        that is held has just been traded, and everybody knows the same prices.
        """
        self.sandbox.clock(action="pause")
        started = time.monotonic()
        jump_at = started + AT_ONCE_SECONDS
        while (found := self._differences()) and time.monotonic() < started + PATIENCE:
            self.engine.drain(POLL_SECONDS)
            if time.monotonic() > jump_at:
                jump_at = time.monotonic() + JUMP_EVERY_SECONDS
                self.sandbox.clock(action="jump", seconds=JUMP_SECONDS)
        assert not found, found[:5]
        self.checks += 1
        self._check_log()

    def _differences(self) -> list[str]:
        truth, worth = self.acts.truth(), truths.prices(self.sandbox)
        summed = {name: amount for name, amount in truth.summed().items() if amount}
        assert summed == {name: amount for name, amount in truth.balances.items() if amount}
        found = truths.row_differences(truth, self._home)
        point = truths.newest_point(self._home)
        if point is None:
            return [*found, "no equity was ever stored"]
        whole, cash = self._equity(truth, worth), truths.cash(truth)
        if point.equity != whole:
            found.append(f"equity is {whole}, stored as {point.equity}")
        if point.cash != cash:
            found.append(f"cash is {cash}, stored as {point.cash}")
        return found or self._unlike_replay(point)

    def _unlike_replay(self, point: truths.Point) -> list[str]:
        """What is booked from zero, when the prices of the past are there, is what the engine says."""
        books = truths.replayed(self._home)
        wanted = {rate.asset for rate in books.wanted_rates} - {PRICELESS}
        if wanted:
            return [f"past prices of {wanted} are missing"]
        made = books.state.realized_pnl
        return [] if made == point.realized else [f"{made} was made, stored as {point.realized}"]

    def _equity(self, truth: Truth, worth: Mapping[str, Decimal]) -> Decimal:
        """What everything is worth: also what has left one form and not arrived in the other."""
        held = truths.equity(truth, worth)
        if self.acts.apart is None:
            return held
        coin, amount = self.acts.apart
        return held + amount * worth[coin]

    def check_replay(self) -> None:
        """What is stored, booked from zero, is what the exchange has."""
        truth, state = self.acts.truth(), truths.replayed(self._home).state
        ours = {name: amount for name, amount in state.balances.items() if amount}
        assert ours == {name: amount for name, amount in truth.balances.items() if amount}
        assert state.accounts[truths.CASH].size == truths.cash(truth)

    def check_flows(self) -> None:
        """Every cash flow is told once, as what it is, and by about its worth; nothing else is."""
        told = truths.exported(self._home, "cash-flows")
        expected = sorted(self.acts.flows, key=_identity)
        found = sorted(
            (
                Flow(
                    row["type"],
                    row["asset"],
                    D(row["amount"]),
                    None if row["value"] is None else D(row["value"]),
                )
                for row in told
            ),
            key=_identity,
        )
        told_ones, due = Counter(map(_identity, found)), Counter(map(_identity, expected))
        assert told_ones == due, (told_ones - due, due - told_ones)
        for ours, theirs in zip(found, expected, strict=True):
            if theirs.worth is not None:
                assert ours.worth is not None, ours
                assert abs(ours.worth - theirs.worth) <= abs(theirs.worth) * WORTH_OFF_MAX + D("0.01"), (
                    ours,
                    theirs,
                )

    def _check_log(self) -> None:
        """Nothing broke, nothing drifted that was not made to, and nothing was found odd that is not."""
        assert not [line for line in self._all_lines() if line["event"] in TROUBLE]
        assert len(self._said(DRIFT)) == self._drift_lines, self._said(DRIFT)
        odd = [line for line in self._said("books_finding") if line["kind"] not in FINDINGS]
        assert not odd, odd

    def check_reports(self) -> None:
        """There is one report for each loud act, and none of anything else."""
        loud = sum(count for name, count in self.acts.done.items() if name in self.acts.loud)
        assert len(self._said(REPORT)) == loud, self._said(REPORT)

    def tally(self) -> Tally:
        """What has come together."""
        truth = self.acts.truth()
        state = self.sandbox.state()
        own = sum(row["cl_ord_id"] is not None for row in state["trades"])
        return Tally(
            self.acts.done, self.stops, self.kills, self.drifts, self.checks, len(truth.ledger),
            len(truth.trades), own, len(self.acts.flows),
        )  # fmt: skip

    def _gone(self) -> None:
        self._lines += self.engine.lines
        self._engine = None

    def _all_lines(self) -> list[dict[str, Any]]:
        return [*self._lines, *(self._engine.lines if self._engine is not None else ())]

    def _said(self, event: str) -> list[dict[str, Any]]:
        return [line for line in self._all_lines() if line["event"] == event]


def _identity(flow: Flow) -> tuple[str, str, Decimal]:
    return flow.kind, flow.asset, flow.amount
