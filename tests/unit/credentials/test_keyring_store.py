"""The keyring helps where there is one, and never hurts where there is none."""

from collections.abc import Iterator
from pathlib import Path

import keyring
import keyring.core
import pytest
from keyring.backend import KeyringBackend
from keyring.backends import chainer, fail, null
from keyring.errors import InitError, KeyringLocked, PasswordSetError

from krakked_tui.credentials.keyring_store import SERVICE, KeyringStore, keyring_account
from krakked_tui.domain.secret import Secret
from tests.unit.credentials.builders import HangingKeyring, MemoryKeyring, RaisingKeyring, store


@pytest.fixture
def configured() -> Iterator[MemoryKeyring]:
    """A backend that the keyring library uses while the test lasts."""
    before = keyring.core._keyring_backend
    backend = MemoryKeyring()
    keyring.set_keyring(backend)
    yield backend
    keyring.core._keyring_backend = before


def of_module(name: str, priority: float = 5) -> KeyringBackend:
    """A backend that comes from the module of that name."""
    backend_class = type("Keyring", (MemoryKeyring,), {"__module__": name, "priority": priority})
    KeyringBackend._classes.discard(backend_class)
    backend: KeyringBackend = backend_class()
    return backend


def test_the_configured_keyring_keeps_one_password_per_account(configured: MemoryKeyring) -> None:
    mine, other = KeyringStore("mine"), KeyringStore("other")
    assert mine.state().usable
    assert "MemoryKeyring" in mine.state().detail
    assert mine.get() is None
    assert mine.trouble == ""
    assert mine.put(Secret("one")).usable
    assert mine.put(Secret("two")).usable
    assert configured.kept == {(SERVICE, "mine"): "two"}
    assert mine.get() == Secret("two")
    assert other.get() is None
    assert mine.forget().usable
    assert mine.forget().usable
    assert configured.kept == {}


def test_an_empty_entry_is_none() -> None:
    backend = MemoryKeyring()
    backend.kept[SERVICE, "account"] = ""
    assert store(backend).get() is None


def test_an_endless_entry_is_not_taken() -> None:
    backend = MemoryKeyring()
    backend.kept[SERVICE, "account"] = "x" * 5000
    keeper = store(backend)
    assert keeper.get() is None
    assert "too long" in keeper.trouble


@pytest.mark.parametrize(
    ("backend", "detail"),
    [
        (fail.Keyring(), "this system has none"),  # type: ignore[no-untyped-call]
        (null.Keyring(), "this system has none"),  # type: ignore[no-untyped-call]
        (of_module("keyrings.alt.file"), "files that others can read"),
        (of_module("keyrings.alt.Gnome"), "files that others can read"),
        (of_module("keyrings.alt"), "files that others can read"),
        (of_module("somebody.else", priority=0.5), "not recommended"),
    ],
    ids=["fail", "null", "alt file", "alt gnome", "alt", "weak"],
)
def test_backends_that_keep_nothing_or_keep_it_openly_are_not_used(
    backend: KeyringBackend, detail: str
) -> None:
    keeper = store(backend)
    assert not keeper.put(Secret("password")).usable
    assert keeper.get() is None
    status = keeper.state()
    assert not status.usable
    assert detail in status.detail
    assert not keeper.forget().usable
    assert getattr(backend, "calls", 0) == 0


def test_a_class_derived_from_a_plain_one_is_no_better() -> None:
    plain = type(of_module("keyrings.alt.file"))
    derived = type("Derived", (plain,), {"__module__": "mine"})
    KeyringBackend._classes.discard(derived)
    assert not store(derived()).state().usable


class Chain(chainer.ChainerBackend):
    """A chain of the given backends."""

    members: tuple[KeyringBackend, ...] = ()

    @property
    def backends(self) -> list[KeyringBackend]:
        return list(self.members)


KeyringBackend._classes.discard(Chain)


def chain(*members: KeyringBackend) -> KeyringBackend:
    made = Chain()  # type: ignore[no-untyped-call]
    made.members = members
    return made


def test_of_a_chain_only_the_safe_ones_are_used() -> None:
    plain, safe = of_module("keyrings.alt.file", priority=9), MemoryKeyring()
    keeper = store(chain(plain, safe))
    assert keeper.put(Secret("password")).usable
    assert safe.kept
    assert getattr(plain, "calls", 0) == 0


def test_a_chain_without_safe_ones_is_none() -> None:
    assert "files that others can read" in store(chain(of_module("keyrings.alt.file"))).state().detail
    assert "this system has none" in store(chain()).state().detail


@pytest.mark.parametrize(
    ("error", "detail"),
    [
        (KeyringLocked("s3cret text"), "it is locked"),
        (InitError("s3cret text"), r"it failed (InitError)"),
        (PasswordSetError("s3cret text"), r"it failed (PasswordSetError)"),
        (RuntimeError("s3cret text"), "it failed (RuntimeError)"),
        (SystemExit(3), "it failed (SystemExit)"),
        (KeyboardInterrupt(), "it failed (KeyboardInterrupt)"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_failing_keyring_is_explained(error: BaseException, detail: str) -> None:
    keeper = store(RaisingKeyring(error))
    assert keeper.get() is None
    assert detail in keeper.trouble
    assert detail in keeper.state().detail
    assert detail in keeper.put(Secret("password")).detail
    assert detail in keeper.forget().detail
    assert "s3cret" not in keeper.state().detail


def test_a_package_that_does_not_load_is_explained() -> None:
    def load() -> KeyringBackend:
        raise ImportError("no module")

    keeper = KeyringStore("account", load=load)
    assert not keeper.state().usable
    assert "Python package keyring does not load" in keeper.state().detail


def test_trouble_is_over_when_a_call_works() -> None:
    backends: list[KeyringBackend] = [RaisingKeyring(KeyringLocked()), MemoryKeyring()]
    keeper = KeyringStore("account", load=lambda: backends.pop(0))
    assert keeper.get() is None
    assert keeper.trouble
    assert keeper.state().usable
    assert keeper.trouble == ""


def test_a_keyring_that_hangs_is_given_up_and_not_asked_again() -> None:
    backend = HangingKeyring()
    keeper = store(backend, limit_seconds=0.05)
    try:
        assert keeper.get() is None
        assert "did not answer within 0.05 s" in keeper.trouble
        assert not keeper.put(Secret("password")).usable
        assert "did not answer" in keeper.state().detail
        assert backend.calls == 1
        assert backend.kept == {}
    finally:
        backend.released.set()


def test_the_account_names_the_file(tmp_path: Path) -> None:
    assert keyring_account(tmp_path / "secrets.enc") == str(tmp_path / "secrets.enc")
