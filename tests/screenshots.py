"""Renews screenshots/ from a seeded demo: ``python -m tests.screenshots``, or ``make screenshots``."""

import asyncio
import os
import sys
import tempfile
import time
from pathlib import Path

from krakked_tui.bootstrap import DemoOptions, Session, open_demo
from krakked_tui.domain.money import trap_floats
from krakked_tui.tui.commands import PaneName
from krakked_tui.tui.run import screenshot

OUT = Path(__file__).parents[1] / "screenshots"
PANES = (PaneName.DASHBOARD, PaneName.ORDERS)
SIZES = ((80, 24), (120, 40))
FILLS = 12
PATIENCE = 90.0


def _wait_for_trades(session: Session) -> None:
    give_up = time.monotonic() + PATIENCE
    while time.monotonic() < give_up:
        if session.join(0.5):
            raise SystemExit("the demo ended by itself: see its log")
        view = session.controller.view()
        if view.counts.fills >= FILLS and view.positions and view.counts.cycles >= 10:
            return
    raise SystemExit(f"the demo had no {FILLS} fills within {PATIENCE:.0f} s")


async def _take(session: Session) -> None:
    for pane in PANES:
        for size in SIZES:
            picture = await screenshot(session.controller, pane, size)
            (OUT / f"{pane.value}-{size[0]}x{size[1]}.svg").write_text(picture, encoding="utf-8")


def main() -> None:
    trap_floats()
    OUT.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as home:
        session = open_demo(
            DemoOptions(fresh=True, seed=7), profile="demo", config_file=None,
            environment={**os.environ, "KRAKKED_HOME": home}, to_stdout=False, log_format=None,
        )  # fmt: skip
        session.start()
        try:
            _wait_for_trades(session)
            asyncio.run(_take(session))
        finally:
            session.stop("screenshots taken", by="cli")
            session.join(10)
            session.close()
    sys.stdout.write(f"renewed {len(PANES) * len(SIZES)} pictures in {OUT.name}/\n")


if __name__ == "__main__":
    main()
