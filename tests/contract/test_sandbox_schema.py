"""The sandbox's payloads against recorded ones: same keys, same types, same number formats.

Recorded are the captures in ``tests/fixtures/kraken``. What may differ is listed below, each with
its reason; anything else fails, whichever side it appears on.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from krakked_tui.sandbox.settings import SandboxSettings
from tests.contract import schema_sandbox as ours
from tests.contract.schema import Listed, Shape, differences, merged, read, shape, wrong_decimals
from tests.contract.schema_sandbox import UUID, Line
from tests.interop.local_kraken import LocalKraken, local_kraken

FIXTURES = Path(__file__).parent.parent / "fixtures" / "kraken"
EVENING = 20 * 3600 + 30 * 60 + 17.25
"""Seconds after its start at which the sandbox is looked at."""

MARGIN = "there is no margin trading"
NEWER = "younger than the recordings (reference sections 3 to 5)"
OTHER_ORDERS = "of orders that are not among the recorded ones"
ON_DEMAND = "sent to those who ask for it"

NOT_OFFERED = {
    "AddExport": "no reports",
    "ExportStatus": "no reports",
    "RemoveExport": "no reports",
}
"""Recorded endpoints that the sandbox has not."""

DOCUMENTED = ("GetApiKeyInfo",)
"""Endpoints of which there is no capture, only Kraken's own example."""

EITHER: Mapping[str, Listed] = {
    "Assets": {
        "result.*.collateral_value": "reference 3.3: number or string; recorded are whole ones only",
        "result.*.margin_rate": "reference 3.3: optional; recorded are assets without",
    },
    "OpenOrders": {"result.open.*.margin": MARGIN, "result.open.*.descr.aclass": NEWER},
    "ClosedOrders": {
        "result.closed.*.link_id": OTHER_ORDERS,
        "result.closed.*.cl_ord_id": OTHER_ORDERS,
        "result.closed.*.trigger": OTHER_ORDERS,
        "result.closed.*.trades": ON_DEMAND,
    },
    "QueryOrders": {
        "result.*.cl_ord_id": OTHER_ORDERS,
        "result.*.trigger": OTHER_ORDERS,
        "result.*.descr.aclass": NEWER,
        "result.*.reason": "null of a filled order, as in ClosedOrders; only a canceled one was recorded",
    },
    "OpenPositions": {"result": MARGIN},
    "GetApiKeyInfo": {
        "result.api_key": "the example's is a made-up number",
        "result.iban": "the example's is a made-up number",
        "result.ip_allowlist": "the example has one empty address",
    },
    "TradesHistory": {"result.trades.*.aclass": NEWER},
    "QueryTrades": {"result.*.aclass": NEWER, "result.*.ledgers": ON_DEMAND},
}
"""By endpoint: what may be on one side only, or written otherwise."""

EITHER_WS: Mapping[str, Listed] = {
    "ticker snapshot": {"data[].timestamp": NEWER},
    "ticker update": {"data[].timestamp": NEWER},
    "executions snapshot trade": {
        "data[].sender_sub_id": "the recorded orders were placed with one",
        "data[].margin": MARGIN,
        "data[].margin_borrow": MARGIN,
        "data[].liquidated": MARGIN,
    },
    "executions update pending_new": {
        "data[].triggers.actual_price": "documented (reference 5.5); not on the one recorded stop order"
    },
    "balances update": {"data[].subtype": NEWER},
}
"""By kind of message: what may be on one side only."""

NOT_HEARD = {
    "level3 snapshot": "no level 3",
    "level3 update": "no level 3",
    "subscribe level3": "no level 3",
    "executions snapshot": "an empty one has nothing to compare",
}

KNOWN_PAIRS = {"XXBTZUSD": (1, 5, 8), "XBTUSDT": (1, 5, 8), "XETHZUSD": (2, 5, 8), "XDGUSD": (7, 9, 8)}
"""Decimals of price, cost and volume of pairs that were recorded."""

