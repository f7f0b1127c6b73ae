"""``krakked-tui credentials``: what is kept, a new master password, and forgetting it all."""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import cyclopts
import msgspec

from krakked_tui.cli.asking import ask_line, ask_masked
from krakked_tui.config.places import places
from krakked_tui.credentials.environment import (
    API_KEY,
    API_SECRET,
    SECRET_NAMES,
    GuardedEnvironment,
    take_from_environment,
)
from krakked_tui.credentials.keyring_store import SERVICE, KeyringStore, keyring_account
from krakked_tui.credentials.master_password import (
    CREDENTIAL,
    CREDENTIALS_DIRECTORY,
    PasswordSources,
    Prompt,
)
from krakked_tui.credentials.opening import KEYRING, open_vault
from krakked_tui.credentials.resolve import Credentials, resolve
from krakked_tui.credentials.secrets_file import SecretsFile
from krakked_tui.credentials.strength import strength
from krakked_tui.domain.access import KeyAudit
from krakked_tui.domain.errors import NoCredentialsError, NoPasswordError, RefusedError, UsageError
from krakked_tui.domain.secret import Secret
from krakked_tui.kraken.errors import printable

FORGET = "FORGET"
"""What to type before everything is forgotten."""
_PROFILE = "paper"  # the secrets are shared by all profiles

credentials_app = cyclopts.App(
    name="credentials",
    help="The stored API key: what is known of it, its master password, forgetting it.",
    version_flags=[],
    default_parameter=cyclopts.Parameter(negative=""),
)


@dataclass(frozen=True)
class Desk:
    """Where a command works: the files and keyring it changes, and whom it asks and tells.

    ``ask`` and ``ask_secret`` are None where nobody can type.
    """

    secrets_file: SecretsFile
    environment: GuardedEnvironment
    keyring: KeyringStore
    ask: Callable[[str], str] | None
    ask_secret: Prompt | None
    say: Callable[[str], None]
    warn: Callable[[str], None]

    def sources(self, password_file: Path | None) -> PasswordSources:
        """Return where the master password may come from."""
        expanded = None if password_file is None else password_file.expanduser()
        return PasswordSources(expanded, self.environment, self.keyring, self.ask_secret)


@credentials_app.command
def show(*, password_file: Path | None = None, json: bool = False) -> None:
    """Show the API key's fingerprint, permissions and dates; never the key or its secret.

    Args:
        password_file: File with the master password in its first line, readable by you alone.
        json: Print one JSON object.
    """
    show_credentials(_desk(), password_file, as_json=json)


@credentials_app.command
def change_password(*, password_file: Path | None = None) -> int:
    """Lock the secrets up with a new master password.

    Args:
        password_file: File with the present master password in its first line, readable by you alone.
    """
    return change_master_password(_desk(), password_file)


@credentials_app.command
def forget(*, yes: bool = False) -> int:
    """Remove the stored API key and everything else that is secret. It cannot be brought back.

    Args:
        yes: Do not ask.
    """
    return forget_credentials(_desk(), confirmed=yes)


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """What may be shown of the credentials. Times are UTC."""

    fingerprint: str
    origin: str
    unvalidated: bool | None
    """None for a key of the environment: nobody recorded it."""
    validated_at: datetime | None
    exchange: str
    """The host that said what is known of the key; empty when that was not recorded."""
    keyring: bool
    """Whether the operating system keeps the master password."""
    audit: KeyAudit | None
    missing: tuple[str, ...]
    alert_urls: int
    api_tokens: int
    warnings: tuple[str, ...]


def show_credentials(desk: Desk, password_file: Path | None, *, as_json: bool) -> None:
    """Print what may be shown. Raises what ``resolve`` raises."""
    credentials = resolve(desk.environment, desk.secrets_file, desk.sources(password_file))
    shown = _shown(credentials, keyring=desk.secrets_file.keyring_opted_in())
    if as_json:
        desk.say(msgspec.json.encode(shown).decode())
        return
    for warning in shown.warnings:
        desk.warn(warning)
    for name, text in _rows(shown):
        desk.say(f"{name:<13} {text}")


