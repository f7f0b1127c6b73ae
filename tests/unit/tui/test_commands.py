"""Invariants of the command registry: keys that work in tmux, no clash, dangerous means asked."""

from collections.abc import Coroutine
from datetime import UTC, datetime, tzinfo

import pytest
from textual.binding import Binding

from krakked_tui.control.commands import (
    CancelAll,
    CancelOrder,
    Command,
    IngestCandles,
    PauseCycles,
    ResumeCycles,
)
from krakked_tui.control.log_view import LogLine
from krakked_tui.control.portfolio_view import (
    FlowLine,
    HoldingLine,
    PortfolioQuery,
    PortfolioReport,
    TradeDetail,
    TradeLine,
)
from krakked_tui.control.risk_view import LimitLine, ProtectionLine, RiskView
from krakked_tui.control.settings_view import SettingRow, SettingsView
from krakked_tui.control.strategy_view import (
    HeldLine,
    IntentLine,
    ParameterLine,
    StrategiesView,
    StrategyLine,
)
from krakked_tui.control.ui_settings import UiSettings
from krakked_tui.control.views import EngineView, OrderView
from krakked_tui.tui.app import KrakkedApp
from krakked_tui.tui.command import DialogName, PaneName, UiCommand, key_text
from krakked_tui.tui.commands import (
    BY_ID,
    COMMANDS,
    Arm,
    CancelAllOrders,
    CancelSelected,
    ChangeSelectedSetting,
    Flatten,
    Kill,
    Quit,
    ShowSetting,
    TogglePause,
    offered,
)
from krakked_tui.tui.dialogs.base import Dialog
from krakked_tui.tui.dialogs.changing import ChangeDialog
from krakked_tui.tui.dialogs.confirm import Confirm
from krakked_tui.tui.dialogs.palette import PaletteDialog
from krakked_tui.tui.dialogs.portfolio import PickDialog, RangeDialog
from krakked_tui.tui.dialogs.reading import HelpDialog, help_lines
from krakked_tui.tui.dialogs.setting import ChangeSettingDialog
from krakked_tui.tui.dialogs.strategies import SilenceDialog
from krakked_tui.tui.dialogs.table import DIALOGS
from krakked_tui.tui.dialogs.typed import Typed
from krakked_tui.tui.inquiry import Inquirer
from krakked_tui.tui.pane_parts import RiskPart, StrategyPart
from krakked_tui.tui.portfolio_choice import Part
from krakked_tui.tui.portfolio_commands import AcceptExchange
from krakked_tui.tui.rows.line import text_of
from krakked_tui.tui.setup.app import SetupApp
from krakked_tui.tui.setup.fields import Toggle
from krakked_tui.tui.setup.leave import LeaveDialog
from krakked_tui.tui.setup.screen import SetupScreen
from krakked_tui.tui.widgets.choice import Choice, WordField
from krakked_tui.tui.widgets.facts import Facts
from krakked_tui.tui.widgets.one_of import OneOf
from krakked_tui.tui.widgets.table import LiveTable
from tests.fakes import strategies as fake_strategies
from tests.fakes.controller import FakeController, drifting, killed, normal, start_failed, starting
from tests.fakes.risk import LIMITS, OK, PROTECTIONS

SWALLOWED = {"ctrl+b", "ctrl+a", "ctrl+h", "ctrl+i", "ctrl+j", "ctrl+m", "ctrl+z", "ctrl+s"}


class PaperMarket:
    """Market controls that write down what commands do."""

    def __init__(self, done: list[object]) -> None:
        self.done = done

    def next_part(self) -> None:
        self.done.append("part")

    def edit_filter(self) -> None:
        self.done.append("filter")

    def clear_filter(self) -> None:
        self.done.append("all")

    def next_sort(self) -> None:
        self.done.append("sort")

    def change_timeframe(self, steps: int) -> None:
        self.done.append(steps)

    def toggle_overlays(self) -> None:
        self.done.append("overlays")


