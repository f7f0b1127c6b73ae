"""Whether the set-up comes before the engine."""

from pathlib import Path

import pytest

from krakked_tui.bootstrap.configuration import Sources
from krakked_tui.bootstrap.first_run import is_first_run
from krakked_tui.config.places import places


def _sources(home: Path, config_file: Path | None = None) -> Sources:
    environment = {"KRAKKED_HOME": str(home)}
    return Sources(where=places("live", environment, config_file), profile="live", environment=environment)


@pytest.mark.parametrize("trace", ["config/config.toml", "state/live/runtime.toml", "data/live/krakked.db"])
def test_what_was_set_up_is_not_set_up_again(trace: str, tmp_path: Path) -> None:
    assert is_first_run(_sources(tmp_path))
    path = tmp_path / trace
    path.parent.mkdir(parents=True)
    path.touch()
    assert not is_first_run(_sources(tmp_path))


def test_what_a_set_up_that_was_cut_short_leaves_does_not_count(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    for name in ("secrets.enc", "config.live.toml"):
        (tmp_path / "config" / name).touch()
    assert is_first_run(_sources(tmp_path))


def test_who_names_a_configuration_needs_no_set_up(tmp_path: Path) -> None:
    assert not is_first_run(_sources(tmp_path, tmp_path / "mine.toml"))
