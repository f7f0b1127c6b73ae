"""What is not understood is counted by kind and logged once."""

import logging

import pytest

from krakked_tui.kraken.errors import AuthError, KrakenError, KrakenProtocolError
from krakked_tui.kraken.oddities import KINDS_MAX, OTHERS, Oddities


def test_each_kind_is_counted_and_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    oddities = Oddities()
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            oddities.report(KrakenError("no", code="EOrder:Brand new", listed=False))
            oddities.report(KrakenProtocolError("The reply to OpenOrders misses a field"))
            oddities.report(AuthError("no", code="EAPI:Invalid key"))
    assert oddities.counts() == {"EOrder:Brand new": 3, "The reply to OpenOrders misses a field": 3}
    assert [record.getMessage() for record in caplog.records] == [
        "Kraken sent an error we do not know: EOrder:Brand new",
        "Kraken's answer is not understood: The reply to OpenOrders misses a field",
    ]


def test_kinds_are_bounded(caplog: pytest.LogCaptureFixture) -> None:
    oddities = Oddities()
    for n in range(10 * KINDS_MAX):
        oddities.report(KrakenError("no", code=f"EOrder:New {n}", listed=False))
    counts = oddities.counts()
    assert len(counts) == KINDS_MAX + 1
    assert counts[OTHERS] == 9 * KINDS_MAX
    assert len(caplog.records) == KINDS_MAX
