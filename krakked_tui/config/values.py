"""One value against the type declared for it: converted, or a sentence that says what is allowed."""

import math
import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any, get_args, get_origin

import msgspec
from msgspec import inspect

from krakked_tui.config.problems import nearest, shown

WHOLE_MAX = 2**63 - 1
_DECIMAL_MAX = Decimal(10) ** 18
_DECIMAL_DIGITS = 40

_PLAIN = {
    inspect.BoolType: "true or false",
    inspect.DecimalType: "a number",
    inspect.DictType: "a table",
    inspect.StructType: "a table",
}

_BOOLEANS = {
    **dict.fromkeys(("true", "yes", "y", "on", "1"), "true"),
    **dict.fromkeys(("false", "no", "n", "off", "0"), "false"),
}
"""Words for yes and no, in small letters, with those that TOML takes."""

Kind = Any
"""A type as an annotation writes it."""


class BadValueError(Exception):
    """A value that its key does not take; the message completes a sentence that begins with the key."""


def is_table(kind: Kind) -> bool:
    """Say whether a key of this type is a table."""
    return is_section(kind) or names_of(kind) is not None


def names_of(kind: Kind) -> Kind | None:
    """Return the type below each name when a key of this type is a table of free names, else None."""
    origin: Any = get_origin(kind)
    return get_args(kind)[1] if origin is dict else None


def is_section(kind: Kind) -> bool:
    """Say whether a type is a table with declared keys."""
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def read_value(value: object, kind: Kind, *, limits: str = "") -> Any:  # noqa: ANN401 - what ``kind`` says
    """Convert a value of a file, variable or command line to the type declared for its key.

    ``limits`` says what else is allowed, for the message. Raises ``BadValueError``.
    """
    if isinstance(value, list | tuple) and isinstance(info := _bare(kind), inspect.VarTupleType):
        return _read_list(list(value), kind, info)
    try:
        converted = _convert(value, kind)
    except msgspec.ValidationError:
        converted = None
    if converted is None or not _bounded(converted):
        raise BadValueError(f"is {shown(value)}: must be {allowed(kind)}{limits}{_meant(value, kind)}")
    return converted


def takes_decimal(kind: Kind) -> bool:
    """Say whether a key of this type is an amount."""
    return kind is not object and isinstance(_bare(kind), inspect.DecimalType)


def _convert(value: object, kind: Kind) -> object:
    if isinstance(value, Decimal) and not value.is_finite():
        return None
    if takes_decimal(kind):
        if isinstance(value, float):
            return Decimal(repr(value))
        return Decimal(value) if isinstance(value, int | Decimal) and not isinstance(value, bool) else None
    return msgspec.convert(value, kind)


def _bounded(value: object) -> bool:
    """No number is so large or so fine that writing it down or adding to it could do harm."""
    match value:
        case bool():
            return True
        case int():
            return abs(value) <= WHOLE_MAX
        case float():
            return math.isfinite(value)
        case Decimal():
            _, digits, exponent = value.as_tuple()
            if not isinstance(exponent, int) or exponent < -_DECIMAL_DIGITS or len(digits) > _DECIMAL_DIGITS:
                return False
            return abs(value) < _DECIMAL_MAX
    return True


def _read_list(values: list[object], kind: Kind, info: inspect.VarTupleType) -> object:
    for value in values:
        try:
            msgspec.convert(value, _item(kind))
        except msgspec.ValidationError as error:
            meant = _meant(value, _item(kind))
            raise BadValueError(
                f"holds {shown(value)}: each item must be {_allowed(info.item_type)}{meant}"
            ) from error
    try:
        return msgspec.convert(values, kind)
    except msgspec.ValidationError as error:
        raise BadValueError(f"is a list of {len(values)}: must be {allowed(kind)}") from error


def _item(kind: Kind) -> Kind:
    """Return the type of a tuple's items."""
    origin: Any = get_origin(kind)
    return get_args(kind)[0] if origin is tuple else _item(get_args(kind)[0])


