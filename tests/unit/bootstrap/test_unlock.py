"""How a stored key is described, at the exchange that validated it and at another one."""

from pathlib import Path

import msgspec
import pytest

from krakked_tui.bootstrap.unlock import Unlocking, exchange_name, in_use, look_at
from krakked_tui.config.places import Places, places
from krakked_tui.credentials.resolve import Credentials
from krakked_tui.credentials.vault import Vault
from krakked_tui.domain.secret import Secret
from krakked_tui.kraken.settings import ConnectionSettings
from tests.unit.credentials.builders import AUDIT, KEY, PASSWORD, SECRET, VAULT, saved

HERE = "127.0.0.1:8080"
VALIDATED = msgspec.structs.replace(VAULT, exchange=HERE)


def stored(home: Path, vault: Vault = VALIDATED) -> tuple[Places, Unlocking]:
    environment = {"KRAKKED_HOME": str(home), "KRAKKED_MASTER_PASSWORD": PASSWORD}
    where = places("paper", environment)
    saved(where.secrets, vault)
    return where, Unlocking(environment=environment)


def credentials(vault: Vault = VALIDATED) -> Credentials:
    return Credentials(api_key=Secret(KEY), api_secret=Secret(SECRET), origin="a file", vault=vault)


def test_the_exchange_is_the_host_with_its_port() -> None:
    assert exchange_name(ConnectionSettings()) == "api.kraken.com"
    assert exchange_name(ConnectionSettings(rest_url="http://LOCALHOST:8080")) == "localhost:8080"


@pytest.mark.parametrize("exchange", [HERE, ""])
def test_what_is_known_of_a_key_is_shown_with_who_said_it(tmp_path: Path, exchange: str) -> None:
    for view in (look_at(*stored(tmp_path), exchange), in_use(credentials(), exchange=exchange)):
        assert view.validated_at == VALIDATED.validated_at
        assert view.audit == AUDIT
        assert view.origin.endswith(f"validated at {HERE}")
        assert view.warnings == ()


def test_what_another_exchange_said_does_not_count(tmp_path: Path) -> None:
    for view in (
        look_at(*stored(tmp_path), "api.kraken.com"), in_use(credentials(), exchange="api.kraken.com")
    ):  # fmt: skip
        assert (view.validated_at, view.audit) == (None, None)
        assert view.fingerprint == VAULT.fingerprint
        assert f"unvalidated at api.kraken.com: it was validated at {HERE}" in view.warnings[0]


def test_an_audit_of_now_counts_whoever_said_what_before() -> None:
    before = in_use(credentials(), exchange="api.kraken.com")
    told = msgspec.structs.replace(credentials(), warnings=before.warnings)
    view = in_use(told, AUDIT, "api.kraken.com")
    assert (view.validated_at, view.audit, view.warnings) == (AUDIT.checked_at, AUDIT, ())


def test_an_old_record_without_an_exchange_still_counts(tmp_path: Path) -> None:
    view = look_at(*stored(tmp_path, VAULT), "api.kraken.com")
    assert view.validated_at == VAULT.validated_at
    assert view.warnings == ()
