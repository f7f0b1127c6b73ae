"""Every screen at three sizes in every state, as text."""

from collections.abc import Callable
from datetime import timedelta
from itertools import product

import msgspec
import pytest

from krakked_tui.control.market_view import DataStatusView, FocusView
from krakked_tui.control.portfolio_view import HistoryView
from krakked_tui.control.risk_view import RiskPreview, RiskView, Silence
from krakked_tui.control.settings_view import SettingsView
from krakked_tui.control.strategy_view import StrategiesView
from krakked_tui.control.views import EngineView, HealthView, RateLimitView
from krakked_tui.domain.candles import Timeframe
from tests.fakes import risk as fake_risk
from tests.fakes.controller import (
    NOON,
    RATE_LIMITS,
    disconnected,
    drifting,
    empty,
    killed,
    normal,
    start_failed,
    starting,
    status,
)
from tests.fakes.log import FakeLog
from tests.fakes.market import FakeMarket, ailing
from tests.fakes.portfolio import HOLDINGS, FakePortfolio
from tests.fakes.risk import FakeRisk
from tests.fakes.settings import first_run, good, unvalidated
from tests.fakes.strategies import normal as some_strategies
from tests.tui.driving import Desk
from tests.tui.goldens import compare, left_over
from tests.tui.test_setup_goldens import EXPECTED as SETUP_EXPECTED


def refused(why: str) -> RiskView:
    """Nothing may be opened, for a reason that is not the kill switch."""
    return msgspec.structs.replace(fake_risk.OK, refusal=why, account_truth="stale", drift=True)


def live() -> EngineView:
    real = status(mode="live", profile="live", other_host="", speed=1.0)
    return msgspec.structs.replace(normal(), status=real)


SIZES = ((80, 24), (100, 30), (120, 40))
PANES = {"dashboard": "1", "orders": "4"}
RUNNING: dict[str, Callable[[], EngineView]] = {
    "normal": normal,
    "disconnected": disconnected,
    "killed": killed,
    "drift": drifting,
    "empty": empty,
}
NOT_RUNNING: dict[str, Callable[[], EngineView]] = {"starting": starting, "failed": start_failed}
DIALOGS = {
    "help": "question_mark",
    "palette": "ctrl+p",
    "cancel-all": "ctrl+x",
    "flatten": "ctrl+f",
    "order": "enter",
    "rate-limits": "l",
    "cancel-order": "c",
    "arm": "a",
    "quit": "q",
}


def name(*parts: str, size: tuple[int, int]) -> str:
    return "-".join((*parts, f"{size[0]}x{size[1]}"))


SETTINGS: dict[str, Callable[[], SettingsView]] = {
    "normal": good,
    "first-run": first_run,
    "unvalidated": unvalidated,
}
SETTING_DIALOGS = {"change-setting": "enter", "setting": "d"}


def loading_market() -> FakeMarket:
    """A pair was looked at, then another one, which has not come yet."""
    market = FakeMarket()
    row = market.current.rows[0]
    market.answers = False
    market.publish(focus=market.focus(row, Timeframe.M1))
    return market


def stale_market() -> FakeMarket:
    """The connection is lost: prices grow old, the book cannot be relied on."""
    market = FakeMarket()
    market.answers = False
    row = market.current.rows[0]
    market.publish(
        rows=tuple(
            msgspec.structs.replace(each, freshness="stale", age=95.0) for each in market.current.rows
        ),
        focus=market.focus(row, Timeframe.M1),
        data=DataStatusView(stale=59, never=1),
    )
    book = market.current.focus.book
    assert book is not None
    market.change_focus(book=msgspec.structs.replace(book, valid=False, received=-95.0))
    return market


def troubled_market() -> FakeMarket:
    """Some pairs cannot be traded, and the one looked at has no candles and no book."""
    market = FakeMarket()
    market.answers = False
    market.change_row("HX7USD", status="maintenance", tradable=False)
    market.change_row("IE8USD", tradable=False, freshness="quiet", age=130.0)
    market.change_row("MG12USD", last=None, change_pct_24h=None, spread_bps=None, freshness="never", age=None)
    trouble = "Kraken refused the candles of XBTUSD: EService:Unavailable. Asking again in 30 s."
    market.publish(focus=FocusView(pair="XBTUSD", trouble=trouble))
    return market


