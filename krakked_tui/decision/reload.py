"""Other limits and other strategies while the engine runs: all at once, from the next cycle on.

What strategies hold that are not run any more is watched and sold as before: that is no strategy's doing.
"""

import msgspec

from krakked_tui.decision import events as e
from krakked_tui.decision.effects import Level
from krakked_tui.decision.outcome import Outcome
from krakked_tui.decision.state import State
from krakked_tui.domain.records import ControlLogged

OUTCOME = "in force from the next cycle on"


def settings_reloaded(state: State, out: Outcome, event: e.SettingsReloaded) -> None:
    """Take over new limits and strategies, and put each change on record."""
    before = {strategy.id: strategy for strategy in state.settings.strategies}
    now = {strategy.id: strategy for strategy in event.strategies}
    anew = {strategy_id for strategy_id, strategy in now.items() if before.get(strategy_id) != strategy}
    anew |= event.restarted & now.keys()
    gone = before.keys() - now.keys()
    state.settings = msgspec.structs.replace(state.settings, risk=event.risk, strategies=event.strategies)
    for strategy_id in anew | gone:
        state.strategy_errors.pop(strategy_id, None)
    if state.cycle_running:
        state.restarted |= anew
    _put_on_record(out, event)
    out.log(
        Level.WARNING, "settings_reloaded", _sentence(event), by=event.by,
        keys=", ".join(change.key for change in event.changes), restarted=", ".join(sorted(event.restarted)),
        running=", ".join(sorted(now)), stopped=", ".join(sorted(gone)),
    )  # fmt: skip
    out.answer(event.ticket, OUTCOME)


def _put_on_record(out: Outcome, event: e.SettingsReloaded) -> None:
    for change in event.changes:
        told = f"{change.key} = {change.new or 'default'}, was {change.old or 'default'}"
        out.record(ControlLogged(event.at, event.by, "settings", told, OUTCOME))
    for strategy_id in sorted(event.restarted):
        out.record(ControlLogged(event.at, event.by, "restart", strategy_id, OUTCOME))


def _sentence(event: e.SettingsReloaded) -> str:
    told = [f"{change.key} = {change.new or 'default'}" for change in event.changes]
    told += [f"{strategy_id} runs anew" for strategy_id in sorted(event.restarted)]
    return f"settings changed by {event.by}: {'; '.join(told) or 'read again'}"
