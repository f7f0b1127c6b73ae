"""The local Kraken answers whatever it is sent with one of Kraken's errors: no crash, nothing invented."""

import re
from typing import Any
from urllib.parse import urlencode

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from krakked_tui.sandbox.rest import PRIVATE_ENDPOINTS, PUBLIC_ENDPOINTS
from tests.unit.sandbox.rig import FORM, Rig

ERROR = re.compile(r"[EW][A-Za-z]+:.+", re.DOTALL)

WORDS = (
    *("", "0", "-1", "1e9", "1e-9", "NaN", "Infinity", "-0", "+1", "#1%", "9" * 40, "0." + "0" * 30 + "1"),
    *("XBTUSD", "XBT/USD", "BTC/USD", "XXBTZUSD", "buy", "sell", "limit", "market", "stop-loss", "post,viqc"),
    *("true", "GTD", "IOC", "\x00", "\u202e", "' OR 1=1 --", "%s%n", "1616492376594", "a" * 300),
)
HOSTILE = st.one_of(
    st.sampled_from(WORDS),
    st.text(max_size=20),
    st.decimals(allow_nan=True, allow_infinity=True).map(str),
)
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | HOSTILE,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(HOSTILE, inner, max_size=4),
    max_leaves=12,
)


@pytest.fixture(scope="module")
def rig() -> Rig:
    return Rig()


def _sound(answer: bytes) -> None:
    envelope = msgspec.json.decode(answer)
    assert isinstance(envelope["error"], list)
    for text in envelope["error"]:
        assert ERROR.fullmatch(text), text
        assert not text.startswith("EGeneral:Internal error"), text
    assert envelope["error"] or "result" in envelope


@pytest.mark.parametrize("method", sorted(PRIVATE_ENDPOINTS))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_private_calls_with_senseless_arguments(rig: Rig, method: str, data: st.DataObject) -> None:
    names = PRIVATE_ENDPOINTS[method].accepts
    given_names = data.draw(st.sets(st.sampled_from(names), max_size=6)) if names else set()
    nonce = rig.next_nonce()
    if data.draw(st.booleans()):
        fields = {name: data.draw(JSON) for name in sorted(given_names)}
        _sound(rig.post(method, msgspec.json.encode({**fields, "nonce": nonce}), "application/json"))
    else:
        pairs = [("nonce", nonce), *((name, data.draw(HOSTILE)) for name in sorted(given_names))]
        _sound(rig.post(method, urlencode(pairs, errors="replace").encode(), FORM))


@pytest.mark.parametrize("method", sorted(PUBLIC_ENDPOINTS))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_public_calls_with_senseless_arguments(rig: Rig, method: str, data: st.DataObject) -> None:
    names = PUBLIC_ENDPOINTS[method].accepts or ("pair",)
    pairs = [(name, data.draw(HOSTILE)) for name in sorted(data.draw(st.sets(st.sampled_from(names))))]
    _sound(rig.api.public(method, urlencode(pairs, errors="replace"), "", b""))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary(max_size=200), kind=st.sampled_from(["application/json", FORM, "text/html", ""]))
def test_bodies_of_garbage(rig: Rig, body: bytes, kind: str) -> None:
    rig.next_nonce()
    _sound(rig.post("AddOrder", body, kind))


@pytest.mark.parametrize("private", [False, True])
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(frame=st.text(max_size=80) | JSON.map(lambda value: msgspec.json.encode(value).decode()))
def test_frames_of_garbage(rig: Rig, private: bool, frame: str) -> None:
    listener = rig.listener(private=private)
    listener.heard()
    listener.session.receive(frame)
    rig.hub.close(listener.session)
    for reply in listener.heard():
        assert reply.get("success") is False or reply["method"] == "pong"
        assert isinstance(reply.get("error", ""), str)


METHODS = (
    "add_order",
    "amend_order",
    "edit_order",
    "cancel_order",
    "cancel_all",
    "batch_add",
    "batch_cancel",
)
FIELDS = (
    *("order_type", "side", "symbol", "order_qty", "limit_price", "triggers", "time_in_force", "deadline"),
    *("cl_ord_id", "order_userref", "order_id", "orders", "timeout", "validate", "post_only", "conditional"),
    *(
        "expire_time",
        "cash_order_qty",
        "fee_preference",
        "stp_type",
        "margin",
        "display_qty",
        "trigger_price",
    ),
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    method=st.sampled_from(METHODS),
    params=st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=8),
)
def test_trading_requests_with_senseless_arguments(rig: Rig, method: str, params: dict[str, Any]) -> None:
    token = rig.private("GetWebSocketsToken")["token"]
    listener = rig.listener(private=True)
    listener.heard()
    listener.ask(method, **params, token=token)
    rig.hub.close(listener.session)
    replies = [reply for reply in listener.heard() if "method" in reply]
    assert replies
    for reply in replies:
        assert reply["method"] == method
        if not reply["success"]:
            assert isinstance(reply["error"], str)
            assert reply["error"]
            assert not reply["error"].startswith("EGeneral:Internal error")
