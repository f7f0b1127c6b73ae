"""The last universe on disk: two lines of JSON, what the second one is and the second one itself."""

import asyncio
import hashlib
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import msgspec

from krakked_tui.domain.errors import StorageError
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.ports import ListedPairs
from krakked_tui.storage.files import replace_private_file

VERSION = 1
"""Of the format. A file of any other is as good as none."""
BYTES_MAX = 16 * 1024 * 1024
"""Eight times what 1,700 pairs with all their fees take."""


class _Head(msgspec.Struct, frozen=True):
    version: int
    sha256: str


_HEAD = msgspec.json.Decoder(_Head)
_BODY = msgspec.json.Decoder(ListedPairs)


class UniverseFile:
    """Implements ``ports.UniverseCache`` by one file, replaced as a whole."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def load(self) -> ListedPairs | None:
        """Return the last universe, None when there is none or the file cannot be understood.

        Damage of any kind, another version and a file that cannot be read count as none.
        """
        return await asyncio.to_thread(self._load)

    async def save(self, listed: ListedPairs) -> None:
        """Replace it. Raises ``StorageError``."""
        body = msgspec.json.encode(listed)
        head = msgspec.json.encode(_Head(VERSION, hashlib.sha256(body).hexdigest()))
        content = b"%b\n%b\n" % (head, body)
        if len(content) > BYTES_MAX:
            raise StorageError(
                f"{self._path} is not written: {len(listed.pairs)} pairs take {len(content)} bytes,"
                f" and {BYTES_MAX} are allowed"
            )
        await asyncio.to_thread(replace_private_file, self._path, content)

    def _load(self) -> ListedPairs | None:
        try:
            with self._path.open("rb") as file:
                content = file.read(BYTES_MAX + 1)
            head, _, rest = content.partition(b"\n")
            body = rest.removesuffix(b"\n")
            told = _HEAD.decode(head)
            if told != _Head(VERSION, hashlib.sha256(body).hexdigest()):
                return None
            listed = _BODY.decode(body)
        except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        sound = listed.at.tzinfo is not None and all(map(_makes_sense, listed.pairs))
        return listed if sound else None


def _makes_sense(pair: PairMetadata) -> bool:
    """Say whether orders could be made by this: JSON has room for numbers that are none."""
    steps = pair.tick_size, pair.lot_size
    return all(number.is_finite() for number in _numbers(pair)) and all(step > 0 for step in steps)


def _numbers(pair: PairMetadata) -> Iterator[Decimal]:
    yield from (pair.tick_size, pair.lot_size, pair.order_min, pair.cost_min)
    for tier in (*pair.fees_taker, *pair.fees_maker):
        yield from (tier.volume_usd, tier.percent)
