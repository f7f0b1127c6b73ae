"""The books hold together whatever happens, in whatever order it is heard of."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from krakked_tui.domain.fills import Fee, LedgerEntry, Trade
from krakked_tui.domain.money import ZERO
from krakked_tui.domain.precision import at_scale
from krakked_tui.portfolio.ledger import Books, LedgerState
from tests.unit.portfolio.statements import PAIRS, START, Event, apply, make_entry

D = Decimal
PRICES = {"XBTUSD": D("31234.5"), "ETHUSD": D("1987.65")}


@dataclass(frozen=True)
class Fill:
    """A drawn fill; the fee is in permille of the trade, taken in the base or the quote asset."""

    pair: str
    side: str
    price: Decimal
    volume: Decimal
    fee_permille: Decimal
    fee_in_base: bool
    settled: bool
    minute: int


def decimals(low: str, high: str, places: int) -> st.SearchStrategy[Decimal]:
    return st.decimals(D(low), D(high), places=places)


FILLS = st.builds(
    Fill,
    pair=st.sampled_from(sorted(PRICES)),
    side=st.sampled_from(["buy", "buy", "sell"]),
    price=decimals("0.1", "90000", 1),
    volume=decimals("0.00000001", "5", 8),
    fee_permille=decimals("-0.2", "4", 1),
    fee_in_base=st.booleans(),
    settled=st.booleans(),
    minute=st.integers(0, 20),
)
FLOWS = st.lists(
    st.tuples(st.sampled_from(["USD", "XBT", "ETH"]), decimals("-50", "9000", 4), decimals("0", "9", 4)),
    max_size=4,
)


def trade_of(number: int, fill: Fill) -> Trade:
    """The trade row of a fill: amounts at the pair's scale."""
    pair = PAIRS[fill.pair]
    cost = at_scale(fill.price * fill.volume, 5)
    paid = fill.volume if fill.fee_in_base else cost
    fee = Fee(pair.base if fill.fee_in_base else pair.quote, at_scale(paid * fill.fee_permille / 1000, 8))
    at = START + timedelta(minutes=fill.minute)
    return Trade(
        f"T{number}",
        f"O{number}",
        fill.pair,
        fill.side,
        fill.price,
        fill.volume,
        cost,
        (fee,),
        at,
        maker=False,
    )


def rows_of(trade: Trade) -> list[LedgerEntry]:
    """The exchange's rows for a trade: amounts at the assets' own scales."""
    pair, sign = PAIRS[trade.pair], 1 if trade.side == "buy" else -1
    fees = {fee.asset: fee.amount for fee in trade.fees}
    return [
        make_entry(
            f"L{trade.trade_id}{asset}",
            asset,
            str(at_scale(amount, scale)),
            str(at_scale(fees.get(asset, ZERO), scale)),
            refid=trade.trade_id,
            at=trade.time,
        )
        for asset, amount, scale in (
            (pair.base, sign * trade.volume, 10),
            (pair.quote, -sign * trade.cost, 4),
        )
    ]


@st.composite
def histories(draw: st.DrawFn) -> list[Event]:
    """Fills, some with their ledger rows, and cash flows, in an order of arrival drawn at random."""
    events: list[Event] = []
    for number, fill in enumerate(draw(st.lists(FILLS, max_size=12))):
        trade = trade_of(number, fill)
        events += [trade, *(rows_of(trade) if fill.settled else ())]
    for number, (asset, amount, fee) in enumerate(draw(FLOWS)):
        events.append(make_entry(f"F{number}", asset, str(amount), str(fee), kind="transfer"))
    return draw(st.permutations(events))


def state_of(events: list[Event]) -> LedgerState:
    books = Books()
    for event in events:
        assert apply(books, event)
    return books.state


@given(histories(), st.randoms(use_true_random=False))
def test_the_order_of_arrival_and_repeats_change_nothing(events: list[Event], random: Random) -> None:
    shuffled = events.copy()
    random.shuffle(shuffled)
    books = Books()
    for event in shuffled:
        apply(books, event)
        if random.random() < 0.3:
            assert apply(books, random.choice(shuffled[: shuffled.index(event) + 1])) is False
    assert books.state == state_of(events)


