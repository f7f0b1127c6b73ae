"""Random numbers that are the same everywhere and for ever.

SplitMix64 hashing (Steele, Lea, Flood 2014) of (key, counter) gives every number its own address, so
any one of them can be had without those before it. From the hashed words on only integer operations
and the IEEE basic operations are used: no library's random stream, logarithm or exponential, whose
last digits differ between versions and processors.
"""

from hashlib import blake2b
from typing import Final

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.uint64]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_STEP: Final = np.uint64(0x9E3779B97F4A7C15)
_MIX_1: Final = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2: Final = np.uint64(0x94D049BB133111EB)
_INT_STEP, _INT_MIX_1, _INT_MIX_2 = int(_STEP), int(_MIX_1), int(_MIX_2)
_ALL_BITS: Final = (1 << 64) - 1
_HALF_WORD: Final = np.uint64(0xFFFF)

_NORMAL_MEAN: Final = 2.0 * 65535.0
_NORMAL_SD: Final = 37837.22732
"""Standard deviation of the sum of four uniform 16-bit integers: sqrt(4 * (2**32 - 1) / 12)."""

_GROWTH_SQUARINGS: Final = 10


def key(*parts: int | str) -> int:
    """Return the 64-bit key named by ``parts``; different names give unrelated numbers."""
    text = "\x1f".join(str(part) for part in parts)
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest())


def words(stream: int, first: int, count: int) -> Words:
    """Return 64-bit words number ``first`` to ``first + count - 1`` of a key's stream.

    ``first`` may be negative: a stream has no beginning.
    """
    return words_at(stream, np.arange(first, first + count, dtype=np.int64))


def words_at(stream: int, counters: Ints) -> Words:
    """Return the words of a key's stream at any addresses."""
    z = np.array(stream, dtype=np.uint64) + counters.view(np.uint64) * _STEP
    z = (z ^ (z >> np.uint64(30))) * _MIX_1
    z = (z ^ (z >> np.uint64(27))) * _MIX_2
    mixed: Words = z ^ (z >> np.uint64(31))
    return mixed


def word(stream: int, counter: int) -> int:
    """Return one word of a key's stream: faster than ``words`` for one, slower for many."""
    z = (stream + counter * _INT_STEP) & _ALL_BITS
    z = ((z ^ (z >> 30)) * _INT_MIX_1) & _ALL_BITS
    z = ((z ^ (z >> 27)) * _INT_MIX_2) & _ALL_BITS
    return z ^ (z >> 31)


def uniforms(source: Words) -> Floats:
    """Turn words into numbers uniform in [0, 1), on the 53-bit grid."""
    return (source >> np.uint64(11)).astype(np.float64) * 2.0**-53


def normals(source: Words) -> Floats:
    """Turn words into numbers of mean 0 and variance 1, bell-shaped, within +-3.47.

    The sum of four 16-bit integers (Irwin-Hall) instead of a true normal: exact arithmetic, and
    tails that come from changing volatility rather than from a single wild draw.
    """
    total = (
        (source & _HALF_WORD)
        + ((source >> np.uint64(16)) & _HALF_WORD)
        + ((source >> np.uint64(32)) & _HALF_WORD)
        + (source >> np.uint64(48))
    )
    scaled: Floats = (total.astype(np.float64) - _NORMAL_MEAN) / _NORMAL_SD
    return scaled


def field(source: Words, shift: int, bits: int) -> Ints:
    """Return ``bits`` bits of every word, ``shift`` bits up, as non-negative integers."""
    return ((source >> np.uint64(shift)) & np.uint64((1 << bits) - 1)).astype(np.int64)


def growth(x: float) -> float:
    """Return (1 + x/1024) ** 1024, which is close to e**x, by multiplication alone."""
    value = 1.0 + x / (1 << _GROWTH_SQUARINGS)
    for _ in range(_GROWTH_SQUARINGS):
        value *= value
    return value
