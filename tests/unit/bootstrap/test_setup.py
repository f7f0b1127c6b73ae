"""What set-up writes, in which order, and what it refuses; the exchange answers from a script."""

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from keyring.backends.fail import Keyring as NoKeyring
from keyring.errors import KeyringLocked

from krakked_tui.bootstrap.configuration import Sources, read_configuration
from krakked_tui.bootstrap.key_checker import KeyChecker
from krakked_tui.bootstrap.profiles import nonce_path
from krakked_tui.bootstrap.setup import AccountSetup
from krakked_tui.bootstrap.unlock import Unlocking
from krakked_tui.config.places import places
from krakked_tui.control.setup import KeyVerdict, SetupChoices, SetupMode
from krakked_tui.credentials.envelope import seal
from krakked_tui.credentials.secrets_file import SecretsFile
from krakked_tui.credentials.vault import Vault
from krakked_tui.domain.errors import RefusedError, StorageError
from krakked_tui.domain.secret import Secret
from krakked_tui.engine.clock import utc_now
from krakked_tui.kraken.keys import ApiKey
from krakked_tui.kraken.rest import KrakenRest
from krakked_tui.sandbox.keys import make_key, make_secret
from krakked_tui.storage.files import FileLock, replace_private_file, writing
from krakked_tui.storage.nonces import NonceFile
from tests.unit.credentials.builders import CHEAP, MemoryKeyring, RaisingKeyring, store
from tests.unit.kraken.exchange import ScriptedKraken, ok, refused

PASSWORD = Secret("nine purple walruses dance")
OLD_PASSWORD = Secret("three green herons sleep")
EVIL = "https://evil.example"
KEY, SECRET = Secret(make_key()), Secret(make_secret())
TRADING = (
    "query-funds", "query-open-trades", "query-closed-trades", "query-ledger", "modify-trades",
    "close-trades", "create-ws-token",
)  # fmt: skip
INFO = {"api_key_name": "bot", "permissions": TRADING, "nonce_window": "0", "last_used": "0"}


def exchange(**info: object) -> ScriptedKraken:
    """An exchange that accepts the key and says this of it."""
    kraken = ScriptedKraken()
    kraken.on("Time", ok({"unixtime": int(utc_now().timestamp())}))
    kraken.on("GetApiKeyInfo", ok({**INFO, **info}))
    kraken.on("BalanceEx", ok({}))
    return kraken


class Rig:
    """A set-up in a directory of its own; ``writes`` names each file that was replaced."""

    def __init__(
        self, home: Path, kraken: ScriptedKraken | None = None, *, keyring: MemoryKeyring | None = None,
        profile: str = "paper", confirmed_host: str = "", **environment: str,
    ) -> None:  # fmt: skip
        kraken = kraken or exchange()
        environment["KRAKKED_HOME"] = str(home)
        self.where = places(profile, environment)
        self.sources = Sources(where=self.where, profile=profile, environment=environment)
        self.writes: list[str] = []
        self.fail_at = ""
        self.before_failing: Callable[[], object] = lambda: None
        self.secrets = SecretsFile(self.where.secrets, self.replace, lambda: CHEAP, writing)
        self.checker = KeyChecker(
            self.where,
            read_configuration(self.sources).config.connection,
            confirmed_host=confirmed_host,
            make_rest=lambda settings, clock, **options: KrakenRest(
                settings, clock, transport=httpx.MockTransport(kraken.handle), **options
            ),
        )
        self.service = AccountSetup(
            self.sources,
            Unlocking(environment=environment),
            checker=self.checker,
            secrets=self.secrets,
            keyring=store(keyring or NoKeyring()),  # type: ignore[no-untyped-call]
            replace=self.replace,
        )

    def replace(self, path: Path, content: bytes) -> None:
        if path.name == self.fail_at:
            self.before_failing()
            raise StorageError("the disk is full")
        self.writes.append(path.name)
        replace_private_file(path, content)

    def write(self, name: str, text: str) -> None:
        replace_private_file(self.where.config / name, text.encode())

    def read(self, name: str) -> str:
        return (self.where.config / name).read_text()

    def contents(self) -> dict[str, bytes]:
        """Every file but the lock, which holds nothing."""
        paths = self.where.config.glob("*")
        return {path.name: path.read_bytes() for path in paths if path.suffix != ".lock"}

    async def choices(self, **changes: object) -> SetupChoices:
        """A checked key, ready to be saved."""
        check = await self.service.check_key(KEY, SECRET)
        fields: dict[str, object] = {
            "mode": SetupMode.PAPER, "region": "US_CA", "api_key": KEY, "api_secret": SECRET, "check": check,
            "password": PASSWORD, **changes,
        }  # fmt: skip
        return SetupChoices(**fields)  # type: ignore[arg-type]


