"""Whatever the exchange or a strategy writes: shown, never obeyed, never more than one cell a character."""

import unicodedata
from decimal import Decimal

import msgspec
import pytest
from textual.widgets import Input

from krakked_tui.control.commands import EnableStrategy
from krakked_tui.control.log_view import LogLine
from krakked_tui.control.market_view import ChartFill, ChartLine, ConnectionView, DataStatusView, IngestView
from krakked_tui.control.portfolio_view import HistoryView, PortfolioQuery
from krakked_tui.control.settings_view import CredentialsState, CredentialsView, SettingRow, SettingsView
from krakked_tui.control.setup import (
    KeyCheck,
    KeyringState,
    KeyVerdict,
    PasswordStrength,
    PreviewPair,
    SetupFacts,
    SetupSaved,
    UniversePreview,
)
from krakked_tui.control.views import (
    AllocationView,
    DriftView,
    ElsewhereView,
    EngineView,
    HealthView,
    StartStep,
)
from krakked_tui.domain.candles import Timeframe
from krakked_tui.domain.errors import StorageError
from krakked_tui.domain.money import ONE
from krakked_tui.domain.orders import OrderStatus
from krakked_tui.domain.portfolio import HeldAs
from krakked_tui.domain.safety import FlattenPhase, FlattenProgress, KillSwitch
from tests.fakes import risk as fake_risk
from tests.fakes import strategies as fake_strategies
from tests.fakes.controller import MARKETS, NOON, normal, order, position, status, trade
from tests.fakes.log import FakeLog
from tests.fakes.market import FakeMarket
from tests.fakes.portfolio import HostilePortfolio
from tests.fakes.risk import FakeRisk
from tests.fakes.setup import FakeSetup, audit
from tests.tui.driving import Desk
from tests.tui.setup_driving import Hands

HOSTILE = [
    "\x1b]52;c;cm0gLXJm\x07\x1b[2J\x1b[31mred",
    "[/x] [/] [/ [link=file:///etc/passwd]x[/link] [@click=app.quit]quit[/]",
    "\x9b2J\u202eelif\u200b\u2066\ufeff zero\x00",
    "汉字🚀" * 30 + "e\u0301" * 5,
    "line\nbreak\r\ttab" + "x" * 4000,
]


def everywhere(text: str) -> EngineView:
    """A view with ``text`` in every text field."""
    hostile_order = {
        "cl_ord_id": text, "kraken_order_id": text, "plan_id": text, "pair": text, "side": text,
        "order_type": text, "purpose": text, "strategy_id": text, "last_error": text,
    }  # fmt: skip
    bar = status(
        mode=text, profile=text, data=text, data_detail=text, connection=text, connection_detail=text,
        other_host=text, no_new_risk=text, drift=True, paused=True,
        kill_switch=KillSwitch(active=True, reason=text, by=text, since=NOON),
    )  # fmt: skip
    view = normal()
    assert view.portfolio is not None
    portfolio = msgspec.structs.replace(
        view.portfolio,
        drift=(DriftView(text, ONE, ONE, ONE), DriftView(text, ONE, ONE, None)),
        unvalued=(text, text),
        stale=(text,),
        elsewhere=(ElsewhereView(text, HeldAs.STAKED, ONE),),
        excluded=(text,),
        history=(HistoryView(text, 1, 2, done=False),),
    )
    return msgspec.structs.replace(
        view,
        status=bar,
        portfolio=portfolio,
        start_steps=(StartStep(text, text, 1.0, text), StartStep(text, "failed", 1.0, text)),
        positions=(position(MARKETS[0], ONE, pair=text, base=text, strategy_id=text),),
        open_orders=(order(1, MARKETS[0], OrderStatus.OPEN, **hostile_order),),
        recent_orders=(order(2, MARKETS[0], OrderStatus.REJECTED, **hostile_order),),
        recent_trades=(
            trade(3, MARKETS[0], trade_id=text, pair=text, side=text, fee_asset=text, strategy_id=text),
        ),
        allocation=tuple(AllocationView(text, ONE, ONE) for _ in range(9)),
        flatten=FlattenProgress(FlattenPhase.DONE, text, text, NOON, {text: 1}, {text: text}, NOON),
        messages=(text, text),
    )