MARKETS: dict[str, tuple[Callable[[], FakeMarket], Callable[[], EngineView]]] = {
    "normal": (FakeMarket, normal),
    "disconnected": (stale_market, disconnected),
    "empty": (lambda: FakeMarket(0), empty),
    "loading": (loading_market, normal),
    "trouble": (troubled_market, normal),
}


def ailing_market() -> FakeMarket:
    """Prices are asked for because the stream is down, and more."""
    market = FakeMarket()
    market.publish(data=ailing(60))
    return market


def ailing_engine() -> EngineView:
    """The journal's disk is full, the account cannot be read, a strategy failed."""
    health = HealthView(
        journal_trouble="database or disk is full",
        account_age=95.0,
        account_trouble="EService:Unavailable",
        strategy_errors=(("trend_following", "ZeroDivisionError: float division by zero"),),
    )
    limits = (RateLimitView("private calls", used=20, limit=20, blocked_seconds=12.0), *RATE_LIMITS)
    return msgspec.structs.replace(disconnected(), health=health, rate_limits=limits)


def full_disk() -> FakeLog:
    """Records that did not get into the file."""
    log = FakeLog()
    log.dropped = 12
    return log


def new_market() -> FakeMarket:
    """Nothing has been read yet."""
    market = FakeMarket(0)
    market.publish(data=DataStatusView())
    return market


def unfinished_books() -> FakePortfolio:
    """Books that are still being read, and cannot account for everything."""
    history = (HistoryView("trades", 1200, 50_000, done=False), HistoryView("ledger", 0, None, done=False))
    findings = (
        "2026-11-20 08:00 12.5 LUNA2 of transfer LSBX04-AIRDR-000004 has no price and so no cost",
        "2026-11-19 20:53 0.01 DOGE more left in DOGEUSD TSBX03-CCCCC-000003 than the books hold",
    )
    return FakePortfolio(history=history, findings=findings)


LOGS: dict[str, tuple[Callable[[], FakeMarket], Callable[[], EngineView], Callable[[], FakeLog]]] = {
    "normal": (FakeMarket, normal, FakeLog),
    "trouble": (ailing_market, ailing_engine, full_disk),
    "empty": (new_market, empty, lambda: FakeLog(empty=True)),
}
PORTFOLIOS: dict[str, tuple[Callable[[], EngineView], Callable[[], FakePortfolio]]] = {
    "normal": (normal, lambda: FakePortfolio(holdings=HOLDINGS[:4])),
    "drift": (drifting, unfinished_books),
    "empty": (empty, lambda: FakePortfolio(0, holdings=HOLDINGS[3:4])),
    "reading": (normal, lambda: FakePortfolio(answers=False)),
}
PORTFOLIO_PARTS = ("trades", "flows", "fees", "holdings")
PORTFOLIO_DIALOGS = {
    "accept-balances": ("e",),
    "notes": ("n",),
    "range": ("r", *"2026-11-01", "enter", *"today", "enter"),
    "pick-pair": ("slash", "down"),
    "pick-strategy": ("s", *"re"),
    "trade": ("v", "down", "down", "enter"),
}
MARKET_PARTS = ("chart", "book", "tape")
RISKS: dict[str, tuple[Callable[[], EngineView], Callable[[], FakeRisk]]] = {
    "normal": (normal, FakeRisk),
    "disconnected": (disconnected, lambda: FakeRisk(refused("prices are stale"))),
    "killed": (killed, lambda: FakeRisk(fake_risk.killed())),
    "killed-over": (killed, lambda: FakeRisk(fake_risk.killed(persists=False))),
    "empty": (empty, lambda: FakeRisk(fake_risk.quiet(), 0)),
    "loading": (normal, lambda: FakeRisk(RiskView(), 0)),
}
RISK_PARTS = ("exposure", "protections", "decisions")
STRATEGY_PARTS = ("held", "intents", "parameters")
BROKEN = "strategies/mine.py could not be loaded: SyntaxError: invalid syntax (line 3)"
STRATEGIES: dict[str, tuple[Callable[[], EngineView], Callable[[], StrategiesView]]] = {
    "normal": (normal, some_strategies),
    "disconnected": (disconnected, some_strategies),
    "killed": (killed, some_strategies),
    "problems": (normal, lambda: msgspec.structs.replace(some_strategies(), problems=(BROKEN, BROKEN))),
    "empty": (empty, lambda: StrategiesView(NOON)),
    "loading": (normal, StrategiesView),
}
RISK_DIALOGS = {
    "limits": ("c",),
    "limits-changed": ("c", "5", "down", "ctrl+u", "5"),
    "limits-preview": ("c", "5", "down", "ctrl+u", "5", "enter"),
    "preset": ("f", "down"),
    "preset-preview": ("f", "enter"),
    "manual": ("m",),
    "limit": ("down", "enter"),
    "what-if": ("i", *"DOGEUSD", "enter", *"500", "enter", *"0.35", "enter"),
    "why": ("v", "v", "v", "enter"),
    "why-end": ("w", *["pagedown"] * 9),
}
STRATEGY_DIALOGS = {
    "strategy": ("enter",),
    "strategy-enable": ("t",),
    "strategy-disable": ("end", "t"),
    "parameters": ("c", "down"),
    "parameters-preview": ("c", "down", "ctrl+u", *"70", "enter"),
    "silence": ("n", *"doge", "enter"),
    "held": ("v", "tab", "enter"),
    "intent": ("v", "enter"),
    "parameter": ("v", "enter"),
}

