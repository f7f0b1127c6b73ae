"""All built-in strategies at once, on a local Kraken: what was decided, what came of it, what was held."""

import os
import subprocess
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from krakked_tui.control.risk_view import Explanation
from krakked_tui.domain.orders import LocalOrder, Purpose, Side
from krakked_tui.domain.plans import NET, ActionType, DecisionRecord, RiskAdjustedAction, Verdict
from krakked_tui.risk.replay import decide_again
from tests.integration.processes import PATIENCE, PROGRAM, running_engine, running_sandbox_process
from tests.integration.strategy_books import ZERO, Books, repeated
from tests.integration.strategy_desk import wait_until, write_home
from tests.integration.strategy_limits import Checker, Limits, Market

FIVE = ("breakout_v1", "dca_rebalance_v1", "mean_reversion_v1", "momentum_rotation_v1", "trend_following_v1")
CONFIG = f"""
[strategies]
enabled = {list(FIVE)}

[strategies.configs.trend_following_v1]
timeframes = ["1m", "5m"]
max_positions = 4

[strategies.configs.mean_reversion_v1]
timeframes = ["1m"]
params = {{ enter_below = -1.0, rsi_enter_below = 50.0 }}

[strategies.configs.breakout_v1]
timeframes = ["1m"]
min_signal_confidence = 0.5
params = {{ entry_bars = 10, exit_bars = 5 }}

[strategies.configs.momentum_rotation_v1]
timeframes = ["1m"]
params = {{ lookback_bars = 15, every_bars = 3 }}

[strategies.configs.dca_rebalance_v1]
timeframes = ["1m"]
params = {{ amount_usd = 60.0, every_bars = 2, most_usd = 600.0, band_pct = 1.0 }}

[execution]
max_order_notional_usd = 250

[risk]
max_open_positions = 8
max_portfolio_risk_pct = 4.0
max_per_strategy_pct = {{ momentum_rotation_v1 = 12.0 }}

[risk.protections]
cooldown_minutes = 5
stop_guard_count = 0
max_entries_per_day = 60
"""
LIMITS = Limits(
    risk_per_trade_pct=Decimal(1),
    portfolio_risk_pct=Decimal(4),
    open_positions=8,
    per_asset_pct=Decimal(5),
    per_strategy_pct={"momentum_rotation_v1": Decimal(12)},
    positions={**dict.fromkeys(FIVE, 6), "trend_following_v1": 4, "momentum_rotation_v1": 5},
    entries_per_day=60,
)
SHORT, LONG = 40, 500
BOUGHT_MIN = 10


class Run(msgspec.Struct, frozen=True):
    """What is left of a run: the log, the summary, the books, the exchange's truth and its market."""

    log: list[dict[str, Any]]
    summary: dict[str, Any]
    books: Books
    truth: dict[str, Any]
    market: Market


def _run(home: Path, cycles: int, seed: int, seconds: float) -> Run:
    write_home(home, CONFIG)
    with running_sandbox_process("--speed", "300", "--seed", str(seed)) as sandbox:
        with running_engine(sandbox, home) as engine:
            engine.wait_for("strategy_cycle", count=cycles, seconds=seconds)
            # A slow machine misses candles here, and buys nothing before it has read them.
            wait_until(engine, "order_submitted", BOUGHT_MIN, seconds, purpose="entry")
            sandbox.clock(action="pause")
            summary = engine.stop()
        books = Books(home)
        return Run(engine.lines, summary, books, sandbox.state(), Market(sandbox, books))


def _check(run: Run, cycles: int) -> None:
    _check_decisions(run, cycles)
    _check_orders(run)
    _check_carried_out(run)
    _check_positions(run)
    assert Checker(run.books, run.market, LIMITS).violations() == []
    assert run.summary["errors"] == 0, [x for x in run.log if x["level"] in {"error", "critical"}]


