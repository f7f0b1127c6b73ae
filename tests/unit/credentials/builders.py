"""Cheap envelopes, made-up secrets, a keyring of our own, and tracebacks with everything in them."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from traceback import TracebackException

import pytest
from keyring.backend import KeyringBackend

from krakked_tui.credentials.calibration import ScryptCost
from krakked_tui.credentials.keyring_store import KeyringStore
from krakked_tui.credentials.secrets_file import SecretsFile
from krakked_tui.credentials.vault import Vault
from krakked_tui.domain.access import KeyAudit, Permission
from krakked_tui.domain.secret import Secret
from krakked_tui.storage.files import replace_private_file

CHEAP = ScryptCost(n=16, r=1, p=1)
KEY = "fake-key-2b7e151628aed2a6"
SECRET = "ZmFrZS1zZWNyZXQtYWJmNzE1ODgwOWNm"
PASSWORD = "fake master password"
ALERT_URL = "tgram://fake-bot-token/chat"
API_TOKEN = "fake-api-token"
PLAIN_TEXTS = (KEY, SECRET, PASSWORD, ALERT_URL, API_TOKEN)

AUDIT = KeyAudit(
    source="GetApiKeyInfo",
    checked_at=datetime(2026, 1, 5, 12, tzinfo=UTC),
    held=(Permission.QUERY_FUNDS, Permission.MODIFY),
    unknown=(Permission.WITHDRAW,),
    others=("earn\x1b[31m-funds",),
    name="my \x9b key",
    nonce_window=10,
    ip_allowlist=("192.0.2.1",),
)
VAULT = Vault(
    api_key=Secret(KEY),
    api_secret=Secret(SECRET),
    validated_at=datetime(2026, 1, 5, 12, 0, 1, tzinfo=UTC),
    audit=AUDIT,
    alert_urls=(Secret(ALERT_URL),),
    api_tokens=(Secret(API_TOKEN),),
)


def secrets_file(path: Path) -> SecretsFile:
    return SecretsFile(path, replace_private_file, lambda: CHEAP)


def saved(
    path: Path, vault: Vault = VAULT, *, password: str = PASSWORD, keyring: bool = False
) -> SecretsFile:
    file = secrets_file(path)
    file.save(vault, Secret(password), keyring=keyring)
    return file


def failure(call: Callable[[], object]) -> Exception:
    """Return what a call of ours raises, its traceback cut to our own frames and what they called."""
    with pytest.raises(Exception) as caught:  # noqa: PT011 - any
        call()
    frame = caught.value.__traceback__
    while frame is not None and "/krakked_tui/" not in frame.tb_frame.f_code.co_filename:
        frame = frame.tb_next
    return caught.value.with_traceback(frame)


def told_of(error: BaseException) -> str:
    """Return everything that a debugger-like traceback would print of an error and its causes."""
    with_locals = TracebackException.from_exception(error, capture_locals=True, compact=False)
    return "".join(with_locals.format()) + repr(error) + repr(vars(error))


class MemoryKeyring(KeyringBackend):
    """Keeps passwords in memory; counts calls."""

    priority = 5

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.kept: dict[tuple[str, str], str] = {}
        self.calls = 0

    def get_password(self, service: str, username: str) -> str | None:
        self.calls += 1
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.calls += 1
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        self.calls += 1
        del self.kept[service, username]


class RaisingKeyring(MemoryKeyring):
    """Fails every call with the given error."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.error = error

    def get_password(self, service: str, username: str) -> str | None:
        self.calls += 1
        raise self.error

    def set_password(self, service: str, username: str, password: str) -> None:
        self.calls += 1
        raise self.error


class HangingKeyring(MemoryKeyring):
    """Answers when released, like a locked desktop keyring."""

    def __init__(self) -> None:
        super().__init__()
        self.released = threading.Event()

    def get_password(self, service: str, username: str) -> str | None:
        self.calls += 1
        self.released.wait()
        return None


for _class in (MemoryKeyring, RaisingKeyring, HangingKeyring):
    KeyringBackend._classes.discard(_class)  # the library must not find them


def store(backend: KeyringBackend, *, limit_seconds: float = 10.0) -> KeyringStore:
    return KeyringStore("account", limit_seconds=limit_seconds, load=lambda: backend)
