"""Settings of the connection to Kraken."""

import ipaddress
import re
from enum import StrEnum
from typing import Annotated
from urllib.parse import urlsplit

import msgspec

_KRAKEN = "kraken.com"
_HOST_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,250}[a-z0-9])?")


class Tier(StrEnum):
    """Account tier at Kraken; decides the private and trading rate limits."""

    STARTER = "starter"
    INTERMEDIATE = "intermediate"
    PRO = "pro"
    NONE = "none"
    """No limits on private and order calls: a sandbox on this machine that keeps none."""


class ConnectionSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[connection]``. Times are wall seconds.

    Building one with a URL that is neither Kraken's (https or wss) nor loopback raises
    ``ValueError``, unless ``allow_other_host`` is set; other hosts still need https or wss.
    """

    rest_url: str = "https://api.kraken.com"
    """Base URL of the REST interface, without path."""
    ws_public_url: str = "wss://ws.kraken.com/v2"
    """URL of the public WebSocket v2."""
    ws_private_url: str = "wss://ws-auth.kraken.com/v2"
    """URL of the authenticated WebSocket v2."""
    allow_other_host: bool = False
    """Accept hosts that are neither Kraken's nor loopback."""
    connect_timeout_seconds: Annotated[float, msgspec.Meta(gt=0, le=60)] = 5.0
    """How long opening a connection may take."""
    read_timeout_seconds: Annotated[float, msgspec.Meta(gt=0, le=120)] = 10.0
    """How long the next part of an answer may take."""
    write_timeout_seconds: Annotated[float, msgspec.Meta(gt=0, le=120)] = 10.0
    """How long writing the next part of a request may take."""
    pool_timeout_seconds: Annotated[float, msgspec.Meta(gt=0, le=60)] = 5.0
    """How long a request waits for one of our connections while none of them becomes free."""
    tier: Tier = Tier.INTERMEDIATE
    """Account tier: starter, intermediate or pro; none only for a sandbox on this machine."""
    public_calls_per_second: Annotated[float, msgspec.Meta(gt=0, le=1000)] = 1.0
    """Public REST calls a second; Kraken tolerates about 1."""
    public_pair_calls_per_second: Annotated[float, msgspec.Meta(ge=0, le=1000)] = 0.0
    """Candle and trade downloads of one pair a second; 0: as many as public calls."""
    history_cost: Annotated[int, msgspec.Meta(ge=1, le=8)] = 4
    """Units of the private counter a history call costs; Kraken's pages say 2 or 4."""
    private_decay_step_seconds: Annotated[float, msgspec.Meta(ge=0, le=10)] = 3.0
    """The private counter goes down in steps; they are at most this far apart."""
    nonce_window: Annotated[int, msgspec.Meta(ge=0)] = 0
    """The nonce window set on the key at Kraken, in nanoseconds; large ones let calls overlap freely."""

    @property
    def urls(self) -> tuple[str, ...]:
        """Every place that is connected to: all of them see keys, tokens or orders, or tell prices."""
        return (self.rest_url, self.ws_public_url, self.ws_private_url)

    @property
    def strange_hosts(self) -> tuple[str, ...]:
        """The hosts that are not Kraken's, this machine among them, each once."""
        return tuple(dict.fromkeys(host_of(url) for url in self.urls if not is_kraken(url)))

    @property
    def stays_here(self) -> bool:
        """Whether everything leads to this machine."""
        return all(map(is_loopback, self.urls))

    @property
    def is_mixed(self) -> bool:
        """Whether some URLs lead to this machine and others do not: that is never one exchange."""
        return len({is_loopback(url) for url in self.urls}) > 1

    def __post_init__(self) -> None:
        urls = (
            ("rest_url", self.rest_url, "http"),
            ("ws_public_url", self.ws_public_url, "ws"),
            ("ws_private_url", self.ws_private_url, "ws"),
        )
        problems = [
            f"{name} {problem}"
            for name, url, scheme in urls
            if (problem := _url_problem(url, scheme, other_host=self.allow_other_host))
        ]
        if self.tier is Tier.NONE and not is_loopback(self.rest_url):
            problems.append("tier none is for a sandbox on this machine only")
        if problems:
            raise ValueError("; ".join(problems))


def is_kraken(url: str) -> bool:
    """Say whether a URL leads to a host of Kraken's."""
    return _is_kraken_host(_host(url))


def is_loopback(url: str) -> bool:
    """Say whether a URL leads to this machine and nowhere else."""
    host = _host(url)
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def host_of(url: str) -> str:
    """Return host and port of a URL as they are shown to people; empty when it has none."""
    try:
        parts = urlsplit(url)
        return (parts.hostname or "") + (f":{parts.port}" if parts.port else "")
    except ValueError:
        return ""


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _is_kraken_host(host: str) -> bool:
    return bool(_HOST_NAME.fullmatch(host)) and (host == _KRAKEN or host.endswith(f".{_KRAKEN}"))


def _url_problem(url: str, scheme: str, *, other_host: bool) -> str | None:
    """Return what is wrong with a URL; ``scheme`` is http or ws, with TLS implied off loopback."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return f"is not a URL ({url!r})"
    if is_loopback(url):
        allowed = {scheme, f"{scheme}s"}
    elif _is_kraken_host(host) or (other_host and _HOST_NAME.fullmatch(host)):
        allowed = {f"{scheme}s"}
    else:
        return f"leads to {host or url!r}, which is neither Kraken nor loopback (connection.allow_other_host)"
    if parts.scheme not in allowed:
        return f"must start with {scheme}s:// ({url!r})"
    if "@" in parts.netloc or parts.query or parts.fragment or port == 0:
        return "must be a host, a port and a path only: no user, query or fragment"
    return None
