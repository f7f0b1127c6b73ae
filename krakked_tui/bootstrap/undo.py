"""Several files, all written or none."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import msgspec

from krakked_tui.bootstrap.setup_config import file_content
from krakked_tui.domain.errors import StorageError
from krakked_tui.storage.files import link_target


class _Written(msgspec.Struct, frozen=True):
    path: Path
    before: bytes | None
    after: bytes


class Undo:
    """Writes files, and puts back what was there, where still stands what it wrote itself."""

    def __init__(self, replace: Callable[[Path, bytes], None]) -> None:
        self._replace = replace
        self._written: list[_Written] = []

    def replace(self, path: Path, content: bytes) -> None:
        """Replace a file's content. Raises ``StorageError``; ``restore`` is safe then."""
        # Noted first: what fails may have come to the disk all the same.
        self._written.append(_Written(path, file_content(path), content))
        self._replace(path, content)

    def restore(self) -> None:
        """Put everything back, the latest first, as far as the disk lets us."""
        for written in reversed(self._written):
            # What failed before may fail again; the first failure is the one to tell.
            with suppress(StorageError, OSError):
                if file_content(written.path) != written.after:
                    continue
                if written.before is None:
                    link_target(written.path).unlink(missing_ok=True)
                else:
                    self._replace(written.path, written.before)
        self._written.clear()
