"""The market screen on a made-up market in which every pair moves, as a real program: for measuring.

Usage: pty_market RESULT [pairs=500] [share=1.0] [hz=4]; ends by a signal and writes crashes to the file
RESULT as JSON. Measure from outside what it writes to the terminal.
"""

import json
import signal
import sys
from pathlib import Path
from types import FrameType

from krakked_tui.control.market_view import MarketView
from krakked_tui.control.ui_settings import UiSettings
from krakked_tui.domain.money import trap_floats
from krakked_tui.tui.run import UiRunner
from tests.fakes.controller import FakeController
from tests.fakes.market import FakeMarket


class Ticking(FakeController):
    """Every view moves on, and with it a share of the pairs."""

    def __init__(self, pairs: int, share: float) -> None:
        super().__init__(market=FakeMarket(pairs), moving=True)
        self._share = share

    def market(self) -> MarketView:
        self.pairs.move(self._share)
        return self.pairs.current


def main(result: Path, options: dict[str, str]) -> int:
    controller = Ticking(int(options.get("pairs", "500")), float(options.get("share", "1.0")))
    crashes: list[str] = []
    runner = UiRunner(
        controller, UiSettings(refresh_hz=int(options.get("hz", "4"))), on_crash_log=crashes.append
    )

    def received(number: int, _frame: FrameType | None) -> None:
        runner.request_exit(signal.Signals(number).name)

    signal.signal(signal.SIGTERM, received)
    ended = runner.run()
    found = {"reason": ended.reason, "crashes": crashes, "asked": controller.pairs.asked}
    result.write_text(json.dumps(found), encoding="utf-8")
    return ended.exit_code


if __name__ == "__main__":
    trap_floats()
    sys.exit(main(Path(sys.argv[1]), dict(option.split("=", 1) for option in sys.argv[2:])))
