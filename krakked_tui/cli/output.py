"""Standard output when it cannot take what is written."""

import os
import sys

from krakked_tui.domain.errors import StorageError


def write_out(content: bytes) -> None:
    """Write everything to standard output now.

    Raises ``StorageError`` when there is no room for it, and ``BrokenPipeError`` when its reader has gone.
    """
    try:
        sys.stdout.flush()
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        abandon()
        raise StorageError(
            f"standard output cannot be written ({error.strerror}): make room, or add --output FILE"
        ) from error


def abandon() -> None:
    """Have nothing written any more: what is buffered must not be tried again at the exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
