"""The set-up as questions: what is asked, what is shown, what is saved, and what is not."""

import asyncio
from decimal import Decimal

import msgspec
import pytest

from krakked_tui.cli.prompts import LeftError
from krakked_tui.cli.setup import Options, ask_and_save, confirmed_host, setup
from krakked_tui.control.setup import (
    KeyCheck,
    KeyringState,
    KeyVerdict,
    PreviewPair,
    SetupFacts,
    SetupMode,
    UniversePreview,
)
from krakked_tui.domain.errors import RefusedError, StorageError
from krakked_tui.domain.secret import Secret
from tests.fakes.setup import FACTS, FakeSetup, accepted, malformed, refused, unreachable, withdraws
from tests.unit.cli.script import Script

KEY, SECRET, PASSWORD = "the key itself", "the secret itself", "a password, long enough"
ENTERED = [KEY, SECRET]
LOCKED_UP = [PASSWORD, PASSWORD, "no"]
START = ["paper", "EU", "yes"]
"""Mode, region, and that there is a key."""


def facts(**changes: object) -> SetupFacts:
    return msgspec.structs.replace(FACTS, **changes)


def run(service: FakeSetup, answers: list[str], **options: bool) -> Script:
    script = Script(answers)
    ask_and_save(service, script, Options(**options))
    assert script.answers == [], "not everything was asked"
    return script


def left(service: FakeSetup, answers: list[str], **options: bool) -> Script:
    script = Script(answers)
    with pytest.raises(LeftError, match="nothing has been changed"):
        ask_and_save(service, script, Options(**options))
    assert script.answers == []
    assert service.saved == []
    assert service.closed
    return script


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, asyncio.CancelledError])
def test_an_interrupt_leaves_however_asyncio_passes_it_on(interrupt: type[BaseException]) -> None:
    class Interrupted(FakeSetup):
        async def check_key(self, api_key: Secret, api_secret: Secret) -> KeyCheck:
            raise interrupt

    left(Interrupted(), [*START, *ENTERED])


def test_a_good_key_is_saved_with_what_was_chosen() -> None:
    service = FakeSetup()
    script = run(service, [*START, *ENTERED, *LOCKED_UP, "yes"])
    (choices,) = service.saved
    assert (choices.mode, choices.region) == (SetupMode.PAPER, "EU")
    assert (choices.api_key, choices.api_secret) == (Secret(KEY), Secret(SECRET))
    assert choices.password == Secret(PASSWORD)
    assert choices.check == accepted()
    assert not choices.forced
    assert not choices.remember_password
    assert "ACCEPTED: Kraken accepted the key" in script.text
    assert "XBTUSD" in script.text
    assert "25 of 612 USD pairs" in script.text
    assert "Start trading on paper: krakked-tui" in script.text
    assert service.closed


def test_secrets_are_asked_for_hidden_and_never_shown() -> None:
    script = run(FakeSetup(), [*START, *ENTERED, *LOCKED_UP, "yes"])
    assert script.hidden == [KEY, SECRET, PASSWORD, PASSWORD]
    assert not any(part in script.text for part in (KEY, SECRET, PASSWORD))


def test_paper_needs_no_key() -> None:
    for answers, options in ((["", "", "", ""], {}), (["paper", "EU", "y"], {"skip_key": True})):
        service = FakeSetup()
        run(service, answers, **options)
        (choices,) = service.saved
        assert (choices.api_key, choices.api_secret, choices.password, choices.check) == (None,) * 4
        assert service.checked == []


def test_a_wrong_secret_leads_to_another_try() -> None:
    service = FakeSetup(checks=[refused(), accepted()])
    script = run(service, [*START, KEY, "wrong", "another", *ENTERED, *LOCKED_UP, "yes"])
    assert "REFUSED: Kraken says: EAPI:Invalid key." in script.text
    assert "Copy the key again" in script.text
    assert service.checked == [(Secret(KEY), Secret("wrong")), (Secret(KEY), Secret(SECRET))]
    assert service.saved[0].api_secret == Secret(SECRET)


def test_a_refused_key_cannot_be_saved_unless_that_was_asked_for() -> None:
    script = left(FakeSetup(checks=[refused()]), [*START, *ENTERED, "force", "save", "leave"])
    assert "force:" not in script.text
    service = FakeSetup(checks=[refused()])
    run(service, [*START, *ENTERED, "force", *LOCKED_UP, "yes"], force=True)
    assert service.saved[0].forced


def test_force_does_not_save_by_itself_nor_what_is_no_key() -> None:
    left(FakeSetup(checks=[refused()]), [*START, *ENTERED, "leave"], force=True)
    script = left(FakeSetup(checks=[malformed()]), [*START, *ENTERED, "force", "leave"], force=True)
    assert "MALFORMED" in script.text
    service = FakeSetup(checks=[accepted()])
    run(service, [*START, *ENTERED, *LOCKED_UP, "yes"], force=True)
    assert not service.saved[0].forced


