"""The portfolio pane: what each key asks for, the way in and back, and nothing shown that was not asked."""

from datetime import UTC, datetime
from decimal import Decimal

import msgspec
import pytest

from krakked_tui.control.commands import AcceptBalances, Answer
from krakked_tui.control.portfolio_view import PnLLine, PortfolioQuery
from krakked_tui.control.settings_view import SettingsView
from krakked_tui.control.ui_settings import UiSettings
from krakked_tui.control.views import DriftView
from krakked_tui.domain.portfolio import NO_PAIR
from krakked_tui.tui.command import PaneName
from krakked_tui.tui.widgets.table import LiveTable
from tests.fakes.controller import drifting
from tests.fakes.portfolio import FakePortfolio, trade
from tests.tui.driving import Desk

HIGH = (120, 40)


def asked(desk: Desk) -> list[PortfolioQuery]:
    """What was asked since the last time."""
    found = list(desk.fake.books.asked)
    desk.fake.books.asked.clear()
    return found


def day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def cursor(desk: Desk, part: str) -> str | None:
    return desk.app.get_default_screen().query_one(f"#portfolio-{part}", LiveTable).selected


async def test_five_shows_the_portfolio_and_only_then_it_is_asked_for() -> None:
    async with Desk().open() as desk:
        await desk.see()
        assert asked(desk) == []
        await desk.press("5")
        assert desk.app.desk.pane is PaneName.PORTFOLIO
        assert asked(desk) == [PortfolioQuery()]
        assert "Realized +171.39 USD" in desk.text
        assert "BY DAY 14" in desk.text


@pytest.mark.parametrize(
    ("keys", "query", "shown"),
    [
        ("t", PortfolioQuery(period="day"), "t today"),
        ("tt", PortfolioQuery(period="week"), "t this week"),
        ("ttt", PortfolioQuery(period="month"), "t this month"),
        ("tttt", PortfolioQuery(period="ytd"), "t this year"),
        ("ttttt", PortfolioQuery(), "t all time"),
        ("d", PortfolioQuery(side="buy"), "d buys"),
        ("dd", PortfolioQuery(side="sell"), "d sells"),
        ("m", PortfolioQuery(include_manual=False), "m manual out"),
        ("b", PortfolioQuery(by="pair"), "[P&L by pair 4]"),
        ("bb", PortfolioQuery(by="strategy"), "[P&L by strategy 3]"),
    ],
)
async def test_a_key_changes_the_question_and_the_head_says_so(
    keys: str, query: PortfolioQuery, shown: str
) -> None:
    async with Desk().open() as desk:
        await desk.press("5", *keys)
        assert asked(desk)[-1] == query
        assert shown in desk.text


async def test_escape_takes_all_filters_away_and_keeps_the_grouping() -> None:
    async with Desk().open() as desk:
        await desk.press("5", "b", "t", "d", "m")
        assert "esc all" in desk.text
        await desk.press("escape")
        assert asked(desk)[-1] == PortfolioQuery(by="pair")
        assert "esc all" not in desk.text


async def test_nothing_is_shown_for_another_question() -> None:
    async with Desk().open() as desk:
        await desk.press("5")
        desk.fake.books.answers = False
        await desk.press("d")
        assert "Realized" not in desk.text
        assert desk.text.count("Reading the books …") == 2
        assert "2026-11-20" not in desk.text
        desk.fake.books.answers = True
        assert "Realized" in await desk.see()
        assert "Reading" not in desk.text


async def test_v_goes_through_all_parts_and_the_keys_go_to_the_one_shown() -> None:
    async with Desk().open() as desk:
        await desk.press("5")
        seen = []
        for _ in range(5):
            await desk.press("v", "down")
            focused = desk.app.screen.focused
            assert isinstance(focused, LiveTable)
            seen.append((focused.id, focused.cursor))
        assert seen == [
            ("portfolio-trades", 1), ("portfolio-flows", 1), ("portfolio-fees", 1), ("portfolio-holdings", 1),
            ("portfolio-pnl", 1),
        ]  # fmt: skip


