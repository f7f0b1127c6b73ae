"""The commands of this program, each offered where it makes sense.

Dangerous commands only ever open a dialog; the one exception is setting the kill switch, which is
safe to do by mistake and must not wait.
"""

from krakked_tui.control.commands import CancelAll, CancelOrder, PauseCycles, ResumeCycles, SetKillSwitch
from krakked_tui.control.views import OrderView
from krakked_tui.tui.command import Desk, DialogName, OpenDialog, ShowPane, UiCommand
from krakked_tui.tui.command import PaneName as PaneName
from krakked_tui.tui.log_commands import LOG_COMMANDS, ShowLogs
from krakked_tui.tui.market_commands import MARKET_COMMANDS, ShowMarket
from krakked_tui.tui.portfolio_commands import PORTFOLIO_COMMANDS, AcceptExchange, ShowPortfolio
from krakked_tui.tui.risk_commands import RISK_COMMANDS, ShowRisk
from krakked_tui.tui.rows.dialogs import count
from krakked_tui.tui.rows.settings import CHANGEABLE_MARK, can_change
from krakked_tui.tui.strategy_commands import STRATEGY_COMMANDS, ShowStrategies


class ShowDashboard(ShowPane):
    """The pane with everything at a glance."""

    id = "dashboard"
    keys = ("1",)
    footer = "Dash"
    title = "Dashboard"
    help = "Account, equity curve, allocation, positions and the latest fills."
    target = PaneName.DASHBOARD


class ShowOrders(ShowPane):
    """The pane with open and recent orders."""

    id = "orders"
    keys = ("4",)
    footer = "Orders"
    title = "Orders"
    help = "Open and latest orders; Tab changes the table."
    target = PaneName.ORDERS


class ShowSettings(ShowPane):
    """The pane with the configuration and the credentials' state."""

    id = "settings"
    keys = ("9",)
    footer = "Settings"
    footer_rank = 7
    title = "Settings"
    help = "Mode, API key, versions, paths, the effective configuration; Tab changes the part."
    target = PaneName.SETTINGS


class ShowSetting(OpenDialog):
    """One setting in full."""

    id = "setting"
    keys = ("d",)
    footer = "Details"
    footer_rank = 4
    title = "Setting in full"
    help = "Value and origin of the setting under the cursor, and how to change it."
    pane = PaneName.SETTINGS
    dialog = DialogName.SETTING

    def unavailable(self, desk: Desk) -> str:
        """There must be a row under the cursor."""
        return "" if desk.selected_setting else "No setting is selected."


class ChangeSelectedSetting(OpenDialog):
    """Change one setting."""

    id = "change-setting"
    keys = ("enter",)
    footer = "Change"
    footer_rank = 3
    title = "Change the selected setting"
    help = "Choose another value for the setting under the cursor; it takes effect at once."
    acts = True
    pane = PaneName.SETTINGS
    dialog = DialogName.CHANGE_SETTING

    def unavailable(self, desk: Desk) -> str:
        """Only some settings change while the engine runs."""
        setting = desk.selected_setting
        if setting is not None and can_change(setting):
            return ""
        return f"Only settings marked {CHANGEABLE_MARK} change here; the others in the configuration file."


class ShowOrder(OpenDialog):
    """The details of one order."""

    id = "order"
    keys = ("enter",)
    footer = "Details"
    footer_rank = 4
    title = "Order details"
    help = "Everything known about the order under the cursor."
    pane = PaneName.ORDERS
    dialog = DialogName.ORDER

    def unavailable(self, desk: Desk) -> str:
        """There must be a row under the cursor."""
        return "" if desk.selected_order else "No order is selected."


class CancelSelected(UiCommand):
    """Cancel one order."""

    id = "cancel-order"
    keys = ("c",)
    footer = "Cancel"
    footer_rank = 3
    title = "Cancel the selected order"
    help = "Cancel the open order under the cursor, after asking."
    acts = True
    dangerous = True
    pane = PaneName.ORDERS

    def unavailable(self, desk: Desk) -> str:
        """Only an open order can be cancelled."""
        order = desk.selected_order
        open_ids = {each.cl_ord_id for each in desk.view.open_orders}
        if order is not None and order.cl_ord_id in open_ids:
            return ""
        return "Select an open order first: Tab changes the table, up and down move in it."

    def run(self, desk: Desk) -> None:
        """Ask, then cancel."""
        order = desk.selected_order
        if desk.settings.confirm_destructive:
            desk.open_dialog(DialogName.CANCEL_ORDER)
        elif order is not None:
            cancel_order(desk, order)


class TogglePause(UiCommand):
    """Pause or resume strategy cycles."""

    id = "pause"
    keys = ("p",)
    footer = "Pause"
    footer_rank = 5
    title = "Pause or resume cycles"
    help = "Stop running strategy cycles, or run them again; stops are watched either way."
    acts = True

    def unavailable(self, desk: Desk) -> str:
        """Cycles exist only while the engine runs."""
        return _needs_engine(desk)

    def footer_text(self, desk: Desk) -> str:
        """Name the one that changes something."""
        return "Resume" if desk.view.status.paused else self.footer

    def run(self, desk: Desk) -> None:
        """Send the one that changes something."""
        if desk.view.status.paused:
            desk.submit(ResumeCycles(), "resume cycles")
        else:
            desk.submit(PauseCycles(), "pause cycles")


