"""The commands of the strategies pane."""

from krakked_tui.tui.command import Desk, DialogName, OpenDialog, PaneName, ShowPane, UiCommand
from krakked_tui.tui.pane_parts import StrategyPart
from krakked_tui.tui.rows.strategy_detail import runs

_NONE = "No strategy is selected."


class ShowStrategies(ShowPane):
    """The pane with every strategy."""

    id = "strategies"
    keys = ("3",)
    footer = "Strat"
    footer_rank = 6
    title = "Strategies"
    help = "Every strategy: how it does, what it holds, wanted and is set to; why it is silent."
    target = PaneName.STRATEGIES


class NextStrategyPart(UiCommand):
    """About, held, intents or parameters."""

    id = "strategy-part"
    keys = ("v",)
    footer = "View"
    title = "About a strategy, what it holds, wanted, is set to"
    help = "Below the strategies, show the next of: about, held, intents, parameters; Tab goes there."
    pane = PaneName.STRATEGIES

    def run(self, desk: Desk) -> None:
        """Show the next one."""
        desk.strategy_pane.next_part()


class OpenStrategyLine(OpenDialog):
    """The line under the cursor in full."""

    id = "strategy-open"
    keys = ("enter",)
    footer = "Details"
    footer_rank = 5
    title = "Open the selected line of the strategies screen"
    help = "A strategy, what it holds, an intent with its indicator values, or a parameter, in full."
    pane = PaneName.STRATEGIES
    dialog = DialogName.STRATEGY_LINE

    def unavailable(self, desk: Desk) -> str:
        """There must be a row under the cursor."""
        pane = desk.strategy_pane
        found = {
            StrategyPart.HELD: pane.selected_held,
            StrategyPart.INTENTS: pane.selected_intent,
            StrategyPart.PARAMETERS: pane.selected_parameter,
        }.get(pane.table, pane.selected)
        return "" if found is not None else "No line is selected."


class ChangeParameters(OpenDialog):
    """Change what a strategy is set to."""

    id = "strategy-change"
    keys = ("c",)
    footer = "Change"
    footer_rank = 1
    title = "Change the parameters of the strategy"
    help = "Type new values; what they would do is shown before they are saved."
    acts = True
    pane = PaneName.STRATEGIES
    dialog = DialogName.CHANGE_STRATEGY

    def unavailable(self, desk: Desk) -> str:
        """There must be a strategy with something to change."""
        line = desk.strategy_pane.selected
        if line is None:
            return _NONE
        if any(parameter.changeable for parameter in line.parameters):
            return ""
        return f"Nothing of {line.id} can be changed while the engine runs."


class SwitchStrategy(OpenDialog):
    """Enable or disable a strategy."""

    id = "strategy-switch"
    keys = ("t",)
    footer = "Enable"
    footer_rank = 3
    title = "Enable or disable the strategy"
    help = "Let the strategy run or not, after saying what stays watched; also one that failed."
    acts = True
    dangerous = True
    pane = PaneName.STRATEGIES
    dialog = DialogName.SWITCH_STRATEGY

    def unavailable(self, desk: Desk) -> str:
        """There must be a strategy."""
        return "" if desk.strategy_pane.selected is not None else _NONE

    def footer_text(self, desk: Desk) -> str:
        """Name the one that changes something."""
        line = desk.strategy_pane.selected
        return "Disable" if line is not None and runs(line) else self.footer


class AskSilence(OpenDialog):
    """Why a strategy does not trade a pair."""

    id = "silence"
    keys = ("n",)
    footer = "No trade?"
    footer_rank = 4
    title = "No trade? Why the strategy is silent on a pair"
    help = "Choose a pair: the first gate that keeps the strategy from entering it now, kept up to date."
    pane = PaneName.STRATEGIES
    dialog = DialogName.SILENCE

    def unavailable(self, desk: Desk) -> str:
        """There must be a strategy."""
        return "" if desk.strategy_pane.selected is not None else _NONE


STRATEGY_COMMANDS: tuple[UiCommand, ...] = (
    OpenStrategyLine(),
    NextStrategyPart(),
    ChangeParameters(),
    SwitchStrategy(),
    AskSilence(),
)
