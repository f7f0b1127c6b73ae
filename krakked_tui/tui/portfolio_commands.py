"""The commands of the portfolio pane. All but one only change what is looked at."""

from krakked_tui.tui.command import Desk, DialogName, OpenDialog, PaneName, ShowPane, UiCommand
from krakked_tui.tui.portfolio_choice import Part


class ShowPortfolio(ShowPane):
    """The pane with what was made, paid and held."""

    id = "portfolio"
    keys = ("5",)
    footer = "P&L"
    footer_rank = 6
    title = "Trades and P&L"
    help = "What was made, paid and held: realized P&L, trades, cash flows, fees, holdings."
    target = PaneName.PORTFOLIO


class NextPortfolioPart(UiCommand):
    """PnL, trades, cash flows, fees or holdings."""

    id = "portfolio-part"
    keys = ("v",)
    footer = "View"
    title = "P&L, trades, cash flows, fees or holdings"
    help = "Show the next of P&L, trades, cash flows, fees, holdings; Tab changes the table."
    pane = PaneName.PORTFOLIO

    def run(self, desk: Desk) -> None:
        """Show the next one."""
        desk.portfolio.next_part()


class OpenPortfolioLine(UiCommand):
    """Look behind the line under the cursor."""

    id = "portfolio-open"
    keys = ("enter",)
    footer = "Open"
    footer_rank = 1
    title = "Open the selected line"
    help = "Behind a line of P&L its trades; behind a trade its ledger rows and lots; a holding in full."
    pane = PaneName.PORTFOLIO

    def unavailable(self, desk: Desk) -> str:
        """There must be something behind the line."""
        return desk.portfolio.nothing_behind

    def run(self, desk: Desk) -> None:
        """Go there, or open its dialog."""
        if desk.portfolio.table is Part.PNL:
            desk.portfolio.drill()
        elif desk.portfolio.table is Part.TRADES:
            desk.open_dialog(DialogName.TRADE)
        else:
            desk.open_dialog(DialogName.PORTFOLIO_LINE)


class PortfolioBack(UiCommand):
    """Back to where one came from; else everything."""

    id = "portfolio-back"
    keys = ("escape", "backspace")
    title = "Back, or show all"
    help = "Back to the P&L whose trades are shown; otherwise take all filters away."
    pane = PaneName.PORTFOLIO

    def run(self, desk: Desk) -> None:
        """Go back."""
        desk.portfolio.back()


class NextGroup(UiCommand):
    """Split the PnL by another thing."""

    id = "portfolio-by"
    keys = ("b",)
    footer = "By"
    footer_rank = 3
    title = "P&L by day, pair or strategy"
    help = "Split the realized P&L by day, by pair or by strategy."
    pane = PaneName.PORTFOLIO

    def run(self, desk: Desk) -> None:
        """Change it."""
        desk.portfolio.next_group()


class NextPeriod(UiCommand):
    """Another period."""

    id = "portfolio-period"
    keys = ("t",)
    footer = "Period"
    footer_rank = 3
    title = "Period of the P&L"
    help = "All time, today, this week, month or year (UTC), or the range typed last."
    pane = PaneName.PORTFOLIO

    def run(self, desk: Desk) -> None:
        """Take the next one."""
        desk.portfolio.next_period()


class TypeRange(OpenDialog):
    """A period of one's own."""

    id = "portfolio-range"
    keys = ("r",)
    footer = "Range"
    footer_rank = 5
    title = "Type a range of dates"
    help = "Type from when until when."
    pane = PaneName.PORTFOLIO
    dialog = DialogName.RANGE


class PickPair(OpenDialog):
    """Only one pair."""

    id = "portfolio-pair"
    keys = ("slash",)
    footer = "Pair"
    footer_rank = 5
    title = "Only trades of one pair"
    help = "Find one of the pairs that were ever traded, or all of them."
    pane = PaneName.PORTFOLIO
    dialog = DialogName.PICK_PAIR


class PickStrategy(OpenDialog):
    """Only one strategy."""

    id = "portfolio-strategy"
    keys = ("s",)
    footer = "Strategy"
    footer_rank = 5
    title = "Only trades of one strategy"
    help = "Find one of the strategies that traded, or all of them."
    pane = PaneName.PORTFOLIO
    dialog = DialogName.PICK_STRATEGY


class NextSide(UiCommand):
    """Buys, sells or both."""

    id = "portfolio-side"
    keys = ("d",)
    title = "Only buys, only sells, or both"
    help = "Show only buys, only sells, or both."
    pane = PaneName.PORTFOLIO

    def run(self, desk: Desk) -> None:
        """Change it."""
        desk.portfolio.next_side()


class ToggleManual(UiCommand):
    """With or without what no strategy traded."""

    id = "portfolio-manual"
    keys = ("m",)
    title = "Manual trades in or out"
    help = "Count trades that no strategy made, or leave them out."
    pane = PaneName.PORTFOLIO

    def run(self, desk: Desk) -> None:
        """Change it."""
        desk.portfolio.toggle_manual()


class ShowNotes(OpenDialog):
    """Everything that makes the figures doubtful."""

    id = "portfolio-notes"
    keys = ("n",)
    title = "Notes on the books"
    help = "Drift, history still unread, findings, what has no price, and the export, in full."
    pane = PaneName.PORTFOLIO
    dialog = DialogName.NOTES


class AcceptExchange(OpenDialog):
    """Take the exchange's balances for the truth."""

    id = "accept-balances"
    keys = ("e",)
    footer = "Accept"
    title = "Accept the exchange's balances"
    help = "When the books differ: show each asset; typing ACCEPT books the difference as an adjustment."
    acts = True
    dangerous = True
    dialog = DialogName.ACCEPT_BALANCES

    def unavailable(self, desk: Desk) -> str:
        """There must be a difference."""
        if desk.view.status.drift:
            return ""
        return "The books agree with the exchange: there is nothing to accept."

    def in_footer(self, desk: Desk) -> bool:
        """Name it only while they differ."""
        return desk.view.status.drift


PORTFOLIO_COMMANDS: tuple[UiCommand, ...] = (
    OpenPortfolioLine(),
    PortfolioBack(),
    NextPortfolioPart(),
    NextGroup(),
    NextPeriod(),
    TypeRange(),
    PickPair(),
    PickStrategy(),
    NextSide(),
    ToggleManual(),
    ShowNotes(),
)
