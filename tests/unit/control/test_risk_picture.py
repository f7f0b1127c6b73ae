"""The picture of the limits."""

from datetime import timedelta
from decimal import Decimal

import msgspec
import pytest

from krakked_tui.config.changes import Previewed
from krakked_tui.control.risk_picture import (
    check_lines,
    decision_line,
    preset_changes,
    preview_of,
    risk_view,
    silence_of,
    what_if_of,
)
from krakked_tui.control.risk_view import DecisionLine, ProtectionLine, RiskPreview, SettingChange
from krakked_tui.decision import events as e
from krakked_tui.decision.events import Replaced
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.engine.gates import Gate
from krakked_tui.engine.strategy_risk import Silence, StrategyRiskEngine
from krakked_tui.risk.context import Protection, ProtectionKind
from krakked_tui.risk.presets import PRESETS
from tests.scenarios.stage import RISK, STRATEGY, T0, Stage
from tests.unit.engine.risk_builders import Asked, facts_of

D = Decimal


@pytest.fixture
def stage(xbtusd: PairMetadata) -> Stage:
    return Stage(xbtusd).ready()


def test_every_limit_is_shown_as_it_stands(stage: Stage) -> None:
    stage.bought()
    engine = Asked(stage).engine()
    view, limits = risk_view(engine), engine.get_limits()
    assert len(view.limits) == len(limits)
    for line, limit in zip(view.limits, limits, strict=True):
        assert (line.key, line.name, line.detail, line.unit) == (
            limit.key,
            limit.name,
            limit.subject,
            limit.unit,
        )
        assert (line.value, line.threshold, line.headroom) == (limit.value, limit.threshold, limit.headroom)
        assert line.used_share == limit.used_share
    by_name = {line.name: line for line in view.limits}
    assert by_name["max_open_positions"].toml == "10"
    assert by_name["max_portfolio_risk_pct"].toml == "10.0"
    assert by_name["max_per_asset_pct"].detail == "XBT"
    assert (by_name["cash"].key, by_name["cash"].toml) == ("", "")


def test_the_sums_are_those_of_the_status(stage: Stage) -> None:
    stage.bought()
    engine = Asked(stage).engine()
    view, status = risk_view(engine), engine.get_risk_status()
    assert (view.at, view.equity, view.account_truth) == (stage.at, engine.facts.context.equity, "confirmed")
    assert view.per_asset_pct == tuple(status.per_asset_exposure_pct.items())
    assert [name for name, _ in view.per_strategy_pct] == [STRATEGY.id]
    assert view.open_risk_pct == status.open_risk_pct
    assert view.loss_if_all_stops_hit_usd == status.loss_if_all_stops_hit_usd
    assert view.total_exposure_pct == status.total_exposure_pct
    assert view.daily_drawdown_pct == status.daily_drawdown_pct
    assert (view.refusal, view.drift, view.without_stop) == ("", False, ())
    assert view.presets == ("conservative", "balanced", "aggressive")


def test_the_kill_switch_is_told_with_what_keeps_it_on(stage: Stage) -> None:
    stage.synced(balances={"USD": D(1)})
    stage.synced(balances={"USD": D(1)})
    view = risk_view(Asked(stage).engine())
    assert (view.kill_active, view.kill_cause, view.kill_by, view.kill_since) == (
        True,
        "drift",
        "engine",
        stage.at,
    )
    assert view.kill_reason.startswith("balances differ")
    assert view.kill_persists.startswith("balances differ")
    assert view.drift
    assert view.refusal.startswith("the kill switch is set")


def test_an_operators_kill_switch_persists_by_nothing(stage: Stage) -> None:
    stage.play(e.KillRequested(stage.at, 1, "tui", "fear"))
    view = risk_view(Asked(stage).engine())
    assert (view.kill_active, view.kill_cause, view.kill_reason) == (True, "operator", "fear")
    assert view.kill_persists == ""
    assert risk_view(Asked(Stage(stage.pair).ready()).engine()).kill_cause == ""


