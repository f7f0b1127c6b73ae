"""Settings that are being changed: the form, what it would do, and whether it is in force."""

import tomllib
from collections.abc import Mapping, Sequence
from decimal import Decimal

import msgspec

from krakked_tui.control.risk_view import LimitLine, RiskPreview, SettingChange
from krakked_tui.control.settings_view import SettingsView
from krakked_tui.control.strategy_view import ParameterLine
from krakked_tui.tui.rows.dialogs import count, labelled
from krakked_tui.tui.rows.line import EMPTY, Line, Look, Span, clip, wrap
from krakked_tui.tui.rows.risk_words import PER_STRATEGY, RISK_WORDS, words
from krakked_tui.tui.text import clean

NOT_SET = "(not set)"
_NAME_WIDTH = 28
_RISK = "risk."
_CONFIGS = "strategies.configs."
ASKING = "Asking the engine what this would do..."


class Field(msgspec.Struct, frozen=True):
    """One setting of a form. ``value`` is TOML, empty for none; ``help`` says what it is."""

    key: str
    name: str
    value: str
    help: str
    allowed: str = ""
    default: str = ""


def risk_fields(settings: SettingsView, limits: Sequence[LimitLine]) -> list[Field]:
    """Return everything that can be set of the limits, in the order of the form."""
    values = {row.key: row.value for row in settings.rows if row.key.startswith(_RISK)}
    values.pop(PER_STRATEGY, None)  # an empty table: its rows are by strategy
    named = {limit.key: limit for limit in limits if limit.key}
    values |= {key: limit.toml for key, limit in named.items() if limit.toml}
    shares = [f"{PER_STRATEGY}.{name}" for name in _strategies(settings)]
    known = [*RISK_WORDS, *shares, *values, *named]
    return [_risk_field(key, values.get(key, ""), named.get(key)) for key in dict.fromkeys(known)]


def _strategies(settings: SettingsView) -> list[str]:
    """Return the ids of all strategies that are configured."""
    keys = [row.key.removeprefix(_CONFIGS) for row in settings.rows if row.key.startswith(_CONFIGS)]
    return list(dict.fromkeys(key.partition(".")[0] for key in keys))


def _risk_field(key: str, value: str, limit: LimitLine | None) -> Field:
    name, text = words(key)
    if name == key and limit is not None:
        name = limit.name
    return Field(key, name, value, text or (limit.detail if limit is not None else ""))


def parameter_fields(parameters: Sequence[ParameterLine]) -> list[Field]:
    """Return what can be changed of a strategy while the engine runs."""
    return [
        Field(each.key, each.name, each.value, each.description, each.allowed, each.default)
        for each in parameters
        if each.changeable
    ]


def form_lines(
    fields: Sequence[Field], marked: int, changes: Mapping[str, str], rows: int, width: int
) -> list[Line]:
    """Return a window of ``rows`` fields around the marked one, and what the marked one means."""
    if not fields:
        return wrap("There is nothing to change here.", width, Look.MUTED)
    top = min(max(0, marked - rows // 2), max(0, len(fields) - rows))
    shown = fields[top : top + rows]
    lines = [
        _field_line(each, changes.get(each.key), width, marked=top + index == marked)
        for index, each in enumerate(shown)
    ]
    place = f"{marked + 1} of {len(fields)}; {count(len(changes), 'change')}"
    return [*lines, EMPTY, *_about(fields[marked], width), (Span(place, Look.MUTED),)]


def _field_line(field: Field, new: str | None, width: int, *, marked: bool) -> Line:
    mark = Span("▶ " if marked else "  ", Look.KEY)
    name = Span(clip(field.name, _NAME_WIDTH - 1).ljust(_NAME_WIDTH), Look.STRONG if marked else Look.PLAIN)
    room = width - len(mark.text) - _NAME_WIDTH
    if new is None:
        return (mark, name, Span(clip(field.value or NOT_SET, room), Look.PLAIN))
    return (mark, name, *_arrow(field.value, new or "the default", room))


def _about(field: Field, width: int) -> list[Line]:
    facts = [field.help]
    if field.allowed:
        facts.append(f"Allowed: {field.allowed}.")
    if field.default:
        facts.append(f"Default: {field.default}.")
    return wrap(" ".join(filter(None, facts)), width, Look.MUTED)


def _arrow(old: str, new: str, room: int) -> Line:
    """Return old and new value; neither may push the other out of sight."""
    arrow = "  →  "
    left, right = old or NOT_SET, new
    each = max(0, (room - len(arrow)) // 2)
    if len(left) + len(right) + len(arrow) > room:
        left = clip(left, max(each, room - len(arrow) - len(right)))
        right = clip(right, max(0, room - len(arrow) - len(left)))
    return (Span(left), Span(arrow, Look.KEY), Span(right, Look.STRONG))


def preview_lines(preview: RiskPreview, width: int) -> list[Line]:
    """Return what a change would do: what forbids it first, then what it breaks, then old and new."""
    lines: list[Line] = []
    if preview.problems:
        lines.append((Span("NOT POSSIBLE", Look.ALARM),))
        lines += [line for text in preview.problems for line in _item(text, width)]
        lines.append(EMPTY)
    if preview.violated:
        lines.append((Span("BROKEN AS THINGS ARE", Look.WARN),))
        lines += [line for text in preview.violated for line in _item(text, width)]
        lines += wrap("Nothing is sold for it, but nothing more is bought there.", width, Look.MUTED)
        lines.append(EMPTY)
    if not preview.changes:
        return [*lines, *wrap("Nothing would change.", width, Look.MUTED)]
    lines.append((Span(count(len(preview.changes), "change").upper(), Look.TITLE),))
    for change in preview.changes:
        lines += _change_lines(change, width)
    return lines


def _item(text: str, width: int) -> list[Line]:
    return labelled(Span("! ", Look.WARN), wrap(text, width - 2))


def _change_lines(change: SettingChange, width: int) -> list[Line]:
    name = words(change.key)[0]
    short = name.rpartition(".")[2] if name == change.key else name
    label = Span(clip(short, _NAME_WIDTH - 1).ljust(_NAME_WIDTH), Look.PLAIN)
    old, new = change.old or NOT_SET, change.new or "the default"
    if len(old) + len(new) + 5 <= width - _NAME_WIDTH:
        return [(label, *_arrow(old, new, width - _NAME_WIDTH))]
    # Long values are shown whole: half a list of pairs would hide what changes.
    return [
        (Span(clip(short, width)),),
        *labelled(Span("  from ", Look.MUTED), wrap(old, width - 7)),
        *labelled(Span("  to   ", Look.KEY), wrap(new, width - 7, Look.STRONG)),
    ]


def not_in_force(changes: Mapping[str, str], settings: SettingsView) -> list[str]:
    """Return the keys of changes that the settings show with another value.

    What the settings do not show, and what went back to its default, cannot be told.
    """
    shown = {row.key: row.value for row in settings.rows}
    return [
        key
        for key, value in changes.items()
        if value and clean(key) in shown and not same_value(shown[clean(key)], clean(value))
    ]


def same_value(one: str, other: str) -> bool:
    """Say whether two texts of TOML mean the same: 5, 5.0 and 5.00 do."""
    if one == other:
        return True
    try:
        parsed = [tomllib.loads(f"x = {text}", parse_float=Decimal)["x"] for text in (one, other)]
    except (ValueError, RecursionError):
        return False
    return parsed[0] == parsed[1] and isinstance(parsed[0], bool) == isinstance(parsed[1], bool)