EXPECTED = {
    *(name("market", state, size=size) for state, size in product(MARKETS, SIZES)),
    *(name("logs", state, size=size) for state, size in product(LOGS, SIZES)),
    *(name("logs", what, size=SIZES[0]) for what in ("control", "filtered", "paused")),
    name("dialog-record", size=SIZES[0]),
    *(name("market", part, size=SIZES[0]) for part in MARKET_PARTS[1:]),
    *(name("portfolio", state, size=size) for state, size in product(PORTFOLIOS, SIZES)),
    *(name("portfolio", part, size=size) for part, size in product(PORTFOLIO_PARTS, (SIZES[0], SIZES[2]))),
    name("portfolio-filtered", size=SIZES[0]),
    *(name("dialog", dialog, size=SIZES[0]) for dialog in PORTFOLIO_DIALOGS),
    *(name("risk", state, size=size) for state, size in product(RISKS, SIZES)),
    *(name("risk", part, size=size) for part, size in product(RISK_PARTS, (SIZES[0], SIZES[2]))),
    *(name("strategies", state, size=size) for state, size in product(STRATEGIES, SIZES)),
    *(name("strategies", part, size=size) for part, size in product(STRATEGY_PARTS, (SIZES[0], SIZES[2]))),
    *(name("dialog", dialog, size=SIZES[0]) for dialog in (*RISK_DIALOGS, *STRATEGY_DIALOGS, "force")),
    *SETUP_EXPECTED,
    *(name("settings", state, size=size) for state, size in product(SETTINGS, SIZES)),
    *(name("dialog", dialog, size=SIZES[0]) for dialog in SETTING_DIALOGS),
    name("dashboard-paper", size=SIZES[0]),
    *(name(pane, state, size=size) for pane, state, size in product(PANES, RUNNING, SIZES)),
    *(name(state, size=size) for state, size in product(NOT_RUNNING, SIZES)),
    *(name("dialog", dialog, size=SIZES[0]) for dialog in DIALOGS),
    name("dashboard-live", size=SIZES[0]),
    name("too-small", size=(60, 15)),
}


@pytest.mark.parametrize("state", RUNNING)
async def test_the_panes_look_as_agreed_at_every_size(state: str) -> None:
    screens = {}
    async with Desk(RUNNING[state]()).open() as desk:
        for size, (pane, key) in product(SIZES, PANES.items()):
            await desk.resize(*size)
            await desk.press(key)
            screens[name(pane, state, size=size)] = desk.text
    compare(screens)


@pytest.mark.parametrize("state", NOT_RUNNING)
async def test_starting_looks_as_agreed_at_every_size(state: str) -> None:
    screens = {}
    async with Desk(NOT_RUNNING[state]()).open() as desk:
        for size in SIZES:
            await desk.resize(*size)
            screens[name(state, size=size)] = desk.text
    compare(screens)


