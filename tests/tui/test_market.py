"""The market pane: what each key asks for, and what is shown until it comes."""

from decimal import Decimal

import pytest

from krakked_tui.control.market_view import FocusView
from krakked_tui.domain.candles import Timeframe
from krakked_tui.tui.command import PaneName
from krakked_tui.tui.exits import ExitReason
from krakked_tui.tui.panes.market import MarketPane
from krakked_tui.tui.rows.market import RESORT_SECONDS
from tests.fakes.controller import status
from tests.fakes.market import FakeMarket
from tests.tui.driving import Desk

WIDE = (120, 40)
M1, M5 = Timeframe.M1, Timeframe.M5


def asked(desk: Desk) -> list[tuple[str | None, Timeframe]]:
    """What was looked at since the last time."""
    found = list(desk.fake.pairs.asked)
    desk.fake.pairs.asked.clear()
    return found


def chosen(desk: Desk) -> str:
    """The pair that the pane is about."""
    return desk.app.get_default_screen().query_one(MarketPane).pair


def pairs(desk: Desk) -> list[str]:
    """The first pairs of the table."""
    top = next(index for index, line in enumerate(desk.lines) if line.startswith("PAIR"))
    return [line.split()[0] for line in desk.lines[top + 1 : top + 6] if line.strip()]


async def test_six_shows_the_market_and_looks_at_its_first_pair() -> None:
    async with Desk().open() as desk:
        assert asked(desk) == []
        await desk.press("6")
        assert desk.app.desk.pane is PaneName.MARKET
        assert asked(desk) == [("XBTUSD", M1)]
        await desk.see()
        assert asked(desk) == [], "once is enough"
        assert "◄ 64,120.1" in desk.text
        assert "● held" in desk.text


async def test_the_cursor_chooses_the_pair_and_enter_asks_at_once() -> None:
    async with Desk().open() as desk:
        await desk.press("6", "down", "enter")
        assert asked(desk)[1:] == [("HX7USD", M1)]
        await desk.press("j", "k", "j")
        await desk.see()
        assert asked(desk) == [("IE8USD", M1)], "what the cursor only passed is not asked for"
        assert desk.text.count("IE8USD") == 2


async def test_the_frames_ask_for_the_pair_under_the_cursor() -> None:
    async with Desk().open() as desk:
        await desk.press("6", "G")
        desk.time = 1.0
        desk.app.tick()
        assert asked(desk)[1:] == [(desk.fake.pairs.current.rows[-1].pair, M1)]


async def test_brackets_change_the_timeframe_and_stop_at_its_ends() -> None:
    async with Desk().open() as desk:
        await desk.press("6", "right_square_bracket")
        assert asked(desk)[1:] == [("XBTUSD", M5)]
        assert "[5m]" in desk.text
        await desk.press("left_square_bracket", "left_square_bracket")
        assert asked(desk) == [("XBTUSD", M1)]
        await desk.press(*["right_square_bracket"] * 12)
        assert asked(desk)[-1] == ("XBTUSD", Timeframe.W1)
        assert "[1w]" in desk.text


async def test_what_is_on_its_way_is_called_loading_and_the_old_picture_stays() -> None:
    async with Desk().open(WIDE) as desk:
        await desk.press("6")
        candles = [line[59:] for line in (await desk.see()).splitlines()][5:20]
        desk.fake.pairs.answers = False
        await desk.press("down")
        assert "HX7USD" in desk.text
        assert desk.text.count("still XBTUSD") == 2, "book and tape say so before anything is asked"
        assert "  loading" in desk.text
        assert "XBTUSD 1m: O 64,211.6" in desk.text
        assert [line[59:] for line in desk.lines][5:20] == candles
        await desk.see()
        desk.fake.pairs.answer()
        assert "loading" not in await desk.see()
        assert "still" not in desk.text


