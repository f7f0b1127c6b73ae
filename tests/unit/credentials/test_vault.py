"""The contents of the secrets file survive being written and read, whoever wrote them."""

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krakked_tui.credentials.vault import Vault, decode_vault, encode_vault
from krakked_tui.domain.access import KeyAudit, Permission
from krakked_tui.domain.errors import CredentialsError
from krakked_tui.domain.secret import Secret
from krakked_tui.kraken.keys import ApiKey
from tests.unit.credentials.builders import KEY, PLAIN_TEXTS, SECRET, VAULT, failure, told_of

texts = st.text(min_size=1, max_size=50).map(Secret)
instants = st.datetimes(timezones=st.just(UTC))
audits = st.builds(
    KeyAudit,
    source=st.text(max_size=20),
    checked_at=instants,
    held=st.lists(st.sampled_from(Permission)).map(tuple),
    others=st.lists(st.text(max_size=20)).map(tuple),
    nonce_window=st.integers(min_value=0, max_value=2**63),
    last_used=st.none() | instants,
)
pairs = st.tuples(texts, texts) | st.just((None, None))
vaults = st.builds(
    lambda pair, **others: Vault(api_key=pair[0], api_secret=pair[1], **others),
    pairs,
    validated_at=st.none() | instants,
    audit=st.none() | audits,
    exchange=st.text(max_size=20),
    alert_urls=st.lists(texts, max_size=3).map(tuple),
    api_tokens=st.lists(texts, max_size=3).map(tuple),
)


@given(vaults)
def test_what_was_written_is_read(vault: Vault) -> None:
    assert decode_vault(encode_vault(vault)) == vault


def changed(**changes: object) -> Secret:
    return Secret(json.dumps(json.loads(encode_vault(VAULT).reveal()) | changes))


def test_what_a_newer_version_added_survives_being_saved_by_this_one() -> None:
    added = {"sentinel_keys": [{"a": 1.50}], "note": "é"}
    read = decode_vault(changed(**added))
    assert "sentinel" not in repr(read)
    assert (read.api_key, read.audit) == (VAULT.api_key, VAULT.audit)
    written = json.loads(encode_vault(read).reveal())
    assert {name: written[name] for name in added} == added
    assert decode_vault(encode_vault(read)) == read


@pytest.mark.parametrize(
    "changes",
    [
        {"format": 2},
        {"format": "1"},
        {"api_key": None},
        {"api_secret": ""},
        {"api_key": 5},
        {"alert_urls": "one"},
        {"validated_at": "yesterday"},
    ],
    ids=str,
)
def test_what_only_a_newer_version_understands_is_refused_as_a_whole(changes: dict[str, object]) -> None:
    error = failure(lambda: decode_vault(changed(**changes)))
    assert type(error) is CredentialsError
    assert "update Krakked" in str(error)
    assert not any(text in told_of(error) for text in PLAIN_TEXTS)


@pytest.mark.parametrize("text", ["", "null", "[]", "{}", "{", "[" * 5000, '{"format":1,'])
def test_what_is_no_vault_at_all_is_refused(text: str) -> None:
    with pytest.raises(CredentialsError):
        decode_vault(Secret(text))


def test_an_audit_in_words_of_a_newer_version_is_made_again_not_believed_in_part() -> None:
    audit = {"source": "x", "checked_at": "2026-01-05T12:00:00Z", "held": ["teleport-funds"]}
    read = decode_vault(changed(audit=audit))
    assert read.audit is None
    assert read.api_key == VAULT.api_key


def test_text_that_no_json_holds_is_refused_without_showing_it() -> None:
    broken = Vault(api_key=Secret(KEY), api_secret=Secret(SECRET + "\udcff"))
    error = failure(lambda: encode_vault(broken))
    assert type(error) is CredentialsError
    assert KEY not in told_of(error)
    assert SECRET not in told_of(error)


def test_half_a_key_pair_is_nothing() -> None:
    with pytest.raises(ValueError, match="belong together"):
        Vault(api_key=Secret(KEY))
    with pytest.raises(ValueError, match="belong together"):
        Vault(api_secret=Secret(SECRET), api_key=Secret(""))


def test_a_key_is_unvalidated_until_the_exchange_accepted_it() -> None:
    assert not Vault().unvalidated
    assert Vault(api_key=Secret(KEY), api_secret=Secret(SECRET)).unvalidated
    assert not VAULT.unvalidated


def test_times_keep_their_instant() -> None:
    at = datetime(2026, 1, 5, 14, tzinfo=timezone(timedelta(hours=2)))
    vault = Vault(api_key=Secret(KEY), api_secret=Secret(SECRET), validated_at=at)
    assert decode_vault(encode_vault(vault)).validated_at == datetime(2026, 1, 5, 12, tzinfo=UTC)


def test_the_fingerprint_is_the_one_of_the_client() -> None:
    assert Secret(KEY).fingerprint == VAULT.fingerprint == ApiKey(KEY, SECRET).fingerprint
    assert Vault().fingerprint == ""


def test_a_vault_prints_no_secret() -> None:
    assert not any(text in f"{VAULT} {VAULT!r}" for text in PLAIN_TEXTS)


def test_a_file_that_names_no_exchange_is_read() -> None:
    old = json.loads(encode_vault(VAULT).reveal())
    del old["exchange"]
    read = decode_vault(Secret(json.dumps(old)))
    assert (read.exchange, read.validated_at) == ("", VAULT.validated_at)
    assert not read.of_another("api.kraken.com")


def test_what_another_exchange_said_is_told_apart() -> None:
    vault = Vault(api_key=Secret(KEY), api_secret=Secret(SECRET), exchange="127.0.0.1:8080")
    assert vault.of_another("api.kraken.com")
    assert vault.of_another("127.0.0.1:8081")
    assert not vault.of_another("127.0.0.1:8080")
    assert not vault.of_another("")