async def test_the_dialogs_look_as_agreed() -> None:
    screens = {}
    async with Desk(killed()).open() as desk:
        await desk.press("4")
        for dialog, key in DIALOGS.items():
            await desk.press(key)
            screens[name("dialog", dialog, size=SIZES[0])] = desk.text
            await desk.press("escape")
    compare(screens)


@pytest.mark.parametrize("state", MARKETS)
async def test_the_market_looks_as_agreed_at_every_size(state: str) -> None:
    screens = {}
    market, view = MARKETS[state]
    async with Desk(view(), market=market()).open() as desk:
        await desk.press("6", *(["down"] if state == "loading" else []))
        for size in SIZES:
            await desk.resize(*size)
            await desk.see()
            screens[name("market", state, size=size)] = desk.text
    compare(screens)


@pytest.mark.parametrize("state", LOGS)
async def test_logs_and_health_look_as_agreed_at_every_size(state: str) -> None:
    screens = {}
    market, view, log = LOGS[state]
    async with Desk(view(), market=market(), log=log()).open() as desk:
        await desk.press("8")
        for size in SIZES:
            await desk.resize(*size)
            await desk.see()
            screens[name("logs", state, size=size)] = desk.text
    compare(screens)


async def test_the_parts_of_the_log_look_as_agreed() -> None:
    screens = {}
    async with Desk().open() as desk:
        await desk.press("8", "up", "up", "up")
        screens[name("logs-paused", size=SIZES[0])] = desk.text
        await desk.press("enter")
        screens[name("dialog-record", size=SIZES[0])] = desk.text
        await desk.press("escape", "c")
        screens[name("logs-control", size=SIZES[0])] = desk.text
        await desk.press("m", "m", "slash", *"kk-", "enter")
        screens[name("logs-filtered", size=SIZES[0])] = desk.text
    compare(screens)


@pytest.mark.parametrize("state", PORTFOLIOS)
async def test_the_portfolio_looks_as_agreed_at_every_size(state: str) -> None:
    screens = {}
    view, books = PORTFOLIOS[state]
    async with Desk(view(), portfolio=books()).open() as desk:
        await desk.press("5")
        for size in SIZES:
            await desk.resize(*size)
            await desk.see()
            screens[name("portfolio", state, size=size)] = desk.text
    compare(screens)


async def test_the_parts_of_the_portfolio_look_as_agreed() -> None:
    screens = {}
    async with Desk().open() as desk:
        await desk.press("5")
        for part in PORTFOLIO_PARTS:
            await desk.press("v")
            for size in (SIZES[0], SIZES[2]):
                await desk.resize(*size)
                await desk.see()
                screens[name("portfolio", part, size=size)] = desk.text
            await desk.resize(*SIZES[0])
        await desk.press("v", "down", "enter", "m", "d")
        screens[name("portfolio-filtered", size=SIZES[0])] = desk.text
    compare(screens)


async def test_the_dialogs_of_the_portfolio_look_as_agreed() -> None:
    screens = {}
    async with Desk(drifting(), portfolio=unfinished_books()).open() as desk:
        await desk.press("5")
        for dialog, keys in PORTFOLIO_DIALOGS.items():
            await desk.press(*keys)
            await desk.see()
            screens[name("dialog", dialog, size=SIZES[0])] = desk.text
            await desk.press("escape")
    compare(screens)


async def test_the_parts_of_the_market_look_as_agreed() -> None:
    screens = {}
    async with Desk().open() as desk:
        await desk.press("6")
        for part in MARKET_PARTS[1:]:
            await desk.press("v")
            screens[name("market", part, size=SIZES[0])] = desk.text
    compare(screens)


@pytest.mark.parametrize("state", SETTINGS)
async def test_the_settings_look_as_agreed_at_every_size(state: str) -> None:
    screens = {}
    async with Desk(effective=SETTINGS[state]()).open() as desk:
        await desk.press("9")
        for size in SIZES:
            await desk.resize(*size)
            await desk.see()
            screens[name("settings", state, size=size)] = desk.text
    compare(screens)


