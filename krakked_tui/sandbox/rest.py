"""The REST protocol: envelope, authentication, limits, and the table of endpoints."""

from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from krakked_tui.sandbox.calls import ALL, EVERYWHERE, Call, Endpoint, View
from krakked_tui.sandbox.endpoints_account import ACCOUNT
from krakked_tui.sandbox.endpoints_public import PUBLIC
from krakked_tui.sandbox.endpoints_trading import TRADING
from krakked_tui.sandbox.exchange import Exchange
from krakked_tui.sandbox.faults import BAD_REQUEST, UNKNOWN_METHOD, ApiError, invalid
from krakked_tui.sandbox.keys import Key
from krakked_tui.sandbox.params import Params, parse_form, parse_json
from krakked_tui.sandbox.permissions import require_all, require_any
from krakked_tui.sandbox.rate_limits import LimitRules, RateLimits
from krakked_tui.sandbox.signing import Gatekeeper

PUBLIC_ENDPOINTS: Final[Mapping[str, Endpoint]] = {endpoint.name: endpoint for endpoint in PUBLIC}
PRIVATE_ENDPOINTS: Final[Mapping[str, Endpoint]] = {
    endpoint.name: endpoint for endpoint in (*ACCOUNT, *TRADING)
}
METHODS: Final = (*PUBLIC_ENDPOINTS, *PRIVATE_ENDPOINTS)

PUBLIC_PATH: Final = "/0/public/"
PRIVATE_PATH: Final = "/0/private/"
_JSON: Final = "application/json"
_NO_PARAMS: Final = Params({})


class Request(msgspec.Struct, frozen=True):
    """One REST call as it came: ``path`` decides what is called, ``headers`` have lower-case names."""

    path: str
    query: str = ""
    headers: Mapping[str, str] = {}
    body: bytes = b""
    peer: str = ""

    @property
    def method(self) -> str:
        """The REST method's name: all that follows ``/0/public/`` or ``/0/private/``."""
        return self.path.removeprefix(PUBLIC_PATH).removeprefix(PRIVATE_PATH)


class Answer(msgspec.Struct, frozen=True):
    """The bytes to send, and what the record of requests wants to know."""

    body: bytes
    errors: tuple[str, ...] = ()
    params: Params = _NO_PARAMS
    result: object = None


class RestApi:
    """Answers REST calls with the bytes of Kraken's envelope; errors are answers too.

    ``now`` gives wall seconds, on which the limits run.
    """

    def __init__(
        self,
        exchange: Exchange,
        gatekeeper: Gatekeeper,
        limits: RateLimits | None = None,
        now: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self.exchange = exchange
        self.gatekeeper = gatekeeper
        self.limits = limits or RateLimits(LimitRules())
        self._now = now

    def answer(self, request: Request, view: View = ALL) -> Answer:
        """Answer a call under ``/0/``; ``view`` is what it may see of the latest orders and trades."""
        private = request.path.startswith(PRIVATE_PATH)
        call = _Private(self, view) if private else _Public(self, view)
        return call.answer(request)

    def charge_public(self, peer: str, method: str, params: Params) -> None:
        """Count a public call, or raise ``ApiError``."""
        if self.limits.rules.public_rate is None:
            return
        name = params.names_in("pair")[:1]
        listing = self.exchange.catalog.find(name[0]) if name else None
        pair = "" if listing is None else listing.name
        self.limits.public_call(peer, method, pair, self._now())

    def charge_private(self, key: Key, endpoint: Endpoint) -> None:
        """Count a private call, or raise ``ApiError``."""
        cost = self.limits.rules.cost(endpoint.name, endpoint.cost)
        self.limits.private_call(key.record.api_key, cost, self._now())

    def public(self, method: str, query: str, content_type: str, body: bytes) -> bytes:
        """Answer ``/0/public/<method>``; parameters come from the query or, with POST, from the body."""
        headers = {"content-type": content_type}
        return self.answer(Request(f"/0/public/{method}", query, headers, body)).body

    def private(self, path: str, headers: Mapping[str, str], body: bytes) -> bytes:
        """Answer ``/0/private/<method>``: the signature is over ``path`` and the raw ``body``."""
        return self.answer(Request(path, "", headers, body)).body


class _Public:
    """One public call on its way."""

    private = False
    everywhere: frozenset[str] = frozenset()
    table = PUBLIC_ENDPOINTS

    def __init__(self, api: RestApi, view: View) -> None:
        self._api = api
        self._view = view
        self._params = _NO_PARAMS
        self._key: Key | None = None
        self._result: object = None

    def answer(self, request: Request) -> Answer:
        errors: tuple[str, ...] = ()
        try:
            body = self._carry_out(request)
        except ApiError as error:
            body, errors = failure(error.text), (error.text,)
        return Answer(body, errors, self._params, self._result)

    def _carry_out(self, request: Request) -> bytes:
        if request.method not in self.table:
            raise ApiError(UNKNOWN_METHOD)
        endpoint = self.table[request.method]
        self._params = _read(request, private=self.private)
        self._admit(request, endpoint)
        unknown = self._params.names - self.everywhere - frozenset(endpoint.accepts)
        if unknown:
            raise invalid(min(unknown))
        exchange = self._api.exchange
        at = exchange.catch_up() + self._view.skew
        call = Call(exchange, self._api.gatekeeper, self._params, at, self._key, self._view)
        self._result = endpoint.answer(call)
        return msgspec.json.encode({"error": [], "result": self._result})

    def _admit(self, request: Request, endpoint: Endpoint) -> None:
        self._api.charge_public(request.peer, endpoint.name, self._params)


class _Private(_Public):
    """One private call on its way."""

    private = True
    everywhere = EVERYWHERE
    table = PRIVATE_ENDPOINTS

    def _admit(self, request: Request, endpoint: Endpoint) -> None:
        """Check key, nonce, signature and permissions, in this order, and count the call."""
        headers, keeper = request.headers, self._api.gatekeeper
        api_key, signature = headers.get("api-key", ""), headers.get("api-sign", "")
        key = keeper.check(request.path, api_key, signature, self._params.text("nonce"), request.body)
        self._key = key
        keeper.check_otp(key, self._params.text("otp"))
        require_any(key.record.permissions, endpoint.needs)
        require_all(key.record.permissions, endpoint.also)
        self._api.charge_private(key, endpoint)


def read_params(request: Request) -> Params:
    """Return what a call carries, nothing when it cannot be read."""
    try:
        return _read(request, private=request.path.startswith(PRIVATE_PATH))
    except ApiError:
        return _NO_PARAMS


def failure(text: str) -> bytes:
    """Return the envelope of an error; it has no result."""
    return msgspec.json.encode({"error": [text]})


def _read(request: Request, *, private: bool) -> Params:
    return _read_body(request) if private or request.body else parse_form(request.query)


def _read_body(request: Request) -> Params:
    content_type = request.headers.get("content-type", "")
    if content_type.partition(";")[0].strip().lower() == _JSON:
        return parse_json(request.body)
    try:
        return parse_form(request.body.decode())
    except ValueError as error:
        raise ApiError(BAD_REQUEST) from error