def test_whether_manual_positions_count(stage: Stage) -> None:
    assert risk_view(Asked(stage).engine()).include_manual_positions
    without = msgspec.structs.replace(RISK, include_manual_positions=False)
    settings = msgspec.structs.replace(stage.state.settings, risk=without)
    assert not risk_view(Asked(stage).engine(settings=settings)).include_manual_positions


def test_pauses_name_whom_they_are_of(stage: Stage) -> None:
    until = T0 + timedelta(hours=1)
    pauses = (
        Protection(ProtectionKind.COOLDOWN, until, "it lost", pair="XBTUSD"),
        Protection(ProtectionKind.CONSECUTIVE_LOSSES, until, "5 losses", strategy_id="a"),
        Protection(ProtectionKind.STOP_GUARD, until, "3 stops"),
    )
    facts = facts_of(stage)
    context = msgspec.structs.replace(facts.context, protections=pauses)
    view = risk_view(StrategyRiskEngine(msgspec.structs.replace(facts, context=context)))
    assert view.protections == (
        ProtectionLine("cooldown", "XBTUSD", until, "it lost"),
        ProtectionLine("losses in a row", "a", until, "5 losses"),
        ProtectionLine("stop guard", "everything", until, "3 stops"),
    )


@pytest.mark.parametrize("kind", ProtectionKind)
def test_every_kind_of_pause_has_a_name(stage: Stage, kind: ProtectionKind) -> None:
    facts = facts_of(stage)
    context = msgspec.structs.replace(facts.context, protections=(Protection(kind, T0, "why"),))
    (line,) = risk_view(StrategyRiskEngine(msgspec.structs.replace(facts, context=context))).protections
    assert line.kind


def test_a_preview_tells_what_would_be_broken(stage: Stage) -> None:
    stage.bought()
    engine = Asked(stage).engine()
    tighter = msgspec.structs.replace(RISK, max_per_asset_pct=D(10))
    changes = (Replaced("risk.max_per_asset_pct", "50", "10"),)
    preview = preview_of(Previewed(changes, (), tighter, (STRATEGY,)), engine)
    assert preview.changes == (SettingChange("risk.max_per_asset_pct", "50", "10"),)
    (said,) = preview.violated
    assert "max_per_asset_pct" in said
    assert preview_of(Previewed(problems=("no",)), engine) == RiskPreview(problems=("no",))


@pytest.mark.parametrize("preset", PRESETS, ids=lambda each: each.name)
def test_a_preset_is_toml_by_key(preset: object) -> None:
    changes = preset_changes(preset.name)  # type: ignore[attr-defined]
    assert changes is not None
    assert changes["risk.max_open_positions"] == str(preset.settings.max_open_positions)  # type: ignore[attr-defined]
    assert changes["risk.kill_switch_on_drift"] == "true"
    assert len(changes) > 15


def test_a_preset_that_is_none() -> None:
    assert preset_changes("reckless") is None


def test_checks_what_ifs_decisions_and_silences_are_told_digit_for_digit(stage: Stage) -> None:
    stage.cycle(stage.intent())
    engine = StrategyRiskEngine(facts_of(stage, "XBTUSD"))
    found = engine.what_if("XBTUSD", D("100.10"), D(49_000))
    line = what_if_of(found)
    assert (line.pair, line.usd, line.size, line.notional_usd) == (
        "XBTUSD",
        D("100.10"),
        found.size,
        found.notional_usd,
    )
    assert line.checks == check_lines(found.checks)
    assert [check.headroom for check in line.checks] == [check.headroom for check in found.checks]
    assert [check.verdict for check in line.checks] == [check.verdict.value for check in found.checks]
    assert what_if_of(engine.what_if("NO", D(1))).problem.startswith("NO is not known")
    (decided,) = Asked(stage).engine().decided()
    assert decision_line(decided) == DecisionLine(decided.plan_id, stage.at, ("1m",), 1, 1, 0)
    silence = Silence("a", "XBTUSD", Gate.SIGNAL, "no", "1", "2", T0, T0 + timedelta(1))
    told = silence_of(silence)
    assert type(told.gate) is str
    assert msgspec.structs.astuple(told) == msgspec.structs.astuple(silence)
