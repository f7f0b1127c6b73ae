from decimal import Decimal

import msgspec
import pytest

from krakked_tui.execution.paper_settings import PaperSettings

D = Decimal


def test_the_default_account_has_ten_thousand_dollars() -> None:
    settings = PaperSettings()
    assert settings.balances == {"USD": D(10_000)}
    assert (settings.fee_volume_usd, settings.latency_ms) == (D(0), 100.0)


def test_asset_names_are_read_in_any_case() -> None:
    """An environment variable can only say them in small letters."""
    assert PaperSettings(starting_balances={"usd": D(5), "XBT": D("0.5")}).balances == {
        "USD": D(5),
        "XBT": D("0.5"),
    }


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"starting_balances": {}}, "name an asset and an amount"),
        ({"starting_balances": {"USD": D(0)}}, "use more than 0"),
        ({"starting_balances": {"USD": D(-1)}}, "use more than 0"),
        ({"starting_balances": {"USD": D("NaN")}}, "use more than 0"),
        ({"starting_balances": {"USD": D("1E+13")}}, "at most 1000000000000"),
        ({"starting_balances": {"USD": D("0.12345678901")}}, "at most 10 decimals"),
        ({"starting_balances": {"US D": D(1)}}, "use an asset's name"),
        ({"starting_balances": {"A" * 13: D(1)}}, "use an asset's name"),
        ({"starting_balances": {"BTC": D(1)}}, "Kraken calls it XBT"),
        ({"starting_balances": {"USD": D(1), "usd": D(2)}}, "twice"),
        ({"fee_volume_usd": D(-1)}, "fee_volume_usd is -1"),
        ({"fee_volume_usd": D("Infinity")}, "fee_volume_usd is Infinity"),
    ],
)
def test_amounts_out_of_bounds_are_refused(values: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        PaperSettings(**values)  # type: ignore[arg-type]


@pytest.mark.parametrize("latency", [-1, 10_001])
def test_the_latency_has_bounds(latency: float) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"latency_ms": latency}, PaperSettings)


def test_amounts_come_from_toml_as_they_are_written() -> None:
    settings = msgspec.convert({"starting_balances": {"USD": 5000, "XBT": D("0.1")}}, PaperSettings)
    assert settings.balances == {"USD": D(5000), "XBT": D("0.1")}
