"""Renews screenshots/ from a seeded demo: ``python -m tests.screenshots``, or ``make screenshots``."""

import asyncio
import os
import sys
import tempfile
import time
from pathlib import Path

from krakked_tui.bootstrap.demo import DemoOptions, DemoRequest, demo_sources, open_demo
from krakked_tui.bootstrap.session import Session
from krakked_tui.control.market_view import DataStatusView
from krakked_tui.control.ui_settings import UiSettings
from krakked_tui.domain.money import trap_floats
from krakked_tui.tui.app import KrakkedApp
from krakked_tui.tui.commands import PaneName
from krakked_tui.tui.run import screenshot
from krakked_tui.tui.terminal import Terminal
from tests.tui.setup_driving import KEY, SECRET, Hands

OUT = Path(__file__).parents[1] / "screenshots"
PANES = (PaneName.DASHBOARD, PaneName.ORDERS, PaneName.SETTINGS)
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
            _write(pane.value, size, await screenshot(session.controller, pane, size))


async def _take_setup() -> None:
    for size in SIZES:
        async with Hands().open(size) as hands:
            await hands.press("enter")
            await hands.paste(KEY)
            _write("setup-key", size, hands.app.export_screenshot(title="krakked-tui setup"))
            await hands.press("enter")
            await hands.paste(SECRET)
            await hands.press("enter")
            _write("setup-checked", size, hands.app.export_screenshot(title="krakked-tui setup"))


async def _take_logs(session: Session) -> None:
    for size in SIZES:
        app = KrakkedApp(session.controller, UiSettings(), Terminal(), on_crash_log=_say)
        async with app.run_test(size=size) as pilot:
            await pilot.press("8")
            give_up = time.monotonic() + PATIENCE
            while session.controller.market().data == DataStatusView():
                assert time.monotonic() < give_up, "the state of the data did not come"
                await pilot.pause(0.2)
            await pilot.pause(1.0)
            _write("logs", size, app.export_screenshot(title="krakked-tui"))


async def _take_portfolio(session: Session) -> None:
    for size in SIZES:
        app = KrakkedApp(session.controller, UiSettings(), Terminal(), on_crash_log=_say)
        async with app.run_test(size=size) as pilot:
            await pilot.press("5")
            give_up = time.monotonic() + PATIENCE
            while app.desk.portfolio.report is None:
                assert time.monotonic() < give_up, "no report on the books came"
                await pilot.pause(0.2)
            await pilot.pause(1.0)
            _write("portfolio", size, app.export_screenshot(title="krakked-tui"))


async def _take_risk(session: Session) -> None:
    for size in SIZES:
        app = KrakkedApp(session.controller, UiSettings(), Terminal(), on_crash_log=_say)
        async with app.run_test(size=size) as pilot:
            await pilot.press("2")
            give_up = time.monotonic() + PATIENCE
            while app.desk.risk.at is None or not session.controller.decisions():
                assert time.monotonic() < give_up, "no picture of the limits came"
                await pilot.pause(0.2)
            await pilot.pause(1.0)
            _write("risk", size, app.export_screenshot(title="krakked-tui"))
            await pilot.press("v", "v", "v", "w")
            await pilot.pause(2.0)
            _write("why", size, app.export_screenshot(title="krakked-tui"))
            await pilot.press("escape")
            await pilot.pause(0.5)


async def _take_strategies(session: Session) -> None:
    for size in SIZES:
        app = KrakkedApp(session.controller, UiSettings(), Terminal(), on_crash_log=_say)
        async with app.run_test(size=size) as pilot:
            await pilot.press("3")
            give_up = time.monotonic() + PATIENCE
            while app.desk.strategies.at is None:
                assert time.monotonic() < give_up, "no picture of the strategies came"
                await pilot.pause(0.2)
            await pilot.pause(1.0)
            _write("strategies", size, app.export_screenshot(title="krakked-tui"))


async def _take_market(session: Session) -> None:
    for size in SIZES:
        app = KrakkedApp(
            session.controller,
            UiSettings(),
            Terminal(),
            on_crash_log=_say,
        )
        async with app.run_test(size=size) as pilot:
            await pilot.press("6", "down")
            give_up = time.monotonic() + PATIENCE
            while not session.controller.market().focus.bars or time.monotonic() < give_up - PATIENCE + 3:
                assert time.monotonic() < give_up, "the candles did not come"
                await pilot.pause(0.2)
            _write("market", size, app.export_screenshot(title="krakked-tui"))


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def _write(name: str, size: tuple[int, int], picture: str) -> None:
    (OUT / f"{name}-{size[0]}x{size[1]}.svg").write_text(picture, encoding="utf-8")


def main() -> None:
    trap_floats()
    OUT.mkdir(exist_ok=True)
    asyncio.run(_take_setup())
    with tempfile.TemporaryDirectory() as home:
        sources = demo_sources("demo", {**os.environ, "KRAKKED_HOME": home}, None, {})
        session = open_demo(
            DemoRequest(options=DemoOptions(fresh=True, seed=7), sources=sources, to_stdout=False)
        )
        session.start()
        try:
            _wait_for_trades(session)
            asyncio.run(_take(session))
            asyncio.run(_take_portfolio(session))
            asyncio.run(_take_risk(session))
            asyncio.run(_take_strategies(session))
            asyncio.run(_take_market(session))
            asyncio.run(_take_logs(session))
        finally:
            session.stop("screenshots taken", by="cli")
            session.join(10)
            session.close()
    sys.stdout.write(f"renewed {(len(PANES) + 8) * len(SIZES)} pictures in {OUT.name}/\n")


if __name__ == "__main__":
    main()
