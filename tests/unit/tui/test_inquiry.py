"""Questions are asked beside the screen: an answer is clean, an error is one sentence."""

import asyncio
from decimal import Decimal

from krakked_tui.control.risk_view import RiskPreview, SettingChange
from krakked_tui.domain.errors import StorageError
from krakked_tui.tui.dispatch import Work
from krakked_tui.tui.inquiry import Inquirer
from tests.fakes.controller import FakeController

HOSTILE = "\x1b[2Jplan"
SHOWN = "␛[2Jplan"


class Desk:
    """Runs the work of questions when told to."""

    def __init__(self) -> None:
        self.fake = FakeController()
        self.now = 10.0
        self.work: list[Work] = []
        self.errors: list[Exception] = []
        names = {SHOWN: HOSTILE}
        self.ask = Inquirer(
            self.fake,
            lambda: self.now,
            lambda name: names.get(name, name),
            self.work.append,
            self.errors.append,
        )

    def run(self) -> None:
        while self.work:
            asyncio.run(self.work.pop(0))


def test_an_answer_comes_later_clean_and_as_it_came() -> None:
    desk = Desk()
    inquiry = desk.ask.preview({HOSTILE: "1"})
    before = (inquiry.pending, inquiry.answer)
    desk.run()
    assert before == (True, None)
    assert not inquiry.pending
    assert inquiry.answer == RiskPreview((SettingChange(SHOWN, "", "1"),))
    assert inquiry.raw == RiskPreview((SettingChange(HOSTILE, "", "1"),))


def test_every_question_names_things_as_the_engine_does() -> None:
    desk = Desk()
    desk.ask.preset(SHOWN)
    desk.ask.what_if(SHOWN, Decimal(5), None)
    desk.ask.explain(SHOWN)
    desk.ask.explain_silence(SHOWN, SHOWN)
    desk.run()
    assert desk.fake.limits.asked == [
        ("preset", HOSTILE),
        ("what_if", HOSTILE, Decimal(5), None),
        ("explain", HOSTILE),
        ("silence", HOSTILE, HOSTILE),
    ]


def test_errors_are_one_sentence_and_only_the_unforeseen_ones_are_reported() -> None:
    desk = Desk()
    desk.fake.limits.fails = StorageError(f"the journal {HOSTILE} is gone")
    known = desk.ask.explain("x")
    desk.run()
    assert known.trouble == f"the journal {SHOWN} is gone"
    assert not known.pending
    assert desk.errors == []
    desk.fake.limits.fails = ZeroDivisionError("secret")
    unknown = desk.ask.explain("x")
    desk.run()
    assert unknown.trouble == "Internal error (ZeroDivisionError); the log has the details."
    assert len(desk.errors) == 1


def test_the_age_of_a_question() -> None:
    desk = Desk()
    inquiry = desk.ask.explain("x")
    desk.now = 12.5
    assert desk.ask.age(inquiry) == 2.5
    desk.run()
