"""What a key may do, and what is lost without it."""

from datetime import UTC, datetime

import pytest

from krakked_tui.domain.access import FEATURES, KeyAudit, Permission, lost_features

AT = datetime(2026, 1, 5, tzinfo=UTC)
TRADING = frozenset(Permission) - {Permission.ADD_FUNDS, Permission.WITHDRAW}


def audit(*held: Permission, unknown: tuple[Permission, ...] = ()) -> KeyAudit:
    return KeyAudit(source="GetApiKeyInfo", checked_at=AT, held=held, unknown=unknown)


def test_missing_is_neither_held_nor_unknown() -> None:
    found = audit(Permission.QUERY_FUNDS, unknown=(Permission.CLOSE,))
    assert Permission.QUERY_FUNDS not in found.missing
    assert Permission.CLOSE not in found.missing
    assert set(found.missing) == set(Permission) - {Permission.QUERY_FUNDS, Permission.CLOSE}


@pytest.mark.parametrize(
    ("held", "unknown", "can"),
    [((), (), False), ((Permission.WITHDRAW,), (), True), ((), (Permission.WITHDRAW,), True)],
)
def test_a_key_that_could_withdraw_counts_as_one_that_can(
    held: tuple[Permission, ...], unknown: tuple[Permission, ...], can: bool
) -> None:
    assert audit(*held, unknown=unknown).can_withdraw is can


def test_a_trading_key_loses_nothing() -> None:
    assert lost_features(audit(*TRADING)) == ()
    assert lost_features(audit(unknown=tuple(TRADING))) == ()


@pytest.mark.parametrize("missing", sorted(TRADING))
def test_each_permission_of_a_trader_is_missed_by_one_feature(missing: Permission) -> None:
    (lost,) = lost_features(audit(*(TRADING - {missing})))
    assert lost.needs == (missing,)


def test_no_feature_needs_money_to_move_in_or_out() -> None:
    needed = {permission for feature in FEATURES for permission in feature.needs}
    assert needed == TRADING
