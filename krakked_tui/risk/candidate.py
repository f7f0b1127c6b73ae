"""An intent under examination."""

from decimal import Decimal

import msgspec

from krakked_tui.domain.intents import StrategyIntent
from krakked_tui.domain.money import ZERO
from krakked_tui.risk.context import PairState, RiskContext, StrategyLimits
from krakked_tui.risk.room import Room
from krakked_tui.risk.settings import RiskSettings


class Candidate(msgspec.Struct, frozen=True):
    """Everything a limit may look at."""

    intent: StrategyIntent
    state: PairState
    strategy: StrategyLimits
    context: RiskContext
    settings: RiskSettings
    room: Room

    @property
    def own_size(self) -> Decimal:
        """Base size that the strategy holds of the pair before the entry."""
        holding = self.context.holdings.get(self.intent.pair)
        return holding.of(self.intent.strategy_id) if holding else ZERO

    @property
    def own_stop(self) -> Decimal | None:
        """The stop of what the strategy holds of the pair; the highest of several."""
        holding = self.context.holdings.get(self.intent.pair)
        own = (s for s in holding.shares if s.strategy_id == self.intent.strategy_id) if holding else ()
        return max((share.stop_price for share in own if share.stop_price is not None), default=None)


class Pricing(msgspec.Struct, frozen=True):
    """What an entry pays at worst and may lose, per unit of base, in USD.

    ``price`` is the worst price it may buy at, ``cost`` that price with the fee, ``stop`` the price it is
    sold at when it fails, always below ``price``; zero when all of it may be lost.
    """

    price: Decimal
    cost: Decimal
    stop: Decimal

    @property
    def distance(self) -> Decimal:
        """Loss per unit of base when the stop is hit."""
        return self.price - self.stop

    @property
    def sold_at(self) -> Decimal:
        """The least it is expected to be sold at: the stop, the price itself where there is none."""
        return self.stop or self.price
