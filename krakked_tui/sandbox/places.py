"""Where faults can strike: every REST method, WebSocket channel and WebSocket method there is."""

from typing import Final

from krakked_tui.sandbox.fault_rules import Layer, Place
from krakked_tui.sandbox.rest import METHODS, PRIVATE_ENDPOINTS
from krakked_tui.sandbox.ws_requests import CHANNELS
from krakked_tui.sandbox.ws_trading import METHODS as TRADING_METHODS

_REST: Final = frozenset((Layer.REST,))
_REQUEST: Final = frozenset((Layer.REQUEST,))
_MESSAGE: Final = frozenset((Layer.MESSAGE,))
_TOLD: Final = frozenset(("clock",))
_ASKED: Final = _TOLD | {"token"}
_SUBSCRIBED: Final = frozenset(("clock", "subscribe"))


def _rest(name: str) -> Place:
    if name == "Time":
        return Place(name, _REST, _TOLD)
    return Place(name, _REST, frozenset(("private",)) if name in PRIVATE_ENDPOINTS else frozenset())


PLACES: Final = (
    *(_rest(name) for name in METHODS),
    *(
        Place(
            channel.name,
            _REQUEST | _MESSAGE,
            _SUBSCRIBED | {"token"} if channel.private else _SUBSCRIBED,
        )
        for channel in CHANNELS
    ),
    Place("subscribe", _REQUEST, _SUBSCRIBED | {"token"}),
    Place("unsubscribe", _REQUEST, _ASKED),
    Place("ping", _REQUEST, _TOLD),
    Place("status", _MESSAGE),
    Place("heartbeat", _MESSAGE),
    *(Place(name, _REQUEST, _ASKED) for name in sorted(TRADING_METHODS)),
    Place("connect", frozenset((Layer.CONNECT,))),
)
