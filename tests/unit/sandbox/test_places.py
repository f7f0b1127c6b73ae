from krakked_tui.sandbox.places import PLACES


def test_methods_channels_and_what_nobody_asked_for() -> None:
    assert {"AddOrder", "OHLC", "ticker", "executions", "subscribe", "heartbeat", "connect"} <= PLACES
    assert "*" not in PLACES
