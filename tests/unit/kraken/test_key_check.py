"""What each failure says about a key: refused and why, or nothing at all."""

from datetime import UTC, datetime

import pytest

from krakked_tui.domain.access import Permission
from krakked_tui.domain.errors import StorageError
from krakked_tui.kraken import error_codes
from krakked_tui.kraken.errors import (
    InvalidArgumentsError,
    KrakenError,
    KrakenProtocolError,
    NetworkError,
    NonceError,
    Sent,
)
from krakked_tui.kraken.key_check import NO_VERDICT, PERMISSION_NAMES, Fault, KeyFailure, judge

AT = datetime(2026, 1, 5, tzinfo=UTC)

REFUSED = {
    "EAPI:Invalid key": Fault.KEY,
    "EAPI:Invalid signature": Fault.SECRET,
    "EAPI:Invalid nonce": Fault.NONCE,
    "EAPI:Bad request": Fault.KEY,
    "EAPI:Feature disabled": Fault.ACCOUNT,
    "EGeneral:Permission denied": Fault.PERMISSION,
    "EOrder:Trading agreement required": Fault.ACCOUNT,
    "EAuth:Account temporary disabled": Fault.ACCOUNT,
    "EAuth:Account unconfirmed": Fault.ACCOUNT,
    "EAccount:Invalid permissions": Fault.ACCOUNT,
    "ETrade:Locked": Fault.ACCOUNT,
    "ETrade:User Locked": Fault.ACCOUNT,
}
RATE = {
    "EAPI:Rate limit exceeded",
    "EGeneral:Too many requests",
    "EGeneral:Temporary lockout",
    "EOrder:Rate limit exceeded",
    "EOrder:Domain rate limit exceeded",
    "EService:Throttled",
    "EAuth:Rate limit exceeded",
    "EAuth:Too many requests",
}


def said(*texts: str) -> KeyFailure:
    """What Kraken's error strings say about a key that asked for its balances."""
    return judge(error_codes.classify(texts, "BalanceEx", AT), Permission.QUERY_FUNDS)


@pytest.mark.parametrize("text", [rule.prefix for rule in error_codes.RULES])
def test_every_string_of_kraken_refuses_the_key_or_says_nothing_about_it(text: str) -> None:
    failure = said(text)
    expected = REFUSED.get(text) or (Fault.RATE if text in RATE else Fault.SERVICE)
    assert failure.fault is expected
    assert failure.refused is (text in REFUSED)
    assert (NO_VERDICT in failure.advice) is not failure.refused
    # Each refusal has a sentence of its own; the string itself is only shown where there is none.
    assert (text in failure.headline) is (not failure.refused and text != "EGeneral:Temporary lockout")
    assert failure.headline.endswith(".")
    assert failure.advice.endswith(".")


@pytest.mark.parametrize("text", REFUSED)
def test_a_detail_behind_a_refusal_changes_nothing(text: str) -> None:
    assert said(f"{text}:more of it").fault is REFUSED[text]


def test_the_table_above_lists_nothing_that_kraken_does_not_say() -> None:
    assert {rule.prefix for rule in error_codes.RULES} >= set(REFUSED) | RATE


@pytest.mark.parametrize("category", [category for category, _ in error_codes.CATEGORIES] + ["EElse:", ""])
def test_an_unknown_string_goes_by_its_category(category: str) -> None:
    failure = said(f"{category}Something new \x1b[31m")
    assert failure.refused is (category in {"EAPI:", "EAuth:", "ESession:", "EAccount:"})
    assert "Something new ?[31m" in failure.headline


def test_of_several_errors_the_one_about_the_key_counts() -> None:
    assert said("EGeneral:Invalid arguments", "EAPI:Invalid signature").fault is Fault.SECRET


@pytest.mark.parametrize(
    ("error", "fault", "words"),
    [
        (NetworkError("BalanceEx found no connection", Sent.NO), Fault.NETWORK, "no connection"),
        (NetworkError("BalanceEx was answered by a gateway: HTTP 502", Sent.MAYBE), Fault.NETWORK, "502"),
        (NetworkError("BalanceEx broke off", Sent.YES), Fault.NETWORK, "broke off"),
        (KrakenProtocolError("The reply to BalanceEx is odd"), Fault.SERVICE, "odd"),
        (NonceError("BalanceEx was not sent: disk full"), Fault.OURSELVES, "Nothing was sent"),
        (InvalidArgumentsError("no code at all"), Fault.SERVICE, "no code at all"),
    ],
)
def test_trouble_on_the_way_says_nothing_about_the_key(error: KrakenError, fault: Fault, words: str) -> None:
    failure = judge(error, Permission.QUERY_FUNDS)
    assert (failure.fault, failure.refused) == (fault, False)
    assert words in failure.headline
    assert failure.advice.startswith(NO_VERDICT)


def test_our_own_trouble_is_told() -> None:
    error = NonceError(f"BalanceEx was not sent: {StorageError('the disk is full')}")
    assert "the disk is full" in judge(error, Permission.QUERY_FUNDS).advice


@pytest.mark.parametrize("permission", Permission)
def test_a_missing_permission_is_named_as_kraken_names_it(permission: Permission) -> None:
    error = error_codes.classify(["EGeneral:Permission denied"], "it", AT)
    failure = judge(error, permission)
    assert f'"{PERMISSION_NAMES[permission]}" ({permission.value})' in failure.headline
    assert "one-time password" in failure.advice


def test_a_stale_nonce_and_a_lockout_come_with_a_way_out() -> None:
    nonce, lockout = said("EAPI:Invalid nonce"), said("EGeneral:Temporary lockout")
    assert "key for Krakked alone" in nonce.advice
    assert "nonce window" in nonce.advice
    assert "wait 15 minutes" in lockout.advice
