from functools import partial
from typing import Any

import msgspec
import pytest

from krakked_tui.sandbox.happenings import apply
from krakked_tui.sandbox.key_control import make_new_key
from krakked_tui.sandbox.keys import Key
from krakked_tui.sandbox.sessions import Hub
from tests.unit.sandbox.rig import Listener, Rig


def acks(listener: Listener) -> list[dict[str, Any]]:
    """Acknowledgements heard, without their times."""
    heard = [message for message in listener.heard() if "method" in message]
    for message in heard:
        assert message.pop("time_in").endswith("Z")
        assert message.pop("time_out").endswith("Z")
    return heard


def test_every_connection_is_told_the_status_and_has_its_own_huge_id(rig: Rig) -> None:
    ids = []
    for _ in range(2):
        (status,) = rig.listener().heard()
        (row,) = status["data"]
        assert status["channel"] == "status"
        assert (row["system"], row["api_version"]) == ("online", "v2")
        ids.append(row["connection_id"])
    assert ids[0] != ids[1]
    assert min(ids) > 2**53


def test_ping(rig: Rig) -> None:
    listener = rig.listener()
    listener.heard()
    listener.session.receive('{"method":"ping","req_id":101}')
    listener.session.receive('{"method":"ping","params":{}}')
    assert acks(listener) == [
        {"method": "pong", "req_id": 101},
        {
            "error": "Unsupported field: 'params' for the given msg type: ping",
            "method": "ping",
            "success": False,
        },
    ]


def test_each_symbol_has_its_own_acknowledgement(rig: Rig) -> None:
    listener = rig.listener()
    listener.heard()
    listener.ask("subscribe", 7, channel="ticker", symbol=["BTC/USD", "XBT/USD", "ETH/USD", "BTC/USD"])
    result = {"channel": "ticker", "event_trigger": "trades", "snapshot": True}
    heard = listener.heard()
    assert [message.get("channel", "ack") for message in heard] == [
        "ack",
        "ticker",
        "ack",
        "ack",
        "ticker",
        "ack",
    ]
    answers = [message for message in heard if "method" in message]
    assert [answer["req_id"] for answer in answers] == [7, 7, 7, 7]
    assert answers[0]["result"] == {**result, "symbol": "BTC/USD"}
    assert answers[2]["result"] == {**result, "symbol": "ETH/USD"}
    assert (answers[1]["error"], answers[1]["symbol"]) == ("Currency pair not supported XBT/USD", "XBT/USD")
    assert (answers[3]["error"], answers[3]["symbol"]) == ("Already subscribed", "BTC/USD")
    assert [answer["success"] for answer in answers] == [True, False, True, False]


def test_one_ohlc_interval_per_symbol_and_connection(rig: Rig) -> None:
    first, second = rig.listener(), rig.listener()
    for listener, interval in ((first, 1), (first, 5), (first, 1), (second, 5)):
        listener.ask("subscribe", channel="ohlc", symbol=["BTC/USD"], interval=interval, snapshot=False)
    accepted, refused, repeated = acks(first)
    assert accepted["result"] == {
        "channel": "ohlc",
        "interval": 1,
        "snapshot": False,
        "symbol": "BTC/USD",
        "warnings": ["timestamp is deprecated, use interval_begin"],
    }
    assert refused["error"] == "Already subscribed to one ohlc interval on this symbol"
    assert repeated["error"] == "Already subscribed to one ohlc interval on this symbol"
    assert acks(second)[0]["success"]


def test_unsubscribing_ends_the_stream(rig: Rig) -> None:
    listener = rig.listener()
    listener.ask("subscribe", channel="ohlc", symbol=["BTC/USD"], interval=5)
    listener.ask("subscribe", channel="ticker", symbol=["BTC/USD"])
    listener.heard()
    listener.ask("unsubscribe", channel="ohlc", symbol=["BTC/USD"], interval=1)
    listener.ask("unsubscribe", channel="ohlc", symbol=["BTC/USD"], interval=5)
    listener.ask("unsubscribe", channel="ticker", symbol=["BTC/USD"])
    listener.ask("unsubscribe", channel="ticker", symbol=["BTC/USD"])
    assert [answer.get("error") for answer in acks(listener)] == [
        "Subscription Not Found",
        None,
        None,
        "Subscription Not Found",
    ]
    rig.wall.advance(600)
    rig.hub.tick_ohlc()
    rig.hub.tick_tickers()
    assert listener.heard() == []