async def test_a_high_window_shows_what_was_made_and_one_more() -> None:
    async with Desk().open(HIGH) as desk:
        await desk.press("5")
        assert "BY DAY 14" in desk.text
        assert "TRADE 60" in desk.text
        await desk.press("v", "v")
        assert "BY DAY 14" in desk.text
        assert "CASH FLOW 4" in desk.text
        await desk.press("shift+tab", "down", "enter")
        assert "TRADE 5" in desk.text, "the table with the focus is the one that is opened"


@pytest.mark.parametrize(
    ("group", "query"),
    [
        (0, PortfolioQuery(period="custom", since=day("2026-11-19"), until=day("2026-11-20"))),
        (1, PortfolioQuery(by="pair", pair="ETHUSD")),
        (2, PortfolioQuery(by="strategy", strategy="mean_reversion")),
    ],
)
async def test_enter_shows_the_trades_behind_a_line_and_escape_goes_back_to_it(
    group: int, query: PortfolioQuery
) -> None:
    async with Desk().open() as desk:
        await desk.press("5", *"b" * group, "down")
        line = cursor(desk, "pnl")
        before = desk.text
        await desk.press("enter")
        assert asked(desk)[-1] == query
        assert "esc back" in desk.text
        assert "[trades" in desk.text
        await desk.press("down", "down", "escape")
        assert cursor(desk, "pnl") == line
        assert desk.text == before


async def test_the_way_back_finds_its_line_when_the_report_comes_late() -> None:
    async with Desk().open() as desk:
        await desk.press("5", "down", "down", "enter")
        desk.fake.books.answers = False
        desk.fake.books.change()
        await desk.press("escape")
        assert "Reading" in desk.text
        desk.fake.books.answers = True
        await desk.see()
        assert cursor(desk, "pnl") == "2026-11-18"


async def test_what_was_made_without_a_pair_is_opened_like_a_pair() -> None:
    lines = (PnLLine(NO_PAIR, 0, Decimal(1), Decimal(0), Decimal(1)),)
    async with Desk(portfolio=FakePortfolio(groups=lines)).open() as desk:
        await desk.press("5", "b")
        assert "no pair" in desk.text
        await desk.press("enter")
        assert asked(desk)[-1] == PortfolioQuery(by="pair", pair=NO_PAIR)
        assert "/ no pair" in desk.text
        await desk.press("backspace")
        assert asked(desk)[-1] == PortfolioQuery(by="pair"), "Esc takes 600 ms in tmux, so it has a twin"


async def test_what_is_excluded_says_why_there_is_nothing_behind_it() -> None:
    excluded = PnLLine("total", 3, Decimal(1), Decimal(0), Decimal(1))
    async with Desk(portfolio=FakePortfolio(excluded=excluded)).open() as desk:
        await desk.press("5", "G", "enter")
        assert "excludes these assets" in desk.answer
        assert asked(desk)[-1] == PortfolioQuery()


async def test_the_export_names_the_configuration_of_this_run() -> None:
    settings = SettingsView(config="/home/me/my config.toml")
    async with Desk(effective=settings).open() as desk:
        await desk.press("5", "n", "pagedown")
        assert "--config '/home/me/my" in desk.text
        assert "config.toml'" in desk.text


async def test_a_trade_is_asked_for_closely_while_its_dialog_is_open() -> None:
    async with Desk().open() as desk:
        await desk.press("5", "v", "down", "down")
        first = desk.fake.books.trades[2]
        desk.fake.books.answers = False
        await desk.press("enter")
        assert desk.front == "TradeDialog"
        assert "sell DOGEUSD as taker" in desk.text
        assert "P&L           +57.02 USD" in desk.text
        await desk.press("pagedown")
        assert "Reading its ledger rows and lots" in desk.text
        desk.fake.books.answers = True
        await desk.see()
        await desk.see()
        await desk.press("pagedown", "pagedown")
        assert f"Refid         R{first.trade_id}" in desk.text
        assert "LOT ACQUIRED" in desk.text
        assert asked(desk)[-1] == PortfolioQuery(trade_id=first.trade_id)
        await desk.press("q")
        await desk.see()
        assert asked(desk)[-1] == PortfolioQuery()
        assert cursor(desk, "trades") == first.trade_id, "the tables stay as they were"


