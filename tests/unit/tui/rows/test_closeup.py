"""The words around one pair."""

from krakked_tui.control.market_view import FocusView
from krakked_tui.domain.candles import Timeframe
from krakked_tui.tui.rows.closeup import Closeup, heading, loading, missing_lines
from krakked_tui.tui.rows.line import Span, text_of

LEFT = (Span("XBTUSD"),)


def test_the_first_text_that_fits_is_taken() -> None:
    assert text_of(heading(LEFT, 40, *loading("ETHUSD"))).endswith(" loading, still ETHUSD")
    assert text_of(heading(LEFT, 20, *loading("ETHUSD"))) == "XBTUSD  still ETHUSD"
    assert text_of(heading(LEFT, 16, *loading("ETHUSD"))) == "XBTUSD   loading"
    assert text_of(heading(LEFT, 10, *loading("ETHUSD"))) == "XB…loading"
    assert text_of(heading(LEFT, 10)).rstrip() == "XBTUSD"


def test_late_is_another_pair_and_for_the_chart_another_timeframe() -> None:
    here = Closeup("XBTUSD", Timeframe.M1, FocusView(pair="XBTUSD"))
    assert not here.late
    assert not here.chart_late
    longer = here._replace(timeframe=Timeframe.M5)
    assert not longer.late
    assert longer.chart_late
    assert here._replace(pair="ETHUSD").late


def test_trouble_of_another_pair_is_not_ours() -> None:
    other = Closeup("XBTUSD", Timeframe.M1, FocusView(pair="ETHUSD", trouble="refused"))
    assert [text_of(line) for line in missing_lines(other, "candles", 60)] == ["Loading candles of XBTUSD."]
