"""What a pair's status permits."""

import msgspec
import pytest

from krakked_tui.domain.pairs import PERMITS, PairMetadata, PairStatus


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
