"""The endpoint table is consistent."""

from dataclasses import replace
from decimal import Decimal

from krakked_tui.kraken import endpoints
from krakked_tui.kraken.endpoints import ENDPOINTS, Action, Counter, Priority


def test_each_endpoint_is_listed_once_under_its_own_path() -> None:
    defined = {value.path for value in vars(endpoints).values() if isinstance(value, endpoints.Endpoint)}
    assert {endpoint.path for endpoint in ENDPOINTS} == defined
    assert len(ENDPOINTS) == len(defined)
    for endpoint in ENDPOINTS:
        side = "private" if endpoint.private else "public"
        assert endpoint.path == f"/0/{side}/{endpoint.name}"


def test_only_what_may_be_repeated_is_retried() -> None:
    assert all(endpoint.idempotent for endpoint in ENDPOINTS if endpoint.retryable)
    assert not endpoints.ADD_ORDER.idempotent
    assert not endpoints.ADD_ORDER.retryable


def test_what_concerns_the_whole_account_is_never_repeated_late() -> None:
    retryable = {endpoint.name for endpoint in ENDPOINTS if endpoint.action and endpoint.retryable}
    assert retryable == {"CancelOrder", "CancelOrderBatch"}


def test_order_calls_count_on_the_trading_counter_and_on_no_other() -> None:
    for endpoint in ENDPOINTS:
        assert (endpoint.counter is Counter.TRADING) == (endpoint.action is not None)
        if endpoint.action is None:
            assert endpoint.cost >= 1
            assert endpoint.private == (endpoint.counter in (Counter.PRIVATE, Counter.HISTORY))


def test_what_is_counted_dearer() -> None:
    history = {endpoint.name: endpoint.cost for endpoint in ENDPOINTS if endpoint.counter is Counter.HISTORY}
    assert history == dict.fromkeys(("ClosedOrders", "TradesHistory", "Ledgers", "QueryLedgers"), 4)
    by_pair = {endpoint.name for endpoint in ENDPOINTS if endpoint.counter is Counter.PUBLIC_PAIR}
    assert by_pair == {"OHLC", "Trades"}


def test_cancels_go_before_orders_and_orders_before_reads() -> None:
    for endpoint in ENDPOINTS:
        if endpoint.action in (Action.CANCEL, Action.CANCEL_BATCH, Action.ACCOUNT_WIDE):
            assert endpoint.priority is Priority.CANCEL
            assert endpoint.idempotent
        elif endpoint.action is not None:
            assert (endpoint.priority, endpoint.idempotent) == (Priority.ORDER, False)
        else:
            assert endpoint.priority > Priority.ORDER


def test_what_moves_money_is_never_repeated() -> None:
    names = {"AddOrder", "AddOrderBatch", "AmendOrder", "EditOrder", "Withdraw", "WithdrawCancel"}
    names |= {"WalletTransfer", "AddExport", "RemoveExport"}
    assert {endpoint.name for endpoint in ENDPOINTS if not endpoint.idempotent} == names


def test_a_method_nobody_knows_is_the_dearest_and_never_repeated() -> None:
    private = endpoints.by_name("Earn/Allocations", private=True)
    assert (private.path, private.name) == ("/0/private/Earn/Allocations", "Earn/Allocations")
    assert (private.counter, private.cost) == (Counter.HISTORY, 4)
    assert not private.idempotent
    assert not private.retryable
    public = endpoints.by_name("GroupedBook", private=False)
    assert (public.counter, public.retryable) == (Counter.PUBLIC_PAIR, True)


def test_a_known_method_by_name_differs_in_nothing_but_its_reply() -> None:
    named = endpoints.by_name("AddOrder", private=True)
    assert replace(named, reply=endpoints.ADD_ORDER.reply) == endpoints.ADD_ORDER
    assert named.reply.decode(b'{"a":[1.50,12345678901234567890,"0.10"]}') == {
        "a": [Decimal("1.50"), 12345678901234567890, "0.10"]
    }
