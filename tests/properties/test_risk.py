"""For any intents, any account and any limits: no limit is broken, nothing is shorted or overspent."""

from decimal import Decimal
from random import Random
from typing import TypeVar

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from krakked_tui.domain.candles import Timeframe
from krakked_tui.domain.intents import IntentType, StrategyIntent
from krakked_tui.domain.pairs import PairStatus
from krakked_tui.domain.plans import ActionType, RiskAdjustedAction
from krakked_tui.domain.precision import volume_down
from krakked_tui.domain.safety import KillSwitch
from krakked_tui.market.freshness import Freshness
from krakked_tui.risk.context import Holding, PairState, PendingBuy, RiskContext, StrategyLimits
from krakked_tui.risk.gate import evaluate
from krakked_tui.risk.settings import RiskSettings
from tests.unit.risk.builders import make_intent, make_state

T = TypeVar("T")

PAIRS = ["AAAUSD", "BBBUSD", "CCCUSD", "DDDUSD", "EEEUSD"]
STRATEGIES = ["one", "two"]
OPENING = {ActionType.OPEN, ActionType.INCREASE}
CLOSING = {ActionType.CLOSE, ActionType.REDUCE}


def amounts(least: str, most: str, places: int = 2) -> st.SearchStrategy[Decimal]:
    return st.decimals(Decimal(least), Decimal(most), places=places)


EXPOSURES = st.none() | amounts("100", "3000").map(str) | amounts("-10", "100").map(str)
LEAVING = st.sampled_from([IntentType.EXIT, IntentType.REDUCE])


def some(keys: list[str], values: st.SearchStrategy[T], most: int) -> st.SearchStrategy[dict[str, T]]:
    return st.dictionaries(st.sampled_from(keys), values, max_size=most)


@st.composite
def states(draw: st.DrawFn, pair: str, *, calm: bool) -> PairState:
    return make_state(
        pair,
        str(draw(amounts("1", "500"))),
        spread=str(draw(amounts("0", "0.4"))),
        status=PairStatus.ONLINE if calm else draw(st.sampled_from(PairStatus)),
        freshness=Freshness.FRESH if calm else draw(st.sampled_from(Freshness)),
        fee_pct=str(draw(amounts("0", "0.5"))),
        order_min=str(draw(amounts("0", "0.1", 3))),
        cost_min=str(draw(amounts("0", "5"))),
    )


@st.composite
def contexts(draw: st.DrawFn, *, calm: bool) -> RiskContext:
    """An account. In a calm one nothing but the limits themselves stands against an entry."""
    limits = st.builds(StrategyLimits, st.integers(2 if calm else 1, 4), amounts("0", "0.6"))
    sizes = amounts("0.5", "9", 6) | amounts("0", "0.1", 6)
    holdings = st.builds(Holding, st.sampled_from([*STRATEGIES, "manual"]), sizes, amounts("0", "900"))
    buys = st.builds(PendingBuy, st.sampled_from(STRATEGIES), amounts("0", "900"))
    return RiskContext(
        equity=draw(amounts("5000", "20000") if calm else amounts("-1", "2000")),
        cash_available=draw(amounts("500", "5000") if calm else amounts("-10", "500")),
        pairs={pair: draw(states(pair, calm=calm)) for pair in (PAIRS if calm else PAIRS[1:])},
        strategies={strategy: draw(limits) for strategy in STRATEGIES},
        holdings=draw(some(PAIRS, holdings, 2)),
        pending_buys=draw(some(PAIRS, buys, 1)),
        kill_switch=KillSwitch(active=not calm and draw(st.booleans())),
        blocked_reason="" if calm else draw(st.sampled_from(["", "drift"])),
        blocked_pairs={} if calm else draw(some(PAIRS, st.just("unknown order"), 1)),
        min_order_notional_usd=draw(amounts("0", "50")),
        max_order_notional_usd=draw(amounts("200", "3000")),
        max_slippage_bps=draw(amounts("0", "100")),
    )


@st.composite
def intents_for(draw: st.DrawFn, context: RiskContext, *, calm: bool) -> StrategyIntent:
    pair = draw(st.sampled_from(PAIRS))
    quote = context.pairs[pair].quote if pair in context.pairs else None
    price = quote.price if quote else Decimal(100)
    stop = draw(amounts("0.5", "0.95") if calm else amounts("0.9", "1.1") | st.none())
    return make_intent(
        pair,
        IntentType.ENTER if calm else draw(st.sampled_from(IntentType)),
        strategy_id=draw(st.sampled_from(STRATEGIES)),
        confidence=draw(st.sampled_from(["0.6", "0.8"] if calm else ["0.2", "0.6", "1"])),
        stop=None if stop is None else str(price * stop),
        exposure=draw(EXPOSURES),
        timeframe=draw(st.sampled_from([Timeframe.M1, Timeframe.M5])),
    )


class Case(msgspec.Struct, frozen=True):
    """Everything a plan depends on."""

    intents: list[StrategyIntent]
    context: RiskContext
    limits: RiskSettings

    def plan(self) -> tuple[RiskAdjustedAction, ...]:
        return evaluate(self.intents, self.context, self.limits)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    calm = draw(st.sampled_from([True, True, False]))
    context = draw(contexts(calm=calm))
    wild = st.lists(intents_for(context, calm=False), max_size=4)
    sane = st.lists(intents_for(context, calm=True), min_size=3, max_size=6)
    leaving = [
        make_intent(pair, draw(LEAVING), strategy_id=strategy_id, exposure=draw(EXPOSURES))
        for pair, holding in context.holdings.items()
        for strategy_id in draw(
            st.lists(st.sampled_from([holding.strategy_id, *STRATEGIES]), min_size=1, max_size=3)
        )
    ]
    limits = st.builds(
        RiskSettings,
        max_risk_per_trade_pct=amounts("0.1", "20"),
        max_per_asset_pct=amounts("5", "60"),
        max_open_positions=st.integers(1, 6),
    )
    return Case(draw(sane) + draw(wild) + leaving, context, draw(limits))


