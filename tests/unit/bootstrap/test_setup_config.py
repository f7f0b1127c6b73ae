"""One key of a file that somebody wrote by hand."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krakked_tui.bootstrap.setup_config import file_content, with_setting
from krakked_tui.domain.errors import RefusedError, StorageError

FILE = Path("/somewhere/config.toml")


def changed(before: str | None) -> str | None:
    """Return what becomes of a file when the region is set."""
    after = with_setting(FILE, None if before is None else before.encode(), "region", "code", "EU")
    return None if after is None else after.decode()


def test_a_new_file_says_that_and_nothing_else() -> None:
    assert changed(None) == '[region]\ncode = "EU"\n'


@pytest.mark.parametrize(
    "before", ['[region]\ncode = "EU"\n', "region.code = 'EU'", 'region = { code = "EU" } # so']
)
def test_what_is_there_already_is_left_alone(before: str) -> None:
    assert changed(before) is None


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", '\n[region]\ncode = "EU"\n'),
        ("# mine", '# mine\n\n[region]\ncode = "EU"\n'),
        ("[ui]\ntheme = 'dark' # nice\n", "[ui]\ntheme = 'dark' # nice\n\n[region]\ncode = \"EU\"\n"),
        (
            "[region] # here\n# why\ncode = 'US' # since May\nother = 1\n",
            '[region] # here\n# why\ncode = "EU" # since May\nother = 1\n',
        ),
        ("[ region ]\nother = 1\n[ui]\n", '[ region ]\ncode = "EU"\nother = 1\n[ui]\n'),
        (
            "[ui]\ncode = 'x'\n[region]\n  code=\"US\"\n[ui2]\ncode = 'y'\n",
            "[ui]\ncode = 'x'\n[region]\n  code = \"EU\"\n[ui2]\ncode = 'y'\n",
        ),
        ("[a]\n[region.deep]\nx = 1\n", '[a]\n[region.deep]\nx = 1\n\n[region]\ncode = "EU"\n'),
    ],
)
def test_everything_else_stays_as_it_was(before: str, after: str) -> None:
    assert changed(before) == after


@pytest.mark.parametrize(
    "before",
    [
        "region = 5",
        "region.code = 'US'",
        "region = { code = 'US' }",
        "[region]\ncode = '''US'''\n",
        "[[region]]\ncode = 'US'\n",
        "not toml",
        'x = """\n[region]\ncode = \'US\'\n"""\n[region]\ncode = \'US\'\n',
    ],
)
def test_what_cannot_be_changed_safely_is_left_to_its_writer(before: str) -> None:
    with pytest.raises(RefusedError, match=r'/somewhere/config.toml .* write code = "EU" below \[region\]'):
        changed(before)


def test_bytes_that_are_no_text_are_left_to_their_writer() -> None:
    with pytest.raises(RefusedError):
        with_setting(FILE, b"\xff\xfe", "region", "code", "EU")


_LINES = st.lists(
    st.sampled_from(
        [
            "# code = 'US'",
            "",
            "[region]",
            "[ui]",
            "code = 'US'",
            'code = "US"',
            "x = 1",
            "[region.a]",
            "y = ['['",
        ]
    ),
    max_size=8,
)


@given(_LINES)
def test_only_that_key_changes_or_nothing_at_all(lines: list[str]) -> None:
    before = "\n".join(lines)
    try:
        after = changed(before)
    except RefusedError:
        return
    wanted = tomllib.loads(before)
    if after is None:
        assert wanted["region"]["code"] == "EU"
        return
    wanted.setdefault("region", {})["code"] = "EU"
    assert tomllib.loads(after) == wanted
    comments = [line for line in lines if line.startswith("#")]
    assert [line for line in after.splitlines() if line.startswith("#")] == comments


def test_a_file_is_read_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    assert file_content(path) is None
    path.write_bytes(b"x" * 1_000_001)
    with pytest.raises(StorageError, match="more than 1000000 bytes"):
        file_content(path)
    with pytest.raises(StorageError, match="cannot be read"):
        file_content(tmp_path)
