"""The commands of the market pane. None reaches the engine: they change what is looked at."""

from krakked_tui.tui.command import Desk, PaneName, ShowPane, UiCommand


class ShowMarket(ShowPane):
    """The pane with all pairs, and one of them closely."""

    id = "market"
    keys = ("6",)
    footer = "Market"
    footer_rank = 6
    title = "Market"
    help = "All pairs; candles, order book and latest trades of the one under the cursor."
    target = PaneName.MARKET


class FilterPairs(UiCommand):
    """Show only some pairs."""

    id = "market-filter"
    keys = ("slash",)
    footer = "Filter"
    title = "Filter the pairs"
    help = "Show only pairs with the typed letters in their name; Enter keeps them, Esc shows all."
    pane = PaneName.MARKET

    def run(self, desk: Desk) -> None:
        """Open the field."""
        desk.market.edit_filter()


class ShowAllPairs(UiCommand):
    """Take the filter away."""

    id = "market-all"
    keys = ("escape",)
    title = "Show all pairs"
    help = "Take the filter away."
    pane = PaneName.MARKET

    def run(self, desk: Desk) -> None:
        """Take it away."""
        desk.market.clear_filter()


class SortPairs(UiCommand):
    """Sort by the next figure."""

    id = "market-sort"
    keys = ("s",)
    footer = "Sort"
    footer_rank = 3
    title = "Sort the pairs"
    help = "Sort by volume, change, spread or name, one after the other."
    pane = PaneName.MARKET

    def run(self, desk: Desk) -> None:
        """Sort."""
        desk.market.next_sort()


class ShorterTimeframe(UiCommand):
    """Candles of less time."""

    id = "market-shorter"
    keys = ("left_square_bracket",)
    footer = "Shorter"
    footer_rank = 4
    title = "Shorter timeframe"
    help = "Candles of the next shorter timeframe."
    pane = PaneName.MARKET

    def run(self, desk: Desk) -> None:
        """Change it."""
        desk.market.change_timeframe(-1)


class LongerTimeframe(UiCommand):
    """Candles of more time."""

    id = "market-longer"
    keys = ("right_square_bracket",)
    footer = "Longer"
    footer_rank = 4
    title = "Longer timeframe"
    help = "Candles of the next longer timeframe."
    pane = PaneName.MARKET

    def run(self, desk: Desk) -> None:
        """Change it."""
        desk.market.change_timeframe(1)


class NextPart(UiCommand):
    """Chart, book or tape."""

    id = "market-part"
    keys = ("v",)
    footer = "View"
    title = "Chart, book or tape"
    help = "Below the pairs, show the chart, the order book or the latest trades; large windows show all."
    pane = PaneName.MARKET

    def run(self, desk: Desk) -> None:
        """Show the next one."""
        desk.market.next_part()


class ToggleOverlays(UiCommand):
    """Candles with indicators and fills, or alone."""

    id = "market-overlays"
    keys = ("o",)
    footer = "Overlays"
    footer_rank = 5
    title = "Indicators and fills in the chart"
    help = "Show the indicators of the strategies that trade the pair, and our fills, or candles only."
    pane = PaneName.MARKET

    def run(self, desk: Desk) -> None:
        """Show or hide them."""
        desk.market.toggle_overlays()


class LookAtPair(UiCommand):
    """Look at the pair under the cursor at once."""

    id = "market-look"
    keys = ("enter",)
    title = "Look at the selected pair"
    help = "Show the pair under the cursor closely at once; it follows the cursor anyway."
    pane = PaneName.MARKET

    def run(self, _desk: Desk) -> None:
        """Every command ends with a repaint, which asks for the pair under the cursor."""


MARKET_COMMANDS: tuple[UiCommand, ...] = (
    NextPart(),
    FilterPairs(),
    ShowAllPairs(),
    SortPairs(),
    ShorterTimeframe(),
    LongerTimeframe(),
    ToggleOverlays(),
    LookAtPair(),
)
