"""The encrypted file on disk."""

import os
import stat
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from itertools import chain, count
from pathlib import Path

from krakked_tui.credentials import envelope
from krakked_tui.credentials.calibration import ScryptCost, calibrate
from krakked_tui.credentials.vault import Vault, decode_vault, encode_vault
from krakked_tui.domain.errors import NoCredentialsError, RefusedError, StorageError
from krakked_tui.domain.secret import Secret

Replace = Callable[[Path, bytes], None]
"""Replaces a file's content as a whole, mode 0600; raises ``StorageError`` and leaves the old then."""
Lock = Callable[[Path], AbstractContextManager[object]]
"""Keeps other writers out, in this process and others, by means of a file at the path. Entering raises
``RefusedError`` when another holds it for long, and ``StorageError``."""
_ASIDE = "replaced"


class SecretsFile:
    """``secrets.enc``. Reading and saving block for the time that deriving the key takes, some 300 ms.

    A save is whole or did not happen, as far as ``replace`` keeps that. Who decides what to write by
    what is there holds ``locked`` meanwhile; ``update``, ``change_password`` and ``remove`` do so.
    """

    def __init__(
        self,
        path: Path,
        replace: Replace,
        calibrate: Callable[[], ScryptCost] = calibrate,
        lock: Lock = nullcontext,
    ) -> None:
        self._path = path
        self._replace = replace
        self._calibrate = calibrate
        self._lock = lock

    @property
    def path(self) -> Path:
        """Where it is, or will be."""
        return self._path

    def exists(self) -> bool:
        """Whether there is such a file. Raises ``StorageError`` when that cannot be found out."""
        try:
            return self._path.exists()
        except OSError as error:
            raise self._unreadable(error) from error

    def keyring_opted_in(self) -> bool:
        """Whether the operator lets the keyring keep the password; False when the file says nothing."""
        try:
            return envelope.keyring_opted_in(self.content())
        except (StorageError, NoCredentialsError):
            return False

    def read(self, password: Secret) -> Vault:
        """Open the file.

        Raises:
            SecretsFileError: The password is wrong or the file is not as it was saved.
            NoCredentialsError: There is no file.
            StorageError: It cannot be read.
            CredentialsError: A newer version wrote it, or there is not enough memory.
        """
        return opened(self.content(), password)

    def sealed(self, vault: Vault, password: Secret, *, keyring: bool) -> bytes:
        """Return what ``save`` would write. Raises ``CredentialsError``."""
        return envelope.seal(encode_vault(vault), password, self._calibrate(), keyring=keyring)

    def save(self, vault: Vault, password: Secret, *, keyring: bool) -> None:
        """Replace the file. ``keyring`` notes that the keyring keeps the password; it is not put there.

        Raises ``StorageError`` and ``CredentialsError``; the old file stays then.
        """
        self._replace(self._path, self.sealed(vault, password, keyring=keyring))

    def locked(self) -> AbstractContextManager[object]:
        """Keep other writers out of the file's directory; see ``Lock``. Never take it twice."""
        return self._lock(self._path.with_name(f"{self._path.name}.lock"))

    def update(self, password: Secret, change: Callable[[Vault], Vault]) -> Vault:
        """Save what ``change`` makes of what the file holds now, and return that.

        Raises what ``read`` and ``save`` raise, and what taking the lock raises.
        """
        with self.locked():
            before = self.read(password)
            after = change(before)
            if after != before:
                self.save(after, password, keyring=self.keyring_opted_in())
            return after

    def change_password(self, content: bytes, old: Secret, new: Secret) -> None:
        """Save what ``content`` holds under a new password, if the file still has this content.

        Raises ``RefusedError`` when it has not, and what ``update`` raises.
        """
        with self.locked():
            if self.content() != content:
                raise RefusedError(
                    f"{self._path} was changed meanwhile by another program; nothing is changed: try again"
                )
            self.save(opened(content, old), new, keyring=envelope.keyring_opted_in(content))

    def name_to_keep(self) -> Path:
        """Return a path beside the file that nothing has yet, to keep what it holds before replacing it."""
        first = self._path.with_name(f"{self._path.name}.{_ASIDE}")
        paths = chain([first], (first.with_name(f"{first.name}-{number}") for number in count(1)))
        return next(path for path in paths if not os.path.lexists(path))

    def copies(self) -> tuple[Path, ...]:
        """Return every file that holds secrets: itself, those put aside, and halves of interrupted saves.

        Where it is a symbolic link, what that leads to is among them. Raises ``StorageError``.
        """
        target = Path(os.path.realpath(self._path)) if self._path.is_symlink() else self._path
        patterns = (
            (self._path.parent, f"{self._path.name}.{_ASIDE}*"),
            (target.parent, f".{target.name}.*"),
        )
        found = [path for path in (target, self._path) if os.path.lexists(path)]
        for directory, pattern in patterns:
            found += sorted(directory.glob(pattern))
        return tuple(dict.fromkeys(found))

    def remove(self) -> tuple[Path, ...]:
        """Remove every file that holds secrets, and return which there were.

        Raises ``StorageError`` and what taking the lock raises.
        """
        if not self.copies():
            return ()
        with self.locked():
            copies = self.copies()
            for path in copies:
                try:
                    path.unlink(missing_ok=True)
                except OSError as error:
                    raise StorageError(
                        f"{path} cannot be removed ({error.strerror}): check that its directory belongs to"
                        " you, then try again"
                    ) from error
            return copies

    def content(self) -> bytes:
        """Return the file's bytes, at most one more than an envelope may have.

        Raises ``NoCredentialsError`` and ``StorageError``.
        """
        try:
            # Not blocking: a pipe in its place must not hold up the start.
            handle = os.open(self._path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            with open(handle, "rb") as file:
                if not stat.S_ISREG(os.fstat(handle).st_mode):
                    raise StorageError(f"{self._path} is not a file: remove it, then run: krakked-tui setup")
                return file.read(envelope.MAX_BYTES + 1)
        except FileNotFoundError as error:
            raise NoCredentialsError(f"there is no {self._path}: run krakked-tui setup") from error
        except OSError as error:
            raise self._unreadable(error) from error

    def _unreadable(self, error: OSError) -> StorageError:
        return StorageError(f"{self._path} cannot be read ({error.strerror}): check that it belongs to you")


def opened(content: bytes, password: Secret) -> Vault:
    """Return what a secrets file of this content holds. Raises as ``SecretsFile.read`` does."""
    return decode_vault(envelope.unseal(content, password))
