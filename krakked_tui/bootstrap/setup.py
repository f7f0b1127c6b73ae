"""First-run set-up: checks keys, shows what would be traded, and writes configuration and secrets."""

import asyncio
from contextlib import suppress
from pathlib import Path

import msgspec

from krakked_tui.bootstrap.configuration import Sources, read_configuration
from krakked_tui.bootstrap.exchange import open_link
from krakked_tui.bootstrap.key_checker import CHECK_SECONDS, KeyChecker
from krakked_tui.bootstrap.setup_advice import next_steps
from krakked_tui.bootstrap.setup_config import file_content, with_setting
from krakked_tui.bootstrap.undo import Undo
from krakked_tui.bootstrap.universe_preview import preview
from krakked_tui.bootstrap.unlock import Unlocking, secrets_file
from krakked_tui.config.places import places
from krakked_tui.config.region_settings import RegionCode
from krakked_tui.control.setup import (
    KeyCheck,
    KeyringState,
    KeyVerdict,
    PasswordStrength,
    SetupChoices,
    SetupFacts,
    SetupMode,
    SetupSaved,
    UniversePreview,
)
from krakked_tui.credentials.keyring_store import SERVICE, KeyringStore, keyring_account
from krakked_tui.credentials.resolve import environment_credentials, environment_warnings
from krakked_tui.credentials.secrets_file import Replace, SecretsFile
from krakked_tui.credentials.strength import strength
from krakked_tui.credentials.vault import Vault
from krakked_tui.domain.errors import CredentialsError, RefusedError, SecretsFileError, StorageError
from krakked_tui.domain.secret import Secret
from krakked_tui.engine.clock import ExchangeClock
from krakked_tui.kraken.key_form import form_problem, tidied
from krakked_tui.storage.files import replace_private_file

KEYRING_LOOK_SECONDS = 2.0
"""How long a locked keyring may hold up the start of the set-up."""
LIVE_PROFILE = "live"
"""The profile that a live set-up configures when it was started for the paper profile."""
_PAPER_PROFILE = "paper"


