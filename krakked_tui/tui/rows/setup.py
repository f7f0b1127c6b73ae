"""What the steps of set-up say. Every text that comes in must be clean."""

from collections.abc import Sequence

from krakked_tui.control.setup import (
    KeyCheck,
    KeyVerdict,
    PasswordStrength,
    SetupChoices,
    SetupFacts,
    SetupMode,
    SetupSaved,
    UniversePreview,
)
from krakked_tui.tui.rows.line import (
    EMPTY,
    Cell,
    Column,
    Line,
    Look,
    Row,
    Span,
    clip,
    header_line,
    place,
    row_line,
    spread,
    wrap,
)
from krakked_tui.tui.rows.numbers import fixed
from krakked_tui.tui.rows.permissions import audit_lines

_LABEL_WIDTH = 16
_TICK = (
    "Query funds; Query open orders & trades; Query closed orders & trades; Query ledger entries; "
    "Create & modify orders; Cancel & close orders; Access WebSockets API."
)
_NEVER = "Withdraw funds. Whoever steals a key that can withdraw can empty the account."
_PREVIEW_COLUMNS = (
    Column("PAIR", 14, most=20),
    Column("LAST $", 16, number=True),
    Column("24 H VOLUME $", 18, number=True),
)
_PAPER_PROFILE, _LIVE_PROFILE = "paper", "live"
_SCORE_MAX = 4
_ADVICE = "Several unusual words are strong and easy to type."
_ASKED = "asked for when Krakked starts with the key (live mode); paper trading needs none"


def header(facts: SetupFacts, number: int, title: str, width: int) -> Line:
    """Return the top line: where this is, and how far."""
    left = (
        Span(" KRAKKED SET-UP ", Look.MODE),
        Span(f" profile {facts.profile}", Look.OFF),
        Span(f"   {title}", Look.TITLE),
    )
    return spread(left, (Span(f" step {number} of 6 ", Look.BAR),) if number else EMPTY, width)


def welcome_lines(facts: SetupFacts, width: int) -> list[Line]:
    """Return what set-up does, and what is there already."""
    lines = _text(
        f"This sets up the profile {facts.profile}. Nothing is written before the last step, and nothing "
        "goes live from here: live trading has to be switched on by hand afterwards.",
        width,
    )
    if facts.secrets_exist:
        lines += _text(
            f"A key is saved already, in {facts.secrets_file}. Saving a new one replaces it; without a "
            "new one it stays as it is.",
            width,
            Look.WARN,
        )
    if facts.environment_key:
        lines += _text(facts.environment_key, width, Look.WARN)
    return [*lines, *wrap("What is it for?", width, Look.STRONG)]


def key_lines(facts: SetupFacts, mode: SetupMode, width: int) -> list[Line]:
    """Return where a key is made, what it must be able to do, and what it must never."""
    lines = wrap(_needed(facts, mode), width, Look.STRONG)
    lines += wrap(
        "Make a key of its own for Krakked on Kraken's site: Settings > API > Create API key.", width
    )
    lines += _labelled("✓ Tick", _TICK, width, Look.PLAIN)
    lines += _labelled("✗ NEVER tick", _NEVER, width, Look.WARN)
    return lines + wrap(
        f"It is checked at {facts.exchange}, which reads its permissions and balances and trades nothing.",
        width,
    )


def _needed(facts: SetupFacts, mode: SetupMode) -> str:
    if facts.secrets_exist:
        return "A key is saved already: skip this step to keep it, or enter the one that replaces it."
    if mode is SetupMode.PAPER:
        return "Paper trading needs no key: this step may be skipped."
    return "Live trading needs a key."


def checking_lines(facts: SetupFacts, width: int) -> list[Line]:
    """Return what is going on while the key is checked."""
    lines = wrap(f"… Asking {facts.exchange} about this key.", width, Look.STRONG)
    return [*lines, *wrap("This takes a few seconds. Going back calls it off.", width, Look.MUTED)]


_VERDICTS = {
    KeyVerdict.ACCEPTED: ("✓ ACCEPTED", Look.GOOD),
    KeyVerdict.MALFORMED: ("✗ NOT A KEY", Look.ALARM),
    KeyVerdict.REFUSED: ("✗ REFUSED", Look.ALARM),
    KeyVerdict.UNREACHABLE: ("? NOT CHECKED", Look.WARN),
}
_CONSEQUENCES = {
    KeyVerdict.ACCEPTED: "",
    KeyVerdict.MALFORMED: "Nothing was sent, and nothing is saved. Go back and correct it.",
    KeyVerdict.REFUSED: "It is not saved. Go back and correct it.",
    KeyVerdict.UNREACHABLE: "This says nothing about the key. Try again, or save it as unvalidated: Krakked "
    "then says so until the exchange has accepted it.",
}


