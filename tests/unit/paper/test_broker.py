"""Fills of a paper account, written by hand: prices in USD, one bitcoin is displayed on either side."""

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from krakked_tui.domain.errors import AccountMismatchError, ExchangeError, StorageError
from krakked_tui.domain.orders import (
    Accepted,
    ExchangeStatus,
    NotSent,
    OrderType,
    Refused,
    Side,
    TimeInForce,
    Unknown,
    Withheld,
)
from krakked_tui.domain.pairs import PairStatus
from krakked_tui.paper.books import order_of, row_of
from krakked_tui.paper.broker import HEARD_MAX, PaperBroker
from krakked_tui.paper.terms import PaperTerms
from krakked_tui.ports import StreamState
from tests.fakes.clock import FakeClock, settle
from tests.unit.paper.samples import (
    ACCOUNT,
    ASSETS,
    OWNER,
    PAIR,
    TERMS,
    Desk,
    Disk,
    MemoryBooks,
    accepted,
    go_ahead,
    open_desk,
)

D = Decimal
EVER = datetime(1970, 1, 1, tzinfo=UTC)
BUY, SELL = Side.BUY, Side.SELL


async def test_a_new_account_begins_with_a_deposit() -> None:
    async with open_desk() as desk:
        [entry] = await desk.broker.ledger(EVER)
        assert (entry.type, entry.asset, entry.amount, entry.fee, entry.balance) == (
            "deposit", "USD", D(10_000), D(0), D(10_000),
        )  # fmt: skip
        assert await desk.total("USD") == D(10_000)
        assert (await desk.broker.ledger(entry.time + timedelta(microseconds=1))) == []
        assert desk.broker.account_id == ACCOUNT
        assert desk.broker.headroom() == ()


async def test_a_market_buy_takes_the_ask_and_pays_the_taker_fee() -> None:
    async with open_desk() as desk:
        await desk.hear("20000")
        order_id = accepted(await desk.order(BUY, "0.1"))
        assert desk.fills() == [("20000.5", "0.1")]
        # 0.1 x 20000.5 = 2000.05, and 0.40 % of it 8.0002
        [trade] = await desk.broker.trades(EVER)
        assert (trade.cost, trade.fees[0].asset, trade.fees[0].amount) == (D("2000.05"), "USD", D("8.00020"))
        assert not trade.maker
        assert await desk.total("USD") == D("7991.9498")
        assert await desk.total("XBT") == D("0.1")
        [report] = await desk.broker.query_orders([order_id, "OAAAAA-AAAAA-AAAAAA"])
        assert (report.status, report.filled, report.price) == (ExchangeStatus.CLOSED, D("0.1"), D("20000.5"))
        _, usd, xbt = await desk.broker.ledger(EVER)
        assert usd.refid == xbt.refid == trade.trade_id
        assert (usd.amount, usd.fee, usd.balance) == (D("-2000.05"), D("8.0002"), D("7991.9498"))
        assert (xbt.amount, xbt.fee, xbt.balance) == (D("0.1"), D(0), D("0.1"))


async def test_beyond_the_displayed_size_every_level_is_worse_and_the_end_is_the_end() -> None:
    terms = PaperTerms(starting_balances={"USD": D(1_000_000)}, latency_ms=0)
    async with open_desk(terms=terms) as desk:
        desk.volume = D("14.40")  # a hundredth of a bitcoin in an average minute
        await desk.hear("20000", size="0.5")
        accepted(await desk.order(BUY, "0.515"))
        # 5 basis points of 20000.5 are 10.00025, on the tick and never better
        assert desk.fills() == [
            ("20000.5", "0.5"), ("20010.6", "0.01"), ("20020.6", "0.005"),
        ]  # fmt: skip
        order_id = accepted(await desk.order(BUY, "9"))
        [report] = await desk.broker.query_orders([order_id])
        # Of the twenty levels of 0.01 behind the best price 0.015 had been taken of this price before.
        assert (report.status, report.filled) == (ExchangeStatus.CANCELED, D("0.185"))
        assert report.reason == "The live prices offer no more"


async def test_what_was_taken_is_offered_again_only_by_the_next_price() -> None:
    async with open_desk() as desk:
        desk.volume = D(0)
        await desk.hear("1000", size="1")
        accepted(await desk.order(BUY, "0.75"))
        accepted(await desk.order(BUY, "0.75"))
        await desk.hear("1000", size="1")
        accepted(await desk.order(BUY, "0.75"))
        assert [volume for _, volume in desk.fills()] == ["0.75", "0.25", "0.75"]


