"""Live trading is locked until every lock is open, and each closed one is named with its key."""

from datetime import UTC, datetime

import msgspec
import pytest

from krakked_tui.bootstrap.live_gate import LiveRequest, locks_before_start, locks_of_key, refuse_unless_open
from krakked_tui.domain.access import FEATURES, KeyAudit, Permission
from krakked_tui.domain.errors import RefusedError

OPEN = LiveRequest(allow_live=True, has_key=True, host="127.0.0.1:8080", loopback=True)
TRADER = tuple(permission for feature in FEATURES for permission in feature.needs)


def _audit(*held: Permission, unknown: tuple[Permission, ...] = ()) -> KeyAudit:
    return KeyAudit(
        source="GetApiKeyInfo", checked_at=datetime(2026, 11, 21, tzinfo=UTC), held=held, unknown=unknown
    )


def test_nothing_is_locked_when_everything_is_there() -> None:
    assert locks_before_start(OPEN) == ()
    assert locks_of_key(_audit(*TRADER), allow_withdraw_key=False) == ()
    refuse_unless_open(())


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"allow_live": False}, "execution.allow_live"),
        ({"has_key": False}, "krakked-tui setup"),
        ({"loopback": False, "host": "api.kraken.com"}, "api.kraken.com is a real exchange"),
    ],
)
def test_each_missing_condition_locks_by_itself(change: dict[str, object], named: str) -> None:
    (lock,) = locks_before_start(msgspec.structs.replace(OPEN, **change))
    assert named in lock
    with pytest.raises(RefusedError, match="live mode is locked"):
        refuse_unless_open([lock])


def test_all_closed_locks_are_named_together() -> None:
    locks = locks_before_start(
        LiveRequest(
            allow_live=False, has_key=False, key_problem="no key", host="api.kraken.com", loopback=False
        )
    )
    assert len(locks) == 3
    with pytest.raises(RefusedError) as refused:
        refuse_unless_open(locks)
    assert all(f"({number})" in str(refused.value) for number in (1, 2, 3))
    assert refused.value.exit_code == 6


@pytest.mark.parametrize("missing", TRADER)
def test_a_key_that_lacks_a_trader_permission_is_locked_out(missing: Permission) -> None:
    audit = _audit(*(permission for permission in TRADER if permission is not missing))
    (lock,) = locks_of_key(audit, allow_withdraw_key=False)
    assert missing in lock


def test_a_permission_nobody_could_find_out_about_does_not_lock() -> None:
    held = tuple(permission for permission in TRADER if permission is not Permission.CLOSE)
    assert locks_of_key(_audit(*held, unknown=(Permission.CLOSE,)), allow_withdraw_key=False) == ()


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
