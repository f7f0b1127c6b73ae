"""Everything that can happen to the core. ``at`` is exchange time, ``wall`` monotonic seconds."""

from datetime import datetime
from decimal import Decimal

import msgspec

from krakked_tui.domain.candles import Quote, Timeframe
from krakked_tui.domain.fills import AssetBalance, LedgerEntry, Trade
from krakked_tui.domain.intents import StrategyIntent
from krakked_tui.domain.orders import OrderReport, SubmitOutcome
from krakked_tui.domain.pairs import PairMetadata, SystemStatus
from krakked_tui.domain.portfolio import Rate
from krakked_tui.domain.records import HistoryMark
from krakked_tui.market.freshness import Freshness
from krakked_tui.portfolio.accounts import WantedRate
from krakked_tui.risk.settings import RiskSettings
from krakked_tui.strategies.settings import StrategySettings


class Mark(msgspec.Struct, frozen=True):
    """The price of a pair as a decision saw it. ``age`` is wall seconds since it was received."""

    quote: Quote
    age: float
    freshness: Freshness


class MarketDataChanged(msgspec.Struct, frozen=True, tag=True):
    """The feed as a whole became usable or unusable; ``detail`` says why."""

    at: datetime
    usable: bool
    detail: str


class UniverseChanged(msgspec.Struct, frozen=True, tag=True):
    """What the exchange lists was read anew.

    ``known`` are all pairs that are listed, by canonical name; ``tradable`` those of them that the rules of
    the universe let in.
    """

    at: datetime
    known: dict[str, PairMetadata]
    tradable: frozenset[str]


class SystemStatusChanged(msgspec.Struct, frozen=True, tag=True):
    """The exchange as a whole went online, or into a mode that takes less.

    None when that is not known any more: what it said last is too old.
    """

    at: datetime
    status: SystemStatus | None


class BoundaryClosed(msgspec.Struct, frozen=True, tag=True):
    """These timeframes closed at ``boundary`` and their candles are stored.

    ``missed`` boundaries before this one were skipped: only the newest closed bar is traded.
    """

    at: datetime
    boundary: datetime
    timeframes: tuple[Timeframe, ...]
    missed: int = 0


class SignalsComputed(msgspec.Struct, frozen=True, tag=True):
    """What the strategies want on the candles of ``boundary``, with all prices of that moment.

    ``failures`` names, per strategy id, the error that stopped it; ``unread`` the pairs of which candles
    were known to be missing when the strategies looked; ``atr`` the average true range of held pairs, of the
    longest timeframe in use, over ``risk.volatility_lookback_bars``, in quote units.
    """

    at: datetime
    wall: float
    cycle: int
    boundary: datetime
    timeframes: tuple[Timeframe, ...]
    intents: tuple[StrategyIntent, ...]
    marks: dict[str, Mark]
    duration_ms: float
    fingerprint: str
    failures: dict[str, str] = {}
    notes: tuple[str, ...] = ()
    unread: frozenset[str] = frozenset()
    atr: dict[str, Decimal] = {}


class SubmitAnswered(msgspec.Struct, frozen=True, tag=True):
    """How the sending of an order ended."""

    at: datetime
    wall: float
    outcome: SubmitOutcome


class SubmitWithheld(msgspec.Struct, frozen=True, tag=True):
    """An order was not sent after all: killed, or not recorded. No byte of it left."""

    at: datetime
    cl_ord_id: str
    reason: str


class OrderReported(msgspec.Struct, frozen=True, tag=True):
    """The exchange said something about an order, ours or foreign."""

    at: datetime
    report: OrderReport
    source: str


class TradeReported(msgspec.Struct, frozen=True, tag=True):
    """The exchange reported a fill; may repeat one already known."""

    at: datetime
    trade: Trade
    source: str


class SyncRequested(msgspec.Struct, frozen=True, tag=True):
    """The account is to be read now."""

    at: datetime
    wall: float


class AccountSynced(msgspec.Struct, frozen=True, tag=True):
    """The account as the exchange has it.

    ``activity`` is the core's activity counter when the questions were asked: when it has moved
    since, the answers belong to different moments and cannot be compared with the books. The same
    goes for rows newer than ``balances_at``, the exchange time just before the balances were read;
    ``began_wall`` is the wall second of that.
    """

    at: datetime
    wall: float
    activity: int
    balances_at: datetime
    open_orders: tuple[OrderReport, ...]
    trades: tuple[Trade, ...]
    entries: tuple[LedgerEntry, ...]
    balances: dict[str, AssetBalance]
    began_wall: float | None = None


class HistoryRead(msgspec.Struct, frozen=True, tag=True):
    """A page of a history that is read for the first time, and how far it has come with that.

    ``account`` is there when both histories are short: what was read just before, together with all of them.
    """

    at: datetime
    trades: tuple[Trade, ...]
    entries: tuple[LedgerEntry, ...]
    mark: HistoryMark
    account: AccountSynced | None = None


class RatesFound(msgspec.Struct, frozen=True, tag=True):
    """What assets were worth when events happened, as far as it could be found out.

    ``unfound`` are the wanted ones for which nothing says it: they are not asked for again in this run.
    """

    at: datetime
    rates: tuple[Rate, ...]
    unfound: tuple[WantedRate, ...] = ()


class FeesRead(msgspec.Struct, frozen=True, tag=True):
    """What the account pays now as a taker, in percent, by canonical pair; those not named stay as known."""

    at: datetime
    taker: dict[str, Decimal]