PRICE, COST, LOT = 0, 1, 2
REST_DECIMALS: Mapping[str, Mapping[str, int | str]] = {
    "Ticker": {
        r"[abc]\[0\]": COST, r"[plh]\[\d\]": COST, "o": COST, r"v\[\d\]": LOT, r"c\[1\]": LOT,
        r"[ab]\[1\]": "0", r"[ab]\[2\]": "3",
    },
    "OHLC": {r"\[\]\[[12345]\]": PRICE, r"\[\]\[6\]": LOT},
    "Trades": {r"\[\]\[0\]": COST, r"\[\]\[1\]": LOT},
    "Depth": {r"(bids|asks)\[\]\[0\]": COST, r"(bids|asks)\[\]\[1\]": "3"},
    "Spread": {r"\[\]\[[12]\]": COST},
}  # fmt: skip
"""Decimals by endpoint and path below a pair: the pair's own, or a fixed number."""

WS_DECIMALS: Mapping[str, int | str] = {
    r"data\[\]\.(bid|ask|last|low|high|vwap|change|open|close|price|limit_price|last_price)": PRICE,
    r"data\[\]\.(bid_qty|ask_qty|volume|qty|order_qty|last_qty|cum_qty)": LOT,
    r"data\[\]\.(cost|cum_cost)": COST,
    r"data\[\]\.change_pct": "2",
    r"data\[\]\.(bids|asks)\[\]\.price": PRICE,
    r"data\[\]\.(bids|asks)\[\]\.qty": LOT,
}
WS_PAIRS = {"BTC/USD": (1, 5, 8), "BTC/USDT": (1, 5, 8), "ETH/USD": (2, 5, 8), "ETH/USDC": (2, 5, 8),
            "ETH/USDT": (2, 5, 8), "DOGE/USD": (7, 9, 8)}  # fmt: skip


def captures(name: str) -> Iterator[Any]:
    """Return the recorded lines of a file, number text kept; one of the WebSocket's is not JSON."""
    for text in (FIXTURES / name).read_text(encoding="utf-8").splitlines():
        try:
            yield read(text)
        except json.JSONDecodeError:
            assert "CloudFlare" in text


@cache
def recorded_answers() -> dict[str, list[Any]]:
    """Return the captured bodies by endpoint; examples of the documentation only where there is no other."""
    found: dict[str, list[Any]] = {}
    for line in captures("rest.ndjson"):
        wanted_source = "docs" if line["endpoint"] in DOCUMENTED else "capture"
        if line["source"] == wanted_source and line["endpoint"] not in NOT_OFFERED:
            found.setdefault(line["endpoint"], []).append(line["body"])
    return found


@cache
def recorded_messages() -> dict[str, list[Any]]:
    """Return the captured WebSocket messages by kind."""
    found: dict[str, list[Any]] = {}
    for message in captures("ws.ndjson"):
        if kind_of(message) not in NOT_HEARD:
            found.setdefault(kind_of(message), []).append(message)
    return found


def kind_of(message: Any) -> str:
    """Return which messages a message is to be compared with."""
    if "channel" in message:
        kind = f"{message['channel']} {message.get('type', '')}".strip()
        if message["channel"] == "executions" and message["data"]:
            return f"{kind} {message['data'][0]['exec_type']}"
        return kind
    if not message.get("success", True):
        return f"{message['method']} refused"
    result = message.get("result")
    channel = result.get("channel", "") if isinstance(result, dict) else ""
    return f"{message['method']} {channel}".strip()


@pytest.fixture(scope="module")
def kraken() -> Iterator[LocalKraken]:
    settings = SandboxSettings(balance={"USD": Decimal(100_000), "XBT": Decimal(2)})
    with local_kraken(settings) as running:
        running.advance(EVENING)
        yield running


def order(**changes: object) -> dict[str, object]:
    """Return AddOrder's parameters for a bid that rests."""
    bid = {"pair": "XBTUSD", "type": "buy", "ordertype": "limit", "price": "20000.0", "volume": "0.01"}
    return {name: value for name, value in {**bid, **changes}.items() if value is not None}


