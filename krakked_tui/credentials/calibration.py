"""How much work it is to turn a password into a key: as much as an attacker can be made to pay."""

import time
import unicodedata
from collections.abc import Callable

import msgspec
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from krakked_tui.domain.errors import CredentialsError
from krakked_tui.domain.secret import Secret

KEY_BYTES = 32
SALT_BYTES = 16
MIB = 1024 * 1024

MIN_SECONDS = 0.25
"""What deriving takes at least, on the machine that saves."""
_AIMED_SECONDS = 1.2 * MIN_SECONDS
"""Calibrated to this: the same derivation never takes the same time twice."""
MIN_MEMORY = 64 * MIB
MAX_MEMORY = 256 * MIB
"""More could not be opened again on a small server."""
MAX_BLOCK = 32
MAX_PARALLEL = 16


class ScryptCost(msgspec.Struct, frozen=True):
    """The parameters of scrypt (RFC 7914): CPU and memory cost, block size, parallelisation."""

    n: int
    r: int
    p: int

    @property
    def memory(self) -> int:
        """Bytes that deriving needs."""
        return 128 * self.n * self.r

    @property
    def bearable(self) -> bool:
        """Whether deriving is possible at all, and neither exhausts the memory nor takes minutes."""
        power_of_two = self.n >= 2 and self.n & (self.n - 1) == 0
        sane = 1 <= self.r <= MAX_BLOCK and 1 <= self.p <= MAX_PARALLEL
        return power_of_two and sane and self.memory <= MAX_MEMORY


SMALLEST = ScryptCost(n=MIN_MEMORY // (128 * 8), r=8, p=1)
"""Where calibration starts: 64 MiB."""


def derive_key(password: Secret, salt: bytes, cost: ScryptCost) -> bytes:
    """Return the 32 byte key of a password. Blocks for the time that ``cost`` asks for.

    The same characters give the same key however they were composed (NFC), so that a password typed
    on another system still fits. Raises ``MemoryError``.
    """
    return Scrypt(salt=salt, length=KEY_BYTES, n=cost.n, r=cost.r, p=cost.p).derive(
        unicodedata.normalize("NFC", password.reveal()).encode(errors="surrogatepass")
    )


def _derive_once(cost: ScryptCost) -> None:
    derive_key(Secret("calibration"), bytes(SALT_BYTES), cost)


def calibrate(
    timer: Callable[[], float] = time.thread_time, derive: Callable[[ScryptCost], object] = _derive_once
) -> ScryptCost:
    """Find the cheapest parameters that take at least 250 ms here and at least 64 MiB.

    Memory grows first, up to 256 MiB or what this machine gives, then the number of passes. ``timer``
    counts this thread's own seconds: on a busy machine wall time would let weaker parameters pass.
    Takes about a second. Raises ``CredentialsError`` when there are no 64 MiB.
    """
    cost, memory_max = SMALLEST, MAX_MEMORY
    while True:
        seconds = _seconds(timer, derive, cost)
        if seconds is None:
            if cost.memory <= MIN_MEMORY:
                raise not_enough_memory(cost)
            cost = ScryptCost(n=cost.n // 2, r=cost.r, p=cost.p)
            memory_max = cost.memory
        elif seconds >= _AIMED_SECONDS:
            return cost
        elif 2 * cost.memory <= memory_max:
            cost = ScryptCost(n=2 * cost.n, r=cost.r, p=cost.p)
        elif cost.p < MAX_PARALLEL:
            cost = ScryptCost(n=cost.n, r=cost.r, p=cost.p + 1)
        else:
            return cost


def not_enough_memory(cost: ScryptCost) -> CredentialsError:
    """Return the error for a ``MemoryError`` while deriving."""
    return CredentialsError(
        f"the secrets cannot be locked or unlocked: that needs {cost.memory // MIB} MiB of memory, which"
        " are not free; stop other programs and try again"
    )


def _seconds(
    timer: Callable[[], float], derive: Callable[[ScryptCost], object], cost: ScryptCost
) -> float | None:
    started = timer()
    try:
        derive(cost)
    except MemoryError:
        return None
    return timer() - started
