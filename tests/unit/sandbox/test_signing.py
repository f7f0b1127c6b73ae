from base64 import b64decode, b64encode

import pytest

from krakked_tui.domain.errors import UsageError
from krakked_tui.sandbox.faults import ApiError
from krakked_tui.sandbox.signing import TOKEN_SECONDS, Gatekeeper, make_key, make_secret, sign

# Kraken's published key pair and nonce; the first row is its official vector.
SECRET = "kQH5HW/8p1uGOVjbgWA7FunAmGO8lsSUXNsu3eow76sz84Q18fWxnyRzBHCd3pd5nE9qa99HAZtuZuj6F1huXg=="
NONCE = "1616492376594"
VECTORS = [
    (
        "/0/private/AddOrder",
        f"nonce={NONCE}&ordertype=limit&pair=XBTUSD&price=37500&type=buy&volume=1.25",
        "4/dpxb3iT4tp/ZCVEwSnEsLxx0bqyhLpdfOpc6fn7OR8+UClSV5n9E6aSS8MPtnRfp32bAb0nmbRn6H8ndwLUQ==",
    ),
    (
        "/0/private/Balance",
        f"nonce={NONCE}",
        "1nH4vwR+8FHiYh1QT649xXkGd3JR3x0DWkgv3u9Ed/Qqv6KPtgQpEU4m+Emb/VgpEji3j1XNwI+HCbfXxmrTOg==",
    ),
    (
        "/0/private/AddOrder",
        '{"nonce":"1616492376594","pair":"XBTUSD","type":"buy","ordertype":"limit","price":"37500",'
        '"volume":"1.25"}',
        "T0Ia9N2xJitFXinwPv8EJvf3s0m8kmYlA6md5bFLKef5bIno2uvcHCYdAP+hMZw6zjLCejL+nbLzexpwZC5yMg==",
    ),
    (
        "/0/private/AddOrder",
        f"nonce={NONCE}&ordertype=limit&pair=XBTUSD&price=37500&type=buy&volume=1.25"
        "&close%5Bordertype%5D=stop-loss&close%5Bprice%5D=35000&expiretm=%2B60",
        "EuIGTDyjmXURATbiZiymuQzHs1LOe+KZ+USVhCFsb58iwD09kPN1s0LOx2xJePyMLZH17PdkwJ6jPAeWIh5KsA==",
    ),
]


@pytest.mark.parametrize(("path", "body", "signature"), VECTORS)
def test_the_published_vectors(path: str, body: str, signature: str) -> None:
    assert sign(b64decode(SECRET), path, NONCE, body.encode()) == signature
    Gatekeeper("key", SECRET).check(path, "key", signature, NONCE, body.encode())


class Door:
    """A gatekeeper and a client that signs rightly unless told otherwise."""

    def __init__(self) -> None:
        self.now = 100.0
        self.keeper = Gatekeeper("key", SECRET, monotonic=lambda: self.now)

    def knock(
        self, nonce: str, *, key: str = "key", body: bytes | None = None, path: str = "/0/private/Balance"
    ) -> str:
        body = f"nonce={nonce}".encode() if body is None else body
        signature = sign(b64decode(SECRET), "/0/private/Balance", nonce, f"nonce={nonce}".encode())
        try:
            self.keeper.check(path, key, signature, nonce, body)
        except ApiError as error:
            return error.text
        return "open"


def test_a_nonce_must_grow() -> None:
    door = Door()
    assert door.knock("5") == "open"
    assert door.knock("5") == "EAPI:Invalid nonce"
    assert door.knock("4") == "EAPI:Invalid nonce"
    assert door.knock("18446744073709551615") == "open"
    assert door.knock("18446744073709551616") == "EAPI:Invalid nonce"


@pytest.mark.parametrize("nonce", ["", "-1", "1.5", "x", "٣", "9" * 5000])
def test_a_nonce_must_be_a_number(nonce: str) -> None:
    assert Door().knock(nonce) == "EAPI:Invalid nonce"


def test_wrong_key_body_or_path_are_refused_and_use_up_no_nonce() -> None:
    door = Door()
    assert door.knock("5", key="other") == "EAPI:Invalid key"
    assert door.knock("5", body=b"nonce=5&x=1") == "EAPI:Invalid signature"
    assert door.knock("5", path="/0/private/AddOrder") == "EAPI:Invalid signature"
    assert door.knock("5") == "open"


def test_a_token_opens_for_fifteen_minutes_of_wall_time() -> None:
    door = Door()
    token = door.keeper.issue_token()
    assert token != door.keeper.issue_token()
    door.now += TOKEN_SECONDS - 1
    door.keeper.check_token(token)
    door.now += 1
    for wrong in (token, "made up"):
        with pytest.raises(ApiError, match="ESession:Invalid session"):
            door.keeper.check_token(wrong)


def test_tokens_do_not_pile_up() -> None:
    door = Door()
    first = door.keeper.issue_token()
    for _ in range(1000):
        last = door.keeper.issue_token()
    door.keeper.check_token(last)
    with pytest.raises(ApiError):
        door.keeper.check_token(first)


def test_made_up_keys_look_like_krakens() -> None:
    assert len(make_key()) == 56
    assert len(b64decode(make_secret())) == 64
    assert make_secret() != make_secret()
    Gatekeeper("key", b64encode(b"secret").decode())


def test_a_secret_that_is_not_base64_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="--api-secret"):
        Gatekeeper("key", "not base64!")
