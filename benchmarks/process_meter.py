"""What a process takes, read from outside it (Linux)."""

import os
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
MEGABYTE = 1_000_000


def processor_seconds(pid: int) -> float:
    """Return the processor time a process has taken, all its threads together."""
    return _seconds(Path(f"/proc/{pid}/stat"))


def main_thread_seconds(pid: int) -> float:
    """Return the processor time of its main thread, in which the screen runs."""
    return _seconds(Path(f"/proc/{pid}/task/{pid}/stat"))


def resident_megabytes(pid: int) -> float:
    """Return how much memory it holds now."""
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * _PAGE / MEGABYTE


def descriptors(pid: int) -> int:
    """Return how many files and sockets it has open."""
    return len(os.listdir(f"/proc/{pid}/fd"))


def _seconds(stat: Path) -> float:
    user, system = stat.read_text(encoding="ascii").rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / _TICKS
