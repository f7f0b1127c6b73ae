"""What order calls cost on the trading counter, which depends on how old an order is.

An age counts from the instant we knew that the order was placed or last amended: the exchange's own
age is at least that, so its price is at most ours. An order we know nothing about is as dear as can
be.
"""

from collections import Counter, OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from krakked_tui.kraken.endpoints import Action

ORDERS_MAX = 10_000
ANY_PAIR = ""
"""Stands for the pair of an order we know nothing about, and for all pairs together."""

_AMEND = ((5.0, 3.0), (10.0, 2.0), (15.0, 1.0))
_EDIT = ((5.0, 6.0), (10.0, 5.0), (15.0, 4.0), (45.0, 2.0), (90.0, 1.0))
_CANCEL = ((5.0, 8.0), (10.0, 6.0), (15.0, 5.0), (45.0, 4.0), (90.0, 2.0), (300.0, 1.0))
_BY_AGE = {
    Action.AMEND: _AMEND,
    Action.EDIT: _EDIT,
    Action.CANCEL: _CANCEL,
    Action.CANCEL_BATCH: _CANCEL,
}
"""Units for an order younger than so many seconds."""


@dataclass(slots=True)
class _Placed:
    """One order; ``since`` is None when nobody can say."""

    pair: str
    since: float | None


@dataclass(frozen=True, slots=True)
class Subject:
    """What an order call is about: the pair it names, if any, and orders by either kind of id."""

    pair: str = ANY_PAIR
    order_ids: tuple[str, ...] = ()
    orders: int = 1


class OrderAges:
    """Remembers the orders seen placed, up to a bound; the oldest are forgotten first."""

    def __init__(self) -> None:
        self._placed: OrderedDict[str, _Placed] = OrderedDict()
        self._changing: Counter[str] = Counter()

    def placed(self, pair: str, order_ids: Iterable[str], since: float | None) -> None:
        """Remember one order under all its ids."""
        order = _Placed(pair, since)
        for order_id in order_ids:
            self._placed[order_id] = order
            self._placed.move_to_end(order_id)
        self._forget()

    def seen(self, pair: str, order_ids: Sequence[str], since: float | None) -> None:
        """Fill in what is not known yet of an order that the exchange lists: its age, and other ids.

        An age that is known stays, and so does one that a change on its way is about to end.
        """
        order = next((self._placed[each] for each in order_ids if each in self._placed), None)
        if order is None:
            self.placed(pair, order_ids, since)
            return
        if order.since is None and not any(each in self._changing for each in order_ids):
            order.since = since
        for order_id in order_ids:
            self._placed.setdefault(order_id, order)
        self._forget()

    def changing(self, order_ids: Iterable[str], calls: int) -> None:
        """Note that so many more calls (fewer, if negative) that end the orders' age are on their way."""
        for order_id in order_ids:
            self._changing[order_id] += calls
            if self._changing[order_id] <= 0:
                del self._changing[order_id]

    def known(self, order_id: str) -> bool:
        """Say whether this order's age, or at least its pair, is known."""
        return order_id in self._placed

    def since(self, order_ids: Iterable[str]) -> float | None:
        """Return when the first of these orders was placed or changed, None when nobody can say."""
        return next((self._placed[each].since for each in order_ids if each in self._placed), None)

    def changed(self, order_ids: Iterable[str], since: float | None) -> None:
        """Start the age of orders anew, as an amendment does."""
        for order_id in order_ids:
            if order_id in self._placed:
                self._placed[order_id].since = since

    def units(self, action: Action, cost: float, subject: Subject, now: float) -> dict[str, float]:
        """Return the units a call costs, by pair; ``ANY_PAIR`` for what may fall on any of them."""
        match action:
            case Action.ADD | Action.ACCOUNT_WIDE:
                return {subject.pair: cost}
            case Action.ADD_BATCH:
                return {subject.pair: subject.orders / 2}
            case Action.AMEND | Action.EDIT | Action.CANCEL | Action.CANCEL_BATCH:
                return self._by_age(action, cost, subject, now)

    def _forget(self) -> None:
        while len(self._placed) > ORDERS_MAX:
            self._placed.popitem(last=False)

    def _by_age(self, action: Action, cost: float, subject: Subject, now: float) -> dict[str, float]:
        units: dict[str, float] = {}
        for order_id in subject.order_ids or ("",):
            order = self._placed.get(order_id) or _Placed(subject.pair, None)
            units[order.pair] = units.get(order.pair, 0.0) + cost + _price(_BY_AGE[action], order.since, now)
        return units


def _price(steps: Sequence[tuple[float, float]], since: float | None, now: float) -> float:
    if since is None:
        return steps[0][1]
    return next((units for age, units in steps if now - since < age), 0.0)


_ID_FIELDS = ("cl_ord_id", "txid", "cl_ord_ids", "orders", "userref")


def subject_of(params: Mapping[str, object], pair: str) -> Subject:
    """Read from the parameters of an order call what it is about; ``pair`` is our name of the pair."""
    ids: list[str] = []
    orders = 1
    for name in _ID_FIELDS:
        value = params.get(name)
        if isinstance(value, str):
            ids += value.split(",")
        elif isinstance(value, Sequence):
            orders = max(orders, len(value))
            ids += [each for each in value if isinstance(each, str)]
    return Subject(pair, tuple(ids), orders)


def ids_placed(params: Mapping[str, object], result: object) -> list[list[str]]:
    """Return the ids of each order that a call has placed, ours and the exchange's together."""
    answer = result if isinstance(result, Mapping) else {}
    asked, rows = params.get("orders"), answer.get("orders")
    if isinstance(asked, Sequence) and isinstance(rows, Sequence):
        pairs = zip(asked, rows, strict=False)
        return [[*_texts(order, "cl_ord_id"), *_texts(row, "txid")] for order, row in pairs]
    return [[*_texts(params, "cl_ord_id"), *_texts(answer, "txid")]]


def _texts(row: object, name: str) -> list[str]:
    value = row.get(name) if isinstance(row, Mapping) else None
    if isinstance(value, str):
        return [value]
    return [each for each in value if isinstance(each, str)] if isinstance(value, Sequence) else []
