"""REST results as domain values. Times come out in UTC, rounded up to microseconds."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from math import ceil

from krakked_tui.domain.candles import Candle, KnownFigures, Quote, Timeframe
from krakked_tui.domain.fills import AssetBalance, Fee, LedgerEntry, Trade
from krakked_tui.domain.money import ONE, ZERO
from krakked_tui.domain.orders import OrderReport
from krakked_tui.domain.pairs import AssetInfo, FeeTier, PairMetadata
from krakked_tui.kraken import wire
from krakked_tui.kraken.errors import KrakenProtocolError
from krakked_tui.kraken.statuses import pair_status
from krakked_tui.kraken.symbols import SymbolMap

UNTOLD_FEES = (FeeTier(volume_usd=ZERO, percent=Decimal("0.40")),)
"""The taker fee of an account without volume: since September 2026 some listings carry empty ladders."""

FEE_MAX = Decimal(5)
"""In percent: more than any ladder of the exchange has."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def instant(seconds: Decimal | int) -> datetime:
    """Return the instant of a unix time. Raises ``KrakenProtocolError`` for one that cannot be.

    It is never before that time, so that asking for everything up to it leaves out nothing of it.
    """
    if not 0 <= seconds < wire.YEAR_10000:
        raise KrakenProtocolError(f"Kraken sent a time outside the calendar: {seconds:.3e}")
    return _EPOCH + timedelta(microseconds=ceil(seconds * 1_000_000))


def assets(rows: Mapping[str, wire.Asset]) -> tuple[AssetInfo, ...]:
    """Return all assets."""
    return tuple(
        AssetInfo(
            name=row.altname,
            raw_name=raw,
            asset_class=row.aclass,
            decimals=row.decimals,
            display_decimals=row.display_decimals,
            status=row.status,
        )
        for raw, row in rows.items()
    )


def pairs(rows: Mapping[str, wire.AssetPair], symbols: SymbolMap) -> tuple[PairMetadata, ...]:
    """Return all pairs, in every status."""
    return tuple(_pair(raw, row, symbols) for raw, row in rows.items())


def _pair(raw: str, row: wire.AssetPair, symbols: SymbolMap) -> PairMetadata:
    names = symbols.pair(raw)
    return PairMetadata(
        canonical=row.altname,
        base=names.base,
        quote=names.quote,
        rest_symbol=row.altname,
        ws_symbol=names.ws,
        raw_name=raw,
        price_decimals=row.pair_decimals,
        tick_size=row.tick_size if row.tick_size > 0 else ONE.scaleb(-row.pair_decimals),
        volume_decimals=row.lot_decimals,
        lot_size=ONE.scaleb(-row.lot_decimals),
        order_min=row.ordermin,
        cost_min=row.costmin,
        cost_decimals=row.cost_decimals,
        asset_class=row.aclass_base,
        fees_taker=_ladder(row.fees),
        fees_maker=_ladder(row.fees_maker or row.fees),
        leverage_buy=tuple(row.leverage_buy),
        leverage_sell=tuple(row.leverage_sell),
        status=pair_status(row.status),
    )


def _ladder(steps: Sequence[wire.FeeStep]) -> tuple[FeeTier, ...]:
    """Return a fee ladder; one that is not told is taken for the dearest there is, never for free."""
    if not steps:
        return UNTOLD_FEES
    return tuple(FeeTier(volume_usd=step.volume, percent=step.percent) for step in steps)


def quote(pair: str, row: wire.Ticker, at: datetime, received: float) -> Quote:
    """Return the prices of a pair. Ticker carries no time and no 24 h change: ``at`` is ours."""
    return Quote(
        pair=pair,
        bid=row.b.price,
        ask=row.a.price,
        last=row.c.price,
        time=at,
        received=received,
        figures=KnownFigures(
            bid_size=row.b.volume,
            ask_size=row.a.volume,
            volume_24h=row.v.last_24h,
            vwap_24h=row.p.last_24h,
        ),
    )


def candle(pair: str, timeframe: Timeframe, row: wire.OhlcRow) -> Candle:
    """Return a candle, its prices as floats."""
    return Candle(
        pair=pair,
        timeframe=timeframe,
        time=instant(row.time),
        open=float(row.open),
        high=float(row.high),
        low=float(row.low),
        close=float(row.close),
        volume=float(row.volume),
        vwap=float(row.vwap),
        trades=row.count,
    )


def balances(rows: Mapping[str, wire.ExtendedBalance], symbols: SymbolMap) -> dict[str, AssetBalance]:
    """Return holdings by our asset names.

    Staked and other suffixed variants (``DOT.S``) are assets of their own: they cannot be traded.
    Credit lines are not counted. Several spellings of one asset are added up.
    """
    found: dict[str, AssetBalance] = {}
    for raw, row in rows.items():
        name = symbols.asset(raw)
        before = found.get(name, AssetBalance(name, ZERO))
        found[name] = AssetBalance(name, before.total + row.balance, before.reserved + row.hold_trade)
    return found


def report(order_id: str, row: wire.Order, symbols: SymbolMap) -> OrderReport:
    """Return what the exchange says about an order."""
    return OrderReport(
        kraken_order_id=order_id,
        cl_ord_id=row.cl_ord_id or None,
        pair=symbols.pair(row.descr.pair).canonical,
        side=row.descr.type,
        order_type=row.descr.ordertype,
        status=row.status,
        volume=row.vol,
        filled=row.vol_exec,
        price=row.price,
        cost=row.cost,
        fee=row.fee,
        opened_at=instant(row.opentm),
        closed_at=instant(row.closetm) if row.closetm else None,
        limit_price=_limit_price(row.descr),
        reason=row.reason,
        userref=row.userref or None,
    )


def _limit_price(descr: wire.OrderDescription) -> Decimal | None:
    """Return the limit price, None for an order without one or with a relative one (``+1.0%``)."""
    if not descr.ordertype.endswith("limit"):
        return None
    text = descr.price if descr.ordertype == "limit" else descr.price2
    digits = text.replace(".", "", 1)
    price = Decimal(text) if digits.isascii() and digits.isdigit() else ZERO
    return price or None


def trade(trade_id: str, row: wire.Trade, symbols: SymbolMap) -> Trade:
    """Return a fill; its fee is in the pair's quote asset ("" for a pair that nobody told us about)."""
    names = symbols.pair(row.pair)
    return Trade(
        trade_id=trade_id,
        kraken_order_id=row.ordertxid,
        pair=names.canonical,
        side=row.type.value,
        price=row.price,
        volume=row.vol,
        cost=row.cost,
        fees=(Fee(asset=names.quote, amount=row.fee),) if row.fee else (),
        time=instant(row.time),
        maker=row.maker,
        margin=row.on_margin,
    )


def taker_fees(row: wire.TradeVolume, symbols: SymbolMap) -> dict[str, Decimal]:
    """Return what takers pay now, in percent, by canonical pair; what cannot be true is left out."""
    fees = {symbols.pair(raw).canonical: fee.fee for raw, fee in (row.fees or {}).items()}
    return {pair: fee for pair, fee in fees.items() if ZERO <= fee <= FEE_MAX}


def ledger_entry(entry_id: str, row: wire.LedgerRow, symbols: SymbolMap) -> LedgerEntry:
    """Return a ledger row."""
    return LedgerEntry(
        entry_id=entry_id,
        refid=row.refid,
        time=instant(row.time),
        type=row.type,
        subtype=row.subtype,
        asset=symbols.asset(row.asset),
        amount=row.amount,
        fee=row.fee,
        balance=row.balance,
    )