EXAMPLES = settings(max_examples=60)


def opened(actions: tuple[RiskAdjustedAction, ...]) -> list[RiskAdjustedAction]:
    return [action for action in actions if action.action_type in OPENING]


def added(action: RiskAdjustedAction) -> Decimal:
    return action.target_base_size - action.current_base_size


def price_of(action: RiskAdjustedAction, context: RiskContext) -> Decimal:
    quote = context.pairs[action.pair].quote
    assert quote is not None
    return max(quote.ask, quote.mid * (1 + context.max_slippage_bps / 10_000))


@EXAMPLES
@given(cases())
def test_no_entry_breaks_a_limit_of_its_own(case: Case) -> None:
    context, limits = case.context, case.limits
    for action in opened(case.plan()):
        state, price, size = context.pairs[action.pair], price_of(action, context), added(action)
        stop, held = action.stop_price, context.holdings.get(action.pair)
        value_before = held.value_usd if held else Decimal(0)
        assert stop is not None
        assert 0 < stop < price
        assert size > 0
        assert size == volume_down(size, state.metadata)
        assert (
            action.target_base_size * (price - stop) * 100 <= context.equity * limits.max_risk_per_trade_pct
        )
        assert (value_before + size * price) * 100 <= context.equity * limits.max_per_asset_pct
        assert context.min_order_notional_usd <= size * price <= context.max_order_notional_usd
        assert size >= state.metadata.order_min
        assert size * stop >= state.metadata.cost_min


@EXAMPLES
@given(cases())
def test_no_plan_breaks_a_limit_of_the_account(case: Case) -> None:
    context = case.context
    entries = opened(case.plan())
    spent = sum(
        added(a) * price_of(a, context) * (1 + context.pairs[a.pair].taker_fee_pct / 100) for a in entries
    )
    assert spent <= max(context.cash_available, Decimal(0))
    assert len({a.pair for a in entries}) == len(entries)
    before = set(context.holdings) | set(context.pending_buys)
    new = [a for a in entries if a.pair not in before]
    assert not new or len(before) + len(new) <= case.limits.max_open_positions
    for strategy, own in context.strategies.items():
        pairs = {p for p, buy in context.pending_buys.items() if buy.strategy_id == strategy}
        pairs = {p for p in pairs if p not in context.holdings}
        pairs |= {p for p, held in context.holdings.items() if held.strategy_id == strategy}
        adding = {a.pair for a in new if a.strategy_id == strategy}
        assert not adding or len(pairs | adding) <= own.max_positions


@EXAMPLES
@given(cases())
def test_nothing_is_opened_where_it_is_not_permitted(case: Case) -> None:
    context = case.context
    for action in opened(case.plan()):
        state, held = context.pairs[action.pair], context.holdings.get(action.pair)
        assert not context.kill_switch.active
        assert not context.blocked_reason
        assert action.pair not in context.blocked_pairs
        assert action.pair not in context.pending_buys
        assert state.metadata.permits.enter
        assert state.freshness is Freshness.FRESH
        assert held is None or held.strategy_id == action.strategy_id
        own = [i for i in case.intents if (i.pair, i.strategy_id) == (action.pair, action.strategy_id)]
        minimum = context.strategies[action.strategy_id].min_signal_confidence
        assert any(intent.confidence >= minimum for intent in own)


@EXAMPLES
@given(cases())
def test_never_short_and_never_another_strategys_share(case: Case) -> None:
    context = case.context
    actions = case.plan()
    closed = [action for action in actions if action.action_type in CLOSING]
    assert len({action.pair for action in closed}) == len(closed)
    assert {a.pair for a in closed}.isdisjoint(a.pair for a in opened(actions))
    for action in closed:
        holding = context.holdings[action.pair]
        assert holding.strategy_id == action.strategy_id
        assert 0 <= action.target_base_size < action.current_base_size == holding.size


@EXAMPLES
@given(cases())
def test_only_the_exchange_stops_an_exit(case: Case) -> None:
    context = case.context
    actions = case.plan()
    closed = {action.pair for action in actions if action.action_type in CLOSING}
    for intent in case.intents:
        holding = context.holdings.get(intent.pair)
        state = context.pairs.get(intent.pair)
        if intent.intent_type is not IntentType.EXIT or state is None or holding is None:
            continue
        pair, quote = state.metadata, state.quote
        assert quote is not None
        size = volume_down(holding.size, pair)
        sellable = size >= pair.order_min and size * quote.bid >= pair.cost_min
        if holding.strategy_id == intent.strategy_id and holding.size and sellable:
            assert intent.pair in closed


@EXAMPLES
@given(cases(), st.randoms(use_true_random=False))
def test_the_order_of_intents_does_not_matter_and_a_replay_is_identical(case: Case, random: Random) -> None:
    plan = case.plan()
    shuffled = list(case.intents)
    random.shuffle(shuffled)
    assert msgspec.structs.replace(case, intents=shuffled).plan() == plan
    assert case.plan() == plan
    assert len(plan) == len(case.intents)


@EXAMPLES
@given(cases())
def test_every_action_explains_itself(case: Case) -> None:
    for action in case.plan():
        assert action.reason
        assert action.blocked is bool(action.blocked_reasons)
        assert action.blocked is any(check.verdict == "blocked" for check in action.checks)
        assert all(action.blocked_reasons)
        assert action.blocked <= (action.action_type is ActionType.NONE)
