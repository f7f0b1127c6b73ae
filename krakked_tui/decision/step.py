"""The core: one event in, one outcome out."""

from typing import assert_never

from krakked_tui.decision import (
    account,
    cancelling,
    cycle,
    flatten,
    history,
    housekeeping,
    operator,
    orders,
    rates,
    reload,
    stops,
    universe,
)
from krakked_tui.decision import events as e
from krakked_tui.decision.effects import Level
from krakked_tui.decision.outcome import Outcome
from krakked_tui.decision.state import State
from krakked_tui.domain.orders import Purpose


def step(state: State, event: e.Event) -> Outcome:
    """Apply one event to the state and say what must become durable and what must be done."""
    out = Outcome()
    _handle(state, out, event)
    universe.release_closes(state, out)
    flatten.advance_flatten(state, out, event.at)
    stops.close_what_is_urgent(state, out, event.at)
    stops.watch_stops(state, out)
    return out


def _handle(state: State, out: Outcome, event: e.Event) -> None:  # noqa: C901, PLR0912, PLR0915 - one arm per event
    match event:
        case e.BoundaryClosed():
            cycle.boundary_closed(state, out, event)
        case e.SignalsComputed():
            cycle.signals_computed(state, out, event)
        case e.SubmitAnswered():
            orders.submit_answered(state, out, event)
            flatten.answered(state, out, event.outcome)
        case e.SubmitWithheld():
            _submit_withheld(state, out, event)
        case e.OrderReported():
            orders.order_reported(state, out, event)
        case e.TradeReported():
            orders.trade_reported(state, out, event)
        case e.LookedUp():
            orders.looked_up(state, out, event)
        case e.CancelAnswered():
            cancelling.cancel_answered(state, out, event)
        case e.SyncRequested():
            account.ask_for_sync(state, out, event.wall)
        case e.AccountSynced():
            account.synced(state, out, event)
        case e.AccountSyncFailed():
            account.sync_failed(state, out, event)
        case e.HistoryRead():
            history.history_read(state, out, event)
        case e.RatesFound() | e.FeesRead():
            rates.answered(state, out, event)
        case e.AccountStreamChanged():
            account.stream_changed(state, out, event)
        case e.Priced():
            account.priced(state, out, event)
        case e.StopCrossed():
            stops.stop_crossed(state, out, event)
        case e.TimePassed():
            housekeeping.time_passed(state, out, event)
        case e.MarketDataChanged():
            _market_data_changed(state, out, event)
        case e.UniverseChanged():
            universe.universe_changed(state, out, event)
        case e.SystemStatusChanged():
            universe.system_status_changed(state, out, event)
        case e.StorageChanged():
            _storage_changed(state, out, event)
        case (
            e.KillRequested()
            | e.KillClearRequested()
            | e.CancelRequested()
            | e.FlattenRequested()
            | e.AcceptBalancesRequested()
            | e.PauseRequested()
            | e.StopRequested()
        ):
            operator.command(state, out, event)
        case e.SettingsReloaded():
            reload.settings_reloaded(state, out, event)
        case e.SettingChanged():
            operator.setting_changed(out, event)
        case _:
            assert_never(event)


def _submit_withheld(state: State, out: Outcome, event: e.SubmitWithheld) -> None:
    withheld = orders.submit_withheld(state, out, event)
    if withheld is not None and withheld.purpose is Purpose.FLATTEN:
        flatten.withheld(state, out, withheld.request.pair)


def _market_data_changed(state: State, out: Outcome, event: e.MarketDataChanged) -> None:
    if event.usable != state.market_usable:
        level, name = (
            (Level.INFO, "market_data_live") if event.usable else (Level.WARNING, "market_data_unavailable")
        )
        out.log(level, name, f"market data: {event.detail}", detail=event.detail)
    state.market_usable = event.usable
    state.market_detail = event.detail


def _storage_changed(state: State, out: Outcome, event: e.StorageChanged) -> None:
    state.storage_trouble = event.trouble
    if event.trouble:
        state.counts.errors += 1
        out.log(
            Level.CRITICAL, "journal_unavailable", f"the journal cannot be written: {event.trouble}",
            reason=event.trouble,
        )  # fmt: skip
    else:
        out.log(Level.INFO, "journal_recovered", "the journal is written again")
