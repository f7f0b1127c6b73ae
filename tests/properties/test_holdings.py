"""Shares always add up, and a restart makes the same of the same fills."""

from datetime import timedelta
from decimal import Decimal

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from krakked_tui.decision import events as e
from krakked_tui.domain.fills import Trade
from krakked_tui.domain.intents import IntentType
from krakked_tui.domain.orders import ExchangeStatus, LocalOrder, Side
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.domain.plans import ActionShare
from krakked_tui.execution.holding_book import Closing, HoldingBook
from krakked_tui.strategies.settings import StrategySettings
from tests.scenarios.stage import OTHER, PRICE, RISK, STRATEGY, Stage
from tests.unit.execution.test_holdings import fill, made

D = Decimal
lots = st.integers(1, 10**9).map(lambda units: D(units) / 10**8)
order_shares = st.dictionaries(st.sampled_from("abc"), lots, min_size=1).map(
    lambda sizes: tuple(ActionShare(name, sizes[name]) for name in sorted(sizes))
)
orders = st.builds(made, st.sampled_from(Side)).flatmap(
    lambda order: order_shares.map(lambda shares: msgspec.structs.replace(order, shares=shares))
)
books = st.lists(st.tuples(orders, st.integers(1, 10**8)), min_size=1, max_size=8)


def fills_of(pairs: list[tuple[LocalOrder, int]]) -> list[tuple[LocalOrder, Trade]]:
    """A fill of each order, a minute after the one before."""
    found = []
    for minute, (order, units) in enumerate(pairs):
        named = msgspec.structs.replace(order, cl_ord_id=f"k{minute}")
        side = order.request.side
        found.append((named, fill(side, str(D(units) / 10**8), str(90 + minute), minute=minute)))
    return found


@given(books, st.randoms(use_true_random=False))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_shares_add_up_to_the_holding_whatever_is_filled(
    xbtusd: PairMetadata, pairs: list[tuple[LocalOrder, int]], shuffle: object
) -> None:
    book, held, spent = HoldingBook(), D(0), D(0)
    fills = fills_of(pairs)
    for order, trade in fills:
        book.apply(order, trade, xbtusd)
        buying = trade.side == Side.BUY
        held = held + trade.volume if buying else max(held - trade.volume, D(0))
        spent += trade.cost if buying else D(0)
        holding = book.holdings.get("XBTUSD")
        assert (holding.size if holding else D(0)) == held
        if holding is not None:
            assert [share.strategy_id for share in holding.shares] == sorted(
                share.strategy_id for share in holding.shares
            )
            assert all(share.size > 0 and share.cost >= 0 for share in holding.shares)
    left = book.holdings.get("XBTUSD")
    cost_of_sold = sum((closing.cost for closing in book.closings()), D(0))
    assert (left.cost if left else D(0)) + cost_of_sold == spent
    mixed = fills.copy()
    shuffle.shuffle(mixed)  # type: ignore[attr-defined]
    other: HoldingBook = HoldingBook()
    for order, trade in mixed:
        other.apply(order, trade, xbtusd)
    assert (other.holdings, by_sale(other)) == (book.holdings, by_sale(book))


class Play:
    """Moves that two strategies and an exchange can make, in any order."""

    def __init__(self, pair: PairMetadata) -> None:
        trailing: StrategySettings = msgspec.structs.replace(OTHER, trailing_stop_pct=D(3))
        protections = msgspec.structs.replace(
            RISK.protections, cooldown_minutes=0, stop_guard_count=0, max_consecutive_losses=0
        )
        risk = msgspec.structs.replace(RISK, protections=protections)
        self.stage = Stage(pair, strategies=(trailing, STRATEGY), risk=risk).ready()
        self._trades = 0

    def enter(self, who: int) -> None:
        self._wish(IntentType.ENTER, who)

    def leave(self, who: int) -> None:
        self._wish(IntentType.EXIT, who)

    def _wish(self, kind: IntentType, who: int) -> None:
        ids = [strategy.id for number, strategy in enumerate((OTHER, STRATEGY)) if who & (1 << number)]
        wishes = (self.stage.intent(kind, D(49_000) - 500 * who, strategy_id) for strategy_id in ids)
        self.stage.cycle(*wishes)

    def fill(self, tenths: int) -> None:
        """Take and fill a part of every live order."""
        for order in self.stage.state.orders.live():
            if order.kraken_order_id is None:
                self.stage.accept(order, f"O{order.cl_ord_id}")
            now = self.stage.order(order)
            volume = (now.remaining * tenths / 10).quantize(D("0.00000001"))
            if volume <= 0:
                continue
            self._trades += 1
            trade = self.stage.fill(now, volume, f"T{self._trades:06}")
            self.stage.at += timedelta(seconds=1)
            self.stage.play(e.TradeReported(self.stage.at, trade, "stream"))
            filled = now.filled + volume
            done = filled == now.request.volume
            status = ExchangeStatus.CLOSED if done else ExchangeStatus.OPEN
            self.stage.play(e.OrderReported(self.stage.at, self.stage.report(now, status, filled), "stream"))

    def price(self, steps: int) -> None:
        """A sample of the price, and a crossing when one was watched for."""
        price = PRICE + 500 * (steps - 6)
        watched = (self.stage.state.watched_stops or {}).get("XBTUSD")
        if watched is not None and watched.crossed(price) is not None:
            self.stage.crossed(price)
        self.stage.priced(price)

    def wait(self, seconds: int) -> None:
        self.stage.later(seconds)


moves = st.one_of(
    st.tuples(st.just("enter"), st.integers(1, 3)),
    st.tuples(st.just("leave"), st.integers(1, 3)),
    st.tuples(st.just("fill"), st.integers(1, 10)),
    st.tuples(st.just("fill"), st.just(10)),
    st.tuples(st.just("price"), st.integers(0, 12)),
    st.tuples(st.just("wait"), st.integers(1, 5)),
)


@given(st.lists(moves, min_size=3, max_size=25))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_a_restart_makes_the_running_state_again(xbtusd: PairMetadata, played: list[tuple[str, int]]) -> None:
    play = Play(xbtusd)
    for name, argument in played:
        getattr(play, name)(argument)
        state = play.stage.state
        holding = state.holdings.get("XBTUSD")
        assert (holding.size if holding else D(0)) == state.books.balance("XBT")
        sells = [order for order in state.live_orders("XBTUSD") if order.request.side is Side.SELL]
        assert len(sells) <= 1
        assert all(order.remaining <= state.books.balance("XBT") for order in sells)
        for order in state.orders:
            assert sum(share.size for share in order.shares) == order.request.volume
    again = play.stage.restarted().state
    assert by_sale(again.held) == by_sale(play.stage.state.held)
    assert without_highs(again.held) == without_highs(play.stage.state.held)
    assert again.order_errors == play.stage.state.order_errors


def without_highs(book: HoldingBook) -> list[object]:
    """The shares but for their highest prices, which are stored coarsely."""
    shares = [share for holding in book.holdings.values() for share in holding.shares]
    return [msgspec.structs.replace(share, highest=D(0)) for share in shares]


def by_sale(book: HoldingBook) -> list[Closing]:
    """What was sold, in an order that does not depend on what came first."""
    return sorted(book.closings(), key=lambda closing: (closing.at, closing.strategy_id, closing.pnl))