async def test_paper_without_a_key_writes_configuration_only(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    saved = await rig.service.save(SetupChoices(mode=SetupMode.PAPER, region="EU"))
    assert rig.contents() == {"config.toml": b'[region]\ncode = "EU"\n'}
    assert saved.next_steps == ("Start trading on paper: krakked-tui",)
    assert read_configuration(rig.sources).config.region.code == "EU"
    again = await rig.service.save(SetupChoices(mode=SetupMode.PAPER, region="EU"))
    assert rig.writes == ["config.toml"]
    assert "unchanged" in again.written[0]


async def test_a_configuration_that_is_there_keeps_its_comments(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.write("config.toml", '# mine\n[region]\ncode = "US" # moved\n[ui]\nrefresh_hz = 2\n')
    await rig.service.save(SetupChoices(mode=SetupMode.PAPER, region="EU"))
    assert rig.read("config.toml") == '# mine\n[region]\ncode = "EU" # moved\n[ui]\nrefresh_hz = 2\n'


async def test_secrets_come_first_and_the_configuration_that_ends_the_first_run_last(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    saved = await rig.service.save(await rig.choices(mode=SetupMode.LIVE))
    assert rig.writes == ["secrets.enc", "config.live.toml", "config.toml"]
    assert rig.read("config.live.toml") == '[execution]\nmode = "live"\n'
    steps = " ".join(saved.next_steps)
    assert "execution.allow_live is false" in steps
    assert "krakked-tui --profile live" in steps
    live = Sources(
        where=places("live", rig.sources.environment), profile="live", environment=rig.sources.environment
    )
    execution = read_configuration(live).config.execution
    assert (execution.mode, execution.allow_live) == ("live", False)
    assert read_configuration(rig.sources).config.execution.mode == "paper"


async def test_a_live_profile_of_another_name_gets_its_own_overlay(tmp_path: Path) -> None:
    rig = Rig(tmp_path, profile="savings")
    saved = await rig.service.save(SetupChoices(mode=SetupMode.LIVE, region="US_CA"))
    assert set(rig.contents()) == {"config.savings.toml", "config.toml"}
    assert any("no API key" in step for step in saved.next_steps)
    assert "--profile savings" in saved.next_steps[-1]
    rig = Rig(tmp_path, profile="savings", KRAKEN_API_KEY="k", KRAKEN_API_SECRET="s")
    saved = await rig.service.save(SetupChoices(mode=SetupMode.LIVE, region="US_CA"))
    assert not any("no API key" in step for step in saved.next_steps)


@pytest.mark.parametrize("failing", ["secrets.enc", "config.live.toml", "config.toml"])
@pytest.mark.parametrize("before", [{}, {"config.toml": "# old\n", "config.live.toml": "# older\n"}])
async def test_what_cannot_be_written_whole_leaves_everything_as_it_was(
    tmp_path: Path, failing: str, before: dict[str, str]
) -> None:
    rig = Rig(tmp_path)
    for name, text in before.items():
        rig.write(name, text)
    if before:
        rig.secrets.save(Vault(alert_urls=(Secret("x://y"),)), OLD_PASSWORD, keyring=False)
    choices = await rig.choices(mode=SetupMode.LIVE)
    contents = rig.contents()
    rig.fail_at = failing
    with pytest.raises(StorageError, match="the disk is full"):
        await rig.service.save(choices)
    assert rig.contents() == contents
    rig.fail_at = ""
    await rig.service.save(choices)
    assert rig.secrets.read(PASSWORD).api_key == KEY


async def test_what_else_the_secrets_hold_is_kept(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    old = Vault(api_key=Secret("old"), api_secret=Secret("older"), alert_urls=(Secret("x://y"),))
    rig.secrets.save(old, PASSWORD, keyring=False)
    await rig.service.save(await rig.choices())
    vault = rig.secrets.read(PASSWORD)
    assert (vault.api_key, vault.api_secret, vault.alert_urls) == (KEY, SECRET, (Secret("x://y"),))


async def test_secrets_under_another_password_are_put_aside(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.secrets.save(Vault(alert_urls=(Secret("x://y"),)), OLD_PASSWORD, keyring=False)
    saved = await rig.service.save(await rig.choices())
    assert rig.secrets.read(PASSWORD).alert_urls == ()
    aside = rig.where.config / "secrets.enc.replaced"
    assert SecretsFile(aside, rig.replace).read(OLD_PASSWORD).alert_urls == (Secret("x://y"),)
    assert str(aside) in saved.written[0]


def _weak(choices: dict[str, object]) -> None:
    choices["password"] = Secret("password1")


def _none(choices: dict[str, object]) -> None:
    choices["password"] = None


def _empty(choices: dict[str, object]) -> None:
    choices["password"] = Secret("")


def _half(choices: dict[str, object]) -> None:
    choices["api_secret"] = None


def _unknown_region(choices: dict[str, object]) -> None:
    choices["region"] = "ATLANTIS"


def _another_key(choices: dict[str, object]) -> None:
    choices["api_key"] = Secret(make_key())


def _no_key(choices: dict[str, object]) -> None:
    choices["api_key"], choices["forced"] = Secret("nonsense"), True


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_weak, "master password is"),
        (_none, "choose a master password"),
        (_empty, "master password is"),
        (_half, "belong together"),
        (_unknown_region, "no region 'ATLANTIS'"),
        (_another_key, "before it has been checked"),
        (_no_key, "cannot work"),
    ],
)
async def test_what_is_not_allowed_is_refused_and_nothing_is_written(
    tmp_path: Path, spoil: Callable[[dict[str, object]], None], words: str
) -> None:
    rig = Rig(tmp_path)
    changes: dict[str, object] = {}
    spoil(changes)
    choices = await rig.choices(**changes)
    with pytest.raises(RefusedError, match=words) as refusal:
        await rig.service.save(choices)
    assert not rig.where.config.exists()
    for secret in (KEY, SECRET, PASSWORD):
        assert secret.reveal() not in str(refusal.value)


async def test_a_check_of_another_key_does_not_count(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    good = await rig.choices()
    await rig.service.check_key(Secret(make_key()), SECRET)
    with pytest.raises(RefusedError, match="before it has been checked"):
        await rig.service.save(good)


async def test_a_refused_key_is_saved_only_when_that_is_forced(tmp_path: Path) -> None:
    kraken = exchange()
    kraken.on("BalanceEx", refused("EGeneral:Permission denied"))
    rig = Rig(tmp_path, kraken)
    choices = await rig.choices()
    assert choices.check is not None
    assert choices.check.verdict is KeyVerdict.REFUSED
    with pytest.raises(RefusedError, match="the exchange refused it"):
        await rig.service.save(choices)
    await rig.service.save(await rig.choices(forced=True))
    vault = rig.secrets.read(PASSWORD)
    assert vault.unvalidated
    assert vault.audit is not None


async def test_the_keyring_remembers_when_that_is_wanted_and_forgets_when_not(tmp_path: Path) -> None:
    keyring = MemoryKeyring()
    rig = Rig(tmp_path, keyring=keyring)
    assert rig.service.facts.keyring.usable
    saved = await rig.service.save(await rig.choices(remember_password=True))
    assert list(keyring.kept.values()) == [PASSWORD.reveal()]
    assert rig.secrets.keyring_opted_in()
    assert any("is in the keyring" in step for step in saved.next_steps)
    rig = Rig(tmp_path, keyring=keyring)
    await rig.service.save(await rig.choices())
    assert keyring.kept == {}
    assert not rig.secrets.keyring_opted_in()


async def test_a_keyring_that_fails_costs_nothing_but_a_question(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    assert not rig.service.facts.keyring.usable
    saved = await rig.service.save(await rig.choices(remember_password=True))
    assert rig.secrets.read(PASSWORD).api_key == KEY
    assert not rig.secrets.keyring_opted_in()
    assert any("not remembered" in step for step in saved.next_steps)


@pytest.mark.parametrize(("minutes_ago", "warned"), [(1, True), (14, True), (16, False)])
async def test_another_program_that_uses_the_key_is_noticed(
    tmp_path: Path, minutes_ago: int, warned: bool
) -> None:
    used = int((utc_now() - timedelta(minutes=minutes_ago)).timestamp())
    check = await Rig(tmp_path, exchange(last_used=str(used))).service.check_key(KEY, SECRET)
    assert check.verdict is KeyVerdict.ACCEPTED
    assert any("Another program" in warning for warning in check.warnings) is warned


async def test_our_own_last_use_is_no_other_program(tmp_path: Path) -> None:
    used = int((utc_now() - timedelta(minutes=1)).timestamp())
    rig = Rig(tmp_path, exchange(last_used=str(used)))
    path = nonce_path(rig.where, ApiKey(KEY.reveal(), SECRET.reveal()))
    NonceFile(path).close()
    os.utime(path, (used, used))
    assert (await rig.service.check_key(KEY, SECRET)).warnings == ()
    os.utime(path, (used - 60, used - 60))
    assert len((await rig.service.check_key(KEY, SECRET)).warnings) == 1


async def test_limits_of_a_key_are_told(tmp_path: Path) -> None:
    kraken = exchange(valid_until="1900000000", query_from="1700000000")
    check = await Rig(tmp_path, kraken).service.check_key(KEY, SECRET)
    assert [warning.split()[2] for warning in check.warnings] == ["sees", "expires"]


async def test_a_record_of_nonces_that_cannot_be_used_says_nothing_about_the_key(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    nonce_path(rig.where, ApiKey(KEY.reveal(), SECRET.reveal())).mkdir(parents=True)
    check = await rig.service.check_key(KEY, SECRET)
    assert check.verdict is KeyVerdict.UNREACHABLE
    assert "nonces" in check.headline


def test_the_environment_is_told_of(tmp_path: Path) -> None:
    both = Rig(tmp_path, KRAKEN_API_KEY="k", KRAKEN_API_SECRET="s").service.facts.environment_key
    assert "is used, whatever is saved here" in both
    one = Rig(tmp_path, KRAKEN_API_SECRET="s").service.facts.environment_key
    assert one == "KRAKEN_API_SECRET is ignored: KRAKEN_API_KEY is not set, and both are needed."
    assert Rig(tmp_path).service.facts.environment_key == ""


def test_without_a_log_nothing_of_the_client_reaches_the_terminal(tmp_path: Path) -> None:
    program = (
        "import logging, sys; from pathlib import Path; from krakked_tui.bootstrap.key_checker import *;"
        "from krakked_tui.config.places import places;"
        "KeyChecker(places('paper', {'KRAKKED_HOME': sys.argv[1]}), ConnectionSettings());"
        "logging.getLogger('krakked_tui.kraken.rest').warning('somebody')"
    )
    ended = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, check=True)
    assert ended.stderr == b""


async def test_what_somebody_else_wrote_meanwhile_is_not_undone(tmp_path: Path) -> None:
    """Another program, which keeps no lock, replaces the secrets before this set-up fails."""
    rig = Rig(tmp_path)
    theirs = Vault(alert_urls=(Secret("x://theirs"),))
    other = SecretsFile(rig.where.secrets, replace_private_file, lambda: CHEAP)
    rig.before_failing = lambda: other.save(theirs, OLD_PASSWORD, keyring=False)
    rig.fail_at = "config.toml"
    with pytest.raises(StorageError, match="the disk is full"):
        await rig.service.save(await rig.choices())
    assert other.read(OLD_PASSWORD) == theirs


async def test_two_set_ups_write_one_after_the_other(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    held: list[bool] = []

    def look() -> None:
        with pytest.raises(RefusedError):
            FileLock(rig.where.config / "secrets.enc.lock", "being changed")
        held.append(True)

    rig.before_failing = look
    for rig.fail_at in ("secrets.enc", "config.toml"):
        with pytest.raises(StorageError):
            await rig.service.save(await rig.choices())
    assert held == [True, True]


async def test_secrets_put_aside_before_are_kept(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    passwords = (OLD_PASSWORD, Secret("seven yellow otters swim"), PASSWORD)
    for password in passwords:
        await rig.service.save(await rig.choices(password=password))
    kept = {"secrets.enc.replaced": passwords[0], "secrets.enc.replaced-1": passwords[1]}
    for name, password in kept.items():
        assert SecretsFile(rig.where.config / name, rig.replace).read(password).api_key == KEY


async def test_secrets_of_a_newer_version_are_not_replaced(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    content = seal(Secret('{"format": 2}'), PASSWORD, CHEAP, keyring=False)
    replace_private_file(rig.where.secrets, content)
    with pytest.raises(RefusedError, match="update Krakked"):
        await rig.service.save(await rig.choices())
    assert rig.contents() == {"secrets.enc": content}


async def test_the_exchange_that_validated_the_key_is_kept_and_told(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    saved = await rig.service.save(await rig.choices())
    assert rig.secrets.read(PASSWORD).exchange == "api.kraken.com"
    assert "the key is validated at api.kraken.com" in saved.written[0]


async def test_a_keyring_that_does_not_forget_is_told(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.secrets.save(Vault(), PASSWORD, keyring=True)
    rig = Rig(tmp_path, keyring=RaisingKeyring(KeyringLocked()))
    saved = await rig.service.save(await rig.choices())
    (note,) = [step for step in saved.next_steps if "keyring" in step]
    assert "it is locked" in note
    assert "remove its entry krakked-tui" in note
    # Where there never was a keyring nobody hears of one.
    saved = await Rig(tmp_path).service.save(await rig.choices(mode=SetupMode.PAPER, forced=True))
    assert not any("keyring" in step for step in saved.next_steps)


async def test_no_key_is_sent_to_another_host_unless_its_name_was_typed(tmp_path: Path) -> None:
    asked: list[httpx.Request] = []
    kraken = exchange()

    class Listening(ScriptedKraken):
        def handle(self, request: httpx.Request) -> httpx.Response:
            asked.append(request)
            return kraken.handle(request)

    check = await Rig(
        tmp_path,
        Listening(),
        KRAKKED__CONNECTION__REST_URL=EVIL,
        KRAKKED__CONNECTION__ALLOW_OTHER_HOST="true",
    ).service.check_key(KEY, SECRET)
    assert check.verdict is KeyVerdict.UNREACHABLE
    assert "krakked-tui setup" in check.headline
    assert asked == []
    rig = Rig(
        tmp_path, Listening(), confirmed_host="evil.example", KRAKKED__CONNECTION__REST_URL=EVIL,
        KRAKKED__CONNECTION__ALLOW_OTHER_HOST="true",
    )  # fmt: skip
    assert (await rig.service.check_key(KEY, SECRET)).verdict is KeyVerdict.ACCEPTED
    assert asked


async def test_a_configuration_that_is_a_link_stays_one(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    real = tmp_path / "dotfiles" / "krakked.toml"
    rig.where.config.mkdir()
    rig.where.config_file.symlink_to(real)
    rig.fail_at = "config.toml"
    with pytest.raises(StorageError):
        await rig.service.save(SetupChoices(mode=SetupMode.PAPER, region="EU"))
    rig.fail_at = ""
    await rig.service.save(SetupChoices(mode=SetupMode.PAPER, region="EU"))
    assert rig.where.config_file.is_symlink()
    assert real.read_text() == '[region]\ncode = "EU"\n'
