"""Where things lie, and that only their owner may read them."""

import socket
from pathlib import Path

import msgspec
import pytest

from krakked_tui.config.places import (
    Places,
    listed,
    loose_permissions,
    places,
    repair_permissions,
)
from krakked_tui.domain.errors import UsageError


@pytest.fixture
def where(tmp_path: Path) -> Places:
    found = places("live", {"KRAKKED_HOME": str(tmp_path)})
    for directory in (
        found.config, found.strategies, found.data.parent, found.data, found.backups, found.state.parent,
        found.state, found.candles, found.candles / "kraken",
    ):  # fmt: skip
        directory.mkdir(mode=0o700)
    return found


def test_everything_lies_under_one_root_when_asked(tmp_path: Path) -> None:
    found = places("live", {"KRAKKED_HOME": str(tmp_path)})
    assert found.config_file == tmp_path / "config" / "config.toml"
    assert found.profile_file("live") == tmp_path / "config" / "config.live.toml"
    assert found.strategies == tmp_path / "config" / "strategies"
    assert found.secrets == tmp_path / "config" / "secrets.enc"
    assert found.database == tmp_path / "data" / "live" / "krakked.db"
    assert found.backups == tmp_path / "data" / "live" / "backups"
    assert found.candles == tmp_path / "data" / "candles"
    assert found.runtime == tmp_path / "state" / "live" / "runtime.toml"
    assert found.lock == tmp_path / "state" / "live" / "engine.lock"
    assert found.socket == tmp_path / "state" / "live" / "control.sock"
    assert found.instance == tmp_path / "state" / "live" / "instance"
    assert found.log == tmp_path / "state" / "live" / "krakked.log"


def test_the_root_may_be_relative_or_below_home() -> None:
    assert places("p", {"KRAKKED_HOME": "here"}).config == Path.cwd() / "here" / "config"
    assert places("p", {"KRAKKED_HOME": "~/k"}).config == Path.home() / "k" / "config"


def test_without_a_root_the_platform_decides_and_profiles_stay_apart() -> None:
    paper, live = places("paper", {}), places("live", {})
    assert paper.config == live.config
    assert paper.config.name == "krakked"
    assert (paper.data.name, paper.state.name) == ("paper", "paper")
    assert paper.candles == live.candles
    assert paper.data != live.data


def test_the_overlay_lies_beside_the_file_given_with_config(tmp_path: Path) -> None:
    found = places("live", {"KRAKKED_HOME": "/x"}, tmp_path / "mine.toml")
    assert found.config_file == tmp_path / "mine.toml"
    assert found.profile_file("live") == tmp_path / "mine.live.toml"
    assert found.secrets == Path("/x/config/secrets.enc")


def test_every_place_is_listed_once(where: Places) -> None:
    rows = listed(where, "live")
    assert len({name for name, _ in rows}) == len({path for _, path in rows}) == len(rows) == 13


def test_what_is_private_is_left_alone(where: Places) -> None:
    for path in (where.config_file, where.secrets, where.runtime, where.database, where.log, where.instance):
        path.touch(mode=0o600)
    assert loose_permissions(where) == repair_permissions(where) == ()


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660, 0o666, 0o610, 0o777])
def test_every_file_of_ours_that_others_may_use_is_found_and_repaired(where: Places, mode: int) -> None:
    files = (
        where.config_file, where.profile_file("live"), where.secrets, where.runtime, where.database,
        where.data / "krakked.db-wal", where.log, where.instance, where.lock, where.backups / "a.tar.zst",
        where.strategies / "mine.py", where.state / "runtime.toml.lock",
        where.state.parent / "nonces-0a1b2c3d", where.candles / "kraken" / "tail.db",
    )  # fmt: skip
    for file in files:
        file.touch()
        file.chmod(mode)
    found = repair_permissions(where)
    assert {loose.path for loose in found} == set(files)
    assert all((loose.mode, loose.wanted, loose.ours) == (mode, 0o600, True) for loose in found)
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600 & mode}
    assert loose_permissions(where) == ()