@pytest.mark.parametrize("text", HOSTILE, ids=["escapes", "markup", "bidi", "wide", "long"])
@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_hostile_text_is_shown_and_harms_nothing(text: str, size: tuple[int, int]) -> None:
    async with Desk(everywhere(text)).open(size) as desk:
        for keys in (
            ("1",),
            ("4",),
            ("enter",),
            ("escape", "c"),
            ("y", "ctrl+f"),
            ("escape", "a"),
            ("escape", "q"),
        ):
            await desk.press(*keys)
            assert_harmless(desk)
        await desk.press("escape", "ctrl+x", "escape")
        for phase in ("starting", "failed", "stopping"):
            desk.fake.publish_status(phase=phase)
            await desk.see()
            assert_harmless(desk)
        assert desk.app.ended is None
        assert desk.crashes == []


def market_everywhere(text: str) -> FakeMarket:
    """A market with ``text`` in every text field."""
    market = FakeMarket(3, answers=False)
    row = msgspec.structs.replace(
        market.current.rows[0], pair=text, status=text, freshness=text, tradable=False, held=True
    )
    market.publish(
        rows=(row, *market.current.rows[1:]),
        focus=msgspec.structs.replace(
            market.focus(row, Timeframe.M1),
            trouble=text,
            lines=(ChartLine(text, (1.0,)),),
            fills=(ChartFill(NOON, text, 1.0),),
        ),
        data=DataStatusView(
            connections=(
                ConnectionView(text, connected=False, detail=text),
                ConnectionView(text, connected=True, failed=(text, text)),
            ),
            state=text,
            system_status=text,
            rest_error=text,
            rest_error_age=1.0,
            universe_trouble=text,
            deaf=(text,),
            deaf_count=1,
            breaker_seconds=1.0,
            breaker_reason=text,
            ingest=IngestView(NOON, 0, 1, 0, 1.0, (text,)),
        ),
    )
    return market


@pytest.mark.parametrize("text", HOSTILE, ids=["escapes", "markup", "bidi", "wide", "long"])
@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_a_hostile_market_is_shown_and_harms_nothing(text: str, size: tuple[int, int]) -> None:
    market = market_everywhere(text)
    async with Desk(everywhere(text), market=market).open(size) as desk:
        for keys in (("6",), ("v",), ("v",), ("s", "s"), ("G",), ("slash", "z"), ("enter",), ("escape",)):
            await desk.press(*keys)
            assert_harmless(desk)
        market.change_focus(bars=(), running=None, book=None, trades=())
        await desk.see()
        assert_harmless(desk)
        assert text in {pair for pair, _ in market.asked}, "what is looked at goes back as it came"
        assert desk.app.ended is None
        assert desk.crashes == []


@pytest.mark.parametrize("text", HOSTILE, ids=["escapes", "markup", "bidi", "wide", "long"])
@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_a_hostile_log_and_hostile_health_are_shown_and_harm_nothing(
    text: str, size: tuple[int, int]
) -> None:
    market, log, view = market_everywhere(text), FakeLog(), everywhere(text)
    log.lines.append(LogLine(13, text, text, None, None, text, ((text, text), ("by", text))))
    log.say("info", "control", text, by=text, command=text, outcome=text, other=text)
    ill = HealthView(text, None, text, ((text, text),))
    async with Desk(msgspec.structs.replace(view, health=ill), market=market, log=log).open(size) as desk:
        for keys in (
            ("8",), ("enter",), ("q", "up", "enter"), ("q", "c"), ("enter",), ("q", "c", "m", "m"),
            ("slash", "z"), ("enter",), ("escape",), ("shift+tab", "G"), ("g",),
        ):  # fmt: skip
            await desk.press(*keys)
            assert_harmless(desk)
        desk.app.desk.logs.edit_filter()
        desk.app.get_default_screen().query_one("#log-filter", Input).value = text[:40]
        await desk.settle()
        await desk.press("enter")
        assert_harmless(desk)
        assert desk.app.ended is None
        assert desk.crashes == []


