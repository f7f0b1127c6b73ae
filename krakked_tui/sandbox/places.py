"""Where faults can strike: every REST method, WebSocket channel and WebSocket method there is."""

from typing import Final

from krakked_tui.sandbox.rest import METHODS
from krakked_tui.sandbox.ws_requests import CHANNELS
from krakked_tui.sandbox.ws_trading import METHODS as TRADING_METHODS

_CONVERSATION: Final = ("subscribe", "unsubscribe", "ping")
_UNASKED: Final = ("status", "heartbeat")

PLACES: Final = frozenset(
    (
        *METHODS,
        *(channel.name for channel in CHANNELS),
        *_CONVERSATION,
        *_UNASKED,
        *TRADING_METHODS,
        "connect",
    )
)
