"""An envelope opens for its password as it was written, and in no other case."""

import base64
import json
import re
import subprocess
import sys
import textwrap
import unicodedata
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from krakked_tui.credentials.calibration import MAX_MEMORY, ScryptCost
from krakked_tui.credentials.envelope import MAX_BYTES, cost_of, keyring_opted_in, seal, unseal
from krakked_tui.domain.errors import CredentialsError, SecretsFileError
from krakked_tui.domain.secret import Secret
from tests.unit.credentials.builders import CHEAP, failure, told_of

PLAIN = Secret('{"api_key":"fake"}')
PASSWORD = Secret("correct horse")
FIXTURE = Path(__file__).parents[2] / "fixtures" / "credentials" / "secrets-v1.enc"
FLIPS = (0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0xFF)

passwords = st.text(st.characters(), min_size=0, max_size=40)  # lone surrogates too
texts = st.text(max_size=300)


def sealed(*, keyring: bool = False) -> bytes:
    return seal(PLAIN, PASSWORD, CHEAP, keyring=keyring)


def refused(content: bytes, password: Secret = PASSWORD) -> bool:
    """Whether opening gives exactly the one error, and nothing secret with it."""
    error = failure(lambda: unseal(content, password))
    assert PASSWORD.reveal() not in told_of(error)
    return type(error) is SecretsFileError and str(error) == "Wrong password or corrupted secrets file"


@given(texts, passwords, st.booleans())
def test_what_was_sealed_comes_out_again(text: str, password: str, keyring: bool) -> None:
    content = seal(Secret(text), Secret(password), CHEAP, keyring=keyring)
    assert unseal(content, Secret(password)).reveal() == text
    assert keyring_opted_in(content) is keyring


@given(passwords, passwords)
def test_another_password_opens_nothing(password: str, other: str) -> None:
    content = seal(PLAIN, Secret(password), CHEAP, keyring=False)
    # Passwords that differ only in how characters are composed are the same one.
    if unicodedata.normalize("NFC", password) != unicodedata.normalize("NFC", other):
        with pytest.raises(SecretsFileError):
            unseal(content, Secret(other))


@pytest.mark.parametrize("flip", FLIPS)
@pytest.mark.parametrize("keyring", [True, False])
def test_no_byte_can_be_changed(flip: int, keyring: bool) -> None:
    content = sealed(keyring=keyring)
    for at in range(len(content)):
        changed = bytearray(content)
        changed[at] ^= flip
        assert refused(bytes(changed)), (at, content[at : at + 1], bytes(changed[at : at + 1]))


def test_no_byte_can_be_missing_doubled_or_added() -> None:
    content = sealed()
    for at in range(len(content)):
        assert refused(content[:at])
        assert refused(content[at + 1 :])
        assert refused(content[:at] + content[at + 1 :])
        assert refused(content[:at] + b" " + content[at:])
    assert refused(content + b"\n")
    assert refused(content + content)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n",
        b"{}",
        b"null",
        b"[]",
        b"\x00" * 100,
        b"\xff\xfe",
        b"not json at all",
        b"[" * 100_000,
        b'{"header":' * 20_000,
        b"9" * MAX_BYTES,
        b" " * (10 * MAX_BYTES),
    ],
)
def test_garbage_is_the_same_error(content: bytes) -> None:
    assert refused(content)
    assert not keyring_opted_in(content)
    assert cost_of(content) is None


@given(st.binary(max_size=300))
def test_any_bytes_are_the_same_error(content: bytes) -> None:
    assert refused(content)


def rewritten(**changes: object) -> bytes:
    """An envelope whose header says something else, otherwise written exactly as ours."""
    parsed = json.loads(sealed())
    parsed["header"] |= changes
    return msgspec.json.encode(parsed) + b"\n"


def test_a_header_rewritten_the_same_is_what_we_wrote() -> None:
    content = sealed()
    assert msgspec.json.encode(json.loads(content)) + b"\n" == content


