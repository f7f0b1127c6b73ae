"""In which form an asset lies at the exchange, by the name of its balance.

``XBT.M``, ``DOT28.S`` and ``ETH2`` are XBT, DOT and ETH that cannot be traded as they are: the books
know one asset, the exchange several balances of it. What stands behind the last dot is the form;
digits (or an H) before a ``.S`` belong to the form when what is left without them is a known asset and
the name with them is not (``LUNA2.S`` is staked LUNA2).
"""

import re
from collections.abc import Iterable, Mapping

import msgspec

from krakked_tui.domain.fills import AssetBalance
from krakked_tui.domain.money import ZERO
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.domain.portfolio import HeldAs, Holding

SUFFIXES = {
    "S": HeldAs.STAKED,
    "M": HeldAs.EARNING,
    "B": HeldAs.EARNING,
    "F": HeldAs.EARNING,
    "P": HeldAs.BONDED,
    "T": HeldAs.OTHER,
    "HOLD": HeldAs.HELD,
}
"""What stands behind the dot; anything else is OTHER."""

STAKED_NAMES = {"ETH2": "ETH"}
"""Assets of their own name that are a staked form of another."""

_BONDED = re.compile(r"(.+?)(?:[0-9]{1,3}|H)")


class Form(msgspec.Struct, frozen=True):
    """The asset that a balance is of, and as what it is held."""

    asset: str
    held_as: HeldAs


class Forms:
    """Reads names by one list of known assets (normalised names without suffix). Remembers what it read."""

    def __init__(self, known: Iterable[str] = ()) -> None:
        self._known = frozenset(known)
        self._read: dict[str, Form] = {}

    @classmethod
    def of_pairs(cls, pairs: Iterable[PairMetadata]) -> "Forms":
        """Take what is traded for the known assets."""
        return cls(asset for pair in pairs for asset in (pair.base, pair.quote))

    def with_known(self, assets: Iterable[str]) -> "Forms":
        """Return forms that know these assets too: these ones, unless a name that was read means another."""
        forms = Forms(self._known.union(assets))
        if all(forms.form(name) == form for name, form in self._read.items()):
            self._known = forms._known
            return self
        return forms

    def form(self, name: str) -> Form:
        """Return what a balance of this name is."""
        form = self._read.get(name)
        if form is None:
            form = self._read[name] = self._parse(name)
        return form

    def asset(self, name: str) -> str:
        """Return the asset that a balance of this name is of."""
        form = self._read.get(name)
        return form.asset if form is not None else self.form(name).asset

    def _parse(self, name: str) -> Form:
        stem, dot, suffix = name.rpartition(".")
        if not (dot and stem):
            staked = STAKED_NAMES.get(name)
            return Form(staked, HeldAs.STAKED) if staked else Form(name, HeldAs.SPOT)
        held_as = SUFFIXES.get(suffix, HeldAs.OTHER)
        bonded = _BONDED.fullmatch(stem)
        if (
            held_as is HeldAs.STAKED
            and stem not in self._known
            and bonded is not None
            and bonded[1] in self._known
            and stem not in STAKED_NAMES
        ):
            return Form(bonded[1], HeldAs.BONDED)
        return Form(STAKED_NAMES.get(stem, stem), held_as)


def holdings(balances: Mapping[str, AssetBalance], forms: Forms) -> dict[str, Holding]:
    """Return what the exchange holds for us, by asset, in columns that add up to its own totals."""
    found: dict[str, dict[HeldAs, AssetBalance]] = {}
    for name, balance in balances.items():
        form = forms.form(name)
        columns = found.setdefault(form.asset, {})
        before = columns.get(form.held_as, AssetBalance(name, ZERO))
        columns[form.held_as] = AssetBalance(
            name, before.total + balance.total, before.reserved + balance.reserved
        )
    return {asset: _holding(asset, columns) for asset, columns in sorted(found.items())}


def _holding(asset: str, columns: Mapping[HeldAs, AssetBalance]) -> Holding:
    spot = columns.get(HeldAs.SPOT, AssetBalance(asset, ZERO))
    elsewhere = tuple(
        (held_as, columns[held_as].total)
        for held_as in HeldAs
        if held_as is not HeldAs.SPOT and held_as in columns and columns[held_as].total
    )
    return Holding(asset, spot.free, spot.reserved, elsewhere)
