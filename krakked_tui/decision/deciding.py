"""What is stored of a decision: what was wanted, what was allowed, and how things stood."""

import hashlib

import msgspec

from krakked_tui.decision import events as e
from krakked_tui.decision.account import drawdown_pct
from krakked_tui.decision.state import CoreSettings, State
from krakked_tui.domain.money import ZERO
from krakked_tui.domain.plans import DecisionRecord, RiskAdjustedAction
from krakked_tui.domain.precision import at_scale

_FINGERPRINT_DIGITS = 16


def decision_record(
    state: State,
    event: e.SignalsComputed,
    plan_id: str,
    actions: tuple[RiskAdjustedAction, ...],
    inputs: bytes,
) -> DecisionRecord:
    """Return the record of a cycle; ``inputs`` are what risk was told, as ``risk.replay`` writes it."""
    shortest = min(event.timeframes, key=lambda t: t.minutes)
    return DecisionRecord(
        plan_id=plan_id,
        time=event.at,
        timeframes=event.timeframes,
        candle_time=event.boundary - shortest.length,
        intents=event.intents,
        actions=actions,
        kill_switch=state.kill_switch.active,
        equity_usd=state.valuation.equity if state.valuation else ZERO,
        input_fingerprint=event.fingerprint,
        duration_ms=event.duration_ms,
        notes=event.notes,
        metadata=_metadata(state),
        inputs=inputs,
    )


def fingerprint(settings: CoreSettings) -> str:
    """Return what changes whenever a setting that decisions depend on does."""
    told = msgspec.json.encode((settings.strategies, settings.risk, settings.execution, settings.portfolio))
    return hashlib.sha256(told).hexdigest()[:_FINGERPRINT_DIGITS]


def _metadata(state: State) -> dict[str, str]:
    valuation, switch = state.valuation, state.kill_switch
    drift = ", ".join(f"{each.asset} {each.actual - each.expected:+f}" for each in state.account.drift)
    return {
        "equity": str(valuation.equity) if valuation else "not known",
        "drawdown": f"{at_scale(drawdown_pct(state), 4)} %",
        "drift": drift or "none",
        "kill_switch": f"set ({switch.cause}): {switch.reason}" if switch.active else "not set",
        "market_data": f"{'usable' if state.market_usable else 'unusable'}: {state.market_detail}",
        "config": fingerprint(state.settings),
    }
