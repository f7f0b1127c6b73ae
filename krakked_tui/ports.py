"""What Krakked needs from outside, in its own words.

Adapters implement these; the engine knows nothing else about them. Each has a fake in
``tests/fakes`` and a contract suite that runs on the fake and on every adapter.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Generic, Protocol, TypeVar

import msgspec
import polars as pl

from krakked_tui.domain.candles import Candle, Quote, Timeframe
from krakked_tui.domain.depth import BookTop, PublicTrade
from krakked_tui.domain.fills import AssetBalance, LedgerEntry, Trade
from krakked_tui.domain.orders import OrderReport, OrderRequest, SubmitOutcome, Withheld
from krakked_tui.domain.pairs import AssetInfo, PairMetadata, PairStatus, SystemStatus
from krakked_tui.domain.records import Record, StoredState

RowT = TypeVar("RowT")


class Clock(Protocol):
    """Two clocks in one: exchange time (scaled in a sandbox) and wall time (never scaled)."""

    def now(self) -> datetime:
        """Exchange time, UTC."""
        ...

    def monotonic(self) -> float:
        """Wall seconds from an arbitrary start; never goes back."""
        ...

    @property
    def speed(self) -> float:
        """Exchange seconds per wall second; 0 while a sandbox is paused."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait that many wall seconds."""
        ...


class ServerTime(msgspec.Struct, frozen=True):
    """The exchange's clock. ``speed`` is a sandbox's time factor, None at the real exchange."""

    at: datetime
    speed: float | None = None


class StreamState(msgspec.Struct, frozen=True):
    """State of a stream as an operator should see it.

    ``parts`` are the connections that it is made of, where it has more than one.
    """

    name: str
    connected: bool
    detail: str = ""
    wanted: int = 0
    acked: int = 0
    failed: tuple[str, ...] = ()
    parts: tuple["StreamState", ...] = ()


class Headroom(msgspec.Struct, frozen=True):
    """One of the exchange's rate limits, as it counts against us by our own account.

    ``used`` of ``limit`` units are spent now; they come back with time. ``spenders`` are the units
    each method spent in the last minute, most first. ``blocked_seconds`` (wall) is how long the
    exchange will answer nothing because of an earlier refusal, 0 when it answers.
    """

    name: str
    used: float
    limit: float
    spenders: tuple[tuple[str, float], ...] = ()
    blocked_seconds: float = 0.0


class FeedSink(Protocol):
    """Where a market feed puts what it hears. Every method is quick and never awaits."""

    def on_quote(self, quote: Quote) -> None:
        """Latest prices of a pair."""
        ...

    def on_candle(self, candle: Candle, seen: datetime) -> None:
        """A running or final candle; ``seen`` is the message's exchange timestamp.

        Messages about one timeframe arrive in the order the exchange sent them.
        """
        ...

    def on_stream_state(self, state: StreamState) -> None:
        """A connection opened, closed or made progress subscribing."""
        ...

    def on_system_status(self, status: SystemStatus) -> None:
        """The exchange as a whole went online, or into a mode that takes less."""
        ...

    def on_pair_statuses(self, statuses: Mapping[str, PairStatus]) -> None:
        """What the exchange says of these pairs, by canonical name; a change makes a new look worth it."""
        ...


class FocusSink(Protocol):
    """Where the book and the trades of the one pair that is looked at go. Quick, never awaits."""

    def on_book(self, book: BookTop) -> None:
        """The book changed, or stopped being valid: a wrong checksum, a lost connection."""
        ...

    def on_trades(self, trades: Sequence[PublicTrade]) -> None:
        """Public trades, oldest first, each once; some of the latest at the start."""
        ...


class HistoryPage(msgspec.Struct, Generic[RowT], frozen=True):
    """Some rows of a history, newest first.

    ``total`` is how many there are up to the time that was asked for, if the exchange says. ``last`` when
    nothing is older than the oldest of these.
    """

    rows: tuple[RowT, ...]
    total: int | None
    last: bool


class AccountSink(Protocol):
    """Where a broker puts what it hears about our account. Every method is quick, never awaits."""

    def on_report(self, report: OrderReport) -> None:
        """An order changed; the report is complete."""
        ...

    def on_trade(self, trade: Trade) -> None:
        """A fill. May repeat one already known: the trade id tells."""
        ...

    def on_stream_state(self, state: StreamState) -> None:
        """The account stream opened (then what was missed must be asked for) or closed."""
        ...


