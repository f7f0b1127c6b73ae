from decimal import Decimal

import pytest

from krakked_tui.portfolio.findings import FindingKind, LedgerFinding
from tests.unit.portfolio.statements import START


@pytest.mark.parametrize("kind", FindingKind)
def test_every_kind_has_a_sentence_with_what_and_how_much(kind: FindingKind) -> None:
    message = LedgerFinding(kind, "T1", "ETHXBT", START, "DOT", Decimal("0.00000001")).message
    assert "0.00000001 DOT" in message
    if kind is not FindingKind.IN_TRANSIT:
        assert "ETHXBT T1" in message