@pytest.fixture(scope="module")
def answers(kraken: LocalKraken) -> dict[str, list[str]]:
    """Every endpoint's answers, in an account that has something to show."""

    def call(endpoint: str, **params: object) -> str:
        text = ours.private(kraken, endpoint, **params)
        found.setdefault(endpoint, []).append(text)
        return text

    def ids(text: str) -> Any:
        answer = json.loads(text)
        assert answer["error"] == []
        return answer["result"]

    found: dict[str, list[str]] = {}
    for pair in ("XBTUSD", "XDGUSD"):
        for endpoint in ("Ticker", "OHLC", "Trades", "Depth", "Spread"):
            found.setdefault(endpoint, []).append(ours.public(kraken, endpoint, pair=pair))
    for endpoint in ("Time", "SystemStatus", "Assets", "AssetPairs"):
        found[endpoint] = [ours.public(kraken, endpoint)]
    call("AddOrder", **order(ordertype="market", price=None, volume="0.05"))
    (resting,) = ids(call("AddOrder", **order(cl_ord_id=UUID)))["txid"]
    (edited,) = ids(call("AddOrder", **order(userref=5)))["txid"]
    call("AddOrder", **order(type="sell", ordertype="stop-loss", price="30000.0"))
    call("AmendOrder", txid=resting, order_qty="0.02", limit_price="20001.0")
    call("EditOrder", txid=edited, pair="XBTUSD", volume="0.03", price="20002.0")
    rows = [order(price=f"1999{number}.0") for number in range(4)]
    for row in rows:
        del row["pair"]
    batch = ids(call("AddOrderBatch", pair="XBTUSD", orders=rows))["orders"]
    call("OpenOrders", trades=True)
    call("CancelOrder", txid=batch[0]["txid"])
    call("CancelOrderBatch", orders=[row["txid"] for row in batch[1:3]])
    call("CancelAllOrdersAfter", timeout=60)
    call("CancelAll")
    closed = ids(call("ClosedOrders", trades=True))["closed"]
    call("QueryOrders", txid=",".join(closed))
    trades = ids(call("TradesHistory", ledgers=True))["trades"]
    call("QueryTrades", txid=",".join(trades))
    entries = ids(call("Ledgers"))["ledger"]
    call("QueryLedgers", id=",".join(entries))
    for endpoint in (
        "Balance",
        "BalanceEx",
        "TradeBalance",
        "OpenPositions",
        "GetWebSocketsToken",
        *DOCUMENTED,
    ):
        call(endpoint)
    call("TradeVolume")
    call("TradeVolume", pair="XBTUSD")
    return found


@pytest.fixture(scope="module")
def messages(answers: object, kraken: LocalKraken) -> dict[str, list[Any]]:
    """Every kind of WebSocket message the sandbox sends; after the REST calls, which left trades behind."""
    with ours.line(kraken) as public:
        listen_publicly(public, kraken)
    with ours.line(kraken, signed=True) as private:
        trade_on(private)
    found: dict[str, list[Any]] = {}
    for text in (*public.texts, *private.texts):
        message = read(text)
        found.setdefault(kind_of(message), []).append(message)
    return found


def listen_publicly(line: Line, kraken: LocalKraken) -> None:
    """Subscribe to every public channel, hear an update of each, and be refused in every way."""
    line.hear('"channel":"status"')
    for symbol in ("BTC/USD", "DOGE/USD"):
        line.ask("subscribe", channel="ticker", symbol=[symbol])
        line.ask("subscribe", channel="book", symbol=[symbol], depth=10)
        line.ask("subscribe", channel="ohlc", symbol=[symbol], interval=1)
        line.ask("subscribe", channel="trade", symbol=[symbol], snapshot=True)
    for channel in ("ticker", "book", "ohlc", "trade"):
        line.hear(f'"channel":"{channel}","type":"snapshot"', 2)
    line.ask("subscribe", channel="instrument")
    line.hear('"channel":"instrument","type":"snapshot"')
    kraken.advance(180)
    for channel in ("ticker", "book", "trade"):
        line.hear(f'"channel":"{channel}","type":"update"')
    line.ask("subscribe", channel="nonsense")
    line.ask("subscribe", channel="ticker", symbol=["NOPE/USD"])
    line.ask("ping", nothing=1)
    line.ask("ping")
    line.say("not json")
    line.hear('"error"')
    line.hear('"channel":"heartbeat"')