async def test_a_limit_order_takes_up_to_its_limit_and_rests_with_what_is_left() -> None:
    async with open_desk() as desk:
        desk.volume = D(0)
        await desk.hear("1000", size="1")
        order_id = accepted(await desk.order(BUY, "3", "1000.5"))
        assert desk.fills() == [("1000.5", "1")]
        [report] = await desk.broker.open_orders()
        assert (report.kraken_order_id, report.filled, report.limit_price) == (order_id, D(1), D("1000.5"))
        # 2 x 1000.5 and 0.40 % of it stay held
        balances = await desk.broker.balances()
        assert balances["USD"].reserved == D("2009.0040")


async def test_a_resting_order_fills_at_its_own_price_when_the_market_trades_through_it() -> None:
    async with open_desk() as desk:
        await desk.hear("1000")
        accepted(await desk.order(BUY, "2", "990"))
        await desk.hear("1000")
        await desk.hear("990", traded="50")
        assert desk.fills() == []
        await desk.hear("989.9", traded="0.5")
        await desk.hear("989.8")
        await desk.hear("985", traded="5")
        assert desk.fills() == [("990", "0.5"), ("990", "1.5")]
        assert all(trade.maker for trade in desk.ear.trades)
        assert [trade.fees[0].amount for trade in desk.ear.trades] == [D("1.23750"), D("3.71250")]
        assert desk.ear.reports[-1].status is ExchangeStatus.CLOSED


async def test_what_traded_before_an_order_came_to_rest_does_not_fill_it() -> None:
    async with open_desk() as desk:
        await desk.hear("1000")
        accepted(await desk.order(BUY, "1", "990", name="first"))
        await desk.hear("1000")
        accepted(await desk.order(BUY, "1", "995", name="second"))
        # Part of these 5 may have traded before the second order came.
        await desk.hear("980", traded="5")
        assert [trade.cl_ord_id for trade in desk.ear.trades] == ["first"]
        await desk.hear("980", traded="0.25")
        assert [trade.cl_ord_id for trade in desk.ear.trades] == ["first", "second"]


async def test_nothing_fills_for_a_time_nobody_watched() -> None:
    async with open_desk() as desk:
        await desk.hear("1000")
        accepted(await desk.order(BUY, "1", "990"))
        await desk.hear("1000")
        desk.broker.on_market_state(StreamState("market", connected=False))
        await desk.hear("980", traded="5")
        desk.broker.on_market_state(StreamState("market", connected=True))
        await desk.hear("980", traded="5")
        assert desk.fills() == []
        desk.clock.jump(90)
        await desk.hear("980", traded="5")
        assert desk.fills() == []
        await desk.hear("980", traded="0.1")
        assert desk.fills() == [("990", "0.1")]


async def test_a_price_that_was_received_long_ago_fills_nothing() -> None:
    async with open_desk() as desk:
        await desk.hear("1000")
        accepted(await desk.order(BUY, "1", "990"))
        quote = await desk.hear("1000")
        late = msgspec.structs.replace(
            quote,
            last=D(980),
            figures=msgspec.structs.replace(quote.figures, volume_24h=D(9999)),  # type: ignore[type-var]
        )
        desk.clock.jump(61)
        desk.broker.on_quote(late)
        await settle()
        assert desk.fills() == []


@pytest.mark.parametrize("state", ["never", "old", "lost", "unlisted"])
async def test_without_a_live_price_nothing_is_taken(state: str) -> None:
    async with open_desk(listed=state != "unlisted") as desk:
        if state != "never":
            await desk.hear("1000")
        if state == "old":
            desk.clock.jump(60.5)
        if state == "lost":
            desk.broker.on_market_state(StreamState("market", connected=False))
        outcome = await desk.order(BUY, "0.1")
        assert isinstance(outcome, NotSent)
        assert "EService:Unavailable" in outcome.reason
        assert outcome.retry_after > 0
        assert await desk.broker.open_orders() == []


async def test_a_missing_price_is_asked_for_once() -> None:
    async with open_desk() as source:
        fresh = await source.hear("1000")
    asked = 0

    async def ask() -> object:
        nonlocal asked
        asked += 1
        if asked == 2:
            raise ExchangeError("no connection")
        return {"XBTUSD": fresh}

    clock = FakeClock()
    clock.jump(1)
    async with open_desk(ask_prices=ask, clock=clock) as desk:
        accepted(await desk.order(BUY, "0.1"))
        accepted(await desk.order(BUY, "0.1"))
        assert asked == 1
        desk.clock.jump(100)
        assert isinstance(await desk.order(BUY, "0.1"), NotSent)
        assert asked == 2