class AcceptBalancesRequested(msgspec.Struct, frozen=True, tag=True):
    """An operator takes the exchange's balances for the truth; ``confirm`` must be ``ACCEPT``."""

    at: datetime
    ticket: int
    by: str
    confirm: str


class AccountSyncFailed(msgspec.Struct, frozen=True, tag=True):
    """The account could not be read."""

    at: datetime
    wall: float
    reason: str


class AccountStreamChanged(msgspec.Struct, frozen=True, tag=True):
    """The account stream opened (what was missed must be asked for) or closed."""

    at: datetime
    wall: float
    connected: bool
    detail: str


class LookedUp(msgspec.Struct, frozen=True, tag=True):
    """The answer to a look-up by client id, asked at ``asked_at``; None when there was none."""

    at: datetime
    wall: float
    cl_ord_id: str
    asked_at: datetime
    reports: tuple[OrderReport, ...] | None
    error: str = ""


class CancelAnswered(msgspec.Struct, frozen=True, tag=True):
    """How a request to cancel ended; an empty ``error`` means the exchange took it."""

    at: datetime
    cl_ord_ids: tuple[str, ...]
    error: str


class Priced(msgspec.Struct, frozen=True, tag=True):
    """The latest prices of all pairs that have one, taken at a steady pace for valuation."""

    at: datetime
    wall: float
    marks: dict[str, Mark]


class StopCrossed(msgspec.Struct, frozen=True, tag=True):
    """A price reached ``level``, one of those watched for; its pair is not watched any more."""

    at: datetime
    mark: Mark
    level: Decimal


class TimePassed(msgspec.Struct, frozen=True, tag=True):
    """Housekeeping time. ``speed`` is exchange seconds per wall second."""

    at: datetime
    wall: float
    speed: float


class StorageChanged(msgspec.Struct, frozen=True, tag=True):
    """The journal stopped or started accepting commits."""

    at: datetime
    trouble: str


class KillRequested(msgspec.Struct, frozen=True, tag=True):
    """An operator sets the kill switch."""

    at: datetime
    ticket: int
    by: str
    reason: str


class KillClearRequested(msgspec.Struct, frozen=True, tag=True):
    """An operator clears the kill switch: ``ARM``, or ``FORCE`` although what set it goes on."""

    at: datetime
    ticket: int
    by: str
    confirm: str


class CancelRequested(msgspec.Struct, frozen=True, tag=True):
    """An operator cancels one order, or all of ours when ``cl_ord_id`` is None."""

    at: datetime
    ticket: int
    by: str
    cl_ord_id: str | None


class FlattenRequested(msgspec.Struct, frozen=True, tag=True):
    """An operator closes everything."""

    at: datetime
    ticket: int
    by: str
    confirm: str
    reason: str


class PauseRequested(msgspec.Struct, frozen=True, tag=True):
    """An operator stops or restarts strategy cycles."""

    at: datetime
    ticket: int
    by: str
    paused: bool


class SettingChanged(msgspec.Struct, frozen=True, tag=True):
    """An operator changed a setting, or tried to; what came of it has happened already."""

    at: datetime
    by: str
    key: str
    value: str
    outcome: str


class Replaced(msgspec.Struct, frozen=True):
    """A setting by its dotted key, before and after; texts are TOML, empty for the default."""

    key: str
    old: str
    new: str


class SettingsReloaded(msgspec.Struct, frozen=True, tag=True):
    """Limits and strategies are these from the next cycle on; ``strategies`` are those that are to run.

    ``changes`` say what is new, for the record. ``restarted`` are strategies that run anew although nothing
    of theirs has changed: what stopped them is forgotten, as it is of those that are new or changed.
    """

    at: datetime
    by: str
    risk: RiskSettings
    strategies: tuple[StrategySettings, ...]
    changes: tuple[Replaced, ...] = ()
    restarted: frozenset[str] = frozenset()
    ticket: int | None = None


class StopRequested(msgspec.Struct, frozen=True, tag=True):
    """The engine is to stop: no new plans; open orders are left or canceled as configured."""

    at: datetime
    ticket: int | None
    by: str
    reason: str


Event = (
    MarketDataChanged
    | UniverseChanged
    | SystemStatusChanged
    | BoundaryClosed
    | SignalsComputed
    | SubmitAnswered
    | SubmitWithheld
    | OrderReported
    | TradeReported
    | SyncRequested
    | AccountSynced
    | HistoryRead
    | RatesFound
    | FeesRead
    | AcceptBalancesRequested
    | AccountSyncFailed
    | AccountStreamChanged
    | LookedUp
    | CancelAnswered
    | Priced
    | StopCrossed
    | TimePassed
    | StorageChanged
    | KillRequested
    | KillClearRequested
    | CancelRequested
    | FlattenRequested
    | PauseRequested
    | SettingChanged
    | SettingsReloaded
    | StopRequested
)

OPERATOR_EVENTS = (
    KillRequested,
    KillClearRequested,
    CancelRequested,
    FlattenRequested,
    AcceptBalancesRequested,
    PauseRequested,
    StopRequested,
)

URGENT_EVENTS = (
    *OPERATOR_EVENTS,
    SettingChanged,
    SettingsReloaded,
    SubmitAnswered,
    SubmitWithheld,
    OrderReported,
    TradeReported,
    LookedUp,
    CancelAnswered,
    AccountSynced,
    AccountSyncFailed,
    HistoryRead,
    RatesFound,
    StopCrossed,
    UniverseChanged,
    SystemStatusChanged,
)
"""Operator commands, order reports, crossed stops, what the exchange takes, and what somebody waits for:
first, never dropped."""