class PaperLogs:
    """Log controls that write down what commands do."""

    def __init__(self, done: list[object]) -> None:
        self.done = done

    def next_level(self) -> None:
        self.done.append("level")

    def edit_filter(self) -> None:
        self.done.append("filter log")

    def show_all(self) -> None:
        self.done.append("all records")

    def toggle_control(self) -> None:
        self.done.append("control")


class PaperPortfolio:
    """Portfolio controls that write down what commands do."""

    def __init__(self, done: list[object]) -> None:
        self.done = done
        self.question = PortfolioQuery()
        self.report: PortfolioReport | None = None
        self.detail: TradeDetail | None = None
        self.detailed = False
        self.config = ""
        self.table = Part.PNL
        self.selected_trade: TradeLine | None = None
        self.selected_flow: FlowLine | None = None
        self.selected_holding: HoldingLine | None = None
        self.nothing_behind = ""

    def next_part(self) -> None:
        self.done.append("next part")

    def drill(self) -> None:
        self.done.append("drill")

    def back(self) -> None:
        self.done.append("back")

    def next_group(self) -> None:
        self.done.append("by")

    def next_period(self) -> None:
        self.done.append("period")

    def next_side(self) -> None:
        self.done.append("side")

    def toggle_manual(self) -> None:
        self.done.append("manual")

    def want_range(self, since: datetime | None, until: datetime | None) -> None:
        self.done.append((since, until))

    def want_pair(self, pair: str) -> None:
        self.done.append(pair)

    def want_strategy(self, strategy: str) -> None:
        self.done.append(strategy)

    def look_at(self, trade_id: str) -> None:
        self.done.append(trade_id)


class PaperRisk:
    """Risk controls that write down what commands do."""

    def __init__(self, done: list[object]) -> None:
        self.done = done
        self.table = RiskPart.LIMITS
        self.selected_limit: LimitLine | None = None
        self.selected_protection: ProtectionLine | None = None
        self.selected_decision = ""

    def next_part(self) -> None:
        self.done.append("risk part")


class PaperStrategies:
    """Strategy controls that write down what commands do."""

    def __init__(self, done: list[object]) -> None:
        self.done = done
        self.table = StrategyPart.LIST
        self.selected: StrategyLine | None = None
        self.selected_held: HeldLine | None = None
        self.selected_intent: IntentLine | None = None
        self.selected_parameter: ParameterLine | None = None

    def next_part(self) -> None:
        self.done.append("strategy part")


def nobody_asks(work: Coroutine[None, None, None]) -> None:
    work.close()
    raise AssertionError("commands ask nothing: dialogs do")


class PaperDesk:
    """A desk that writes down what commands do."""

    def __init__(self, view: EngineView, settings: UiSettings | None = None) -> None:
        self.view = view
        self.settings = settings or UiSettings()
        self.zone: tzinfo = UTC
        self.cancels_orders = False
        self.pane = PaneName.ORDERS
        self.in_dialog = False
        self.selected_order: OrderView | None = view.open_orders[0] if view.open_orders else None
        self.selected_setting: SettingRow | None = None
        self.done: list[object] = []
        self.market = PaperMarket(self.done)
        self.selected_record: LogLine | None = None
        self.logs = PaperLogs(self.done)
        self.portfolio = PaperPortfolio(self.done)
        self.risk_pane = PaperRisk(self.done)
        self.strategy_pane = PaperStrategies(self.done)
        self.explainable = ""
        self.risk: RiskView = OK
        self.strategies: StrategiesView = fake_strategies.normal()
        self.effective = SettingsView()
        self.pairs: tuple[str, ...] = ()
        self.ask = Inquirer(FakeController(), lambda: 0.0, str, nobody_asks, self.done.append)

    def name_at_the_engine(self, name: str) -> str:
        return name

    def show_pane(self, name: PaneName) -> None:
        self.done.append(name)

    def open_dialog(self, name: DialogName) -> None:
        self.done.append(name)

    def submit(self, command: Command, label: str) -> None:
        assert label
        self.done.append(command)

    def stop_and_leave(self) -> None:
        self.done.append("stop")

    def leave(self) -> None:
        self.done.append("leave")

    def run_command(self, command: UiCommand) -> None:
        self.done.append(command)


