"""From the facts of the account to what the Strategies screen sees. Any thread."""

import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from inspect import cleandoc

import msgspec

from krakked_tui.control import strategy_view as v
from krakked_tui.control.explanation_picture import intent_line
from krakked_tui.domain.money import ZERO
from krakked_tui.engine.recent_decisions import Wanted
from krakked_tui.engine.strategy_risk import HeldNow, StrategyRiskEngine, StrategyState
from krakked_tui.execution.holdings import MANUAL
from krakked_tui.portfolio.summary import RealizedRecord
from krakked_tui.strategies.catalogue import BUILT_IN
from krakked_tui.strategies.loaded import LoadedStrategy, StrategySet

CURVE_POINTS = 500
"""Points of what a strategy has made; of more, as many spread evenly, the newest among them."""
NOT_CONFIGURED = "not configured"

Made = Mapping[str, tuple[tuple[datetime, Decimal], ...]]
"""What each strategy had made by each of its sales, oldest first."""


class StrategySources(msgspec.Struct, frozen=True):
    """What is known of strategies besides the account: settings to show, those that run, what they made."""

    built: StrategySet
    parameters: Mapping[str, tuple[v.ParameterLine, ...]]
    made: Made


def strategies_view(
    engine: StrategyRiskEngine, sources: StrategySources, configured: Sequence[str]
) -> v.StrategiesView:
    """Return the picture of all strategies that are configured, and of those that still hold something."""
    built = {each.strategy.settings.id: each for each in sources.built.strategies}
    lines = [
        _line(engine.get_strategy_state(name), sources, built.get(name), engine.wanted(name))
        for name in configured
    ]
    lines += _left_over(engine, configured)
    problems = tuple(failure.sentence for failure in sources.built.failures)
    return v.StrategiesView(engine.facts.at, tuple(sorted(lines, key=lambda line: line.id)), problems)


def made_by(records: Sequence[RealizedRecord]) -> Made:
    """Add up what each strategy has made, sale by sale; ``records`` are by time."""
    totals: dict[str, Decimal] = {}
    curves: dict[str, list[tuple[datetime, Decimal]]] = {}
    for record in records:
        strategy = record.strategy_tag
        if strategy == MANUAL:
            continue
        totals[strategy] = total = totals.get(strategy, ZERO) + record.pnl_base
        curve = curves.setdefault(strategy, [])
        if curve and curve[-1][0] == record.time:
            curve.pop()
        curve.append((record.time, total))
    return {strategy: _thinned(curve) for strategy, curve in curves.items()}


def _thinned(points: list[tuple[datetime, Decimal]]) -> tuple[tuple[datetime, Decimal], ...]:
    step = -(-len(points) // CURVE_POINTS)
    return tuple(reversed(points[::-1][::step]))


def _line(
    state: StrategyState, sources: StrategySources, loaded: LoadedStrategy | None, wanted: Sequence[Wanted]
) -> v.StrategyLine:
    made = sources.made.get(state.strategy_id, ())
    return v.StrategyLine(
        id=state.strategy_id,
        type=state.type,
        enabled=state.enabled,
        state=_word(state),
        tag=state.tag,
        userref=state.userref,
        timeframes=tuple(each.value for each in state.timeframes),
        positions=state.positions,
        max_positions=state.max_positions,
        exposure_usd=state.exposure_usd,
        exposure_pct=state.exposure_pct,
        budget_pct=state.budget_pct,
        pnl=made[-1][1] if made else ZERO,
        last_run=state.last_run_at,
        next_run=state.next_run_at,
        last_intents_at=state.last_intents_at,
        last_actions_at=state.last_actions_at,
        error=state.last_error,
        idea=idea_of(state.type, loaded),
        parameters=sources.parameters.get(state.strategy_id, ()),
        held=tuple(map(_held, state.held)),
        intents=tuple(intent_line(each.intent, each.outcome) for each in wanted),
        equity=made,
    )


def _word(state: StrategyState) -> str:
    if state.last_error:
        return "failed"
    if not state.enabled:
        return "disabled"
    return "waiting" if state.last_run_at is None else "running"


def _held(held: HeldNow) -> v.HeldLine:
    share = held.share
    return v.HeldLine(
        pair=held.pair,
        size=share.size,
        value=held.value,
        pnl=held.pnl,
        opened_at=share.opened_at,
        stop_price=share.exit_below,
        take_profit_price=share.take_profit_price,
        trailing_pct=share.trailing_stop_pct,
        sold_by=share.sell_by,
    )


def _left_over(engine: StrategyRiskEngine, configured: Sequence[str]) -> list[v.StrategyLine]:
    """Show who still holds something and is configured no more: nothing but its exits is left of it."""
    holders = {share.strategy_id for holding in engine.facts.holdings.values() for share in holding.shares}
    return [
        v.StrategyLine(
            id=name, type=NOT_CONFIGURED, enabled=False, state="disabled", tag="",
            held=tuple(map(_held, held)), positions=len(held),
        )
        for name in sorted(holders - {*configured, MANUAL})
        if (held := engine.get_held(name))
    ]  # fmt: skip


def idea_of(type_name: str, loaded: LoadedStrategy | None) -> str:
    """Return the first paragraph of what a strategy's module, or its class, says of itself."""
    known = BUILT_IN.types.get(type_name)
    strategy = type(loaded.strategy) if loaded is not None else known.strategy if known is not None else None
    if strategy is None:
        return ""
    module = sys.modules.get(strategy.__module__)
    text = cleandoc((module.__doc__ if module is not None else None) or strategy.__doc__ or "")
    return " ".join(text.partition("\n\n")[0].split())
