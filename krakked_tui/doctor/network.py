"""The way to the exchange, and how far apart its clock and ours are."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import urlsplit

from krakked_tui.doctor.context import Context
from krakked_tui.doctor.exchange import Exchange, TimeSample, Unreachable
from krakked_tui.doctor.findings import Finding, ok, problem, skipped, warning
from krakked_tui.doctor.surroundings import Surroundings
from krakked_tui.kraken.errors import KrakenError, printable
from krakked_tui.kraken.settings import ConnectionSettings, host_of, is_kraken, is_loopback
from krakked_tui.ports import StreamState

OFFSET_WARNING_SECONDS, OFFSET_PROBLEM_SECONDS = 1.0, 5.0
ANOTHER_DAY_SECONDS = 24 * 3600.0
"""A sandbox this far off keeps a time of its own on purpose."""

_TIME_FIX = "Let the system keep time: sudo timedatectl set-ntp true, or install chrony (chronyc tracking)"
_REACH = {
    "dns": (
        "its name is not found",
        "Check the network and the resolver: getent hosts {host}; cat /etc/resolv.conf",
    ),
    "tls": (
        "its certificate is not accepted",
        "Check the clock, install ca-certificates, and look for a proxy that opens TLS: "
        "openssl s_client -connect {host}:443 -servername {host}",
    ),
    "refused": (
        "nothing listens there",
        "Check [connection] and the firewall; a sandbox is started with: krakked-tui sandbox",
    ),
    "silent": (
        "there is no answer",
        "Check the network, the firewall and the proxy (HTTPS_PROXY): curl -sS https://{host}/0/public/Time",
    ),
}
_WORDS = (
    ("dns", ("name or service", "name resolution", "nodename", "getaddrinfo", "no address associated")),
    ("tls", ("ssl", "tls", "certificate")),
    ("refused", ("refused", "all connection attempts failed", "connect call failed")),
)


def host(context: Context) -> Iterator[Finding]:
    """Check which exchange is configured."""
    if context.loaded is None:
        yield skipped("host", "the configuration must be right first")
    else:
        yield judge_host(context.loaded.config.connection)


def judge_host(settings: ConnectionSettings) -> Finding:
    """Judge where the configured URLs lead to."""
    hosts = sorted({host_of(url) for url in settings.urls})
    others = sorted({host_of(url) for url in settings.urls if not is_kraken(url) and not is_loopback(url)})
    if others:
        return warning(
            "host",
            f"{', '.join(others)} is neither Kraken nor this machine, and would see every order and key",
            "Unless you run that host yourself: remove allow_other_host and the URLs from [connection]",
        )
    if settings.is_mixed:
        return problem(
            "host",
            f"[connection] mixes Kraken and this machine: {', '.join(hosts)}",
            "Set rest_url, ws_public_url and ws_private_url to the same exchange",
        )
    where = "a sandbox on this machine" if settings.stays_here else "Kraken"
    return ok("host", f"{where}: {', '.join(hosts)}")


def exchange(context: Context) -> Iterator[Finding]:
    """Check that the exchange answers, and what its clock says."""
    if context.exchange is None or context.loaded is None:
        yield skipped("exchange", context.offline)
        yield skipped("clock", context.offline)
        return
    url = context.loaded.config.connection.rest_url
    try:
        status = asyncio.run(context.exchange.status())
    except (Unreachable, KrakenError) as error:
        yield judge_failure("exchange", url, error)
        yield skipped("clock", "the exchange must answer first")
        return
    yield judge_status(url, status)
    yield from _clock(context.exchange, url)


def _clock(exchange: Exchange, url: str) -> Iterator[Finding]:
    try:
        samples = asyncio.run(exchange.times())
    except (Unreachable, KrakenError) as error:
        yield judge_failure("clock", url, error)
    else:
        yield judge_clock(samples)


def judge_failure(name: str, url: str, error: Unreachable | KrakenError) -> Finding:
    """Judge why a request failed: the name, TLS, nobody there, silence, or an error in the answer."""
    at = host_of(url)
    if isinstance(error, KrakenError):
        return problem(
            name,
            f"{at} answers with an error: {printable(str(error))}",
            "Try again in a few minutes; Kraken's state is at https://status.kraken.com",
        )
    kind = kind_of_trouble(error.cause)
    what, fix = _REACH[kind]
    told = f" ({printable(error.cause)})" if error.cause else ""
    return problem(
        name, f"{at} cannot be reached: {what}{told}", fix.format(host=urlsplit(url).hostname or at)
    )


def kind_of_trouble(cause: str) -> str:
    """Say what the network's own words mean: "dns", "tls", "refused" or "silent"."""
    words = cause.lower()
    return next((kind for kind, signs in _WORDS if any(sign in words for sign in signs)), "silent")


