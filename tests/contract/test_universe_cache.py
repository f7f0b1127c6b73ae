"""What every ``UniverseCache`` does."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from krakked_tui.domain.pairs import PairStatus
from krakked_tui.ports import ListedPairs, UniverseCache
from krakked_tui.storage.universe_cache import UniverseFile
from tests.fakes.universe_cache import FakeUniverseCache
from tests.unit.domain.builders import make_pair

AT = datetime(2026, 1, 5, 12, 30, 0, 123456, tzinfo=UTC)
LISTED = ListedPairs(
    AT, (make_pair(), make_pair("ETHUSD", status=PairStatus.CANCEL_ONLY), make_pair("XBTEUR", quote="EUR")),
    ("XBTUSD",),
)  # fmt: skip


@pytest.fixture(params=["fake", "file"])
def cache(request: pytest.FixtureRequest, tmp_path: Path) -> UniverseCache:
    return (
        FakeUniverseCache() if request.param == "fake" else UniverseFile(tmp_path / "new" / "universe.json")
    )


async def test_there_is_none_at_first(cache: UniverseCache) -> None:
    assert await cache.load() is None


async def test_what_was_saved_comes_back_whole(cache: UniverseCache) -> None:
    await cache.save(LISTED)
    assert await cache.load() == LISTED


async def test_the_last_one_counts(cache: UniverseCache) -> None:
    await cache.save(LISTED)
    later = ListedPairs(AT, (make_pair("SOLUSD"),), ())
    await cache.save(later)
    assert await cache.load() == later
