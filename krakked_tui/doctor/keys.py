"""The API key: where it is, what it may do, and what would still keep it from trading."""

import asyncio
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from krakked_tui.bootstrap.live_gate import locks_before_start, locks_of_key
from krakked_tui.bootstrap.unlock import (
    Unlocking,
    api_key,
    exchange_name,
    keyring_store,
    secrets_file,
    unlock,
)
from krakked_tui.config.places import Places
from krakked_tui.config.schema import AppConfig
from krakked_tui.credentials.keyring_store import KeyringStatus
from krakked_tui.credentials.resolve import Credentials, environment_warnings
from krakked_tui.credentials.vault import Vault
from krakked_tui.doctor.context import Context, KeyFacts
from krakked_tui.doctor.exchange import Unreachable
from krakked_tui.doctor.findings import Finding, Status, ok, problem, skipped, warning
from krakked_tui.doctor.network import judge_failure
from krakked_tui.domain.access import KeyAudit, lost_features
from krakked_tui.domain.errors import (
    AccessError,
    CredentialsError,
    NoCredentialsError,
    NoPasswordError,
    StorageError,
)
from krakked_tui.execution.settings import TradingMode
from krakked_tui.kraken.errors import KrakenError, printable
from krakked_tui.kraken.settings import is_kraken, is_loopback

EXPIRY_WARNING = timedelta(days=14)
NONCE_WINDOW = 5_000_000_000
"""Five seconds, in nanoseconds: what is recommended, and enough for our requests to overlap."""
_KEY_PAGE = "at Kraken: Settings, API"
_SETUP = "krakked-tui setup"
_UNVALIDATED = "unvalidated"


def look_for_key(where: Places, unlocking: Unlocking) -> KeyFacts:
    """Find and unlock the key; asks for the password when ``unlocking`` has a prompt, else not."""
    warnings = environment_warnings(unlocking.environment)
    try:
        credentials = unlock(where, unlocking)
    except NoCredentialsError as error:
        return KeyFacts(why=str(error), warnings=warnings)
    except NoPasswordError as error:
        # A password file that was named and gives none is wrong; otherwise nobody was asked.
        named = unlocking.password_file is not None
        return KeyFacts(why=str(error), locked=not named, broken=named, warnings=warnings)
    except (CredentialsError, StorageError) as error:
        return KeyFacts(why=str(error), broken=True, warnings=warnings)
    except Exception as error:  # noqa: BLE001 - whatever breaks here must not hide what checks find
        # Its text may hold anything, here of all places.
        return KeyFacts(why=f"looking for the key broke ({type(error).__name__})", broken=True)
    return KeyFacts(credentials=credentials, warnings=credentials.warnings)


def credentials(context: Context) -> Iterator[Finding]:
    """Check where the key is and whether it was ever validated."""
    config = context.loaded.config if context.loaded else None
    live = config is not None and config.execution.mode is TradingMode.LIVE
    yield judge_credentials(context.keys, live=live)
    yield from judge_warnings(context.keys, context.surroundings.environment)
    found = context.keys.credentials
    if found is not None and found.vault is not None:
        yield judge_validation(found.vault, exchange_name(config.connection) if config else "")


def judge_credentials(facts: KeyFacts, *, live: bool) -> Finding:
    """Judge whether there is a key, for a profile that trades ``live`` or does not."""
    if facts.credentials is not None:
        return ok("credentials", f"an API key from {facts.credentials.origin}")
    if facts.broken:
        return problem(
            "credentials",
            facts.why,
            f"Try the password again; if it is lost, make a new key {_KEY_PAGE} and run: {_SETUP}",
        )
    if facts.locked:
        return skipped("credentials", f"the secrets file is locked: {facts.why}")
    if live:
        return problem("credentials", facts.why, f"Run: {_SETUP}")
    return ok("credentials", "no API key; only live trading needs one")


