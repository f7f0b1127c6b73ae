"""For any intents, any account and any limits: no limit is broken, nothing is shorted or overspent.

What holds after a plan is worked out here anew, from the account and the plan alone.
"""

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from random import Random

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from krakked_tui.domain.intents import IntentType
from krakked_tui.domain.plans import NET, ActionShare, ActionType, RiskAdjustedAction
from krakked_tui.domain.precision import volume_down
from krakked_tui.market.freshness import Freshness
from krakked_tui.risk.context import MANUAL, HeldShare
from krakked_tui.risk.limits import CAPS, PERMISSIONS
from krakked_tui.risk.replay import decide_again, encode
from tests.properties.risk_cases import Case, make_case

OPENING = {ActionType.OPEN, ActionType.INCREASE}
CLOSING = {ActionType.CLOSE, ActionType.REDUCE}
ZERO = Decimal(0)

EXAMPLES = settings(max_examples=300)
LONG = settings(max_examples=10_000, suppress_health_check=list(HealthCheck))

Bought = tuple[RiskAdjustedAction, ActionShare]


class Books:
    """The account after a plan, by the books: every entry at its worst price."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.context = case.context
        self.plan = case.plan()
        self.entries = [action for action in self.plan if action.action_type in OPENING]
        self.sales = [action for action in self.plan if action.action_type in CLOSING]
        self.bought = [(action, share) for action in self.entries for share in action.shares]

    def price(self, pair: str) -> Decimal:
        quote = self.context.pairs[pair].quote
        assert quote is not None
        mid = (quote.bid + quote.ask) / 2
        return max(quote.ask, mid * (10_000 + self.context.max_slippage_bps) / 10_000)

    def base(self, pair: str) -> str:
        return pair.removesuffix("USDT").removesuffix("USD")

    def held(self) -> Iterator[tuple[str, HeldShare, Decimal]]:
        """Yield pair, share and price of everything held and being bought before the plan."""
        for stakes in (self.context.holdings, self.context.pending_buys):
            for pair, stake in stakes.items():
                for share in stake.shares:
                    yield pair, share, stake.price

    def loss(self, pair: str, share: HeldShare, price: Decimal) -> Decimal:
        if share.stop_price is not None:
            return share.size * min(price, max(ZERO, price - share.stop_price))
        state = self.context.pairs.get(pair)
        own = self.context.strategies.get(share.strategy_id)
        multiple = own.stop_atr_multiple if own else Decimal(2)
        assumed = multiple * state.atr if state and state.atr else price
        return share.size * min(price, assumed)

    def cost_of(self, bought: Bought) -> Decimal:
        return bought[1].size * self.price(bought[0].pair)

    def risk_of(self, bought: Bought) -> Decimal:
        action, share = bought
        assert share.stop_price is not None
        return share.size * (self.price(action.pair) - share.stop_price)

    def allowed(self, percentage: Decimal) -> Decimal:
        return self.context.equity * percentage / 100


def no_entry_breaks_a_limit_of_its_own(books: Books) -> None:
    context = books.context
    for action in books.entries:
        pair = context.pairs[action.pair].metadata
        price, size = books.price(action.pair), sum((share.size for share in action.shares), ZERO)
        quote = context.pairs[action.pair].quote
        assert quote is not None
        assert size == action.target_base_size - action.current_base_size > 0
        assert context.min_order_notional_usd <= size * price <= context.max_order_notional_usd
        assert size >= pair.order_min
        for share in action.shares:
            assert share.stop_price is not None
            assert ZERO < share.stop_price < quote.price
            assert share.take_profit_price is None or share.take_profit_price > quote.price
            assert share.size == volume_down(share.size, pair) > 0
            # Whoever bought it can sell it again by itself, at the price where it has failed.
            assert share.size >= pair.order_min
            assert share.size * share.stop_price >= pair.cost_min


def no_plan_breaks_a_limit_of_the_account(books: Books) -> None:
    case, context = books.case, books.context
    fees = {pair: 1 + state.taker_fee_pct / 100 for pair, state in context.pairs.items()}
    spent = sum((books.cost_of(each) * fees[each[0].pair] for each in books.bought), ZERO)
    assert spent <= max(context.cash_available, ZERO)
    before = [(pair, share.strategy_id) for pair, share, _ in books.held()]
    manual = case.limits.include_manual_positions
    places = {pair for pair, owner in before if manual or owner != MANUAL}
    new = {action.pair for action in books.entries} - places
    assert not new or len(places | new) <= case.limits.max_open_positions
    for strategy_id, own in context.strategies.items():
        mine = {pair for pair, owner in before if owner == strategy_id}
        adding = {a.pair for a, share in books.bought if share.strategy_id == strategy_id} - mine
        assert not adding or len(mine | adding) <= own.max_positions
    most = case.limits.protections.max_entries_per_day
    assert not books.entries or not most or context.entries_today + len(books.entries) <= most


def no_plan_breaks_a_limit_of_exposure(books: Books) -> None:
    limits, held = books.case.limits, list(books.held())
    for asset in {books.base(action.pair) for action in books.entries}:
        value = sum((s.size * price for pair, s, price in held if books.base(pair) == asset), ZERO)
        value += sum((books.cost_of(b) for b in books.bought if books.base(b[0].pair) == asset), ZERO)
        assert value <= books.allowed(limits.max_per_asset_pct)
    for strategy_id in {share.strategy_id for _, share in books.bought} & limits.max_per_strategy_pct.keys():
        value = sum((s.size * price for _, s, price in held if s.strategy_id == strategy_id), ZERO)
        value += sum((books.cost_of(b) for b in books.bought if b[1].strategy_id == strategy_id), ZERO)
        assert value <= books.allowed(limits.max_per_strategy_pct[strategy_id])


def no_plan_breaks_a_limit_of_risk(books: Books) -> None:
    limits, held = books.case.limits, list(books.held())
    for action in books.entries:
        own = [each for each in held if each[0] == action.pair and each[1].strategy_id != MANUAL]
        risk = sum((books.loss(*each) for each in own), ZERO)
        risk += sum((books.risk_of((action, share)) for share in action.shares), ZERO)
        assert risk <= books.allowed(limits.max_risk_per_trade_pct)
    if books.entries:
        risk = sum((books.loss(*each) for each in held), ZERO)
        risk += sum((books.risk_of(each) for each in books.bought), ZERO)
        assert risk <= books.allowed(limits.max_portfolio_risk_pct)


def nothing_is_opened_where_it_is_not_permitted(books: Books) -> None:
    context, limits = books.context, books.case.limits
    least = limits.min_liquidity_24h_usd
    for action, share in books.bought:
        state = context.pairs[action.pair]
        quote = state.quote
        assert quote is not None
        assert not context.kill_switch.active
        assert not context.blocked_reason
        assert action.pair not in context.blocked_pairs
        assert action.pair not in context.pending_buys
        assert state.metadata.permits.enter
        assert state.freshness in {Freshness.FRESH, Freshness.CHECKED}
        assert (quote.ask - quote.bid) * 20_000 <= limits.max_spread_bps * (quote.ask + quote.bid)
        assert (state.liquidity_24h_usd or ZERO) >= (
            context.min_liquidity_24h_usd if least is None else least
        )
        for pause in context.protections:
            scope = pause.pair in {"", action.pair} and pause.strategy_id in {"", share.strategy_id}
            assert not scope or pause.kind == "entries_per_day"
        own = context.strategies[share.strategy_id]
        wanted = [
            intent
            for intent in books.case.intents
            if (intent.pair, intent.strategy_id) == (action.pair, share.strategy_id)
            and intent.intent_type in {IntentType.ENTER, IntentType.INCREASE}
            and own.min_signal_confidence <= intent.confidence.max(Decimal(-1)) <= 1
            and (intent.desired_exposure_usd or ZERO) >= 0
            and abs(quote.price - intent.close) * 100 <= limits.max_price_deviation_pct * intent.close
        ]
        assert wanted
        holding = context.holdings.get(action.pair)
        if holding and holding.of(share.strategy_id):
            assert IntentType.INCREASE in {intent.intent_type for intent in wanted}


def never_short_and_never_another_strategys_share(books: Books) -> None:
    changed = [action.pair for action in (*books.entries, *books.sales)]
    assert len(set(changed)) == len(changed)
    for action in books.sales:
        holding, pair = books.context.holdings[action.pair], books.context.pairs[action.pair].metadata
        total = sum((share.size for share in action.shares), ZERO)
        assert 0 <= action.target_base_size < action.current_base_size == holding.size
        assert total == volume_down(total, pair) == action.current_base_size - action.target_base_size
        for share in action.shares:
            left = holding.of(share.strategy_id) - share.size
            assert share.strategy_id != MANUAL
            assert share.size > 0
            assert left >= 0
            # What its strategy keeps can be sold again, unless the lot leaves it behind.
            quote = books.context.pairs[action.pair].quote
            assert quote is not None
            enough = left >= pair.order_min and left * quote.bid >= pair.cost_min
            assert enough or volume_down(left, pair) == 0


def only_the_exchange_stops_an_exit(books: Books) -> None:
    sold = {(action.pair, share.strategy_id) for action in books.sales for share in action.shares}
    for intent in books.case.intents:
        holding, state = books.context.holdings.get(intent.pair), books.context.pairs.get(intent.pair)
        if intent.intent_type is not IntentType.EXIT or state is None or holding is None:
            continue
        quote, size = state.quote, volume_down(holding.of(intent.strategy_id), state.metadata)
        assert quote is not None
        sellable = size >= state.metadata.order_min and size * quote.bid >= state.metadata.cost_min
        if size and sellable:
            assert (intent.pair, intent.strategy_id) in sold


def every_intent_is_in_one_action_that_explains_itself(books: Books) -> None:
    asked = Counter((intent.pair, intent.strategy_id) for intent in books.case.intents)
    answered: Counter[tuple[str, str]] = Counter()
    for action in books.plan:
        if action.action_type is ActionType.NONE:
            answered[action.pair, action.strategy_id] += 1
            assert not action.shares
            assert action.target_base_size == action.current_base_size
        else:
            ids = [share.strategy_id for share in action.shares]
            answered.update((action.pair, strategy_id) for strategy_id in ids)
            assert ids == sorted(set(ids))
            assert action.strategy_id == (ids[0] if len(ids) == 1 else NET)
        assert action.reason
        assert action.blocked is bool(action.blocked_reasons)
        assert action.blocked is any(check.verdict == "blocked" for check in action.checks)
        assert all(action.blocked_reasons)
        assert action.blocked <= (action.action_type is ActionType.NONE)
    assert answered == asked


def the_order_of_intents_does_not_matter_and_a_replay_is_identical(books: Books, random: Random) -> None:
    case = books.case
    shuffled = list(case.intents)
    random.shuffle(shuffled)
    assert msgspec.structs.replace(case, intents=shuffled).plan() == books.plan
    stored = encode(case.context, case.limits, case.intents)
    assert stored == encode(case.context, case.limits, shuffled)
    assert msgspec.json.encode(decide_again(stored)) == msgspec.json.encode(books.plan)


def everything_holds(case: Case, random: Random) -> None:
    books = Books(case)
    no_entry_breaks_a_limit_of_its_own(books)
    no_plan_breaks_a_limit_of_the_account(books)
    no_plan_breaks_a_limit_of_exposure(books)
    no_plan_breaks_a_limit_of_risk(books)
    nothing_is_opened_where_it_is_not_permitted(books)
    never_short_and_never_another_strategys_share(books)
    only_the_exchange_stops_an_exit(books)
    every_intent_is_in_one_action_that_explains_itself(books)
    the_order_of_intents_does_not_matter_and_a_replay_is_identical(books, random)


@EXAMPLES
@given(st.integers(0, 2**40))
def test_whatever_is_asked_every_limit_holds(seed: int) -> None:
    everything_holds(make_case(seed), Random(seed))


@pytest.mark.long
@pytest.mark.timeout(1800)
@LONG
@given(st.integers(0, 2**40))
def test_whatever_is_asked_every_limit_holds_at_length(seed: int) -> None:
    everything_holds(make_case(seed), Random(seed))


def test_the_cases_are_not_all_empty() -> None:
    """Cases in which nothing is bought, shared, cut or sold would prove nothing."""
    seen: Counter[str] = Counter()
    for seed in range(250):
        for action in make_case(seed).plan():
            seen[action.action_type] += 1
            seen["net"] += action.strategy_id == NET
            seen["cut"] += bool(action.clamped_by)
            seen["blocked"] += action.blocked
            seen.update(check.limit for check in action.checks if check.verdict != "ok")
    assert min(seen[what] for what in ("open", "increase", "reduce", "close", "net", "cut", "blocked")) >= 10
    names = {limit.__name__ for limit in (*PERMISSIONS, *CAPS)} - {"max_per_strategy_pct"}
    assert {name for name in names if not seen[name]} == set()
