"""What counts as a live value."""

import msgspec
import pytest

from krakked_tui.decision import events as e
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.market.freshness import Freshness
from tests.scenarios.stage import PRICE, Stage


@pytest.mark.parametrize(
    ("freshness", "stale"),
    [
        (Freshness.FRESH, False),
        (Freshness.CHECKED, False),
        (Freshness.QUIET, False),
        (Freshness.STALE, True),
    ],
)
def test_a_quiet_market_is_good_enough_for_a_value(
    xbtusd: PairMetadata, freshness: Freshness, *, stale: bool
) -> None:
    stage = Stage(xbtusd).ready()
    stage.bought()
    mark = msgspec.structs.replace(stage.mark(PRICE), age=95.0, freshness=freshness)
    stage.play(e.Priced(stage.at, stage.wall, {xbtusd.canonical: mark}))
    assert stage.state.valuation is not None
    assert stage.state.valuation.stale is stale
