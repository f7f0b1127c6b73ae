"""An exchange without sockets and with a wall clock that moves only when told."""

from base64 import b64decode
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import msgspec

from krakked_tui.sandbox.context import open_context
from krakked_tui.sandbox.keys import Key
from krakked_tui.sandbox.opening import open_exchange
from krakked_tui.sandbox.sessions import Hub, Session
from krakked_tui.sandbox.settings import SandboxSettings
from krakked_tui.sandbox.signing import sign

FORM = "application/x-www-form-urlencoded"


class Wall:
    """Wall time in nanoseconds."""

    def __init__(self) -> None:
        self.now = 1_000_000_000

    def __call__(self) -> int:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += round(seconds * 1e9)


class Rig:
    """One exchange, spoken to as a client would, the bytes included."""

    def __init__(self, settings: SandboxSettings | None = None) -> None:
        self.wall = Wall()
        settings = settings or SandboxSettings()
        self.exchange, self.gatekeeper = open_exchange(settings, self.wall)
        self.hub = Hub(self.exchange, self.gatekeeper)
        self.context = open_context(settings, self.hub, self.wall)
        self.api = self.context.api
        self.key = self.gatekeeper.ring.main
        """Whose calls the private ones are."""
        self.nonce = 0

    def public(self, method: str, **params: str) -> Any:
        return result_of(self.api.public(method, urlencode(params), "", b""))

    def private(self, method: str, **params: str) -> Any:
        body = urlencode({"nonce": self.next_nonce(), **params}).encode()
        return result_of(self.post(method, body, FORM))

    def private_json(self, method: str, **params: object) -> Any:
        body = msgspec.json.encode({"nonce": self.next_nonce(), **params})
        return result_of(self.post(method, body, "application/json"))

    def post(self, method: str, body: bytes, content_type: str) -> bytes:
        path = f"/0/private/{method}"
        record = self.key.record
        signature = sign(b64decode(record.api_secret), path, str(self.nonce), body)
        headers = {"api-key": record.api_key, "api-sign": signature, "content-type": content_type}
        return self.api.private(path, headers, body)

    def use_key(self, api_key: str) -> Key:
        """Make the next private calls with another key."""
        key = self.gatekeeper.ring.named(api_key)
        assert key is not None
        self.key = key
        return key

    def next_nonce(self) -> str:
        self.nonce += 1
        return str(self.nonce)

    def buy(self, volume: str, price: str | None = None, pair: str = "XBTUSD", **more: str) -> Any:
        return self.order("buy", volume, price, pair, **more)

    def sell(self, volume: str, price: str | None = None, pair: str = "XBTUSD", **more: str) -> Any:
        return self.order("sell", volume, price, pair, **more)

    def order(self, side: str, volume: str, price: str | None, pair: str, **more: str) -> Any:
        kind = {"ordertype": "market"} if price is None else {"ordertype": "limit", "price": price}
        return self.private("AddOrder", pair=pair, type=side, volume=volume, **kind, **more)

    def bid(self, pair: str = "XBTUSD") -> Decimal:
        return self.exchange.book(pair, self.exchange.clock.now(), depth=1).bids[0].price

    def ask(self, pair: str = "XBTUSD") -> Decimal:
        return self.exchange.book(pair, self.exchange.clock.now(), depth=1).asks[0].price

    def listener(self, *, private: bool = False) -> "Listener":
        return Listener(self.hub, private=private)


class Listener:
    """The far end of a WebSocket: what it heard, decoded with every digit kept."""

    def __init__(self, hub: Hub, *, private: bool) -> None:
        self.texts: list[str] = []
        self.session: Session = hub.open(self.texts.append, private=private)
        self._decode = msgspec.json.Decoder(float_hook=Decimal).decode

    def ask(self, method: str, req_id: int | None = 1, **params: Any) -> None:
        message: dict[str, object] = {"method": method, "params": params}
        if req_id is not None:
            message["req_id"] = req_id
        self.session.receive(msgspec.json.encode(message).decode())

    def heard(self) -> list[Any]:
        """Hand out what arrived since the last call."""
        messages = [self._decode(text) for text in self.texts]
        self.texts.clear()
        return messages

    def heard_on(self, channel: str) -> list[Any]:
        return [message for message in self.heard() if message.get("channel") == channel]


class RefusedCall(Exception):
    """The exchange answered with these errors."""


def result_of(answer: bytes) -> Any:
    envelope = msgspec.json.decode(answer)
    if envelope["error"]:
        assert "result" not in envelope
        raise RefusedCall(*envelope["error"])
    return envelope["result"]


def stored(path: Path, **settings: Any) -> SandboxSettings:
    return SandboxSettings(state=path, **settings)
