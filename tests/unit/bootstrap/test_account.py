"""Paper and live sessions: which locks a live start meets, in which order, and what it asks a person."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from krakked_tui.bootstrap.account import AccountRequest, account_sources, open_account
from krakked_tui.bootstrap.profiles import make_directories, read_or_make_instance_id
from krakked_tui.bootstrap.unlock import Unlocking
from krakked_tui.config.places import places
from krakked_tui.credentials.environment import GuardedEnvironment
from krakked_tui.domain.errors import ConfigError, RefusedError, UsageError
from krakked_tui.domain.secret import Secret

HERE = {
    "KRAKKED__CONNECTION__REST_URL": "http://127.0.0.1:9",
    "KRAKKED__CONNECTION__WS_PUBLIC_URL": "ws://127.0.0.1:9/v2",
    "KRAKKED__CONNECTION__WS_PRIVATE_URL": "ws://127.0.0.1:9/v2",
}
KRAKEN = {
    "KRAKKED__CONNECTION__REST_URL": "https://api.kraken.com",
    "KRAKKED__CONNECTION__WS_PUBLIC_URL": "wss://ws.kraken.com/v2",
    "KRAKKED__CONNECTION__WS_PRIVATE_URL": "wss://ws-auth.kraken.com/v2",
}
API_KEY, API_SECRET = "A" * 56, "c2VjcmV0" * 11


def _no_prompt(_question: str) -> Secret:
    raise AssertionError("nobody may be asked for a password here")


def _open(
    home: Path,
    *,
    confirm: Callable[[str], str] | None = None,
    understands: bool = False,
    mode: str = "live",
    base: Mapping[str, str] = HERE,
    **environment: str,
) -> str:
    """Open a session, and return the sentence it was refused with."""
    guarded = GuardedEnvironment({"KRAKKED_HOME": str(home), **base, **environment})
    request = AccountRequest(
        sources=account_sources("live", guarded, None, {"execution.mode": mode}),
        unlocking=Unlocking(environment=guarded, prompt=_no_prompt),
        to_stdout=False,
        confirm=confirm,
        understands_live=understands,
    )
    with pytest.raises(RefusedError) as refused:
        open_account(request)
    return str(refused.value)


def test_every_closed_lock_is_named_before_anybody_is_asked_for_a_password(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "secrets.enc").write_text("locked")
    sentence = _open(tmp_path, base=KRAKEN)
    assert "execution.allow_live is false" in sentence
    assert "a real exchange (api.kraken.com, ws.kraken.com, ws-auth.kraken.com)" in sentence


def test_live_without_a_key_points_to_the_set_up(tmp_path: Path) -> None:
    sentence = _open(tmp_path, KRAKKED__EXECUTION__ALLOW_LIVE="true")
    assert "there is no API key" in sentence
    assert "krakked-tui setup" in sentence


def test_one_variable_of_the_key_alone_is_no_key_and_is_told(tmp_path: Path) -> None:
    sentence = _open(tmp_path, KRAKKED__EXECUTION__ALLOW_LIVE="true", KRAKEN_API_KEY="A" * 56)
    assert "KRAKEN_API_KEY is ignored" in sentence
    assert "A" * 56 not in sentence


def test_live_without_a_terminal_needs_the_word_on_the_command_line(tmp_path: Path) -> None:
    sentence = _open(
        tmp_path, KRAKKED__EXECUTION__ALLOW_LIVE="true", KRAKEN_API_KEY=API_KEY, KRAKEN_API_SECRET=API_SECRET
    )
    assert "--i-understand-live" in sentence


@pytest.mark.parametrize("typed", ["", "live", "LIVE!", "yes"])
def test_live_is_not_started_by_anything_but_the_word_itself(typed: str, tmp_path: Path) -> None:
    asked: list[str] = []

    def confirm(question: str) -> str:
        asked.append(question)
        return typed

    sentence = _open(
        tmp_path,
        confirm=confirm,
        KRAKKED__EXECUTION__ALLOW_LIVE="true",
        KRAKEN_API_KEY=API_KEY,
        KRAKEN_API_SECRET=API_SECRET,
    )
    assert "LIVE was not typed" in sentence
    assert asked == ["LIVE trades real money at 127.0.0.1:9. Type LIVE to go on: "]


def test_another_host_is_refused_even_with_the_word_on_the_command_line(tmp_path: Path) -> None:
    sentence = _open(
        tmp_path, understands=True, KRAKKED__EXECUTION__ALLOW_LIVE="true",
        KRAKKED__CONNECTION__ALLOW_OTHER_HOST="true",
        KRAKKED__CONNECTION__REST_URL="https://kraken.example.com",
        KRAKKED__CONNECTION__WS_PUBLIC_URL="wss://kraken.example.com/v2",
        KRAKKED__CONNECTION__WS_PRIVATE_URL="wss://kraken.example.com/v2",
        KRAKEN_API_KEY=API_KEY, KRAKEN_API_SECRET=API_SECRET,
    )  # fmt: skip
    assert "kraken.example.com" in sentence


def test_a_dry_run_is_refused_with_what_to_do_instead(tmp_path: Path) -> None:
    assert "--mode paper" in _open(tmp_path, mode="dry_run")


def test_a_profile_must_be_a_directory_name(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--profile"):
        account_sources("../live", {"KRAKKED_HOME": str(tmp_path)}, None, {})


def test_a_refused_start_leaves_the_profile_unlocked(tmp_path: Path) -> None:
    _open(tmp_path)
    assert "allow_live" in _open(tmp_path)  # and not: already used by another Krakked


@pytest.mark.parametrize("mode", ["paper", "live"])
@pytest.mark.parametrize("url", sorted(KRAKEN))
def test_two_exchanges_at_once_are_refused(mode: str, url: str, tmp_path: Path) -> None:
    environment = GuardedEnvironment({"KRAKKED_HOME": str(tmp_path), **HERE, url: KRAKEN[url]})
    request = AccountRequest(
        sources=account_sources("paper", environment, None, {"execution.mode": mode}),
        unlocking=Unlocking(environment=environment, prompt=_no_prompt),
        to_stdout=False,
    )
    with pytest.raises(ConfigError, match="different exchanges"):
        open_account(request)


def test_live_never_starts_on_a_new_journal_where_there_was_one(tmp_path: Path) -> None:
    where = places("live", {"KRAKKED_HOME": str(tmp_path)})
    make_directories(where)
    read_or_make_instance_id(where)
    sentence = _open(
        tmp_path, understands=True, KRAKKED__EXECUTION__ALLOW_LIVE="true",
        KRAKEN_API_KEY=API_KEY, KRAKEN_API_SECRET=API_SECRET,
    )  # fmt: skip
    assert "its journal is lost" in sentence
    assert str(where.instance) in sentence
    assert not where.database.exists()
