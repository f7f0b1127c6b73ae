"""What a pair's status permits."""

import msgspec
import pytest

from krakked_tui.domain.pairs import (
    PERMITS,
    SYSTEM_PERMITS,
    PairMetadata,
    PairStatus,
    Permits,
    SystemStatus,
    allows,
)


def test_every_status_says_what_it_permits() -> None:
    assert set(PERMITS) == set(PairStatus)


@pytest.mark.parametrize("status", PairStatus)
def test_only_an_online_pair_may_be_entered(xbtusd: PairMetadata, status: PairStatus) -> None:
    permits = msgspec.structs.replace(xbtusd, status=status).permits
    assert permits.enter is (status is PairStatus.ONLINE)


def test_what_can_be_entered_can_be_left() -> None:
    assert all(
        permits.exit and permits.cancel and permits.value for permits in PERMITS.values() if permits.enter
    )


def test_every_status_of_the_exchange_says_what_it_permits() -> None:
    assert set(SYSTEM_PERMITS) == set(SystemStatus)


def test_only_both_together_permit() -> None:
    for pair in PairStatus:
        for system in SystemStatus:
            permits = allows(pair, system)
            for what in ("enter", "exit", "market", "cancel", "value"):
                mine, whole = getattr(PERMITS[pair], what), getattr(SYSTEM_PERMITS[system], what)
                assert getattr(permits, what) is (mine and whole)


@pytest.mark.parametrize(
    ("pair", "enter", "leave", "market", "cancel", "value"),
    [
        (PairStatus.ONLINE, True, True, True, True, True),
        (PairStatus.LIMIT_ONLY, False, True, False, True, True),
        (PairStatus.REDUCE_ONLY, False, True, True, True, True),
        (PairStatus.POST_ONLY, False, False, False, True, True),
        (PairStatus.CANCEL_ONLY, False, False, False, True, True),
        (PairStatus.MAINTENANCE, False, False, False, False, True),
        (PairStatus.DELISTED, False, False, False, True, False),
    ],
)
def test_the_table(
    pair: PairStatus, enter: bool, leave: bool, market: bool, cancel: bool, value: bool
) -> None:
    expected = Permits(enter=enter, exit=leave, market=market, cancel=cancel, value=value)
    assert allows(pair, SystemStatus.ONLINE) == expected


@pytest.mark.parametrize("pair", PairStatus)
def test_an_exchange_whose_status_is_not_known_is_no_obstacle(pair: PairStatus) -> None:
    assert allows(pair, None) == PERMITS[pair]