def test_a_key_that_can_withdraw_needs_a_second_yes() -> None:
    service = FakeSetup(checks=[withdraws(), accepted()])
    script = run(service, [*START, *ENTERED, "", *ENTERED, *LOCKED_UP, "yes"])
    assert "! The key can withdraw funds." in script.text
    assert service.saved[0].check == accepted()
    service = FakeSetup(checks=[withdraws()])
    run(service, [*START, *ENTERED, "yes", *LOCKED_UP, "yes"])
    assert service.saved[0].check == withdraws()


def test_an_exchange_that_cannot_be_reached_is_tried_again_without_typing_the_key_again() -> None:
    service = FakeSetup(checks=[unreachable(), unreachable(), accepted()])
    run(service, [*START, *ENTERED, "retry", "", *LOCKED_UP, "yes"])
    assert service.checked == [(Secret(KEY), Secret(SECRET))] * 3


def test_an_untried_key_is_saved_as_such_or_not_at_all() -> None:
    service = FakeSetup(checks=[unreachable()])
    script = run(service, [*START, *ENTERED, "save", *LOCKED_UP, "yes"])
    assert "UNREACHABLE" in script.text
    assert "as UNVALIDATED" in script.text
    (choices,) = service.saved
    assert choices.check is not None
    assert choices.check.verdict is KeyVerdict.UNREACHABLE
    assert not choices.forced
    left(FakeSetup(checks=[unreachable()]), [*START, *ENTERED, "leave"])


FULL = [*START, *ENTERED, *LOCKED_UP]


@pytest.mark.parametrize("answered", range(len(FULL) + 1))
def test_leaving_at_any_question_changes_nothing(answered: int) -> None:
    left(FakeSetup(), FULL[:answered])


def test_saying_no_to_the_last_question_is_leaving() -> None:
    left(FakeSetup(), [*FULL, "no"])


def test_a_weak_or_mistyped_password_is_asked_for_again() -> None:
    service = FakeSetup()
    answers = ["short", PASSWORD, "mistyped, long enough", PASSWORD, PASSWORD, "yes"]
    script = run(service, [*START, *ENTERED, *answers, "yes"])
    assert "That is weak. Add words." in script.text
    assert "These were not the same." in script.text
    assert service.saved[0].password == Secret(PASSWORD)
    assert service.saved[0].remember_password


def test_without_a_keyring_nobody_is_asked_about_it() -> None:
    service = FakeSetup(facts(keyring=KeyringState(usable=False, detail="this system has none")))
    script = run(service, [*START, *ENTERED, PASSWORD, PASSWORD, "yes"])
    assert "asked for it at every start in live mode (this system has none)" in script.text
    assert not service.saved[0].remember_password


def test_what_is_there_already_is_told() -> None:
    service = FakeSetup(facts(secrets_exist=True, environment_key="The key of the environment is used."))
    script = run(service, ["live", "", "", "yes"])
    assert "There is a key already" in script.text
    assert "The key of the environment is used." in script.text
    assert service.saved[0].api_key is None
    assert service.saved[0].region == FACTS.default_region


def test_live_wants_a_key_by_default() -> None:
    service = FakeSetup()
    run(service, ["live", "", "", *ENTERED, *LOCKED_UP, "yes"])
    assert service.saved[0].mode is SetupMode.LIVE
    assert service.saved[0].api_key == Secret(KEY)


def test_a_preview_that_fails_stops_nothing() -> None:
    service = FakeSetup(previews=[UniversePreview(trouble="Ticker found no connection")])
    script = run(service, [*FULL, "yes"])
    assert "cannot be shown now: Ticker found no connection." in script.text
    assert service.saved


def test_names_of_the_exchange_cannot_paint_on_the_terminal() -> None:
    pair = PreviewPair("EVIL\x1b[2JUSD", Decimal("1E-8"), Decimal("1E+7"))
    script = run(FakeSetup(previews=[UniversePreview(1, 2, (pair,))]), [*FULL, "yes"])
    assert "\x1b" not in script.text
    assert "0.00000001" in script.text
    assert "10,000,000" in script.text


@pytest.mark.parametrize("error", [RefusedError("not allowed"), StorageError("the disk is full")])
def test_what_saving_says_is_passed_on(error: Exception) -> None:
    script = Script([*FULL, "yes"])
    with pytest.raises(type(error), match=str(error)):
        ask_and_save(FakeSetup(saves=[error]), script, Options())


def test_without_a_terminal_the_alternatives_are_named() -> None:
    with open("/dev/null") as nothing, pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stdin", nothing)
        with pytest.raises(RefusedError, match="KRAKEN_API_KEY and KRAKEN_API_SECRET") as refusal:
            setup()
    assert refusal.value.exit_code == 6


def test_keys_go_to_another_host_only_when_its_name_is_typed() -> None:
    script = Script(["evil.example"])
    assert confirmed_host(script, "evil.example") == "evil.example"
    assert "evil.example is NOT Kraken" in script.text
    for typed in ("", "yes", "EVIL.example"):
        script = Script([typed])
        assert confirmed_host(script, "evil.example") == ""
        assert "no key will be sent to evil.example" in script.text
    with pytest.raises(LeftError, match="nothing has been changed"):
        confirmed_host(Script([]), "evil.example")