def check_lines(check: KeyCheck, width: int) -> list[Line]:
    """Return what came of a check: the verdict, what to do, warnings, permissions."""
    word, look = _VERDICTS[check.verdict]
    lines: list[Line] = [(Span(f" {word} ", look),), *wrap(check.headline, width, Look.STRONG)]
    if check.audit is not None and check.audit.can_withdraw:
        lines += wrap(
            "DANGER: this key can, or may, withdraw money. Make one that cannot; live trading refuses it.",
            width,
            Look.ALARM,
        )
    for warning in check.warnings:
        lines += wrap(f"! {warning}", width, Look.WARN)
    lines += wrap(check.advice, width)
    lines += wrap(_CONSEQUENCES[check.verdict], width)
    return [*lines, EMPTY, *audit_lines(check.audit, width)] if check.audit is not None else lines


def password_lines(facts: SetupFacts, width: int) -> list[Line]:
    """Return what the master password is for."""
    lines = _text(
        f"It locks up the key in {facts.secrets_file}, and is asked for when Krakked starts with the key "
        "(live mode). Nobody can recover it: without it the key has to be entered again.",
        width,
    )
    if facts.keyring.usable:
        text = f"The keyring of this computer can keep it: {facts.keyring.detail}"
        return lines + wrap(text, width, Look.MUTED)
    text = f"No keyring can keep it here, as is usual on servers: {facts.keyring.detail}"
    return lines + wrap(text, width, Look.MUTED)


def strength_lines(strength: PasswordStrength | None, width: int, *, typed: bool) -> list[Line]:
    """Return how strong the password is, and how to better it; None while that is not known."""
    if strength is None:
        return [(Span("strength: … judging" if typed else "strength: nothing typed yet", Look.MUTED),)]
    score = min(max(strength.score, 0), _SCORE_MAX)
    look = Look.GOOD if strength.enough else Look.WARN
    bar = "■" * (score + 1) + "·" * (_SCORE_MAX - score)
    words = f" {strength.words}" if strength.enough else f" {strength.words}, NOT ENOUGH"
    line = (Span("strength: "), Span(bar, look), Span(clip(words, max(0, width - 15)), look))
    advice = strength.advice or ("" if strength.enough else _ADVICE)
    return [line, *wrap(advice, width, Look.MUTED)[:2]]


def region_lines(width: int) -> list[Line]:
    """Return what the region decides."""
    return _text(
        "What Kraken offers depends on where you live: the region decides which pairs and features exist. "
        "It can be changed later in the configuration file.",
        width,
    )


def preview_lines(preview: UniversePreview | None, width: int, height: int) -> list[Line]:
    """Return what would be traded, in at most so many lines."""
    if preview is None:
        return wrap("… Loading what would be traded.", width, Look.MUTED)[:height]
    if preview.trouble:
        lines = wrap(f"No preview: {preview.trouble}", width, Look.WARN)
        return [*lines, *wrap("This does not matter for set-up: go on.", width)][:height]
    text = f"{preview.chosen} of {preview.listed} USD pairs would be traded; the most traded ones:"
    lines = wrap(text, width, Look.STRONG)
    placed = place(_PREVIEW_COLUMNS, width)
    rows = [
        Row(pair.name, (Cell(pair.name), Cell(f"{pair.last:,f}"), Cell(fixed(pair.volume_24h, 0))))
        for pair in preview.pairs
    ]
    table = [header_line(placed, "PAIR"), *(row_line(row, placed) for row in rows)]
    return [*lines, *table][:height]


def review_lines(facts: SetupFacts, choices: SetupChoices, width: int) -> list[Line]:
    """Return exactly what saving writes, and where."""
    paper = choices.mode is SetupMode.PAPER
    mode = "paper trading" if paper else "live trading, prepared; still to be switched on by hand"
    lines = _labelled("Profile", _profile(facts, choices), width)
    lines += _labelled("Mode", mode, width)
    lines += _labelled("Region", choices.region, width)
    lines += [EMPTY, *_key_review(facts, choices, width)]
    lines += [EMPTY, *wrap("Nothing has been written yet. Saving writes:", width, Look.STRONG)]
    for path, what in _files(facts, choices):
        lines += _item("•", f"{path}: {what}", width)
    return lines


