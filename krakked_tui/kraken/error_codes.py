"""Kraken's error strings, and what each proves.

One row per string of the documentation, matched by its longest prefix, case-sensitively. A string
we do not know gets its type from its category and proves nothing: ``AMBIGUOUS``.
"""

import re
from collections.abc import Sequence
from datetime import datetime

import msgspec

from krakked_tui.kraken.errors import (
    AuthError,
    ErrorClass,
    InvalidArgumentsError,
    KrakenError,
    OrderRejectedError,
    PairNotListedError,
    PermissionDeniedError,
    RateLimitError,
    ServiceUnavailableError,
    printable,
)

INVALID_NONCE = "EAPI:Invalid nonce"
UNKNOWN_ORDER = "EOrder:Unknown order"
INVALID_ORDER = "EOrder:Invalid order"
CANCEL_PENDING = "EOrder:Cancel pending"
NOTHING_TO_CANCEL = frozenset({UNKNOWN_ORDER, INVALID_ORDER, CANCEL_PENDING})
"""What a cancel may answer about an order that is gone, or going."""
PRIVATE_RATE_LIMIT = "EAPI:Rate limit exceeded"
TOO_MANY_REQUESTS = "EGeneral:Too many requests"
LOCKOUT = "EGeneral:Temporary lockout"
PAIR_RATE_LIMIT = "EOrder:Rate limit exceeded"
DOMAIN_RATE_LIMIT = "EOrder:Domain rate limit exceeded"

_P = ErrorClass.PERMANENT
_A = ErrorClass.AUTH
_R = ErrorClass.RATE
_N = ErrorClass.NOT_EXECUTED
_UNCLEAR = ErrorClass.AMBIGUOUS

_BACK_OFF_SECONDS = 5.0
_LOCKOUT_SECONDS = 900.0
_THROTTLE_SECONDS_MAX = 60.0


class Rule(msgspec.Struct, frozen=True):
    """What an error string means. ``advice`` tells a person what to do; seconds are wall seconds."""

    prefix: str
    error_class: ErrorClass
    error: type[KrakenError]
    advice: str = ""
    retry_after: float = 0.0


def _rate(prefix: str, seconds: float = _BACK_OFF_SECONDS, advice: str = "") -> Rule:
    return Rule(prefix, _R, RateLimitError, advice, seconds)


def _market_mode(mode: str) -> Rule:
    return Rule(f"EService:Market in {mode} mode", _N, ServiceUnavailableError, retry_after=_BACK_OFF_SECONDS)


def _order(text: str) -> Rule:
    return Rule(f"EOrder:{text}", _P, OrderRejectedError)


def _funding(text: str) -> Rule:
    return Rule(f"EFunding:{text}", _P, InvalidArgumentsError)


_NONCE_ADVICE = (
    "another tool has used this key with a larger nonce; give Krakked a key of its own, "
    "or set the key's nonce window"
)
_PERMISSION_ADVICE = "give the key this permission at Kraken"