async def test_the_latency_delays_orders_and_cancels() -> None:
    clock = FakeClock()
    async with open_desk(terms=PaperTerms(latency_ms=500), clock=clock) as desk, asyncio.TaskGroup() as group:
        await desk.hear("1000")
        flight = group.create_task(desk.order(BUY, "0.1", "1001", name="a"))
        late = group.create_task(
            desk.order(BUY, "0.1", deadline=clock.now() + timedelta(seconds=1, milliseconds=400))
        )
        await settle()
        await desk.hear("2000")  # the market ran away while they were on their way
        await clock.advance(0)
        assert isinstance(late.result(), Accepted)
        assert desk.fills() == [("2000.5", "0.1")]
        assert isinstance(flight.result(), Accepted)
        cancel = group.create_task(desk.broker.cancel(["a"]))
        await clock.advance(0.4)
        assert [report.status for report in await desk.broker.open_orders()] == [ExchangeStatus.OPEN]
        await clock.advance(0.2)
        assert cancel.done()
        assert await desk.broker.open_orders() == []
        assert desk.ear.reports[-1].reason == "User requested"


async def test_an_order_that_arrives_after_its_deadline_is_refused() -> None:
    clock = FakeClock()
    async with open_desk(terms=PaperTerms(latency_ms=500), clock=clock) as desk, asyncio.TaskGroup() as group:
        await desk.hear("1000")
        sent = group.create_task(desk.order(BUY, "0.1", deadline=clock.now() + timedelta(seconds=0.4)))
        await clock.advance(1)
        outcome = sent.result()
        assert isinstance(outcome, Refused)
        assert outcome.code == "EService:Deadline elapsed"


async def test_an_order_that_is_withheld_leaves_no_trace() -> None:
    async with open_desk() as desk:
        await desk.hear("1000")
        outcome = await desk.broker.submit(desk.request(BUY, "0.1"), lambda: "killed before sending")
        assert outcome == Withheld(outcome.cl_ord_id, "killed before sending")
        assert await desk.broker.find_orders(outcome.cl_ord_id) == []


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("EGeneral:Invalid arguments:volume minimum not met", {"volume": D("0.00004")}),
        ("EGeneral:Invalid arguments:volume minimum not met", {"volume": D(0)}),
        ("EGeneral:Invalid arguments:volume", {"volume": D("0.100000001")}),
        ("EGeneral:Invalid arguments:volume", {"volume": D("1e20")}),
        ("EGeneral:Invalid arguments:volume", {"volume": D("NaN")}),
        ("EOrder:Cost minimum not met", {"volume": D("0.00005"), "price": D(10)}),
        ("EOrder:Tick size check failed", {"price": D("999.95")}),
        ("EGeneral:Invalid arguments:price", {"price": None}),
        ("EGeneral:Invalid arguments:price", {"price": D(0)}),
        ("EGeneral:Invalid arguments:price", {"order_type": OrderType.STOP_LOSS}),
        ("EGeneral:Invalid arguments:price2",
         {"order_type": OrderType.STOP_LOSS_LIMIT, "price": None, "trigger_price": D(900)}),
        ("EOrder:Tick size check failed", {"order_type": OrderType.STOP_LOSS, "trigger_price": D("900.05")}),
        ("EGeneral:Invalid arguments:expiretm", {"time_in_force": TimeInForce.GTD}),
        ("EGeneral:Invalid arguments:oflags", {"order_type": OrderType.MARKET, "post_only": True}),
        ("EGeneral:Invalid arguments:timeinforce", {"time_in_force": TimeInForce.IOC, "post_only": True}),
        ("EQuery:Unknown asset pair", {"pair": "NIXUSD"}),
        ("EOrder:Insufficient funds", {"volume": D("10")}),
        ("EOrder:Insufficient funds", {"volume": D("1"), "side": SELL}),
        ("EOrder:Post only order", {"price": D("1000.5"), "post_only": True}),
    ],
)  # fmt: skip
async def test_what_kraken_refuses_is_refused_in_its_words(code: str, changes: dict[str, object]) -> None:
    async with open_desk() as desk:
        await desk.hear("1000")
        request = msgspec.structs.replace(desk.request(BUY, "0.1", "1000"), **changes)
        outcome = await desk.broker.submit(request, go_ahead)
        assert isinstance(outcome, Refused), outcome
        assert outcome.code == code
        assert code in outcome.reason
        assert await desk.broker.find_orders(request.cl_ord_id) == []
        assert await desk.free("USD") == D(10_000)


async def test_a_post_only_order_is_refused_even_when_no_size_is_displayed() -> None:
    async with open_desk() as desk:
        desk.volume = D(0)
        await desk.hear("1000", size="0")
        outcome = await desk.order(BUY, "0.1", "1001", post_only=True)
        assert isinstance(outcome, Refused)
        accepted(await desk.order(BUY, "0.1", "1000.4", post_only=True))


async def test_a_client_id_of_an_open_order_is_not_taken_twice() -> None:
    async with open_desk() as desk:
        await desk.hear("1000")
        order_id = accepted(await desk.order(BUY, "0.1", "900", name="mine"))
        outcome = await desk.order(BUY, "0.1", "900", name="mine")
        # As over the wire: the order of that name exists, so nobody may conclude that it does not.
        assert isinstance(outcome, Unknown)
        assert "cl_ord_id not unique" in outcome.reason
        assert [report.kraken_order_id for report in await desk.broker.find_orders("mine")] == [order_id]


