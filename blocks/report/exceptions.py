"""The chapter of a report about exceptions to rules: which were in force, for whom, and how often each was used."""

from __future__ import annotations

from collections.abc import Sequence

from blocks.card.exceptions import RULE_WORDS
from blocks.kit.text import in_utc, one_line, pluralize
from blocks.report.page import cell, chapter, table, text_line
from rules.oversight.report import ExceptionOfMonth

_HEADING = "Exceptions to rules"
_MEANING = (
    "People approved that a rule does not apply to these agents and action types until the date shown. "
    "Packages that went ahead this way count as “by an exception”, and in no share of what people decided."
)


def exceptions_chapter(exceptions: Sequence[ExceptionOfMonth]) -> str:
    if not exceptions:
        return chapter(_HEADING, text_line("None was in force in this time."))
    titles = ("Rule", "Agents and action types", "From", "Until", "Used for")
    return chapter(_HEADING, text_line(_MEANING), table(_HEADING, titles, [_row(held) for held in exceptions]))


def _row(held: ExceptionOfMonth) -> tuple[str, ...]:
    return (
        cell(held.rule, RULE_WORDS.get(held.rule, "")),
        cell(one_line(", ".join(held.agents)), one_line(", ".join(held.action_types))),
        cell(in_utc(held.begins)),
        cell(in_utc(held.ends), "revoked" if held.is_revoked else ""),
        cell(pluralize(held.uses, "package"), held.package_id),
    )
