from base64 import b64decode
from datetime import UTC, datetime

import pytest

from krakked_tui.domain.errors import UsageError
from krakked_tui.kraken.keys import ApiKey
from krakked_tui.sandbox import keys
from krakked_tui.sandbox.keys import KeyRecord, KeyRing, fingerprint, make_key, make_secret, stored_record

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
MAIN = KeyRecord(api_key="main key", api_secret="c2VjcmV0")
OTHER = KeyRecord(api_key="other key", api_secret="b3RoZXI=", name="reader", permissions=("query-funds",))


def test_made_up_keys_look_like_krakens() -> None:
    assert len(make_key()) == 56
    assert len(b64decode(make_secret())) == 64
    assert make_secret() != make_secret()


def test_a_fingerprint_is_the_clients_own() -> None:
    key, secret = make_key(), make_secret()
    assert fingerprint(key) == ApiKey(key, secret).fingerprint


def test_no_secret_is_shown() -> None:
    ring = KeyRing(MAIN, {}, lambda _name, _value: None)
    for shown in (repr(MAIN), repr(ring.main)):
        assert "c2VjcmV0" not in shown
        assert "main key" not in shown
        assert MAIN.fingerprint in shown


def test_a_secret_that_is_not_base64_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="--api-secret") as refusal:
        KeyRing(KeyRecord(api_key="key", api_secret="not base64!"), {}, lambda _name, _value: None)
    assert "not base64!" not in str(refusal.value)


def test_keys_are_found_again_after_a_restart() -> None:
    facts: dict[str, str] = {"seed": "7"}
    ring = KeyRing(MAIN, facts, facts.__setitem__)
    ring.add(OTHER)
    other = ring.find("other key")
    assert other is not None
    ring.use_nonce(other, 41)
    ring.disable(ring.main, NOW)

    again = KeyRing(stored_record("main key", facts) or OTHER, facts, facts.__setitem__)
    assert [key.record.name for key in again] == ["main", "reader"]
    assert again.find("main key") is None, "disabled"
    assert again.main.record.modified_at == NOW
    found = again.find("other key")
    assert found is not None
    assert (found.record, found.last_nonce) == (OTHER, 41)


def test_keys_are_named_by_text_or_fingerprint() -> None:
    ring = KeyRing(MAIN, {}, lambda _name, _value: None)
    assert ring.named("main key") is ring.named(MAIN.fingerprint) is ring.main
    assert ring.named("") is None


def test_a_ring_holds_no_key_twice_and_not_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "KEYS_MAX", 2)
    ring = KeyRing(MAIN, {}, lambda _name, _value: None)
    with pytest.raises(ValueError, match="exists already"):
        ring.add(MAIN)
    ring.add(OTHER)
    with pytest.raises(ValueError, match="2 keys already"):
        ring.add(KeyRecord(api_key="third", api_secret=""))