async def test_another_timeframe_leaves_book_and_tape_alone() -> None:
    async with Desk().open(WIDE) as desk:
        await desk.press("6")
        desk.fake.pairs.answers = False
        await desk.press("right_square_bracket")
        assert "XBTUSD 1m: O 64,211.6" in desk.text
        assert "still" not in desk.text


async def test_v_reaches_every_part_where_one_has_room() -> None:
    async with Desk().open() as desk:
        await desk.press("6")
        seen = []
        for _ in range(4):
            seen.append([word for word in ("║ up", "BOOK", "TAPE") if word in desk.text])
            await desk.press("v")
        assert seen == [["║ up"], ["BOOK"], ["TAPE"], ["║ up"]]
        await desk.resize(*WIDE)
        assert "BOOK" in await desk.see()
        assert "TAPE" in desk.text
        assert "1m" in desk.text


async def test_o_hides_indicators_and_fills() -> None:
    async with Desk().open() as desk:
        await desk.press("6")
        assert "_-¯ sma 20   .·' sma 50   ▲ bought ▼ sold" in desk.text
        assert desk.text.count("▲") == 2
        before = desk.text
        await desk.press("o")
        assert "sma 20" not in desk.text
        assert "▲" not in desk.text
        await desk.press("o")
        assert desk.text == before
        await desk.press("down", "enter")
        await desk.see()
        assert "sma 20" in desk.text
        assert "bought" not in desk.text, "nothing of this pair was traded"


async def test_s_sorts_and_the_cursor_stays_on_its_pair() -> None:
    async with Desk().open(WIDE) as desk:
        await desk.press("6")
        for words in ("by change, gains first", "by spread, narrow first", "by name"):
            await desk.press("s")
            assert words in desk.text
            assert chosen(desk) == "XBTUSD"
        assert asked(desk) == [("XBTUSD", M1)]
        await desk.press("s", "g")
        assert "by volume, most first" in desk.text
        assert pairs(desk)[0] == "XBTUSD"


async def test_rows_rest_while_volumes_move_and_are_sorted_again_after_a_while() -> None:
    async with Desk().open() as desk:
        await desk.press("6")
        assert pairs(desk)[:2] == ["XBTUSD", "HX7USD"]
        desk.fake.pairs.change_row("HX7USD", volume_24h=Decimal(10**12))
        await desk.see()
        assert pairs(desk)[:2] == ["XBTUSD", "HX7USD"]
        assert "1,000B" in desk.text
        desk.time = RESORT_SECONDS
        await desk.see()
        assert pairs(desk)[:2] == ["HX7USD", "XBTUSD"]
        assert chosen(desk) == "XBTUSD"


async def test_a_slash_filters_while_typing_and_escape_shows_all() -> None:
    async with Desk().open() as desk:
        await desk.press("6", "slash")
        assert "part of a name; Enter keeps, Esc shows all" in desk.text
        await desk.type("q3")
        assert pairs(desk)[0] == "GQ32USD"
        await desk.see()
        assert asked(desk)[-1] == ("GQ32USD", M1)
        assert desk.fake.commands == [], "letters are text there"
        await desk.press("enter")
        assert "1 of 60 with “q3”  esc shows all" in desk.text
        await desk.press("v")
        assert "BOOK GQ32USD" in desk.text
        await desk.press("escape")
        assert "by volume" in desk.text
        assert "PAIR 60" in desk.text
        assert chosen(desk) == "GQ32USD", "the cursor stays on its pair"


async def test_escape_in_the_field_forgets_what_was_typed() -> None:
    async with Desk().open() as desk:
        await desk.press("6", "slash")
        await desk.type("zzz")
        assert "No pair has “zzz” in its name. Esc shows all 60 again." in desk.text
        await desk.press("escape", "slash")
        assert "part of a name" in desk.text
        assert "PAIR 60" in desk.text
        await desk.press("tab")
        assert "by volume" in desk.text, "leaving the field gives its place back"


