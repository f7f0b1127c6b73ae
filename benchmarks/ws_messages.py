"""WebSocket v2 messages as Kraken would send them: seeded, over 500 symbols, every checksum right."""

from datetime import UTC, datetime
from random import Random
from zlib import crc32

SYMBOLS = tuple(f"{chr(65 + i % 26)}{chr(65 + i // 26 % 26)}{'XYZ'[i % 3]}/USD" for i in range(500))
END = "END/USD"
"""Nothing but the last message is about it."""
DEPTH = 10
KINDS = (("ticker", 60), ("ohlc", 15), ("trade", 10), ("book", 15))
"""Percent of the messages."""


class _Number(str):
    """A number, spelled with a fixed number of decimals."""

    __slots__ = ()

    def __new__(cls, value: float, decimals: int) -> "_Number":
        return super().__new__(cls, f"{value:.{decimals}f}")


class _Book:
    """The plainest book there can be: price ticks to quantities in units of 1e-8."""

    def __init__(self, middle: int, decimals: int, rng: Random) -> None:
        self.decimals = decimals
        self.sides = {
            "asks": {middle + 1 + n: rng.randrange(1, 10**10) for n in range(DEPTH)},
            "bids": {middle - n: rng.randrange(1, 10**10) for n in range(DEPTH)},
        }

    def best(self, side: str) -> list[int]:
        return sorted(self.sides[side], reverse=side == "bids")[:DEPTH]

    def change(self, rng: Random) -> dict[str, list[dict[str, _Number]]]:
        rows: dict[str, list[dict[str, _Number]]] = {"bids": [], "asks": []}
        side = rng.choice(("asks", "bids"))
        levels = self.sides[side]
        for price in rng.sample(self.best(side), rng.choice((1, 1, 2))):
            if rng.random() < 0.2:
                del levels[price]
                rows[side].append(self.row(price, 0))
                outer = self.best(side)[-1] + (1 if side == "asks" else -1)
                levels[outer] = rng.randrange(1, 10**10)
                rows[side].append(self.row(outer, levels[outer]))
            else:
                levels[price] = rng.randrange(1, 10**10)
                rows[side].append(self.row(price, levels[price]))
        return rows

    def row(self, price: int, qty: int) -> dict[str, _Number]:
        return {"price": _Number(price / 10**self.decimals, self.decimals), "qty": _Number(qty / 10**8, 8)}

    def everything(self) -> dict[str, list[dict[str, _Number]]]:
        return {side: [self.row(p, self.sides[side][p]) for p in self.best(side)] for side in self.sides}

    def checksum(self) -> int:
        text = "".join(f"{p}{self.sides[side][p]}" for side in ("asks", "bids") for p in self.best(side))
        return crc32(text.encode())


class Exchange:
    """Makes messages; the first 500 are the snapshots of all books."""

    def __init__(self, seed: int) -> None:
        self._rng = Random(seed)
        self._time = 1_780_000_000.0
        self._trade_id = 1_000
        self._middle = {symbol: 10 ** self._rng.uniform(0.5, 4.5) for symbol in (*SYMBOLS, END)}
        self._decimals = {symbol: 1 if m > 1_000 else 4 for symbol, m in self._middle.items()}
        self._books = {
            s: _Book(int(m * 10 ** self._decimals[s]), self._decimals[s], self._rng)
            for s, m in self._middle.items()
            if s != END
        }

    def messages(self, count: int) -> list[bytes]:
        """Return this many messages, the last one a ticker of ``END``."""
        made = [self._snapshot(symbol) for symbol in SYMBOLS[:count]]
        kinds, weights = [kind for kind, _ in KINDS], [weight for _, weight in KINDS]
        # A few pairs are traded most of the time, as everywhere.
        popularity = [1 / (i + 3) for i in range(len(SYMBOLS))]
        for kind in self._rng.choices(kinds, weights, k=count - 1 - len(made)):
            self._time += self._rng.expovariate(2_000)
            symbol = self._rng.choices(SYMBOLS, popularity)[0]
            made.append(getattr(self, f"_{kind}")(symbol))
        return [*made, self._ticker(END)]

    def _price(self, symbol: str, factor: float = 1.0) -> _Number:
        return _Number(self._middle[symbol] * factor, self._decimals[symbol])

    def _qty(self, mean: float) -> _Number:
        return _Number(self._rng.expovariate(1 / mean) + 1e-8, 8)

    def _ticker(self, symbol: str) -> bytes:
        self._middle[symbol] *= 1 + self._rng.gauss(0, 3e-4)
        row = {
            "symbol": symbol, "bid": self._price(symbol, 0.9998), "bid_qty": self._qty(20),
            "ask": self._price(symbol, 1.0002), "ask_qty": self._qty(20), "last": self._price(symbol),
            "volume": self._qty(1e5), "vwap": self._price(symbol, 1.001), "low": self._price(symbol, 0.97),
            "high": self._price(symbol, 1.03), "change": self._price(symbol, 0.01),
            "change_pct": _Number(self._rng.gauss(0, 2), 2), "timestamp": _stamp(self._time),
        }  # fmt: skip
        return _encode({"channel": "ticker", "type": "update", "data": [row]})

    def _ohlc(self, symbol: str) -> bytes:
        begin = self._time // 60 * 60
        row = {
            "symbol": symbol, "open": self._price(symbol), "high": self._price(symbol, 1.001),
            "low": self._price(symbol, 0.999), "close": self._price(symbol),
            "trades": self._rng.randrange(1, 100), "volume": self._qty(10), "vwap": self._price(symbol),
            "interval_begin": f"{_stamp(begin)[:-1]}000Z", "interval": 1, "timestamp": _stamp(begin + 60),
        }  # fmt: skip
        stamp = f"{_stamp(self._time)[:-1]}000Z"
        return _encode({"channel": "ohlc", "type": "update", "timestamp": stamp, "data": [row]})

    def _trade(self, symbol: str) -> bytes:
        rows = []
        for _ in range(self._rng.choice((1, 1, 1, 3))):
            self._trade_id += 1
            row = {
                "symbol": symbol, "side": self._rng.choice(("buy", "sell")), "price": self._price(symbol),
                "qty": self._qty(1), "ord_type": self._rng.choice(("market", "limit")),
                "trade_id": self._trade_id, "timestamp": _stamp(self._time),
            }  # fmt: skip
            rows.append(row)
        return _encode({"channel": "trade", "type": "update", "data": rows})

    def _book(self, symbol: str) -> bytes:
        book = self._books[symbol]
        rows = book.change(self._rng)
        row = {"symbol": symbol, **rows, "checksum": book.checksum(), "timestamp": _stamp(self._time)}
        return _encode({"channel": "book", "type": "update", "data": [row]})

    def _snapshot(self, symbol: str) -> bytes:
        book = self._books[symbol]
        row = {"symbol": symbol, **book.everything(), "checksum": book.checksum()}
        return _encode({"channel": "book", "type": "snapshot", "data": [row]})


def _text(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ",".join(f'"{key}":{_text(item)}' for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_text, value)) + "]"
    return f'"{value}"' if type(value) is str else str(value)


def _encode(message: object) -> bytes:
    return _text(message).encode()


def _stamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
