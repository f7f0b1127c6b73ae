"""Putting it together: what profiles share."""

import re
from pathlib import Path

import pytest

from krakked_tui.bootstrap.profiles import (
    candles_of,
    check_demo,
    check_profile_name,
    make_directories,
    make_private,
    nonce_path,
    read_or_make_instance_id,
)
from krakked_tui.config.places import Places, places
from krakked_tui.domain.errors import RefusedError, StorageError, UsageError
from krakked_tui.kraken.keys import ApiKey
from krakked_tui.storage.journal import SqliteJournal
from krakked_tui.storage.nonces import NonceFile


def test_profiles_share_the_nonces_of_a_key_and_only_of_that(tmp_path: Path) -> None:
    home = {"KRAKKED_HOME": str(tmp_path / "home")}
    ours, other = ApiKey("pub1ic", "c2VjcmV0"), ApiKey("0ther", "c2VjcmV0")
    paths = {nonce_path(places(profile, home), key) for profile in ("demo", "live") for key in (ours, other)}
    assert len(paths) == 2
    path = nonce_path(places("demo", home), ours)
    NonceFile(path).close()
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("name", ["", "Paper", "../live", "a/b", "-live", "candles", "x" * 33, "pa per"])
def test_a_profile_is_a_directory_of_its_own(name: str) -> None:
    with pytest.raises(UsageError, match="--profile is"):
        check_profile_name(name)
    check_profile_name("live-2")


def test_a_profile_has_one_identity_for_ever(tmp_path: Path) -> None:
    where = places("live", {"KRAKKED_HOME": str(tmp_path)})
    make_directories(where)
    made = read_or_make_instance_id(where)
    assert re.fullmatch("[0-9a-z]{3}", made)
    assert read_or_make_instance_id(where) == made
    assert where.instance.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700


def test_what_others_could_read_is_made_private_and_told(tmp_path: Path) -> None:
    where = places("live", {"KRAKKED_HOME": str(tmp_path)})
    make_directories(where)
    where.database.touch(mode=0o600)
    where.data.chmod(0o777)
    (told,) = make_private(where)
    assert str(where.data) in told
    assert "0700" in told
    assert where.data.stat().st_mode & 0o777 == 0o700
    assert make_private(where) == ()


@pytest.mark.parametrize("content", [b"", b"ab", b"ABC", b"abcd", b"\xff\xfe\xff", b"a b"])
def test_an_instance_id_that_is_none_is_not_used(content: bytes, tmp_path: Path) -> None:
    where = places("live", {"KRAKKED_HOME": str(tmp_path)})
    make_directories(where)
    where.instance.write_bytes(content)
    with pytest.raises(StorageError, match="holds no instance id"):
        read_or_make_instance_id(where)
    assert where.instance.read_bytes() == content


async def _journal(where: Places, account: str) -> None:
    make_directories(where)
    journal = await SqliteJournal.open(where.database, lambda: "abc")
    await journal.load(account)
    await journal.close()


async def test_only_the_books_of_a_demo_are_ever_forgotten(tmp_path: Path) -> None:
    home = {"KRAKKED_HOME": str(tmp_path)}
    check_demo(places("new", home))
    for name, account in (("mine", "paper:abc"), ("main", "kraken:0a1b2c3d")):
        where = places(name, home)
        await _journal(where, account)
        with pytest.raises(RefusedError, match=account):
            check_demo(where)
    where = places("demo", home)
    await _journal(where, "sandbox:0a1b2c3d")
    check_demo(where)
    where.paper_books.touch()
    with pytest.raises(RefusedError, match="paper"):
        check_demo(where)


@pytest.mark.parametrize(
    ("url", "market", "name"),
    [
        ("https://api.kraken.com", "", "kraken"),
        ("http://127.0.0.1:8080", "seed-7", "sandbox-7"),
        ("http://127.0.0.1:8080", "replay-202601050000", "sandbox-replay-202601050000"),
        ("http://127.0.0.1:8080", "", "other-127.0.0.1-8080"),
        ("https://proxy.example", "", "other-proxy.example"),
    ],
)
def test_no_two_exchanges_share_their_candles(url: str, market: str, name: str) -> None:
    assert candles_of(url, market) == name
