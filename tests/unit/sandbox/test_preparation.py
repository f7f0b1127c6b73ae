from collections.abc import Iterator
from itertools import pairwise
from urllib.parse import urlencode

import pytest

from krakked_tui.sandbox.preparation import preparation
from krakked_tui.sandbox.rest import Request
from krakked_tui.sandbox.settings import SandboxSettings
from krakked_tui.sim import minutes, source
from tests.unit.sandbox.rig import Rig, result_of


class Days:
    """How many days of any pair the market had to make."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.made = 0

        def day_bars(*what: object) -> object:
            self.made += 1
            return minutes.day_bars(*what)  # type: ignore[arg-type]

        monkeypatch.setattr(source, "day_bars", day_bars)


@pytest.fixture(scope="module")
def large() -> Iterator[Rig]:
    """An exchange with every pair."""
    rig = Rig(SandboxSettings(pairs="all"))
    yield rig
    rig.exchange.close()


@pytest.mark.parametrize(
    ("method", "params", "most"),
    [
        ("Ticker", {}, 4),
        ("OHLC", {"pair": "BLUEUSD", "interval": "1440"}, 2),
        ("OHLC", {"pair": "CHECKUSD", "interval": "21600"}, 2),
        ("Trades", {"pair": "ARTUSD"}, 2),
        ("Trades", {"pair": "EVAAUSD", "since": "1710000000"}, 2),
    ],
)
def test_the_work_is_done_in_small_steps_before_the_answer(
    large: Rig, monkeypatch: pytest.MonkeyPatch, method: str, params: dict[str, str], most: int
) -> None:
    days = Days(monkeypatch)
    request = Request(f"/0/public/{method}", urlencode(params))
    counts = [0]
    counts += [days.made for _ in preparation(large.exchange, request)]
    steps = [after - before for before, after in pairwise(counts)]
    assert max(steps) <= most
    assert days.made > 100
    result_of(large.api.answer(request).body)
    assert days.made - counts[-1] <= 2, "next to nothing is left to do"


@pytest.mark.parametrize(
    ("path", "params"),
    [
        ("public/Ticker", {"pair": "XBTUSD"}),
        ("public/OHLC", {"pair": "XBTUSD", "interval": "60"}),
        ("public/OHLC", {"pair": "XBTUSD", "interval": "x"}),
        ("public/OHLC", {}),
        ("public/Trades", {"pair": "NOPE"}),
        ("public/Trades", {"pair": "XBTUSD", "since": "-1"}),
        ("public/Depth", {"pair": "XBTUSD"}),
        ("private/Trades", {"pair": "XBTUSD"}),
    ],
)
def test_what_is_cheap_or_wrong_needs_no_preparation(rig: Rig, path: str, params: dict[str, str]) -> None:
    assert list(preparation(rig.exchange, Request(f"/0/{path}", urlencode(params)))) == []
