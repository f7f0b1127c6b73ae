"""Deriving a key costs enough, wherever it is calibrated."""

import pytest
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from hypothesis import given
from hypothesis import strategies as st

from krakked_tui.credentials.calibration import (
    MAX_MEMORY,
    MIB,
    MIN_MEMORY,
    MIN_SECONDS,
    SMALLEST,
    ScryptCost,
    calibrate,
    derive_key,
)
from krakked_tui.domain.errors import CredentialsError
from krakked_tui.domain.secret import Secret
from tests.unit.credentials.builders import CHEAP


class Machine:
    """Derives in no time, but says how long it took; has so much memory and no more."""

    def __init__(self, seconds_per_mib: float, memory: int = MAX_MEMORY) -> None:
        self._seconds_per_mib = seconds_per_mib
        self._memory = memory
        self.elapsed = 0.0

    def timer(self) -> float:
        return self.elapsed

    def seconds(self, cost: ScryptCost) -> float:
        return self._seconds_per_mib * cost.p * cost.memory / MIB

    def derive(self, cost: ScryptCost) -> None:
        if cost.memory > self._memory:
            raise MemoryError
        self.elapsed += self.seconds(cost)

    def calibrate(self) -> ScryptCost:
        return calibrate(self.timer, self.derive)


@pytest.mark.parametrize(
    ("seconds_per_mib", "memory", "p"),
    [
        (1.0, 64 * MIB, 1),
        (0.3 / 64, 64 * MIB, 1),
        (0.29 / 64, 128 * MIB, 1),
        (0.3 / 256, 256 * MIB, 1),
        (0.29 / 256, 256 * MIB, 2),
        (0.05 / 256, 256 * MIB, 6),
    ],
)
def test_memory_grows_first_then_passes(seconds_per_mib: float, memory: int, p: int) -> None:
    machine = Machine(seconds_per_mib * 1.0000001)
    cost = machine.calibrate()
    assert (cost.memory, cost.p) == (memory, p)


@given(st.floats(min_value=0.25 / 256 / 12, max_value=100))
def test_whatever_the_machine_it_takes_long_enough_and_opens_again(seconds_per_mib: float) -> None:
    machine = Machine(seconds_per_mib)
    cost = machine.calibrate()
    assert machine.seconds(cost) >= MIN_SECONDS
    assert MIN_MEMORY <= cost.memory <= MAX_MEMORY
    assert cost.bearable


def test_a_broken_timer_ends_at_the_most_expensive_parameters() -> None:
    cost = calibrate(lambda: 0.0, lambda _cost: None)
    assert cost == ScryptCost(n=MAX_MEMORY // 1024, r=8, p=16)
    assert cost.bearable


def test_a_machine_with_little_memory_makes_more_passes() -> None:
    machine = Machine(0.29 / 128, memory=200 * MIB)
    cost = machine.calibrate()
    assert (cost.memory, cost.p) == (128 * MIB, 2)


def test_a_machine_with_too_little_memory_is_told() -> None:
    with pytest.raises(CredentialsError, match="needs 64 MiB of memory"):
        Machine(1.0, memory=63 * MIB).calibrate()


def test_here_and_now_it_takes_64_mib_or_more() -> None:
    cost = calibrate()
    assert cost.memory >= 64 * 1024 * 1024
    assert len(derive_key(Secret("password"), bytes(16), cost)) == 32


def test_the_key_is_scrypt_of_the_utf_8_text() -> None:
    expected = Scrypt(salt=b"s" * 16, length=32, n=16, r=1, p=1).derive("pässword".encode())
    assert derive_key(Secret("pässword"), b"s" * 16, CHEAP) == expected


def test_the_same_characters_give_the_same_key_however_composed() -> None:
    assert derive_key(Secret("\u00e9"), bytes(16), CHEAP) == derive_key(Secret("e\u0301"), bytes(16), CHEAP)


def test_bytes_of_the_environment_that_are_no_text_count_too() -> None:
    assert derive_key(Secret("a\udcff"), bytes(16), CHEAP) != derive_key(Secret("a"), bytes(16), CHEAP)


@pytest.mark.parametrize(
    "cost",
    [
        ScryptCost(n=0, r=8, p=1),
        ScryptCost(n=1, r=8, p=1),
        ScryptCost(n=-2, r=8, p=1),
        ScryptCost(n=3, r=8, p=1),
        ScryptCost(n=1024, r=0, p=1),
        ScryptCost(n=1024, r=33, p=1),
        ScryptCost(n=1024, r=8, p=0),
        ScryptCost(n=1024, r=8, p=17),
        ScryptCost(n=2 * MAX_MEMORY // 1024, r=8, p=1),
        ScryptCost(n=2**62, r=1, p=1),
    ],
)
def test_hostile_parameters_are_unbearable(cost: ScryptCost) -> None:
    assert not cost.bearable
    assert SMALLEST.bearable
