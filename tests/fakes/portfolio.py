"""Made-up books: seeded trades, flows, fees and holdings, and reports about them that answer a query."""

import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

import msgspec

from krakked_tui.control.portfolio_view import (
    EntryLine,
    FeeLine,
    FlowLine,
    HistoryView,
    HoldingLine,
    LotLine,
    PerformanceView,
    PnLLine,
    PortfolioQuery,
    PortfolioReport,
    TradeDetail,
    TradeLine,
)
from krakked_tui.domain.money import ZERO, percent_of
from krakked_tui.domain.portfolio import CostBasis, HeldAs
from krakked_tui.domain.precision import at_scale
from krakked_tui.tui.portfolio_choice import bounds

NOON = datetime.fromisoformat("2026-11-20T12:00:00+00:00")
PAIRS = (("XBTUSD", "64120.1", 1), ("ETHUSD", "3391.25", 2), ("SOLUSD", "171.44", 2), ("DOGEUSD", "0.38", 7))
STRATEGIES = ("trend_following", "mean_reversion", "manual")
PERFORMANCE = PerformanceView(
    return_pct=Decimal("4.1234"), max_drawdown_pct=Decimal("1.131"), sharpe=Decimal("1.234"),
    sortino=Decimal("1.91"), win_rate_pct=Decimal("54.2"), profit_factor=Decimal("1.8"),
    holding_seconds=11_520.0,
)  # fmt: skip
READ = (HistoryView("trades", 312, 312, done=True), HistoryView("ledger", 901, 901, done=True))
D = Decimal


def _holding(asset: str, amounts: str, value: str, percent: str, status: str, **more: object) -> HoldingLine:
    """``amounts`` are free, reserved, then what lies elsewhere by its form."""
    free, reserved, *forms = amounts.split()
    elsewhere = tuple((HeldAs(name), D(amount)) for name, amount in (each.split("=") for each in forms))
    total = D(free) + D(reserved) + sum((amount for _, amount in elsewhere), ZERO)
    share = D(percent) if percent else None
    source = "" if status == "unvalued" or asset == "USD" else f"{asset}USD"
    base = HoldingLine(asset, total, D(free), D(reserved), elsewhere, D(value), share, status, source)
    return msgspec.structs.replace(base, **more)


HOLDINGS = (
    _holding("XBT", "0.02127711 0.01 earning=0.01", "2646.69", "25.4", "valued"),
    _holding("ETH", "0.512 0 staked=0.2 bonded=0.01", "2448.48", "23.5", "valued"),
    _holding("SOL", "6.25 0", "1071.50", "10.3", "stale"),
    _holding("USD", "5099.02 400 held=100", "5599.02", "40.8", "valued"),
    _holding("DOGE", "2410 0", "812.40", "", "excluded"),
    _holding("LUNA2", "12.5 0", "0", "0", "unvalued", books=ZERO),
)
FLOWS = (
    FlowLine("LSBX01-DEPOS-000001", NOON - timedelta(days=200), "deposit", "USD", Decimal(10_000),
             Decimal(10_000), "bank transfer"),
    FlowLine("LSBX02-WITHD-000002", NOON - timedelta(days=3), "withdrawal", "XBT", Decimal("-0.01"),
             Decimal("-641.20"), ""),
    FlowLine("LSBX03-STAKE-000003", NOON - timedelta(hours=5), "reward", "ETH", Decimal("0.00012"),
             Decimal("0.41"), "staking"),
    FlowLine("LSBX04-AIRDR-000004", NOON - timedelta(hours=4), "transfer", "LUNA2", Decimal("12.5"),
             None, "airdrop"),
)  # fmt: skip
FEES = (
    FeeLine("USD", Decimal("61.9034"), Decimal("61.90")),
    FeeLine("XBT", Decimal("0.00012"), Decimal("7.69")),
)


def trade(number: int, **changes: object) -> TradeLine:
    """One trade; every third one sold and made or lost something."""
    rng = random.Random(number)
    pair, text, decimals = PAIRS[number % len(PAIRS)]
    price, sold = Decimal(text), number % 3 == 0
    volume = at_scale(Decimal(rng.randint(20_000, 250_000)) / 100 / price, 8)
    cost = at_scale(volume * price, 4)
    fee = at_scale(cost * Decimal("0.0026"), 4)
    made = at_scale(Decimal(rng.randint(-3000, 6200)) / 100, 4) if sold else ZERO
    base = TradeLine(
        trade_id=f"TSBX{number:02d}-CCCCC-{number:06d}",
        order_id=f"OSBX{number:02d}-AAAAA-{number:06d}",
        time=NOON - timedelta(hours=5 * number, minutes=7),
        pair=pair,
        side="sell" if sold else "buy",
        volume=volume,
        price=price,
        cost=cost,
        price_decimals=decimals,
        volume_decimals=8,
        fee_text=f"{fee} USD",
        fee=fee,
        pnl=made - fee,
        strategy=STRATEGIES[number % 7 % 3],
        maker=number % 2 == 0,
    )
    return msgspec.structs.replace(base, **changes)


