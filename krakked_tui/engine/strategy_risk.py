"""Answers about risk and strategies: where the account stands, what a buy would meet, why nothing happens.

Facts are taken on the engine's loop (``risk_facts``); everything else is worked out from them in whatever
thread asks. An engine of answers is about one moment.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

import msgspec

from krakked_tui.domain.candles import Timeframe
from krakked_tui.domain.money import ZERO, percent_of
from krakked_tui.domain.plans import DecisionRecord
from krakked_tui.domain.precision import indicator
from krakked_tui.engine.chains import Chain, JournalLook, Traded, find_chain
from krakked_tui.engine.gates import first_shut
from krakked_tui.engine.gates_passed import PassedGates
from krakked_tui.engine.recent_decisions import Decided, RecentDecisions, Wanted
from krakked_tui.engine.risk_facts import RiskFacts
from krakked_tui.execution.holdings import Share
from krakked_tui.market.boundaries import next_boundary
from krakked_tui.risk.context import RiskContext, StrategyLimits
from krakked_tui.risk.settings import RiskSettings
from krakked_tui.risk.stakes import stakes
from krakked_tui.risk.status import LimitState, RiskStatus, limit_states, risk_status, violations
from krakked_tui.risk.what_if import Hypothesis, what_if
from krakked_tui.strategies.loaded import LoadedStrategy
from krakked_tui.strategies.settings import StrategySettings


class HeldNow(msgspec.Struct, frozen=True):
    """What a strategy holds of a pair. ``value`` and ``pnl`` (after fees paid so far) are None unpriced."""

    pair: str
    share: Share
    value: Decimal | None
    pnl: Decimal | None


class StrategyState(msgspec.Struct, frozen=True, kw_only=True):
    """How a strategy does. ``enabled``: it is to run; ``last_error`` is empty unless it failed.

    ``positions`` count pairs held or being bought; ``exposure_usd`` is what it has at work in them, and
    ``budget_pct`` what that may be of equity, None without a limit of its own. ``last_run_at`` is its last
    cycle.
    """

    strategy_id: str
    type: str
    enabled: bool
    timeframes: tuple[Timeframe, ...]
    tag: str
    userref: int | None
    params: Mapping[str, object]
    last_run_at: datetime | None
    next_run_at: datetime | None
    last_intents_at: datetime | None
    last_actions_at: datetime | None
    positions: int
    max_positions: int
    exposure_usd: Decimal
    exposure_pct: Decimal
    budget_pct: Decimal | None
    last_error: str
    held: tuple[HeldNow, ...]


class Silence(msgspec.Struct, frozen=True):
    """The first gate that is shut for a strategy and a pair; ``gate`` is empty when none is.

    ``last_passed`` is None when it has not been open since ``since``, when looking began.
    """

    strategy_id: str
    pair: str
    gate: str = ""
    reason: str = ""
    value: str = ""
    threshold: str = ""
    last_passed: datetime | None = None
    since: datetime | None = None


class StrategyRiskEngine:
    """Answers about one moment. Any thread, but not while ``decisions`` and ``passed`` are written."""

    def __init__(
        self,
        facts: RiskFacts,
        *,
        decisions: RecentDecisions | None = None,
        passed: PassedGates | None = None,
        configured: Mapping[str, StrategySettings] | None = None,
        built: Mapping[str, LoadedStrategy] | None = None,
    ) -> None:
        """``configured`` are all strategies by id (without: those that run), ``built`` those that run."""
        self.facts = facts
        self._decisions = decisions or RecentDecisions()
        self._passed = passed or PassedGates()
        self._configured = configured or {each.id: each for each in facts.settings.strategies}
        self._built = built or {}

    def get_risk_status(self) -> RiskStatus:
        """Sum up what is at risk."""
        facts = self.facts
        return risk_status(
            facts.context,
            daily_drawdown_pct=facts.drawdown_pct,
            drift=facts.drift,
            account_truth=facts.account_truth,
        )

    def get_risk_config(self) -> RiskSettings:
        """Return the limits in force."""
        return self.facts.settings.risk

    def get_limits(self) -> tuple[LimitState, ...]:
        """Return every limit with how much of it is used."""
        facts = self.facts
        return limit_states(facts.context, facts.settings.risk, daily_drawdown_pct=facts.drawdown_pct)

    def violations(
        self, risk: RiskSettings | None = None, strategies: tuple[StrategySettings, ...] | None = None
    ) -> tuple[str, ...]:
        """Say which limits the account as it is breaks: those in force, or others that are thought of."""
        facts = self.facts
        context = facts.context if strategies is None else _judged_by(facts.context, strategies)
        limits = facts.settings.risk if risk is None else risk
        return violations(context, limits, daily_drawdown_pct=facts.drawdown_pct)

    def what_if(self, pair: str, usd: Decimal, stop_price: Decimal | None = None) -> Hypothesis:
        """Say what every limit would answer to a buy; the facts must have been taken for the pair."""
        return what_if(pair, usd, self.facts.context, self.facts.settings.risk, stop_price=stop_price)

    def decided(self) -> tuple[Decided, ...]:
        """Return the last decisions, newest first."""
        return self._decisions.decided()

    def wanted(self, strategy_id: str) -> tuple[Wanted, ...]:
        """Return what a strategy wanted lately, and what became of it, newest first."""
        return self._decisions.wanted(strategy_id)

    def explain(self, name: str, traded: Traded, journal: JournalLook) -> Chain | None:
        """Return the whole chain of a plan, an order or a trade; see ``find_chain``. Blocks on the disk."""
        return find_chain(name, traded, journal)

    def knows(self, strategy_id: str) -> bool:
        """Say whether a strategy is configured."""
        return strategy_id in self._configured

    def explain_silence(self, strategy_id: str, pair: str) -> Silence:
        """Say why a strategy does not trade a pair now. ``strategy_id`` must be one that is configured."""
        settings = self._configured[strategy_id]
        built = self._built.get(strategy_id)
        shut = first_shut(self.facts, settings, built, pair, self._newest(settings))
        if shut is None:
            return Silence(strategy_id, pair, since=self._passed.since)
        return Silence(
            strategy_id, pair, shut.gate, shut.reason, shut.value, shut.threshold,
            self._passed.last(strategy_id, pair, shut.gate), self._passed.since,
        )  # fmt: skip

    def get_strategy_state(self, strategy_id: str) -> StrategyState:
        """Return how a strategy does, which must be one that is configured."""
        facts, settings = self.facts, self._configured[strategy_id]
        enabled = any(each.id == strategy_id for each in facts.settings.strategies)
        error = facts.errors.get(strategy_id, "")
        runs = enabled and not error and not facts.halted
        wanted = self._decisions.wanted(strategy_id)
        own = [stake for stake in stakes(facts.context) if stake.strategy_id == strategy_id]
        exposure = sum((stake.value_usd for stake in own), ZERO)
        newest = [record.time for record in self._newest(settings).values()] if enabled else []
        return StrategyState(
            strategy_id=strategy_id,
            type=settings.type,
            enabled=enabled,
            timeframes=settings.timeframes,
            tag=settings.tag,
            userref=settings.userref,
            params=settings.params,
            last_run_at=max([*newest, *(each.intent.generated_at for each in wanted[:1])], default=None),
            next_run_at=next_boundary(facts.at, settings.timeframes) if runs else None,
            last_intents_at=wanted[0].intent.generated_at if wanted else None,
            last_actions_at=self._decisions.acted_at(strategy_id),
            positions=len({stake.pair for stake in own}),
            max_positions=settings.max_positions,
            exposure_usd=exposure,
            exposure_pct=percent_of(exposure, facts.context.equity),
            budget_pct=facts.settings.risk.max_per_strategy_pct.get(strategy_id),
            last_error=error,
            held=tuple(self.get_held(strategy_id)),
        )

    def _newest(self, settings: StrategySettings) -> dict[Timeframe, DecisionRecord]:
        found = {timeframe: self._decisions.newest(timeframe) for timeframe in settings.timeframes}
        return {timeframe: record for timeframe, record in found.items() if record is not None}

    def get_held(self, strategy_id: str) -> list[HeldNow]:
        """Return what a strategy holds, by pair; also of one that is configured no more. Dust is left out."""
        facts = self.facts
        held: list[HeldNow] = []
        for pair, holding in sorted(facts.holdings.items()):
            share, mark = holding.of(strategy_id), facts.marks.get(pair)
            if share is None or all(each is not share for each in holding.worthwhile(facts.known[pair])):
                continue
            value = None if mark is None else share.size * mark.quote.price
            held.append(HeldNow(pair, share, value, None if value is None else value - share.cost))
        return held


def _judged_by(context: RiskContext, strategies: tuple[StrategySettings, ...]) -> RiskContext:
    """Return the same account with other strategies."""
    limits = {}
    for each in strategies:
        values = {name: getattr(each, name) for name in StrategyLimits.__struct_fields__}
        limits[each.id] = StrategyLimits(**{**values, "stop_atr_multiple": indicator(each.stop_atr_multiple)})
    return msgspec.structs.replace(context, strategies=limits)
