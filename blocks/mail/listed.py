"""The mail about several packages: one list, the highest risk first, then the earliest deadline.

At most `LISTED` packages are in the mail, and `more` counts those that are not among `matters`. `wordless_chapters` is
the same mail without any words of agents or people, for mail servers that refused them.
"""

from __future__ import annotations

from collections.abc import Sequence

from blocks.card import facts
from blocks.card.claims import handover
from blocks.kit.elements import bold, paragraph, quote
from blocks.kit.frame import Parts, aside
from blocks.kit.text import pluralize
from blocks.mail.document import Chapter
from blocks.mail.matter import AWAY, NO_DECISIONS, Matter, card_link, list_heading, reason_label
from blocks.words.outcome import outcome_line, outcome_sentence
from blocks.words.sentences import RISK_ICONS, request_sentence, risk_label, title_of
from rules.mail.reasons import MailReason
from rules.state.model import Status

OPEN_CARDS = f"{NO_DECISIONS}: open the cards in Slack."
LISTED = 20  # packages in one mail


def by_urgency(matters: Sequence[Matter]) -> list[Matter]:
    """The highest risk first, then the earliest deadline."""
    by_deadline = sorted(matters, key=lambda matter: matter.dossier.state.ends_at)
    return sorted(by_deadline, key=lambda matter: matter.dossier.state.risk, reverse=True)


def list_chapters(matters: Sequence[Matter], more: int) -> tuple[Chapter, ...]:
    listed, omitted_count = matters[:LISTED], more + len(matters[LISTED:])
    is_away = any(matter.reason is MailReason.WAITING for matter in listed)
    how = f"{AWAY}. {NO_DECISIONS}: open the cards once Slack works again." if is_away else OPEN_CARDS
    return (
        Chapter("", (paragraph(how),)),
        Chapter(list_heading(matters, more), (), is_title=True),
        *(_row(number, matter) for number, matter in enumerate(listed, 1)),
        *_omitted_note(omitted_count),
    )


def _omitted_note(count: int) -> tuple[Chapter, ...]:
    return (
        (Chapter("", (aside(f"{pluralize(count, 'more package')} in Countersign's Home in Slack."),)),) if count else ()
    )


def wordless_chapters(matters: Sequence[Matter], more: int) -> tuple[Chapter, ...]:
    """Nothing that an agent or a person wrote: a mail server refused the mail with their words."""
    why = "A mail server refused the words of agents and people in this mail, so they are left out."
    return (
        Chapter("", (paragraph(f"{why} {OPEN_CARDS}"),)),
        *(_wordless_row(number, matter) for number, matter in enumerate(matters, 1)),
        *_omitted_note(more),
    )


def _wordless_row(number: int, matter: Matter) -> Chapter:
    pending = matter.dossier.state.status is Status.PENDING
    until = (facts.deadline_line(matter.dossier),) if pending else ()
    package = paragraph(f"Package {matter.dossier.state.decision_package_id}.")
    return Chapter(_heading(number, matter), (*until, package, paragraph(*card_link(matter))))


def _heading(number: int, matter: Matter) -> str:
    state = matter.dossier.state
    return f"{number}. {RISK_ICONS[state.risk]} {risk_label(state).capitalize()} · {reason_label(matter.reason)}"


def _row(number: int, matter: Matter) -> Chapter:
    """The risk, why it is in this mail, the title, what it asks for, where an agent stopped, and a link."""
    title = quote(bold(title_of(matter.dossier)))
    return Chapter(_heading(number, matter), (title, *_standing(matter), paragraph(*card_link(matter))))


def _standing(matter: Matter) -> Parts:
    dossier = matter.dossier
    if dossier.state.status is not Status.PENDING:
        return (paragraph(outcome_sentence(dossier)), outcome_line(dossier))
    takeover = dossier.package.takeover if dossier.package else None
    brief = handover(takeover, in_brief=True) if takeover and matter.reason is MailReason.TAKEOVER else ()
    return (paragraph(f"{request_sentence(dossier)} ", *facts.deadline_line(dossier)["elements"]), *brief)
