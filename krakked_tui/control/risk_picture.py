"""From the facts of the account to what the Risk screen sees. Any thread."""

from collections.abc import Iterable

from krakked_tui.config.changes import Previewed
from krakked_tui.control import risk_view as v
from krakked_tui.domain.plans import LimitCheck
from krakked_tui.engine.recent_decisions import Decided
from krakked_tui.engine.strategy_risk import Silence, StrategyRiskEngine
from krakked_tui.risk.context import Protection, ProtectionKind
from krakked_tui.risk.presets import PRESETS, toml_text
from krakked_tui.risk.status import LimitState
from krakked_tui.risk.what_if import Hypothesis

EVERYTHING = "everything"
_KINDS = {
    ProtectionKind.COOLDOWN: "cooldown",
    ProtectionKind.STOP_GUARD: "stop guard",
    ProtectionKind.LOW_PROFIT: "low profit",
    ProtectionKind.CONSECUTIVE_LOSSES: "losses in a row",
    ProtectionKind.ENTRIES_PER_DAY: "entries today",
}


def risk_view(engine: StrategyRiskEngine) -> v.RiskView:
    """Return the picture of the limits."""
    facts, status = engine.facts, engine.get_risk_status()
    switch = facts.context.kill_switch
    return v.RiskView(
        at=facts.at,
        equity=facts.context.equity,
        kill_active=switch.active,
        kill_reason=switch.reason,
        kill_cause=str(switch.cause or ""),
        kill_since=switch.since,
        kill_by=switch.by,
        kill_persists=facts.kill_persists,
        refusal=facts.refusal,
        daily_drawdown_pct=status.daily_drawdown_pct,
        drift=status.drift_flag,
        account_truth=status.account_truth,
        total_exposure_pct=status.total_exposure_pct,
        per_asset_pct=tuple(status.per_asset_exposure_pct.items()),
        per_strategy_pct=tuple(status.per_strategy_exposure_pct.items()),
        open_risk_pct=status.open_risk_pct,
        loss_if_all_stops_hit_usd=status.loss_if_all_stops_hit_usd,
        without_stop=status.without_stop,
        include_manual_positions=engine.get_risk_config().include_manual_positions,
        limits=tuple(map(_limit, engine.get_limits())),
        protections=tuple(map(_protection, status.protections)),
        presets=tuple(preset.name for preset in PRESETS),
    )


def _limit(state: LimitState) -> v.LimitLine:
    return v.LimitLine(
        key=state.key,
        name=state.name,
        value=state.value,
        threshold=state.threshold,
        unit=state.unit,
        used_share=state.used_share,
        headroom=state.headroom,
        detail=state.subject,
        toml=toml_text(state.threshold) if state.key else "",
    )


def _protection(pause: Protection) -> v.ProtectionLine:
    scope = pause.pair or pause.strategy_id or EVERYTHING
    return v.ProtectionLine(_KINDS[pause.kind], scope, pause.until, pause.reason)


def preview_of(previewed: Previewed, engine: StrategyRiskEngine) -> v.RiskPreview:
    """Return what a change would do, and which limits the account as it is would break then."""
    changes = tuple(v.SettingChange(each.key, each.old, each.new) for each in previewed.changes)
    if previewed.problems or previewed.risk is None:
        return v.RiskPreview(changes, previewed.problems)
    return v.RiskPreview(changes, (), engine.violations(previewed.risk, previewed.strategies))


def preset_changes(name: str) -> dict[str, str] | None:
    """Return what a preset fills, as TOML by dotted key; None when there is none of that name."""
    for preset in PRESETS:
        if preset.name == name:
            return {key: toml_text(value) for key, value in preset.changes.items()}
    return None


def what_if_of(found: Hypothesis) -> v.WhatIf:
    """Return what would become of a buy."""
    return v.WhatIf(
        found.pair, found.usd, found.size, found.notional_usd, check_lines(found.checks), found.problem
    )


def check_lines(checks: Iterable[LimitCheck]) -> tuple[v.CheckLine, ...]:
    """Return the answers of limits, digit for digit."""
    return tuple(
        v.CheckLine(
            each.limit, each.current, each.would_be, each.threshold, each.headroom, each.unit,
            each.verdict.value, each.reason,
        )
        for each in checks
    )  # fmt: skip


def decision_line(decided: Decided) -> v.DecisionLine:
    """Return a decision in a list."""
    return v.DecisionLine(
        decided.plan_id, decided.at, tuple(each.value for each in decided.timeframes), decided.intents,
        decided.acted, decided.blocked,
    )  # fmt: skip


def silence_of(silence: Silence) -> v.Silence:
    """Return why a strategy does not trade a pair."""
    return v.Silence(
        silence.strategy_id, silence.pair, str(silence.gate), silence.reason, silence.value,
        silence.threshold, silence.last_passed, silence.since,
    )  # fmt: skip
