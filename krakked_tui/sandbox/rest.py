"""The REST protocol: envelope, authentication, and the table of endpoints."""

from collections.abc import Mapping
from typing import Final

import msgspec

from krakked_tui.sandbox.calls import EVERYWHERE, Call, Endpoint
from krakked_tui.sandbox.endpoints_account import ACCOUNT
from krakked_tui.sandbox.endpoints_public import PUBLIC
from krakked_tui.sandbox.endpoints_trading import TRADING
from krakked_tui.sandbox.exchange import Exchange
from krakked_tui.sandbox.faults import BAD_REQUEST, UNKNOWN_METHOD, ApiError, invalid
from krakked_tui.sandbox.params import Params, parse_form, parse_json
from krakked_tui.sandbox.signing import Gatekeeper

PUBLIC_ENDPOINTS: Final[Mapping[str, Endpoint]] = {endpoint.name: endpoint for endpoint in PUBLIC}
PRIVATE_ENDPOINTS: Final[Mapping[str, Endpoint]] = {
    endpoint.name: endpoint for endpoint in (*ACCOUNT, *TRADING)
}

_JSON: Final = "application/json"


class RestApi:
    """Answers REST calls with the bytes of Kraken's envelope; errors are answers too."""

    def __init__(self, exchange: Exchange, gatekeeper: Gatekeeper) -> None:
        self._exchange = exchange
        self._gatekeeper = gatekeeper

    def public(self, method: str, query: str, content_type: str, body: bytes) -> bytes:
        """Answer ``/0/public/<method>``; parameters come from the query or, with POST, from the body."""
        try:
            endpoint = _endpoint(PUBLIC_ENDPOINTS, method)
            params = _read_body(content_type, body) if body else parse_form(query)
            return self._answer(endpoint, params, frozenset())
        except ApiError as error:
            return failure(error.text)

    def private(self, path: str, headers: Mapping[str, str], body: bytes) -> bytes:
        """Answer ``/0/private/<method>``: the signature is over ``path`` and the raw ``body``."""
        try:
            endpoint = _endpoint(PRIVATE_ENDPOINTS, path.rpartition("/")[2])
            params = _read_body(headers.get("content-type", ""), body)
            key, signature = headers.get("api-key", ""), headers.get("api-sign", "")
            self._gatekeeper.check(path, key, signature, params.text("nonce"), body)
            return self._answer(endpoint, params, EVERYWHERE)
        except ApiError as error:
            return failure(error.text)

    def _answer(self, endpoint: Endpoint, params: Params, everywhere: frozenset[str]) -> bytes:
        unknown = params.names - everywhere - frozenset(endpoint.accepts)
        if unknown:
            raise invalid(min(unknown))
        at = self._exchange.catch_up()
        result = endpoint.answer(Call(self._exchange, self._gatekeeper, params, at))
        return msgspec.json.encode({"error": [], "result": result})


def failure(text: str) -> bytes:
    """Return the envelope of an error; it has no result."""
    return msgspec.json.encode({"error": [text]})


def _endpoint(table: Mapping[str, Endpoint], method: str) -> Endpoint:
    if method not in table:
        raise ApiError(UNKNOWN_METHOD)
    return table[method]


def _read_body(content_type: str, body: bytes) -> Params:
    if content_type.partition(";")[0].strip().lower() == _JSON:
        return parse_json(body)
    try:
        return parse_form(body.decode())
    except ValueError as error:
        raise ApiError(BAD_REQUEST) from error
