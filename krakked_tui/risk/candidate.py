"""An entry under examination, and what the entries before it have left."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Self

import msgspec

from krakked_tui.domain.intents import StrategyIntent
from krakked_tui.domain.money import ZERO
from krakked_tui.risk.context import PairState, RiskContext, StrategyLimits
from krakked_tui.risk.settings import RiskSettings


class Room(msgspec.Struct, frozen=True):
    """What is left for the next intent of a plan.

    ``holders`` maps every pair that is held or being bought to the strategy it is for; ``buying``
    are the pairs with a buy that is open or in the plan, ``leaving`` those that the plan sells.
    """

    cash: Decimal
    holders: Mapping[str, str]
    buying: frozenset[str]
    leaving: frozenset[str] = frozenset()

    @classmethod
    def at_start(cls, context: RiskContext) -> Self:
        """Before the first intent."""
        holders = {pair: buy.strategy_id for pair, buy in context.pending_buys.items()}
        holders |= {pair: holding.strategy_id for pair, holding in context.holdings.items()}
        return cls(context.cash_available, holders, frozenset(context.pending_buys))

    def after_buy(self, pair: str, strategy_id: str, cost: Decimal) -> Self:
        """After an entry that costs at most ``cost``, fee included."""
        return msgspec.structs.replace(
            self,
            cash=self.cash - cost,
            holders={**self.holders, pair: strategy_id},
            buying=self.buying | {pair},
        )

    def after_exit(self, pair: str) -> Self:
        """After an exit or a reduction, which frees nothing yet."""
        return msgspec.structs.replace(self, leaving=self.leaving | {pair})


class Candidate(msgspec.Struct, frozen=True):
    """Everything a limit may look at."""

    intent: StrategyIntent
    state: PairState
    strategy: StrategyLimits
    context: RiskContext
    settings: RiskSettings
    room: Room

    @property
    def held_size(self) -> Decimal:
        """Base size held of the pair before the entry."""
        holding = self.context.holdings.get(self.intent.pair)
        return holding.size if holding else ZERO

    @property
    def exposure_usd(self) -> Decimal:
        """Value held of the pair, plus what open buys may still add."""
        holding = self.context.holdings.get(self.intent.pair)
        pending = self.context.pending_buys.get(self.intent.pair)
        return (holding.value_usd if holding else ZERO) + (pending.notional_usd if pending else ZERO)


class Pricing(msgspec.Struct, frozen=True):
    """What an entry pays at worst and may lose, per unit of base, in USD.

    ``price`` is the worst price it may buy at, ``cost`` that price with the fee, ``stop`` the price
    it is sold at when it fails, always below ``price``.
    """

    price: Decimal
    cost: Decimal
    stop: Decimal

    @property
    def distance(self) -> Decimal:
        """Loss per unit of base when the stop is hit."""
        return self.price - self.stop