@pytest.mark.parametrize("text", HOSTILE, ids=["escapes", "markup", "bidi", "wide", "long"])
@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_a_hostile_portfolio_is_shown_and_harms_nothing(text: str, size: tuple[int, int]) -> None:
    books = HostilePortfolio(text)
    async with Desk(everywhere(text), portfolio=books).open(size) as desk:
        for keys in (
            ("5",), ("n",), ("q", "e"), ("q", "b", "enter"), ("enter",), ("G",), ("q", "v", "enter"),
            ("q", "v", "v"), ("enter",), ("q", "slash", "down"), ("enter", "s"), ("down", "enter"),
            ("r", "z", "enter", "enter"), ("q",),
        ):  # fmt: skip
            await desk.press(*keys)
            assert_harmless(desk)
        await desk.press("escape", "escape", "escape")
        asked = set(books.asked)
        assert PortfolioQuery(by="pair", pair=text) in asked, "what is asked for goes back as it came"
        assert PortfolioQuery(by="pair", pair=text, trade_id=text) in asked
        assert any(query.strategy == text for query in asked)
        assert desk.app.ended is None
        assert desk.crashes == []


@pytest.mark.parametrize("text", HOSTILE, ids=["escapes", "markup", "bidi", "wide", "long"])
@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_hostile_risk_is_shown_and_harms_nothing(text: str, size: tuple[int, int]) -> None:
    risk = fake_risk.hostile(text)
    desk = Desk(everywhere(text), risk=risk, effective=settings_everywhere(text))
    async with desk.open(size):
        for keys in (
            ("2",), ("enter",), ("q", "c", "end"), ("z", "enter"), ("escape", "escape", "f", "enter"),
            ("escape", "escape", "m"), ("n", "i", *"x", "enter", "1", "enter", "enter"),
            ("escape", "v"), ("v", "enter"), ("q", "v", "enter"), (*["pagedown"] * 5,), ("q", "a"),
        ):  # fmt: skip
            await desk.press(*keys)
            assert_harmless(desk)
        assert ("preset", text) in risk.asked, "what is asked for goes back as it came"
        assert ("explain", text) in risk.asked
        assert desk.app.ended is None
        assert desk.crashes == []


@pytest.mark.parametrize("text", HOSTILE, ids=["escapes", "markup", "bidi", "wide", "long"])
@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_hostile_strategies_are_shown_and_harm_nothing(text: str, size: tuple[int, int]) -> None:
    risk = fake_risk.hostile(text)
    desk = Desk(everywhere(text), risk=risk, strategies=fake_strategies.hostile(text))
    async with desk.open(size):
        for keys in (
            ("3",), ("enter",), ("q", "t"), ("n", "c", "z"), ("enter",), ("escape", "escape", "n", "enter"),
            ("escape", "v"), ("tab", "enter"), ("q", "v", "enter"), ("q", "v", "enter"), ("q", "v"),
        ):  # fmt: skip
            await desk.press(*keys)
            assert_harmless(desk)
        await desk.press("t", "y")
        assert_harmless(desk)
        assert desk.commands == [EnableStrategy(text, enabled=False)], "what is sent is the engine's own name"
        assert ("silence", text, text) in risk.asked
        (preview,) = [asked[1] for asked in risk.asked if asked[0] == "preview"]
        assert list(preview) == [text]  # type: ignore[call-overload]
        assert desk.app.ended is None
        assert desk.crashes == []


@pytest.mark.parametrize("text", HOSTILE, ids=["escapes", "markup", "bidi", "wide", "long"])
async def test_hostile_errors_of_questions_are_shown_and_harm_nothing(text: str) -> None:
    risk = FakeRisk()
    risk.fails = StorageError(text)
    async with Desk(risk=risk).open() as desk:
        for keys in (
            ("2", "f", "enter"),
            ("escape", "escape", "m"),
            ("n", "4", "w"),
            ("q", "3", "n", "enter"),
        ):
            await desk.press(*keys)
            assert_harmless(desk)
        assert desk.crashes == []


