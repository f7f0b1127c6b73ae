"""What a key may do: asked for, or found out without changing anything."""

import contextlib
import itertools
from datetime import UTC, datetime, timedelta

import httpx
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from krakked_tui.domain.access import KeyAudit, Permission
from krakked_tui.kraken import error_codes, wire
from krakked_tui.kraken.errors import AuthError, ErrorClass, KrakenError, NetworkError, RateLimitError
from krakked_tui.kraken.key_audit import (
    ASKED,
    OURS,
    PROBED,
    PROBES,
    RECENT,
    Finding,
    audit_key,
    audit_of,
    finding,
    used_by_another,
)
from tests.unit.kraken.exchange import ScriptedKraken, ok, refused

AT = datetime(2026, 1, 5, tzinfo=UTC)
INFO = {
    "api_key_name": "bot",
    "api_key": "pub1icKeyTextOfTheOperator",
    "nonce": "1000",
    "nonce_window": "10000000000",
    "permissions": ["query-funds", "modify-trades", "export-data"],
    "iban": "",
    "valid_until": "1800000000",
    "query_from": "0",
    "query_to": "0",
    "created_time": "1700000000",
    "modified_time": "1700000001",
    "ip_allowlist": ["192.0.2.1"],
    "last_used": "0",
}
DENIED = "EGeneral:Permission denied"
READS = frozenset(
    {
        "GetApiKeyInfo",
        "BalanceEx",
        "OpenOrders",
        "ClosedOrders",
        "Ledgers",
        "GetWebSocketsToken",
        "WithdrawInfo",
    }
)


def answering(**answers: str) -> ScriptedKraken:
    """A Kraken without GetApiKeyInfo: each method answers with an error, or else with success."""
    kraken = ScriptedKraken()
    for probe in PROBES:
        text = answers.get(probe.method, "")
        kraken.on(probe.method, refused(text) if text else ok({}))
    kraken.on("GetApiKeyInfo", refused(answers.get("GetApiKeyInfo", "EGeneral:Unknown method")))
    return kraken


async def audited(kraken: ScriptedKraken) -> KeyAudit:
    rest = kraken.rest()
    try:
        return await audit_key(rest, kraken.clock.now)
    finally:
        await rest.close()


async def test_kraken_is_asked_first_and_nothing_else() -> None:
    kraken = ScriptedKraken()
    kraken.on("GetApiKeyInfo", ok(INFO))
    found = await audited(kraken)
    assert [call.method for call in kraken.calls] == ["GetApiKeyInfo"]
    assert found == KeyAudit(
        source=ASKED,
        checked_at=AT,
        held=(Permission.QUERY_FUNDS, Permission.MODIFY),
        others=("export-data",),
        name="bot",
        nonce_window=10**10,
        valid_until=datetime.fromtimestamp(1_800_000_000, UTC),
        ip_allowlist=("192.0.2.1",),
    )
    assert found.can_withdraw, "nobody here knows what export-data allows"
    assert not msgspec.structs.replace(found, others=()).can_withdraw


async def test_a_permission_is_known_however_it_is_written() -> None:
    kraken = ScriptedKraken()
    kraken.on("GetApiKeyInfo", ok({**INFO, "permissions": ["Query-Funds", " withdraw-funds "]}))
    found = await audited(kraken)
    assert (found.held, found.others) == ((Permission.QUERY_FUNDS, Permission.WITHDRAW), ())


async def test_without_that_method_the_key_is_probed() -> None:
    found = await audited(answering())
    assert found.source == PROBED
    # A cancel passes with either permission; deposits are never probed.
    assert set(found.unknown) == {Permission.CLOSE, Permission.ADD_FUNDS}
    assert set(found.held) == set(Permission) - set(found.unknown)
    assert found.can_withdraw


@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: probe.method)
async def test_a_denied_probe_is_a_missing_permission(probe: object) -> None:
    assert isinstance(probe, type(PROBES[0]))
    denied = {probe.method: DENIED}
    if probe.permission is Permission.CLOSE:
        denied["AddOrder"] = DENIED
    found = await audited(answering(**denied))
    assert probe.permission in found.missing


