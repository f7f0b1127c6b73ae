"""Dialogs to read: an order's details, the rate limits, a record of the log and the help."""

from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType

from krakked_tui.control.views import EngineView
from krakked_tui.tui.command import Desk, UiCommand, key_text
from krakked_tui.tui.commands import offered
from krakked_tui.tui.dialogs.base import TEXT_WIDTH, Dialog
from krakked_tui.tui.rows.dialogs import labelled, order_lines
from krakked_tui.tui.rows.line import EMPTY, Line, Look, Span, wrap
from krakked_tui.tui.rows.logs import record_lines
from krakked_tui.tui.rows.rate_limits import rate_limit_lines
from krakked_tui.tui.widgets.table import LiveTable

_KEYS_WIDTH = 16
_GLOSSARY = (
    ("kill switch", "blocks everything that opens or adds to a position; exits and cancels go on"),
    ("drift", "the exchange's balances differ from what our ledger says they should be"),
    ("realized", "made by what was sold, net of fees: proceeds less cost less fees"),
    ("gross", "the same before fees: gross - fees = realized"),
    ("lot", "what was bought together; a sale takes from lots, and its cost is theirs"),
    ("cost basis", "which lots a sale takes from: average cost (wac), first in first out (fifo) ..."),
    ("flows at market", "deposits and withdrawals count with their value on that day, not as a gain"),
    ("profit factor", "what winning trades made, divided by what losing ones lost (PF)"),
    ("Sharpe, Sortino", "daily return for its ups and downs, or only for its downs; a year's figure"),
    ("unvalued", "nothing says what an asset is worth: it counts as zero"),
    ("drawdown", "loss since the start of the UTC day, as a share of the equity then"),
    ("UNKNOWN", "an order whose fate the exchange has not confirmed; it is asked, never sent again"),
    ("open risk", "what all positions together lose when every stop is hit; without a stop, an estimate"),
    ("protection", "a pause of entries after losses or stops; exits go on, and it ends by itself"),
    ("data stale", "prices are older than allowed, so nothing new is opened on them"),
    ("quiet", "a pair that says nothing over a living stream: good for valuation and exits"),
    ("checked", "quiet, and a separate request confirmed the price: good for entries too"),
    ("flatten", "cancel our orders, sell every position at market, verify with the exchange"),
)


class OrderDialog(Dialog):
    """Everything known about one order, as long as the engine knows it."""

    TITLE_TEXT = "ORDER"

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        order = desk.selected_order
        assert order is not None, "the command is available only with a row under the cursor"
        self._order = order

    def text(self, view: EngineView) -> Sequence[Line]:
        """Show the newest state of the order."""
        known = (*view.open_orders, *view.recent_orders)
        same = (order for order in known if order.cl_ord_id == self._order.cl_ord_id)
        self._order = next(same, self._order)
        return order_lines(self._order, self.desk.zone, TEXT_WIDTH)


class RateLimitsDialog(Dialog):
    """The exchange's rate limits, as they are now."""

    TITLE_TEXT = "RATE LIMITS"

    def text(self, view: EngineView) -> Sequence[Line]:
        """Show each limit with a bar and who spent it."""
        return rate_limit_lines(view.rate_limits, TEXT_WIDTH)


class LongDialog(Dialog):
    """Text that may be longer than the window."""

    HINT = "up and down scroll"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "scroll(-1)", "up", show=False),
        Binding("down,j", "scroll(1)", "down", show=False),
        Binding("pageup", "scroll(-10)", "page up", show=False),
        Binding("pagedown", "scroll(10)", "page down", show=False),
    ]


class RecordDialog(LongDialog):
    """One record of the log, as it was when the dialog opened."""

    TITLE_TEXT = "RECORD"

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        record = desk.selected_record
        assert record is not None, "the command is available only with a row under the cursor"
        self._record = record_lines(record, desk.zone, TEXT_WIDTH)

    def text(self, _view: EngineView) -> Sequence[Line]:
        """Show all of it."""
        return self._record


class HelpDialog(LongDialog):
    """All keys, and the words that need one sentence."""

    TITLE_TEXT = "HELP"

    def text(self, _view: EngineView) -> Sequence[Line]:
        """List commands, keys of tables, words."""
        return help_lines(offered(self.desk))


def help_lines(commands: Iterable[UiCommand]) -> list[Line]:
    """Return the help text: every command with its keys, the keys of tables, a glossary."""
    listed = list(commands)
    lines = [_title("EVERYWHERE, IN DIALOGS AND TEXT FIELDS TOO")]
    lines += [line for command in listed if command.everywhere for line in _command(command, everywhere=True)]
    lines += [EMPTY, _title("ON THE SCREEN")]
    lines += [line for command in listed if command.keys for line in _command(command, everywhere=False)]
    lines += [EMPTY, _title("IN TABLES")]
    moves = [binding for binding in LiveTable.BINDINGS if isinstance(binding, Binding)]
    lines += [line for move in moves for line in _entry(move.key.split(","), move.description)]
    lines += _entry(["tab", "shift+tab"], "next and previous table or choice")
    lines += [EMPTY, _title("WORDS")]
    lines += [line for word, meaning in _GLOSSARY for line in _entry([word], meaning)]
    return lines


def _title(text: str) -> Line:
    return (Span(text, Look.TITLE),)


def _command(command: UiCommand, *, everywhere: bool) -> list[Line]:
    return _entry(list(command.everywhere if everywhere else command.keys), command.help)


def _entry(keys: Sequence[str], meaning: str) -> list[Line]:
    label = Span(" ".join(key_text(key) for key in keys).ljust(_KEYS_WIDTH), Look.KEY)
    return labelled(label, wrap(meaning, TEXT_WIDTH - _KEYS_WIDTH))