async def test_a_pair_holds_so_many_open_orders_and_no_more() -> None:
    async with open_desk() as desk:
        await desk.hear("1000")
        for _ in range(60):
            accepted(await desk.order(BUY, "0.001", "900"))
        outcome = await desk.order(BUY, "0.001", "900")
        assert isinstance(outcome, Refused)
        assert outcome.code == "EOrder:Orders limit exceeded"


@pytest.mark.parametrize(
    ("status", "kind", "code"),
    [
        (PairStatus.CANCEL_ONLY, NotSent, "EService:Market in cancel_only mode"),
        (PairStatus.POST_ONLY, NotSent, "EService:Market in post_only mode"),
        (PairStatus.MAINTENANCE, NotSent, "EService:Unavailable"),
        (PairStatus.REDUCE_ONLY, Refused, "EOrder:Reduce only:No position exists"),
        (PairStatus.DELISTED, Refused, "EQuery:Unknown asset pair"),
    ],
)
async def test_the_mode_of_a_pair_decides(
    status: PairStatus, kind: type[NotSent | Refused], code: str
) -> None:
    async with open_desk() as desk:
        await desk.hear("1000")
        desk.status(status)
        outcome = await desk.order(BUY, "0.1", "990")
        assert isinstance(outcome, kind)
        assert code in outcome.reason


async def test_a_limit_only_pair_takes_limit_orders() -> None:
    async with open_desk() as desk:
        await desk.hear("1000")
        desk.status(PairStatus.LIMIT_ONLY)
        assert isinstance(await desk.order(BUY, "0.1"), NotSent)
        accepted(await desk.order(BUY, "0.1", "990"))


async def test_nothing_fills_and_nothing_is_canceled_while_a_pair_is_in_maintenance() -> None:
    async with open_desk() as desk:
        await desk.hear("1000")
        accepted(await desk.order(BUY, "1", "990", name="mine"))
        await desk.hear("1000")
        desk.status(PairStatus.MAINTENANCE)
        await desk.hear("980", traded="3")
        with pytest.raises(ExchangeError, match="EService:Unavailable"):
            await desk.broker.cancel(["mine"])
        desk.status(PairStatus.ONLINE)
        await desk.hear("980", traded="3")
        assert desk.fills() == []
        await desk.hear("980", traded="3")
        assert desk.fills() == [("990", "1")]


async def test_a_price_through_an_order_that_comes_with_the_maintenance_fills_nothing() -> None:
    async with open_desk() as desk:
        await desk.hear("1000")
        accepted(await desk.order(BUY, "1", "990"))
        accepted(await desk.order(BUY, "0.1", kind=OrderType.STOP_LOSS, trigger_price=D(1100)))
        quote = await desk.hear("1000")
        desk.volume += 3
        through = msgspec.structs.replace(
            quote,
            last=D(980),
            figures=msgspec.structs.replace(quote.figures, volume_24h=desk.volume),  # type: ignore[type-var]
        )
        # Both before anything of it can be booked: whether it traded before or after is not known.
        desk.broker.on_quote(through)
        desk.status(PairStatus.MAINTENANCE)
        await settle()
        await desk.hear("1200", traded="3")
        assert desk.fills() == []
        assert len(await desk.broker.open_orders()) == 2
        desk.status(PairStatus.ONLINE)
        await desk.hear("980", traded="3")
        assert desk.fills() == []
        await desk.hear("980", traded="0.25")
        assert desk.fills() == [("990", "0.25")]


async def test_an_immediate_or_cancel_order_does_not_rest() -> None:
    async with open_desk() as desk:
        desk.volume = D(0)
        await desk.hear("1000", size="1")
        order_id = accepted(await desk.order(BUY, "2", "1001", time_in_force=TimeInForce.IOC))
        [report] = await desk.broker.query_orders([order_id])
        assert (report.status, report.filled) == (ExchangeStatus.CANCELED, D(1))
        balances = await desk.broker.balances()
        assert balances["USD"].reserved == 0


async def test_an_order_never_trades_with_an_own_one() -> None:
    async with open_desk() as desk:
        await desk.hear("1000")
        accepted(await desk.order(BUY, "1"))
        accepted(await desk.order(BUY, "0.5", "1000", name="resting"))
        order_id = accepted(await desk.order(SELL, "0.8", "999.8", name="crossing"))
        [report] = await desk.broker.query_orders([order_id])
        assert (report.status, report.reason) == (ExchangeStatus.CANCELED, "Self trade prevention")
        [still] = await desk.broker.open_orders()
        assert still.cl_ord_id == "resting"


