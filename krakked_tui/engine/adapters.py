"""What the composition root hands to the engine: settings, and factories of what is behind the ports."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import msgspec

from krakked_tui.decision.state import CoreSettings
from krakked_tui.engine.settings import SchedulerSettings
from krakked_tui.market.settings import MarketDataSettings, UniverseSettings
from krakked_tui.ports import Broker, CandleStore, Clock, Journal, MarketFeed, UniverseCache
from krakked_tui.strategies.loaded import StrategySet


class EngineSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The core's settings and the shell's.

    ``first_order_number`` starts the order numbers: it must be above every number that an earlier
    run of the profile can have used. ``about`` goes into the ``engine_started`` record: mode, schema version,
    fingerprint of the configuration.
    """

    core: CoreSettings
    scheduler: SchedulerSettings
    market: MarketDataSettings
    universe: UniverseSettings
    first_order_number: int
    about: dict[str, str] = {}


@dataclass(frozen=True, slots=True)
class Adapters:
    """Factories, each run on the engine's loop.

    Candles and universe are opened once the exchange has told its clock: only then is it known which
    exchange it is, and so whose they are.
    ``check_access`` asks the exchange whether the key may do what the mode needs; it raises
    ``ExchangeError`` when the exchange cannot be asked, and ``AccessError`` or ``RefusedError`` when not.
    ``strategies`` are those that are to run, and why others that are to cannot.
    ``exchange_ready`` is called once trading can begin: a rehearsal exchange starts its clock there.
    """

    open_journal: Callable[[], Awaitable[Journal]]
    open_candles: Callable[[], Awaitable[CandleStore]]
    open_universe: Callable[[], Awaitable[UniverseCache]]
    connect: Callable[[Clock], Awaitable[tuple[MarketFeed, Broker]]]
    check_access: Callable[[], Awaitable[None]]
    strategies: StrategySet
    exchange_ready: Callable[[], None]
