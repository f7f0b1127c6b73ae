"""Live trading is locked until every lock is open, and each closed one is named with its key."""

from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType

import msgspec
import pytest

from krakked_tui.bootstrap.live_gate import locks_before_start, locks_of_key, refuse_unless_open
from krakked_tui.config.load import Layer, build
from krakked_tui.config.schema import AppConfig
from krakked_tui.domain.access import FEATURES, KeyAudit, Permission
from krakked_tui.domain.errors import RefusedError

URLS: dict[str, object] = {
    "rest_url": "http://127.0.0.1:1", "ws_public_url": "ws://[::1]:1/v2", "ws_private_url": "ws://localhost:1/v2",
}  # fmt: skip


def _config(connection: Mapping[str, object] = MappingProxyType({}), *, allow_live: bool = True) -> AppConfig:
    return build(
        [Layer("test", {"execution": {"allow_live": allow_live}, "connection": {**URLS, **connection}})]
    )


TRADER = tuple(permission for feature in FEATURES for permission in feature.needs)


def _audit(*held: Permission, unknown: tuple[Permission, ...] = ()) -> KeyAudit:
    return KeyAudit(
        source="GetApiKeyInfo", checked_at=datetime(2026, 11, 21, tzinfo=UTC), held=held, unknown=unknown
    )


def test_nothing_is_locked_when_everything_is_there() -> None:
    assert locks_before_start(_config(), has_key=True) == ()
    assert locks_of_key(_audit(*TRADER), allow_withdraw_key=False) == ()
    refuse_unless_open(())


@pytest.mark.parametrize("url", ["rest_url", "ws_public_url", "ws_private_url"])
def test_every_url_must_lead_to_this_machine(url: str) -> None:
    scheme = "https" if url == "rest_url" else "wss"
    (lock,) = locks_before_start(_config({url: f"{scheme}://api.kraken.com"}), has_key=True)
    assert "api.kraken.com" in lock
    assert "leads to a real exchange" in lock


def test_each_missing_condition_locks_by_itself() -> None:
    (lock,) = locks_before_start(_config(allow_live=False), has_key=True)
    assert "execution.allow_live" in lock
    (lock,) = locks_before_start(_config(), has_key=False)
    assert "krakked-tui setup" in lock


def test_all_closed_locks_are_named_together() -> None:
    locks = locks_before_start(build([Layer("test", {})]), has_key=False, key_problem="no key")
    assert len(locks) == 3
    with pytest.raises(RefusedError, match="live mode is locked") as refused:
        refuse_unless_open(locks)
    assert all(f"({number})" in str(refused.value) for number in (1, 2, 3))
    assert refused.value.exit_code == 6


@pytest.mark.parametrize("missing", TRADER)
def test_a_key_that_lacks_a_trader_permission_is_locked_out(missing: Permission) -> None:
    audit = _audit(*(permission for permission in TRADER if permission is not missing))
    (lock,) = locks_of_key(audit, allow_withdraw_key=False)
    assert missing in lock


@pytest.mark.parametrize("unsure", TRADER)
def test_a_needed_permission_that_nobody_could_find_out_about_locks_too(unsure: Permission) -> None:
    held = tuple(permission for permission in TRADER if permission is not unsure)
    locks = locks_of_key(_audit(*held, unknown=(unsure,)), allow_withdraw_key=True)
    if unsure is Permission.CLOSE:
        assert locks == (), "whoever may place orders may cancel them"
    else:
        assert [unsure in lock for lock in locks] == [True]


def test_a_permission_without_a_name_of_ours_could_be_one_to_withdraw() -> None:
    audit = msgspec.structs.replace(_audit(*TRADER), others=("transfer-funds",))
    (lock,) = locks_of_key(audit, allow_withdraw_key=False)
    assert "transfer-funds" in lock
    assert locks_of_key(audit, allow_withdraw_key=True) == ()


@pytest.mark.parametrize("how", ["held", "unknown"])
def test_a_key_that_could_withdraw_needs_a_word_of_its_own(how: str) -> None:
    audit = (
        _audit(*TRADER, Permission.WITHDRAW)
        if how == "held"
        else _audit(*TRADER, unknown=(Permission.WITHDRAW,))
    )
    (lock,) = locks_of_key(audit, allow_withdraw_key=False)
    assert "execution.allow_withdraw_key" in lock
    assert locks_of_key(audit, allow_withdraw_key=True) == ()