class MarketFeed(Protocol):
    """Public market data. Reads raise ``ExchangeError``."""

    async def server_time(self) -> ServerTime:
        """The exchange's clock."""
        ...

    async def pairs(self) -> tuple[Sequence[PairMetadata], Sequence[AssetInfo]]:
        """All pairs and assets the exchange lists, in every status."""
        ...

    async def quotes(self) -> Mapping[str, Quote]:
        """Latest prices of all pairs by canonical name, in one call."""
        ...

    async def candles(self, pair: PairMetadata, timeframe: Timeframe, since: datetime) -> Sequence[Candle]:
        """Candles that open at or after ``since``, oldest first, the running one included.

        At most the latest 720 closed ones exist at the exchange, whatever ``since`` says.
        """
        ...

    async def stream(
        self, pairs: Sequence[PairMetadata], timeframes: Sequence[Timeframe], sink: FeedSink
    ) -> None:
        """Keep quotes and candles flowing into ``sink`` until cancelled, reconnecting by itself."""
        ...

    async def change_pairs(self, pairs: Sequence[PairMetadata]) -> None:
        """Have the running stream carry these pairs from here on; without one, nothing happens."""
        ...

    async def renew(self, pairs: Sequence[str]) -> None:
        """Subscribe anew to everything about these pairs: the stream seems to have forgotten them."""
        ...

    async def focus(self, pair: PairMetadata | None, depth: int, sink: FocusSink) -> None:
        """Follow book and trades of one pair (None: of none) instead of the one before, and return.

        Carried on by the running stream and by those that start later. The last call counts. What comes
        late of an earlier pair may still be said: the name tells. Asking again for the same begins anew.
        """
        ...

    async def close(self) -> None:
        """Close all connections."""
        ...


class Broker(Protocol):
    """Whatever executes orders and owns balances.

    Order calls answer with values; they raise nothing but cancellation, and a cancelled
    ``submit`` must be taken as unknown. Reads raise ``ExchangeError``.
    """

    @property
    def account_id(self) -> str:
        """Which account this is, for as long as the database lives; no secret in it."""
        ...

    async def submit(
        self, request: OrderRequest, withhold: Callable[[], str], *, emergency: bool = False
    ) -> SubmitOutcome | Withheld:
        """Send one order, once. Never retries.

        ``withhold`` is asked immediately before the first byte is written; when it gives a reason,
        nothing is sent. An ``emergency`` goes before everything that waits for the exchange.
        """
        ...

    async def cancel(self, cl_ord_ids: Sequence[str], *, emergency: bool = False) -> None:
        """Ask for these to be canceled, together; ones already gone are no error.

        Raises ``ExchangeError`` when the request could not be made; idempotent.
        """
        ...

    async def open_orders(self) -> Sequence[OrderReport]:
        """All open orders of the account, foreign ones included."""
        ...

    async def find_orders(self, cl_ord_id: str) -> Sequence[OrderReport]:
        """Everything open or closed that carries this client id."""
        ...

    async def query_orders(self, kraken_order_ids: Sequence[str]) -> Sequence[OrderReport]:
        """These orders, whatever their status; ones never minted are left out."""
        ...

    async def trades(self, since: datetime) -> Sequence[Trade]:
        """All trades at or after ``since``, oldest first, all pages."""
        ...

    async def ledger(self, since: datetime) -> Sequence[LedgerEntry]:
        """All ledger rows at or after ``since``, oldest first, all pages."""
        ...

    async def trades_before(self, until: datetime | None, skip: int = 0) -> HistoryPage[Trade]:
        """Trades at or before ``until`` (None: up to now), newest first, without the first ``skip``.

        ``until`` counts as the next whole second when it is between two: exchanges are asked for seconds.
        """
        ...

    async def entries_before(self, until: datetime | None, skip: int = 0) -> HistoryPage[LedgerEntry]:
        """Ledger rows at or before ``until``, newest first, without the first ``skip``: like trades."""
        ...

    async def balances(self) -> Mapping[str, AssetBalance]:
        """Holdings by normalised asset name, holds included."""
        ...

    async def taker_fees(self, pairs: Sequence[str]) -> Mapping[str, Decimal]:
        """What the account pays now as a taker, in percent, by canonical pair; some may be missing."""
        ...

    def headroom(self) -> Sequence[Headroom]:
        """The exchange's rate limits and what is left of them. Never waits."""
        ...

    async def stream(self, sink: AccountSink) -> None:
        """Keep order reports and fills flowing into ``sink`` until cancelled, reconnecting by itself."""
        ...

    async def close(self) -> None:
        """Close all connections."""
        ...