def change_master_password(desk: Desk, password_file: Path | None) -> int:
    """Save the secrets under a new password, in the keyring too when that keeps it.

    Returns 1 when the keyring would not take it. Raises ``RefusedError`` for a weak or mistyped one, and
    when another program changed the file meanwhile; nothing changes then.
    """
    secrets_file = desk.secrets_file
    if not secrets_file.exists():
        raise NoCredentialsError(f"there is no {secrets_file.path}: run krakked-tui setup")
    if desk.ask_secret is None:
        raise NoPasswordError("a new master password is typed twice: run this command in a terminal")
    old = open_vault(secrets_file, desk.sources(password_file))
    for note in old.notes:
        desk.warn(note)
    new = _new_password(desk.ask_secret)
    secrets_file.change_password(old.content, old.password, new)
    desk.say(f"The master password of {secrets_file.path} is changed.")
    if old.origin not in {KEYRING, "prompt"}:
        desk.say(f"The old one is still in: {old.origin}. Change it there too.")
    if not old.keyring:
        return 0
    status = desk.keyring.put(new)
    if not status.usable:
        desk.warn(f"{status.detail}; it may still have the old password, so you will be asked for it")
        return 1
    desk.say("The keyring has the new one.")
    return 0


def forget_credentials(desk: Desk, *, confirmed: bool) -> int:
    """Remove the file, what was put aside of it, and the keyring's entry, and say what is left.

    Returns 1 when the keyring has the password and would not remove it. Raises ``RefusedError`` when
    the operator does not confirm; nothing is removed then.
    """
    secrets_file = desk.secrets_file
    if not confirmed:
        _confirm(desk)
    opted_in = secrets_file.keyring_opted_in()
    removed = secrets_file.remove()
    if secrets_file.path not in removed:
        desk.say(f"There is no {secrets_file.path}.")
    for path in removed:
        desk.say(f"{path} is removed.")
    # Asked for in any case: a damaged file does not say whether the keyring has the password.
    status = desk.keyring.forget()
    kept = opted_in and not status.usable
    if kept:
        account = keyring_account(secrets_file.path)
        desk.warn(f"{status.detail}; remove its entry {SERVICE} for {account} yourself")
    elif status.usable:
        desk.say("The keyring has no master password of it.")
    for left in _left_over(desk.environment):
        desk.say(left)
    return 1 if kept else 0


def _confirm(desk: Desk) -> None:
    if desk.ask is None:
        raise UsageError("nobody can confirm this here: add --yes to forget the stored API key unasked")
    files = ", ".join(map(str, desk.secrets_file.copies() or (desk.secrets_file.path,)))
    try:
        typed = desk.ask(
            f"This removes {files}, with the API keys, alert URLs and API tokens in it;"
            f" they cannot be brought back.\nType {FORGET} to go on: "
        )
    except EOFError:
        typed = ""
    if typed.strip() != FORGET:
        raise RefusedError(f"nothing is removed, because {FORGET} was not typed")


def _left_over(environment: GuardedEnvironment) -> list[str]:
    left = [
        f"{name} is still set in the environment of this shell."
        for name in SECRET_NAMES
        if environment.secret(name)
    ]
    if environment.secret(API_KEY) and environment.secret(API_SECRET):
        left.append("Krakked goes on using that key.")
    directory = environment.get(CREDENTIALS_DIRECTORY)
    if directory and (Path(directory) / CREDENTIAL).exists():
        left.append(f"{Path(directory) / CREDENTIAL} still has the master password.")
    left.append("A Krakked that runs keeps the key until it ends.")
    left.append("The key itself still works: to end that, delete it at Kraken, Settings, API.")
    return left


