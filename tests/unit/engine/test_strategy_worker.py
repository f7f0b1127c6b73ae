"""What the worker does with a request; ``test_strategy_process`` runs it as a process."""

import sys

import pytest

from krakked_tui.domain.candles import Timeframe
from krakked_tui.engine.strategy_wire import Request, pack
from krakked_tui.engine.strategy_worker import Worker, resident
from krakked_tui.strategies.loaded import Origin
from krakked_tui.strategies.settings import StrategySettings
from tests.unit.engine.strategy_builders import SOURCE, make_context, own


def _request(body: str, weight: str = "1") -> Request:
    loaded = own("mine", body)
    settings = StrategySettings(
        id="mine", type="mine", timeframes=(Timeframe.H1,), params={}, max_positions=int(weight)
    )
    return Request(loaded.origin, settings, (pack(make_context(), 30),))


def test_a_strategy_is_made_once_and_again_when_its_code_or_settings_change() -> None:
    worker = Worker()
    body = (
        "self.count = getattr(self, 'count', 0) + 1\n"
        "return [self.buy(ctx, metadata={'n': self.count, 'most': self.settings.max_positions})]"
    )

    def said(request: Request) -> dict[str, float]:
        return worker.answer(request).intents[0].metadata

    assert said(_request(body)) == {"n": 1, "most": 1}
    assert said(_request(body)) == {"n": 2, "most": 1}
    assert said(_request(body, "2")) == {"n": 1, "most": 2}
    assert said(_request(f"{body} + []", "2")) == {"n": 1, "most": 2}


def test_what_cannot_be_made_is_a_failure() -> None:
    broken = Origin("file", "broken", "Mine", "/nowhere/broken.py", "raise SystemExit(1)")
    settings = StrategySettings(id="mine", type="mine", timeframes=(Timeframe.H1,))
    found = Worker().answer(Request(broken, settings, ()))
    assert found.failure == "SystemExit: 1"
    assert "broken.py" in found.traceback
    none = Origin("file", "none", "Mine", "/nowhere/none.py", SOURCE.replace("class Mine", "class Other"))
    assert "none has no strategy Mine" in Worker().answer(Request(none, settings, ())).failure


@pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")
def test_memory_is_told() -> None:
    before = resident()
    much = b"x" * (64 << 20)
    assert before + len(much) // 2 < resident()
