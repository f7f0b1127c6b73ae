"""The master password in the operating system's keyring, where there is one."""

import queue
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from krakked_tui.domain.secret import Secret

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

SERVICE = "krakked-tui"
LIMIT_SECONDS = 10.0
"""How long a keyring may take: one that is locked waits for somebody at the desktop."""
_MAX_CHARACTERS = 4096
_RECOMMENDED_PRIORITY = 1
"""The keyring library's own limit below which it recommends no backend."""

LoadBackend = Callable[[], "KeyringBackend"]


class KeyringStatus(msgspec.Struct, frozen=True):
    """Whether the keyring did, or can do, what was asked; ``detail`` names it or says why not."""

    usable: bool
    detail: str


def keyring_account(secrets_path: Path) -> str:
    """Return the account under which the password of a secrets file is kept."""
    return str(secrets_path)


class _UnsafeError(Exception):
    """A backend that must not be used; the message says why."""


class _Answer(msgspec.Struct, frozen=True):
    backend: str = ""
    secret: Secret | None = None
    trouble: str = ""


class KeyringStore:
    """One password in the keyring. Calls block for at most ``limit_seconds`` and never raise.

    A keyring that did not answer once is not asked again: its call may still be waiting.
    """

    def __init__(
        self, account: str, *, limit_seconds: float = LIMIT_SECONDS, load: LoadBackend | None = None
    ) -> None:
        self._account = account
        self._limit_seconds = limit_seconds
        self._load = load or _configured_backend
        self._unanswered = ""
        self._trouble = ""

    @property
    def trouble(self) -> str:
        """Why the last call did not work, a clause; empty when it did."""
        return self._trouble

    def state(self) -> KeyringStatus:
        """Find out, by reading, whether the keyring can be used.

        A desktop may show its dialog for unlocking.
        """
        return self._status(self._ask(self._read))

    def get(self) -> Secret | None:
        """Return the password; None when there is none, or with ``trouble``."""
        return self._ask(self._read).secret

    def put(self, password: Secret) -> KeyringStatus:
        """Keep the password, in place of an older one."""

        def write(backend: "KeyringBackend") -> None:
            backend.set_password(SERVICE, self._account, password.reveal())

        return self._status(self._ask(write))

    def forget(self) -> KeyringStatus:
        """Remove the password; fine when there is none."""

        def delete(backend: "KeyringBackend") -> None:
            if backend.get_password(SERVICE, self._account) is not None:
                backend.delete_password(SERVICE, self._account)

        return self._status(self._ask(delete))

    def _read(self, backend: "KeyringBackend") -> Secret | None:
        secret = Secret(backend.get_password(SERVICE, self._account) or "")
        if len(secret.reveal()) > _MAX_CHARACTERS:
            raise _UnsafeError("what it keeps is too long for a password of ours")
        return secret or None

    def _status(self, answer: _Answer) -> KeyringStatus:
        if answer.trouble:
            return KeyringStatus(usable=False, detail=f"the keyring cannot be used: {answer.trouble}")
        return KeyringStatus(usable=True, detail=f"the keyring {answer.backend}")

    def _ask(self, call: Callable[["KeyringBackend"], Secret | None]) -> _Answer:
        """Make a call in a thread of its own, which is left behind when it takes too long."""
        answer = _Answer(trouble=self._unanswered)
        if not self._unanswered:
            answers: queue.SimpleQueue[_Answer] = queue.SimpleQueue()
            threading.Thread(
                target=lambda: answers.put(_attempt(self._load, call)), name="keyring", daemon=True
            ).start()
            try:
                answer = answers.get(timeout=self._limit_seconds)
            except queue.Empty:
                self._unanswered = (
                    f"it did not answer within {self._limit_seconds:g} s, it may wait to be unlocked"
                )
                answer = _Answer(trouble=self._unanswered)
        self._trouble = answer.trouble
        return answer


def _attempt(load: LoadBackend, call: Callable[["KeyringBackend"], Secret | None]) -> _Answer:
    try:
        backend = _safe_backend(load())
        return _Answer(backend=_name(backend), secret=call(backend))
    except _UnsafeError as error:
        return _Answer(trouble=str(error))
    except BaseException as error:  # noqa: BLE001 - backends raise anything; nobody else hears of this thread
        return _Answer(trouble=_explained(error))


def _explained(error: BaseException) -> str:
    """Say what went wrong without the error's own text, which may hold anything."""
    kinds = {base.__name__ for base in type(error).__mro__}
    if "KeyringLocked" in kinds:
        return "it is locked"
    if "NoKeyringError" in kinds:
        return "this system has none"
    if isinstance(error, ImportError):
        return "the Python package keyring does not load"
    return f"it failed ({type(error).__name__})"


def _configured_backend() -> "KeyringBackend":
    import keyring  # it looks for every backend of the system: only who needs it pays for that

    return keyring.get_keyring()


def _safe_backend(backend: "KeyringBackend") -> "KeyringBackend":
    """Return the backend, or the first safe one of a chain. Raises ``_UnsafeError``."""
    members = getattr(backend, "backends", None)
    if _comes_from(backend, ("keyring.backends.chainer",)) and isinstance(members, Iterable):
        candidates: list[KeyringBackend] = list(members)
        safe = next((member for member in candidates if not _objection(member)), None)
        if safe is None:
            raise _UnsafeError(_objection(candidates[0]) if candidates else "this system has none")
        return safe
    objection = _objection(backend)
    if objection:
        raise _UnsafeError(objection)
    return backend


def _objection(backend: "KeyringBackend") -> str:
    if _comes_from(backend, ("keyring.backends.fail", "keyring.backends.null")):
        return "this system has none"
    if _comes_from(backend, ("keyrings.alt",)):
        return f"{_name(backend)} keeps passwords in files that others can read"
    if backend.priority < _RECOMMENDED_PRIORITY:
        return f"{_name(backend)} is not recommended for passwords"
    return ""


def _comes_from(backend: "KeyringBackend", modules: tuple[str, ...]) -> bool:
    return any(
        f"{base.__module__}.".startswith(f"{module}.") for base in type(backend).__mro__ for module in modules
    )


def _name(backend: "KeyringBackend") -> str:
    return f"{type(backend).__module__}.{type(backend).__qualname__}".removeprefix("keyring.backends.")
