import pytest

from krakked_tui.sandbox import rate_limits
from krakked_tui.sandbox.faults import ApiError
from krakked_tui.sandbox.rate_limits import LimitRules, RateLimits


class Caller:
    """Makes calls and says what came of them."""

    def __init__(self, rules: LimitRules) -> None:
        self.limits = RateLimits(rules)
        self.now = 1000.0

    def public(self, method: str = "Ticker", pair: str = "XBTUSD", peer: str = "127.0.0.1") -> str:
        try:
            self.limits.public_call(peer, method, pair, self.now)
        except ApiError as error:
            return error.text
        return "ok"

    def private(self, cost: int = 1, key: str = "key") -> str:
        try:
            self.limits.private_call(key, cost, self.now)
        except ApiError as error:
            return error.text
        return "ok"


def test_without_rules_there_are_no_limits() -> None:
    caller = Caller(LimitRules())
    assert {caller.public() for _ in range(1000)} == {"ok"}
    assert {caller.private() for _ in range(1000)} == {"ok"}
    assert all(caller.limits.connect("127.0.0.1", 0.0) for _ in range(1000))
    assert caller.limits.private_count("key", 0.0) == 0


def test_public_calls_come_in_a_burst_and_then_at_their_rate() -> None:
    caller = Caller(LimitRules(public_rate=1.0, burst=3))
    assert [caller.public() for _ in range(4)] == ["ok"] * 3 + ["EGeneral:Too many requests"]
    assert caller.public(peer="127.0.0.2") == "ok", "another address"
    caller.now += 0.9
    assert caller.public() == "EGeneral:Too many requests"
    caller.now += 0.1
    assert [caller.public(), caller.public()] == ["ok", "EGeneral:Too many requests"]


def test_candles_and_trades_are_counted_by_pair() -> None:
    caller = Caller(LimitRules(public_rate=1.0, burst=1))
    assert [caller.public("OHLC"), caller.public("OHLC", "ETHUSD"), caller.public("Trades")] == ["ok"] * 3
    assert caller.public("OHLC") == "EGeneral:Too many requests"
    assert [caller.public("Ticker"), caller.public("Depth")] == ["ok", "EGeneral:Too many requests"]


@pytest.mark.parametrize(
    ("tier", "most", "decay"), [("starter", 15, 0.33), ("intermediate", 20, 0.5), ("pro", 20, 1.0)]
)
def test_the_private_counter_decays_in_steps(tier: rate_limits.Tier, most: int, decay: float) -> None:
    caller = Caller(LimitRules(tier=tier, decay_step=2.0))
    assert [caller.private() for _ in range(most + 1)] == ["ok"] * most + ["EAPI:Rate limit exceeded"]
    assert caller.private(0) == "ok", "orders cost nothing here"
    assert caller.private(key="another") == "ok"
    caller.now += 1.9
    assert caller.limits.private_count("key", caller.now) == most
    caller.now += 0.1
    assert caller.limits.private_count("key", caller.now) == pytest.approx(most - 2 * decay)
    caller.now += 1000
    assert caller.limits.private_count("key", caller.now) == 0


def test_history_is_dear() -> None:
    rules = LimitRules(history_cost=4, closed_orders_cost=2)
    names = ("Ledgers", "QueryLedgers", "TradesHistory", "ClosedOrders", "Balance", "AddOrder")
    assert [rules.cost(name, 0 if name == "AddOrder" else 1) for name in names] == [4, 4, 4, 2, 1, 0]


def test_who_goes_on_is_locked_out() -> None:
    caller = Caller(LimitRules(tier="starter", public_rate=1.0, burst=1, strikes=3, lockout_seconds=60))

    def spend_all() -> str:
        return caller.private(15)

    for call in (spend_all, caller.public):
        assert call() == "ok"
        refusals = [call() for _ in range(4)]
        assert refusals[3] == "EGeneral:Temporary lockout"
        assert len(set(refusals[:3])) == 1
    caller.now += 60
    assert [caller.private(), caller.public()] == ["ok", "ok"]


def test_connections_within_ten_minutes() -> None:
    limits = RateLimits(LimitRules(public_rate=1.0))
    assert [limits.connect("ip", float(number)) for number in range(151)] == [True] * 150 + [False]
    assert limits.connect("other ip", 151.0)
    assert not limits.connect("ip", 599.0)
    assert limits.connect("ip", 1300.0)


def test_counters_do_not_pile_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limits, "_NAMES_MAX", 2)
    caller = Caller(LimitRules(public_rate=1.0, burst=1))
    for pair in ("XBTUSD", "ETHUSD", "SOLUSD"):
        assert caller.public("OHLC", pair) == "ok"
    assert caller.public("OHLC", "SOLUSD") == "EGeneral:Too many requests"
    assert caller.public("OHLC", "XBTUSD") == "ok", "forgotten"
