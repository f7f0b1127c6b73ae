"""What counts as a live value."""

from datetime import timedelta
from decimal import Decimal

import msgspec
import pytest

from krakked_tui.decision import effects as f
from krakked_tui.decision import events as e
from krakked_tui.decision.account import drawdown_pct
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.domain.records import (
    DayStartSaved,
    LedgerEntrySaved,
    SnapshotSaved,
    SnapshotsPruned,
    StoredState,
)
from krakked_tui.domain.safety import DayStart, FlowCount
from krakked_tui.market.freshness import Freshness
from krakked_tui.portfolio.settings import PortfolioSettings
from tests.scenarios.stage import PRICE, T0, Stage, recorded


@pytest.mark.parametrize(
    ("freshness", "stale"),
    [
        (Freshness.FRESH, False),
        (Freshness.CHECKED, False),
        (Freshness.QUIET, False),
        (Freshness.STALE, True),
    ],
)
def test_a_quiet_market_is_good_enough_for_a_value(
    xbtusd: PairMetadata, freshness: Freshness, *, stale: bool
) -> None:
    stage = Stage(xbtusd).ready()
    stage.bought()
    mark = msgspec.structs.replace(stage.mark(PRICE), age=95.0, freshness=freshness)
    stage.play(e.Priced(stage.at, stage.wall, {xbtusd.canonical: mark}))
    assert stage.state.valuation is not None
    assert stage.state.valuation.stale is stale


def lines(stage: Stage, event: str) -> list[f.Log]:
    return [effect for effect in stage.effects if isinstance(effect, f.Log) and effect.event == event]


def test_the_days_opening_is_taken_again_when_equity_is_reckoned_by_other_rules(xbtusd: PairMetadata) -> None:
    stage = Stage(xbtusd).ready()
    opening = stage.state.day_start
    assert opening is not None
    rows = tuple(r.entry for r in stage.records if isinstance(r, LedgerEntrySaved))
    stored = StoredState("abc", "test", entries=rows, day_start=opening)
    for settings, retaken in (
        (PortfolioSettings(), False),
        (PortfolioSettings(exclude_assets=("ETH",)), True),
    ):
        again = Stage(xbtusd, stored=stored, portfolio=settings)
        again.synced()
        outcome = again.priced(PRICE)
        assert bool(recorded(outcome, DayStartSaved)) is retaken
        assert bool(lines(again, "day_start_retaken")) is retaken
        assert again.state.day_start == msgspec.structs.replace(opening, basis=settings.basis)


def test_of_an_opening_without_a_basis_the_equity_stays_and_the_flows_are_retaken(
    xbtusd: PairMetadata,
) -> None:
    stage = Stage(xbtusd).ready()
    rows = tuple(r.entry for r in stage.records if isinstance(r, LedgerEntrySaved))
    old = DayStart(T0.date().isoformat(), Decimal(10_500), Decimal(77))
    again = Stage(xbtusd, stored=StoredState("abc", "test", entries=rows, day_start=old))
    again.synced()
    again.priced(PRICE)
    assert again.state.day_start == DayStart(
        old.day, old.equity, Decimal(10_000), PortfolioSettings().basis,
        flows=FlowCount(Decimal(10_000), Decimal(10_000)),
    )  # fmt: skip
    assert again.state.kill_switch.active is False
    assert drawdown_pct(again.state) == Decimal(100) * 500 / 10_500


def test_the_equity_curve_is_thinned_out_once_a_day(xbtusd: PairMetadata) -> None:
    old = [
        SnapshotSaved(T0 - timedelta(days=days, hours=hours), Decimal(1), Decimal(1), Decimal(0), Decimal(0))
        for days in (40, 35, 10)
        for hours in (3, 2, 1)
    ]
    stage = Stage(xbtusd, stored=StoredState("abc", "test", snapshots=tuple(old))).ready()
    (pruned,) = [record for record in stage.records if isinstance(record, SnapshotsPruned)]
    assert pruned.times == tuple(one.at for one in old[:6] if one.at.hour != 23)
    kept = [one for one in old if one.at not in pruned.times]
    assert stage.state.snapshots[:-1] == kept
    assert len(kept) == 5
    stage.priced(PRICE)
    assert len([record for record in stage.records if isinstance(record, SnapshotsPruned)]) == 1
    stage.at += timedelta(days=1)
    stage.priced(PRICE)
    assert stage.state.pruned == stage.at.date().isoformat()
