"""The engine's log as a screen shows it: numbered records, newest last.

Secrets are masked already; everything else in a record is untrusted text.
"""

from datetime import datetime

import msgspec


class LogLine(msgspec.Struct, frozen=True):
    """One record. ``number`` counts the records of this run, from 1.

    ``level`` is debug, info, warning, error or critical; ``message`` a sentence for people, empty where
    there is none; ``fields`` everything else in its order, values that are no text as JSON.
    """

    number: int
    level: str
    event: str
    at: datetime | None = None
    """This machine's clock, UTC; None where the record is not understood: then ``message`` is all of it."""
    exchange_at: datetime | None = None
    """The exchange's clock, UTC; None before the engine knows it. In a rehearsal it is another one."""
    message: str = ""
    fields: tuple[tuple[str, str], ...] = ()


class LogPage(msgspec.Struct, frozen=True):
    """Records after a given one, oldest first. Ask again with the last one's number for what follows.

    Where numbers are missing, records were given up before anybody read them: only so many are kept.
    """

    lines: tuple[LogLine, ...] = ()
    dropped: int = 0
    """Records that are missing in the file, since the start: the disk was full, or too slow."""