async def test_a_cancel_frees_the_money_and_can_be_repeated() -> None:
    async with open_desk() as desk:
        await desk.hear("1000")
        accepted(await desk.order(BUY, "1", "900", name="mine"))
        assert await desk.free("USD") == D(10_000) - D("903.6")
        for _ in range(2):
            await desk.broker.cancel(["mine", "nobody's"])
        assert await desk.free("USD") == D(10_000)
        [report] = await desk.broker.find_orders("mine")
        assert report.status is ExchangeStatus.CANCELED
        await desk.hear("890", traded="5")
        assert desk.fills() == []


async def test_a_stop_fires_at_the_live_price_not_at_its_own() -> None:
    async with open_desk() as desk:
        await desk.hear("1000")
        accepted(await desk.order(BUY, "1"))
        order_id = accepted(await desk.order(SELL, "1", kind=OrderType.STOP_LOSS, trigger_price=D(950)))
        assert await desk.free("XBT") == 0
        await desk.hear("950.1")
        assert len(desk.fills()) == 1
        await desk.hear("940", bid="939")
        assert desk.fills()[1:] == [("939", "1")]
        [report] = await desk.broker.query_orders([order_id])
        assert (report.status, report.order_type) == (ExchangeStatus.CLOSED, "stop-loss")


async def test_a_stop_that_is_reached_already_fires_at_once() -> None:
    async with open_desk() as desk:
        await desk.hear("1000")
        accepted(await desk.order(BUY, "1"))
        accepted(await desk.order(SELL, "1", kind=OrderType.STOP_LOSS, trigger_price=D(1000)))
        assert desk.fills()[1:] == [("999.5", "1")]


async def test_a_take_profit_limit_rests_at_its_limit_once_it_fired() -> None:
    async with open_desk() as desk:
        await desk.hear("1000")
        accepted(await desk.order(BUY, "1"))
        accepted(await desk.order(SELL, "1", "1110", kind=OrderType.TAKE_PROFIT_LIMIT, trigger_price=D(1100)))
        await desk.hear("1105", traded="9")
        await desk.hear("1120", traded="0.4", bid="1100")
        assert desk.fills()[1:] == [("1110", "0.4")]


async def test_a_trailing_stop_follows_the_price_and_never_moves_back() -> None:
    disk = Disk()
    clock = FakeClock()
    async with open_desk(disk, clock=clock) as desk:
        await desk.hear("1000")
        accepted(await desk.order(BUY, "1"))
        accepted(await desk.order(SELL, "1", kind=OrderType.TRAILING_STOP, trigger_price=D("10.05")))
        await desk.hear("1100")
        await desk.hear("1095")
    async with open_desk(disk, clock=clock) as desk:
        desk.volume = D(1440)
        await desk.hear("1090.1")
        assert desk.fills() == []
        await desk.hear("1090")  # 1100 - 10.05 = 1089.95, on the nearer side of the tick: 1090.0
        assert desk.fills() == [("1089.5", "1")]


async def test_a_stop_for_which_the_money_is_gone_is_canceled() -> None:
    async with open_desk() as desk:
        await desk.hear("1000")
        order_id = accepted(await desk.order(BUY, "9", kind=OrderType.STOP_LOSS, trigger_price=D(1100)))
        await desk.hear("1200", size="9")
        [report] = await desk.broker.query_orders([order_id])
        assert (report.status, report.reason) == (ExchangeStatus.CANCELED, "Insufficient funds")


async def test_a_post_only_mode_holds_triggers_back() -> None:
    async with open_desk() as desk:
        await desk.hear("1000")
        accepted(await desk.order(BUY, "1"))
        accepted(await desk.order(SELL, "1", kind=OrderType.STOP_LOSS, trigger_price=D(950)))
        for status in (PairStatus.POST_ONLY, PairStatus.LIMIT_ONLY):
            desk.status(status)
            await desk.hear("940")
            assert len(desk.fills()) == 1
        desk.status(PairStatus.ONLINE)
        await desk.hear("940")
        assert len(desk.fills()) == 2


async def test_the_fee_falls_with_the_volume() -> None:
    terms = PaperTerms(starting_balances={"USD": D(50_000)}, latency_ms=0)
    async with open_desk(terms=terms) as desk:
        await desk.hear("1000", size="100")
        for _ in range(2):
            accepted(await desk.order(BUY, "10"))
        first, second = desk.ear.trades
        assert [first.fees[0].amount, second.fees[0].amount] == [D("40.02"), D("35.0175")]
        desk.clock.jump(31 * 86_400)
        await desk.hear("1000", size="100")
        accepted(await desk.order(BUY, "10"))
        assert desk.ear.trades[-1].fees[0].amount == D("40.02")