def _bare(kind: Kind) -> inspect.Type:
    info = inspect.type_info(kind)
    while isinstance(info, inspect.Metadata):
        info = info.type
    if isinstance(info, inspect.UnionType):
        return next(part for part in info.types if not isinstance(part, inspect.NoneType))
    return info


def _meant(value: object, kind: Kind) -> str:
    if isinstance(_bare(kind), inspect.BoolType):
        word = _BOOLEANS.get(str(value).strip().lower())
        return f"; write {word}" if word else ""
    if not isinstance(value, str):
        return ""
    close = nearest(value, choices(kind))
    return f'; did you mean "{close}"?' if close else ""


def choices(kind: Kind) -> tuple[str, ...]:
    """Return the texts that a key of this type takes; none when it is not a choice."""
    return tuple(_choices(_bare(kind)))


def _choices(info: inspect.Type) -> Iterator[str]:
    match info:
        case inspect.EnumType(cls=cls):
            yield from (str(member.value) for member in cls)
        case inspect.LiteralType(values=values):
            yield from (value for value in values if isinstance(value, str))


def allowed(kind: Kind) -> str:
    """Say what a key of this type takes, to complete the sentence "must be ..."."""
    return _allowed(inspect.type_info(kind))


def _allowed(info: inspect.Type) -> str:  # noqa: PLR0911 - one answer for each type
    match info:
        case inspect.Metadata(extra_json_schema={"allowed": str(form)}):
            return form
        case inspect.Metadata(
            type=inspect.StrType(pattern=str()), extra_json_schema={"description": str(form)}
        ):
            return form
        case inspect.Metadata(type=inner):
            return _allowed(inner)
        case inspect.IntType() | inspect.FloatType():
            return f"a {'whole ' if isinstance(info, inspect.IntType) else ''}number{_range(info)}"
        case inspect.StrType(pattern=pattern):
            return f"text that matches {pattern}" if pattern else "text"
        case inspect.EnumType() | inspect.LiteralType():
            return _either(tuple(_choices(info)))
        case inspect.VarTupleType(item_type=item, min_length=least):
            return f"a list{' that is not empty' if least else ''}, each item {_allowed(item)}"
        case inspect.UnionType(types=types):
            return " or ".join(_allowed(part) for part in types if not isinstance(part, inspect.NoneType))
    return _PLAIN.get(type(info), "a TOML value")


def _either(names: tuple[str, ...]) -> str:
    quoted = [f'"{name}"' for name in names]
    return " or ".join(filter(None, (", ".join(quoted[:-1]), quoted[-1])))


def _range(info: inspect.IntType | inspect.FloatType) -> str:
    low, high = _least(info), _most(info)
    if info.ge is not None and info.le is not None:
        return f" from {_number(info.ge)} to {_number(info.le)}"
    return " and ".join(filter(None, (low, high)))


def _least(info: inspect.IntType | inspect.FloatType) -> str:
    if info.ge is not None:
        return f" of at least {_number(info.ge)}"
    return f" above {_number(info.gt)}" if info.gt is not None else ""


def _most(info: inspect.IntType | inspect.FloatType) -> str:
    if info.le is not None:
        return f"at most {_number(info.le)}"
    if info.lt is not None:
        return f"below {_number(info.lt)}"
    return f"at most {WHOLE_MAX}" if isinstance(info, inspect.IntType) else ""


def _number(bound: float) -> str:
    return str(int(bound)) if bound == int(bound) else str(bound)


def limits_of(owner: type[msgspec.Struct], names: Sequence[str], others: dict[str, object]) -> str:
    """Ask a section what it allows for an amount: the bounds of those are checked where it is built.

    ``names`` are the amount's key and, in a table of free names, its name. ``others`` are values for
    the keys without default. Returns the end of a sentence, or nothing.
    """
    sample: object = Decimal(-1)
    for name in reversed(names[1:]):
        sample = {name: sample}
    try:
        owner(**{**others, names[0]: sample})
    except (ValueError, TypeError) as error:
        found = re.search(r"(?:: |, but must be )(.+)", str(error))
        return f" ({found.group(1)})" if found else ""
    return ""