def judge_warnings(facts: KeyFacts, environment: Mapping[str, str]) -> Iterator[Finding]:
    """Judge what was worth a word on the way to the key."""
    half = environment_warnings(environment)
    for text in half:
        yield warning("credentials", text, f"Set both variables or neither; or run: {_SETUP}")
    found = facts.credentials
    for text in facts.warnings:
        if text in half or (found is not None and found.vault is not None and _UNVALIDATED in text):
            continue
        if found is not None and found.vault is None:
            yield warning("credentials", text, "To use the file, unset KRAKEN_API_KEY and KRAKEN_API_SECRET")
        else:
            yield warning("credentials", text, "Correct that source of the password, or remove it")


def judge_validation(vault: Vault, exchange: str = "") -> Finding:
    """Judge when the exchange last accepted the stored key."""
    if vault.api_key is None:
        return ok("key_validated", "there is no key to validate")
    if vault.validated_at is None:
        return warning(
            "key_validated",
            "the stored key was never accepted by the exchange",
            "Run: krakked-tui credentials check",
        )
    at = printable(vault.exchange, limit=100) or "the exchange"
    told = f"accepted by {at} on {vault.validated_at:%Y-%m-%d %H:%M} UTC"
    if vault.of_another(exchange):
        return warning("key_validated", f"{told}, not by {exchange}", "Run: krakked-tui credentials check")
    return ok("key_validated", told)


def key(context: Context) -> Iterator[Finding]:
    """Check what the key may do: asked now when possible, else as it was stored."""
    found = context.keys.credentials
    if found is None:
        yield skipped("key", "there is no open key to look at")
        return
    audit, trouble = _asked(context, found)
    if trouble is not None:
        yield trouble
    # An exchange may keep a time of its own, so an answer of now is judged by its own clock.
    now = context.surroundings.now() if audit is None else audit.checked_at
    if audit is None and found.vault is not None:
        audit = found.vault.audit
    if audit is not None and context.loaded is not None:
        yield from judge_audit(audit, now, context.loaded.config)


def _asked(context: Context, found: Credentials) -> tuple[KeyAudit | None, Finding | None]:
    """Ask the exchange about the key; return what it says, or why it says nothing."""
    if context.exchange is None or context.loaded is None:
        return None, skipped("key", f"not asked about now: {context.offline}")
    url = context.loaded.config.connection.rest_url
    if not (is_kraken(url) or is_loopback(url)):
        return None, skipped("key", f"not shown to {urlsplit(url).netloc}, which is not Kraken")
    try:
        audit = asyncio.run(context.exchange.audit(api_key(found)))
    except AccessError as error:
        return None, problem(
            "key",
            f"the exchange refuses the key: {printable(str(error))}",
            f"Compare it {_KEY_PAGE}: expired, deleted, or for other addresses? Then run: {_SETUP}",
        )
    except (Unreachable, KrakenError) as error:
        return None, judge_failure("key", url, error)
    except StorageError as error:
        return None, problem("key", str(error), "Repair that file first: without it no request is signed")
    return audit, None


def judge_audit(audit: KeyAudit, now: datetime, config: AppConfig) -> Iterator[Finding]:
    """Judge what a key may do, for the mode that is configured."""
    name = f" named {audit.name}" if audit.name else ""
    yield ok("key", f"the key{name}, by {audit.source} on {audit.checked_at:%Y-%m-%d %H:%M} UTC")
    yield _permissions(audit)
    yield _withdrawal(audit, config)
    yield _expiry(audit, now)
    if audit.query_from is not None or audit.query_to is not None:
        yield warning(
            "key_history",
            "the key sees a limited time of the account's history only",
            f"Remove the query start and end dates from the key {_KEY_PAGE}",
        )
    yield _nonce_window(audit, config.connection.nonce_window)


def _permissions(audit: KeyAudit) -> Finding:
    lost = lost_features(audit)
    if not lost:
        return ok("key_permissions", "the key may do all that trading needs")
    needed = sorted(
        {permission.value for feature in lost for permission in feature.needs if permission in audit.missing}
    )
    return warning(
        "key_permissions",
        f"the key is not enough for: {'; '.join(feature.name for feature in lost)}",
        f"Give it {', '.join(needed)} {_KEY_PAGE}",
    )


