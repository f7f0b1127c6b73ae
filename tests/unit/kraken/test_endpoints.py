"""The endpoint table is consistent."""

from krakked_tui.kraken import endpoints
from krakked_tui.kraken.endpoints import ENDPOINTS


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


def test_order_calls_do_not_count_on_the_private_counter() -> None:
    free = {endpoint.name for endpoint in ENDPOINTS if endpoint.cost == 0}
    assert free == {"AddOrder", "CancelOrder", "CancelOrderBatch"}
