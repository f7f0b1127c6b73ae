"""What a strategy returns, checked: it is the user's code, so it may be anything.

Used on both sides of the worker's pipe: a worker that ran the user's code is believed no more than that.
"""

import math
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from krakked_tui.domain.candles import Timeframe
from krakked_tui.domain.intents import IntentType, StrategyIntent
from krakked_tui.domain.money import ONE, ZERO
from krakked_tui.strategies.base import StrategyContext

METADATA_MAX = 50
"""Indicator values an intent may carry."""
NOTES_MAX = 20
"""Pairs that wait, named one by one in a decision's notes; of the others only their number is told."""
_TEXT_MAX = 300
_NAME_MAX = 60
_MAGNITUDE_MAX = 30
"""Powers of ten within which every amount and price lies: a larger exponent is a mistake, or an attack."""


class StrategyOutputError(ValueError):
    """What a strategy returned is none of what it may return; one sentence says what."""


def one_line(text: object, limit: int = _TEXT_MAX) -> str:
    """Return text of the user's code as one line of printable characters, cut to ``limit``."""
    try:
        found = str(text)[: 4 * limit]
    except Exception:  # noqa: BLE001 - the user's __str__
        return "(no text)"
    plain = "".join(each if each.isprintable() else " " for each in found)
    line = " ".join(plain.split())
    return line if len(line) <= limit else f"{line[: limit - 1]}…"


def checked(
    found: object, strategy_id: str, contexts: Mapping[Timeframe, StrategyContext]
) -> tuple[StrategyIntent, ...]:
    """Return the intents in ``found``, which a strategy returned for these contexts, one per timeframe.

    What the runner says itself, when they were made and the average true range, is not believed.

    Raises:
        StrategyOutputError: Something in ``found`` is not what a strategy may return.
    """
    if not isinstance(found, list | tuple):
        raise StrategyOutputError(
            f"it returned {_kind(found)}, not a list of intents: generate_intents returns a list"
        )
    most = sum(len(context.pairs) for context in contexts.values())
    if len(found) > most:
        raise StrategyOutputError(f"it returned {len(found)} intents for {most} pairs: allowed is one a pair")
    intents = tuple(_checked_intent(each, strategy_id, contexts) for each in found)
    seen: set[tuple[str, Timeframe]] = set()
    for intent in intents:
        key = (intent.pair, intent.timeframe)
        if key in seen:
            raise StrategyOutputError(f"it returned two intents for {intent.pair}: allowed is one a pair")
        seen.add(key)
    return intents


def waiting_notes(found: object, strategy_id: str, context: StrategyContext) -> tuple[str, ...]:
    """Return why pairs are not evaluated now as notes, of which there are never many."""
    if not isinstance(found, Mapping):
        raise StrategyOutputError(f"its waiting returned {_kind(found)}: allowed is a dict of texts by pair")
    where = f"{strategy_id} {context.timeframe}"
    told = [
        f"{where} {pair}: {one_line(why)}"
        for pair, why in found.items()
        if isinstance(pair, str) and pair in context.pairs and isinstance(why, str)
    ]
    more = len(told) - NOTES_MAX
    return (*told[:NOTES_MAX], f"{where}: {more} more pairs wait") if more > 0 else tuple(told)


def _checked_intent(
    intent: object, strategy_id: str, contexts: Mapping[Timeframe, StrategyContext]
) -> StrategyIntent:
    if not isinstance(intent, StrategyIntent):
        raise StrategyOutputError(f"it returned {_kind(intent)} among its intents: allowed is StrategyIntent")
    if intent.strategy_id != strategy_id:
        told = one_line(repr(intent.strategy_id), _NAME_MAX)
        raise StrategyOutputError(f"it returned an intent of the strategy {told}: allowed are its own")
    context = _context(intent.timeframe, contexts)
    timeframe, pair = context.timeframe, _pair(intent.pair, context)
    if not _is(intent.intent_type, IntentType):
        told = one_line(repr(intent.intent_type), _NAME_MAX)
        raise StrategyOutputError(f"{pair}: its intent_type is {told}: allowed is an IntentType")
    if not _is(intent.signal_time, datetime) or intent.signal_time != context.candle_time:
        raise StrategyOutputError(
            f"{pair}: its signal_time is not the context's candle_time, {context.candle_time:%Y-%m-%d %H:%M}"
        )
    return StrategyIntent(
        strategy_id=strategy_id,
        pair=pair,
        intent_type=intent.intent_type,
        timeframe=timeframe,
        signal_time=context.candle_time,
        generated_at=context.now,
        confidence=_confidence(intent.confidence, pair),
        close=_price(intent.close, "close", pair),
        desired_exposure_usd=_optional_amount(intent.desired_exposure_usd, pair),
        stop_price=_optional_price(intent.stop_price, "stop_price", pair),
        take_profit_price=_optional_price(intent.take_profit_price, "take_profit_price", pair),
        metadata=_metadata(intent.metadata, pair),
    )


