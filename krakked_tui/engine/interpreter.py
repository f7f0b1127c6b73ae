"""Effects -> port calls. One match; nothing is decided here, and nothing waits for the network.

Every effect that talks to the world runs as a task of the supervisor; its result comes back as an
event. A broker answers order calls with values, so a task ends in an event on every path.
"""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any, Protocol, assert_never

from krakked_tui.decision import effects as f
from krakked_tui.decision import events as e
from krakked_tui.decision.state import State
from krakked_tui.domain.errors import ExchangeError
from krakked_tui.domain.orders import LocalOrder, Purpose, SubmitOutcome, Unknown, Withheld
from krakked_tui.engine.answers import Answers
from krakked_tui.engine.inbox import Inbox
from krakked_tui.engine.market import LiveMarket
from krakked_tui.engine.rate_finder import RateFinder
from krakked_tui.portfolio.accounts import WantedRate
from krakked_tui.ports import Broker, Clock

_EMERGENCIES = frozenset({Purpose.STOP, Purpose.FLATTEN})
"""Orders that end a loss go before everything else that waits for the exchange."""


class Spawner(Protocol):
    """What starts a task that somebody owns."""

    def spawn(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        """Start ``work`` under ``name``."""
        ...


class Cycles(Protocol):
    """What runs the strategies (``engine.strategy_cycle.StrategyCycles``)."""

    async def run(self, effect: f.ComputeSignals) -> e.SignalsComputed:
        """Run the strategies of a cycle; bounded in time, whatever they do."""
        ...


class Interpreter:
    """Carries effects out."""

    def __init__(  # noqa: PLR0913 - one argument per thing an effect can reach
        self, *, state: State, inbox: Inbox, broker: Broker, market: LiveMarket, answers: Answers,
        clock: Clock, spawner: Spawner, cycles: Cycles, rates: RateFinder,
        write_log: Callable[[f.Log], None], max_concurrent_orders: int,
    ) -> None:  # fmt: skip
        self._state = state
        self._inbox = inbox
        self._broker = broker
        self._market = market
        self._answers = answers
        self._clock = clock
        self._spawner = spawner
        self._cycles = cycles
        self._rates = rates
        self._write_log = write_log
        # What reduces risk never waits for a slot behind entries that hang.
        self._entry_slots = asyncio.Semaphore(max_concurrent_orders)
        self._other_slots = asyncio.Semaphore(max_concurrent_orders)
        self.in_flight = 0
        """Order requests handed to the broker and not answered yet."""

    def perform(self, effect: f.Effect) -> None:  # noqa: C901 - one arm per effect
        """Start one effect."""
        match effect:
            case f.Log():
                self._write_log(effect)
            case f.Answer():
                self._answers.resolve(effect)
            case f.WatchStops(stops):
                self._market.watch_stops(stops)
            case f.Submit(order, delay):
                self.in_flight += 1
                self._spawner.spawn(f"submit {order.cl_ord_id}", self._submit(order, delay))
            case f.Cancel(cl_ord_ids):
                self._spawner.spawn("cancel", self._cancel(cl_ord_ids))
            case f.LookUp(cl_ord_id):
                self._spawner.spawn(f"look up {cl_ord_id}", self._look_up(cl_ord_id))
            case f.Identify(kraken_order_ids):
                self._spawner.spawn("identify", self._identify(kraken_order_ids))
            case f.SyncAccount():
                self._spawner.spawn("sync", self._sync(effect))
            case f.ReadFees(pairs):
                self._spawner.spawn("fees", self._read_fees(pairs))
            case f.FindRates(wanted):
                self._spawner.spawn("rates", self._find_rates(wanted))
            case f.ComputeSignals():
                self._spawner.spawn("signals", self._signals(effect))
            case _:
                assert_never(effect)

    async def _submit(self, order: LocalOrder, delay: float) -> None:
        try:
            if delay:
                await self._clock.sleep(delay)
            async with self._entry_slots if order.purpose is Purpose.ENTRY else self._other_slots:
                outcome = await self._send(order)
            if isinstance(outcome, Withheld):
                self._inbox.put(e.SubmitWithheld(self._clock.now(), order.cl_ord_id, outcome.reason))
                return
            self._inbox.put(e.SubmitAnswered(self._clock.now(), self._clock.monotonic(), outcome))
        finally:
            self.in_flight -= 1

    async def _send(self, order: LocalOrder) -> SubmitOutcome | Withheld:
        try:
            return await self._broker.submit(
                order.request, lambda: self._refusal(order), emergency=order.purpose in _EMERGENCIES
            )
        except ExchangeError as error:
            # A broker answers with values. Should one raise after all, the order may exist.
            return Unknown(order.cl_ord_id, str(error))

    def _refusal(self, order: LocalOrder) -> str:
        """Look at the safety state once more, immediately before an order's bytes are written."""
        state = self._state
        if order.purpose is Purpose.ENTRY and state.kill_switch.active:
            return "killed before sending"
        if order.purpose is Purpose.ENTRY and state.flattening:
            return "a flatten started before sending"
        oldest = state.settings.execution.max_plan_age_seconds * max(self._clock.speed, 1.0)
        if order.purpose is Purpose.ENTRY and self._clock.now() - order.created_at > timedelta(
            seconds=oldest
        ):
            return "its plan is too old by now"
        if order.cl_ord_id in state.cancelling:
            return "canceled before sending"
        return state.new_risk_refusal() if order.purpose is Purpose.ENTRY else ""

    async def _cancel(self, cl_ord_ids: tuple[str, ...]) -> None:
        try:
            state = self._state
            emergency = state.kill_switch.active or state.flattening
            await self._broker.cancel(cl_ord_ids, emergency=emergency)
            error = ""
        except ExchangeError as failure:
            error = str(failure)
        self._inbox.put(e.CancelAnswered(self._clock.now(), cl_ord_ids, error))

    async def _look_up(self, cl_ord_id: str) -> None:
        asked = self._clock.now()
        reports, error = None, ""
        try:
            reports = tuple(await self._broker.find_orders(cl_ord_id))
        except ExchangeError as failure:
            error = str(failure)
        clock = self._clock
        self._inbox.put(e.LookedUp(clock.now(), clock.monotonic(), cl_ord_id, asked, reports, error))

    async def _identify(self, kraken_order_ids: tuple[str, ...]) -> None:
        try:
            reports = await self._broker.query_orders(kraken_order_ids)
        except ExchangeError as failure:
            fields: dict[str, str | int | float | bool | None] = {"reason": str(failure)}
            self._write_log(f.Log(f.Level.WARNING, "identify_failed", fields))
            return
        for report in reports:
            self._inbox.put(e.OrderReported(self._clock.now(), report, "identify"))

    async def _sync(self, effect: f.SyncAccount) -> None:
        broker, clock = self._broker, self._clock
        balances_at, began = clock.now(), clock.monotonic()
        try:
            async with asyncio.timeout(effect.deadline):
                balances = await broker.balances()
                open_orders = tuple(await broker.open_orders())
                trades = tuple(await broker.trades(effect.trades_since))
                entries = tuple(await broker.ledger(effect.entries_since))
        except (ExchangeError, TimeoutError) as failure:
            reason = str(failure) or f"it took longer than {effect.deadline:.0f} s"
            self._inbox.put(e.AccountSyncFailed(clock.now(), clock.monotonic(), reason))
            return
        self._inbox.put(
            e.AccountSynced(
                at=clock.now(),
                wall=clock.monotonic(),
                activity=effect.activity,
                balances_at=balances_at,
                open_orders=open_orders,
                trades=trades,
                entries=entries,
                balances=dict(balances),
                began_wall=began,
            )
        )

    async def _read_fees(self, pairs: tuple[str, ...]) -> None:
        try:
            taker = dict(await self._broker.taker_fees(pairs))
        except ExchangeError as failure:
            fields: dict[str, str | int | float | bool | None] = {"reason": str(failure)}
            said = "the account's fees cannot be read: those known last count, else the lowest tier's"
            self._write_log(f.Log(f.Level.WARNING, "fees_unread", fields, said))
            return
        self._inbox.put(e.FeesRead(self._clock.now(), taker))

    async def _find_rates(self, wanted: tuple[WantedRate, ...]) -> None:
        self._inbox.put(await self._rates.find(wanted))

    async def _signals(self, effect: f.ComputeSignals) -> None:
        self._inbox.put(await self._cycles.run(effect))
