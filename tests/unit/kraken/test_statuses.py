import pytest

from krakked_tui.domain.pairs import PairStatus, SystemStatus, allows
from krakked_tui.kraken.statuses import is_pair_status, is_system_status, pair_status, system_status


@pytest.mark.parametrize("status", SystemStatus)
def test_the_exchange_in_its_own_words(status: SystemStatus) -> None:
    assert is_system_status(status.value)
    assert system_status(status.value) is status


@pytest.mark.parametrize("status", PairStatus)
def test_a_pair_in_kraken_s_words(status: PairStatus) -> None:
    assert is_pair_status(status.value)
    assert pair_status(status.value) is status


def test_what_is_not_known_allows_nothing() -> None:
    assert not is_system_status("asleep")
    assert not is_pair_status("asleep")
    assert system_status("asleep") is SystemStatus.MAINTENANCE
    assert pair_status("asleep") is PairStatus.MAINTENANCE
    permits = allows(pair_status("asleep"), system_status("asleep"))
    assert not any((permits.enter, permits.exit, permits.cancel))


def test_a_pair_that_is_being_made_is_known_and_not_tradable() -> None:
    assert is_pair_status("work_in_progress")
    assert pair_status("work_in_progress") is PairStatus.MAINTENANCE


def test_a_pair_without_a_status_is_online() -> None:
    assert pair_status(None) is PairStatus.ONLINE