async def test_a_trade_the_books_do_not_know_says_so() -> None:
    async with Desk(portfolio=FakePortfolio(detail=None)).open() as desk:
        await desk.press("5", "v", "enter", "pagedown")
        await desk.see()
        assert "The books do not know this trade any more." in desk.text


async def test_a_fee_without_a_value_says_what_is_not_known() -> None:
    books = FakePortfolio()
    books.trades = (trade(3, fee=None, pnl=None, fee_text="0.01 KFEE"),)
    async with Desk(portfolio=books).open() as desk:
        await desk.press("5", "v", "enter")
        assert "Fee           0.01 KFEE" in desk.text
        assert desk.text.count("not known: nothing says what the fee was worth") == 2


async def test_cash_flows_and_holdings_open_in_full_and_fees_do_not() -> None:
    async with Desk().open() as desk:
        await desk.press("5", "v", "v", "enter")
        assert "nothing says what it was worth" in desk.text
        await desk.press("q", "v", "enter")
        assert desk.front == "MainScreen"
        assert "no more to say of fees" in desk.answer
        await desk.press("v", "G", "enter")
        assert "Books say     0: the exchange has +12.5 against that" in desk.text


async def test_a_typed_range_is_taken_when_both_ends_make_sense() -> None:
    async with Desk().open() as desk:
        await desk.press("5", "r")
        await desk.press(*"2026-11-18", "enter", *"2026-11-17", "enter")
        assert "Until (2026-11-17) is not after From (2026-11-18)" in desk.text
        assert asked(desk) == [PortfolioQuery()]
        await desk.press("backspace", *"9 12:00", "enter")
        assert desk.front == "MainScreen"
        since, until = day("2026-11-18"), day("2026-11-19T12:00")
        assert asked(desk)[-1] == PortfolioQuery(period="custom", since=since, until=until)
        assert "t 2026-11-18→2026-11-19 12:00" in desk.text
        assert "n the command that exports this" in desk.text, "a part of it would export something else"
        await desk.press("n")
        assert "export pnl --profile demo --cost-basis wac" in desk.text
        assert "--until 2026-11-19T12:00" in desk.text
        await desk.press("q")
        await desk.press("r")
        assert "2026-11-19 12:00" in desk.text, "it can be changed"
        await desk.press("escape", "escape", "t", "t", "t", "t", "t", "t")
        assert "t all time" in desk.text


async def test_a_pair_and_a_strategy_are_found_by_part_of_their_name() -> None:
    async with Desk().open() as desk:
        await desk.press("5", "slash", *"sol", "enter")
        assert asked(desk)[-1] == PortfolioQuery(pair="SOLUSD")
        assert "/ SOLUSD" in desk.text
        await desk.press("s", "down", "down", "enter")
        assert asked(desk)[-1] == PortfolioQuery(pair="SOLUSD", strategy="mean_reversion")
        assert "s mean_reversion" in desk.text
        await desk.press("slash", "enter")
        assert "/ all pairs" in desk.text


async def test_many_pairs_scroll_in_their_dialog() -> None:
    pairs = tuple(f"A{number:03}USD" for number in range(60))
    async with Desk(portfolio=FakePortfolio(pairs=pairs)).open() as desk:
        await desk.press("5", "slash", "pagedown", "pagedown", "pagedown")
        assert "▶ A029USD" in desk.text
        assert "more below" in desk.text
        await desk.press(*["pagedown"] * 5)
        assert "▶ A059USD" in desk.text
        await desk.press(*"zz", "enter")
        assert "has that in its name" in desk.text
        assert desk.front == "PickPairDialog"


