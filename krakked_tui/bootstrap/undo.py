"""Several files, all written or none."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from krakked_tui.bootstrap.setup_config import file_content
from krakked_tui.domain.errors import StorageError


class Undo:
    """Remembers files before they are written, and puts them back."""

    def __init__(self, replace: Callable[[Path, bytes], None]) -> None:
        self._replace = replace
        self._before: list[tuple[Path, bytes | None]] = []

    def remember(self, path: Path) -> None:
        """Remember what a file holds now. Raises ``StorageError`` when it cannot be read."""
        self._before.append((path, file_content(path)))

    def restore(self) -> None:
        """Put everything back, the latest first, as far as the disk lets us."""
        for path, content in reversed(self._before):
            # What failed before may fail again; the first failure is the one to tell.
            with suppress(StorageError, OSError):
                if content is None:
                    path.unlink(missing_ok=True)
                elif content != file_content(path):
                    self._replace(path, content)
        self._before.clear()
