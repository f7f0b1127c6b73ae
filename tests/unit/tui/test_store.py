"""The store: what changed, and nothing unclean behind it."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from krakked_tui.control.views import EngineView
from krakked_tui.domain.orders import OrderStatus
from krakked_tui.tui.store import Topic, UiStore, cleaned
from tests.fakes.controller import MARKETS, FakeController, normal, order, status
from tests.fakes.setup import audit


def test_the_same_version_is_no_news() -> None:
    store = UiStore(normal(), now=0.0)
    assert store.apply(normal(), now=4.0) == frozenset()
    assert store.silence(4.0) == 4.0


def test_only_what_changed_is_dirty() -> None:
    fake = FakeController()
    store = UiStore(fake.view(), now=0.0)
    fake.publish_status(paused=True)
    assert store.apply(fake.view(), now=1.0) == {Topic.STATUS}
    fake.publish(open_orders=())
    assert store.apply(fake.view(), now=2.0) == {Topic.OPEN_ORDERS}
    assert store.view.status.paused
    assert store.view.open_orders == ()


def test_a_new_picture_without_changes_still_ends_the_silence() -> None:
    fake = FakeController()
    store = UiStore(fake.view(), now=0.0)
    fake.publish()
    assert store.apply(fake.view(), now=7.0) == frozenset()
    assert store.silence(8.0) == 1.0


def test_every_part_of_the_view_is_a_topic() -> None:
    assert {topic.value for topic in Topic} == set(EngineView.__struct_fields__) - {"version"}


@given(st.text(max_size=50))
def test_no_text_reaches_the_screen_unclean(text: str) -> None:
    dirty = order(1, MARKETS[0], OrderStatus.REJECTED, last_error=text, strategy_id=text, pair=text)
    view = msgspec.structs.replace(
        normal(), recent_orders=(dirty,), messages=(text,), status=status(data_detail=text, other_host=text)
    )
    shown = UiStore(view, now=0.0).view
    for part in (
        shown.recent_orders[0].last_error,
        shown.recent_orders[0].strategy_id,
        shown.recent_orders[0].pair,
        shown.messages[0],
        shown.status.data_detail,
        shown.status.other_host,
    ):
        assert part.isprintable()


def test_what_needs_no_cleaning_is_the_same_object_and_keeps_its_types() -> None:
    view = normal()
    assert cleaned(view) is view
    assert isinstance(cleaned(order(1, MARKETS[0], OrderStatus.OPEN)).status, OrderStatus)
    assert cleaned({"\x1b": "\x1b"}) == {"␛": "␛"}


def test_structs_with_named_fields_are_cleaned_too() -> None:
    found = audit(name="a\x1b[2J")
    assert cleaned(found).name == "a␛[2J"
    assert cleaned(audit()) == audit()
