"""A scripted Kraken behind ``httpx.MockTransport``: what it answers, and what it was asked."""

from collections.abc import Callable
from urllib.parse import parse_qs

import httpx
import msgspec

from krakked_tui.kraken.keys import ApiKey
from krakked_tui.kraken.listing import Listing
from krakked_tui.kraken.nonce import NonceSource
from krakked_tui.kraken.rest import KrakenRest
from krakked_tui.kraken.settings import ConnectionSettings
from tests.fakes.clock import FakeClock

PUBLIC_KEY = "pub1icKeyTextOfTheOperator"
SECRET = "c2VjcmV0IHRleHQgb2YgdGhlIG9wZXJhdG9y"  # base64 of words

Answer = httpx.Response | Exception | Callable[[dict[str, str]], httpx.Response]

ASSETS = {
    "XXBT": {"aclass": "currency", "altname": "XBT", "decimals": 10, "display_decimals": 5},
    "ZUSD": {"aclass": "currency", "altname": "USD", "decimals": 4, "display_decimals": 2},
}
ASSET_PAIRS = {
    "XXBTZUSD": {
        "altname": "XBTUSD",
        "wsname": "XBT/USD",
        "aclass_base": "currency",
        "base": "XXBT",
        "quote": "ZUSD",
        "cost_decimals": 5,
        "pair_decimals": 1,
        "lot_decimals": 8,
    }
}


def ok(result: object) -> httpx.Response:
    """A successful reply."""
    return httpx.Response(200, content=msgspec.json.encode({"error": [], "result": result}))


def refused(*errors: str) -> httpx.Response:
    """A reply with error strings."""
    return httpx.Response(200, content=msgspec.json.encode({"error": errors}))


class Call(msgspec.Struct):
    """One request as it arrived."""

    method: str
    params: dict[str, str]
    headers: dict[str, str]
    body: bytes


class ScriptedKraken:
    """Answers each method from its list, the last answer again and again."""

    def __init__(self) -> None:
        self.answers: dict[str, list[Answer]] = {"Assets": [ok(ASSETS)], "AssetPairs": [ok(ASSET_PAIRS)]}
        self.calls: list[Call] = []
        self.clock = FakeClock(auto=True)

    def on(self, method: str, *answers: Answer) -> None:
        """Set what a method answers, call after call."""
        self.answers[method] = list(answers)

    def handle(self, request: httpx.Request) -> httpx.Response:
        method = request.url.path.rsplit("/", 1)[-1]
        if request.headers.get("Content-Type") == "application/json":
            params = msgspec.json.decode(request.content)
        else:
            text = request.content.decode() or request.url.query.decode()
            params = {name: values[0] for name, values in parse_qs(text).items()}
        self.calls.append(Call(method, params, dict(request.headers), request.content))
        answers = self.answers[method]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, httpx.Response) else answer(params)

    def calls_of(self, method: str) -> list[Call]:
        """The requests for one method."""
        return [call for call in self.calls if call.method == method]

    def rest(self, *, url: str = "https://api.kraken.com", key: bool = True) -> KrakenRest:
        """A client that talks to this exchange."""
        return KrakenRest(
            ConnectionSettings(rest_url=url),
            self.clock,
            key=ApiKey(PUBLIC_KEY, SECRET) if key else None,
            nonces=NonceSource(lambda: 1_000),
            transport=httpx.MockTransport(self.handle),
        )

    def listing(self) -> Listing:
        """What it lists, read through a client of its own."""
        return Listing(self.rest(key=False))
