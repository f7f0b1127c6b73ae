"""The commands of the risk pane, and the one that explains decisions from wherever one is shown."""

from krakked_tui.tui.command import Desk, DialogName, OpenDialog, PaneName, ShowPane, UiCommand
from krakked_tui.tui.pane_parts import RiskPart


class ShowRisk(ShowPane):
    """The pane with every limit and how much of it is used."""

    id = "risk"
    keys = ("2",)
    footer = "Risk"
    footer_rank = 6
    title = "Risk"
    help = "Every limit and what is left of it, the kill switch, pauses of entries, exposures, decisions."
    target = PaneName.RISK


class NextRiskPart(UiCommand):
    """Limits, exposure, protections or decisions."""

    id = "risk-part"
    keys = ("v",)
    footer = "View"
    title = "Limits, exposure, protections or decisions"
    help = "Show the next of limits, exposure, protections in force, decisions."
    pane = PaneName.RISK

    def run(self, desk: Desk) -> None:
        """Show the next one."""
        desk.risk_pane.next_part()


class OpenRiskLine(UiCommand):
    """Look behind the line under the cursor."""

    id = "risk-open"
    keys = ("enter",)
    footer = "Details"
    footer_rank = 4
    title = "Open the selected line of the risk screen"
    help = "A limit or a pause in full; behind a decision, why it was made."
    pane = PaneName.RISK

    def unavailable(self, desk: Desk) -> str:
        """There must be something behind the line."""
        pane = desk.risk_pane
        match pane.table:
            case RiskPart.LIMITS:
                found: object = pane.selected_limit
            case RiskPart.PROTECTIONS:
                found = pane.selected_protection
            case RiskPart.DECISIONS:
                found = pane.selected_decision or None
            case _:
                return "There is no more to say of an exposure: Enter opens limits, protections, decisions."
        return "" if found is not None else "No line is selected."

    def run(self, desk: Desk) -> None:
        """Open its dialog."""
        decision = desk.risk_pane.table is RiskPart.DECISIONS
        desk.open_dialog(DialogName.WHY if decision else DialogName.RISK_LINE)


class ChangeLimits(OpenDialog):
    """Change limits."""

    id = "risk-change"
    keys = ("c",)
    footer = "Change"
    footer_rank = 1
    title = "Change the limits"
    help = "Type new limits; what they would do is shown before they are saved."
    acts = True
    pane = PaneName.RISK
    dialog = DialogName.CHANGE_LIMITS


class FillFromPreset(OpenDialog):
    """All limits at once."""

    id = "risk-preset"
    keys = ("f",)
    footer = "Presets"
    footer_rank = 5
    title = "Fill the limits from a preset"
    help = (
        "Choose conservative, balanced or aggressive limits; the differences are shown before they are saved."
    )
    acts = True
    pane = PaneName.RISK
    dialog = DialogName.PRESET


class CountManual(OpenDialog):
    """Manual positions in or out."""

    id = "risk-manual"
    keys = ("m",)
    title = "Count manual positions, or not"
    help = "Whether positions that no strategy opened use up the open positions; asked before it is saved."
    acts = True
    pane = PaneName.RISK
    dialog = DialogName.MANUAL


class AskWhatIf(OpenDialog):
    """Every limit's answer to a buy that is not made."""

    id = "what-if"
    keys = ("i",)
    footer = "What if"
    footer_rank = 4
    title = "What if: ask every limit about a buy"
    help = "Type a pair and dollars, see what each limit would say to buying that now; nothing is bought."
    pane = PaneName.RISK
    dialog = DialogName.WHAT_IF


class ShowWhy(OpenDialog):
    """Why something was decided, ordered or traded."""

    id = "why"
    keys = ("w",)
    title = "Why: the whole chain behind the selected line"
    help = (
        "Of the order, trade, position or decision under the cursor: candle, indicator values, intents, each "
        "limit's answer, orders, fills, P&L."
    )
    footer = "Why"
    footer_rank = 6
    dialog = DialogName.WHY

    def unavailable(self, desk: Desk) -> str:
        """There must be a decision behind the selected line."""
        if desk.explainable:
            return ""
        return "No decision is known behind the selected line: select an order, trade, position or decision."

    def in_footer(self, desk: Desk) -> bool:
        """Name it where it can be used."""
        return bool(desk.explainable)


RISK_COMMANDS: tuple[UiCommand, ...] = (
    OpenRiskLine(),
    NextRiskPart(),
    ChangeLimits(),
    AskWhatIf(),
    FillFromPreset(),
    CountManual(),
    ShowWhy(),
)
