"""Secrets in configuration are refused wherever they stand, and never repeated."""

from base64 import b64encode
from decimal import Decimal
from hashlib import sha512
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from krakked_tui.config.load import Layer, load
from krakked_tui.config.plaintext_secrets import is_secret
from krakked_tui.config.problems import InvalidConfigError
from krakked_tui.config.show import effective
from tests.unit.config.keys import keys, nested

_RANDOM = Random(3)
KEY = b64encode(_RANDOM.randbytes(42)).decode()
SECRET = b64encode(_RANDOM.randbytes(64)).decode()
ALERT = "tgram://123456789:AAbbCCddEEff/42"


def _refused(values: dict[str, Any], environment: dict[str, str] | None = None) -> str:
    with pytest.raises(InvalidConfigError) as caught:
        load([Layer("my.toml", values)], environment or {})
    told = f"{caught.value}\n{caught.value.args!r}\n{caught.value.findings!r}"
    assert "krakked-tui setup" in told
    return told


@pytest.mark.parametrize("name", [
    "api_key", "api_secret", "apiKey", "API-KEY", "secret", "private_key", "password", "master_password",
    "token", "api_token", "auth_token", "passphrase", "credentials", "kraken_api_key",
])  # fmt: skip
@pytest.mark.parametrize(
    "where", ["", "connection.", "api.auth.", "kraken.live.", "strategies.configs.mine."]
)
def test_a_key_that_is_called_a_secret_is_refused(where: str, name: str) -> None:
    told = _refused(nested({f"{where}{name}": "hunter2"}))
    assert "hunter2" not in told
    assert f"my.toml: {where}{name} looks like a secret" in told


@pytest.mark.parametrize("text", [
    KEY, SECRET, f" {KEY} ", f"key={KEY}", f'"{SECRET}"', f"{KEY}=", KEY[:-2], f"{KEY}x", SECRET[:-2],
    SECRET[:-3],
])  # fmt: skip
@pytest.mark.parametrize("key", [
    "ui.timezone", "nonsense", "nonsense.deep.er", "universe.include_pairs", "risk.max_open_positions",
    "connection.rest_url", "strategies.configs.trend_following_v1.params.average", "strategies.configs.mine",
    "risk", "region.code", "strategies.configs.trend_following_v1.timeframes",
])  # fmt: skip
def test_a_text_that_looks_like_a_key_or_secret_is_refused_under_any_key(key: str, text: str) -> None:
    for value in (text, [text], [[text]], [{"a": text}]):
        told = _refused(nested({key: value}))
        assert text.strip() not in told
        assert KEY[:40] not in told
        assert SECRET[:40] not in told


def test_a_secret_that_is_used_as_a_key_is_masked() -> None:
    with pytest.raises(InvalidConfigError) as caught:
        load([Layer("my.toml", {"risk": {KEY: 1}, SECRET: 2, "strategies": {"configs": {KEY: {}}}})], {})
    assert KEY not in str(caught.value)
    assert SECRET not in str(caught.value)
    assert "risk.***" in str(caught.value)


@pytest.mark.parametrize("values", [
    {"alerts": {"urls": [ALERT]}}, {"alerts": {"min_level": ALERT}}, {"alerts": {"deep": {"er": [ALERT]}}},
    {"alerts": {"target": "x"}}, {"alerts": {"quiet_hours": ALERT}},
    {"connection": {"rest_url": "https://me:AAbbCCddEEff@api.kraken.com"}},
])  # fmt: skip
def test_addresses_that_hold_tokens_are_refused(values: dict[str, Any]) -> None:
    assert "AAbbCCddEEff" not in _refused(values)


@pytest.mark.parametrize("name", ["KRAKKED__UI__TIMEZONE", "KRAKKED__CONNECTION__API_SECRET", "KRAKKED__X"])
def test_a_secret_in_a_variable_is_refused(name: str) -> None:
    told = _refused({}, {name: SECRET})
    assert SECRET not in told
    assert f"environment {name}: " in told


def test_a_secret_in_a_file_is_not_repeated_when_the_file_is_broken(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    double = f"[{KEY}]\n[{KEY}]", f"[ui]\n{KEY[:48]} = 1\n{KEY[:48]} = 1", f'[ui."{SECRET}"]\n[ui."{SECRET}"]'
    for text in (
        *double,
        f"api_secret = {SECRET}",
        f'[a\napi_secret = "{SECRET}"',
        f"{SECRET}",
        f'x = "{SECRET}',
    ):
        path.write_text(text)
        with pytest.raises(InvalidConfigError) as caught:
            load([path], {})
        assert SECRET[:40] not in str(caught.value)
        assert KEY[:40] not in str(caught.value)


def test_no_key_and_no_default_of_ours_looks_like_a_secret() -> None:
    for key, _ in keys():
        assert not is_secret(tuple(key.split(".")), None), key
    for row in effective(load([], {})):
        assert not is_secret(tuple(row.key.split(".")), row.value_toml), row


def test_a_long_path_or_word_is_no_secret() -> None:
    words = "/Users/Alice/Documents/Trading2026/Krakked/run/control"
    for text in (words, f"{words}/s", "/home/operator/" + "a" * 41, "a" * 56, "/" + "Ab1/" * 20):
        assert not is_secret(("api", "socket"), text)


@pytest.mark.parametrize("length", [40, 48, 53, 60, 75, 83])
def test_a_part_of_a_secret_is_not_repeated_in_a_problem(length: int) -> None:
    part = SECRET[:length]
    values = {
        part: 1,
        "ui": {"theme": f"{'x ' * 19}{part}", "timezone": part},
        "strategies": {"enabled": [part]},
    }
    with pytest.raises(InvalidConfigError) as caught:
        load([Layer(f"/home/{part.replace('/', '+')}/my.toml", values)], {f"KRAKKED__UI__{part}": part})
    told = f"{caught.value}{caught.value.findings!r}"
    assert not any(SECRET[start : start + 20] in told for start in range(length - 20))


def test_a_coin_may_be_called_like_a_secret() -> None:
    balances = {"TOKEN": 5, "USD": Decimal("2.5")}
    loaded = load([Layer("my.toml", {"execution": {"paper": {"starting_balances": balances}}})], {})
    assert loaded.config.execution.paper.starting_balances == {"TOKEN": Decimal(5), "USD": Decimal("2.5")}
    told = _refused({"execution": {"paper": {"starting_balances": {"TOKEN": "hunter2"}}}})
    assert "hunter2" not in told


@given(st.binary(min_size=42, max_size=42), st.binary(min_size=64, max_size=64))
@settings(max_examples=200, deadline=None, derandomize=True)
def test_random_bytes_look_like_what_they_are(key: bytes, secret: bytes) -> None:
    for made in (key, secret):
        mixed = sha512(made).digest() + sha512(made + b"x").digest()
        assert is_secret(("ui", "theme"), b64encode(mixed[: len(made)]).decode())
