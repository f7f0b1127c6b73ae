"""What all connections of one sandbox share."""

from collections.abc import Callable

import msgspec

from krakked_tui.sandbox.control import speed_text
from krakked_tui.sandbox.exchange import Exchange
from krakked_tui.sandbox.fault_events import check_event
from krakked_tui.sandbox.fault_plan import Faults, Now
from krakked_tui.sandbox.fault_profiles import PROFILES
from krakked_tui.sandbox.http_io import Header
from krakked_tui.sandbox.places import PLACES
from krakked_tui.sandbox.rate_limits import LimitRules, RateLimits
from krakked_tui.sandbox.request_log import RequestLog
from krakked_tui.sandbox.rest import RestApi
from krakked_tui.sandbox.sessions import Hub
from krakked_tui.sandbox.settings import SandboxSettings
from krakked_tui.sim.replay import ReplayMarket


class Context(msgspec.Struct, frozen=True):
    """``wall`` gives seconds since the sandbox opened; ``market`` names the market it plays."""

    exchange: Exchange
    api: RestApi
    hub: Hub
    faults: Faults
    log: RequestLog
    wall: Callable[[], float]
    market: str

    def now(self) -> Now:
        """Return the moment on both clocks."""
        return Now(self.wall(), self.exchange.clock.now())

    def announced(self) -> tuple[Header, ...]:
        """Return what every HTTP answer says of this exchange: its time factor and its market."""
        speed = speed_text(self.exchange.clock.speed)
        return ((b"x-sandbox-speed", speed.encode()), (b"x-sandbox-market", self.market.encode()))


def open_context(settings: SandboxSettings, hub: Hub, wall: Callable[[], int]) -> Context:
    """Put together limits, record and faults as the settings want them; ``wall`` gives nanoseconds."""
    opened = wall()

    def seconds() -> float:
        return (wall() - opened) / 1e9

    rules = LimitRules(
        tier=settings.tier,
        public_rate=settings.public_rate,
        burst=settings.public_burst,
        decay_step=settings.decay_step,
        history_cost=settings.history_cost,
        closed_orders_cost=settings.closed_orders_cost,
        strikes=settings.rate_strikes,
        lockout_seconds=settings.lockout_seconds,
    )
    api = RestApi(hub.exchange, hub.gatekeeper, RateLimits(rules), seconds)
    faults = Faults(PLACES, hub.exchange.market.seed, check_event)
    log = RequestLog(settings.request_log)
    context = Context(hub.exchange, api, hub, faults, log, seconds, _market_name(hub.exchange))
    if settings.chaos is not None:
        faults.add(PROFILES[settings.chaos], context.now())
    return context


def _market_name(exchange: Exchange) -> str:
    """Return a name that other prices do not share, for whoever stores them."""
    if isinstance(exchange.market, ReplayMarket):
        return f"replay-{exchange.founded_at:%Y%m%d%H%M}"
    return f"seed-{exchange.market.seed}"