RULES: tuple[Rule, ...] = (
    Rule("EAPI:Invalid key", _A, AuthError, "check the key, and the IP addresses it is limited to"),
    Rule("EAPI:Invalid signature", _A, AuthError, "check the API secret"),
    Rule(INVALID_NONCE, _N, AuthError, _NONCE_ADVICE),
    Rule("EAPI:Bad request", _A, AuthError),
    Rule("EAPI:Feature disabled", _A, PermissionDeniedError),
    Rule("EAPI:Invalid token", _N, AuthError),
    Rule("ESession:Invalid session", _N, AuthError),
    _rate(PRIVATE_RATE_LIMIT),
    Rule("EGeneral:Permission denied", _A, PermissionDeniedError, _PERMISSION_ADVICE),
    Rule("EGeneral:Unknown method", _P, InvalidArgumentsError),
    Rule("EGeneral:Invalid arguments", _P, InvalidArgumentsError),
    Rule("EGeneral:Invalid arguments:volume", _P, InvalidArgumentsError),
    Rule("EGeneral:Invalid arguments:price", _P, InvalidArgumentsError),
    Rule("EGeneral:Invalid arguments:cl_ord_id", _P, InvalidArgumentsError),
    Rule("EGeneral:Invalid arguments:viqc", _P, InvalidArgumentsError),
    Rule("EGeneral:Invalid arguments:ordertype", _P, InvalidArgumentsError),
    Rule("EGeneral:Invalid arguments:volume minimum not met", _P, OrderRejectedError),
    # After a lost answer this is evidence that the first attempt landed, so it proves no refusal.
    Rule("EGeneral:Invalid arguments:cl_ord_id not unique", _UNCLEAR, OrderRejectedError),
    Rule("EGeneral:Invalid arguments:Index unavailable", _P, InvalidArgumentsError),
    Rule("EGeneral:Invalid arguments:no_mpp order option", _P, InvalidArgumentsError),
    _rate(TOO_MANY_REQUESTS),
    _rate(LOCKOUT, _LOCKOUT_SECONDS, "wait 15 minutes; every further call extends it"),
    Rule("EGeneral:Internal error", _UNCLEAR, ServiceUnavailableError),
    Rule("EQuery:Unknown asset pair", _P, PairNotListedError),
    Rule("EQuery:Invalid asset pair", _P, PairNotListedError),
    Rule("EQuery:Unknown asset", _P, InvalidArgumentsError),
    _order("Insufficient funds"),
    _order("Order minimum not met"),
    _order("Cost minimum not met"),
    _order("Tick size check failed"),
    _order("Invalid price"),
    Rule(INVALID_ORDER, _P, OrderRejectedError),
    Rule(UNKNOWN_ORDER, _P, OrderRejectedError),
    _order("Post only order"),
    _order("Order not editable"),
    _order("Not enough leaves qty"),
    Rule(CANCEL_PENDING, _UNCLEAR, OrderRejectedError),
    _order("Orders limit exceeded"),
    _order("Scheduled orders limit exceeded"),
    _order("Positions limit exceeded"),
    _rate(PAIR_RATE_LIMIT),
    _rate(DOMAIN_RATE_LIMIT),
    Rule("EOrder:Trading agreement required", _A, PermissionDeniedError, "accept it in your Kraken account"),
    _order("Unknown position"),
    _order("Cannot open position"),
    _order("Cannot open opposing position"),
    _order("Margin allowance exceeded"),
    _order("Margin level too low"),
    _order("Margin position size exceeded"),
    _order("Insufficient margin"),
    _order("Insufficient initial margin"),
    _order("Reduce only"),
    _market_mode("cancel_only"),
    _market_mode("post_only"),
    _market_mode("limit_only"),
    Rule("EService:Unavailable", _UNCLEAR, ServiceUnavailableError),
    Rule("EService:Busy", _UNCLEAR, ServiceUnavailableError),
    Rule("EService:Deadline elapsed", _UNCLEAR, ServiceUnavailableError),
    _rate("EService:Throttled"),
    Rule("EAuth:Account temporary disabled", _A, AuthError, "unlock your Kraken account"),
    Rule("EAuth:Account unconfirmed", _A, AuthError, "confirm your Kraken account"),
    _rate("EAuth:Rate limit exceeded"),
    _rate("EAuth:Too many requests"),
    Rule("EAccount:Invalid permissions", _A, PermissionDeniedError, "your region may not trade this"),
    Rule("ETrade:Locked", _A, PermissionDeniedError),
    Rule("ETrade:User Locked", _A, PermissionDeniedError),
    Rule("ETrade:Invalid request", _P, InvalidArgumentsError),
    Rule("EDatabase:Internal error", _UNCLEAR, ServiceUnavailableError),
    Rule("EBM:limit exceeded:CAL", _P, OrderRejectedError),
    _funding("Unknown withdraw key"),
    _funding("Invalid amount"),
    _funding("No funding method"),
    _funding("Unknown asset"),
    _funding("Too many addresses"),
    _funding("Max fee exceeded"),
    _funding("Unknown reference id"),
    _funding("Invalid reference id"),
    Rule("EEarnings:", _P, InvalidArgumentsError),
    Rule("EEarnings:Busy", _N, ServiceUnavailableError, retry_after=_BACK_OFF_SECONDS),
)

_BY_LENGTH = sorted(RULES, key=lambda rule: len(rule.prefix), reverse=True)

CATEGORIES: tuple[tuple[str, type[KrakenError]], ...] = (
    ("EAPI:", AuthError),
    ("EAuth:", AuthError),
    ("ESession:", AuthError),
    ("EAccount:", PermissionDeniedError),
    ("EGeneral:", ServiceUnavailableError),
    ("EService:", ServiceUnavailableError),
    ("EDatabase:", ServiceUnavailableError),
    ("EOrder:", OrderRejectedError),
    ("ETrade:", OrderRejectedError),
    ("EBM:", OrderRejectedError),
    ("EQuery:", InvalidArgumentsError),
    ("EFunding:", InvalidArgumentsError),
)
"""Types of strings that no rule lists."""

_CAUTION = (_UNCLEAR, _A, _P, _R, _N)
"""When several errors come together, the first of these classes among them decides."""


def classify(texts: Sequence[str], what: str, now: datetime) -> KrakenError:
    """Return the error for a reply to ``what`` with these error strings (at least one).

    ``now`` is exchange time: a throttle names the instant until which to wait.
    """
    errors = [_single(text, what, now) for text in texts]
    return min(errors, key=lambda error: _CAUTION.index(error.error_class))


def _single(text: str, what: str, now: datetime) -> KrakenError:
    text = re.sub(r":\s+", ":", text)
    rule = next((rule for rule in _BY_LENGTH if text.startswith(rule.prefix)), None)
    if rule is None:
        error = next((error for prefix, error in CATEGORIES if text.startswith(prefix)), KrakenError)
        rule = Rule(printable(text), _UNCLEAR, error)
    advice = f" ({rule.advice})" if rule.advice else ""
    return rule.error(
        f"Kraken refused {what}: {printable(text)}{advice}",
        code=rule.prefix,
        error_class=rule.error_class,
        retry_after=_throttled_until(text, now) or rule.retry_after,
        listed=rule in RULES,
    )


def _throttled_until(text: str, now: datetime) -> float:
    """Return the seconds until the unix time at the end of ``EService:Throttled:<unix time>``."""
    found = re.fullmatch(r"EService:Throttled:(\d{1,12})", text)
    if found is None:
        return 0.0
    return min(max(int(found[1]) - now.timestamp(), 0.0), _THROTTLE_SECONDS_MAX)