async def test_balances_are_accepted_by_typing_the_word() -> None:
    async with Desk(drifting()).open() as desk:
        await desk.press("5")
        assert "e Accept" in desk.lines[-1]
        await desk.press("e")
        assert "XBT              0.03127711 →          0.04127711               +0.01" in desk.text
        assert "LUNA2 not known" in desk.text
        await desk.press("enter", "e", *"accept", "enter")
        assert "type ACCEPT in capitals" in desk.text
        assert desk.commands == []
        await desk.press("escape", "e", *"ACCEPT", "enter")
        assert desk.commands == [AcceptBalances("ACCEPT")]
        assert "confirmed  accept balances: books and exchange agree" in desk.answer
        assert "drift none" in desk.text


async def test_a_refused_acceptance_says_why() -> None:
    async with Desk(drifting()).open() as desk:
        desk.fake.answers.append(Answer(accepted=False, message="the account's history is being read"))
        await desk.press("e", *"ACCEPT", "enter")
        assert "REFUSED  accept balances: the account's history is being read" in desk.answer
        assert "DRIFT" in desk.text


async def test_a_difference_that_goes_by_itself_is_not_accepted() -> None:
    async with Desk(drifting()).open() as desk:
        await desk.press("e")
        desk.fake.publish_status(drift=False)
        await desk.see()
        assert "agree now: there is nothing to accept" in desk.text
        await desk.press(*"ACCEPT", "enter")
        assert desk.commands == []
        await desk.press("e")
        assert "there is nothing to accept" in desk.answer


async def test_many_differences_scroll() -> None:
    view = drifting()
    assert view.portfolio is not None
    drift = tuple(DriftView(f"A{number:02}", Decimal(0), Decimal(1), None) for number in range(40))
    portfolio = msgspec.structs.replace(view.portfolio, drift=drift)
    async with Desk(msgspec.structs.replace(view, portfolio=portfolio)).open() as desk:
        await desk.press("e")
        assert "A39 " not in desk.text
        await desk.press("pagedown", "pagedown", "pagedown")
        assert "A39 " in desk.text


async def test_who_only_watches_accepts_nothing() -> None:
    async with Desk(drifting(), settings=UiSettings(read_only=True)).open() as desk:
        await desk.press("5", "e")
        assert desk.front == "MainScreen"
        await desk.press("n")
        assert "LUNA2: books 0, exchange 12.5" in desk.text


async def test_nothing_moves_when_figures_change() -> None:
    async with Desk().open() as desk:
        await desk.press("5", "v", "down")
        before = (await desk.see()).splitlines()
        desk.fake.books.trades = (trade(1, pnl=Decimal("123.45")), *desk.fake.books.trades[1:])
        desk.fake.books.change()
        after = (await desk.see()).splitlines()
        changed = [index for index, line in enumerate(before) if line != after[index]]
        assert len(changed) == 2, "the totals and the row"
        row = changed[1]
        assert after[row].index("+123.45") + len("+123.45") == before[row].index("-1.44") + len("-1.44")
        assert cursor(desk, "trades") == desk.fake.books.trades[1].trade_id


async def test_five_hundred_of_many_trades_are_told_as_such() -> None:
    async with Desk(portfolio=FakePortfolio(700)).open() as desk:
        await desk.press("5", "v", "G")
        assert "[trades 500 of 700]" in desk.text
        await desk.see()
        oldest = desk.fake.books.trades[499].time
        assert f"{oldest:%Y-%m-%d %H:%M}" in desk.text


async def test_times_follow_the_zone_and_days_are_utc() -> None:
    async with Desk(settings=UiSettings(timezone="America/New_York")).open() as desk:
        await desk.press("5", "v")
        assert "2026-11-20 01:53 ETHUSD" in desk.text


async def test_a_terminal_without_focus_does_not_forget_the_table_in_use() -> None:
    async with Desk().open() as desk:
        await desk.press("5", "v", "down")
        desk.app.app_focus = False
        await desk.settle()
        await desk.press("enter")
        assert desk.front == "TradeDialog"


async def test_coming_back_finds_everything_as_it_was() -> None:
    async with Desk().open() as desk:
        await desk.press("5", "v", "d", "down", "down")
        before = desk.text
        await desk.press("1", "5")
        assert desk.text == before
        line = cursor(desk, "trades")
        await desk.press("down")
        assert cursor(desk, "trades") != line, "the keys go to the table that is seen"
