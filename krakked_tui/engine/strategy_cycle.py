"""One strategy cycle as the engine carries it out: account read, inputs frozen, strategies run."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

import msgspec

from krakked_tui.decision.deciding import fingerprint
from krakked_tui.decision.effects import ComputeSignals
from krakked_tui.decision.events import SignalsComputed, SyncRequested
from krakked_tui.decision.state import State
from krakked_tui.domain.candles import Quote, Timeframe
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.engine.inbox import Inbox
from krakked_tui.engine.market import LiveMarket
from krakked_tui.engine.signals import CycleInputs
from krakked_tui.engine.strategy_runner import StrategyRunner
from krakked_tui.ports import Clock

SYNCED_LATELY_SECONDS = 15.0
"""An account that was read so long ago or less is not read again for a cycle. Wall seconds, and more where
time runs faster, up to the interval of all readings: the exchange lets it be read only so often."""
SYNC_SECONDS = 5.0
"""How long (wall) a cycle waits for the account; stale books hold up no exit."""
REHEARSAL_SECONDS = 5.0
POLL_SECONDS = 0.02


class StrategyCycles:
    """Used from the engine's loop only."""

    def __init__(
        self, *, state: State, market: LiveMarket, runner: StrategyRunner, inbox: Inbox, clock: Clock,
        unread: Callable[[], frozenset[str]],
    ) -> None:  # fmt: skip
        """``unread`` names the pairs of which candles are known to be missing."""
        self._state = state
        self._market = market
        self._runner = runner
        self._inbox = inbox
        self._clock = clock
        self._unread = unread

    async def run(self, effect: ComputeSignals) -> SignalsComputed:
        """Run the strategies that work on candles that are closed, and return what came of it.

        The account is read once, meanwhile, and the prices are those of the end.
        """
        clock, state, runner = self._clock, self._state, self._runner
        started = clock.monotonic()
        self._ask_for_account(started)
        working = {each.id for each in state.settings.strategies} - state.strategy_errors.keys()
        # Before the strategies look, too: what comes meanwhile, they have not seen.
        unread = self._unread()
        signals = await runner.run(self.inputs(effect), working)
        await self._account(started, self._patience(effect.timeframes))
        return SignalsComputed(
            at=clock.now(),
            wall=clock.monotonic(),
            cycle=effect.cycle,
            boundary=effect.boundary,
            timeframes=effect.timeframes,
            intents=signals.intents,
            marks=self._market.marks(),
            duration_ms=(clock.monotonic() - started) * 1000,
            fingerprint=signals.fingerprint,
            failures={**self._new_failures(), **signals.failures},
            notes=signals.notes,
            unread=unread | self._unread(),
            atr=signals.atr,
        )

    async def rehearse(self, timeframes: Collection[Timeframe], boundary: datetime) -> None:
        """Evaluate the strategies once and forget the answer.

        The first evaluation compiles what the later ones use; it must not delay the first boundary.
        """
        frames = {timeframe: self._market.frame(timeframe) for timeframe in timeframes}
        inputs = CycleInputs(
            boundary=boundary,
            now=self._clock.now(),
            frames=frames,
            pairs=self._pairs(),
            quotes=self._quotes(),
        )
        await self._runner.run(inputs, seconds=REHEARSAL_SECONDS)

    def _new_failures(self) -> Mapping[str, str]:
        """Strategies that could not even be made."""
        failed, known = self._runner.failed, self._state.strategy_errors
        return {name: why for name, why in failed.items() if name not in known}

    def inputs(self, effect: ComputeSignals) -> CycleInputs:
        """Freeze what the strategies are given."""
        state, market = self._state, self._market
        frames = {
            timeframe: market.frame(timeframe)
            for timeframe in effect.timeframes
            if timeframe in market.timeframes
        }
        used = self._runner.warmup.keys() & set(market.timeframes)
        longest = max(used, key=lambda timeframe: timeframe.minutes, default=None)
        quotes = self._quotes()
        return CycleInputs(
            boundary=effect.boundary,
            now=self._clock.now(),
            frames=frames,
            pairs=self._pairs(),
            universe=state.tradable,
            held=effect.held,
            worth_usd=_worth(state, effect.held, quotes),
            quotes=quotes,
            lookback_bars=state.settings.risk.volatility_lookback_bars,
            volatility=(longest, market.frame(longest)) if longest else None,
            watched=state.needed_pairs(),
            facts=_facts(state),
        )

    def _pairs(self) -> Mapping[str, PairMetadata]:
        state = self._state
        return {pair: state.known[pair] for pair in sorted(state.tradable | state.holdings.keys())}

    def _quotes(self) -> Mapping[str, Quote]:
        return dict(self._market.quotes)

    def _ask_for_account(self, now: float) -> None:
        if not self._synced_lately(now):
            self._inbox.put(SyncRequested(self._clock.now(), now), key="cycle sync")

    def _patience(self, timeframes: Collection[Timeframe]) -> float:
        """How long (wall) the account is waited for: where time runs fast, not until the next boundary."""
        shortest = min(timeframe.length.total_seconds() for timeframe in timeframes)
        return min(SYNC_SECONDS, shortest / max(self._clock.speed, 1.0) / 4)

    async def _account(self, asked: float, seconds: float) -> None:
        """Wait until the account has been read lately, or cannot be."""
        state, clock = self._state, self._clock
        while not self._account_known(asked) and clock.monotonic() - asked < seconds:
            if state.history_pending or state.stopping:
                return
            await clock.sleep(POLL_SECONDS)

    def _synced_lately(self, now: float) -> bool:
        synced = self._state.account.synced_wall
        lately = SYNCED_LATELY_SECONDS * max(self._clock.speed, 1.0)
        return synced is not None and now - synced <= min(lately, self._state.settings.portfolio_sync_seconds)

    def _account_known(self, asked: float) -> bool:
        if self._synced_lately(asked):
            return True
        account = self._state.account
        # What was asked for since has failed.
        return bool(account.failure) and account.asked_wall is not None and account.asked_wall >= asked


def _worth(
    state: State, held: Mapping[str, Mapping[str, Timeframe]], quotes: Mapping[str, Quote]
) -> dict[str, dict[str, Decimal]]:
    """Say what strategies hold of each pair, at its latest price; nothing of a pair without one."""
    worth: dict[str, dict[str, Decimal]] = {}
    for strategy_id, pairs in held.items():
        for pair in pairs:
            holding = state.holdings.get(pair)
            share = holding.of(strategy_id) if holding else None
            if share is not None and pair in quotes:
                worth.setdefault(strategy_id, {})[pair] = share.size * quotes[pair].price
    return worth


def _facts(state: State) -> bytes:
    """Write down the portfolio and the configuration that decisions depend on, always in the same order."""
    balances = state.account.balances
    told: Sequence[object] = (
        fingerprint(state.settings),
        [state.holdings[pair] for pair in sorted(state.holdings)],
        [(asset, balances[asset].total) for asset in sorted(balances)],
        [order.cl_ord_id for order in state.orders.live()],
    )
    return msgspec.msgpack.encode(told)