def test_private_channels_want_a_token(rig: Rig) -> None:
    listener = rig.listener(private=True)
    listener.heard()
    listener.ask("subscribe", channel="executions")
    listener.ask("subscribe", channel="executions", token="made up")
    listener.ask("subscribe", channel="executions", token=rig.private("GetWebSocketsToken")["token"])
    missing, wrong, right = acks(listener)
    assert missing["error"] == "Token(s) not found"
    assert wrong["error"] == "ESession:Invalid session"
    assert right["result"]["maxratecount"] == rig.exchange.trading_maximum
    listener.ask("subscribe", channel="balances", token="made up")
    assert acks(listener)[-1]["error"] == "ESession:Invalid session"


def test_private_subscriptions_end_one_by_one(rig: Rig) -> None:
    token = rig.private("GetWebSocketsToken")["token"]
    listener = rig.listener(private=True)
    for channel in ("executions", "balances", "balances"):
        listener.ask("subscribe", channel=channel, token=token)
    assert [answer.get("error") for answer in acks(listener)] == [None, None, "Already subscribed"]
    listener.ask("unsubscribe", channel="balances", token=token)
    listener.ask("unsubscribe", channel="balances", token=token)
    assert [answer.get("error") for answer in acks(listener)] == [None, "Subscription Not Found"]
    rig.buy("0.01")
    assert {message["channel"] for message in listener.heard()} == {"executions"}
    listener.ask("unsubscribe", channel="executions", token=token)
    listener.heard()
    rig.buy("0.01")
    assert listener.heard() == []


def test_acknowledgements_name_what_was_asked_for(rig: Rig) -> None:
    listener = rig.listener()
    listener.heard()
    for channel, options in (
        ("book", {"symbol": ["BTC/USD"], "depth": 25, "snapshot": False}),
        ("trade", {"symbol": ["BTC/USD"]}),
        ("ticker", {"symbol": ["BTC/USD"], "event_trigger": "bbo", "snapshot": False}),
        ("instrument", {"snapshot": False}),
    ):
        listener.ask("subscribe", channel=channel, **options)
    book, trade, ticker, instrument = (answer["result"] for answer in acks(listener))
    assert book == {"channel": "book", "depth": 25, "snapshot": False, "symbol": "BTC/USD"}
    assert trade == {"channel": "trade", "snapshot": False, "symbol": "BTC/USD"}
    assert ticker == {"channel": "ticker", "event_trigger": "bbo", "snapshot": False, "symbol": "BTC/USD"}
    assert instrument == {
        "channel": "instrument",
        "snapshot": False,
        "warnings": ["tick_size is deprecated, use price_increment"],
    }


def test_unsubscribing_takes_the_option_it_was_subscribed_with(rig: Rig) -> None:
    listener = rig.listener()
    for channel, options in (
        ("book", {"symbol": ["BTC/USD"], "depth": 25}),
        ("trade", {"symbol": ["BTC/USD"]}),
        ("ticker", {"symbol": ["BTC/USD"], "event_trigger": "bbo"}),
        ("instrument", {}),
    ):
        listener.ask("subscribe", channel=channel, **options)
    listener.heard()
    for channel, options in (
        ("book", {"symbol": ["BTC/USD"]}),
        ("book", {"symbol": ["BTC/USD"], "depth": 25}),
        ("trade", {"symbol": ["BTC/USD"]}),
        ("trade", {"symbol": ["BTC/USD"]}),
        ("ticker", {"symbol": ["BTC/USD"]}),
        ("ticker", {"symbol": ["BTC/USD"], "event_trigger": "bbo"}),
        ("instrument", {}),
        ("instrument", {}),
    ):
        listener.ask("unsubscribe", channel=channel, **options)
    answers = acks(listener)
    missing = "Subscription Not Found"
    assert [answer.get("error") for answer in answers] == [missing, None, None, missing] * 2
    assert answers[1]["result"] == {"channel": "book", "depth": 25, "symbol": "BTC/USD"}
    rig.wall.advance(600)
    rig.hub.tick_ohlc()
    rig.hub.tick_tickers()
    apply(rig.exchange, b'{"action":"pair_status","pair":"XBTUSD","status":"cancel_only"}')
    rig.hub.beat()
    rig.hub.beat()
    assert listener.heard() == []