async def test_a_cancel_that_only_its_own_permission_can_explain_proves_it() -> None:
    found = await audited(answering(AddOrder=DENIED, CancelOrder="EOrder:Unknown order"))
    assert Permission.CLOSE in found.held
    assert Permission.MODIFY in found.missing


async def test_withdrawing_stays_unknown_when_the_probe_may_have_failed_for_another_permission() -> None:
    found = await audited(answering(BalanceEx=DENIED, WithdrawInfo=DENIED))
    assert Permission.QUERY_FUNDS in found.missing
    assert Permission.WITHDRAW in found.unknown
    assert found.can_withdraw


async def test_a_key_that_may_nothing_is_no_error() -> None:
    found = await audited(answering(GetApiKeyInfo=DENIED, **{probe.method: DENIED for probe in PROBES}))
    assert found.held == ()
    assert set(found.unknown) == {Permission.ADD_FUNDS, Permission.WITHDRAW}


async def test_errors_about_the_parameters_prove_the_permission() -> None:
    found = await audited(
        answering(
            AddOrder="EGeneral:Invalid arguments:volume minimum not met",
            WithdrawInfo="EFunding:Unknown withdraw key",
            OpenOrders="EGeneral:Unknown method",
            Ledgers="ESomething:Unheard of",
            ClosedOrders="EAccount:Invalid permissions",
        )
    )
    assert {Permission.MODIFY, Permission.WITHDRAW} <= set(found.held)
    assert {Permission.QUERY_OPEN, Permission.QUERY_LEDGER, Permission.QUERY_CLOSED} <= set(found.unknown)


async def test_nothing_is_found_out_of_a_refused_key() -> None:
    for text in ("EAPI:Invalid key", "EAPI:Invalid signature", "EAPI:Invalid nonce"):
        kraken = answering(GetApiKeyInfo=text)
        with pytest.raises(AuthError):
            await audited(kraken)
        assert {call.method for call in kraken.calls} == {"GetApiKeyInfo"}


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (httpx.Response(502, text="<html>"), NetworkError),
        (httpx.ConnectError("no"), NetworkError),
        (refused("EGeneral:Temporary lockout"), RateLimitError),
    ],
)
async def test_nothing_is_found_out_without_an_answer(
    answer: httpx.Response | Exception, error: type[KrakenError]
) -> None:
    kraken = answering()
    kraken.on("GetApiKeyInfo", answer)
    with pytest.raises(error):
        await audited(kraken)
    assert {call.method for call in kraken.calls} == {"GetApiKeyInfo"}


async def test_probing_gives_up_when_its_first_call_tells_nothing() -> None:
    kraken = answering(BalanceEx="EService:Unavailable")
    with pytest.raises(KrakenError, match="EService:Unavailable"):
        await audited(kraken)


async def test_a_lockout_ends_the_probing() -> None:
    kraken = answering(OpenOrders="EGeneral:Temporary lockout")
    found = await audited(kraken)
    assert found.held == (Permission.QUERY_FUNDS,)
    assert set(found.unknown) == set(Permission) - {Permission.QUERY_FUNDS}
    assert kraken.calls[-1].method == "OpenOrders"


async def test_a_key_that_is_refused_on_the_way_ends_the_probing() -> None:
    kraken = answering(OpenOrders="EAPI:Invalid key")
    found = await audited(kraken)
    assert found.held == (Permission.QUERY_FUNDS,)
    assert kraken.calls[-1].method == "OpenOrders"


async def test_one_probe_that_fails_leaves_its_permission_open() -> None:
    kraken = answering()
    kraken.on("Ledgers", httpx.Response(502))
    found = await audited(kraken)
    assert Permission.QUERY_LEDGER in found.unknown
    assert Permission.MODIFY in found.held


ANSWERS = [
    DENIED,
    "",
    "EGeneral:Internal error",
    "EService:Busy",
    "EAPI:Invalid nonce",
    "EOrder:Unknown order",
]