def _withdrawal(audit: KeyAudit, config: AppConfig) -> Finding:
    if not audit.can_withdraw:
        return ok("key_withdrawal", "the key cannot move money out of the account")
    fix = f"Take the permission to withdraw from it {_KEY_PAGE}"
    if config.execution.allow_withdraw_key:
        return warning("key_withdrawal", "the key can, or could, withdraw money, which you have allowed", fix)
    return warning(
        "key_withdrawal", "the key can, or could, withdraw money: whoever gets it can empty the account", fix
    )


def _expiry(audit: KeyAudit, now: datetime) -> Finding:
    until = audit.valid_until
    if until is None:
        return ok("key_expiry", "the key does not expire")
    shown = f"{until.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    fix = f"Make a new key {_KEY_PAGE}, then run: {_SETUP}"
    if until <= now:
        return problem("key_expiry", f"the key expired on {shown}", fix)
    if until - now < EXPIRY_WARNING:
        return warning("key_expiry", f"the key expires on {shown}", fix)
    return ok("key_expiry", f"the key is valid until {shown}")


def _nonce_window(audit: KeyAudit, configured: int) -> Finding:
    if configured > audit.nonce_window:
        return problem(
            "key_nonce_window",
            f"connection.nonce_window is {configured}, but the key's own is {audit.nonce_window} ns:"
            " requests that overtake each other would be refused",
            f"Set the nonce window of the key to {configured} {_KEY_PAGE}, or remove connection.nonce_window",
        )
    if audit.nonce_window:
        return ok("key_nonce_window", f"{audit.nonce_window} ns")
    advice = (
        f"Recommended: set the nonce window of the key to {NONCE_WINDOW} {_KEY_PAGE}. Then requests may"
        " overtake each other on their way, so that an urgent cancel need not wait for the one before it"
    )
    return Finding("key_nonce_window", Status.OK, "0: private requests go one after another", advice)


def keyring(context: Context) -> Iterator[Finding]:
    """Check whether the system's keyring can keep the master password, if it is meant to."""
    file = secrets_file(context.where)
    opted_in = file.exists() and file.keyring_opted_in()
    if not opted_in:
        # Looking into a keyring may open a dialog: only who uses it is to see that.
        yield ok("keyring", "not used; the master password comes from elsewhere")
        return
    yield judge_keyring(keyring_store(context.where).state())


def judge_keyring(state: KeyringStatus) -> Finding:
    """Judge the keyring that the operator wants to use."""
    if state.usable:
        return ok("keyring", state.detail)
    return warning(
        "keyring",
        state.detail,
        "On a server: KRAKKED_MASTER_PASSWORD, --password-file, or LoadCredential in the systemd unit",
    )


def live(context: Context) -> Iterator[Finding]:
    """List what would keep this profile from trading live."""
    if context.loaded is None:
        yield skipped("live", "the configuration must be right first")
        return
    found = context.keys.credentials
    audit = found.vault.audit if found is not None and found.vault is not None else None
    yield judge_live(context.loaded.config, context.keys, audit)


def judge_live(config: AppConfig, keys: KeyFacts, audit: KeyAudit | None) -> Finding:
    """Judge the locks before live trading, with what is stored of the key."""
    has_key = keys.credentials is not None or keys.locked
    locks = list(locks_before_start(config, has_key=has_key, key_problem=keys.why))
    if audit is not None:
        locks += locks_of_key(audit, allow_withdraw_key=config.execution.allow_withdraw_key)
    listed = "; ".join(f"({number}) {lock}" for number, lock in enumerate(locks, 1))
    if config.execution.mode is not TradingMode.LIVE:
        why = f"; live trading is locked: {listed}" if locks else "; live trading would not be refused"
        return ok("live", f"mode is {config.execution.mode.value}{why}")
    if locks:
        return problem(
            "live", f"live trading is refused: {listed}", "Open each lock as it says, or use --mode paper"
        )
    return ok("live", "no lock is closed; a start still asks you to type LIVE")