class Arm(OpenDialog):
    """Clear the kill switch."""

    id = "arm"
    keys = ("a",)
    footer = "Arm"
    title = "Clear the kill switch"
    dialog = DialogName.ARM
    help = "Allow new positions again after a kill, by typing ARM; FORCE while what set it goes on."
    acts = True
    dangerous = True

    def unavailable(self, desk: Desk) -> str:
        """There must be something to clear."""
        return "" if desk.view.status.kill_switch.active else "The kill switch is off already."

    def in_footer(self, desk: Desk) -> bool:
        """Name it only while the kill switch is on."""
        return desk.view.status.kill_switch.active


class RateLimits(OpenDialog):
    """What the exchange still lets us send."""

    id = "rate-limits"
    keys = ("l",)
    title = "Rate limits"
    dialog = DialogName.RATE_LIMITS
    help = "How much of Kraken's rate limits is used, and by what."


class Help(OpenDialog):
    """All keys."""

    id = "help"
    keys = ("question_mark",)
    footer = "Help"
    title = "Help"
    dialog = DialogName.HELP
    help = "This list of keys and words."


class Palette(OpenDialog):
    """Find a command by its name."""

    id = "palette"
    keys = ("ctrl+p",)
    footer = "Find"
    footer_rank = 6
    title = "Find a command"
    dialog = DialogName.PALETTE
    help = "Find any command by typing part of its name."


class Quit(UiCommand):
    """Leave."""

    id = "quit"
    keys = ("q",)
    everywhere = ("ctrl+c", "ctrl+q")
    footer = "Quit"
    title = "Quit"
    help = "Say what happens to orders and positions, then stop the engine and leave."

    def run(self, desk: Desk) -> None:
        """Ask, unless there is no engine left to stop."""
        if desk.view.status.phase in {"failed", "stopped"}:
            desk.leave()
        else:
            desk.open_dialog(DialogName.QUIT)


class Kill(UiCommand):
    """Set the kill switch."""

    id = "kill"
    everywhere = ("ctrl+k", "f9")
    footer = "Kill"
    title = "Kill switch on"
    help = "At once and from everywhere: nothing new is opened. Exits and cancels go on."
    acts = True

    def run(self, desk: Desk) -> None:
        """Send it without asking."""
        desk.submit(SetKillSwitch(reason="operator at the terminal"), "kill switch on")


class CancelAllOrders(UiCommand):
    """Cancel all open orders."""

    id = "cancel-all"
    everywhere = ("ctrl+x",)
    footer = "Cancel all"
    title = "Cancel all orders"
    help = "From everywhere: ask, then cancel every open order of ours."
    acts = True
    dangerous = True

    def run(self, desk: Desk) -> None:
        """Ask, then cancel."""
        if desk.settings.confirm_destructive:
            desk.open_dialog(DialogName.CANCEL_ALL)
        else:
            cancel_all(desk)


class Flatten(OpenDialog):
    """Sell everything."""

    id = "flatten"
    everywhere = ("ctrl+f",)
    footer = "Flatten"
    title = "Flatten: sell everything"
    dialog = DialogName.FLATTEN
    help = "From everywhere: show what would be sold; typing FLATTEN cancels all orders and sells it."
    acts = True
    dangerous = True


def cancel_all(desk: Desk) -> None:
    """Send the cancel of every open order."""
    desk.submit(CancelAll(), f"cancel {count(len(desk.view.open_orders), 'order')}")


def cancel_order(desk: Desk, order: OrderView) -> None:
    """Send the cancel of one order."""
    desk.submit(CancelOrder(order.cl_ord_id), f"cancel {order.side} {order.pair}")


def _needs_engine(desk: Desk) -> str:
    phase = desk.view.status.phase
    return "" if phase == "running" else f"The engine is {phase}; this needs it running."


COMMANDS: tuple[UiCommand, ...] = (
    ShowDashboard(),
    ShowRisk(),
    ShowStrategies(),
    ShowOrders(),
    ShowPortfolio(),
    ShowMarket(),
    ShowLogs(),
    ShowSettings(),
    ShowOrder(),
    CancelSelected(),
    ChangeSelectedSetting(),
    ShowSetting(),
    *RISK_COMMANDS,
    *STRATEGY_COMMANDS,
    *PORTFOLIO_COMMANDS,
    *MARKET_COMMANDS,
    *LOG_COMMANDS,
    TogglePause(),
    Arm(),
    AcceptExchange(),
    RateLimits(),
    Palette(),
    Help(),
    Kill(),
    CancelAllOrders(),
    Flatten(),
    Quit(),
)
BY_ID = {command.id: command for command in COMMANDS}


def offered(desk: Desk) -> list[UiCommand]:
    """Return the commands this screen has now: those of its pane, and none that act when read-only."""
    return [
        command
        for command in COMMANDS
        if (command.pane is None or command.pane is desk.pane)
        and not (command.acts and desk.settings.read_only)
    ]
