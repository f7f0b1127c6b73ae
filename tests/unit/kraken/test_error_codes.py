"""Every documented error string, and what it proves."""

from datetime import UTC, datetime, timedelta

import pytest

from krakked_tui.domain.errors import ExchangeError, UnknownPairError
from krakked_tui.kraken.error_codes import RULES, classify
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
)

START = datetime(2026, 1, 5, tzinfo=UTC)
P, A, R, N = ErrorClass.PERMANENT, ErrorClass.AUTH, ErrorClass.RATE, ErrorClass.NOT_EXECUTED
UNCLEAR = ErrorClass.AMBIGUOUS
MARGIN = (
    "Unknown position",
    "Cannot open position",
    "Cannot open opposing position",
    "Margin allowance exceeded",
    "Margin level too low",
    "Margin position size exceeded",
    "Insufficient margin",
    "Insufficient initial margin",
    "Reduce only:No position exists",
    "Reduce only:Position is closed",
    "Reduce only:Non-PC",
    "Reduce only:Non-ECP",
)
FUNDING = (
    "Unknown withdraw key",
    "Invalid amount",
    "No funding method",
    "Unknown asset",
    "Too many addresses",
    "Max fee exceeded",
    "Unknown reference id",
    "Invalid reference id",
)
NO_MPP = "EGeneral:Invalid arguments:no_mpp order option is only available when ordertype = market"

TABLE: list[tuple[str, ErrorClass, type[KrakenError]]] = [
    ("EAPI:Invalid key", A, AuthError),
    ("EAPI:Invalid signature", A, AuthError),
    ("EAPI:Invalid nonce", N, AuthError),
    ("EAPI:Bad request", A, AuthError),
    ("EAPI:Feature disabled", A, PermissionDeniedError),
    ("EAPI:Invalid token", N, AuthError),
    ("ESession:Invalid session", N, AuthError),
    ("EAPI:Rate limit exceeded", R, RateLimitError),
    ("EGeneral:Permission denied", A, PermissionDeniedError),
    ("EGeneral:Unknown method", P, InvalidArgumentsError),
    ("EGeneral:Invalid arguments", P, InvalidArgumentsError),
    ("EGeneral:Invalid arguments:volume", P, InvalidArgumentsError),
    ("EGeneral:Invalid arguments:price", P, InvalidArgumentsError),
    ("EGeneral:Invalid arguments:cl_ord_id", P, InvalidArgumentsError),
    ("EGeneral:Invalid arguments:viqc", P, InvalidArgumentsError),
    ("EGeneral:Invalid arguments:ordertype", P, InvalidArgumentsError),
    ("EGeneral:Invalid arguments:something else", P, InvalidArgumentsError),
    ("EGeneral:Invalid arguments:volume minimum not met", P, OrderRejectedError),
    ("EGeneral:Invalid arguments:cl_ord_id not unique", UNCLEAR, OrderRejectedError),
    ("EGeneral:Invalid arguments:Index unavailable", P, InvalidArgumentsError),
    (NO_MPP, P, InvalidArgumentsError),
    ("EGeneral:Too many requests", R, RateLimitError),
    ("EGeneral:Temporary lockout", R, RateLimitError),
    ("EGeneral:Internal error", UNCLEAR, ServiceUnavailableError),
    ("EGeneral:Internal error:17", UNCLEAR, ServiceUnavailableError),
    ("EQuery:Unknown asset pair", P, PairNotListedError),
    ("EQuery:Invalid asset pair", P, PairNotListedError),
    ("EQuery:Unknown asset", P, InvalidArgumentsError),
    ("EOrder:Insufficient funds", P, OrderRejectedError),
    ("EOrder:Order minimum not met", P, OrderRejectedError),
    ("EOrder:Cost minimum not met", P, OrderRejectedError),
    ("EOrder:Tick size check failed", P, OrderRejectedError),
    ("EOrder:Invalid price", P, OrderRejectedError),
    ("EOrder:Invalid price:Invalid price argument", P, OrderRejectedError),
    ("EOrder:Invalid order", P, OrderRejectedError),
    ("EOrder:Unknown order", P, OrderRejectedError),
    ("EOrder:Post only order", P, OrderRejectedError),
    ("EOrder:Order not editable", P, OrderRejectedError),
    ("EOrder:Not enough leaves qty", P, OrderRejectedError),
    ("EOrder:Cancel pending", UNCLEAR, OrderRejectedError),
    ("EOrder:Orders limit exceeded", P, OrderRejectedError),
    ("EOrder:Scheduled orders limit exceeded", P, OrderRejectedError),
    ("EOrder:Positions limit exceeded", P, OrderRejectedError),
    ("EOrder:Rate limit exceeded", R, RateLimitError),
    ("EOrder:Domain rate limit exceeded", R, RateLimitError),
    ("EOrder:Trading agreement required", A, PermissionDeniedError),
    *((f"EOrder:{text}", P, OrderRejectedError) for text in MARGIN),
    ("EService:Market in cancel_only mode", N, ServiceUnavailableError),
    ("EService:Market in post_only mode", N, ServiceUnavailableError),
    ("EService:Market in limit_only mode", N, ServiceUnavailableError),
    ("EService:Unavailable", UNCLEAR, ServiceUnavailableError),
    ("EService:Busy", UNCLEAR, ServiceUnavailableError),
    ("EService:Deadline elapsed", UNCLEAR, ServiceUnavailableError),
    ("EService:Throttled: 1741500000", R, RateLimitError),
    ("EAuth:Account temporary disabled", A, AuthError),
    ("EAuth:Account unconfirmed", A, AuthError),
    ("EAuth:Rate limit exceeded", R, RateLimitError),
    ("EAuth:Too many requests", R, RateLimitError),
    ("EAccount:Invalid permissions", A, PermissionDeniedError),
    ("EAccount:Invalid permissions:XBT trading restricted", A, PermissionDeniedError),
    ("ETrade:Locked", A, PermissionDeniedError),
    ("ETrade:User Locked", A, PermissionDeniedError),
    ("ETrade:Invalid request", P, InvalidArgumentsError),
    ("EDatabase:Internal error", UNCLEAR, ServiceUnavailableError),
    ("EBM:limit exceeded:CAL", P, OrderRejectedError),
    *((f"EFunding:{text}", P, InvalidArgumentsError) for text in FUNDING),
    (
        "EEarnings:Busy:Another (de)allocation for the same strategy is in progress",
        N,
        ServiceUnavailableError,
    ),
    ("EEarnings:Below min:(De)allocation operation amount less than minimum", P, InvalidArgumentsError),
]


