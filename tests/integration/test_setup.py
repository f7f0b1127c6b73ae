"""The set-up against the local Kraken: what it says of each key, and what is on disk afterwards."""

import asyncio
import json
import socket
import time
import tomllib
from base64 import b64decode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from keyring.backends.fail import Keyring as NoKeyring

from krakked_tui.bootstrap.configuration import Sources, read_configuration
from krakked_tui.bootstrap.key_checker import NONCES_AHEAD, KeyChecker
from krakked_tui.bootstrap.recheck import open_stored_key, recheck
from krakked_tui.bootstrap.setup import AccountSetup
from krakked_tui.bootstrap.unlock import Unlocking
from krakked_tui.config.places import places
from krakked_tui.control.setup import KeyCheck, KeyVerdict, SetupChoices, SetupMode, SetupSaved
from krakked_tui.credentials.calibration import ScryptCost
from krakked_tui.credentials.keyring_store import KeyringStore
from krakked_tui.credentials.secrets_file import SecretsFile
from krakked_tui.credentials.vault import Vault
from krakked_tui.domain.access import FEATURES, Permission
from krakked_tui.domain.errors import RefusedError
from krakked_tui.domain.secret import Secret
from krakked_tui.kraken.key_check import NO_VERDICT, PERMISSION_NAMES
from krakked_tui.sandbox.server import running_sandbox
from krakked_tui.sandbox.settings import SandboxSettings
from krakked_tui.sandbox.signing import sign
from krakked_tui.storage.files import replace_private_file

PASSWORD = Secret("nine purple walruses dance")
TRADING = tuple(permission for feature in FEATURES for permission in feature.needs)
NOTHING: dict[str, str] = {}


def cheap() -> ScryptCost:
    """Parameters that cost no time."""
    return ScryptCost(n=16, r=8, p=1)


class Stage:
    """A set-up below a directory, for one exchange; ``http`` reaches the exchange's control door."""

    def __init__(self, home: Path, rest: str, http: httpx.AsyncClient, *, seconds: float = 10.0) -> None:
        self.home = home
        self.rest = rest
        self.http = http
        self.environment = {
            "KRAKKED_HOME": str(home),
            "KRAKKED__CONNECTION__REST_URL": rest,
            "KRAKKED__CONNECTION__TIER": "none",
            "KRAKKED__CONNECTION__PUBLIC_CALLS_PER_SECOND": "1000",
        }
        self.where = places("paper", self.environment)
        self.sources = Sources(where=self.where, profile="paper", environment=self.environment)
        self.secrets = SecretsFile(self.where.secrets, replace_private_file, cheap)
        connection = read_configuration(self.sources).config.connection
        self.checker = KeyChecker(self.where, connection, seconds=seconds)
        self.unlocking = Unlocking(environment=self.environment, prompt=lambda _text: PASSWORD)
        self.service = AccountSetup(
            self.sources,
            self.unlocking,
            checker=self.checker,
            secrets=self.secrets,
            keyring=KeyringStore("test", load=NoKeyring),
        )

    async def make(self, **fields: Any) -> tuple[Secret, Secret, str]:
        """Make a key at the exchange; returns key, secret and fingerprint."""
        made = (await self.http.post("/_sandbox/keys", json=fields)).json()
        return Secret(made["api_key"]), Secret(made["api_secret"]), made["fingerprint"]

    async def faults(self, *rules: dict[str, object]) -> None:
        """Put faults in force."""
        answer = await self.http.post("/_sandbox/faults", json=list(rules))
        assert answer.status_code == 200, answer.text

    async def save(
        self, key: Secret, secret: Secret, check: KeyCheck, *, mode: SetupMode = SetupMode.PAPER,
        forced: bool = False,
    ) -> SetupSaved:  # fmt: skip
        """Save a key as the screens do."""
        return await self.service.save(
            SetupChoices(
                mode=mode, region="US_CA", api_key=key, api_secret=secret, check=check, forced=forced,
                password=PASSWORD,
            )
        )  # fmt: skip

    async def refuses_to_save(self, key: Secret, secret: Secret, check: KeyCheck) -> None:
        """Saving is refused, and nothing but the record of nonces is on disk then."""
        with pytest.raises(RefusedError):
            await self.save(key, secret, check)
        assert not self.where.config.exists()
        assert {path.name.split("-")[0] for path in self.files()} <= {"nonces"}

    def vault(self) -> Vault:
        """What was saved."""
        return self.secrets.read(PASSWORD)

    def files(self) -> list[Path]:
        """Every file there is."""
        return sorted(path for path in self.home.rglob("*") if path.is_file())