async def test_whatever_is_answered_no_probe_can_change_anything() -> None:
    for texts in itertools.product(ANSWERS, repeat=2):
        kraken = answering()
        for probe in PROBES:
            kraken.on(probe.method, *(refused(text) if text else ok({}) for text in texts))
        with contextlib.suppress(KrakenError):
            await audited(kraken)
        assert kraken.calls
        for call in kraken.calls:
            if call.method == "AddOrder":
                assert call.params["validate"] == "true"
                assert float(call.params["volume"]) * float(call.params["price"]) < 1e-6
            elif call.method == "CancelOrder":
                assert set(call.params) == {"nonce", "txid"}
                assert set("01") & set(call.params["txid"]), "Kraken's ids have no such digit"
            else:
                assert call.method in READS
        assert len(kraken.calls_of("AddOrder")) <= 1


@pytest.mark.parametrize("rule", error_codes.RULES, ids=lambda rule: rule.prefix)
def test_only_a_denied_permission_is_missing_and_only_a_judged_request_shows_one(
    rule: error_codes.Rule,
) -> None:
    seen = finding(error_codes.classify([rule.prefix], "a probe", AT))
    if rule.prefix == DENIED:
        assert seen is Finding.MISSING
    elif rule.prefix == "EGeneral:Unknown method" or rule.error_class is not ErrorClass.PERMANENT:
        assert seen is Finding.UNKNOWN
    else:
        assert seen is Finding.HELD


def test_the_question_itself_is_no_earlier_use() -> None:
    for seconds, seen in ((0, False), (-OURS.total_seconds() + 1, False), (-60, True)):
        used = AT + timedelta(seconds=seconds)
        info = wire.ApiKeyInfo("bot", [], last_used=str(int(used.timestamp())))
        assert audit_of(info, AT).last_used == (used if seen else None)


def test_use_by_another_tool() -> None:
    def audit(minutes_ago: float | None) -> KeyAudit:
        used = None if minutes_ago is None else AT - timedelta(minutes=minutes_ago)
        return KeyAudit(source=ASKED, checked_at=AT, last_used=used)

    two_ago = AT - timedelta(minutes=2)
    assert not used_by_another(audit(None), None)
    assert used_by_another(audit(1), None)
    assert used_by_another(audit(RECENT.total_seconds() / 60), None)
    assert not used_by_another(audit(16), None)
    assert used_by_another(audit(1), two_ago)
    assert not used_by_another(audit(2), two_ago)
    assert not used_by_another(audit(2), two_ago - OURS)
    assert used_by_another(audit(2), two_ago - OURS - timedelta(seconds=1))


@given(st.text(max_size=40), st.lists(st.text(max_size=100), max_size=60))
def test_whatever_kraken_says_about_a_key_can_be_kept_and_shown(text: str, many: list[str]) -> None:
    info = wire.ApiKeyInfo(
        api_key_name=text,
        permissions=many,
        nonce_window=text,
        valid_until=text,
        query_from=text,
        query_to=text,
        last_used=text,
        ip_allowlist=many,
    )
    found = audit_of(info, AT)
    assert msgspec.json.decode(msgspec.json.encode(found), type=KeyAudit) == found
    assert found.name.isprintable()
    assert all(each.isprintable() for each in (*found.others, *found.ip_allowlist))
    assert len(found.others) <= 20


@pytest.mark.parametrize("text", ["", "0", "never", "-5", "99999999999999999999", "1.5.2", "\u0663", "1e9"])
def test_what_is_no_instant_is_none(text: str) -> None:
    assert audit_of(wire.ApiKeyInfo("bot", [], valid_until=text), AT).valid_until is None


def test_an_instant_with_a_fraction_is_read() -> None:
    found = audit_of(wire.ApiKeyInfo("bot", [], valid_until="1767571200.25", nonce_window="9" * 20), AT)
    assert found.valid_until == datetime(2026, 1, 5, tzinfo=UTC)
    assert found.nonce_window == 2**63 - 1
