"""The API key: where it is, what it may do, what is still in the way of live trading."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType

import msgspec
import pytest

from krakked_tui.bootstrap.unlock import Unlocking
from krakked_tui.config.load import load
from krakked_tui.config.schema import AppConfig
from krakked_tui.credentials.keyring_store import KeyringStatus
from krakked_tui.credentials.vault import Vault
from krakked_tui.doctor.context import Context
from krakked_tui.doctor.exchange import Unreachable
from krakked_tui.doctor.findings import Finding, Status
from krakked_tui.doctor.keys import (
    credentials,
    judge_audit,
    judge_keyring,
    judge_live,
    key,
    keyring,
    live,
    look_for_key,
)
from krakked_tui.doctor.opening import Request
from krakked_tui.domain.access import KeyAudit, Permission
from krakked_tui.domain.secret import Secret
from krakked_tui.kraken.errors import AuthError
from tests.unit.credentials.builders import ALERT_URL, API_TOKEN, KEY, PASSWORD, SECRET, VAULT, saved
from tests.unit.doctor.patients import AUDIT, NOW, FakeExchange, healthy_home, named, patient

BOTH = {"KRAKEN_API_KEY": "key", "KRAKEN_API_SECRET": "c2VjcmV0"}
SANDBOX = {
    "rest_url": "http://127.0.0.1:1",
    "ws_public_url": "ws://127.0.0.1:1/v2",
    "ws_private_url": "ws://127.0.0.1:1/v2",
}
ALL_LOCKS_OPEN = {
    "KRAKKED__EXECUTION__MODE": "live",
    "KRAKKED__EXECUTION__ALLOW_LIVE": "true",
    **{f"KRAKKED__CONNECTION__{name.upper()}": url for name, url in SANDBOX.items()},
}


def config(**environment: str) -> AppConfig:
    return load((), environment).config


def stored(
    home: Path, vault: Vault = VAULT, environment: Mapping[str, str] = MappingProxyType({})
) -> Context:
    """A profile with a key in its encrypted file."""
    where = healthy_home(home)
    saved(where.secrets, vault)
    return patient(home, environment=environment)


def statuses(findings: list[Finding]) -> dict[str, Status]:
    return {each.name: each.status for each in findings}


def test_no_key_is_fine_unless_the_mode_is_live(tmp_path: Path) -> None:
    [found] = credentials(patient(tmp_path))
    assert (found.status, found.fix) == (Status.OK, "")
    [found] = credentials(patient(tmp_path, environment=ALL_LOCKS_OPEN))
    assert found.status is Status.PROBLEM
    assert "krakked-tui setup" in found.fix


def test_a_key_of_the_environment(tmp_path: Path) -> None:
    [found] = credentials(patient(tmp_path, environment=BOTH))
    assert "environment" in found.detail


def test_one_variable_alone_is_told(tmp_path: Path) -> None:
    first, second = credentials(patient(tmp_path, environment={"KRAKEN_API_KEY": "key"}))
    assert (first.status, second.status) == (Status.OK, Status.WARNING)
    assert "KRAKEN_API_SECRET is not set" in second.detail
    assert "both variables" in second.fix


def test_a_file_that_the_environment_hides(tmp_path: Path) -> None:
    found = list(credentials(stored(tmp_path, environment=BOTH)))
    assert [each.status for each in found] == [Status.OK, Status.WARNING]
    assert "unset KRAKEN_API_KEY" in found[1].fix


def test_a_locked_file_is_left_locked(tmp_path: Path) -> None:
    [found] = credentials(stored(tmp_path))
    assert found.status is Status.SKIPPED
    assert "locked" in found.detail
    [found] = key(stored(tmp_path))
    assert found.status is Status.SKIPPED


def test_a_wrong_password(tmp_path: Path) -> None:
    [found] = credentials(stored(tmp_path, environment={"KRAKKED_MASTER_PASSWORD": "wrong"}))
    assert found.status is Status.PROBLEM
    assert "Wrong password or corrupted secrets file" in found.detail
    assert "krakked-tui setup" in found.fix


def test_a_password_file_that_was_named_and_cannot_be_used(tmp_path: Path) -> None:
    saved(healthy_home(tmp_path).secrets)
    request = Request(profile="paper", password_file=tmp_path / "nowhere")
    [found] = credentials(patient(tmp_path, request=request))
    assert found.status is Status.PROBLEM
    assert "nowhere" in found.detail


def test_the_prompt_opens_the_file_when_somebody_is_there(tmp_path: Path) -> None:
    saved(healthy_home(tmp_path).secrets)
    asked: list[str] = []

    def prompt(text: str) -> Secret:
        asked.append(text)
        return Secret(PASSWORD)

    found = list(credentials(patient(tmp_path, request=Request(profile="paper", prompt=prompt))))
    assert len(asked) == 1
    assert statuses(found) == {"credentials": Status.OK, "key_validated": Status.OK}
    assert "2026-01-05 12:00" in named(found, "key_validated").detail


def test_a_key_that_was_never_validated_is_told_once(tmp_path: Path) -> None:
    vault = msgspec.structs.replace(VAULT, validated_at=None)
    found = list(credentials(stored(tmp_path, vault, environment={"KRAKKED_MASTER_PASSWORD": PASSWORD})))
    assert statuses(found) == {"credentials": Status.OK, "key_validated": Status.WARNING}
    assert len(found) == 2
    assert "krakked-tui credentials check" in found[1].fix


def test_what_breaks_while_looking_for_the_key_is_told_without_its_text(tmp_path: Path) -> None:
    def prompt(_text: str) -> Secret:
        raise RuntimeError(PASSWORD)

    where = healthy_home(tmp_path)
    saved(where.secrets)
    facts = look_for_key(where, Unlocking(environment={}, prompt=prompt))
    assert facts.broken
    assert facts.why == "looking for the key broke (RuntimeError)"


def test_the_stored_audit_counts_when_nobody_can_ask(tmp_path: Path) -> None:
    context = stored(tmp_path, environment={"KRAKKED_MASTER_PASSWORD": PASSWORD})
    offline = patient(
        tmp_path,
        request=Request(profile="paper", offline=True),
        environment={"KRAKKED_MASTER_PASSWORD": PASSWORD},
    )
    assert {each.status for each in key(context)} == {Status.OK}
    found = list(key(offline))
    assert found[0].status is Status.SKIPPED
    assert "--offline" in found[0].detail
    assert named(found, "key_permissions").status is Status.WARNING
    assert named(found, "key_withdrawal").status is Status.WARNING


def test_a_key_that_the_exchange_refuses(tmp_path: Path) -> None:
    exchange = FakeExchange(audit=AuthError("GetApiKeyInfo: EAPI:Invalid key"))
    [found] = key(patient(tmp_path, exchange=exchange, environment=BOTH))
    assert found.status is Status.PROBLEM
    assert "EAPI:Invalid key" in found.detail
    assert "Kraken" in found.fix


def test_a_network_that_fails_says_nothing_about_the_key(tmp_path: Path) -> None:
    [found] = key(patient(tmp_path, exchange=FakeExchange(audit=Unreachable("no")), environment=BOTH))
    assert "cannot be reached" in found.detail
    assert "refuses" not in found.detail


def test_a_key_is_not_shown_to_another_host(tmp_path: Path) -> None:
    exchange = FakeExchange()
    other = {
        "KRAKKED__CONNECTION__REST_URL": "https://x.example",
        "KRAKKED__CONNECTION__ALLOW_OTHER_HOST": "true",
    }
    [found] = key(patient(tmp_path, exchange=exchange, environment={**BOTH, **other}))
    assert found.status is Status.SKIPPED
    assert "x.example" in found.detail
    assert exchange.asked == []


@pytest.mark.parametrize(
    ("change", "name", "status", "says"),
    [
        ({"held": (Permission.QUERY_FUNDS,)}, "key_permissions", Status.WARNING, "modify-trades"),
        (
            {"held": (*AUDIT.held, Permission.WITHDRAW)},
            "key_withdrawal",
            Status.WARNING,
            "Take the permission",
        ),
        ({"unknown": (Permission.WITHDRAW,)}, "key_withdrawal", Status.WARNING, "Take the permission"),
        ({"valid_until": NOW + timedelta(days=13)}, "key_expiry", Status.WARNING, "Make a new key"),
        ({"valid_until": NOW + timedelta(days=15)}, "key_expiry", Status.OK, ""),
        ({"valid_until": NOW}, "key_expiry", Status.PROBLEM, "Make a new key"),
        ({"query_from": NOW}, "key_history", Status.WARNING, "query start"),
        ({"nonce_window": 0}, "key_nonce_window", Status.OK, "set the nonce window of the key to 5000000000"),
        ({}, "key_nonce_window", Status.OK, ""),
    ],
)
def test_an_audit_is_judged(change: dict[str, object], name: str, status: Status, says: str) -> None:
    audit = msgspec.structs.replace(AUDIT, **change)
    found = named(list(judge_audit(audit, NOW, config())), name)
    assert found.status is status
    assert says in found.fix
    assert bool(says) == bool(found.fix)


def test_a_nonce_window_that_the_key_does_not_have(tmp_path: Path) -> None:
    settings = config(KRAKKED__CONNECTION__NONCE_WINDOW="6000000000")
    found = named(list(judge_audit(AUDIT, NOW, settings)), "key_nonce_window")
    assert found.status is Status.PROBLEM
    assert "6000000000" in found.fix


def test_an_answer_of_now_is_judged_by_the_exchanges_own_clock(tmp_path: Path) -> None:
    then = datetime(2020, 1, 1, tzinfo=UTC)
    audit = msgspec.structs.replace(AUDIT, checked_at=then, valid_until=then + timedelta(days=365))
    found = list(key(patient(tmp_path, exchange=FakeExchange(audit=audit), environment=BOTH)))
    assert named(found, "key_expiry").status is Status.OK


def test_the_keyring_is_looked_at_only_when_it_is_used(tmp_path: Path) -> None:
    [found] = keyring(patient(tmp_path))
    assert "not used" in found.detail
    assert judge_keyring(KeyringStatus(usable=True, detail="the keyring x")).status is Status.OK
    found = judge_keyring(KeyringStatus(usable=False, detail="the keyring cannot be used: it is locked"))
    assert found.status is Status.WARNING
    assert "LoadCredential" in found.fix


def test_the_locks_before_live_trading_are_listed(tmp_path: Path) -> None:
    [found] = live(patient(tmp_path))
    assert found.status is Status.OK
    assert "mode is paper; live trading is locked: (1) execution.allow_live is false" in found.detail
    closed = {**ALL_LOCKS_OPEN, "KRAKKED__EXECUTION__ALLOW_LIVE": "false"}
    [found] = live(patient(tmp_path, environment=closed))
    assert found.status is Status.PROBLEM
    [found] = live(patient(tmp_path, environment={**ALL_LOCKS_OPEN, **BOTH}))
    assert found.status is Status.OK


def test_a_stored_audit_closes_locks_too(tmp_path: Path) -> None:
    context = stored(tmp_path, environment={"KRAKKED_MASTER_PASSWORD": PASSWORD, **ALL_LOCKS_OPEN})
    [found] = live(context)
    assert found.status is Status.PROBLEM
    assert "withdraw" in found.detail
    assert context.loaded is not None
    audit: KeyAudit = AUDIT
    assert judge_live(context.loaded.config, context.keys, audit).status is Status.OK


def test_nothing_of_the_vault_is_in_any_finding(tmp_path: Path) -> None:
    context = stored(tmp_path, environment={"KRAKKED_MASTER_PASSWORD": PASSWORD})
    text = repr([*credentials(context), *key(context), *live(context), context])
    for plain in (KEY, SECRET, PASSWORD, ALERT_URL, API_TOKEN):
        assert plain not in text