async def test_the_field_takes_no_more_than_a_name() -> None:
    async with Desk().open() as desk:
        await desk.press("6", "slash")
        await desk.type("[@click]" + "a" * 40)
        await desk.press("enter")
        assert "with “click" + "a" * 15 + "”" in desk.text


async def test_the_kill_switch_works_while_typing() -> None:
    async with Desk().open() as desk:
        await desk.press("6", "slash", "x", "ctrl+k")
        assert "KILL ON" in desk.text


@pytest.mark.parametrize("key", ["1", "4", "8", "9"])
async def test_leaving_looks_at_nothing_and_coming_back_looks_again(key: str) -> None:
    async with Desk().open() as desk:
        await desk.press("6", "down", "right_square_bracket")
        asked(desk)
        await desk.press(key)
        assert [pair for pair, _ in asked(desk)] == [None]
        await desk.see()
        assert asked(desk) == []
        await desk.press("6")
        assert asked(desk) == [("HX7USD", M5)]


async def test_a_dialog_above_it_does_not_leave_it() -> None:
    async with Desk().open() as desk:
        await desk.press("6")
        asked(desk)
        await desk.press("question_mark", "escape")
        assert asked(desk) == []


async def test_the_end_of_the_screen_looks_at_nothing() -> None:
    async with Desk().open() as desk:
        await desk.press("6")
        asked(desk)
        desk.app.end_by_signal("SIGTERM")
        assert [pair for pair, _ in asked(desk)] == [None]
        assert desk.app.ended is not None
        assert desk.app.ended.reason is ExitReason.SIGNAL


async def test_the_market_is_not_asked_for_while_nobody_looks() -> None:
    async with Desk().open() as desk:
        await desk.see()
        assert desk.fake.markets == 0
        await desk.press("6")
        assert desk.fake.markets > 0


async def test_only_what_moved_is_painted_and_nothing_moves_aside() -> None:
    async with Desk().open() as desk:
        await desk.press("6")
        before = (await desk.see()).splitlines()
        desk.fake.pairs.change_row("HX7USD", last=Decimal(10), change_pct_24h=Decimal(1))
        after = (await desk.see()).splitlines()
        changed = [index for index, line in enumerate(before) if line != after[index]]
        assert len(changed) == 1
        assert before[changed[0]].index(".4215") == after[changed[0]].index(".0000")


async def test_trouble_is_said_where_something_is_missing() -> None:
    market = FakeMarket()
    market.answers = False
    market.publish(focus=FocusView(pair="XBTUSD", trouble="Kraken refused the book"))
    async with Desk(market=market).open() as desk:
        await desk.press("6")
        for _ in range(3):
            assert "! Kraken refused the book" in desk.text
            await desk.press("v")


async def test_a_lost_connection_is_said_above_the_pairs() -> None:
    async with Desk().open() as desk:
        await desk.press("6")
        lost = status(connection="down", connection_detail="WebSocket closed 95 s ago")
        desk.fake.publish(status=lost)
        assert "! WebSocket closed 95 s ago  by volume" in await desk.see()


async def test_without_pairs_nothing_is_looked_at_until_there_are_some() -> None:
    async with Desk(market=FakeMarket(0)).open() as desk:
        await desk.press("6", "down", "v", "enter", "slash", "escape")
        assert asked(desk) == []
        assert "No pair passes the filters of the universe." in desk.text
        desk.fake.pairs.publish(rows=FakeMarket().current.rows)
        await desk.see()
        assert asked(desk) == [("XBTUSD", M1)]


async def test_seven_hundred_pairs_scroll() -> None:
    async with Desk(market=FakeMarket(700)).open(WIDE) as desk:
        await desk.press("6", "G")
        await desk.see()
        last = desk.fake.pairs.current.rows[-1].pair
        assert asked(desk)[-1] == (last, M1)
        assert any(line.startswith(last) for line in desk.lines)
        desk.fake.pairs.change_row(last, status="maintenance")
        assert "✗ mai" in await desk.see()
        await desk.press("g")
        assert pairs(desk)[0] == "XBTUSD"