class AccountSetup:
    """Implements ``control.setup.SetupService``."""

    def __init__(
        self,
        sources: Sources,
        unlocking: Unlocking,
        *,
        checker: KeyChecker | None = None,
        secrets: SecretsFile | None = None,
        keyring: KeyringStore | None = None,
        replace: Replace = replace_private_file,
    ) -> None:
        """Read what there is already. Raises ``ConfigError``. The last four replace the real ones."""
        self._sources = sources
        self._config = read_configuration(sources).config
        self._main = sources.config_file or sources.where.config_file
        self._checker = checker or KeyChecker(sources.where, self._config.connection)
        self._secrets = secrets or secrets_file(sources.where)
        self._replace = replace
        account = keyring_account(sources.where.secrets)
        self._keyring = keyring or KeyringStore(account)
        self._environment_has_key = environment_credentials(unlocking.environment) is not None
        self._last: tuple[Secret, Secret, KeyCheck] | None = None
        state = (keyring or KeyringStore(account, limit_seconds=KEYRING_LOOK_SECONDS)).state()
        self._facts = SetupFacts(
            profile=sources.profile,
            exchange=self._checker.exchange,
            config_file=str(self._main),
            secrets_file=str(sources.where.secrets),
            secrets_exist=self._secrets.exists(),
            regions=tuple(code.value for code in RegionCode),
            default_region=self._config.region.code.value,
            keyring=KeyringState(state.usable, state.detail),
            environment_key=_environment_key(unlocking),
        )

    @property
    def facts(self) -> SetupFacts:
        """What is known before anything was asked."""
        return self._facts

    def password_strength(self, password: Secret) -> PasswordStrength:
        """Judge a master password, locally and quickly."""
        judged = strength(password)
        return PasswordStrength(judged.score, judged.words, judged.advice)

    async def check_key(self, api_key: Secret, api_secret: Secret) -> KeyCheck:
        """Check the form of a key pair, then ask the exchange. Raises nothing but cancellation."""
        self._last = None
        check = await self._checker.check(api_key, api_secret)
        self._last = (tidied(api_key), tidied(api_secret), check)
        return check

    async def preview_universe(self) -> UniversePreview:
        """Read what would be traded from the exchange. Raises nothing but cancellation."""
        config = self._config
        link = open_link(config.connection, ExchangeClock(), self._sources.where, None)
        return await preview(link, config.universe, config.region.default_quote, CHECK_SECONDS)

    async def save(self, choices: SetupChoices) -> SetupSaved:
        """Write configuration and secrets; both are whole or as before.

        The secrets come first and ``config.toml`` last: as long as that is missing the set-up is not
        done, and comes again. Raises ``RefusedError`` and ``StorageError``; nothing is written then.
        """
        check = self._accepted(choices)
        try:
            saved = await asyncio.to_thread(self._write, choices, check)
        except CredentialsError as error:
            raise RefusedError(f"the key cannot be saved: {error}") from error
        self._last = None
        return saved

    async def close(self) -> None:
        """Do nothing: every connection ends with the call that opened it."""

    def _accepted(self, choices: SetupChoices) -> KeyCheck | None:
        """Return the check of the key that is to be saved. Raises ``RefusedError``."""
        if choices.region not in self._facts.regions:
            allowed = ", ".join(self._facts.regions)
            raise RefusedError(f"there is no region {choices.region[:20]!r}: choose one of {allowed}")
        if choices.api_key is None or choices.api_secret is None:
            if choices.api_key is not None or choices.api_secret is not None:
                raise RefusedError("key and secret belong together: enter both, or neither")
            return None
        api_key, api_secret = tidied(choices.api_key), tidied(choices.api_secret)
        problem = form_problem(api_key, api_secret)
        if problem:
            raise RefusedError(f"the key is not saved, it cannot work. {problem}")
        self._refuse_weak(choices.password)
        check = self._check_of(api_key, api_secret)
        if check is None and not choices.forced:
            raise RefusedError("the key is not saved before it has been checked")
        if check is not None and not check.may_be_saved and not choices.forced:
            raise RefusedError(f"the key is not saved, the exchange refused it. {check.headline}")
        return check or KeyCheck(verdict=KeyVerdict.UNREACHABLE, headline="The key has not been checked.")

    def _check_of(self, api_key: Secret, api_secret: Secret) -> KeyCheck | None:
        """Return the last check if it was of this very pair."""
        if self._last is None or self._last[0] != api_key or self._last[1] != api_secret:
            return None
        return self._last[2]

    def _refuse_weak(self, password: Secret | None) -> None:
        if password is None:
            raise RefusedError("the key is saved encrypted: choose a master password for it")
        judged = self.password_strength(password)
        if not judged.enough:
            raise RefusedError(f"the master password is {judged.words}: choose a longer one. {judged.advice}")

    def _write(self, choices: SetupChoices, check: KeyCheck | None) -> SetupSaved:
        # Another set-up may be at it in another terminal: one after the other, each as a whole.
        with self._secrets.locked():
            changes = self._config_changes(choices)
            opted_in = self._secrets.keyring_opted_in()
            written: list[str] = []
            undo = Undo(self._replace)
            try:
                if check is not None:
                    written += self._save_secrets(choices, check, undo)
                for path, content in changes:
                    undo.replace(path, content)
                    written.append(f"{path}: written.")
            except BaseException:
                undo.restore()
                raise
            notes = self._keep_password(choices, opted_in=opted_in) if check is not None else ()
        if not changes:
            written.append(f"{self._main}: unchanged, it says all this already.")
        has_key = self._environment_has_key or self._secrets.exists()
        steps = next_steps(self._live_sources(choices), choices.mode, check, has_key=has_key)
        return SetupSaved(tuple(written), (*notes, *steps))

    def _config_changes(self, choices: SetupChoices) -> list[tuple[Path, bytes]]:
        """Return the files to replace, ``config.toml`` last. Raises ``RefusedError`` and ``StorageError``."""
        wanted = [(self._main, "region", "code", choices.region)]
        if choices.mode is SetupMode.LIVE:
            overlay = self._main.with_name(f"{self._main.stem}.{self._live_profile}.toml")
            wanted.insert(0, (overlay, "execution", "mode", "live"))
        found = [(path, with_setting(path, file_content(path), *value)) for path, *value in wanted]
        return [(path, content) for path, content in found if content is not None]

    @property
    def _live_profile(self) -> str:
        return LIVE_PROFILE if self._sources.profile == _PAPER_PROFILE else self._sources.profile

    def _live_sources(self, choices: SetupChoices) -> Sources:
        """Return where the configuration of the profile that was set up comes from."""
        if choices.mode is SetupMode.PAPER:
            return self._sources
        where = places(self._live_profile, self._sources.environment)
        return msgspec.structs.replace(self._sources, profile=self._live_profile, where=where)

    def _save_secrets(self, choices: SetupChoices, check: KeyCheck, undo: Undo) -> list[str]:
        assert choices.api_key is not None
        assert choices.api_secret is not None
        assert choices.password is not None
        vault, kept_aside = self._vault_before(choices.password, undo)
        accepted = check.verdict is KeyVerdict.ACCEPTED and check.audit is not None
        vault = msgspec.structs.replace(
            vault,
            api_key=tidied(choices.api_key),
            api_secret=tidied(choices.api_secret),
            validated_at=check.audit.checked_at if accepted and check.audit is not None else None,
            audit=check.audit,
            exchange="" if check.audit is None else self._checker.exchange,
        )
        sealed = self._secrets.sealed(vault, choices.password, keyring=choices.remember_password)
        undo.replace(self._secrets.path, sealed)
        state = f"validated at {self._checker.exchange}" if accepted else "UNVALIDATED"
        return [*kept_aside, f"{self._secrets.path}: written, encrypted; the key is {state}."]

    def _vault_before(self, password: Secret, undo: Undo) -> tuple[Vault, list[str]]:
        """Return what else the secrets file holds; one that does not open is kept under another name."""
        if not self._secrets.exists():
            return Vault(), []
        try:
            return self._secrets.read(password), []
        except SecretsFileError:
            aside = self._secrets.name_to_keep()
            undo.replace(aside, file_content(self._secrets.path) or b"")
            return Vault(), [
                f"{aside}: the secrets that were there, which this password does not open;"
                " delete it when you do not need it."
            ]

    def _keep_password(self, choices: SetupChoices, *, opted_in: bool) -> tuple[str, ...]:
        """Put the password into the keyring, or take an old one out. The files are written already.

        ``opted_in`` says whether the secrets that were there let the keyring keep their password.
        """
        assert choices.password is not None
        if not choices.remember_password:
            return self._forget_password(opted_in=opted_in)
        status = self._keyring.put(choices.password)
        if status.usable:
            return (f"The master password is in {status.detail}.",)
        # If this fails the note stays in the file; a start that finds nothing in the keyring asks.
        with suppress(CredentialsError, StorageError):
            self._secrets.save(self._secrets.read(choices.password), choices.password, keyring=False)
        return (
            f"The master password is not remembered: {status.detail}. You will be asked for it when the key"
            " is needed.",
        )

    def _forget_password(self, *, opted_in: bool) -> tuple[str, ...]:
        if not opted_in and not self._facts.secrets_exist:
            return ()
        status = self._keyring.forget()
        # Where there never was a keyring nothing of ours is in it.
        if status.usable or not (opted_in or self._facts.keyring.usable):
            return ()
        account = keyring_account(self._secrets.path)
        return (
            f"The keyring may still have an older master password, {status.detail}: remove its entry"
            f" {SERVICE} for {account} yourself.",
        )


def _environment_key(unlocking: Unlocking) -> str:
    found = environment_credentials(unlocking.environment)
    if found is not None:
        return f"The key of the {found.origin} is used, whatever is saved here."
    return " ".join(f"{warning}." for warning in environment_warnings(unlocking.environment))
