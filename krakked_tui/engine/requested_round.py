"""One round of reading candles because an operator asks for it."""

from collections.abc import Callable

from krakked_tui.decision.effects import Answer, Level, Log
from krakked_tui.domain.errors import StorageError
from krakked_tui.engine.answers import Answers
from krakked_tui.engine.ingest import Ingest
from krakked_tui.engine.ingest_report import IngestStatistics


class RequestedRound:
    """Answers and logs the command that has candles read now. One round at a time."""

    def __init__(self, ingest: Ingest, answers: Answers, write_log: Callable[[Log], None]) -> None:
        self._ingest = ingest
        self._answers = answers
        self._write_log = write_log
        self._running = False

    async def run(self, by: str, ticket: int) -> None:
        """Have a round run, then answer with what it did; a round under way is waited for first."""
        if self._running:
            self._answer(by, ticket, "candles are being read already: wait for that answer", accepted=False)
            return
        self._running = True
        try:
            done = await self._ingest.refresh()
        except StorageError as error:
            self._answer(by, ticket, f"the stored candles cannot be read: {error}", accepted=False)
        else:
            self._answer(by, ticket, sentence(done), accepted=not done.failed or bool(done.done))
        finally:
            self._running = False

    def _answer(self, by: str, ticket: int, message: str, *, accepted: bool) -> None:
        outcome = message if accepted else f"refused: {message}"
        self._write_log(
            Log(Level.INFO, "control", {"by": by, "command": "ingest_candles", "outcome": outcome})
        )
        self._answers.resolve(Answer(ticket, accepted=accepted, message=message))


def sentence(done: IngestStatistics) -> str:
    """Say in one sentence what a round did."""
    told = (
        f"{done.done:,} of {done.pairs:,} pairs have all that the exchange gives,"
        f" {done.rows:,} rows new or corrected in {done.seconds:.1f} s and {done.calls:,} calls"
    )
    if done.failed:
        told += f"; {done.failed:,} failed ({done.failures[0]})"
    return told