@pytest.mark.parametrize(("text", "error_class", "kind"), TABLE)
def test_documented(text: str, error_class: ErrorClass, kind: type[KrakenError]) -> None:
    error = classify([text], "AddOrder", START)
    assert type(error) is kind
    assert error.error_class is error_class
    assert error.listed
    assert text.replace(": ", ":").startswith(error.code)
    assert text.replace(": ", ":") in str(error)
    assert "AddOrder" in str(error)


def test_the_table_and_this_list_cover_each_other() -> None:
    used = {classify([text], "x", START).code for text, _, _ in TABLE}
    assert used == {rule.prefix for rule in RULES}
    assert len(used) == len(RULES)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("EOrder:Something new", OrderRejectedError),
        ("EAPI:Something new", AuthError),
        ("EService:Something new", ServiceUnavailableError),
        ("EGeneral:Something new", ServiceUnavailableError),
        ("EQuery:Something new", InvalidArgumentsError),
        ("EWhatever:else", KrakenError),
        ("eorder:insufficient funds", KrakenError),
        ("", KrakenError),
    ],
)
def test_an_unlisted_string_proves_nothing(text: str, kind: type[KrakenError]) -> None:
    error = classify([text], "AddOrder", START)
    assert type(error) is kind
    assert error.error_class is ErrorClass.AMBIGUOUS
    assert not error.listed
    assert error.code == text


@pytest.mark.parametrize(
    ("texts", "error_class"),
    [
        (["EOrder:Insufficient funds", "EService:Busy"], UNCLEAR),
        (["EOrder:Rate limit exceeded", "EOrder:Insufficient funds"], P),
        (["EOrder:Insufficient funds", "EGeneral:Permission denied"], A),
        (["EService:Market in post_only mode", "EAPI:Rate limit exceeded"], R),
    ],
)
def test_of_several_the_most_cautious_decides(texts: list[str], error_class: ErrorClass) -> None:
    assert classify(texts, "AddOrder", START).error_class is error_class
    assert classify(texts[::-1], "AddOrder", START).error_class is error_class


def test_a_throttle_says_until_when() -> None:
    until = int((START + timedelta(seconds=7)).timestamp())
    assert classify([f"EService:Throttled: {until}"], "x", START).retry_after == 7
    assert classify([f"EService:Throttled:{until + 10_000}"], "x", START).retry_after == 60
    assert classify([f"EService:Throttled:{until - 100}"], "x", START).retry_after > 0
    assert classify(["EGeneral:Temporary lockout"], "x", START).retry_after == 900


def test_text_from_outside_cannot_break_a_message() -> None:
    error = classify(["EOrder:\x1b[31m\n" + "x" * 10_000], "AddOrder", START)
    assert "\x1b" not in str(error)
    assert "\n" not in str(error)
    assert len(str(error)) < 300
    assert len(error.code) < 300


def test_kraken_errors_are_the_domains() -> None:
    assert issubclass(KrakenError, ExchangeError)
    assert isinstance(classify(["EQuery:Unknown asset pair"], "x", START), UnknownPairError)
