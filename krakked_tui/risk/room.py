"""What the account holds, and what the entries of a plan have left of it so far."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from krakked_tui.domain.money import ZERO
from krakked_tui.risk.context import Protection, ProtectionKind, RiskContext
from krakked_tui.risk.settings import RiskSettings
from krakked_tui.risk.stakes import stakes


@dataclass(frozen=True, slots=True)
class Bought:
    """The part of an entry that is one strategy's: its value at the worst price, and what it may lose."""

    strategy_id: str
    value_usd: Decimal
    risk_usd: Decimal


@dataclass(slots=True)
class Room:
    """Sums over everything held, being bought and planned, kept up entry by entry.

    One plan owns it. Values and risks are USD. Sales of the plan free nothing: they have not happened yet.
    """

    cash: Decimal
    entries: int
    asset_usd: defaultdict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    strategy_usd: defaultdict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    strategy_pairs: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    pair_risk: defaultdict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    """What strategies may lose of each pair."""
    risk: Decimal = ZERO
    """What everything may lose, that which is nobody's strategy's included."""
    places: set[str] = field(default_factory=set)
    """Pairs that count against ``max_open_positions``."""
    sold: set[str] = field(default_factory=set)
    """Pairs that the plan sells."""
    pauses: dict[tuple[ProtectionKind, str, str], Protection] = field(default_factory=dict)

    @classmethod
    def at_start(cls, context: RiskContext, settings: RiskSettings) -> "Room":
        """Before the first intent."""
        room = cls(cash=context.cash_available, entries=context.entries_today)
        for stake in stakes(context):
            room.asset_usd[stake.asset] += stake.value_usd
            room.risk += stake.risk_usd
            if not stake.manual:
                room.strategy_usd[stake.strategy_id] += stake.value_usd
                room.strategy_pairs[stake.strategy_id].add(stake.pair)
                room.pair_risk[stake.pair] += stake.risk_usd
            if settings.include_manual_positions or not stake.manual:
                room.places.add(stake.pair)
        for pause in sorted(context.protections, key=lambda p: (p.until, p.reason)):
            room.pauses[pause.kind, pause.pair, pause.strategy_id] = pause
        return room

    def pause(self, kind: ProtectionKind, pair: str, strategy_id: str) -> Protection | None:
        """Return the protection of this kind that is in the way of an entry; the longest of several."""
        if not self.pauses:
            return None
        scopes = ((pair, ""), ("", strategy_id), ("", ""), (pair, strategy_id))
        found = [pause for scope in scopes if (pause := self.pauses.get((kind, *scope)))]
        return max(found, key=lambda pause: pause.until, default=None)

    def after_buy(self, pair: str, asset: str, cost: Decimal, parts: Iterable[Bought]) -> None:
        """Take an entry that costs at most ``cost``, fee included."""
        self.cash -= cost
        self.entries += 1
        self.places.add(pair)
        for part in parts:
            self.asset_usd[asset] += part.value_usd
            self.strategy_usd[part.strategy_id] += part.value_usd
            self.strategy_pairs[part.strategy_id].add(pair)
            self.pair_risk[pair] += part.risk_usd
            self.risk += part.risk_usd