def _new_password(ask_secret: Prompt) -> Secret:
    try:
        new = ask_secret("New master password: ")
        judged = strength(new)
        if not judged.enough:
            advice = f" {judged.advice}" if judged.advice else ""
            raise RefusedError(f"this password is {judged.words}; nothing is changed.{advice}")
        again = ask_secret("The same again: ")
    except EOFError:
        raise NoPasswordError("no new master password was typed; nothing is changed") from None
    if new != again:
        raise RefusedError("the two passwords are not the same; nothing is changed")
    return new


def _shown(credentials: Credentials, *, keyring: bool) -> Shown:
    vault = credentials.vault
    audit = None if vault is None else _harmless(vault.audit)
    told = credentials.warnings
    if audit is not None and audit.can_withdraw:
        told += ("the API key may be able to withdraw funds: use one that cannot",)
    return Shown(
        fingerprint=credentials.api_key.fingerprint,
        origin=credentials.origin,
        unvalidated=None if vault is None else vault.unvalidated,
        validated_at=None if vault is None else vault.validated_at,
        exchange="" if vault is None else printable(vault.exchange),
        keyring=keyring,
        audit=audit,
        missing=() if audit is None else audit.missing,
        alert_urls=0 if vault is None else len(vault.alert_urls),
        api_tokens=0 if vault is None else len(vault.api_tokens),
        warnings=told,
    )


def _harmless(audit: KeyAudit | None) -> KeyAudit | None:
    """Make the exchange's texts safe to show."""
    if audit is None:
        return None
    return msgspec.structs.replace(
        audit,
        source=printable(audit.source),
        name=printable(audit.name),
        others=tuple(map(printable, audit.others)),
        ip_allowlist=tuple(map(printable, audit.ip_allowlist)),
    )


def _rows(shown: Shown) -> list[tuple[str, str]]:
    validated = _time(shown.validated_at, "not known" if shown.unvalidated is None else "never: unvalidated")
    if shown.validated_at is not None and shown.exchange:
        validated += f" at {shown.exchange}"
    return [
        ("Fingerprint", shown.fingerprint),
        ("From", shown.origin),
        ("Validated", validated),
        ("Keyring", "keeps the master password" if shown.keyring else "not used"),
        *_audit_rows(shown.audit),
        ("Alert URLs", str(shown.alert_urls)),
        ("API tokens", str(shown.api_tokens)),
    ]


def _audit_rows(audit: KeyAudit | None) -> list[tuple[str, str]]:
    if audit is None:
        return [("Permissions", "not known")]
    rows = [
        ("Permissions", ", ".join((*audit.held, *audit.others)) or "none"),
        ("Missing", ", ".join(audit.missing)),
        ("Not known", ", ".join(audit.unknown)),
        ("Name", audit.name),
        ("Valid until", _time(audit.valid_until, "")),
        ("IP addresses", ", ".join(audit.ip_allowlist)),
        ("Last used", _time(audit.last_used, "")),
        ("Checked", f"{_time(audit.checked_at, '')} ({audit.source})"),
    ]
    return [(name, text) for name, text in rows if text]


def _time(at: datetime | None, otherwise: str) -> str:
    return otherwise if at is None else f"{at:%Y-%m-%d %H:%M:%S} UTC"


def _desk() -> Desk:
    # Imported late: --help must not pay for it.
    from krakked_tui.bootstrap.unlock import keyring_store, secrets_file

    environment = take_from_environment(os.environ)
    where = places(_PROFILE, environment)
    terminal = sys.stdin is not None and sys.stdin.isatty()
    return Desk(
        secrets_file=secrets_file(where),
        environment=environment,
        keyring=keyring_store(where),
        ask=ask_line if terminal else None,
        ask_secret=ask_masked if terminal else None,
        say=print,
        warn=lambda text: print(f"krakked-tui: warning: {text}", file=sys.stderr),
    )
