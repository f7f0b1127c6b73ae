from typing import Any

import msgspec

from krakked_tui.sandbox.happenings import apply
from tests.unit.sandbox.rig import Listener, Rig


def subscribe(rig: Rig) -> tuple[Listener, dict[str, Any]]:
    listener = rig.listener()
    listener.ask("subscribe", channel="instrument")
    text = next(text for text in listener.texts if '"channel":"instrument","type"' in text)
    listener.heard()
    return listener, msgspec.json.decode(text, type=dict[str, Any])


def test_the_snapshot_has_all_assets_and_pairs_in_one_object(rig: Rig) -> None:
    _, message = subscribe(rig)
    assert (message["channel"], message["type"]) == ("instrument", "snapshot")
    data = message["data"]
    assert len(data["assets"]) == len(rig.exchange.catalog.assets)
    assert {row["symbol"] for row in data["pairs"]} == set(rig.exchange.catalog.by_symbol)
    ids = {row["id"] for row in data["assets"]}
    assert {"BTC", "DOGE", "USD"} <= ids
    assert all({row["base"], row["quote"]} <= ids for row in data["pairs"])


def test_rows_are_printed_as_kraken_prints_them(rig: Rig) -> None:
    listener = rig.listener()
    listener.ask("subscribe", channel="instrument")
    (text,) = [text for text in listener.texts if text.startswith('{"channel":"instrument"')]
    assert (
        '{"symbol":"BTC/USD","base":"BTC","quote":"USD","status":"online","qty_precision":8,'
        '"qty_increment":0.00000001,"price_precision":1,"cost_precision":5,"marginable":true,'
        '"has_index":true,"ws_display_price_precision":1,"cost_min":0.50,"margin_initial":0.20,'
        '"position_limit_long":277,"position_limit_short":221,"tick_size":0.1,"price_increment":0.1,'
        '"qty_min":0.00005000}'
    ) in text
    assert (
        '{"id":"BTC","status":"enabled","precision":10,"precision_display":5,"borrowable":true,'
        '"collateral_value":0.990,"class":"currency","margin_rate":0.010000}'
    ) in text


def test_changes_of_a_pair_are_told_one_by_one(rig: Rig) -> None:
    listener, _ = subscribe(rig)
    apply(rig.exchange, b'{"action":"pair_status","pair":"XBTUSD","status":"post_only"}')
    apply(rig.exchange, b'{"action":"precision","pair":"ETHUSD","price_decimals":3}')
    apply(rig.exchange, b'{"action":"delist","pair":"XBTUSD"}')
    heard = listener.heard_on("instrument")
    assert [message["type"] for message in heard] == ["update"] * 3
    rows = [message["data"]["pairs"] for message in heard]
    assert [(row["symbol"], row["status"], row["price_precision"]) for (row,) in rows] == [
        ("BTC/USD", "post_only", 1),
        ("ETH/USD", "online", 3),
        ("BTC/USD", "delisted", 1),
    ]
    assert all(message["data"]["assets"] == [] for message in heard)
    _, snapshot = subscribe(rig)
    assert "BTC/USD" not in {row["symbol"] for row in snapshot["data"]["pairs"]}
