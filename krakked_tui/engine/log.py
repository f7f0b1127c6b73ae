"""Structured log lines: built on the engine's loop, written by a thread of their own.

A slow disk or a full pipe must not hold up the engine: lines wait in a bounded queue, and when it
is full the newest is dropped and counted. The latest also stay in memory, for whoever wants to read along.
"""

import logging
import queue
import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple, TextIO

import structlog

from krakked_tui.decision.effects import Level, Log
from krakked_tui.domain.errors import StorageError
from krakked_tui.engine.clock import utc_now
from krakked_tui.engine.redaction import Redactor
from krakked_tui.engine.settings import LogFormat, LoggingSettings

Record = MutableMapping[str, Any]

QUEUE_LINES = 10_000
RECENT_LINES = 2_000
RECENT_CHARACTERS = 4_000_000
"""All recent lines together: a few huge ones must not cost as much memory as thousands of normal ones."""
LINE_CHARACTERS = 20_000
"""Kept in memory of one line; the file has all of it."""
CONTROL = "control"
"""Event of the records that say who commanded what. Of these the latest stay, whatever else is written."""
CONTROL_LINES = 200


class LogEntry(NamedTuple):
    """One record as it went to the file: without secrets. ``number`` counts from 1 and has no gaps."""

    number: int
    level: str
    event: str
    text: str


class RecentLines:
    """The latest records, for readers in any thread. Writing never waits for a reader."""

    def __init__(self) -> None:
        self._writing = threading.Lock()
        self._lines: deque[LogEntry] = deque()
        self._control: deque[LogEntry] = deque(maxlen=CONTROL_LINES)
        self._characters = 0
        self._number = 0

    def add(self, level: str, event: str, text: str) -> None:
        """Keep a record, and give up the oldest for it."""
        text = text[:LINE_CHARACTERS]
        with self._writing:  # numbers and places go together; held for no longer than this
            self._number += 1
            entry = LogEntry(self._number, level, event, text)
            self._lines.append(entry)
            self._characters += len(text)
            if event == CONTROL:
                self._control.append(entry)
            while len(self._lines) > RECENT_LINES or self._characters > RECENT_CHARACTERS:
                self._characters -= len(self._lines.popleft().text)

    def entries(self, after: int) -> Sequence[LogEntry]:
        """Return the kept records with a number above ``after``, oldest first; takes no lock."""
        control, lines = tuple(self._control), tuple(self._lines)  # each at one instant
        if not lines:
            return ()
        first = lines[0].number
        early = [entry for entry in control if after < entry.number < first]
        return (*early, *lines[max(0, after + 1 - first) :])


class LogWriter:
    """Writes lines to a file and, when asked, to standard output."""

    def __init__(self, path: Path, *, to_stdout: bool) -> None:
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._file: TextIO = path.open("a", encoding="utf-8", buffering=1)
            path.chmod(0o600)
        except OSError as error:
            raise StorageError(f"cannot write the log {path}: {error.strerror}") from error
        self._stdout = sys.stdout if to_stdout else None
        self._lines: queue.Queue[tuple[str, str] | None] = queue.Queue(QUEUE_LINES)
        self._thread = threading.Thread(target=self._write_all, name="log", daemon=True)
        self.dropped = 0
        """Lines lost to a full queue or a full disk."""
        self._thread.start()

    def write(self, for_file: str, for_stdout: str) -> None:
        """Queue one record in its two forms; never waits."""
        try:
            self._lines.put_nowait((for_file, for_stdout))
        except queue.Full:
            self.dropped += 1

    def close(self, timeout: float = 2.0) -> None:
        """Write what is queued, then stop; gives up after ``timeout`` wall seconds."""
        try:
            self._lines.put(None, timeout=timeout)
        except queue.Full:
            return
        self._thread.join(timeout)

    def _write_all(self) -> None:
        while (line := self._lines.get()) is not None:
            for_file, for_stdout = line
            try:
                self._file.write(for_file + "\n")
            except OSError:
                self.dropped += 1  # a full disk must not end the thread: the next line may fit
            if self._stdout is not None:
                self._print(for_stdout)
        self._file.close()

    def _print(self, line: str) -> None:
        assert self._stdout is not None
        try:
            print(line, file=self._stdout, flush=True)
        except (OSError, ValueError):
            self._stdout = None  # nobody reads it any more; the file goes on


