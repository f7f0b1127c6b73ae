from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from krakked_tui.sandbox.control import ControlError
from krakked_tui.sandbox.key_control import disable_key, key_rows, make_new_key
from tests.unit.sandbox.rig import RefusedCall, Rig

NOW = datetime(2026, 1, 5, tzinfo=UTC)


def make(rig: Rig, **fields: Any) -> dict[str, Any]:
    return make_new_key(rig.gatekeeper.ring, msgspec.json.encode(fields), NOW)


def test_a_key_of_ones_own_choosing(rig: Rig) -> None:
    made = make(rig, name="reader", permissions=["query-ledger", "query-funds"], nonce_window=5, otp="77")
    row = key_rows(rig.gatekeeper.ring)[1]
    assert row == {
        "fingerprint": made["fingerprint"],
        "name": "reader",
        "permissions": ["query-funds", "query-ledger"],
        "nonce_window": 5,
        "last_nonce": None,
        "valid_until": None,
        "otp": True,
        "disabled": False,
    }
    rig.use_key(made["api_key"])
    assert rig.private("Balance", otp="77") == {"ZUSD": "10000.0000"}
    for wrong in ({}, {"otp": "78"}):
        with pytest.raises(RefusedCall, match="EGeneral:Permission denied"):
            rig.private("Balance", **wrong)
    with pytest.raises(RefusedCall, match="EGeneral:Permission denied"):
        rig.buy("0.01")
    assert rig.private("GetApiKeyInfo", otp="77")["nonce_window"] == "5"
    shown = msgspec.json.encode(key_rows(rig.gatekeeper.ring)).decode()
    assert made["api_secret"] not in shown
    assert made["api_key"] not in shown


def test_an_expiring_and_a_disabled_key(rig: Rig) -> None:
    made = make(rig, valid_until="2026-01-05T02:00:00+01:00")
    rig.use_key(made["api_key"])
    assert rig.private("Balance")
    rig.wall.advance(3600)
    with pytest.raises(RefusedCall, match="EAPI:Invalid key"):
        rig.private("Balance")
    other = make(rig)
    rig.use_key(other["api_key"])
    assert rig.private("Balance")
    disable_key(rig.gatekeeper.ring, other["fingerprint"], NOW)
    with pytest.raises(RefusedCall, match="EAPI:Invalid key"):
        rig.private("Balance")
    assert [row["disabled"] for row in key_rows(rig.gatekeeper.ring)] == [False, False, True]


def test_without_a_wish_it_is_a_traders_key(rig: Rig) -> None:
    made = make_new_key(rig.gatekeeper.ring, b"", NOW)
    rows = key_rows(rig.gatekeeper.ring)
    assert rows[1]["permissions"] == rows[0]["permissions"]
    assert made["fingerprint"] != rows[0]["fingerprint"]


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"permissions": ["fly"]}, "no permission fly; there are query-funds"),
        ({"colour": "red"}, "It takes name, permissions"),
        ({"nonce_window": -1}, "nonce_window"),
        ({"name": ""}, "name"),
        ({"valid_until": "2026-01-06T00:00:00"}, "UTC offset"),
    ],
)
def test_a_wish_that_makes_no_sense(rig: Rig, fields: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ControlError, match=complaint):
        make(rig, **fields)
    assert len(key_rows(rig.gatekeeper.ring)) == 1


def test_an_unknown_key_cannot_be_disabled(rig: Rig) -> None:
    with pytest.raises(ControlError, match=rig.gatekeeper.ring.main.record.fingerprint):
        disable_key(rig.gatekeeper.ring, "nobody", NOW)