def _context(timeframe: object, contexts: Mapping[Timeframe, StrategyContext]) -> StrategyContext:
    if not isinstance(timeframe, Timeframe) or timeframe not in contexts:
        told = one_line(repr(timeframe), _NAME_MAX)
        raise StrategyOutputError(f"it returned an intent on the timeframe {told}: allowed is the context's")
    return contexts[timeframe]


def _pair(pair: object, context: StrategyContext) -> str:
    if not isinstance(pair, str) or pair not in context.pairs:
        told = one_line(repr(pair), _NAME_MAX)
        raise StrategyOutputError(f"it returned an intent for the pair {told}: allowed are the context's")
    return pair


def _confidence(value: object, pair: str) -> Decimal:
    confidence = _decimal(value, "confidence", pair)
    if not ZERO <= confidence <= ONE:
        raise StrategyOutputError(f"{pair}: its confidence is {_shown(confidence)}: allowed is 0 to 1")
    return confidence


def _price(value: object, name: str, pair: str) -> Decimal:
    price = _decimal(value, name, pair)
    if price <= ZERO:
        raise StrategyOutputError(f"{pair}: its {name} is {_shown(price)}: allowed is more than 0")
    return price


def _optional_price(value: object, name: str, pair: str) -> Decimal | None:
    return None if value is None else _price(value, name, pair)


def _optional_amount(value: object, pair: str) -> Decimal | None:
    if value is None:
        return None
    amount = _decimal(value, "desired_exposure_usd", pair)
    if amount < ZERO:
        raise StrategyOutputError(
            f"{pair}: its desired_exposure_usd is {_shown(amount)}: allowed is 0 or more, or None"
        )
    return amount


def _decimal(value: object, name: str, pair: str) -> Decimal:
    if not isinstance(value, Decimal):
        raise StrategyOutputError(f"{pair}: its {name} is {_kind(value)}: allowed is a Decimal")
    if not value.is_finite():
        raise StrategyOutputError(f"{pair}: its {name} is {one_line(value, _NAME_MAX)}: allowed is a number")
    if value and not -_MAGNITUDE_MAX <= value.adjusted() <= _MAGNITUDE_MAX:
        raise StrategyOutputError(f"{pair}: its {name} is {_shown(value)}: that cannot be meant")
    return value


def _metadata(found: object, pair: str) -> dict[str, float]:
    """Return what is shown with the intent; a value that is no number has nothing to show and is left out."""
    if not isinstance(found, Mapping):
        raise StrategyOutputError(f"{pair}: its metadata is {_kind(found)}: allowed is a dict of numbers")
    if len(found) > METADATA_MAX:
        raise StrategyOutputError(f"{pair}: its metadata has {len(found)} values: allowed are {METADATA_MAX}")
    shown: dict[str, float] = {}
    for name, value in found.items():
        if not isinstance(name, str) or not isinstance(value, int | float):
            raise StrategyOutputError(
                f"{pair}: its metadata has {one_line(repr(name), _NAME_MAX)}: {_kind(value)}:"
                " allowed are numbers by name"
            )
        number = _float(value)
        if math.isfinite(number):
            shown[one_line(name, _NAME_MAX)] = number
    return shown


def _float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _is(value: object, kind: type) -> bool:
    """Say what is not sure of the user's values, whatever their fields are declared as."""
    return isinstance(value, kind)


def _kind(value: object) -> str:
    return "None" if value is None else f"a {one_line(type(value).__name__, _NAME_MAX)}"


def _shown(value: Decimal) -> str:
    return one_line(f"{value:.6g}", _NAME_MAX)