def trade_on(line: Line) -> None:
    """Follow the account and trade, in every way."""
    bid = {
        "order_type": "limit",
        "side": "buy",
        "symbol": "BTC/USD",
        "order_qty": 0.01,
        "limit_price": 20000.5,
    }
    line.ask("subscribe", channel="executions", snap_orders=True, snap_trades=True)
    line.hear('"channel":"executions","type":"snapshot"')
    line.ask("subscribe", channel="balances")
    line.hear('"channel":"balances","type":"snapshot"')
    first = json.loads(line.ask("add_order", **bid))["result"]["order_id"]
    line.ask("add_order", **bid, cl_ord_id=UUID)
    line.ask("amend_order", order_id=first, order_qty=0.02, limit_price=20001.5)
    line.ask("amend_order", cl_ord_id=UUID, order_qty=0.02)
    stop = {"price": 20000.5, "price_type": "static", "reference": "last"}
    line.ask("add_order", **(bid | {"side": "sell", "order_type": "stop-loss-limit", "triggers": stop}))
    second = json.loads(line.ask("edit_order", order_id=first, symbol="BTC/USD", order_qty=0.03))
    line.ask("cancel_order", order_id=[second["result"]["order_id"]])
    line.ask("cancel_order", cl_ord_id=[UUID])
    rows = [{name: value for name, value in bid.items() if name != "symbol"}] * 2
    batch = json.loads(line.ask("batch_add", symbol="BTC/USD", orders=rows))["result"]
    line.ask("batch_cancel", orders=[row["order_id"] for row in batch])
    line.ask("cancel_all_orders_after", timeout=60)
    line.ask("cancel_all")
    line.ask("add_order", order_type="market", side="sell", symbol="BTC/USD", order_qty=0.01)
    line.hear('"exec_type":"filled"')
    line.ask("add_order", **(bid | {"order_qty": 100.0}))
    line.ask("amend_order", order_id=first, order_qty=0.02)
    line.ask("cancel_order", order_id=[first])
    line.ask("edit_order", order_id="OAAAAA-BBBBB-CCCCCC", symbol="BTC/USD", order_qty=0.02)


@pytest.mark.parametrize("endpoint", sorted(recorded_answers()))
def test_an_answer_is_shaped_as_recorded(endpoint: str, answers: dict[str, list[str]]) -> None:
    recorded = merged([shape(body) for body in recorded_answers()[endpoint]])
    sent = merged([shape(read(text)) for text in answers[endpoint]])
    assert differences(recorded, sent, EITHER.get(endpoint, {})) == []


@pytest.mark.parametrize("endpoint", sorted(NOT_OFFERED))
def test_what_is_not_offered_is_an_unknown_method(endpoint: str, kraken: LocalKraken) -> None:
    assert json.loads(ours.private(kraken, endpoint)) == {"error": ["EGeneral:Unknown method"]}


@pytest.mark.parametrize("kind", sorted(recorded_messages()))
def test_a_message_is_shaped_as_recorded(kind: str, messages: dict[str, list[Any]]) -> None:
    assert kind in messages, f"nothing of this kind was heard; heard were {sorted(messages)}"
    recorded = merged([shape(message) for message in recorded_messages()[kind]])
    sent = merged([shape(message) for message in messages[kind]])
    either = {"req_id": "echoed when it was sent", **EITHER_WS.get(kind, {})}
    assert differences(recorded, sent, either) == []


def wanted(rules: Mapping[str, int | str], decimals: tuple[int, int, int]) -> Callable[[str], int | None]:
    """Return what finds how many decimals a path has to have, None where any number will do."""

    def look(path: str) -> int | None:
        for pattern, rule in rules.items():
            if re.fullmatch(pattern, path):
                return int(rule) if isinstance(rule, str) else decimals[rule]
        return None

    return look


def by_pair(body: Any) -> Iterator[tuple[str, Shape]]:
    """Return the shapes of what a market data answer has by pair."""
    for name, row in body["result"].items():
        if name in KNOWN_PAIRS:
            yield name, {path.removeprefix("."): kinds for path, kinds in shape(row).items()}


