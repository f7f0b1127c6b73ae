"""Transcripts: what the books of an account do to trading."""

from decimal import Decimal

import pytest

from krakked_tui.decision.account import drawdown_pct
from krakked_tui.domain.fills import LedgerEntry
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.domain.records import DecisionSaved, LedgerEntrySaved
from krakked_tui.portfolio.settings import PortfolioSettings
from tests.scenarios.stage import PRICE, Stage, recorded


def row(stage: Stage, number: int, kind: str, asset: str, amount: str) -> LedgerEntry:
    return LedgerEntry(
        f"L{number}", f"R{number}", stage.at, kind, "", asset, Decimal(amount), Decimal(0), Decimal(0)
    )


@pytest.fixture
def stage(xbtusd: PairMetadata) -> Stage:
    return Stage(xbtusd).ready()


def test_an_excluded_asset_is_never_opened(xbtusd: PairMetadata) -> None:
    stage = Stage(xbtusd, portfolio=PortfolioSettings(exclude_assets=("XBT",))).ready()
    outcome = stage.cycle(stage.intent())
    (saved,) = recorded(outcome, DecisionSaved)
    [action] = saved.record.actions
    assert action.blocked
    assert "XBT is excluded from the portfolio" in " ".join(action.blocked_reasons)
    assert stage.submitted() == []


def test_a_withdrawal_of_coins_is_no_loss_of_the_day(stage: Stage) -> None:
    stage.bought()
    held = stage.state.books.balance("XBT")
    stage.later(10)
    stage.priced(PRICE * 2)
    before = drawdown_pct(stage.state)
    withdrawal = row(stage, 7, "withdrawal", "XBT", f"-{held}")
    outcome = stage.synced(entries=(withdrawal,))
    assert recorded(outcome, LedgerEntrySaved)
    stage.priced(PRICE * 2)
    assert stage.state.valuation is not None
    assert stage.state.valuation.flow_value == 10_000 - held * PRICE * 2, "it left at what it is worth"
    assert drawdown_pct(stage.state) <= max(before, Decimal(0))
    assert not stage.state.kill_switch.active


def test_staked_coins_are_no_drift_and_cannot_be_sold(stage: Stage) -> None:
    stage.bought()
    held = stage.state.books.balance("XBT")
    out, into = row(stage, 7, "earn", "XBT", f"-{held}"), row(stage, 8, "earn", "XBT.M", f"{held}")
    stage.later(10)
    stage.synced(entries=(out, into))
    assert stage.state.account.drift == ()
    assert stage.state.books.balance("XBT") == 0
    assert stage.state.books.state.positions["XBTUSD"].size == held
    assert stage.state.books.state.realized_pnl < 0, "nothing but the fee of buying"


@pytest.mark.parametrize(("size", "blocked"), [("0.00004", False), ("0.5", True)])
def test_coins_that_came_in_are_a_holding_of_the_operator_unless_they_are_dust(
    stage: Stage, size: str, blocked: bool
) -> None:
    stage.later(10)
    stage.synced(entries=(row(stage, 7, "staking", "XBT", size),))
    stage.priced(PRICE)
    outcome = stage.cycle(stage.intent())
    [action] = recorded(outcome, DecisionSaved)[0].record.actions
    assert action.blocked is blocked
    if blocked:
        assert "max_per_asset_pct" in " ".join(action.blocked_reasons)