async def test_the_volume_that_counts_for_the_fee_survives_a_restart() -> None:
    disk, clock = Disk(), FakeClock()
    terms = PaperTerms(starting_balances={"USD": D(50_000)}, latency_ms=0)
    for fee in (D("40.02"), D("35.0175")):
        async with open_desk(disk, terms=terms, clock=clock) as desk:
            await desk.hear("1000", size="100")
            accepted(await desk.order(BUY, "10", name=f"{fee}"))
            assert desk.ear.trades[0].fees[0].amount == fee


async def test_an_order_keeps_its_place_over_a_restart() -> None:
    disk, clock = Disk(), FakeClock()
    async with open_desk(disk, clock=clock) as desk:
        await desk.hear("1000")
        for name in ("a", "b", "c"):
            accepted(
                await desk.order(
                    BUY, "1", "990", kind=OrderType.TAKE_PROFIT_LIMIT, trigger_price=D(995), name=name
                )
            )
        await desk.hear("995")
    async with open_desk(disk, clock=clock) as desk:
        await desk.hear("995")
        accepted(await desk.order(BUY, "1", "990", name="late"))
        await desk.hear("995")
        await desk.hear("980", traded="3")
        assert [trade.cl_ord_id for trade in desk.ear.trades] == ["a", "b", "c"]


async def test_the_books_never_go_back_in_time() -> None:
    async with open_desk() as desk:
        await desk.hear("1000")
        accepted(await desk.order(BUY, "0.1"))
        desk.clock.jump(-1)
        accepted(await desk.order(BUY, "0.1"))
        times = [entry.time for entry in await desk.broker.ledger(EVER)]
        assert times == sorted(times)


async def test_a_configured_volume_counts_for_the_fee() -> None:
    async with open_desk(terms=PaperTerms(latency_ms=0, fee_volume_usd=D(10_000))) as desk:
        await desk.hear("1000")
        accepted(await desk.order(BUY, "1"))
        assert desk.ear.trades[0].fees[0].amount == D("3.50175")


async def test_a_fee_is_paid_in_the_quote_asset_of_the_pair() -> None:
    async with open_desk() as desk:
        await desk.hear("1000")
        accepted(await desk.order(BUY, "1"))
        await desk.hear("0.05", pair="ETHXBT", bid="0.04990", ask="0.05010")
        accepted(await desk.order(BUY, "1", pair="ETHXBT"))
        assert desk.ear.trades[1].fees[0].asset == "XBT"
        assert await desk.total("XBT") == D(1) - D("0.0501") - D("0.0002004000")
        # 1000.5 USD and 0.0501 XBT at 1000 USD are counted
        assert [usd for _, usd in desk.books.disk.trades] == [D("1000.5"), D("50.1")]


async def test_an_account_survives_a_restart() -> None:
    disk, clock = Disk(), FakeClock()
    async with open_desk(disk, clock=clock) as desk:
        await desk.hear("1000")
        accepted(await desk.order(BUY, "1"))
        accepted(await desk.order(BUY, "1", "990", name="mine"))
        before = await desk.broker.balances()
        orders = await desk.broker.open_orders()
    async with open_desk(disk, clock=clock, listed=False) as desk:
        assert await desk.broker.balances() == before
        assert await desk.broker.open_orders() == orders
        assert len(await desk.broker.ledger(EVER)) == 3
        await desk.broker.cancel(["mine"])
        balances = await desk.broker.balances()
        assert balances["USD"].reserved == 0


async def test_no_fill_is_made_up_for_the_time_the_program_was_down() -> None:
    disk, clock = Disk(), FakeClock()
    async with open_desk(disk, clock=clock) as desk:
        await desk.hear("1000")
        accepted(await desk.order(BUY, "1", "990"))
        await desk.hear("1000")
    async with open_desk(disk, clock=clock) as desk:
        desk.volume = D(2000)
        await desk.hear("980")
        assert desk.fills() == []
        await desk.hear("980", traded="0.3")
        assert desk.fills() == [("990", "0.3")]


async def test_other_starting_balances_change_no_account_that_exists(
    caplog: pytest.LogCaptureFixture,
) -> None:
    disk = Disk()
    async with open_desk(disk) as desk:
        assert await desk.total("USD") == D(10_000)
    caplog.set_level("INFO")
    async with open_desk(disk, terms=PaperTerms(starting_balances={"USD": D("10000.00")})):
        assert caplog.messages == []
    async with open_desk(disk, terms=PaperTerms(starting_balances={"USD": D(5)})) as desk:
        assert await desk.total("USD") == D(10_000)
    assert "keeps its balances" in caplog.text


async def test_an_account_killed_before_its_deposit_opens_with_what_it_was_promised() -> None:
    disk = Disk()
    await PaperBroker.open(OWNER, MemoryBooks(disk), FakeClock(), TERMS)
    async with open_desk(disk, terms=PaperTerms(starting_balances={"XBT": D(5)})) as desk:
        assert await desk.total("USD") == D(10_000)