def _check_decisions(run: Run, cycles: int) -> None:
    """Every cycle has one decision on record, which its stored inputs give again."""
    decisions = run.books.decisions
    assert len(decisions) == run.summary["cycles"] >= cycles
    assert not repeated([(each.candle_time, each.timeframes) for each in decisions])
    told = {line["plan_id"]: line for line in run.log if line["event"] == "strategy_cycle"}
    assert told.keys() <= {each.plan_id for each in decisions}
    for each in decisions:
        assert bool(each.inputs) == bool(each.intents)
        assert each.inputs == b"" or decide_again(each.inputs) == each.actions, each.plan_id
        assert len(each.intents) == sum(_intents(action) for action in each.actions), each.plan_id
        if each.plan_id in told:
            line = told[each.plan_id]
            assert (line["intents"], line["blocked"]) == (len(each.intents), each.blocked_count)
    wishes = {intent.strategy_id for each in decisions for intent in each.intents}
    assert wishes == set(FIVE), "a strategy never wanted anything"


def _intents(action: RiskAdjustedAction) -> int:
    """How many intents end in an action."""
    return len(action.shares) or 1


def _check_orders(run: Run) -> None:
    """Every order was decided: its volume is what its shares add up to, and what its action allowed."""
    plans = {each.plan_id: each for each in run.books.decisions}
    at_exchange = {order["cl_ord_id"] for order in run.truth["orders"]}
    assert at_exchange == {order.cl_ord_id for order in run.books.orders if order.kraken_order_id}
    for order in run.books.orders:
        assert sum((share.size for share in order.shares), ZERO) == order.request.volume
        assert all(share.size > ZERO for share in order.shares)
        assert [share.strategy_id for share in order.shares] == sorted({s.strategy_id for s in order.shares})
        owner = order.shares[0].strategy_id if len(order.shares) == 1 else NET
        assert order.strategy_id == owner
        if order.purpose is Purpose.STOP:
            assert order.request.side is Side.SELL
            continue
        (action,) = [a for a in plans[order.plan_id].actions if a.pair == order.request.pair and a.shares]
        if order.purpose is Purpose.ENTRY:
            assert action.shares == order.shares
            assert action.target_base_size - action.current_base_size == order.request.volume


def _check_carried_out(run: Run) -> None:
    """What was decided was ordered, or the log says why not; and it has passed every limit."""
    orders = {(order.plan_id, order.request.pair) for order in run.books.orders}
    skipped = {line.get("pair") for line in run.log if line["event"] in {"exit_skipped", "close_waits"}}
    bought = 0
    for record in run.books.decisions:
        for action in record.actions:
            if action.blocked:
                assert action.blocked_reasons
                assert action.action_type is ActionType.NONE
            elif action.action_type in {ActionType.OPEN, ActionType.INCREASE}:
                bought += 1
                assert (record.plan_id, action.pair) in orders, action
                assert action.checks
                assert not [check for check in action.checks if check.verdict is Verdict.BLOCKED]
            elif action.action_type is not ActionType.NONE:
                assert (record.plan_id, action.pair) in orders or action.pair in skipped, action
    assert bought >= BOUGHT_MIN, "hardly anything was bought"


def _check_positions(run: Run) -> None:
    """What strategies hold, replayed from the fills of their orders, is what the exchange says there is."""
    balances = {asset: Decimal(amount) for asset, amount in run.truth["balances"].items()}
    held = run.books.positions()
    assert {run.market.bases[pair]: size for pair, size in held.items() if size} == {
        asset: amount for asset, amount in balances.items() if amount and asset != "ZUSD"
    }
    # Krakked's own books say the same, but for dust that a new share does not take over.
    replayed, parts = run.books.replayed(), run.books.shares()
    for pair, size in held.items():
        ours = replayed[pair].size if pair in replayed else ZERO
        assert ZERO <= size - ours < run.market.least[pair], pair
        for share in replayed[pair].shares if pair in replayed else ():
            split = parts[pair].get(share.strategy_id, ZERO)
            assert abs(split - share.size) < run.market.least[pair], (pair, share.strategy_id)


