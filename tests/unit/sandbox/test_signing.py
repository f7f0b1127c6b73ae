from base64 import b64decode
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from krakked_tui.sandbox.faults import ApiError
from krakked_tui.sandbox.keys import KeyRecord, KeyRing
from krakked_tui.sandbox.permissions import CLOSE, MODIFY, QUERY_FUNDS
from krakked_tui.sandbox.signing import TOKEN_SECONDS, Gatekeeper, Rules, sign

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
    keeper = Door().keeper
    assert keeper.check(path, "key", signature, NONCE, body.encode()) is keeper.ring.main


class Door:
    """A gatekeeper and a client that signs rightly unless told otherwise."""

    def __init__(self, rules: Rules | None = None, **record: Any) -> None:
        self.now = 100.0
        self.time = datetime(2026, 1, 5, tzinfo=UTC)
        self.kept: dict[str, str] = {}
        main = KeyRecord(api_key="key", api_secret=SECRET, **record)
        self.ring = KeyRing(main, {}, self.kept.__setitem__)
        self.keeper = Gatekeeper(self.ring, lambda: self.time, rules=rules, monotonic=lambda: self.now)

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


def test_a_token_in_use_outlives_those_that_nobody_used() -> None:
    door = Door()
    live = door.keeper.issue_token()
    door.keeper.check_token(live)
    idle = door.keeper.issue_token()
    for _ in range(1000):
        door.keeper.issue_token()
    door.keeper.check_token(live)
    with pytest.raises(ApiError):
        door.keeper.check_token(idle)


def test_no_key_takes_the_tokens_of_another() -> None:
    door = Door()
    door.ring.add(KeyRecord(api_key="other", api_secret=SECRET))
    theirs = door.keeper.issue_token(door.ring.find("other"))
    for _ in range(1000):
        ours = door.keeper.issue_token()
    door.keeper.check_token(theirs)
    door.keeper.check_token(ours)


def test_of_tokens_all_in_use_the_one_not_used_for_longest_is_dropped() -> None:
    door = Door()
    tokens = [door.keeper.issue_token() for _ in range(100)]
    for token in tokens:
        door.keeper.check_token(token)
    door.keeper.check_token(tokens[0])
    door.keeper.issue_token()
    door.keeper.check_token(tokens[0])
    with pytest.raises(ApiError):
        door.keeper.check_token(tokens[1])


def test_a_token_ends_with_the_time_of_its_key() -> None:
    door = Door(Rules(tokens_extend=True), valid_until=datetime(2026, 1, 6, tzinfo=UTC))
    token = door.keeper.issue_token()
    door.keeper.check_token(token)
    door.time += timedelta(days=1)
    with pytest.raises(ApiError, match="ESession:Invalid session"):
        door.keeper.check_token(token)


def test_a_window_lets_late_nonces_in_but_none_twice() -> None:
    door = Door(nonce_window=10)
    assert [door.knock(nonce) for nonce in ("100", "95", "90")] == ["open"] * 3
    assert door.knock("95") == "EAPI:Invalid nonce", "used already"
    assert door.knock("89") == "EAPI:Invalid nonce", "below the window"
    assert door.knock("101") == "open"
    assert door.ring.main.last_nonce == 101
    narrow = Door(Rules(window_inclusive=False), nonce_window=10)
    assert [narrow.knock("100"), narrow.knock("90"), narrow.knock("91")] == [
        "open",
        "EAPI:Invalid nonce",
        "open",
    ]


def test_the_highest_nonce_is_kept() -> None:
    door = Door()
    door.knock("5")
    door.knock("9")
    assert door.kept["nonce key"] == "9"
    again = KeyRing(door.ring.main.record, door.kept, door.kept.__setitem__)
    assert again.main.last_nonce == 9


def test_bad_nonces_in_a_row_lock_the_key_out_for_a_while() -> None:
    door = Door(Rules(nonce_strikes=3, lockout_seconds=60))
    assert door.knock("5") == "open"
    assert [door.knock("5"), door.knock("4"), door.knock("6"), door.knock("6")] == [
        "EAPI:Invalid nonce",
        "EAPI:Invalid nonce",
        "open",
        "EAPI:Invalid nonce",
    ], "a good one starts the count anew"
    door.knock("6")
    door.knock("6")
    assert door.knock("7") == "EGeneral:Temporary lockout"
    door.now += 59
    assert door.knock("7") == "EGeneral:Temporary lockout"
    door.now += 59
    assert door.knock("7") == "EGeneral:Temporary lockout", "a call makes the ban start over"
    door.now += 60
    assert door.knock("7") == "open"


def test_a_key_ends_at_its_time_and_when_disabled() -> None:
    door = Door(valid_until=datetime(2026, 1, 6, tzinfo=UTC))
    assert door.knock("1") == "open"
    door.time += timedelta(days=1)
    assert door.knock("2") == "EAPI:Invalid key"
    door.time -= timedelta(seconds=1)
    assert door.knock("2") == "open"
    token = door.keeper.issue_token()
    door.ring.disable(door.ring.main, door.time)
    assert door.knock("3") == "EAPI:Invalid key"
    with pytest.raises(ApiError, match="ESession:Invalid session"):
        door.keeper.check_token(token)


def test_a_second_password_is_asked_for_when_a_key_has_one() -> None:
    plain, guarded = Door(), Door(otp="123456")
    plain.keeper.check_otp(plain.ring.main, None)
    guarded.keeper.check_otp(guarded.ring.main, "123456")
    for wrong in (None, "", "654321"):
        with pytest.raises(ApiError, match="EGeneral:Permission denied"):
            guarded.keeper.check_otp(guarded.ring.main, wrong)


def test_a_token_may_do_what_its_key_may() -> None:
    door = Door(permissions=(QUERY_FUNDS, MODIFY))
    token = door.keeper.issue_token()
    door.keeper.check_token(token, QUERY_FUNDS)
    door.keeper.check_token(token, QUERY_FUNDS, MODIFY)
    for needs in ((CLOSE,), (MODIFY, CLOSE)):
        with pytest.raises(ApiError, match="EGeneral:Permission denied"):
            door.keeper.check_token(token, *needs)
    assert door.keeper.token_key(token) is door.ring.main
    assert door.keeper.token_key("made up") is None
    assert door.keeper.token_key(7) is None


def test_a_used_token_may_live_on() -> None:
    door = Door(Rules(tokens_extend=True))
    used, idle = door.keeper.issue_token(), door.keeper.issue_token()
    door.keeper.check_token(used)
    door.now += TOKEN_SECONDS
    door.keeper.check_token(used)
    with pytest.raises(ApiError, match="ESession:Invalid session"):
        door.keeper.check_token(idle)
