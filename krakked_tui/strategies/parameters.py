"""Declared parameters of strategies: read from untyped input, described for whoever edits them.

A strategy declares its parameters as a frozen msgspec Struct: every field has a default and a
``Meta`` description, every number has both bounds, every text is a ``Literal`` of its choices or has a
``pattern`` and says in ``extra_json_schema={"allowed": ...}`` what it takes.
"""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import TypeVar

import msgspec
from msgspec import inspect

from krakked_tui.domain.errors import ConfigError

P = TypeVar("P", bound=msgspec.Struct)

_SHOWN_MAX = 40


class Parameter(msgspec.Struct, frozen=True):
    """One declared parameter. ``allowed`` completes the sentence "allowed is ..."."""

    name: str
    default: object
    allowed: str
    description: str


def describe(declared: type[msgspec.Struct]) -> tuple[Parameter, ...]:
    """List the parameters that a strategy declares, in their order there."""
    declaration = inspect.type_info(declared)
    assert isinstance(declaration, inspect.StructType)
    return tuple(_parameter(field) for field in declaration.fields)


def read_parameters(declared: type[P], given: Mapping[str, object], where: str) -> P:
    """Build ``declared`` from untyped values.

    ``where`` is the key they stand under in the configuration. Raises ``ConfigError`` with one
    sentence for every wrong value and unknown name.
    """
    problems = [*_unknown_names(declared, given, where), *_wrong_values(declared, given, where)]
    if problems:
        raise ConfigError(problems)
    try:
        return msgspec.convert(dict(given), declared)
    except msgspec.ValidationError as error:
        raise ConfigError([f"{where}: {error}"]) from error


def _unknown_names(declared: type[msgspec.Struct], given: Mapping[str, object], where: str) -> Iterator[str]:
    known = [parameter.name for parameter in describe(declared)]
    for name in given:
        if name not in known:
            close = get_close_matches(name, known, n=1)
            hint = f"did you mean {close[0]}?" if close else f"known are {', '.join(known)}."
            yield f"{where}.{name[:_SHOWN_MAX]}: no such parameter; {hint}"


def _wrong_values(declared: type[msgspec.Struct], given: Mapping[str, object], where: str) -> Iterator[str]:
    types = {field.name: field.type for field in msgspec.structs.fields(declared)}
    for parameter in describe(declared):
        if parameter.name not in given:
            continue
        value = given[parameter.name]
        try:
            msgspec.convert(value, types[parameter.name])
        except msgspec.ValidationError:
            shown = repr(value)[:_SHOWN_MAX]
            yield f"{where}.{parameter.name} is {shown}: allowed is {parameter.allowed}."


def _parameter(field: inspect.Field) -> Parameter:
    declared, said = field.type, {}
    if isinstance(declared, inspect.Metadata):
        said = declared.extra_json_schema or {}
        declared = declared.type
    allowed = _allowed(declared, str(said.get("allowed", "")))
    return Parameter(field.name, field.default, allowed, str(said.get("description", "")))


def _allowed(declared: inspect.Type, form: str) -> str:
    match declared:
        case inspect.BoolType():
            return "true or false"
        case inspect.IntType(ge=int(least), le=int(most)):
            return f"a whole number from {least} to {most}"
        case inspect.FloatType(ge=least, le=most) if least is not None and most is not None:
            return f"a number from {least} to {most}"
        case inspect.LiteralType(values=choices):
            return " or ".join(f'"{choice}"' for choice in choices)
        case inspect.StrType(pattern=str()) if form:
            return form
    raise TypeError(
        f"a strategy parameter is declared as {declared}: numbers need both bounds, texts their choices"
    )
