"""One engine with everything it needs, from its lock to its last log line."""

import logging
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from krakked_tui import __version__
from krakked_tui.bootstrap.settings import SettingsKeeper
from krakked_tui.bootstrap.strategies import log_failures
from krakked_tui.config.places import Places
from krakked_tui.config.schema import AppConfig
from krakked_tui.control.local import LocalController
from krakked_tui.control.portfolio_picture import LedgerRows
from krakked_tui.decision.effects import Level, Log
from krakked_tui.decision.state import CoreSettings
from krakked_tui.domain.errors import KrakkedError
from krakked_tui.engine.adapters import Adapters, EngineSettings
from krakked_tui.engine.answers import Answers
from krakked_tui.engine.chains import JournalLook
from krakked_tui.engine.clock import ExchangeClock
from krakked_tui.engine.engine import Engine
from krakked_tui.engine.log import EngineLog
from krakked_tui.engine.redaction import Redactor
from krakked_tui.engine.thread import EngineThread


class Session:
    """One engine, its door and its log."""

    def __init__(
        self, *, thread: EngineThread, controller: LocalController, config: AppConfig, log: EngineLog,
        on_close: Callable[[], None],
    ) -> None:  # fmt: skip
        self.controller = controller
        self.config = config
        self._thread = thread
        self._log = log
        self._on_close = on_close
        self._stopped_by = ""

    def start(self) -> None:
        """Start the engine's thread."""
        self._thread.start()

    def stop(self, reason: str, *, by: str, hurry: bool = False) -> None:
        """Ask the engine to stop in order; ``hurry`` skips what it would wait for."""
        if self._thread.call(lambda engine: engine.request_stop(reason, by)):
            self._stopped_by = self._stopped_by or by
        if hurry:
            self._thread.call(lambda engine: engine.hurry())

    def join(self, timeout: float) -> bool:
        """Wait for the engine's end; False when it did not come in time."""
        return self._thread.join(timeout)

    def log_crash(self, report: str) -> None:
        """Keep a crash report of the screen in the log."""
        self._log.logger.error("ui_crashed", report=report)

    def close(self) -> BaseException | None:
        """Write the last log line and let go of everything. Returns what ended the engine, if not we.

        A start that was stopped because its time was over counts as failed.
        """
        summary, error = self._thread.summary, self._thread.error
        if summary is not None and summary.unstarted and self._stopped_by == "cli":
            error = KrakkedError(f"stopped before it could start: {summary.unstarted}")
        if error is not None:
            told = {"error": f"{type(error).__name__}: {error}"}
            if not isinstance(error, KrakkedError):
                told["traceback"] = "".join(traceback.format_exception(error))
            self._log.logger.critical("engine_failed", **told)
        facts = msgspec.to_builtins(summary) if summary is not None else {"failed": True}
        if self._log.dropped:
            facts["log_lines_dropped"] = self._log.dropped
        self._log.logger.info("engine_stopped", **facts)
        self._log.close()
        self._on_close()
        return error


@dataclass(frozen=True, slots=True, kw_only=True)
class Assembly:
    """What an engine is put together from. ``warnings`` are told the operator once."""

    mode: str
    profile: str
    other_host: str
    keeper: SettingsKeeper
    adapters: Adapters
    log: EngineLog
    warnings: tuple[str, ...]
    on_close: Callable[[], None]
    ledger_rows: LedgerRows
    """Reads the ledger rows of a trade; blocks on the disk."""
    journal: JournalLook
    """Looks at the decisions that are stored."""


def open_log(
    where: Places, config: AppConfig, profile: str, redactor: Redactor, *, to_stdout: bool
) -> EngineLog:
    """Open the profile's log, which also takes what our modules say. Raises ``StorageError``."""
    log = EngineLog(
        where.log,
        config.logging,
        to_stdout=to_stdout,
        context={"profile": profile, "version": __version__},
        redactor=redactor,
    )
    log.adopt(logging.getLogger("krakked_tui"))
    return log


def assemble(parts: Assembly) -> Session:
    """Put the engine, its thread and its door together; nothing runs yet."""
    config = parts.keeper.config
    log_failures(parts.keeper.strategies().failures)
    answers = Answers()
    controller = LocalController(
        mode=parts.mode,
        profile=parts.profile,
        other_host=parts.other_host,
        answers=answers,
        keeper=parts.keeper,
        log=parts.log,
        strategies=[each.strategy for each in parts.keeper.strategies().strategies if not each.in_worker],
    )

    def write_log(line: Log) -> None:
        parts.log.write(line)
        controller.note(line)

    def make_engine() -> Engine:
        for warning in parts.warnings:
            write_log(Log(Level.WARNING, "start_warning", {"warning": warning}, warning))
        clock = ExchangeClock()
        parts.log.exchange_now = clock.now
        return Engine(
            _engine_settings(config, parts), parts.adapters, answers=answers, write_log=write_log,
            publish=controller.publish, clock=clock,
        )  # fmt: skip

    thread = EngineThread(make_engine)
    controller.attach(thread, parts.ledger_rows, parts.journal)
    # What is noted belongs to the engine's loop.
    parts.keeper.announce = lambda line: thread.call(lambda _engine: write_log(line))
    return Session(
        thread=thread, controller=controller, config=config, log=parts.log, on_close=parts.on_close
    )


def _engine_settings(config: AppConfig, parts: Assembly) -> EngineSettings:
    return EngineSettings(
        core=CoreSettings(
            strategies=config.strategies.active,
            risk=config.risk,
            execution=config.execution,
            portfolio=config.portfolio,
            portfolio_sync_seconds=config.scheduler.portfolio_sync_seconds,
            snapshot_seconds=config.scheduler.snapshot_seconds,
            min_liquidity_24h_usd=config.universe.min_24h_volume_usd,
        ),
        scheduler=config.scheduler,
        market=config.market_data,
        universe=config.universe,
        # Microseconds since 1970: above every number an earlier run can have used, and below 36**11.
        first_order_number=time.time_ns() // 1000,
        about={"mode": parts.mode, **parts.keeper.about()},
    )