def test_directories_are_found_and_repaired_before_what_lies_in_them(where: Places) -> None:
    directories = (
        where.config, where.strategies, where.data.parent, where.data, where.backups, where.state.parent,
        where.state, where.candles, where.candles / "kraken",
    )  # fmt: skip
    for directory in directories:
        directory.chmod(0o755)
    where.secrets.touch()
    where.secrets.chmod(0o644)
    paths = [loose.path for loose in repair_permissions(where)]
    assert set(paths) == {*directories, where.secrets}
    assert paths.index(where.config) < paths.index(where.secrets)
    assert {directory.stat().st_mode & 0o777 for directory in directories} == {0o700}


def test_the_control_socket_is_private_too(where: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(where.state)  # the path of a socket may not be long
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(where.socket.name)
        where.socket.chmod(0o666)
        (loose,) = repair_permissions(where)
    assert (loose.path, loose.mode) == (where.socket, 0o666)
    assert where.socket.stat().st_mode & 0o777 == 0o600


def test_links_are_not_followed_and_other_files_of_the_operator_not_touched(
    where: Places, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.touch()
    other.chmod(0o644)
    (where.state / "link").symlink_to(other)
    where.config_file.symlink_to(other)
    readme = where.config / "README"
    readme.touch()
    readme.chmod(0o644)
    assert repair_permissions(where) == ()
    assert {path.stat().st_mode & 0o777 for path in (other, readme)} == {0o644}


def test_a_finding_says_what_to_do(where: Places) -> None:
    where.secrets.touch()
    where.secrets.chmod(0o644)
    (loose,) = loose_permissions(where)
    assert str(loose) == f"{where.secrets} has mode 0644, which lets others use it: it should be 0600"


def test_nothing_there_is_nothing_loose(tmp_path: Path) -> None:
    assert loose_permissions(places("live", {"KRAKKED_HOME": str(tmp_path)})) == ()


def test_what_belongs_to_others_is_told_and_left_alone(where: Places) -> None:
    where.secrets.touch(mode=0o600)
    where.runtime.touch()
    where.runtime.chmod(0o644)
    found = repair_permissions(where, user=lambda: 54_321)
    assert {where.secrets, where.runtime, where.config} <= {loose.path for loose in found}
    assert all(loose.foreign and not loose.ours for loose in found)
    assert where.runtime.stat().st_mode & 0o777 == 0o644
    told = f"{where.config} belongs to another user: make it yours (chown) or remove it"
    assert told in map(str, found)


def test_a_root_of_a_user_that_does_not_exist_is_a_sentence() -> None:
    with pytest.raises(UsageError, match=r"KRAKKED_HOME is '~no-such-user/x', .* write the whole path"):
        places("live", {"KRAKKED_HOME": "~no-such-user/x"})


@pytest.mark.parametrize(("mode", "wanted"), [(0o777, 0o755), (0o775, 0o755), (0o722, 0o700)])
def test_a_root_that_others_can_change_is_told_and_left_alone(where: Places, mode: int, wanted: int) -> None:
    assert where.home is not None
    where.home.chmod(mode)
    (found,) = repair_permissions(where)
    assert (found.path, found.mode, found.wanted, found.ours) == (where.home, mode, wanted, False)
    assert where.home.stat().st_mode & 0o777 == mode
    assert "belongs to another" not in str(found)
    where.home.chmod(0o755)
    assert loose_permissions(where) == ()


def test_a_file_given_with_config_and_its_overlay_are_told_and_left_alone(tmp_path: Path) -> None:
    given, overlay, other = (tmp_path / name for name in ("my.toml", "my.live.toml", "your.live.toml"))
    for file in (given, overlay, other):
        file.touch()
        file.chmod(0o644)
    found = repair_permissions(places("live", {"KRAKKED_HOME": str(tmp_path / "home")}, given))
    assert [(loose.path, loose.wanted, loose.ours) for loose in found] == [
        (given, 0o600, False), (overlay, 0o600, False)
    ]  # fmt: skip
    assert given.stat().st_mode & 0o777 == 0o644


def test_a_file_of_ours_that_is_given_with_config_is_repaired_all_the_same(where: Places) -> None:
    given = where.config / "config.toml"
    given.touch()
    given.chmod(0o644)
    (found,) = repair_permissions(msgspec.structs.replace(where, override=given))
    assert found.ours
    assert given.stat().st_mode & 0o777 == 0o600
