"""Which dialog answers which name."""

from krakked_tui.tui.command import DialogName
from krakked_tui.tui.dialogs.base import Dialog
from krakked_tui.tui.dialogs.confirm import CancelAllDialog, CancelOrderDialog, QuitDialog
from krakked_tui.tui.dialogs.palette import PaletteDialog
from krakked_tui.tui.dialogs.portfolio import (
    LineDialog,
    NotesDialog,
    PickPairDialog,
    PickStrategyDialog,
    RangeDialog,
    TradeDialog,
)
from krakked_tui.tui.dialogs.reading import HelpDialog, OrderDialog, RateLimitsDialog, RecordDialog
from krakked_tui.tui.dialogs.setting import ChangeSettingDialog, SettingDialog
from krakked_tui.tui.dialogs.typed import AcceptBalancesDialog, ArmDialog, FlattenDialog

DIALOGS: dict[DialogName, type[Dialog]] = {
    DialogName.ACCEPT_BALANCES: AcceptBalancesDialog,
    DialogName.ARM: ArmDialog,
    DialogName.CANCEL_ALL: CancelAllDialog,
    DialogName.CANCEL_ORDER: CancelOrderDialog,
    DialogName.CHANGE_SETTING: ChangeSettingDialog,
    DialogName.FLATTEN: FlattenDialog,
    DialogName.HELP: HelpDialog,
    DialogName.NOTES: NotesDialog,
    DialogName.ORDER: OrderDialog,
    DialogName.PALETTE: PaletteDialog,
    DialogName.PICK_PAIR: PickPairDialog,
    DialogName.PICK_STRATEGY: PickStrategyDialog,
    DialogName.PORTFOLIO_LINE: LineDialog,
    DialogName.QUIT: QuitDialog,
    DialogName.RANGE: RangeDialog,
    DialogName.RATE_LIMITS: RateLimitsDialog,
    DialogName.RECORD: RecordDialog,
    DialogName.SETTING: SettingDialog,
    DialogName.TRADE: TradeDialog,
}
