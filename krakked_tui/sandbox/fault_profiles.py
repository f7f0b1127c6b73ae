"""Named chaos: what goes wrong by itself. Probabilities are per call, request or message."""

from collections.abc import Mapping
from typing import Final, Literal

from krakked_tui.sandbox.fault_rules import Rule

ProfileName = Literal["mild", "rough", "hell"]

_ORDERS = ("AddOrder", "CancelOrder", "add_order", "cancel_order")
_PRIVATE_CHANNELS = ("executions", "balances")

_HOUR: Final = 3600.0
_ONLINE: Final[dict[str, object]] = {"action": "system_status", "status": "online"}
_SURPRISES: Final[tuple[dict[str, object], ...]] = (
    {"action": "shock", "pair": "XBTUSD", "percent": "-5"},
    {"action": "shock", "pair": "ETHUSD", "percent": "5"},
    {"action": "deposit", "asset": "USD", "amount": "100"},
    {"action": "transfer", "asset": "USD", "amount": "1", "type": "reward"},
)
_DISASTERS: Final[tuple[dict[str, object], ...]] = (
    *_SURPRISES,
    {"action": "shock", "pair": "SOLUSD", "percent": "-30"},
    {"action": "shock", "pair": "SOLUSD", "percent": "40"},
    {"action": "withdrawal", "asset": "USD", "amount": "50"},
    {"action": "external_trade", "pair": "XBTUSD", "side": "buy", "volume": "0.001"},
    {"action": "pair_status", "pair": "ETHUSD", "status": "cancel_only"},
    {"action": "pair_status", "pair": "ETHUSD", "status": "online"},
    {"action": "pair_status", "pair": "ETHUSD", "status": "online"},
    {"action": "system_status", "status": "maintenance"},
    {"action": "system_status", "status": "cancel_only"},
    {"action": "system_status", "status": "post_only"},
    *(_ONLINE, _ONLINE, _ONLINE, _ONLINE),
    {"action": "precision", "pair": "SOLUSD", "price_decimals": 1},
    {"action": "precision", "pair": "SOLUSD", "price_decimals": 2},
    {"action": "delist", "pair": "DOTUSD"},
)

_MILD: Final = (
    Rule(kind="latency", probability=0.05, seconds=(0.02, 0.25)),
    Rule(kind="http", probability=0.002, status=502),
    Rule(kind="http", probability=0.0005, status=520, after=True),
    Rule(kind="reset", probability=0.001),
    Rule(kind="error", probability=0.001, text="EService:Unavailable"),
    Rule(kind="throttled", probability=0.0005, seconds=(0.5, 2.0)),
    Rule(kind="read_lag", probability=0.02, seconds=(0.2, 1.0)),
    Rule(kind="duplicate", probability=0.0005),
    Rule(kind="delay", probability=0.0005, seconds=(0.1, 0.5)),
    Rule(kind="close", probability=0.0001, code=1012),
)
"""A bad week at Kraken: everything heals by itself within seconds; survivable for 30 days."""

_ROUGH: Final = (
    Rule(kind="latency", probability=0.2, seconds=(0.05, 1.0)),
    Rule(kind="http", probability=0.005, status=502),
    Rule(kind="http", probability=0.005, status=520, after=True),
    Rule(kind="http", probability=0.002, status=429),
    Rule(kind="timeout", probability=0.0005),
    Rule(kind="timeout", where=_ORDERS, probability=0.005, after=True),
    Rule(kind="reset", probability=0.003),
    Rule(kind="reset", probability=0.003, after=True),
    Rule(kind="cut", probability=0.001),
    Rule(kind="html", probability=0.001),
    Rule(kind="truncate", probability=0.001),
    Rule(kind="error", probability=0.003, text="EService:Busy"),
    Rule(kind="error", probability=0.003, text="EService:Unavailable", after=True),
    Rule(kind="throttled", probability=0.002, seconds=(1.0, 5.0)),
    Rule(kind="nonce", probability=0.002),
    Rule(kind="skew", probability=0.2, seconds=(-2.0, 2.0)),
    Rule(kind="read_lag", probability=0.1, seconds=(0.5, 3.0)),
    Rule(kind="late_trades", probability=0.1, seconds=(0.5, 5.0)),
    Rule(kind="token", probability=0.01),
    Rule(kind="duplicate", probability=0.002),
    Rule(kind="reorder", probability=0.001),
    Rule(kind="drop", probability=0.001),
    Rule(kind="delay", probability=0.002, seconds=(0.1, 2.0)),
    Rule(kind="checksum", probability=0.001),
    Rule(kind="proxy", probability=0.0002),
    Rule(kind="close", probability=0.0003, code=1012),
    Rule(kind="stall", probability=0.00005, seconds=(5.0, 30.0)),
    Rule(kind="market", events=_SURPRISES, seconds=(6 * _HOUR, 24 * _HOUR)),
)
"""The worst day anybody remembers, every day: orders land although their call failed."""

_HELL: Final = (
    Rule(kind="latency", probability=0.5, seconds=(0.05, 3.0)),
    Rule(kind="timeout", probability=0.01),
    Rule(kind="timeout", probability=0.02, after=True),
    Rule(kind="reset", probability=0.02),
    Rule(kind="reset", probability=0.02, after=True),
    Rule(kind="cut", probability=0.01),
    *(Rule(kind="http", probability=0.01, status=status) for status in (429, 500, 502, 503, 520)),
    Rule(kind="http", probability=0.02, status=502, after=True),
    Rule(kind="html", probability=0.01, after=True),
    Rule(kind="truncate", probability=0.01),
    *(
        Rule(kind="error", probability=0.01, text=text, after=after)
        for text in ("EService:Unavailable", "EService:Busy", "EGeneral:Internal error")
        for after in (False, True)
    ),
    Rule(kind="error", probability=0.005, text="EAPI:Rate limit exceeded"),
    Rule(kind="error", where="AddOrder", probability=0.01, text="EOrder:Rate limit exceeded"),
    Rule(kind="throttled", probability=0.01, seconds=(1.0, 10.0)),
    Rule(kind="nonce", probability=0.02),
    Rule(kind="skew", probability=0.5, seconds=(-30.0, 30.0)),
    Rule(kind="read_lag", probability=0.3, seconds=(1.0, 10.0)),
    Rule(kind="late_trades", probability=0.3, seconds=(1.0, 20.0)),
    Rule(kind="token", probability=0.1),
    Rule(kind="reject", probability=0.05),
    Rule(kind="message_rate", probability=0.01),
    Rule(kind="refuse", probability=0.1, status=503),
    Rule(kind="duplicate", probability=0.01),
    Rule(kind="reorder", probability=0.01),
    Rule(kind="drop", probability=0.01),
    Rule(kind="delay", probability=0.005, seconds=(0.1, 5.0)),
    Rule(kind="sequence", where=_PRIVATE_CHANNELS, probability=0.01),
    Rule(kind="checksum", probability=0.01),
    Rule(kind="garbage", probability=0.002),
    Rule(kind="proxy", probability=0.002),
    Rule(kind="close", probability=0.002, code=1006),
    Rule(kind="stall", probability=0.0005, seconds=(10.0, 90.0)),
    Rule(kind="market", events=_DISASTERS, seconds=(0.5 * _HOUR, 3 * _HOUR)),
    Rule(kind="late_entries", probability=0.3, seconds=(1.0, 20.0)),
)
"""Everything at once."""

PROFILES: Final[Mapping[ProfileName, tuple[Rule, ...]]] = {"mild": _MILD, "rough": _ROUGH, "hell": _HELL}