def _check_explained(run: Run, home: Path) -> None:
    """``explain`` tells of an order what the journal has, digit for digit."""
    sold = next(order for order in run.books.orders if order.filled and order.purpose is Purpose.EXIT)
    told = msgspec.json.decode(_explain(home, sold.cl_ord_id, "--json"), type=Explanation)
    record = next(each for each in run.books.decisions if each.plan_id == sold.plan_id)
    assert (told.plan_id, told.focus, told.at) == (sold.plan_id, sold.cl_ord_id, record.time)
    assert told.candle_time == record.candle_time
    _check_chain(run, told, record, sold)
    # A stop was not decided at a candle: there is the order, and what came of it.
    stop = next(order for order in run.books.orders if order.filled and order.purpose is Purpose.STOP)
    text = _explain(home, stop.kraken_order_id or "").replace(",", "")
    for number in (stop.request.volume, stop.avg_fill_price):
        assert f"{number.normalize():f}" in text


def _check_chain(run: Run, told: Explanation, record: DecisionRecord, order: LocalOrder) -> None:
    intents = [(i.strategy_id, i.pair, i.confidence, i.close, i.stop_price) for i in record.intents]
    assert [(i.strategy_id, i.pair, i.confidence, i.close, i.stop_price) for i in told.intents] == intents
    for action, line in zip(record.actions, told.actions, strict=True):
        assert (line.pair, line.current, line.target, line.reason, line.blocked) == (
            action.pair, action.current_base_size, action.target_base_size, action.reason, action.blocked,
        )  # fmt: skip
        assert line.shares == tuple((share.strategy_id, share.size) for share in action.shares)
        assert [(c.limit, c.current, c.would_be, c.threshold, c.verdict) for c in line.checks] == [
            (c.limit, c.current, c.would_be, c.threshold, c.verdict) for c in action.checks
        ]
    (made,) = [each for each in told.orders if each.cl_ord_id == order.cl_ord_id]
    assert (made.pair, made.volume, made.filled, made.avg_fill_price, made.status) == (
        order.request.pair, order.request.volume, order.filled, order.avg_fill_price, order.status,
    )  # fmt: skip
    trades = {fill.trade.trade_id: fill.trade for fill in run.books.fills if fill.order is order}
    lines = [each for each in told.fills if each.cl_ord_id == order.cl_ord_id]
    assert {each.trade_id: (each.volume, each.price, each.at) for each in lines} == {
        trade_id: (trade.volume, trade.price, trade.time) for trade_id, trade in trades.items()
    }
    for each in lines:
        trade = trades[each.trade_id]
        assert each.fee == " + ".join(f"{fee.amount:f} {fee.asset}" for fee in trade.fees)
        assert each.pnl is not None


def _explain(home: Path, name: str, *arguments: str) -> str:
    done = subprocess.run(
        [*PROGRAM, "explain", name, "--profile", "demo", *arguments],
        env={**os.environ, "KRAKKED_HOME": str(home)}, capture_output=True, text=True, timeout=PATIENCE,
        check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.mark.timeout(120)
def test_everything_the_five_strategies_did_is_accounted_for(tmp_path: Path) -> None:
    run = _run(tmp_path / "home", SHORT, seed=7, seconds=PATIENCE)
    _check(run, SHORT)
    _check_explained(run, tmp_path / "home")


@pytest.mark.long
@pytest.mark.timeout(900)
def test_everything_the_five_strategies_did_is_accounted_for_long(tmp_path: Path) -> None:
    run = _run(tmp_path / "home", LONG, seed=11, seconds=600)
    _check(run, LONG)
    assert any(order.strategy_id == NET for order in run.books.orders), "no order was shared"
