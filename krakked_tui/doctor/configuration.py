"""The configuration: every problem and every warning a finding of its own."""

from collections.abc import Iterator

from krakked_tui.doctor.context import Context
from krakked_tui.doctor.findings import Finding, ok, problem, warning

NAME = "configuration"


def configuration(context: Context) -> Iterator[Finding]:
    """Report what reading the configuration brought up."""
    if context.loaded is None:
        for text in context.config_problems:
            yield problem(
                NAME, text, f"Correct it in {context.where.config_file}, or where the line says it comes from"
            )
        return
    for text in context.loaded.warnings:
        yield warning(NAME, text, "See where each value comes from: krakked-tui config show --origin")
    if not context.loaded.warnings:
        yield ok(NAME, f"in order, for profile {context.profile}")