@pytest.mark.parametrize(
    "changes",
    [
        {"n": 2**40},
        {"n": 2**62},
        {"n": 2**100},
        {"n": 2 * MAX_MEMORY // 128},
        {"n": 3},
        {"n": 0},
        {"n": -16},
        {"n": 16.0},
        {"n": True},
        {"r": 2**30},
        {"p": 2**30},
        {"p": 0},
        {"version": 2},
        {"version": 0},
        {"kdf": "pbkdf2"},
        {"cipher": "none"},
        {"format": "other"},
        {"nonce": ""},
        {"nonce": base64.b64encode(bytes(11)).decode()},
        {"nonce": base64.b64encode(bytes(128)).decode()},
        {"salt": ""},
        {"salt": base64.b64encode(bytes(15)).decode()},
        {"keyring": 1},
        {"more": 1},
    ],
)
def test_hostile_headers_are_refused_before_anything_is_derived(changes: dict[str, object]) -> None:
    content = rewritten(**changes)
    assert cost_of(content) is None  # which parses and derives nothing
    assert refused(content)


@pytest.mark.parametrize("changes", [{"keyring": True}, {"n": 32}, {"p": 2}, {"r": 2}])
def test_a_header_that_could_be_ours_is_still_authenticated(changes: dict[str, object]) -> None:
    content = rewritten(**changes)
    assert cost_of(content) is not None
    assert refused(content)


def test_parts_of_two_envelopes_cannot_be_combined() -> None:
    one, two = json.loads(sealed()), json.loads(sealed(keyring=True))
    for name in ("salt", "nonce", "keyring"):
        mixed = {"header": {**one["header"], name: two["header"][name]}, "ciphertext": one["ciphertext"]}
        assert refused(msgspec.json.encode(mixed) + b"\n")
    assert refused(msgspec.json.encode({**one, "ciphertext": two["ciphertext"]}) + b"\n")
    assert refused(msgspec.json.encode({**one, "header": two["header"]}) + b"\n")


def test_a_longer_envelope_than_we_write_is_refused_however_well_formed() -> None:
    parsed = json.loads(sealed())
    for padding, understood in ((0, True), (MAX_BYTES, False)):
        parsed["ciphertext"] = base64.b64encode(bytes(16 + padding)).decode()
        content = msgspec.json.encode(parsed) + b"\n"
        assert (cost_of(content) is not None) is understood
        assert refused(content)


def test_a_form_that_means_the_same_is_refused() -> None:
    content = sealed()
    parsed = json.loads(content)
    assert refused(json.dumps(parsed).encode())
    assert refused(json.dumps(parsed, indent=1).encode())
    assert refused(content.rstrip())
    assert refused(content.replace(b"scrypt", b"\\u0073crypt"))
    assert refused(content.replace(b'"version":1', b'"version":1,"version":1'))
    assert refused(content.replace(b'"n":16', b'"n":16.0'))


def test_base64_has_no_slack() -> None:
    """The last letter before the padding holds bits that decoders ignore."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    content = sealed().decode()
    padded = list(re.finditer(r"\"([A-Za-z0-9+/]+)([A-Za-z0-9+/])(=+)\"", content))
    assert padded
    for found in padded:
        whole, letter, padding = found.groups()
        other = whole + alphabet[alphabet.index(letter) ^ 1] + padding
        assert base64.b64decode(other) == base64.b64decode(whole + letter + padding)
        assert refused(content.replace(found[0], f'"{other}"').encode())


def test_nothing_repeats_and_nothing_shows() -> None:
    seen = [json.loads(sealed()) for _ in range(200)]
    assert len({each["header"]["salt"] for each in seen}) == 200
    assert len({each["header"]["nonce"] for each in seen}) == 200
    assert len({each["ciphertext"] for each in seen}) == 200


@given(st.text(min_size=8, max_size=100), st.text(min_size=8, max_size=40))
def test_the_envelope_holds_no_plain_text(text: str, password: str) -> None:
    content = seal(Secret(text), Secret(password), CHEAP, keyring=True)
    other = seal(Secret(text), Secret(password), CHEAP, keyring=True)
    parsed, changed = json.loads(content), json.loads(other)
    assert parsed["header"]["salt"] != changed["header"]["salt"]
    assert parsed["header"]["nonce"] != changed["header"]["nonce"]
    hidden = base64.b64decode(parsed["ciphertext"])
    for plain in (text.encode(), password.encode()):
        assert plain not in hidden
        assert not any(plain[at : at + 8] in hidden for at, _ in pairwise(range(len(plain) - 7)))


def test_too_much_to_seal_is_said_before_it_is_written() -> None:
    error = failure(lambda: seal(Secret("x" * MAX_BYTES), PASSWORD, CHEAP, keyring=False))
    assert type(error) is CredentialsError
    assert f"at most {MAX_BYTES}" in str(error)
    assert PASSWORD.reveal() not in told_of(error)


def test_parameters_that_could_not_be_opened_again_are_not_written() -> None:
    with pytest.raises(AssertionError):
        seal(PLAIN, PASSWORD, ScryptCost(n=2**30, r=8, p=1), keyring=False)


@pytest.mark.skipif(sys.platform == "darwin", reason="its limit on memory does not hold")
def test_too_little_memory_is_not_called_a_wrong_password() -> None:
    program = """
        import resource
        from krakked_tui.credentials.calibration import ScryptCost
        from krakked_tui.credentials.envelope import seal
        from krakked_tui.domain.errors import CredentialsError
        from krakked_tui.domain.secret import Secret

        resource.setrlimit(resource.RLIMIT_AS, (200 * 2**20, resource.RLIM_INFINITY))
        try:
            seal(Secret("{}"), Secret("password"), ScryptCost(n=2**18, r=8, p=1), keyring=False)
        except CredentialsError as error:
            print(error)
    """
    told = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        timeout=50,
        check=True,
    )
    assert "needs 256 MiB of memory" in told.stdout


def test_version_1_opens_for_ever() -> None:
    content = FIXTURE.read_bytes()
    assert keyring_opted_in(content)
    assert cost_of(content) == ScryptCost(n=1024, r=8, p=2)
    members = json.loads(unseal(content, Secret("fixture pässword 1")).reveal())
    assert members["api_key"] == "fixture-key"
    assert refused(content, Secret("fixture pässword 2"))