def ran(command: UiCommand, desk: PaperDesk) -> object:
    command.run(desk)
    (done,) = desk.done
    return done


def all_bindings() -> list[Binding]:
    owners = (
        KrakkedApp, LiveTable, Dialog, Confirm, Typed, HelpDialog, PaletteDialog, Choice, WordField,
        PickDialog, RangeDialog, ChangeSettingDialog, ChangeDialog, SilenceDialog, Facts, OneOf, SetupApp,
        SetupScreen, LeaveDialog, Toggle,
    )  # fmt: skip
    return list(Binding.make_bindings(each for owner in owners for each in owner.BINDINGS))


def test_no_key_is_one_that_terminals_swallow() -> None:
    for binding in all_bindings():
        assert binding.key not in SWALLOWED
        assert not binding.key.startswith("alt+")


def test_commands_have_names_of_their_own_and_say_what_they_do() -> None:
    assert len(BY_ID) == len(COMMANDS)
    assert len({command.title for command in COMMANDS}) == len(COMMANDS)
    for command in COMMANDS:
        assert command.keys or command.everywhere, command.id
        assert command.help.endswith("."), command.id


@pytest.mark.parametrize("pane", PaneName)
def test_no_two_commands_of_a_pane_share_a_key(pane: PaneName) -> None:
    here = [command for command in COMMANDS if command.pane in {None, pane}]
    keys = [key for command in here for key in (*command.keys, *command.everywhere)]
    assert len(keys) == len(set(keys))


def test_keys_that_work_everywhere_are_no_letters() -> None:
    for command in COMMANDS:
        assert all(len(key) > 1 and key != "enter" for key in command.everywhere)


def test_the_four_emergency_keys() -> None:
    assert Kill.everywhere == ("ctrl+k", "f9")
    assert CancelAllOrders.everywhere == ("ctrl+x",)
    assert Flatten.everywhere == ("ctrl+f",)
    assert not Kill.dangerous
    assert CancelAllOrders.dangerous
    assert Flatten.dangerous


@pytest.mark.parametrize(
    ("command", "does"),
    [("market-part", "part"), ("market-filter", "filter"), ("market-all", "all"), ("market-sort", "sort"),
     ("market-shorter", -1), ("market-longer", 1), ("market", PaneName.MARKET), ("logs", PaneName.LOGS),
     ("market-overlays", "overlays"), ("log-level", "level"), ("log-filter", "filter log"),
     ("log-all", "all records"), ("control-log", "control"), ("record", DialogName.RECORD),
     ("portfolio", PaneName.PORTFOLIO), ("portfolio-part", "next part"), ("portfolio-by", "by"),
     ("portfolio-period", "period"), ("portfolio-side", "side"), ("portfolio-manual", "manual"),
     ("portfolio-back", "back"), ("portfolio-open", "drill"), ("portfolio-range", DialogName.RANGE),
     ("portfolio-pair", DialogName.PICK_PAIR), ("portfolio-strategy", DialogName.PICK_STRATEGY),
     ("portfolio-notes", DialogName.NOTES), ("risk", PaneName.RISK), ("strategies", PaneName.STRATEGIES),
     ("risk-part", "risk part"), ("risk-open", DialogName.RISK_LINE), ("what-if", DialogName.WHAT_IF),
     ("strategy-part", "strategy part"), ("strategy-open", DialogName.STRATEGY_LINE),
     ("silence", DialogName.SILENCE), ("why", DialogName.WHY)],
)  # fmt: skip
def test_what_is_looked_at_changes_on_a_read_only_screen_too(command: str, does: object) -> None:
    desk = PaperDesk(normal(), UiSettings(read_only=True))
    desk.pane = BY_ID[command].pane or PaneName.MARKET
    assert BY_ID[command] in offered(desk)
    assert ran(BY_ID[command], desk) == does


def test_dangerous_commands_only_open_a_dialog() -> None:
    for command in COMMANDS:
        if command.dangerous:
            assert isinstance(ran(command, PaperDesk(killed())), DialogName), command.id
            assert command.acts


def test_every_dialog_has_its_class() -> None:
    assert set(DIALOGS) == set(DialogName)
    assert len(set(DIALOGS.values())) == len(DIALOGS)


