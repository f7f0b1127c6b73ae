"""Any account, any market, any wishes: what a plan may be asked for, from a seed."""

from datetime import timedelta
from decimal import Decimal
from random import Random
from typing import TypeVar

import msgspec

from krakked_tui.domain.candles import Timeframe
from krakked_tui.domain.intents import IntentType, StrategyIntent
from krakked_tui.domain.pairs import PairStatus
from krakked_tui.domain.plans import RiskAdjustedAction
from krakked_tui.domain.safety import KillSwitch
from krakked_tui.market.freshness import Freshness
from krakked_tui.risk.context import (
    MANUAL,
    HeldShare,
    Holding,
    PairState,
    PendingBuy,
    Protection,
    ProtectionKind,
    RiskContext,
    StrategyLimits,
)
from krakked_tui.risk.gate import evaluate
from krakked_tui.risk.settings import ProtectionSettings, RiskSettings
from tests.unit.domain.builders import START, make_pair
from tests.unit.risk.builders import make_intent, make_state

T = TypeVar("T")

PAIRS = ["AAAUSD", "AAAUSDT", "BBBUSD", "CCCUSD", "DDDUSD"]
STRANGER = "EEEUSD"
STRATEGIES = ["one", "two", "three"]
ENTERING = [IntentType.ENTER, IntentType.ENTER, IntentType.INCREASE]
LEAVING = [IntentType.EXIT, IntentType.REDUCE]


class Case(msgspec.Struct, frozen=True):
    """Everything a plan depends on."""

    intents: list[StrategyIntent]
    context: RiskContext
    limits: RiskSettings

    def plan(self) -> tuple[RiskAdjustedAction, ...]:
        return evaluate(self.intents, self.context, self.limits)


