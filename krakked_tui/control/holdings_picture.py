"""What is held, asset by asset: the exchange's balances, and what the books say that they are worth."""

from decimal import Decimal

import msgspec

from krakked_tui.control import portfolio_view as v
from krakked_tui.domain.money import ZERO, percent_of
from krakked_tui.domain.orders import LocalOrder, OrderReport
from krakked_tui.domain.portfolio import Holding
from krakked_tui.engine.portfolio_service import PortfolioFacts, PortfolioService
from krakked_tui.portfolio.forms import Forms, holdings

EXCLUDED = "excluded"
HOLDS_MAX = 100
"""Open orders told of an asset at most."""


def holding_lines(service: PortfolioService) -> tuple[v.HoldingLine, ...]:
    """Return what is held, the most valuable first; what is excluded last."""
    facts = service.facts
    forms = Forms.of_pairs(facts.known.values())
    held = holdings(facts.balances, forms)
    booked: dict[str, Decimal] = {}
    for name, amount in facts.state.balances.items():
        asset = forms.asset(name)
        booked[asset] = booked.get(asset, ZERO) + amount
    holds, parts = _holds(facts), _parts(service)
    lines = []
    for asset in sorted(held.keys() | booked.keys()):
        holding, ours = held.get(asset) or Holding(asset, ZERO), booked.get(asset, ZERO)
        if holding.total or ours:
            lines.append(
                msgspec.structs.replace(
                    _holding(service, holding, ours),
                    holds=tuple(holds.get(asset, [])[:HOLDS_MAX]),
                    parts=parts.get(asset, ()),
                )
            )
    return tuple(sorted(lines, key=lambda line: (line.status == EXCLUDED, -line.value, line.asset)))


def _holding(service: PortfolioService, holding: Holding, ours: Decimal) -> v.HoldingLine:
    asset, valuation = holding.asset, service.facts.valuation
    account = service.facts.state.accounts.get(asset)
    worth = service.value(asset, account.size if account is not None else ZERO)
    included = service.facts.settings.includes(asset)
    percent = None
    if included and valuation is not None and valuation.equity > ZERO:
        percent = percent_of(worth.value, valuation.equity)
    return v.HoldingLine(
        asset=asset,
        total=holding.total,
        free=holding.free,
        reserved=holding.reserved,
        elsewhere=holding.elsewhere,
        value=worth.value,
        percent_of_equity=percent,
        status=worth.status.value if included else EXCLUDED,
        source_pair=worth.source_pair or "",
        books=ours if ours != holding.total else None,
    )


def _holds(facts: PortfolioFacts) -> dict[str, list[v.HoldLine]]:
    """Return, by asset, which open orders reserve some of it: a sale its asset, a purchase its money."""
    found: dict[str, list[v.HoldLine]] = {}
    for hold in (*map(_ours, facts.open_orders), *map(_foreign, facts.foreign_orders)):
        line, left, price = hold
        pair = facts.known.get(line.pair)
        if pair is None or left <= ZERO:
            continue
        if line.side == "sell":
            asset, amount = pair.base, left
        elif price is not None:
            asset, amount = pair.quote, left * price
        else:
            continue  # a purchase at the market's price is done before anything is reserved
        found.setdefault(asset, []).append(
            v.HoldLine(line.order_id, line.pair, line.side, amount, line.strategy)
        )
    return found


_Hold = tuple[v.HoldLine, Decimal, Decimal | None]
"""An order without its amount; what of it is still to be filled; its price, if it has one."""


def _ours(order: LocalOrder) -> _Hold:
    request, name = order.request, order.kraken_order_id or order.cl_ord_id
    line = v.HoldLine(name, request.pair, request.side, ZERO, order.strategy_id)
    return line, order.remaining, request.price


def _foreign(report: OrderReport) -> _Hold:
    line = v.HoldLine(report.kraken_order_id, report.pair, report.side, ZERO)
    return line, report.volume - report.filled, report.limit_price


def _parts(service: PortfolioService) -> dict[str, tuple[v.PartLine, ...]]:
    return {
        position.base_asset: tuple(
            v.PartLine(part.strategy, part.amount, part.value) for part in position.strategies
        )
        for position in service.get_positions()
    }