def test_without_confirmation_only_cancels_go_at_once() -> None:
    settings = UiSettings(confirm_destructive=False)
    view = killed()
    assert ran(CancelAllOrders(), PaperDesk(view, settings)) == CancelAll()
    first = view.open_orders[0].cl_ord_id
    assert ran(CancelSelected(), PaperDesk(view, settings)) == CancelOrder(first)
    for command in (Flatten(), Arm(), Quit()):
        assert isinstance(ran(command, PaperDesk(view, settings)), DialogName)


def test_a_read_only_screen_has_no_command_that_acts() -> None:
    desk = PaperDesk(normal(), UiSettings(read_only=True))
    assert {command.id for command in offered(desk)} == {
        "dashboard", "risk", "strategies", "orders", "portfolio", "market", "logs", "settings", "order",
        "palette", "rate-limits", "help", "quit", "why",
    }  # fmt: skip


def test_commands_of_a_pane_are_offered_there_only() -> None:
    desk = PaperDesk(normal())
    desk.pane = PaneName.DASHBOARD
    assert not {"order", "cancel-order"} & {command.id for command in offered(desk)}


def test_only_an_open_order_can_be_cancelled() -> None:
    desk = PaperDesk(normal())
    assert CancelSelected().unavailable(desk) == ""
    desk.selected_order = desk.view.recent_orders[0]
    assert "Select an open order first" in CancelSelected().unavailable(desk)


def test_pause_sends_the_one_that_changes_something() -> None:
    assert ran(TogglePause(), PaperDesk(normal())) == PauseCycles()
    assert ran(TogglePause(), PaperDesk(killed())) == ResumeCycles()
    assert TogglePause().footer_text(PaperDesk(killed())) == "Resume"
    assert "The engine is starting" in TogglePause().unavailable(PaperDesk(starting()))


def test_accepting_balances_needs_a_difference() -> None:
    assert "nothing to accept" in AcceptExchange().unavailable(PaperDesk(normal()))
    assert not AcceptExchange().in_footer(PaperDesk(normal()))
    assert not AcceptExchange().unavailable(PaperDesk(drifting()))
    assert AcceptExchange().in_footer(PaperDesk(drifting()))


@pytest.mark.parametrize(
    ("table", "does"),
    [(Part.TRADES, DialogName.TRADE), (Part.FLOWS, DialogName.PORTFOLIO_LINE),
     (Part.HOLDINGS, DialogName.PORTFOLIO_LINE)],
)  # fmt: skip
def test_enter_opens_what_is_behind_a_line(table: Part, does: DialogName) -> None:
    desk = PaperDesk(normal())
    desk.portfolio.table = table
    assert ran(BY_ID["portfolio-open"], desk) is does
    desk.portfolio.nothing_behind = "No trade is selected."
    assert BY_ID["portfolio-open"].unavailable(desk) == "No trade is selected."


def test_missing_candles_are_read_without_asking_but_not_by_who_only_watches() -> None:
    command = BY_ID["read-candles"]
    desk = PaperDesk(normal())
    desk.pane = PaneName.LOGS
    assert command in offered(desk)
    assert ran(command, desk) == IngestCandles()
    assert "The engine is starting" in command.unavailable(PaperDesk(starting()))
    watching = PaperDesk(normal(), UiSettings(read_only=True))
    watching.pane = PaneName.LOGS
    assert command not in offered(watching)


def test_arming_needs_a_kill() -> None:
    assert Arm().unavailable(PaperDesk(normal()))
    assert not Arm().unavailable(PaperDesk(killed()))


def test_quit_asks_unless_there_is_nothing_left_to_stop() -> None:
    assert ran(Quit(), PaperDesk(normal())) is DialogName.QUIT
    assert ran(Quit(), PaperDesk(start_failed())) == "leave"


def test_help_names_every_key_of_every_command_and_table() -> None:
    text = "\n".join(text_of(line) for line in help_lines(COMMANDS))
    for command in COMMANDS:
        for key in (*command.keys, *command.everywhere):
            assert key_text(key) in text
    assert "previous row" in text
    assert "kill switch" in text


