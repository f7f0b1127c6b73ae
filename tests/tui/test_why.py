"""Why: reached from wherever a decision shows, the whole chain, what was blocked first."""

import asyncio

import pytest

from krakked_tui.control.risk_view import Explanation
from krakked_tui.domain.errors import StorageError
from tests.fakes.controller import empty
from tests.tui.driving import Desk


@pytest.mark.parametrize(
    ("keys", "name"),
    [
        (("1", "w"), "kk-7f3a-000010"),
        (("1", "tab", "down", "w"), "TSBX02-BBBBB-000002"),
        (("4", "down", "w"), "kk-7f3a-000002"),
        (("4", "tab", "w"), "kk-7f3a-000010"),
        (("5", "v", "down", "w"), "OSBX02-AAAAA-000002"),
        (("2", "v", "v", "v", "w"), "20261120T1200-000"),
    ],
)
async def test_why_is_asked_for_what_is_under_the_cursor(keys: tuple[str, ...], name: str) -> None:
    async with Desk().open() as desk:
        await desk.press(*keys)
        assert desk.front == "WhyDialog"
        assert desk.fake.limits.asked == [("explain", name)]
        assert "BLOCKED 1" in desk.text


@pytest.mark.parametrize("keys", [("5", "w"), ("6", "w"), ("8", "w"), ("2", "w")])
async def test_where_nothing_was_decided_it_says_so(keys: tuple[str, ...]) -> None:
    async with Desk().open() as desk:
        await desk.press(*keys)
        assert desk.front == "MainScreen"
        assert "No decision is known behind the selected line" in desk.answer


async def test_an_empty_dashboard_has_nothing_to_explain() -> None:
    async with Desk(empty()).open() as desk:
        await desk.press("1", "w")
        assert desk.front == "MainScreen"


async def test_the_whole_chain_scrolls_and_says_first_what_was_blocked() -> None:
    async with Desk().open() as desk:
        await desk.press("4", "w")
        seen = [desk.text]
        for _ in range(8):
            await desk.press("pagedown")
            seen.append(desk.text)
        text = "".join(seen)
        assert "BLOCKED 1" in seen[0]
        places = [
            text.index(word)
            for word in ("BLOCKED 1", "Plan  ", "INTENTS", "sma_20", "ACTIONS", "ORDERS", "recorded before",
                         "FILLS", "Together +2.11")
        ]  # fmt: skip
        assert places == sorted(places)


async def test_while_it_is_read_the_screen_goes_on() -> None:
    async with Desk().open() as desk:
        desk.fake.asking = asyncio.Event()
        await desk.press("4", "w")
        assert "Reading what is stored about kk-7f3a-000001" in desk.text
        desk.fake.publish_status(paused=True)
        assert "PAUSED" in await desk.see()
        await desk.press("escape")
        desk.fake.asking.set()
        await desk.settle()
        assert desk.front == "MainScreen"
        assert desk.crashes == []


async def test_what_cannot_be_explained_is_one_sentence() -> None:
    async with Desk().open() as desk:
        desk.fake.limits.explained = Explanation(problem="No decision of ours led to kk-7f3a-000001.")
        await desk.press("4", "w")
        assert "No decision of ours led to kk-7f3a-000001." in desk.text
        desk.fake.limits.fails = StorageError("The journal cannot be read: disk I/O error.")
        await desk.press("q", "w")
        assert "The journal cannot be read: disk I/O error." in desk.text


async def test_a_position_is_explained_by_its_newest_purchase() -> None:
    async with Desk().open() as desk:
        desk.fake.publish(open_orders=())
        await desk.press("1", "down", "down", "w")
        assert desk.fake.limits.asked == [("explain", "kk-7f3a-000016")], "the order after it was a sale"