@pytest.mark.parametrize("endpoint", REST_DECIMALS)
def test_prices_and_volumes_have_their_pairs_decimals(endpoint: str, answers: dict[str, list[str]]) -> None:
    """The rule holds for what was recorded, and the sandbox keeps to it for every pair."""
    sent = [read(text) for text in answers[endpoint]]
    looked_at = []
    for body in (*recorded_answers()[endpoint], *sent):
        for name, found in by_pair(body):
            looked_at.append(name)
            assert wrong_decimals(found, wanted(REST_DECIMALS[endpoint], KNOWN_PAIRS[name])) == [], name
    assert set(looked_at) >= {"XXBTZUSD", "XDGUSD"}
    assert len(looked_at) > len(sent)


def test_the_known_decimals_are_the_pairs_own(kraken: LocalKraken) -> None:
    pairs = kraken.public("AssetPairs")
    for name, decimals in KNOWN_PAIRS.items():
        if name in pairs:
            row = pairs[name]
            assert (row["pair_decimals"], row["cost_decimals"], row["lot_decimals"]) == decimals


@pytest.mark.parametrize(
    "kind",
    [
        "ticker snapshot",
        "ticker update",
        "book snapshot",
        "book update",
        "ohlc snapshot",
        "trade snapshot",
        "trade update",
        "executions snapshot trade",
        "executions update pending_new",
    ],
)
def test_streamed_numbers_have_their_pairs_decimals(kind: str, messages: dict[str, list[Any]]) -> None:
    looked_at = 0
    for message in (*recorded_messages()[kind], *messages[kind]):
        for row in message["data"]:
            if row["symbol"] in WS_PAIRS:
                looked_at += 1
                rule = wanted(WS_DECIMALS, WS_PAIRS[row["symbol"]])
                assert wrong_decimals(shape({"data": [row]}), rule) == [], row["symbol"]
    assert looked_at > 1


def test_balances_have_their_assets_decimals(answers: dict[str, list[str]]) -> None:
    scales = {name: row["decimals"] for name, row in json.loads(answers["Assets"][0])["result"].items()}
    for name, amount in json.loads(answers["Balance"][0])["result"].items():
        assert len(amount.partition(".")[2]) == scales[name]
    for name, row in json.loads(answers["BalanceEx"][0])["result"].items():
        assert {len(text.partition(".")[2]) for text in (row["balance"], row["hold_trade"])} == {scales[name]}
    for row in json.loads(answers["Ledgers"][0])["result"]["ledger"].values():
        numbers = (row["amount"], row["fee"], row["balance"])
        assert {len(text.partition(".")[2]) for text in numbers} == {scales[row["asset"]]}


@pytest.mark.parametrize(
    ("ours", "difference"),
    [
        ('{"a":{"XBT":"1.50"},"t":1.5,"n":7}', []),
        ('{"a":{"ETH":"1.50"},"t":1.5}', ["n is missing"]),
        ('{"a":{"XBT":"1.50"},"t":1.5,"n":7,"x":null}', ["x is not Kraken's"]),
        ('{"a":{"XBT":1.50},"t":1.5,"n":7}', ["a.* is float, Kraken's is decimal"]),
        ('{"a":{"XBT":"1.50"},"t":1,"n":7}', ["t is int, Kraken's is float"]),
        ('{"a":{"XBT":"1.50"},"t":1.5,"n":7.0}', ["n is float, Kraken's is int"]),
    ],
)
def test_the_comparison_sees_differences(ours: str, difference: list[str]) -> None:
    recorded = '{"a":{"XBT":"1.50"},"t":1.5,"n":7}'
    assert differences(shape(read(recorded)), shape(read(ours)), {}) == difference


def test_the_comparison_sees_decimals() -> None:
    found = shape(read('{"p":"1.50","q":2.5}'))
    assert wrong_decimals(found, {"p": 2, "q": 1}.get) == []
    assert wrong_decimals(found, {"p": 1}.get) == ["p has [2] decimals, not 1"]