def test_only_marked_settings_can_be_changed() -> None:
    desk = PaperDesk(normal())
    desk.pane = PaneName.SETTINGS
    assert ChangeSelectedSetting().unavailable(desk)
    assert ShowSetting().unavailable(desk)
    desk.selected_setting = SettingRow("ui.theme", '"dark"', "default")
    assert "Only settings marked" in ChangeSelectedSetting().unavailable(desk)
    assert ShowSetting().unavailable(desk) == ""
    desk.selected_setting = SettingRow("ui.theme", '"dark"', "default", changeable=True)
    assert ChangeSelectedSetting().unavailable(desk) == ""
    desk.selected_setting = SettingRow("risk.unheard_of", "1", "default", changeable=True)
    assert ChangeSelectedSetting().unavailable(desk), "this screen knows no values for it"


def test_a_read_only_screen_reads_settings_and_changes_none() -> None:
    desk = PaperDesk(normal(), UiSettings(read_only=True))
    desk.pane = PaneName.SETTINGS
    found = {command.id for command in offered(desk)}
    assert "setting" in found
    assert "change-setting" not in found


@pytest.mark.parametrize("command", ["risk-change", "risk-preset", "risk-manual"])
def test_limits_change_by_dialogs_only_and_not_on_a_read_only_screen(command: str) -> None:
    desk = PaperDesk(normal())
    desk.pane = PaneName.RISK
    assert BY_ID[command] in offered(desk)
    assert isinstance(ran(BY_ID[command], desk), DialogName)
    watching = PaperDesk(normal(), UiSettings(read_only=True))
    watching.pane = PaneName.RISK
    assert BY_ID[command] not in offered(watching)


@pytest.mark.parametrize(
    ("table", "found", "does"),
    [(RiskPart.LIMITS, {"selected_limit": LIMITS[0]}, DialogName.RISK_LINE),
     (RiskPart.PROTECTIONS, {"selected_protection": PROTECTIONS[0]}, DialogName.RISK_LINE),
     (RiskPart.DECISIONS, {"selected_decision": "plan"}, DialogName.WHY)],
)  # fmt: skip
def test_enter_opens_what_is_behind_a_line_of_risk(
    table: RiskPart, found: dict[str, object], does: DialogName
) -> None:
    desk, command = PaperDesk(normal()), BY_ID["risk-open"]
    desk.risk_pane.table = table
    assert command.unavailable(desk) == "No line is selected."
    for name, value in found.items():
        setattr(desk.risk_pane, name, value)
    assert command.unavailable(desk) == ""
    assert ran(command, desk) is does


def test_behind_an_exposure_is_nothing() -> None:
    desk = PaperDesk(normal())
    desk.risk_pane.table = RiskPart.EXPOSURE
    assert "no more to say" in BY_ID["risk-open"].unavailable(desk)


def test_why_needs_something_that_was_decided() -> None:
    desk, command = PaperDesk(normal()), BY_ID["why"]
    assert "No decision is known" in command.unavailable(desk)
    assert not command.in_footer(desk)
    desk.explainable = "kk-7f3a-000001"
    assert command.unavailable(desk) == ""
    assert command.in_footer(desk)


def test_commands_of_strategies_need_a_strategy() -> None:
    desk = PaperDesk(normal())
    desk.pane = PaneName.STRATEGIES
    commands = [BY_ID[name] for name in ("strategy-open", "strategy-change", "strategy-switch", "silence")]
    assert all("selected" in command.unavailable(desk) for command in commands)
    desk.strategy_pane.selected = fake_strategies.trend_following()
    assert not any(command.unavailable(desk) for command in commands)
    assert BY_ID["strategy-switch"].footer_text(desk) == "Disable"
    desk.strategy_pane.selected = fake_strategies.strategy("failed", state="failed")
    assert BY_ID["strategy-switch"].footer_text(desk) == "Enable"
    assert "Nothing of failed can be changed" in BY_ID["strategy-change"].unavailable(desk)
    desk.strategy_pane.table = StrategyPart.HELD
    assert BY_ID["strategy-open"].unavailable(desk) == "No line is selected."