class FakePortfolio:
    """Answers every query from its trades, unless ``answers`` is off; ``asked`` keeps the queries."""

    def __init__(self, trades: int = 60, *, answers: bool = True, **changes: object) -> None:
        """``changes`` replace fields of every report."""
        self.trades = tuple(trade(number) for number in range(1, trades + 1))
        self.flows = FLOWS if trades else ()
        self.answers = answers
        self.asked: list[PortfolioQuery] = []
        self._changes = {"performance": PERFORMANCE if trades else PerformanceView(), **changes}
        self._made: dict[PortfolioQuery, PortfolioReport] = {}
        self._version = 0

    def ask(self, query: PortfolioQuery) -> PortfolioReport | None:
        """Return the report about a query, the same one until ``change``."""
        if not self.asked or self.asked[-1] != query:
            self.asked.append(query)
        if query not in self._made and self.answers:
            self._version += 1
            self._made[query] = self._report(query)
        return self._made.get(query)

    def change(self, **changes: object) -> None:
        """Replace fields of every report from now on."""
        self._changes |= changes
        self._made.clear()

    def _report(self, query: PortfolioQuery) -> PortfolioReport:
        since, until = bounds(query, NOON)

        def within(at: datetime) -> bool:
            return (since is None or at >= since) and (until is None or at < until)

        found = tuple(
            each
            for each in self.trades
            if within(each.time)
            and query.pair in {"", each.pair}
            and query.strategy in {"", each.strategy}
            and query.side in {"", each.side}
            and (query.include_manual is not False or each.strategy != "manual")
        )
        flows = tuple(sorted((f for f in self.flows if within(f.time)), key=lambda f: f.time, reverse=True))
        total = summed("", found)
        report = PortfolioReport(
            version=self._version,
            query=query,
            at=NOON,
            cost_basis=CostBasis.WAC,
            currency="USD",
            total=total,
            groups=groups(found, query.by),
            trades=found[: query.rows],
            trades_found=len(found),
            flows=flows[: query.rows],
            flows_found=len(flows),
            fees=FEES if found else (),
            fees_percent_of_gross=percent_of(total.fees, total.gross) if total.gross > ZERO else None,
            holdings=HOLDINGS if self.trades else HOLDINGS[3:4],
            detail=self._detail(query.trade_id),
            history=READ,
            pairs=tuple(sorted({each.pair for each in self.trades})),
            strategies=tuple(sorted({each.strategy for each in self.trades})),
        )
        return msgspec.structs.replace(report, **self._changes)

    def _detail(self, trade_id: str) -> TradeDetail | None:
        found = next((each for each in self.trades if each.trade_id == trade_id), None)
        if found is None:
            return None
        sign = -1 if found.side == "sell" else 1
        base = found.pair.removesuffix("USD")
        refid = f"R{found.trade_id}"
        rows = ((base, sign * found.volume, ZERO), ("USD", -sign * found.cost, found.fee or ZERO))
        entries = tuple(
            EntryLine(
                f"LSBX{n}-{found.trade_id[-6:]}", refid, found.time, "trade", "", asset, amount, fee, ZERO
            )
            for n, (asset, amount, fee) in enumerate(rows)
        )
        half = found.volume / 2
        gain = (found.pnl or ZERO) / 2
        lots = tuple(
            LotLine(
                found.time - timedelta(days=days), half, found.cost / 2 - gain, found.cost / 2, ZERO, gain
            )
            for days in (40, 12)
        )
        return TradeDetail(found, entries, lots if found.side == "sell" else ())


class HostilePortfolio(FakePortfolio):
    """Books with one text in every text field."""

    def __init__(self, text: str) -> None:
        super().__init__(1)
        self._text = text

    def _report(self, query: PortfolioQuery) -> PortfolioReport:
        text = self._text
        names = dict.fromkeys(("trade_id", "order_id", "pair", "side", "strategy", "fee_text"), text)
        line = trade(3, **names, fee=None, pnl=None)
        entry = EntryLine(text, text, NOON, text, text, text, ZERO, ZERO, ZERO)
        return PortfolioReport(
            version=1,
            query=query,
            at=NOON,
            cost_basis=CostBasis.WAC,
            currency=text,
            total=summed("", (line,)),
            groups=(PnLLine(text, 1, ZERO, ZERO, ZERO),),
            trades=(line,),
            trades_found=1,
            flows=(FlowLine(text, NOON, text, text, ZERO, None, text),),
            flows_found=1,
            fees=(FeeLine(text, ZERO, ZERO),),
            holdings=(HoldingLine(text, ZERO, ZERO, ZERO, (), ZERO, ZERO, text, text, books=ZERO),),
            detail=TradeDetail(line, (entry,), (), (text,)) if query.trade_id else None,
            history=(HistoryView(text, 0, None, done=False),),
            findings=(text, text),
            drift=(text,),
            pairs=(text,),
            strategies=(text,),
        )


def groups(trades: Sequence[TradeLine], by: str) -> tuple[PnLLine, ...]:
    """What each day, pair or strategy made, by name."""
    keys = [_key(each, by) for each in trades]
    found = sorted(set(keys))
    return tuple(
        summed(key, [each for each, its in zip(trades, keys, strict=True) if its == key]) for key in found
    )


def _key(line: TradeLine, by: str) -> str:
    return {"day": line.time.date().isoformat(), "pair": line.pair, "strategy": line.strategy}[by]


def summed(key: str, trades: Sequence[TradeLine]) -> PnLLine:
    """All of them together."""
    fees = sum((each.fee or ZERO for each in trades), ZERO)
    realized = sum((each.pnl or ZERO for each in trades), ZERO)
    return PnLLine(key, len(trades), realized + fees, fees, realized)
