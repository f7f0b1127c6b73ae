"""Putting it together: what profiles share."""

from pathlib import Path

from krakked_tui import bootstrap
from krakked_tui.config.places import places
from krakked_tui.kraken.keys import ApiKey
from krakked_tui.storage.nonces import NonceFile


def test_profiles_share_the_nonces_of_a_key_and_only_of_that(tmp_path: Path) -> None:
    home = {"KRAKKED_HOME": str(tmp_path / "home")}
    ours, other = ApiKey("pub1ic", "c2VjcmV0"), ApiKey("0ther", "c2VjcmV0")
    paths = {
        bootstrap._nonce_path(places(profile, home), key)
        for profile in ("demo", "live")
        for key in (ours, other)
    }
    assert len(paths) == 2
    path = bootstrap._nonce_path(places("demo", home), ours)
    NonceFile(path).close()
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
