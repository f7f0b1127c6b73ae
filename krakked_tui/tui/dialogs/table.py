"""Which dialog answers which name."""

from krakked_tui.tui.command import DialogName
from krakked_tui.tui.dialogs.base import Dialog
from krakked_tui.tui.dialogs.changing import (
    ChangeLimitsDialog,
    ChangeStrategyDialog,
    ManualDialog,
    PresetDialog,
)
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
from krakked_tui.tui.dialogs.risk import RiskLineDialog, WhatIfDialog
from krakked_tui.tui.dialogs.setting import ChangeSettingDialog, SettingDialog
from krakked_tui.tui.dialogs.strategies import SilenceDialog, StrategyLineDialog, SwitchStrategyDialog
from krakked_tui.tui.dialogs.typed import AcceptBalancesDialog, ArmDialog, FlattenDialog
from krakked_tui.tui.dialogs.why import WhyDialog

DIALOGS: dict[DialogName, type[Dialog]] = {
    DialogName.ACCEPT_BALANCES: AcceptBalancesDialog,
    DialogName.ARM: ArmDialog,
    DialogName.CANCEL_ALL: CancelAllDialog,
    DialogName.CANCEL_ORDER: CancelOrderDialog,
    DialogName.CHANGE_LIMITS: ChangeLimitsDialog,
    DialogName.CHANGE_SETTING: ChangeSettingDialog,
    DialogName.CHANGE_STRATEGY: ChangeStrategyDialog,
    DialogName.FLATTEN: FlattenDialog,
    DialogName.HELP: HelpDialog,
    DialogName.MANUAL: ManualDialog,
    DialogName.NOTES: NotesDialog,
    DialogName.ORDER: OrderDialog,
    DialogName.PALETTE: PaletteDialog,
    DialogName.PICK_PAIR: PickPairDialog,
    DialogName.PICK_STRATEGY: PickStrategyDialog,
    DialogName.PORTFOLIO_LINE: LineDialog,
    DialogName.PRESET: PresetDialog,
    DialogName.QUIT: QuitDialog,
    DialogName.RANGE: RangeDialog,
    DialogName.RATE_LIMITS: RateLimitsDialog,
    DialogName.RECORD: RecordDialog,
    DialogName.RISK_LINE: RiskLineDialog,
    DialogName.SETTING: SettingDialog,
    DialogName.SILENCE: SilenceDialog,
    DialogName.STRATEGY_LINE: StrategyLineDialog,
    DialogName.SWITCH_STRATEGY: SwitchStrategyDialog,
    DialogName.TRADE: TradeDialog,
    DialogName.WHAT_IF: WhatIfDialog,
    DialogName.WHY: WhyDialog,
}
