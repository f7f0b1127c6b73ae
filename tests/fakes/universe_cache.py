"""A universe cache in memory."""

from krakked_tui.domain.errors import StorageError
from krakked_tui.ports import ListedPairs


class FakeUniverseCache:
    """Implements ``UniverseCache``. One that ``failure`` is set for raises it instead of saving."""

    def __init__(self, listed: ListedPairs | None = None) -> None:
        self.listed = listed
        self.failure: StorageError | None = None
        self.saves = 0

    async def load(self) -> ListedPairs | None:
        return self.listed

    async def save(self, listed: ListedPairs) -> None:
        if self.failure is not None:
            raise self.failure
        self.listed = listed
        self.saves += 1
