"""From intents to actions: what each strategy may do, in a fixed order.

1. Exits, then reductions: by confidence (high first), strategy id, pair, timeframe (short first). Those of
   one pair are one action; what they sell is theirs alone.
2. Entries and increases in the same order; those that agree on a pair are one action, when the surest of
   them comes. A pair that the plan sells is not bought. Each action leaves less cash, risk and fewer places
   to the next.
3. Wishes to hold, which change nothing.

Sales free neither cash nor places for the entries of the same plan: they have not happened yet.
"""

from collections.abc import Iterable

import msgspec

from krakked_tui.domain.intents import IntentType, StrategyIntent
from krakked_tui.domain.money import ONE, ZERO
from krakked_tui.domain.plans import RiskAdjustedAction
from krakked_tui.risk.actions import unchanged
from krakked_tui.risk.checks import flag
from krakked_tui.risk.context import RiskContext
from krakked_tui.risk.entries import enter
from krakked_tui.risk.exits import leave
from krakked_tui.risk.room import Room
from krakked_tui.risk.settings import RiskSettings
from krakked_tui.risk.turns import Turn, turn

_LEAVING = frozenset({IntentType.EXIT, IntentType.REDUCE})
_NUMBERS = ("confidence", "close", "desired_exposure_usd", "stop_price", "take_profit_price", "atr")


def evaluate(
    intents: Iterable[StrategyIntent], context: RiskContext, settings: RiskSettings
) -> tuple[RiskAdjustedAction, ...]:
    """Decide on every intent, in the order they are decided in.

    One action for each pair that changes, and one that changes nothing for each intent that came to
    nothing; every intent is in exactly one of them. The result does not depend on the order of ``intents``.
    Each action carries every check made.
    """
    leaving: list[StrategyIntent] = []
    entering: list[StrategyIntent] = []
    others: list[tuple[Turn, RiskAdjustedAction]] = []
    for intent in intents:
        if intent.intent_type in _LEAVING:
            leaving.append(_readable(intent))
        elif problem := _nonsense(intent):
            # Its numbers cannot even be put in an order.
            sound = _readable(intent)
            others.append((turn(sound), unchanged(sound, context, "", (flag("numbers", problem),))))
        elif intent.intent_type is IntentType.HOLD:
            reason = f"{intent.strategy_id} keeps {intent.pair} as it is"
            others.append((turn(intent), unchanged(intent, context, reason)))
        else:
            entering.append(intent)
    room = Room.at_start(context, settings)
    return (
        *leave(sorted(leaving, key=turn), context, settings, room),
        *enter(sorted(entering, key=turn), context, settings, room),
        *(action for _, action in sorted(others, key=lambda other: (other[0], other[1].reason))),
    )


def _nonsense(intent: StrategyIntent) -> str:
    """Say which number of an intent is none; empty when all are sound."""
    for name in _NUMBERS:
        value = getattr(intent, name)
        if value is not None and not value.is_finite():
            return f"its {name} is {value}"
    return "" if ZERO <= intent.confidence <= ONE else f"its confidence is {intent.confidence}, not 0 to 1"


def _readable(intent: StrategyIntent) -> StrategyIntent:
    """Take every number away that is none: who wants to sell sells, whatever else it says."""
    if not _nonsense(intent):
        return intent
    unsound = {name: None for name in _NUMBERS if not (getattr(intent, name) or ZERO).is_finite()}
    changes = {name: ZERO if name in {"confidence", "close"} else value for name, value in unsound.items()}
    return msgspec.structs.replace(intent, **{"confidence": ZERO, **changes})