def test_every_connection_is_told_when_the_system_changes(rig: Rig) -> None:
    listeners = [rig.listener(), rig.listener(private=True)]
    ids = [listener.heard()[0]["data"][0]["connection_id"] for listener in listeners]
    apply(rig.exchange, b'{"action":"system_status","status":"cancel_only"}')
    rows = [listener.heard_on("status")[0]["data"][0] for listener in listeners]
    assert [(row["system"], row["connection_id"]) for row in rows] == [
        ("cancel_only", ids[0]),
        ("cancel_only", ids[1]),
    ]
    assert rig.listener().heard()[0]["data"][0]["system"] == "cancel_only"


def test_orders_are_placed_and_canceled_on_the_authenticated_host(rig: Rig) -> None:
    token = rig.private("GetWebSocketsToken")["token"]
    listener = rig.listener(private=True)
    listener.heard()
    listener.ask(
        "add_order",
        41,
        order_type="limit",
        side="buy",
        symbol="BTC/USD",
        order_qty=0.001,
        limit_price=60000.5,
        cl_ord_id="6d1b345e-2821-40e2-ad83-4ecb18a06876",
        token=token,
    )
    (placed,) = acks(listener)
    order_id = placed["result"]["order_id"]
    assert placed == {
        "method": "add_order",
        "req_id": 41,
        "result": {"order_id": order_id, "cl_ord_id": "6d1b345e-2821-40e2-ad83-4ecb18a06876"},
        "success": True,
    }
    listener.ask("cancel_order", 45, order_id=[order_id, "OAAAAA-AAAAA-AAAAAA"], token=token)
    canceled, unknown = acks(listener)
    assert canceled == {
        "method": "cancel_order",
        "req_id": 45,
        "result": {"order_id": order_id},
        "success": True,
    }
    assert (unknown["req_id"], unknown["success"]) == (45, False)
    assert unknown["error"].startswith("EOrder:")
    listener.ask("cancel_all", 46, token=token)
    assert acks(listener)[0]["result"] == {"count": 0}


def test_trading_wants_a_token_and_the_keys_permission(rig: Rig) -> None:
    token = rig.private("GetWebSocketsToken")["token"]
    listener = rig.listener(private=True)
    listener.heard()
    listener.ask("cancel_all")
    listener.ask("cancel_all", token="made up")
    listener.ask("dance", token=token)
    assert [answer["error"] for answer in acks(listener)] == [
        "Token(s) not found",
        "ESession:Invalid session",
        "Unsupported event",
    ]
    asked: list[tuple[str, ...]] = []

    def check_token(token: str, *needs: str) -> Key:
        asked.append(needs)
        return rig.key

    rig.hub.gatekeeper.check_token = check_token  # type: ignore[method-assign]
    listener.ask("cancel_all", token=token)
    listener.ask("subscribe", channel="executions", token=token)
    assert asked == [("close-trades",), ("query-open-trades", "query-closed-trades")]


def test_a_flood_of_requests_is_told_so_and_not_answered(rig: Rig) -> None:
    hub = Hub(rig.exchange, rig.gatekeeper, messages_per_second=2)
    listener = Listener(hub, private=False)
    listener.heard()
    for _ in range(22):
        listener.session.receive('{"method":"ping"}')
    heard = listener.heard()
    assert [message.get("method") for message in heard] == ["pong"] * 20 + [None] * 2
    assert heard[-1] == {"Error": "Exceeded msg rate"}
    rig.wall.advance(0.5)
    listener.session.receive('{"method":"ping"}')
    listener.session.receive('{"method":"ping"}')
    assert [message.get("method") for message in listener.heard()] == ["pong", None]


