"""Replies about money, decoded row by row: one that makes no sense is left out, and the others count.

What is left out shows: in the log, and as a difference between balances and books.
"""

from typing import Generic, TypeVar

import msgspec
from msgspec.json import Decoder

from krakked_tui.kraken import wire

RowT = TypeVar("RowT")

_ALONE_MAX = 3
"""What is read of a history is often a row or two."""
_FIELDS = Decoder(dict[str, msgspec.Raw])
_COUNT = Decoder(int | None)


class Readable(dict[str, RowT]):
    """Rows by their key; ``unreadable`` says, by key, why a row is left out."""

    unreadable: dict[str, str]


class RowByRow(Generic[RowT]):
    """Decodes a mapping of rows."""

    def __init__(self, row: type[RowT], alone_max: int = 0) -> None:
        """As many bad rows may be all there is: more of them, and no good one, mean that nothing is right."""
        self._row = Decoder(row)
        self._alone_max = alone_max

    def decode(self, text: bytes | msgspec.Raw) -> Readable[RowT]:
        """Return the rows that make sense. Raises ``msgspec.DecodeError`` for what is no mapping."""
        rows = Readable[RowT]()
        rows.unreadable = {}
        failure: msgspec.ValidationError | None = None
        for key, raw in _FIELDS.decode(text).items():
            try:
                rows[key] = self._row.decode(raw)
            except msgspec.ValidationError as error:
                rows.unreadable[key] = str(error)
                if not rows and len(rows.unreadable) > self._alone_max:
                    failure = error
        if failure is not None and not rows:
            raise failure
        return rows


class TradePages:
    """Decodes TradesHistory."""

    def __init__(self) -> None:
        self._rows = RowByRow(wire.Trade, _ALONE_MAX)

    def decode(self, text: bytes | msgspec.Raw) -> wire.TradesHistory:
        """Return a page. Raises ``msgspec.DecodeError`` for what is none."""
        rows, count = _page(text, "trades")
        trades = self._rows.decode(rows)
        return wire.TradesHistory(trades, count, trades.unreadable)


class LedgerPages:
    """Decodes Ledgers."""

    def __init__(self) -> None:
        self._rows = RowByRow(wire.LedgerRow, _ALONE_MAX)

    def decode(self, text: bytes | msgspec.Raw) -> wire.Ledgers:
        """Return a page. Raises ``msgspec.DecodeError`` for what is none."""
        rows, count = _page(text, "ledger")
        ledger = self._rows.decode(rows)
        return wire.Ledgers(ledger, count, ledger.unreadable)


def unreadable_in(result: object) -> dict[str, str]:
    """Return why rows of a result are left out, by key."""
    found = getattr(result, "unreadable", None)
    return found if isinstance(found, dict) else {}


def _page(text: bytes | msgspec.Raw, name: str) -> tuple[msgspec.Raw, int | None]:
    fields = _FIELDS.decode(text)
    if name not in fields:
        raise msgspec.ValidationError(f"Object missing required field `{name}`")
    return fields[name], _COUNT.decode(fields.get("count", b"null"))
