"""The routes under ``/_sandbox/``: read and move the exchange itself. No fault ever strikes here."""

from collections.abc import Callable, Mapping
from ipaddress import ip_address
from typing import Final
from urllib.parse import parse_qsl

import msgspec

from krakked_tui.sandbox import control
from krakked_tui.sandbox.context import Context
from krakked_tui.sandbox.control import ControlError
from krakked_tui.sandbox.fault_control import add_faults
from krakked_tui.sandbox.fault_market import strike_market
from krakked_tui.sandbox.fault_rules import FaultError
from krakked_tui.sandbox.happenings import apply
from krakked_tui.sandbox.key_control import disable_key, key_rows, make_new_key

CONTROL_PATH: Final = "/_sandbox/"
Query = Mapping[str, str]


class Route(msgspec.Struct, frozen=True):
    """One thing the control door does."""

    method: str
    name: str
    answer: Callable[[Context, Query, bytes], object]


def show_state(context: Context, _query: Query, _body: bytes) -> object:
    """Return the exchange's truth."""
    return {**control.state_row(context.exchange), **_door_row(context)}


def move_clock(context: Context, _query: Query, body: bytes) -> object:
    """Move the clock; everything on the way has happened and is queued when this returns."""
    control.move_clock(context.exchange.clock, body)
    strike_market(context)
    context.hub.tick_ohlc()
    context.hub.tick_tickers()
    return control.clock_row(context.exchange)


def show_requests(context: Context, query: Query, _body: bytes) -> object:
    """Return the record of requests."""
    since = query.get("since", "0")
    if not since.isascii() or not since.isdigit() or len(since) > 18:
        raise ControlError("since is the number of a request: rows after it are shown.")
    unknown = query.keys() - {"since", "method"}
    if unknown:
        raise ControlError(f"There is no filter {min(unknown)}; there are since and method.")
    return context.log.rows(int(since), query.get("method"))


def show_faults(context: Context, _query: Query, _body: bytes) -> object:
    """Return the rules in force."""
    return {"faults": context.faults.rows()}


def put_faults(context: Context, _query: Query, body: bytes) -> object:
    """Put rules in force."""
    return {"added": add_faults(context.faults, body, context.now()), "faults": context.faults.rows()}


def clear_faults(context: Context, _query: Query, _body: bytes) -> object:
    """Take all rules out of force."""
    context.faults.clear()
    return {"faults": []}


def change_market(context: Context, _query: Query, body: bytes) -> object:
    """Let something happen at the exchange."""
    return apply(context.exchange, body)


def show_keys(context: Context, _query: Query, _body: bytes) -> object:
    """Return all keys, without their secrets."""
    return {"keys": key_rows(context.hub.gatekeeper.ring)}


def add_key(context: Context, _query: Query, body: bytes) -> object:
    """Make a key."""
    return make_new_key(context.hub.gatekeeper.ring, body, context.exchange.clock.now())


def drop_key(context: Context, query: Query, _body: bytes) -> object:
    """Disable a key."""
    disable_key(context.hub.gatekeeper.ring, query.get("key", ""), context.exchange.clock.now())
    return {"keys": key_rows(context.hub.gatekeeper.ring)}


ROUTES: Final = (
    Route("GET", "state", show_state),
    Route("POST", "clock", move_clock),
    Route("GET", "requests", show_requests),
    Route("GET", "faults", show_faults),
    Route("POST", "faults", put_faults),
    Route("DELETE", "faults", clear_faults),
    Route("POST", "market", change_market),
    Route("GET", "keys", show_keys),
    Route("POST", "keys", add_key),
    Route("DELETE", "keys", drop_key),
)


def refusal(peer: str, headers: Mapping[str, str]) -> str | None:
    """Return why a caller is not let in, None to let it in: only programs on this machine are.

    A page in a browser gives itself away by its Origin, and a name that was made to point here by
    being no loopback name.
    """
    if not _is_loopback(peer):
        return "The control door opens to this machine only."
    if "origin" in headers:
        return "The control door does not open to web pages."
    if not _is_loopback(_host(headers.get("host", ""))):
        return "The control door wants a loopback Host, like 127.0.0.1."
    return None


def answer(context: Context, method: str, path: str, query: str, body: bytes | None) -> tuple[int, bytes]:
    """Return status and body of the answer to a control request. Raises ``StorageError``."""
    name = path.removeprefix(CONTROL_PATH)
    route = next((route for route in ROUTES if (route.method, route.name) == (method, name)), None)
    if route is None:
        known = [f"{known.method} {CONTROL_PATH}{known.name}" for known in ROUTES]
        return 404, msgspec.json.encode({"error": f"There is no {method} {path}.", "routes": known})
    if body is None:
        return 413, error_body("The body is too long.")
    try:
        fields = dict(parse_qsl(query, keep_blank_values=True))
        found = route.answer
        return 200, msgspec.json.encode(found(context, fields, body))
    except (ControlError, FaultError) as error:
        return 400, error_body(str(error))
    except RecursionError:
        return 400, error_body("The body is nested too deep.")


def error_body(why: str) -> bytes:
    """Return the body of a refusal."""
    return msgspec.json.encode({"error": why})


def _door_row(context: Context) -> dict[str, object]:
    """What the sandbox knows beyond the exchange's books."""
    ring, limits, wall = context.hub.gatekeeper.ring, context.api.limits, context.wall()
    counters = {
        key.record.fingerprint: round(limits.private_count(key.record.api_key, wall), 2) for key in ring
    }
    exchange = context.exchange
    trading = {name: exchange.trading_counter(name) for name in exchange.catalog.listings}
    return {
        "keys": key_rows(ring),
        "counters": {
            "tier": limits.rules.tier,
            "private": counters,
            "trading": {name: str(count) for name, count in trading.items() if count},
        },
        "connections": len(context.hub.sessions),
    }


def _host(header: str) -> str:
    """Return the name in a Host header, its port left out."""
    if header.startswith("["):
        return header[1:].partition("]")[0]
    return header.partition(":")[0]


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