@given(histories())
def test_replaying_from_zero_equals_the_state_at_every_step(events: list[Event]) -> None:
    books = Books()
    for count, event in enumerate(events, start=1):
        apply(books, event)
        entries = [e for e in events[:count] if isinstance(e, LedgerEntry)]
        trades = sorted((e for e in events[:count] if isinstance(e, Trade)), key=lambda trade: trade.time)
        assert books.state == state_of([*entries, *trades])


@given(histories())
def test_nothing_is_ever_short_and_no_cost_outlives_its_position(events: list[Event]) -> None:
    for position in state_of(events).positions.values():
        assert position.size >= ZERO
        assert position.cost >= ZERO
        assert position.size or not position.cost
        assert (position.opened_at is None) == (not position.size)


@given(histories())
def test_per_trade_figures_add_up_to_the_totals(events: list[Event]) -> None:
    books = Books()
    for event in events:
        apply(books, event)
    made = [books.realized(event.trade_id) for event in events if isinstance(event, Trade)]
    assert sum((pnl.pnl for pnl in made if pnl), ZERO) == books.state.realized_pnl
    assert sum((pnl.fee for pnl in made if pnl), ZERO) == books.state.fees_paid


@given(histories())
def test_balances_are_the_plain_sum_of_rows_and_of_fills_without_rows(events: list[Event]) -> None:
    expected: dict[str, Decimal] = {}
    settled = {e.refid for e in events if isinstance(e, LedgerEntry)}
    for event in events:
        rows = [event] if isinstance(event, LedgerEntry) else []
        if isinstance(event, Trade) and event.trade_id not in settled:
            pair, sign = PAIRS[event.pair], 1 if event.side == "buy" else -1
            rows = [
                make_entry("", pair.base, str(sign * event.volume)),
                make_entry("", pair.quote, str(-sign * event.cost)),
                *(make_entry("", fee.asset, "0", str(fee.amount)) for fee in event.fees),
            ]
        for row in rows:
            expected[row.asset] = expected.get(row.asset, ZERO) + row.amount - row.fee
    assert state_of(events).balances == expected


Order = tuple[str, Decimal, Decimal]


def pieces(volume: Decimal, shares: list[int]) -> list[Decimal]:
    """Cut a volume into parts in about these proportions."""
    cut = [at_scale(volume * share / (sum(shares) + 1), 8) for share in shares]
    return [*cut, volume - sum(cut, ZERO)]


def executed(orders: list[Order], split: int, shares: list[int]) -> LedgerState:
    """Books after these orders, the one at index ``split`` filled in parts; exact costs, 1 permille fee."""
    books = Books()
    for index, (side, volume, price) in enumerate(orders):
        for part, piece in enumerate(pieces(volume, shares) if index == split else [volume]):
            cost = price * piece
            books.apply_trade(
                Trade(
                    trade_id=f"T{index}.{part}",
                    kraken_order_id=f"O{index}",
                    pair="XBTUSD",
                    side=side,
                    price=price,
                    volume=piece,
                    cost=cost,
                    fees=(Fee("USD", cost / 1000),),
                    time=START + timedelta(minutes=index),
                    maker=False,
                ),
                PAIRS["XBTUSD"],
            )
    return books.state


@given(
    st.lists(
        st.tuples(st.just("buy"), decimals("0.01", "5", 8), decimals("1", "90000", 1)), min_size=1, max_size=4
    ),
    decimals("1", "90000", 1),
    st.integers(0, 5),
    st.lists(st.integers(1, 9), min_size=1, max_size=4),
)
def test_partial_fills_come_to_the_same_as_the_whole(
    buys: list[Order], price: Decimal, split: int, shares: list[int]
) -> None:
    held = sum((volume for _, volume, _ in buys), ZERO)
    half = at_scale(held / 2, 8)
    orders = [*buys, ("sell", half, price), ("sell", held - half, price)]
    whole, parts = executed(orders, -1, shares), executed(orders, split % len(orders), shares)
    assert parts == whole
    assert (whole.positions["XBTUSD"].size, whole.positions["XBTUSD"].cost) == (ZERO, ZERO)

    # Before the end a share of the cost has been cut to a finite number of digits.
    whole, parts = executed(orders[:-1], -1, shares), executed(orders[:-1], split % len(orders), shares)
    assert (parts.balances, parts.fees_paid) == (whole.balances, whole.fees_paid)
    assert abs(parts.realized_pnl - whole.realized_pnl) <= D("1e-12") * abs(whole.realized_pnl)