class Dice:
    """Random values; whole and coarse ones often enough to hit a threshold exactly."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)

    def amount(self, least: str, most: str, places: int = 2) -> Decimal:
        coarse = self.random.choice([0, 1, places, places])
        places = coarse if (Decimal(most) - Decimal(least)).scaleb(coarse) >= 4 else places
        low, high = Decimal(least).scaleb(places), Decimal(most).scaleb(places)
        return Decimal(self.random.randint(int(low), int(high))).scaleb(-places)

    def maybe(self, value: T) -> T | None:
        return value if self.random.random() < 0.5 else None

    def rarely(self, *, percent: int = 6) -> bool:
        return self.random.random() * 100 < percent

    def mostly(self, usual: T, unusual: list[T]) -> T:
        """What lets an entry pass, and now and then what does not: so each is often the only obstacle."""
        return self.random.choice(unusual) if self.rarely() else usual

    def some(self, of: list[str], most: int) -> list[str]:
        return sorted(self.random.sample(of, self.random.randint(0, most)))


def state(dice: Dice, pair: str) -> PairState:
    least = str(dice.random.choice([dice.amount("0", "0.1", 3), dice.amount("0", "3", 3)]))
    cost = str(dice.random.choice([dice.amount("0", "5"), dice.amount("0", "250")]))
    found = make_state(
        pair,
        str(dice.amount("20", "200")),
        spread=str(dice.mostly(dice.amount("0", "0.2"), [dice.amount("0", "5")])),
        freshness=dice.mostly(Freshness.FRESH, list(Freshness)),
        fee_pct=str(dice.amount("0", "0.5")),
        liquidity=None if dice.rarely() else str(dice.amount("1000", "2000")),
        atr=dice.maybe(str(dice.amount("0", "30"))),
    )
    quote = "USDT" if pair.endswith("USDT") else "USD"
    status = dice.mostly(PairStatus.ONLINE, list(PairStatus))
    metadata = make_pair(pair, quote=quote, status=status, order_min=least, cost_min=cost)
    return msgspec.structs.replace(found, metadata=metadata)


def shares(dice: Dice) -> tuple[HeldShare, ...]:
    names = dice.some([MANUAL, *STRATEGIES], 3) or ["one"]
    return tuple(
        HeldShare(
            name,
            dice.amount("0.3", "4", 6) if dice.random.random() < 0.7 else dice.amount("0.00001", "0.1", 5),
            dice.maybe(dice.amount("20", "210")),
        )
        for name in names
    )


def strategy(dice: Dice) -> StrategyLimits:
    return StrategyLimits(
        max_positions=dice.random.randint(1, 5),
        min_signal_confidence=dice.amount("0", "0.6"),
        weight=dice.amount("0.1", "5") or Decimal(1),
        stop_atr_multiple=dice.amount("0.5", "3") or Decimal(2),
        per_trade_target_r_multiple=dice.maybe(dice.amount("1", "3")),
    )


def pause(dice: Dice) -> Protection:
    return Protection(
        dice.random.choice(list(ProtectionKind)),
        START + timedelta(hours=1),
        "it lost",
        dice.random.choice(["", *PAIRS]),
        dice.random.choice(["", *STRATEGIES]),
    )


def context(dice: Dice) -> RiskContext:
    known = {pair: state(dice, pair) for pair in PAIRS}
    prices = {pair: each.quote.price for pair, each in known.items() if each.quote}
    return RiskContext(
        now=START,
        equity=dice.mostly(dice.amount("5000", "20000"), [dice.amount("-1", "2000")]),
        cash_available=dice.mostly(dice.amount("300", "9000"), [dice.amount("-10", "300")]),
        pairs=known,
        strategies={name: strategy(dice) for name in STRATEGIES},
        holdings={
            pair: Holding(shares(dice), prices.get(pair, Decimal(100))) for pair in dice.some(PAIRS, 3)
        },
        pending_buys={
            pair: PendingBuy(shares(dice), dice.amount("20", "200")) for pair in dice.some(PAIRS, 1)
        },
        kill_switch=KillSwitch(active=dice.rarely()),
        blocked_reason="drift" if dice.rarely() else "",
        blocked_pairs=dict.fromkeys(dice.some(PAIRS, 2 if dice.rarely() else 0), "unknown order"),
        protections=tuple(pause(dice) for _ in range(3 if dice.rarely(percent=15) else 0)),
        entries_today=dice.random.randint(0, 2),
        min_liquidity_24h_usd=dice.amount("0", "1050"),
        min_order_notional_usd=dice.maybe(dice.amount("0", "50")) or Decimal(0),
        max_order_notional_usd=dice.amount("200", "3000"),
        max_slippage_bps=dice.amount("0", "100"),
    )


def price_in(account: RiskContext, pair: str) -> Decimal:
    quote = account.pairs[pair].quote if pair in account.pairs else None
    return quote.price if quote else Decimal(100)


def exposure(dice: Dice, *, sane: bool) -> str | None:
    usual = dice.amount("100", "3000")
    return dice.maybe(str(usual if sane else dice.random.choice([usual, dice.amount("-10", "100")])))


def wish(dice: Dice, account: RiskContext, *, sane: bool) -> StrategyIntent:
    pair = dice.mostly(dice.random.choice(PAIRS), [STRANGER])
    price = price_in(account, pair)
    stop = dice.amount("0.5", "0.99") if sane else dice.amount("0.9", "1.1")
    target = dice.maybe(dice.amount("1.01" if sane else "0.9", "1.5"))
    confidences = ["0.4", "0.6", "0.7", "0.9"] if sane else ["0", "0.2", "0.6", "1", "NaN"]
    return make_intent(
        pair,
        dice.random.choice(ENTERING if sane else list(IntentType)),
        strategy_id=dice.random.choice(STRATEGIES),
        confidence=dice.random.choice(confidences),
        stop=str(price * stop) if sane and dice.random.random() < 0.8 else dice.maybe(str(price * stop)),
        exposure=exposure(dice, sane=sane),
        timeframe=dice.random.choice([Timeframe.M1, Timeframe.M5]),
        close=str(price * (dice.amount("0.97", "1.03") if sane else dice.amount("0.9", "1.1"))),
        target=None if target is None else str(price * target),
        atr=dice.random.choice([None, "0", "1", "5", "20"]),
    )


def limits(dice: Dice) -> RiskSettings:
    return RiskSettings(
        max_risk_per_trade_pct=dice.amount("1", "20"),
        max_portfolio_risk_pct=dice.amount("2", "60"),
        max_per_asset_pct=dice.amount("5", "60"),
        max_open_positions=dice.random.randint(2, 8),
        max_per_strategy_pct={name: dice.amount("5", "60") for name in dice.some(STRATEGIES, 2)},
        include_manual_positions=dice.random.random() < 0.5,
        min_liquidity_24h_usd=dice.maybe(dice.amount("0", "1050")),
        max_spread_bps=dice.amount("30", "100"),
        max_price_deviation_pct=dice.amount("2", "5"),
        protections=ProtectionSettings(max_entries_per_day=dice.random.choice([0, 2, 4, 6, 8, 9])),
    )


def make_case(seed: int) -> Case:
    dice = Dice(seed)
    account = context(dice)
    wishes = [wish(dice, account, sane=True) for _ in range(dice.random.randint(3, 8))]
    wishes += [wish(dice, account, sane=False) for _ in range(dice.random.randint(0, 3))]
    wishes += [
        make_intent(
            pair, dice.random.choice(LEAVING), strategy_id=share.strategy_id,
            exposure=dice.maybe(str(dice.amount("0", "300"))),
        )
        for pair, holding in account.holdings.items()
        for share in holding.shares
        if share.strategy_id != MANUAL and dice.random.random() < 0.3
    ]  # fmt: skip
    return Case(wishes, account, limits(dice))