@pytest.mark.parametrize("method", ["add_order", "cancel_all", "dance"])
def test_other_methods_are_unsupported(rig: Rig, method: str) -> None:
    listener = rig.listener()
    listener.ask(method)
    assert acks(listener)[-1]["error"] == "Unsupported event"


def test_heartbeats_only_when_subscribed_and_quiet(rig: Rig) -> None:
    idle, listening = rig.listener(), rig.listener()
    listening.ask("subscribe", channel="ticker", symbol=["BTC/USD"])
    for listener in (idle, listening):
        listener.heard()
    rig.hub.beat()
    assert listening.heard() == [], "it was told something since the last beat"
    rig.hub.beat()
    assert listening.heard() == [{"channel": "heartbeat"}]
    rig.wall.advance(60)
    rig.hub.tick_tickers()
    rig.hub.beat()
    assert [message["channel"] for message in listening.heard()] == ["ticker"]
    assert idle.heard() == []


def test_a_closed_connection_hears_nothing_more(rig: Rig) -> None:
    token = rig.private("GetWebSocketsToken")["token"]
    public, private = rig.listener(), rig.listener(private=True)
    public.ask("subscribe", channel="ticker", symbol=["BTC/USD"])
    public.ask("subscribe", channel="ohlc", symbol=["BTC/USD"])
    private.ask("subscribe", channel="executions", token=token)
    private.ask("subscribe", channel="balances", token=token)
    for listener in (public, private):
        rig.hub.close(listener.session)
        listener.heard()
    rig.wall.advance(600)
    rig.buy("0.01")
    rig.hub.tick_ohlc()
    rig.hub.tick_tickers()
    rig.hub.beat()
    assert public.heard() == private.heard() == []


@pytest.mark.parametrize("end", ["disabled", "expired"])
def test_a_private_conversation_ends_with_its_key(rig: Rig, end: str) -> None:
    body = b'{"valid_until":"2026-01-05T00:10:00Z"}'
    made = make_new_key(rig.gatekeeper.ring, body, rig.exchange.clock.now())
    main_token = rig.private("GetWebSocketsToken")["token"]
    key = rig.use_key(str(made["api_key"]))
    token = rig.private("GetWebSocketsToken")["token"]
    closed: list[str] = []
    heard: dict[str, list[str]] = {"theirs": [], "main": []}
    for name, theirs in (("theirs", token), ("main", main_token)):
        session = rig.hub.open(heard[name].append, private=True, close=partial(closed.append, name))
        for channel in ("executions", "balances"):
            params = {"channel": channel, "token": theirs}
            session.receive(msgspec.json.encode({"method": "subscribe", "params": params}).decode())
    rig.hub.tick_ohlc()
    assert closed == []
    if end == "disabled":
        rig.gatekeeper.ring.disable(key, rig.exchange.clock.now())
    else:
        rig.wall.advance(600)
    rig.hub.tick_ohlc()
    rig.hub.tick_ohlc()
    assert closed == ["theirs"]
    before = {name: len(texts) for name, texts in heard.items()}
    rig.use_key(rig.gatekeeper.api_key)
    rig.buy("0.01", "50000")
    assert len(heard["theirs"]) == before["theirs"]
    assert len(heard["main"]) > before["main"]


def test_an_expired_key_trades_no_more(rig: Rig) -> None:
    body = b'{"valid_until":"2026-01-05T00:10:00Z"}'
    made = make_new_key(rig.gatekeeper.ring, body, rig.exchange.clock.now())
    rig.use_key(str(made["api_key"]))
    token = rig.private("GetWebSocketsToken")["token"]
    listener = rig.listener(private=True)
    order: dict[str, Any] = {
        "order_type": "limit",
        "side": "buy",
        "symbol": "BTC/USD",
        "order_qty": 0.01,
        "limit_price": 20000.5,
    }
    listener.ask("add_order", **order, token=token)
    assert acks(listener)[-1]["success"]
    rig.wall.advance(600)
    listener.ask("add_order", **order, token=token)
    assert acks(listener)[-1]["error"] == "ESession:Invalid session"
    assert len(rig.exchange.books.orders) == 1