async def test_the_dialogs_of_settings_look_as_agreed() -> None:
    screens = {}
    async with Desk().open() as desk:
        await desk.press("9")
        for dialog, key in SETTING_DIALOGS.items():
            await desk.press(key, "down")
            screens[name("dialog", dialog, size=SIZES[0])] = desk.text
            await desk.press("escape")
    compare(screens)


@pytest.mark.parametrize("state", RISKS)
async def test_risk_looks_as_agreed_at_every_size(state: str) -> None:
    screens = {}
    view, risk = RISKS[state]
    async with Desk(view(), risk=risk()).open() as desk:
        await desk.press("2")
        for size in SIZES:
            await desk.resize(*size)
            await desk.see()
            screens[name("risk", state, size=size)] = desk.text
    compare(screens)


@pytest.mark.parametrize("state", STRATEGIES)
async def test_strategies_look_as_agreed_at_every_size(state: str) -> None:
    screens = {}
    view, strategies = STRATEGIES[state]
    async with Desk(view(), strategies=strategies()).open() as desk:
        await desk.press("3", "end")
        for size in SIZES:
            await desk.resize(*size)
            await desk.see()
            screens[name("strategies", state, size=size)] = desk.text
    compare(screens)


@pytest.mark.parametrize(
    ("pane", "keys", "parts"), [("risk", ("2",), RISK_PARTS), ("strategies", ("3", "end"), STRATEGY_PARTS)]
)
async def test_the_parts_of_risk_and_strategies_look_as_agreed(
    pane: str, keys: tuple[str, ...], parts: tuple[str, ...]
) -> None:
    screens = {}
    async with Desk().open() as desk:
        await desk.press(*keys)
        for part in parts:
            await desk.press("v")
            for size in (SIZES[0], SIZES[2]):
                await desk.resize(*size)
                await desk.see()
                screens[name(pane, part, size=size)] = desk.text
            await desk.resize(*SIZES[0])
    compare(screens)


async def test_the_dialogs_of_risk_look_as_agreed() -> None:
    screens = {}
    risk = FakeRisk(fake_risk.killed())
    risk.preview = RiskPreview(
        problems=("risk.max_open_positions is 5.5: use a whole number from 1 to 1000.",),
        violated=("XBT is 19.26 % of equity, more than max_per_asset_pct, 15 %.",),
    )
    async with Desk(killed(), risk=risk).open() as desk:
        await desk.press("2")
        for dialog, keys in RISK_DIALOGS.items():
            await desk.press(*keys)
            await desk.see()
            screens[name("dialog", dialog, size=SIZES[0])] = desk.text
            await desk.press("escape", "escape")
        await desk.press("a")
        screens[name("dialog-force", size=SIZES[0])] = desk.text
    compare(screens)


async def test_the_dialogs_of_strategies_look_as_agreed() -> None:
    screens = {}
    risk = FakeRisk()
    risk.silences = [
        Silence(
            "", "", "spread", "the spread is too wide", "131.5 bps", "at most 100 bps",
            NOON - timedelta(minutes=44), NOON - timedelta(hours=9),
        )
    ]  # fmt: skip
    async with Desk(risk=risk).open() as desk:
        await desk.press("3", "down")
        for dialog, keys in STRATEGY_DIALOGS.items():
            await desk.press(*keys)
            await desk.see()
            screens[name("dialog", dialog, size=SIZES[0])] = desk.text
            await desk.press("escape", "escape")
    compare(screens)


async def test_paper_trading_looks_as_agreed() -> None:
    paper = status(mode="paper", profile="paper", other_host="", speed=1.0)
    async with Desk(msgspec.structs.replace(normal(), status=paper)).open() as desk:
        compare({name("dashboard-paper", size=SIZES[0]): desk.text})


async def test_live_mode_and_a_small_terminal_look_as_agreed() -> None:
    screens = {}
    async with Desk(live()).open() as desk:
        screens[name("dashboard-live", size=SIZES[0])] = desk.text
        await desk.resize(60, 15)
        screens[name("too-small", size=(60, 15))] = desk.text
    compare(screens)


def test_no_golden_is_left_over() -> None:
    assert left_over(EXPECTED) == set()


def test_the_fake_is_the_same_at_every_run() -> None:
    assert normal() == normal()
