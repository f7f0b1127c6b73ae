"""Old names of keys become the present ones, and nothing else changes."""

from pathlib import Path

import pytest

from krakked_tui.config.migrate import migrate_file, migrate_files
from krakked_tui.config.renamed import RENAMED, Renamed
from krakked_tui.domain.errors import ConfigError
from krakked_tui.storage.files import replace_private_file
from tests.unit.config.keys import keys

KEY = Renamed("risk.max_positions", "risk.max_open_positions")
SECTION = Renamed("screen", "ui")

OLD = """# mine
max_positions = 1 # another table's
[risk]
  max_positions   =   3  # as agreed
max_per_asset_pct = 7.50

[ screen ] # dark
theme = "dark"
[screen.deep]
a = \"\"\"
[screen]
max_positions = 3
\"\"\"
"""
NEW = """# mine
max_positions = 1 # another table's
[risk]
  max_open_positions   =   3  # as agreed
max_per_asset_pct = 7.50

[ ui ] # dark
theme = "dark"
[ui.deep]
a = \"\"\"
[screen]
max_positions = 3
\"\"\"
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"


def test_renamed_keys_and_sections_get_their_names_and_the_rest_stays(path: Path) -> None:
    text = OLD.replace("[screen]\nmax_positions = 3\n", "")
    path.write_text(text)
    done = migrate_file(path, replace_private_file, (KEY, SECTION))
    assert done is not None
    assert done.renamed == (KEY, SECTION)
    assert path.read_text() == NEW.replace("[screen]\nmax_positions = 3\n", "")
    assert done.backup.read_text() == text
    assert done.backup == path.with_name("config.toml.bak")
    assert migrate_file(path, replace_private_file, (KEY, SECTION)) is None


def test_line_ends_and_a_missing_last_one_are_kept(path: Path) -> None:
    path.write_bytes(b"[risk]\r\nmax_positions = 3")
    assert migrate_file(path, replace_private_file, (KEY,))
    assert path.read_bytes() == b"[risk]\r\nmax_open_positions = 3"


@pytest.mark.parametrize(
    "text",
    [
        OLD,  # a text that looks like the key
        "risk.max_positions = 3\n",
        "risk = {max_positions = 3}\n",
        '[risk]\n"max_positions" = 3\n',
        '["risk"]\nmax_positions = 3\n',
        "[risk]\nx = [\n1,\n]\nmax_positions = [\n3]\ny = '''\nmax_positions = 4\n'''\n",
    ],
)
def test_what_cannot_be_edited_safely_is_refused_with_advice(path: Path, text: str) -> None:
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"cannot be edited safely: rename .* by hand; nothing was changed"):
        migrate_file(path, replace_private_file, (KEY, SECTION))
    assert path.read_text() == text
    assert [file.name for file in path.parent.iterdir()] == ["config.toml"]


def test_a_key_that_moves_to_another_section_is_left_to_the_operator(path: Path) -> None:
    path.write_text("[risk]\nmax_positions = 3\n")
    moved = Renamed("risk.max_positions", "portfolio.max_positions")
    with pytest.raises(ConfigError, match=r"risk\.max_positions to portfolio\.max_positions by hand"):
        migrate_file(path, replace_private_file, (moved,))


def test_a_value_where_the_present_table_should_be_is_left_to_the_operator(path: Path) -> None:
    path.write_text("portfolio = 1\n[risk]\nmax_positions = 3\n")
    with pytest.raises(ConfigError, match="by hand"):
        migrate_file(path, replace_private_file, (Renamed("risk.max_positions", "portfolio.max_positions"),))


def test_both_names_at_once_are_left_to_the_operator(path: Path) -> None:
    path.write_text("[risk]\nmax_positions = 3\nmax_open_positions = 4\n")
    with pytest.raises(ConfigError, match="are both set: remove one of them"):
        migrate_file(path, replace_private_file, (KEY,))


def test_nothing_to_do_touches_nothing(path: Path) -> None:
    assert migrate_file(path, replace_private_file, (KEY,)) is None
    path.write_text("[ui]\ntheme = 'dark'\n")
    assert migrate_file(path, replace_private_file, (KEY,)) is None
    assert [file.name for file in path.parent.iterdir()] == ["config.toml"]


def test_of_several_files_everything_done_is_told(path: Path) -> None:
    overlay, missing = path.with_name("config.live.toml"), path.with_name("config.none.toml")
    path.write_text("[ui]\ntheme = 'dark'\n")
    overlay.write_text("[risk]\nmax_positions = 3\n[screen]\ntheme = 'dark'\n")
    told = migrate_files((path, overlay, missing), replace_private_file, (KEY, SECTION))
    assert told == (
        f"{overlay}: risk.max_positions is now risk.max_open_positions",
        f"{overlay}: screen is now ui",
        f"{overlay}: its old content is in {overlay}.bak",
    )
    assert migrate_files((path, overlay, missing), replace_private_file, (KEY, SECTION)) == ()


def test_a_broken_file_is_told(path: Path) -> None:
    path.write_text("[ui\n")
    with pytest.raises(ConfigError, match="is not valid TOML"):
        migrate_file(path, replace_private_file, (KEY,))


def test_the_registry_names_present_keys_and_no_present_key_as_old() -> None:
    known = {key for key, _ in keys()} | {key.partition(".")[0] for key, _ in keys()}
    for entry in RENAMED:
        assert entry.new in known
        assert entry.old not in known


def test_a_mark_that_some_editors_put_first_is_kept_in_the_old_file_only(path: Path) -> None:
    path.write_bytes(b"\xef\xbb\xbf[risk]\nmax_positions = 3\n")
    done = migrate_file(path, replace_private_file, (KEY,))
    assert done is not None
    assert path.read_bytes() == b"[risk]\nmax_open_positions = 3\n"
    assert done.backup.read_bytes().startswith(b"\xef\xbb\xbf[risk]")