async def test_books_of_another_account_are_refused() -> None:
    disk = Disk()
    await PaperBroker.open("paper:xyz", MemoryBooks(disk), FakeClock(), TERMS)
    books = MemoryBooks(disk)
    with pytest.raises(AccountMismatchError):
        await PaperBroker.open(OWNER, books, FakeClock(), TERMS)
    assert books.closed


@pytest.mark.parametrize("opening", ["?", "[]", '{"USD": "NaN"}', '{"USD": "-1"}', '{"USD": "1E+99999"}'])
async def test_opening_balances_that_make_no_sense_are_said_to_be_so(opening: str) -> None:
    books = MemoryBooks(Disk(meta=(ACCOUNT, opening)))
    with pytest.raises(StorageError, match="opening balances"):
        await PaperBroker.open(OWNER, books, FakeClock(), TERMS)


async def test_an_account_begun_anew_shares_no_id_with_the_one_before() -> None:
    seen: list[set[str]] = []
    for tag in ("one", "two"):
        async with open_desk(tag=tag) as desk:
            assert desk.broker.account_id == f"{OWNER}-{tag}"
            await desk.hear("1000")
            seen.append(await all_ids(desk, accepted(await desk.order(BUY, "0.1"))))
    assert len(seen[0]) == len(seen[1]) == 6
    assert not seen[0] & seen[1]


async def test_books_that_were_set_back_give_no_id_twice() -> None:
    disk, clock = Disk(), FakeClock()
    async with open_desk(disk, clock=clock):
        pass
    seen: list[set[str]] = []
    for _ in range(2):
        older = Disk(disk.meta, dict(disk.orders), list(disk.trades), list(disk.entries))
        async with open_desk(older, clock=clock) as desk:
            await desk.hear("1000")
            seen.append(await all_ids(desk, accepted(await desk.order(BUY, "0.1"))))
    deposit = {disk.entries[0].entry_id, disk.entries[0].refid}
    assert seen[0] & seen[1] == deposit


async def all_ids(desk: Desk, order_id: str) -> set[str]:
    """Return every id of the account, of which one order traded once."""
    [trade] = await desk.broker.trades(EVER)
    entries = await desk.broker.ledger(EVER)
    refids = {entry.refid for entry in entries}
    return {order_id, trade.trade_id, *refids, *(entry.entry_id for entry in entries)}


@pytest.mark.parametrize(
    "changes",
    [
        {"filled": D("NaN")}, {"held": D(-1)}, {"cost": D("1E+9999")}, {"filled": D("0.2")},
        {"filled": D("0.1")}, {"price_decimals": -1}, {"price_decimals": 10**6},
        {"trigger": D("Infinity")}, {"opened_at": datetime(2026, 1, 5)},  # noqa: DTZ001 - what is tested
        {"request": {"order_type": OrderType.STOP_LOSS}}, {"request": {"order_type": OrderType.MARKET}},
        {"request": {"order_type": OrderType.TRAILING_STOP}, "trigger": D(900)},
        {"request": {"price": D("NaN")}},
    ],
)  # fmt: skip
async def test_an_open_order_that_cannot_be_one_keeps_the_account_shut(changes: dict[str, Any]) -> None:
    disk = Disk()
    async with open_desk(disk) as desk:
        await desk.hear("1000")
        accepted(await desk.order(BUY, "0.1", "900", name="mine"))
    row = disk.orders[1]
    order = order_of(row.body)
    if isinstance(changes.get("request"), dict):
        changes = changes | {"request": msgspec.structs.replace(order.request, **changes["request"])}
    disk.orders[1] = row_of(msgspec.structs.replace(order, **changes))
    books = MemoryBooks(disk)
    with pytest.raises(StorageError, match=r"Order 1 of the paper account makes no sense: .* -wal and -shm"):
        await PaperBroker.open(OWNER, books, FakeClock(), TERMS)
    assert books.closed


async def test_whoever_listens_hears_why_the_account_cannot_be_read_from_the_start() -> None:
    disk = Disk()
    broker = await PaperBroker.open(OWNER, books := MemoryBooks(disk), FakeClock(), TERMS)
    books.refuse = True
    desk = Desk(broker, books, FakeClock())
    async with asyncio.TaskGroup() as group:
        listening = group.create_task(broker.stream(desk.ear))
        await settle()
        assert desk.ear.states == [StreamState("account", connected=False, detail="the disk is full")]
        listening.cancel()


async def test_whatever_breaks_the_order_is_unknown_and_not_an_exception() -> None:
    async def ask() -> object:
        raise RuntimeError("boom")

    async with open_desk(ask_prices=ask) as desk:
        outcome = await desk.order(BUY, "1")
        assert isinstance(outcome, Unknown)
        assert "RuntimeError" in outcome.reason