def _profile(facts: SetupFacts, choices: SetupChoices) -> str:
    live = _live_profile(facts)
    if choices.mode is SetupMode.PAPER or live == facts.profile:
        return facts.profile
    return f"{live}; the profile {facts.profile} goes on trading on paper"


def _live_profile(facts: SetupFacts) -> str:
    """Return the profile that a live set-up is for; the paper profile is never made live."""
    return _LIVE_PROFILE if facts.profile == _PAPER_PROFILE else facts.profile


def _files(facts: SetupFacts, choices: SetupChoices) -> list[tuple[str, str]]:
    """Return each file that saving writes, with what is written into it."""
    files = [(facts.config_file, "the region, for all profiles")]
    if choices.mode is SetupMode.LIVE:
        # The overlay of a profile lies beside the configuration file and is named after it.
        folder, slash, name = facts.config_file.rpartition("/")
        live = _live_profile(facts)
        overlay = f"{folder}{slash}{name.rpartition('.')[0] or name}.{live}.toml"
        files.append((overlay, f"live mode, for the profile {live} only"))
    if choices.api_key is not None:
        files.append((facts.secrets_file, "the key, encrypted with the master password"))
    if choices.api_key is not None and facts.secrets_exist:
        # The storage picks the first such name that is free.
        aside = "or that with a number: what is saved now, if the new password does not open it"
        files.append((f"{facts.secrets_file}.replaced", aside))
    return files


def _key_review(facts: SetupFacts, choices: SetupChoices, width: int) -> list[Line]:
    used = _labelled("", facts.environment_key, width, Look.WARN) if facts.environment_key else []
    if choices.api_key is None:
        kept = f"no new one; the one in {facts.secrets_file} stays as it is"
        return _labelled("API key", kept if facts.secrets_exist else "none is saved", width) + used
    checked = choices.check is not None and choices.check.verdict is KeyVerdict.ACCEPTED
    state = "accepted by the exchange" if checked else "UNVALIDATED: the exchange was not reached"
    lines = _labelled("API key", state, width, Look.PLAIN if checked else Look.WARN)
    if choices.check is not None and choices.check.audit is not None and choices.check.audit.can_withdraw:
        lines += _labelled("", "it can, or may, WITHDRAW MONEY", width, Look.ALARM)
    if facts.secrets_exist:
        lines += _labelled("", "this REPLACES the key that is saved now", width, Look.WARN)
    keeps = "kept in the keyring of this computer" if choices.remember_password else _ASKED
    return lines + used + _labelled("Password", keeps, width)


def start_label(facts: SetupFacts, mode: SetupMode) -> str:
    """Return what going on after the last step does: the profile starts that set-up was started for."""
    if mode is SetupMode.PAPER or facts.profile == _PAPER_PROFILE:
        return "Start paper trading"
    return f"Start the profile {facts.profile}"


def saved_lines(saved: SetupSaved, width: int) -> list[Line]:
    """Return what was written, and what to do next."""
    lines: list[Line] = [(Span(" ✓ SAVED ", Look.GOOD),)]
    for sentence in saved.written:
        lines += _item("✓", sentence, width)
    if saved.next_steps:
        lines += [EMPTY, (Span("NEXT", Look.TITLE),)]
    for sentence in saved.next_steps:
        lines += _item("•", sentence, width)
    return lines


def leave_lines(width: int, *, typed: bool) -> list[Line]:
    """Return what leaving set-up does."""
    lost = " What was typed is forgotten." if typed else ""
    return wrap(f"Nothing is saved: everything stays as it was before.{lost}", width)


def _text(text: str, width: int, look: Look = Look.PLAIN) -> list[Line]:
    """Return a paragraph with air after it."""
    return [*wrap(text, width, look), EMPTY]


def _labelled(label: str, value: str, width: int, look: Look = Look.PLAIN) -> list[Line]:
    lines = wrap(value, width - _LABEL_WIDTH, look)
    name, blank = Span(label.ljust(_LABEL_WIDTH), Look.MUTED), Span(" " * _LABEL_WIDTH)
    return [(blank if index else name, *line) for index, line in enumerate(lines)]


def _item(mark: str, sentence: str, width: int) -> list[Line]:
    lines: Sequence[Line] = wrap(sentence, width - 3)
    return [(Span("   " if index else mark.ljust(3), Look.KEY), *line) for index, line in enumerate(lines)]
