from krakked_tui.sandbox.fault_rules import Layer
from krakked_tui.sandbox.places import PLACES


def test_methods_channels_and_what_nobody_asked_for() -> None:
    names = [place.name for place in PLACES]
    assert {"AddOrder", "OHLC", "ticker", "executions", "subscribe", "heartbeat", "connect"} <= set(names)
    assert "*" not in names
    assert len(names) == len(set(names))


def test_every_layer_but_the_market_has_places() -> None:
    assert {layer for place in PLACES for layer in place.layers} == set(Layer) - {Layer.MARKET}