def settings_everywhere(text: str) -> SettingsView:
    """Settings with ``text`` in every text field."""
    found = audit(name=text, others=(text,), ip_allowlist=(text,), source=text)
    return SettingsView(
        mode=text,
        profile=text,
        exchange=text,
        rows=(
            SettingRow("ui.theme", text, text, changeable=True),
            SettingRow(text, text, text, changeable=True),
            SettingRow(f"b{text}", text, f"/a/{text}"),
        ),
        credentials=CredentialsView(
            state=CredentialsState.OPEN, origin=text, fingerprint=text, audit=found, warnings=(text,)
        ),
        versions=((text, text),),
        paths=((text, text),),
        warnings=(text,),
    )


@pytest.mark.parametrize("text", HOSTILE, ids=["escapes", "markup", "bidi", "wide", "long"])
@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_hostile_settings_are_shown_and_harm_nothing(text: str, size: tuple[int, int]) -> None:
    async with Desk(effective=settings_everywhere(text)).open(size) as desk:
        for keys in (("9",), ("enter",), ("q", "d"), ("q", "down", "d"), ("q", "enter"), ("tab", "G")):
            await desk.press(*keys)
            assert_harmless(desk)
        assert desk.app.ended is None
        assert desk.crashes == []


def hostile_setup(text: str, verdict: KeyVerdict) -> FakeSetup:
    """A service with ``text`` in every text it says."""
    facts = SetupFacts(
        profile=text, exchange=text, config_file=text, secrets_file=text, secrets_exist=True,
        regions=(text, "US_CA"), default_region=text, keyring=KeyringState(usable=True, detail=text),
        environment_key=text,
    )  # fmt: skip
    found = audit(name=text, others=(text,), ip_allowlist=(text,), source=text)
    check = KeyCheck(verdict=verdict, headline=text, advice=text, audit=found, warnings=(text,))
    pairs = (PreviewPair(text, Decimal("1e30"), Decimal("1e-30")),)
    fake = FakeSetup(
        facts,
        checks=[check],
        previews=[UniversePreview(1, 1, pairs), UniversePreview(trouble=text)],
        saves=[StorageError(text), SetupSaved((text,), (text,))],
    )
    fake.strength = PasswordStrength(4, text, text)
    return fake


@pytest.mark.parametrize("text", HOSTILE, ids=["escapes", "markup", "bidi", "wide", "long"])
@pytest.mark.parametrize("verdict", KeyVerdict)
async def test_hostile_set_up_is_shown_and_harms_nothing(text: str, verdict: KeyVerdict) -> None:
    async with Hands(hostile_setup(text, verdict)).open() as hands:
        assert_harmless(hands)
        await hands.press("enter")
        assert_harmless(hands)
        await hands.enter_key()
        assert_harmless(hands)
        if hands.app.screen.query("#next"):
            await hands.click("#next")
            await hands.enter_password()
        else:
            await hands.press("b", "tab", "tab", "tab", "enter")
        for _ in ("region", "review", "not saved"):
            assert_harmless(hands)
            await hands.press("pagedown")
            await hands.click("#next")
        assert_harmless(hands)
        assert hands.title == "Saved"
        assert hands.fake.saved[-1].region == text, "what is chosen goes back as it came"
        assert hands.crashes == []


def assert_harmless(desk: Desk | Hands) -> None:
    width, height = desk.app.size
    assert len(desk.lines) == height
    for line in desk.lines:
        assert len(line) <= width
        for character in line:
            assert unicodedata.category(character)[0] in "LNPSZ", repr(character)
            assert unicodedata.east_asian_width(character) not in "WF"


async def test_answers_of_the_engine_are_cleaned_too() -> None:
    async with Desk().open() as desk:
        from krakked_tui.control.commands import Answer

        desk.fake.answers.append(Answer(accepted=False, message=HOSTILE[0]))
        await desk.press("p")
        assert "REFUSED  pause cycles: ␛]52;c;cm0gLXJm␇␛[2J␛[31mred" in desk.answer


async def test_markup_is_shown_as_it_is_written() -> None:
    async with Desk(everywhere("[@click=app.quit]x[/]")).open((120, 40)) as desk:
        assert "[@click=app.quit]x[/]" in desk.text
        await desk.pilot.click("#events", offset=(3, 1))
        await desk.settle()
        assert desk.app.ended is None