class EngineLog:
    """The log of one engine: structured records to its file and, headless, to standard output."""

    def __init__(
        self,
        path: Path,
        settings: LoggingSettings,
        *,
        to_stdout: bool,
        context: Mapping[str, str],
        redactor: Redactor,
    ) -> None:
        """Open the file; ``context`` goes into every record. Raises ``StorageError``.

        ``redactor`` has the last word on every line, whatever produced it.
        """
        self._redactor = redactor
        self._writer = LogWriter(path, to_stdout=to_stdout)
        self._recent = RecentLines()
        self._console = settings.format is LogFormat.CONSOLE
        self._json = structlog.processors.JSONRenderer(default=str)
        self._readable = structlog.dev.ConsoleRenderer(colors=False)
        self.exchange_now: Callable[[], datetime] | None = None
        """The exchange's clock, which records also carry: in a rehearsal it is not ours."""
        self.logger: structlog.typing.FilteringBoundLogger = structlog.wrap_logger(
            _Lines(self._writer, self._recent),
            processors=[structlog.processors.format_exc_info, self._stamp, self._render],
            wrapper_class=structlog.make_filtering_bound_logger(Level[settings.level]),
            context_class=dict,
        ).bind(**context)
        self._adopted: list[tuple[logging.Logger, _Adopted]] = []

    @property
    def dropped(self) -> int:
        """Lines that were lost."""
        return self._writer.dropped

    def entries(self, after: int) -> Sequence[LogEntry]:
        """Return the latest records with a number above ``after``, oldest first. Any thread; never waits."""
        return self._recent.entries(after)

    def adopt(self, logger: logging.Logger) -> None:
        """Write what a logger of the standard library says here, and nowhere else, until ``close``."""
        handler = _Adopted(self.logger)
        logger.addHandler(handler)
        logger.propagate = False
        self._adopted.append((logger, handler))

    def write(self, line: Log) -> None:
        """Write a record of the core or the shell, with the sentence for the operator if it has one."""
        sentence = {"message": line.message} if line.message else {}
        self.logger.log(int(line.level), line.event, **{**line.fields, **sentence})

    def close(self) -> None:
        """Let go of adopted loggers, write what is queued, then close."""
        for logger, handler in self._adopted:
            logger.removeHandler(handler)
            logger.propagate = True
        self._adopted.clear()
        self._writer.close()

    def _stamp(self, _logger: object, level: str, record: Record) -> Record:
        stamped: Record = {
            "time": utc_now().isoformat(timespec="milliseconds"),
            "level": level,
            "event": record.pop("event"),
        }
        if self.exchange_now is not None:
            stamped["exchange_time"] = self.exchange_now().isoformat(timespec="milliseconds")
        stamped.update(record)
        return stamped

    def _render(
        self, logger: object, level: str, record: Record
    ) -> tuple[tuple[str, str, str, str], dict[str, object]]:
        event = self._redactor.clean(str(record["event"]))
        for_file = self._redactor.clean(str(self._json(logger, level, dict(record))))
        if not self._console:
            return (level, event, for_file, for_file), {}
        record["timestamp"] = record.pop("time")
        for_stdout = self._redactor.clean(str(self._readable(logger, level, record)))
        return (level, event, for_file, for_stdout), {}


class _Adopted(logging.Handler):
    """Turns records of the standard library into ours; tracebacks come without local values."""

    def __init__(self, log: structlog.typing.FilteringBoundLogger) -> None:
        super().__init__()
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        self._log.log(
            record.levelno, "message", source=record.name, text=record.getMessage(), exc_info=record.exc_info
        )


class _Lines:
    """What structlog calls with a rendered record, whatever its level."""

    def __init__(self, writer: LogWriter, recent: RecentLines) -> None:
        self._writer = writer
        self._recent = recent

    def __getattr__(self, _level: str) -> Callable[[str, str, str, str], None]:
        return self._write

    def _write(self, level: str, event: str, for_file: str, for_stdout: str) -> None:
        self._writer.write(for_file, for_stdout)
        self._recent.add(level, event, for_file)