@asynccontextmanager
async def staged(home: Path, *, seconds: float = 10.0) -> AsyncIterator[Stage]:
    async with (
        running_sandbox(SandboxSettings(paused=True, nonce_strikes=5)) as sandbox,
        httpx.AsyncClient(base_url=sandbox.rest) as http,
    ):
        yield Stage(home, sandbox.rest, http, seconds=seconds)


def shown(check: KeyCheck) -> str:
    """Everything that is shown of a check."""
    return " ".join((check.headline, check.advice, *check.warnings))


async def test_a_good_key_is_saved_validated(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        key, secret, fingerprint = await stage.make(name="bot")
        check = await stage.service.check_key(key, secret)
        assert check.verdict is KeyVerdict.ACCEPTED
        assert check.warnings == ()
        assert check.audit is not None
        assert set(check.audit.held) == set(TRADING)
        assert check.audit.name == "bot"
        saved = await stage.save(key, secret, check)
        vault = stage.vault()
        assert (vault.api_key, vault.api_secret) == (key, secret)
        assert vault.validated_at == check.audit.checked_at
        assert vault.audit == check.audit
        assert stage.where.config_file.read_text() == '[region]\ncode = "US_CA"\n'
        assert [path.relative_to(tmp_path).as_posix() for path in stage.files()] == [
            "config/config.toml",
            "config/secrets.enc",
            f"state/nonces-{fingerprint}",
        ]
        assert {path.stat().st_mode & 0o777 for path in stage.files()} == {0o600}
        assert {path.parent.stat().st_mode & 0o777 for path in stage.files()} == {0o700}
        assert saved.next_steps[-1] == "Start trading on paper: krakked-tui"
        for path in stage.files():
            content = path.read_bytes()
            assert key.reveal().encode() not in content
            assert secret.reveal().encode() not in content


async def test_the_main_key_of_a_sandbox_passes_with_blanks_around_it(tmp_path: Path) -> None:
    async with running_sandbox(SandboxSettings(paused=True)) as sandbox, httpx.AsyncClient() as http:
        stage = Stage(tmp_path, sandbox.rest, http)
        key, secret = Secret(f"  {sandbox.api_key}\n"), Secret(f"\t{sandbox.api_secret} \r\n")
        check = await stage.service.check_key(key, secret)
        assert check.verdict is KeyVerdict.ACCEPTED
        await stage.save(key, secret, check)
        assert stage.vault().api_key == Secret(sandbox.api_key)


async def test_a_wrong_secret_is_named_and_not_saved(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        key, _secret, _ = await stage.make()
        _other, secret, _ = await stage.make()
        check = await stage.service.check_key(key, secret)
        assert check.verdict is KeyVerdict.REFUSED
        assert "secret does not belong" in check.headline
        await stage.refuses_to_save(key, secret, check)


async def test_a_refused_key_is_saved_when_that_is_forced(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        key, _secret, _ = await stage.make()
        _other, secret, _ = await stage.make()
        check = await stage.service.check_key(key, secret)
        saved = await stage.save(key, secret, check, forced=True)
        assert stage.vault().unvalidated
        assert "UNVALIDATED" in " ".join(saved.written)
        assert "credentials check" in " ".join(saved.next_steps)


async def test_a_key_without_permissions_is_refused(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        key, secret, _ = await stage.make(permissions=[])
        check = await stage.service.check_key(key, secret)
        assert check.verdict is KeyVerdict.REFUSED
        assert "Query Funds" in check.headline
        assert len(check.warnings) == len(FEATURES)
        await stage.refuses_to_save(key, secret, check)


@pytest.mark.parametrize("missing", TRADING)
async def test_each_missing_permission_is_named_by_what_is_lost(tmp_path: Path, missing: Permission) -> None:
    async with staged(tmp_path) as stage:
        key, secret, _ = await stage.make(permissions=[each for each in TRADING if each is not missing])
        check = await stage.service.check_key(key, secret)
        (lost,) = [feature for feature in FEATURES if missing in feature.needs]
        (warning,) = check.warnings
        assert warning.startswith(f"No {lost.name}: ")
        assert PERMISSION_NAMES[missing] in warning
        if missing is Permission.QUERY_FUNDS:
            assert check.verdict is KeyVerdict.REFUSED
            await stage.refuses_to_save(key, secret, check)
        else:
            assert check.verdict is KeyVerdict.ACCEPTED
            saved = await stage.save(key, secret, check, mode=SetupMode.LIVE)
            assert any(lost.name in step for step in saved.next_steps)


async def test_a_key_that_can_withdraw_gets_a_strong_warning(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        key, secret, _ = await stage.make(permissions=[*TRADING, "withdraw-funds"])
        check = await stage.service.check_key(key, secret)
        assert check.verdict is KeyVerdict.ACCEPTED
        assert check.audit is not None
        assert check.audit.can_withdraw
        assert check.warnings[0].startswith("DANGER: this key can withdraw money")
        saved = await stage.save(key, secret, check, mode=SetupMode.LIVE)
        steps = " ".join(saved.next_steps)
        assert "allow_withdraw_key" in steps
        assert "allow_live" in steps
        assert "--profile live" in steps
        live = tomllib.loads((stage.where.config / "config.live.toml").read_text())
        assert live == {"execution": {"mode": "live"}}


async def test_a_disabled_key_is_unknown(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        key, secret, fingerprint = await stage.make()
        await stage.http.delete("/_sandbox/keys", params={"key": fingerprint})
        check = await stage.service.check_key(key, secret)
        assert check.verdict is KeyVerdict.REFUSED
        assert "does not know this API key" in check.headline
        await stage.refuses_to_save(key, secret, check)


async def test_a_key_that_wants_a_password_is_refused_and_told_why(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        key, secret, _ = await stage.make(otp="123456")
        check = await stage.service.check_key(key, secret)
        assert check.verdict is KeyVerdict.REFUSED
        assert "one-time password" in check.advice
        await stage.refuses_to_save(key, secret, check)


async def test_without_its_method_the_key_is_probed_and_nothing_happens_to_the_account(
    tmp_path: Path,
) -> None:
    async with staged(tmp_path) as stage:
        await stage.faults({"kind": "error", "where": "GetApiKeyInfo", "text": "EGeneral:Unknown method"})
        key, secret, _ = await stage.make(permissions=[each for each in TRADING if each != "query-ledger"])
        before = (await stage.http.get("/_sandbox/state")).json()
        check = await stage.service.check_key(key, secret)
        after = (await stage.http.get("/_sandbox/state")).json()
        assert check.verdict is KeyVerdict.ACCEPTED
        assert check.audit is not None
        assert check.audit.source == "probing"
        assert set(check.audit.missing) == {Permission.QUERY_LEDGER, Permission.WITHDRAW}
        assert set(check.audit.unknown) == {Permission.CLOSE, Permission.ADD_FUNDS}
        assert not any("could not be found out" in warning for warning in check.warnings)
        for what in ("orders", "trades", "balances", "holds", "ledger"):
            assert after[what] == before[what]
        assert after["orders"] == []


async def test_probing_finds_that_a_key_can_withdraw(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await stage.faults({"kind": "error", "where": "GetApiKeyInfo", "text": "EGeneral:Unknown method"})
        key, secret, _ = await stage.make(permissions=[*TRADING, "withdraw-funds"])
        check = await stage.service.check_key(key, secret)
        assert check.audit is not None
        assert Permission.WITHDRAW in check.audit.held
        assert any("withdraw" in warning for warning in check.warnings)


def closed_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def saved_unvalidated(stage: Stage, key: Secret, secret: Secret, check: KeyCheck) -> None:
    """The check tells nothing about the key, which may be saved as it is."""
    assert check.verdict is KeyVerdict.UNREACHABLE
    assert check.advice.startswith(NO_VERDICT)
    assert check.audit is None
    saved = await stage.save(key, secret, check)
    assert stage.vault().unvalidated
    assert "UNVALIDATED" in " ".join(saved.written)


async def test_an_exchange_that_is_not_there_says_nothing_about_a_key(tmp_path: Path) -> None:
    async with staged(tmp_path) as other, httpx.AsyncClient() as http:
        key, secret, _ = await other.make()
        stage = Stage(tmp_path, f"http://127.0.0.1:{closed_port()}", http)
        check = await stage.service.check_key(key, secret)
        assert "no connection" in check.headline
        await saved_unvalidated(stage, key, secret, check)


@pytest.mark.parametrize("where", ["*", "GetApiKeyInfo", "BalanceEx"])
async def test_the_page_of_a_gateway_says_nothing_about_a_key(tmp_path: Path, where: str) -> None:
    async with staged(tmp_path) as stage:
        key, secret, _ = await stage.make()
        await stage.faults({"kind": "http", "where": where, "status": 502})
        check = await stage.service.check_key(key, secret)
        assert "HTTP 502" in check.headline
        await saved_unvalidated(stage, key, secret, check)


@pytest.mark.parametrize("where", ["Time", "BalanceEx"])
async def test_an_exchange_that_never_answers_is_given_up_in_time(tmp_path: Path, where: str) -> None:
    async with staged(tmp_path, seconds=1.0) as stage:
        key, secret, _ = await stage.make()
        await stage.faults({"kind": "timeout", "where": where})
        async with asyncio.timeout(5):
            check = await stage.service.check_key(key, secret)
        assert "no answer within 1 s" in check.headline
        await saved_unvalidated(stage, key, secret, check)


async def test_a_lockout_says_nothing_about_a_key_and_is_left_alone(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        key, secret, _ = await stage.make()
        await stage.faults({"kind": "error", "where": "*", "text": "EGeneral:Temporary lockout"})
        check = await stage.service.check_key(key, secret)
        assert "locked out" in check.headline
        log = (await stage.http.get("/_sandbox/requests")).json()
        assert len(log["requests"]) == 1
        await saved_unvalidated(stage, key, secret, check)


async def test_a_refused_nonce_leads_to_a_key_of_ones_own(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        key, secret, _ = await stage.make()
        await stage.faults({"kind": "nonce", "where": "GetApiKeyInfo"})
        check = await stage.service.check_key(key, secret)
        assert check.verdict is KeyVerdict.REFUSED
        assert "nonce" in check.headline
        assert "key for Krakked alone" in check.advice
        await stage.refuses_to_save(key, secret, check)


@pytest.mark.parametrize(("hours_ahead", "verdict"), [(12, KeyVerdict.ACCEPTED), (48, KeyVerdict.REFUSED)])
async def test_larger_nonces_of_another_program_are_jumped_within_a_day(
    tmp_path: Path, hours_ahead: int, verdict: KeyVerdict
) -> None:
    async with staged(tmp_path) as stage:
        key, secret, _ = await stage.make()
        nonce = str(time.time_ns() + hours_ahead * 3600 * 10**9)
        body, path = f"nonce={nonce}".encode(), "/0/private/Balance"
        signature = sign(b64decode(secret.reveal()), path, nonce, body)
        headers = {
            "API-Key": key.reveal(),
            "API-Sign": signature,
            "Content-Type": "application/x-www-form-urlencoded",
        }
        assert (await stage.http.post(path, content=body, headers=headers)).json()["error"] == []
        check = await stage.service.check_key(key, secret)
        assert check.verdict is verdict
        if verdict is KeyVerdict.REFUSED:
            await stage.refuses_to_save(key, secret, check)
        else:
            assert check.warnings == (NONCES_AHEAD,)


async def test_what_is_no_key_is_sent_nowhere(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        key, secret, _ = await stage.make()
        for entered in ((secret, key), (key, key), (Secret("short"), secret), (key, Secret(""))):
            check = await stage.service.check_key(*entered)
            assert check.verdict is KeyVerdict.MALFORMED
            with pytest.raises(RefusedError):
                await stage.save(*entered, check, forced=True)
        assert stage.files() == []
        assert (await stage.http.get("/_sandbox/requests")).json()["requests"] == []


async def test_nothing_secret_is_ever_shown(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        key, secret, _ = await stage.make(name=f"echo {PASSWORD.reveal()}")
        _other, wrong, _ = await stage.make()
        for pair in ((key, secret), (key, wrong), (wrong, key), (Secret(key.reveal()[:-1]), secret)):
            text = shown(await stage.service.check_key(*pair))
            for part in (key, secret, wrong):
                assert part.reveal() not in text
                assert part.reveal()[:8] not in text


async def test_the_universe_is_shown_by_the_rules_of_the_engine(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        found = await stage.service.preview_universe()
        assert found.trouble == ""
        assert 0 < found.chosen <= found.listed
        assert len(found.pairs) == min(10, found.chosen)
        volumes = [pair.volume_24h for pair in found.pairs]
        assert volumes == sorted(volumes, reverse=True)
        assert all(pair.last > 0 for pair in found.pairs)
        (bitcoin,) = [pair for pair in found.pairs if pair.name == "XBTUSD"]
        assert bitcoin.last.as_tuple().exponent == -1, "the decimals of the pair, not of the text"
        stage.environment["KRAKKED__UNIVERSE__MIN_24H_VOLUME_USD"] = "100000000000"
        strict = Stage(tmp_path, stage.rest, stage.http)
        strict.environment["KRAKKED__UNIVERSE__MIN_24H_VOLUME_USD"] = "100000000000"
        service = AccountSetup(strict.sources, strict.unlocking, keyring=KeyringStore("t", load=NoKeyring))
        assert (await service.preview_universe()).chosen == 0
        await stage.faults({"kind": "http", "where": "AssetPairs", "status": 502})
        assert "HTTP 502" in (await stage.service.preview_universe()).trouble


async def test_a_stored_key_is_checked_again(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        key, secret, fingerprint = await stage.make()
        await stage.faults({"kind": "http", "where": "*", "status": 502})
        await stage.save(key, secret, await stage.service.check_key(key, secret))
        assert stage.vault().unvalidated
        found = await recheck(open_stored_key(stage.sources, stage.unlocking, stage.secrets), stage.checker)
        assert found.check.verdict is KeyVerdict.UNREACHABLE
        assert stage.vault().unvalidated

        await stage.http.delete("/_sandbox/faults")
        found = await recheck(open_stored_key(stage.sources, stage.unlocking, stage.secrets), stage.checker)
        assert found.check.verdict is KeyVerdict.ACCEPTED
        assert found.check.audit is not None
        assert found.fingerprint == fingerprint
        assert stage.vault().validated_at == found.validated_at == found.check.audit.checked_at

        await stage.faults({"kind": "http", "where": "*", "status": 502})
        found = await recheck(open_stored_key(stage.sources, stage.unlocking, stage.secrets), stage.checker)
        assert found.check.verdict is KeyVerdict.UNREACHABLE
        assert stage.vault().validated_at == found.validated_at
        assert not stage.vault().unvalidated

        await stage.http.delete("/_sandbox/faults")
        await stage.http.delete("/_sandbox/keys", params={"key": fingerprint})
        found = await recheck(open_stored_key(stage.sources, stage.unlocking, stage.secrets), stage.checker)
        assert found.check.verdict is KeyVerdict.REFUSED
        assert stage.vault().unvalidated
        assert stage.vault().audit is not None
        assert key.reveal() not in json.dumps(shown(found.check))


async def test_nonces_of_checks_come_before_those_of_the_run(tmp_path: Path) -> None:
    """Two checks and a run share one record: nothing is ever sent with a smaller nonce."""
    async with staged(tmp_path) as stage:
        key, secret, _ = await stage.make()
        for _ in range(3):
            assert (await stage.service.check_key(key, secret)).verdict is KeyVerdict.ACCEPTED
        log = (await stage.http.get("/_sandbox/requests")).json()
        assert not any(row["errors"] for row in log["requests"])


def test_it_is_the_service_that_the_screens_know(tmp_path: Path) -> None:
    """Types are checked by mypy; facts come from the profile's own places."""
    environment = {"KRAKKED_HOME": str(tmp_path), "KRAKEN_API_KEY": "x"}
    sources = Sources(where=places("paper", environment), profile="paper", environment=environment)
    keyring = KeyringStore("test", load=NoKeyring)
    facts = AccountSetup(sources, Unlocking(environment=environment), keyring=keyring).facts
    assert facts.exchange == "api.kraken.com"
    assert facts.config_file == str(tmp_path / "config" / "config.toml")
    assert facts.secrets_file == str(tmp_path / "config" / "secrets.enc")
    assert not facts.secrets_exist
    assert facts.default_region in facts.regions
    assert not facts.keyring.usable
    assert "KRAKEN_API_KEY is ignored" in facts.environment_key
    assert not list(tmp_path.iterdir())


async def test_what_kraken_said_of_a_key_survives_a_check_elsewhere(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        key, secret, _ = await stage.make()
        await stage.save(key, secret, await stage.service.check_key(key, secret))
        here = stage.vault()
        assert here.exchange == stage.rest.removeprefix("http://")
        for exchange in ("api.kraken.com", ""):
            known = msgspec.structs.replace(here, exchange=exchange)
            stage.secrets.save(known, PASSWORD, keyring=False)
            stored = open_stored_key(stage.sources, stage.unlocking, stage.secrets)
            await stage.faults({"kind": "error", "where": "*", "text": "EAPI:Invalid key"})
            found = await recheck(stored, stage.checker)
            assert found.check.verdict is KeyVerdict.REFUSED
            assert stage.vault() == known
            assert "kept with the key stays what" in found.notes[-1]
            await stage.http.delete("/_sandbox/faults")


async def test_a_key_that_was_saved_while_the_old_one_was_checked_stays(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        key, secret, _ = await stage.make()
        await stage.save(key, secret, await stage.service.check_key(key, secret))
        stored = open_stored_key(stage.sources, stage.unlocking, stage.secrets)
        other = msgspec.structs.replace(stage.vault(), alert_urls=(Secret("x://y"),), validated_at=None)
        stage.secrets.save(other, PASSWORD, keyring=False)
        await recheck(stored, stage.checker)
        assert stage.vault().alert_urls == (Secret("x://y"),)
        assert stage.vault().validated_at is not None
        newer = msgspec.structs.replace(other, api_key=Secret("newer"))
        stage.secrets.save(newer, PASSWORD, keyring=False)
        found = await recheck(stored, stage.checker)
        assert stage.vault() == newer
        assert "another key by now" in found.notes[-1]
