"""The key pair shows nowhere."""

import copy
import logging
import pickle
import traceback
from dataclasses import asdict, dataclass

import msgspec
import pytest

from krakked_tui.kraken.errors import AuthError
from krakked_tui.kraken.keys import ApiKey

PUBLIC = "pub1icKeyTextOfTheOperator"
SECRET = "c2VjcmV0IHRleHQgb2YgdGhlIG9wZXJhdG9y"  # base64 of words


@dataclass
class Holder:
    key: ApiKey


def test_every_way_to_show_a_key_shows_its_fingerprint_only(caplog: pytest.LogCaptureFixture) -> None:
    key = ApiKey(PUBLIC, SECRET)
    logging.getLogger("test").warning("%s %r", key, Holder(key))
    shown = [repr(key), str(key), f"{key}", repr(Holder(key)), caplog.text, repr([key])]
    for text in shown:
        assert key.fingerprint in text
        assert PUBLIC not in text
        assert SECRET not in text
        assert "secret text" not in text


def test_a_key_cannot_be_copied_out() -> None:
    key = ApiKey(PUBLIC, SECRET)
    for leak in (pickle.dumps, copy.copy, copy.deepcopy, msgspec.json.encode, vars):
        with pytest.raises(TypeError):
            leak(key)
    with pytest.raises(TypeError):
        asdict(Holder(key))


@pytest.mark.parametrize(
    ("public", "secret"),
    [("", SECRET), ("k\u00e9y", SECRET), ("a\nb", SECRET), (PUBLIC, ""), (PUBLIC, "n*t base64")],
)
def test_what_cannot_be_a_key_is_refused_without_repeating_it(public: str, secret: str) -> None:
    with pytest.raises(AuthError) as caught:
        ApiKey(public, secret)
    shown = "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())
    own_frames = shown.split("krakked_tui/kraken/keys.py", 1)[1]
    assert "n*t base64" not in own_frames
    assert SECRET not in own_frames


def test_fingerprints_tell_keys_apart() -> None:
    assert ApiKey("a", SECRET).fingerprint != ApiKey("b", SECRET).fingerprint
    assert len(ApiKey("a", SECRET).fingerprint) == 8


def test_an_answer_that_repeats_the_key_pair_comes_without_it() -> None:
    public, secret = "aB3/" * 14, "xY7/" * 21 + "AA=="
    key = ApiKey(public, secret)
    escaped = public.replace("/", "\\/")
    told = f'{{"error":["EAPI:Invalid key:{public}","{secret}"],"escaped":"{escaped}"}}'
    masked = key.masked(told.encode())
    assert masked == b'{"error":["EAPI:Invalid key:***","***"],"escaped":"***"}'
    assert key.masked(b'{"error":[]}') == b'{"error":[]}'
