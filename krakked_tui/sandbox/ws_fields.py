"""The parameters of the WebSocket's trading methods, checked as strictly as Kraken checks them."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Final

import msgspec

from krakked_tui.sandbox.catalog import Catalog, Listing
from krakked_tui.sandbox.faults import INVALID_PRICE_ARGUMENT, ApiError, invalid
from krakked_tui.sandbox.params import read_instant
from krakked_tui.sandbox.prices import AMOUNT_MAX, PERCENT_MAX, Price

Fields = Mapping[str, object]

_KINDS: Final[dict[str, tuple[type, ...]]] = {
    "number_float": (Decimal,),
    "number_integer": (int,),
    "string": (str,),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
}
_DECIMALS_MAX: Final = 20


class FieldSpec(msgspec.Struct, frozen=True):
    """A parameter: its name and its JSON type, in the words of Kraken's complaints."""

    name: str
    kind: str


def fields(**kinds: str) -> tuple[FieldSpec, ...]:
    """Spell a method's parameters, several to a kind, separated by spaces."""
    return tuple(FieldSpec(name, kind) for kind, names in kinds.items() for name in names.split())


def check_fields(params: Fields, known: tuple[FieldSpec, ...], method: str) -> None:
    """Refuse an unknown parameter, or one of another type: an integer is no float, nor is a text."""
    kinds = {field.name: field.kind for field in known}
    unknown = params.keys() - kinds.keys()
    if unknown:
        raise ApiError(f"Unsupported field: '{min(unknown)}' for the given msg type: {method}")
    for name, value in params.items():
        kind = kinds[name]
        if type(value) not in _KINDS[kind]:
            article = "an" if kind[0] in "aeiou" else "a"
            raise ApiError(f"{name.capitalize()} field must be {article} {kind}")


def text_of(params: Fields, name: str) -> str | None:
    """Return a text; an empty one counts as not sent."""
    value = params.get(name)
    return value if isinstance(value, str) and value else None


def flag_of(params: Fields, name: str) -> bool:
    """Return a truth value, false when not sent."""
    return params.get(name) is True


def number_of(params: Fields, name: str, field: str) -> Decimal | None:
    """Return a number; ``field`` is what REST calls it, and what a complaint does."""
    value = params.get(name)
    if not isinstance(value, Decimal):
        return None
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int) or exponent < -_DECIMALS_MAX or abs(value) >= AMOUNT_MAX:
        raise invalid(field)
    return value


def object_of(params: Fields, name: str, known: tuple[FieldSpec, ...], method: str) -> Fields:
    """Return an object's fields, checked; none when it is not sent."""
    value = params.get(name)
    if not isinstance(value, dict):
        return {}
    check_fields(value, known, method)
    return value


def price_of(params: Fields, name: str, kind_name: str, field: str) -> Price | None:
    """Return a price: ``static``, or away from its reference by a percentage or an amount of quote."""
    amount, kind = number_of(params, name, field), text_of(params, kind_name) or "static"
    if kind not in ("static", "pct", "quote"):
        raise invalid(kind_name)
    if amount is None:
        return None
    if kind == "static":
        if amount <= 0:
            raise invalid(field)
        return Price(amount)
    if kind == "pct" and abs(amount) >= PERCENT_MAX:
        raise ApiError(INVALID_PRICE_ARGUMENT)
    return Price(abs(amount), "-" if amount.is_signed() else "+", kind == "pct")


def instant_of(params: Fields, name: str) -> datetime | None:
    """Return an RFC 3339 instant."""
    return read_instant(name, text_of(params, name))


def listing_of(params: Fields, catalog: Catalog) -> Listing:
    """Return the pair a symbol stands for."""
    symbol = text_of(params, "symbol")
    if symbol is None:
        raise ApiError("Symbol(s) not found")
    listing = catalog.find_symbol(symbol)
    if listing is None:
        raise ApiError(f"Currency pair not supported {symbol}")
    return listing


def plain(amount: Decimal) -> str:
    """Spell a number as REST's parameters are spelled."""
    return format(amount, "f")


def spelled(price: Price) -> str:
    """Spell a price as REST's parameters are spelled: ``+1.5%``."""
    return f"{price.sign}{plain(price.amount)}{'%' if price.percent else ''}"
