"""The encrypted file on disk."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

from krakked_tui.credentials import envelope
from krakked_tui.credentials.calibration import ScryptCost, calibrate
from krakked_tui.credentials.vault import Vault, decode_vault, encode_vault
from krakked_tui.domain.errors import NoCredentialsError, StorageError
from krakked_tui.domain.secret import Secret

Replace = Callable[[Path, bytes], None]
"""Replaces a file's content as a whole, mode 0600; raises ``StorageError`` and leaves the old then."""


class SecretsFile:
    """``secrets.enc``. Reading and saving block for the time that deriving the key takes, some 300 ms.

    A save is whole or did not happen, as far as ``replace`` keeps that; two writers at the same time
    leave what the later one saved.
    """

    def __init__(self, path: Path, replace: Replace, calibrate: Callable[[], ScryptCost] = calibrate) -> None:
        self._path = path
        self._replace = replace
        self._calibrate = calibrate

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
            return envelope.keyring_opted_in(self._content())
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
        return decode_vault(envelope.unseal(self._content(), password))

    def save(self, vault: Vault, password: Secret, *, keyring: bool) -> None:
        """Replace the file. ``keyring`` notes that the keyring keeps the password; it is not put there.

        Raises ``StorageError`` and ``CredentialsError``; the old file stays then.
        """
        plain = encode_vault(vault)
        self._replace(self._path, envelope.seal(plain, password, self._calibrate(), keyring=keyring))

    def remove(self) -> bool:
        """Remove the file, and what interrupted saves left of it. Returns whether there was one.

        Raises ``StorageError``.
        """
        try:
            for left_over in self._path.parent.glob(f".{self._path.name}.*"):
                left_over.unlink(missing_ok=True)
            self._path.unlink()
        except FileNotFoundError:
            return False
        except OSError as error:
            raise StorageError(
                f"{self._path} cannot be removed ({error.strerror}): check that its directory belongs to you"
            ) from error
        return True

    def _content(self) -> bytes:
        """Return the file's bytes, at most one more than an envelope may have."""
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
