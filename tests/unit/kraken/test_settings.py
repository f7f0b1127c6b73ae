"""Which hosts may be talked to."""

import msgspec
import pytest

from krakked_tui.kraken.settings import ConnectionSettings, Tier, is_loopback


def test_defaults_are_krakens() -> None:
    settings = ConnectionSettings()
    assert settings.rest_url == "https://api.kraken.com"
    assert settings.public_calls_per_second == 1
    assert not is_loopback(settings.rest_url)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8080", "https://127.9.9.9", "http://localhost:1", "http://[::1]:8080"]
)
def test_loopback_is_allowed_without_tls(url: str) -> None:
    assert is_loopback(ConnectionSettings(rest_url=url).rest_url)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://api.kraken.com", "must start with https://"),
        ("https://api.kraken.com.evil.test", "neither Kraken nor loopback"),
        ("https://evilkraken.com", "neither Kraken nor loopback"),
        ("https://api.kraken.com@evil.test", "neither Kraken nor loopback"),
        ("http://127.0.0.1@evil.test", "neither Kraken nor loopback"),
        ("https://10.0.0.1", "neither Kraken nor loopback"),
        ("wss://api.kraken.com", "must start with https://"),
        ("api.kraken.com", "neither Kraken nor loopback"),
        ("", "neither Kraken nor loopback"),
        ("https://[::1", "is not a URL"),
    ],
)
def test_other_urls_are_refused_with_the_reason(url: str, why: str) -> None:
    with pytest.raises(ValueError, match=f"rest_url .*{why}"):
        ConnectionSettings(rest_url=url)


def test_all_problems_are_named_together() -> None:
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.convert(
            {"rest_url": "http://a.test", "ws_public_url": "ws://b.test", "ws_private_url": "wss://c.test"},
            ConnectionSettings,
        )
    for name in ("rest_url", "ws_public_url", "ws_private_url", "allow_other_host"):
        assert name in str(caught.value)


def test_another_host_must_be_allowed_and_still_needs_tls() -> None:
    ConnectionSettings(rest_url="https://proxy.test", allow_other_host=True)
    with pytest.raises(ValueError, match="must start with https://"):
        ConnectionSettings(rest_url="http://proxy.test", allow_other_host=True)


@pytest.mark.parametrize(
    "field",
    [
        {"public_calls_per_second": 0},
        {"connect_timeout_seconds": -1},
        {"tier": "gold"},
        {"x": 1},
        {"history_cost": 0},
        {"history_cost": 9},
        {"nonce_window": -1},
        {"pool_timeout_seconds": 0},
        {"public_pair_calls_per_second": -1},
        {"private_decay_step_seconds": 11},
    ],
)
def test_bounds(field: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(field, ConnectionSettings)


def test_a_tier_without_limits_is_for_this_machine_only() -> None:
    assert ConnectionSettings(rest_url="http://127.0.0.1:8080", tier=Tier.NONE).tier is Tier.NONE
    with pytest.raises(ValueError, match="sandbox on this machine only"):
        ConnectionSettings(tier=Tier.NONE)
    with pytest.raises(ValueError, match="sandbox on this machine only"):
        ConnectionSettings(rest_url="https://other.test", allow_other_host=True, tier=Tier.NONE)


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.com%2f.kraken.com", "https://evil.com\\.kraken.com", "https://evil.com;.kraken.com",
        "https://token@api.kraken.com", "https://user:pass@api.kraken.com", "https://api.kraken.com/?x=",
        "https://api.kraken.com/?x=1", "https://api.kraken.com/#x", "https://api.kraken.com:abc",
        "https://api.kraken.com:99999", "https://api.kraken.com:0", "http://127.0.0.1:abc", "http://127.1:8080",
        "https://.kraken.com", "https://kraken.com.evil.com",
    ],
)  # fmt: skip
@pytest.mark.parametrize("field", ["rest_url", "ws_public_url", "ws_private_url"])
def test_a_url_is_a_host_a_port_and_a_path(field: str, url: str) -> None:
    if field != "rest_url":
        url = url.replace("http", "ws", 1)
    with pytest.raises(ValueError, match=field):
        msgspec.convert({field: url}, ConnectionSettings)


def test_where_the_urls_lead_to_is_told() -> None:
    kraken = ConnectionSettings()
    assert (kraken.strange_hosts, kraken.stays_here, kraken.is_mixed) == ((), False, False)
    here = ConnectionSettings(
        rest_url="http://127.0.0.1:8080", ws_public_url="ws://127.0.0.1:8080/v2", ws_private_url="ws://[::1]:1/v2"
    )  # fmt: skip
    assert (here.strange_hosts, here.stays_here, here.is_mixed) == (("127.0.0.1:8080", "::1:1"), True, False)
    mixed = ConnectionSettings(allow_other_host=True, ws_private_url="wss://evil.example/v2")
    assert (mixed.strange_hosts, mixed.stays_here, mixed.is_mixed) == (("evil.example",), False, False)
    assert ConnectionSettings(ws_private_url="ws://localhost:1/v2").is_mixed