def judge_status(url: str, status: str) -> Finding:
    """Judge the exchange's mode."""
    if status == "online":
        return ok("exchange", f"{host_of(url)} is online")
    return warning(
        "exchange",
        f"{host_of(url)} is in mode {printable(status, limit=40)}: it takes no or not all orders",
        "Wait for it; the engine waits too. Its state is at https://status.kraken.com",
    )


def judge_clock(samples: Sequence[TimeSample]) -> Finding:
    """Judge our clock by the exchange's; a sandbox may keep a time of its own."""
    low, high = offset_bounds(samples)
    offset = (low + high) / 2
    speed = samples[-1].speed
    if speed is not None and (speed != 1 or abs(offset) > ANOTHER_DAY_SECONDS):
        pace = "stands still" if speed == 0 else f"runs {speed:g} times as fast as ours"
        at = samples[-1].server
        return ok(
            "clock", f"the sandbox keeps its own time: it is {at:%Y-%m-%d %H:%M} UTC there, and it {pace}"
        )
    # Whole seconds and the way there leave a doubt; within it the clocks agree.
    if low <= 0 <= high:
        return ok("clock", "agrees with the exchange's")
    detail = f"our clock is {abs(offset):.1f} s {'behind' if offset > 0 else 'ahead of'} the exchange's"
    if abs(offset) > OFFSET_PROBLEM_SECONDS:
        return problem("clock", f"{detail}: orders would expire early, or be refused", _TIME_FIX)
    if abs(offset) > OFFSET_WARNING_SECONDS:
        return warning("clock", detail, _TIME_FIX)
    return ok("clock", detail)


def offset_bounds(samples: Sequence[TimeSample]) -> tuple[float, float]:
    """Return between which values (seconds) the exchange's clock is ahead of ours."""
    # "It is second u" was true at some moment between the question and the answer.
    bounds = [
        ((each.server - each.answered).total_seconds(), (each.server - each.asked).total_seconds() + 1.0)
        for each in samples
    ]
    low, high = max(low for low, _ in bounds), min(high for _, high in bounds)
    return (low, high) if low <= high else bounds[-1]


def websocket(context: Context) -> Iterator[Finding]:
    """Check that the public WebSocket opens and speaks."""
    if context.exchange is None or context.loaded is None:
        yield skipped("websocket", context.offline)
        return
    url = context.loaded.config.connection.ws_public_url
    try:
        state = asyncio.run(context.exchange.greet())
    except (Unreachable, KrakenError) as error:
        yield judge_failure("websocket", url, error)
    else:
        yield judge_websocket(url, state)


def judge_websocket(url: str, state: StreamState) -> Finding:
    """Judge the first thing that a stream told."""
    detail = printable(state.detail)
    if not state.connected:
        return judge_failure("websocket", url, Unreachable(detail, detail))
    if detail:
        return warning(
            "websocket",
            f"{host_of(url)} is connected, and {detail}",
            "Wait for it; the engine waits too. Its state is at https://status.kraken.com",
        )
    return ok("websocket", f"{host_of(url)} is connected")


def time_sync(context: Context) -> Iterator[Finding]:
    """Check whether the system keeps its clock right by itself."""
    yield judge_time_sync(_time_sync(context.surroundings))


def _time_sync(surroundings: Surroundings) -> dict[str, str]:
    lines = (surroundings.run("timedatectl", "show") or "").splitlines()
    return {name: value for name, sign, value in (line.partition("=") for line in lines) if sign}


def judge_time_sync(facts: Mapping[str, str]) -> Finding:
    """Judge what ``timedatectl show`` says; empty where there is no such thing."""
    if "NTPSynchronized" not in facts and "NTP" not in facts:
        return skipped("time_sync", "timedatectl does not tell; the check against the exchange counts")
    if facts.get("NTPSynchronized") == "yes":
        return ok("time_sync", "the system clock is kept right over the network")
    if facts.get("NTP") == "yes":
        return warning(
            "time_sync",
            "the system has not got the time over the network yet",
            "Wait a minute; then look at: timedatectl timesync-status",
        )
    return warning("time_sync", "nothing keeps the system clock right", _TIME_FIX)