async def test_an_order_that_was_not_stored_does_not_exist() -> None:
    async with open_desk() as desk:
        await desk.hear("1000")
        desk.books.refuse = True
        outcome = await desk.order(BUY, "1", name="lost")
        assert isinstance(outcome, Unknown)
        assert await desk.broker.open_orders() == []
        assert desk.ear.trades == []
        desk.books.refuse = False
        await desk.clock.advance(10)
        assert await desk.broker.find_orders("lost") == []
        assert await desk.free("USD") == D(10_000)


async def test_an_order_stored_without_an_answer_is_found_again() -> None:
    async with open_desk() as desk:
        await desk.hear("1000")
        desk.books.forget = True
        outcome = await desk.order(BUY, "1", name="there")
        assert isinstance(outcome, Unknown)
        desk.books.forget = False
        await settle()
        # Nobody was told of the fill, so the listener is made to ask.
        assert desk.ear.states[-1] == StreamState(
            "account", connected=True, detail="the paper account was read anew"
        )
        [report] = await desk.broker.find_orders("there")
        assert report.status is ExchangeStatus.CLOSED
        assert await desk.total("XBT") == D(1)
        assert len(await desk.broker.trades(EVER)) == 1


async def test_a_fill_that_cannot_be_stored_closes_the_stream_until_it_can() -> None:
    async with open_desk() as desk:
        await desk.hear("1000")
        accepted(await desk.order(BUY, "1", "990"))
        await desk.hear("1000")
        desk.books.refuse = True
        await desk.hear("980", traded="5")
        assert [state.connected for state in desk.ear.states] == [True, False]
        assert desk.ear.states[-1].detail == "the disk is full"
        desk.books.refuse = False
        await desk.clock.advance(10)
        assert desk.ear.states[-1].connected
        assert desk.fills() == []
        await desk.hear("980", traded="5")
        await desk.hear("980", traded="5")
        assert desk.fills() == [("990", "1")]


async def test_a_cancelled_submit_leaves_no_half_booked_order() -> None:
    async with open_desk() as desk:
        await desk.hear("1000")
        desk.books.stall = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            sent = group.create_task(desk.order(BUY, "1", name="cut off"))
            await settle()
            sent.cancel()
        desk.books.stall.set()
        await settle()
        assert await desk.broker.find_orders("cut off") == []
        assert await desk.free("USD") == D(10_000)


async def test_prices_that_pile_up_before_a_slow_disk_are_dropped_and_not_traded_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with open_desk() as desk:
        await desk.hear("1000")
        accepted(await desk.order(BUY, "1", "990"))
        quote = await desk.hear("1000")
        desk.books.stall = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(desk.broker.cancel(["nobody's"]))
            group.create_task(desk.order(BUY, "1", "900"))
            await settle()
            through = msgspec.structs.replace(
                quote,
                last=D(980),
                figures=msgspec.structs.replace(quote.figures, volume_24h=D(9999)),  # type: ignore[type-var]
            )
            for _ in range(HEARD_MAX):
                desk.broker.on_quote(quote)
            desk.broker.on_quote(through)
            desk.books.stall.set()
        await settle()
        assert desk.fills() == []
        assert "were dropped" in caplog.text


async def test_hostile_numbers_in_a_price_break_nothing() -> None:
    async with open_desk() as desk:
        await desk.hear("1000")
        accepted(await desk.order(BUY, "1", "990"))
        await desk.hear("1000")
        await desk.hear("1E+40")
        await desk.hear("-5")
        desk.volume = D("1E+40")
        await desk.hear("985", size="1E+40")
        desk.volume = D("1E+41")
        await desk.hear("985", size="1E+40")
        assert desk.fills() == [("990", "1")]
        accepted(await desk.order(SELL, "0.5"))
        assert desk.ear.states == [StreamState("account", connected=True)]


async def test_reads_say_what_is_wrong_with_the_books() -> None:
    async with open_desk() as desk:
        await desk.hear("1000")
        accepted(await desk.order(BUY, "0.1", "900", name="mine"))
        row = desk.books.disk.orders[1]
        desk.books.disk.orders[1] = msgspec.structs.replace(row, body="{}")
        with pytest.raises(ExchangeError, match="makes no sense"):
            await desk.broker.find_orders("mine")


async def test_closing_closes_the_books() -> None:
    async with open_desk() as desk:
        await desk.broker.close()
        assert desk.books.closed


async def test_a_listing_decides_the_scale_of_the_ledger() -> None:
    async with open_desk(listed=False) as desk:
        assert (await desk.total("USD")).as_tuple().exponent == -10
        desk.broker.on_pairs([PAIR], ASSETS)
        await desk.hear("1000")
        accepted(await desk.order(BUY, "0.33333333"))
        assert await desk.total("USD") == D(10_000) - D("333.5000") - D("1.3340")
