"""REST rows as domain values."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import msgspec
import pytest
from msgspec.structs import replace

from krakked_tui.domain.candles import Timeframe
from krakked_tui.domain.fills import AssetBalance, Fee, LedgerEntry, Trade
from krakked_tui.domain.orders import ExchangeStatus, Side
from krakked_tui.domain.pairs import FeeTier, PairStatus
from krakked_tui.kraken import decode, endpoints, wire
from krakked_tui.kraken.errors import KrakenProtocolError
from krakked_tui.kraken.symbols import SymbolMap
from krakked_tui.kraken.wire import Order, OrderDescription
from tests.unit.kraken.recorded import all_assets, rest_bodies, result_of, some_pairs

SYMBOLS = SymbolMap(all_assets(), some_pairs())


def test_instants_keep_their_microseconds() -> None:
    assert decode.instant(Decimal("1762820035.9822779")) == datetime(2025, 11, 11, 0, 13, 55, 982278, UTC)
    assert decode.instant(1762820224) == datetime(2025, 11, 11, 0, 17, 4, tzinfo=UTC)


@pytest.mark.parametrize("seconds", ["-1", "253402300800", "1e999999"])
def test_instants_outside_the_calendar_are_refused(seconds: str) -> None:
    with pytest.raises(KrakenProtocolError, match="calendar"):
        decode.instant(Decimal(seconds))


def test_pair() -> None:
    rows = some_pairs()
    bitcoin = next(pair for pair in decode.pairs(rows, SYMBOLS) if pair.canonical == "XBTUSDT")
    assert (bitcoin.base, bitcoin.quote, bitcoin.ws_symbol) == ("XBT", "USDT", "BTC/USDT")
    assert (bitcoin.rest_symbol, bitcoin.raw_name, bitcoin.asset_class) == ("XBTUSDT", "XBTUSDT", "currency")
    assert (bitcoin.price_decimals, bitcoin.volume_decimals, bitcoin.cost_decimals) == (1, 8, 5)
    assert (bitcoin.tick_size, bitcoin.lot_size) == (Decimal("0.1"), Decimal("1E-8"))
    assert (bitcoin.order_min, bitcoin.cost_min) == (Decimal("0.00005"), Decimal("0.5"))
    assert bitcoin.fees_taker[0] == FeeTier(Decimal(0), Decimal("0.4"))
    assert bitcoin.fees_maker[-1] == FeeTier(Decimal(10_000_000), Decimal("0.0"))
    assert bitcoin.leverage_buy == tuple(range(2, 11))
    assert bitcoin.status is PairStatus.ONLINE


def test_a_ladder_that_is_not_told_is_dear_and_not_free() -> None:
    rows = some_pairs()
    raw, row = next((raw, row) for raw, row in rows.items() if row.altname == "XBTUSDT")
    (bare,) = decode.pairs({raw: replace(row, fees=[], fees_maker=[])}, SYMBOLS)
    assert bare.fees_taker == bare.fees_maker == (FeeTier(Decimal(0), Decimal("0.40")),)
    (half,) = decode.pairs({raw: replace(row, fees_maker=[])}, SYMBOLS)
    assert half.fees_maker == half.fees_taker, "a maker pays at most what a taker pays"


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("null", PairStatus.ONLINE),
        ('"post_only"', PairStatus.POST_ONLY),
        ('"work_in_progress"', PairStatus.MAINTENANCE),
    ],
)
def test_pair_status_known_missing_and_new(status: str, expected: PairStatus) -> None:
    body = result_of(rest_bodies("AssetPairs")[-1]).replace(b'"online"', status.encode())
    rows = endpoints.ASSET_PAIRS.reply.decode(body)
    (pair,) = decode.pairs(rows, SYMBOLS)
    assert pair.status is expected


def test_assets() -> None:
    assets = {asset.name: asset for asset in decode.assets(all_assets())}
    assert len(assets) == 732
    assert (assets["XBT"].raw_name, assets["XBT"].decimals, assets["USD"].decimals) == ("XXBT", 10, 4)


def test_quote() -> None:
    rows = endpoints.TICKER.reply.decode(result_of(rest_bodies("Ticker")[-1]))
    at = datetime(2026, 2, 26, tzinfo=UTC)
    quote = decode.quote("XBTUSD", rows["XXBTZUSD"], at, 12.5)
    assert (quote.bid, quote.ask, quote.last) == tuple(
        map(Decimal, ("68342.30000", "68342.40000", "68365.10000"))
    )
    assert (quote.figures.bid_size, quote.figures.ask_size) == (Decimal("6.000"), Decimal("1.000"))
    assert (quote.figures.volume_24h, quote.figures.vwap_24h) == (
        Decimal("2774.14406991"),
        Decimal("68045.14894"),
    )
    assert (quote.time, quote.received) == (at, 12.5)


def test_candle() -> None:
    rows = endpoints.OHLC.reply.decode(result_of(rest_bodies("OHLC")[-1]))["XBTUSDT"]
    assert isinstance(rows, list)
    candle = decode.candle("XBTUSDT", Timeframe.M1, rows[0])
    assert candle.time == datetime(2025, 11, 10, 12, 17, tzinfo=UTC)
    assert candle.open == 106038.2
    assert candle.trades == rows[0].count


def test_balances_keep_suffixed_variants_apart() -> None:
    rows = endpoints.BALANCE_EX.reply.decode(result_of(rest_bodies("BalanceEx")[0]))
    balances = decode.balances(rows, SYMBOLS)
    assert len(balances) == len(rows)
    assert balances["ATOM"] == AssetBalance("ATOM", Decimal("14.50385601"), Decimal("3.92433600"))
    assert balances["ATOM"].free == Decimal("10.57952001")
    assert balances["ATOM.S"].total == 0
    assert "ZUSD" not in balances
    assert balances["USD"].total > 0


def test_open_order() -> None:
    rows = endpoints.OPEN_ORDERS.reply.decode(result_of(rest_bodies("OpenOrders")[1])).open
    report = decode.report("OQCLML-BW3P3-BUCMWZ", rows["OQCLML-BW3P3-BUCMWZ"], SYMBOLS)
    assert (report.pair, report.side, report.order_type) == ("XBTUSD", Side.BUY, "limit")
    assert (report.status, report.cl_ord_id, report.closed_at) == (ExchangeStatus.OPEN, None, None)
    assert (report.volume, report.filled) == (Decimal("1.25000000"), Decimal("0.37500000"))
    assert (report.price, report.limit_price) == (Decimal("30010.0"), Decimal("30010.0"))
    assert report.opened_at == datetime(2023, 7, 6, 18, 2, 39, 897400, UTC)


def test_closed_orders_say_why() -> None:
    rows = endpoints.QUERY_ORDERS.reply.decode(result_of(rest_bodies("QueryOrders")[0]))
    (report,) = (decode.report(order_id, row, SYMBOLS) for order_id, row in rows.items())
    assert (report.status, report.reason) == (ExchangeStatus.CANCELED, "Order replaced")
    assert report.closed_at == datetime(2023, 11, 12, 12, 37, 21, 705669, UTC)


@pytest.mark.parametrize(
    ("ordertype", "price", "price2", "limit"),
    [
        ("limit", "30010.0", "0", "30010.0"),
        ("market", "0", "0", None),
        ("limit", "+1.0000%", "0", None),
        ("limit", "#5", "0", None),
        ("stop-loss", "100", "0", None),
        ("stop-loss-limit", "100", "99.5", "99.5"),
        ("trailing-stop-limit", "+1.0%", "+0.5", None),
        ("limit", ".", "0", None),
    ],
)
def test_limit_price(ordertype: str, price: str, price2: str, limit: str | None) -> None:
    zero = Decimal(0)
    descr = OrderDescription("XBTUSD", Side.BUY, ordertype, price, price2)
    row = Order(ExchangeStatus.OPEN, zero, descr, zero, zero, zero, zero, zero)
    assert decode.report("O1", row, SYMBOLS).limit_price == (Decimal(limit) if limit else None)


def test_trade() -> None:
    rows = endpoints.TRADES_HISTORY.reply.decode(result_of(rest_bodies("TradesHistory")[0])).trades
    assert decode.trade("6H44OW-RTMBC-VIACPX", rows["6H44OW-RTMBC-VIACPX"], SYMBOLS) == Trade(
        trade_id="6H44OW-RTMBC-VIACPX",
        kraken_order_id="3WCTEM-C4M3D-CQU27S",
        pair="XBTUSD",
        side="sell",
        price=Decimal("27600.00000"),
        volume=Decimal("0.00166745"),
        cost=Decimal("43.01683"),
        fees=(Fee("USD", Decimal("0.07423")),),
        time=datetime(2023, 5, 27, 12, 12, 54, 653627, UTC),
        maker=False,
    )


def test_ledger_entry() -> None:
    rows = endpoints.LEDGERS.reply.decode(result_of(rest_bodies("Ledgers")[0])).ledger
    assert decode.ledger_entry("JNORYE-CJ718-2PBW5A", rows["JNORYE-CJ718-2PBW5A"], SYMBOLS) == LedgerEntry(
        entry_id="JNORYE-CJ718-2PBW5A",
        refid="315VIC-SWM75-SK45AW",
        time=datetime(2023, 8, 1, 15, 37, 29, 625414, UTC),
        type="trade",
        subtype="",
        asset="USD",
        amount=Decimal("-46.2500"),
        fee=Decimal("0.0740"),
        balance=Decimal("22.6354"),
    )


def test_several_spellings_of_one_asset_are_added_up() -> None:
    rows = {"XXBT": wire.ExtendedBalance(Decimal(1), Decimal("0.2")), "BTC": wire.ExtendedBalance(Decimal(2))}
    assert decode.balances(rows, SYMBOLS) == {"XBT": AssetBalance("XBT", Decimal(3), Decimal("0.2"))}


@pytest.mark.parametrize(
    ("fields", "margin"),
    [
        ({}, False),
        ({"margin": "0.00000", "leverage": "0", "misc": ""}, False),
        ({"leverage": "none"}, False),
        ({"margin": "6000.0", "leverage": "5"}, True),
        ({"posstatus": "open"}, True),
        ({"misc": "closing,stopped"}, True),
    ],
)
def test_a_trade_on_margin_is_one_by_what_it_says(fields: dict[str, str], margin: bool) -> None:
    row = {"ordertxid": "O", "pair": "XXBTZUSD", "time": 1, "type": "buy", "price": "1", "cost": "1",
           "fee": "0", "vol": "1", **fields}  # fmt: skip
    [trade] = endpoints.TRADES_HISTORY.reply.decode(
        msgspec.json.encode({"trades": {"T": row}})
    ).trades.values()
    assert decode.trade("T", trade, SYMBOLS).margin is margin


def test_an_instant_is_never_before_the_time_it_stands_for() -> None:
    assert decode.instant(Decimal("1762820044.0000004")) == decode.instant(1762820044) + timedelta(
        microseconds=1
    )


def test_fees_of_the_account() -> None:
    volume = endpoints.TRADE_VOLUME.reply.decode(
        b'{"currency":"ZUSD","volume":"1","fees":{"XXBTZUSD":{"fee":"0.3500","minfee":"0.1","maxfee":"0.4"},'
        b'"XETHZUSD":{"fee":"-1","minfee":"0.1","maxfee":"0.4"}}}'
    )
    assert decode.taker_fees(volume, SYMBOLS) == {"XBTUSD": Decimal("0.35")}
    assert decode.taker_fees(wire.TradeVolume("ZUSD", Decimal(0)), SYMBOLS) == {}