class CandleGap(msgspec.Struct, frozen=True):
    """A span without candles between two that there are; ``start`` inclusive, ``end`` exclusive.

    A minute in which nobody traded has no candle, so a gap need not be a loss.
    """

    start: datetime
    end: datetime


class Coverage(msgspec.Struct, frozen=True):
    """Which candles of a pair and timeframe there are; ``first`` and ``last`` are open times."""

    first: datetime | None = None
    last: datetime | None = None
    rows: int = 0
    gaps: tuple[CandleGap, ...] = ()


class Finding(msgspec.Struct, frozen=True):
    """Something wrong with a stored file: where, and what in one sentence."""

    place: str
    problem: str


class Compacted(msgspec.Struct, frozen=True):
    """What a compaction did: rows that went into partitions, partitions written, what failed.

    ``more`` when calling again would go on at once.
    """

    rows: int = 0
    partitions: int = 0
    more: bool = False
    problems: tuple[Finding, ...] = ()


class CandleStore(Protocol):
    """Closed candles on disk: unique by (pair, timeframe, time), read in ascending order.

    Methods may run at the same time and raise ``StorageError``, naming the file.
    """

    async def append(self, candles: Sequence[Candle]) -> int:
        """Store closed candles in one transaction; return how many rows are new or corrected.

        On disk for good when it returns; beside another process that writes the same store, kept in
        memory instead until that one ends. A row that exists is replaced only by one at least as complete
        (trades and volume not lower). Candles with a number that is not finite are refused, all of them.
        """
        ...

    async def read(
        self,
        pair: str,
        timeframe: Timeframe,
        start: datetime | None = None,
        end: datetime | None = None,
        limit: int | None = None,
    ) -> pl.DataFrame:
        """Candles of one pair, ``start`` inclusive, ``end`` exclusive; with ``limit`` the newest ones."""
        ...

    async def read_many(self, pairs: Sequence[str], timeframe: Timeframe, lookback: int) -> pl.DataFrame:
        """The newest ``lookback`` candles of each pair in one frame, by pair then time.

        A pair has fewer rows where there are fewer, and none when the file that holds them is damaged:
        ``read`` raises for it and ``verify`` names the file.
        """
        ...

    async def last_time(self, pair: str, timeframe: Timeframe) -> datetime | None:
        """Open time of the newest candle, None without any."""
        ...

    async def coverage(self, pair: str, timeframe: Timeframe) -> Coverage:
        """Say which candles there are and where they have gaps."""
        ...

    async def verify(self) -> Sequence[Finding]:
        """Check every file of the store; empty when all is well.

        Rows are unique, ascending, inside their file's period, and make sense; nothing half written
        lies about. Reads the whole store. What is wrong comes as values, the first 1,000 of them.
        """
        ...

    async def compact(self, *, partitions: int = 64, everything: bool = False) -> Compacted:
        """Move old candles to where they take least room; does nothing when there is too little to move.

        Goes on where the last call ended, writes about ``partitions`` files at most, and lets appends and
        reads through meanwhile. ``everything`` moves all rows there are. May be killed at any instant.
        """
        ...

    async def close(self) -> None:
        """Flush and close."""
        ...


class ListedPairs(msgspec.Struct, frozen=True):
    """What the exchange listed at ``at`` (UTC), and the canonical names that were tradable by our rules."""

    at: datetime
    pairs: tuple[PairMetadata, ...]
    tradable: tuple[str, ...]


class UniverseCache(Protocol):
    """The last universe on disk, for a start that does not reach the exchange."""

    async def load(self) -> ListedPairs | None:
        """Return the last universe, None when there is none or the file cannot be understood."""
        ...

    async def save(self, listed: ListedPairs) -> None:
        """Replace it. Raises ``StorageError``."""
        ...


class Journal(Protocol):
    """The durable record: orders before they are sent, what the exchange did, safety state."""

    async def load(self, account_id: str) -> StoredState:
        """Everything stored. Binds a new database to ``account_id``.

        Raises ``AccountMismatchError`` when the database belongs to another account.
        """
        ...

    async def commit(self, records: Sequence[Record]) -> None:
        """Store all records in one durable transaction, or raise ``JournalError`` and store none."""
        ...

    async def close(self) -> None:
        """Checkpoint and close."""
        ...
