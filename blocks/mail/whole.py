"""The mail about one package: everything that its card and Details show, in the order in which a reviewer asks for it.

A chapter that is too long for a mail is cut, and says how much it shows and where the rest is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from blocks.card import facts
from blocks.card.content import count_characters, full_content
from blocks.details.agent import ASKED, REASONS, Fields, field_blocks, short_field_blocks
from blocks.kit.elements import Block, Element, bold, code, paragraph, rich
from blocks.kit.frame import Parts, aside
from blocks.kit.text import defang_all
from blocks.mail.document import Chapter
from blocks.mail.html import html_part
from blocks.mail.matter import Matter, how_to_decide, why_mailed
from blocks.words.dossier import Dossier
from blocks.words.outcome import outcome_line, outcome_sentence, report
from blocks.words.quotes import remarks
from blocks.words.sentences import EMPTIED, quorum_sentence, request_icon, request_sentence, risk_label, title_of
from blocks.words.status import card_label, status_icon
from blocks.words.stops import stop_on_card
from rules.package.model import DecisionPackage
from rules.state.model import Status

# Bytes of HTML. Gmail hides what comes after 102 KB of a mail. Beside a handover, the other chapters get less.
_PROPOSAL_ROOM = 40_000
_CLAIMS_ROOM = 24_000
_HANDOVER_ROOM = 60_000
_PROPOSAL_ROOM_BESIDE_HANDOVER = 16_000
_CLAIMS_ROOM_BESIDE_HANDOVER = 8_000


def package_chapters(matter: Matter) -> tuple[Chapter, ...]:
    dossier = matter.dossier
    pending = dossier.state.status is Status.PENDING
    return (
        Chapter("", (paragraph(why_mailed(matter.reason)), paragraph(*how_to_decide(matter)))),
        Chapter(_title(dossier, pending=pending), (_request if pending else _outcome)(dossier), is_title=True),
        *_agents_words(dossier),
    )


def _title(dossier: Dossier, *, pending: bool) -> str:
    sign = request_icon(dossier.state) if pending else status_icon(dossier.state)
    return f"{sign} {defang_all(title_of(dossier))}"


def _request(dossier: Dossier) -> Parts:
    """Who asks whom for what and until when, what happened so far, and why a person is asked."""
    state, package = dossier.state, dossier.package
    quorum = "" if dossier.tally.votes else quorum_sentence(dossier)
    return (
        paragraph(bold(f"{risk_label(state).capitalize()}. "), request_sentence(dossier)),
        facts.deadline_line(dossier),
        *((paragraph(quorum),) if quorum else ()),
        *stop_on_card(dossier),
        *facts.progress(dossier),
        facts.why_line(dossier),
        *facts.no_on_same_subject(dossier),
        *facts.missing_fields(state),
        *(facts.look_alikes(package) if package else ()),
        *remarks(dossier),
    )


def _outcome(dossier: Dossier) -> Parts:
    label = paragraph(bold(f"{card_label(dossier.state)}. "), outcome_sentence(dossier))
    return (label, outcome_line(dossier), *stop_on_card(dossier), *report(dossier), *remarks(dossier))


# What follows, what speaks against it, the reasons, everything else.
_CLAIMED = (
    "consequence", "material_change", "known_uncertainties", "dissent", "rationale", "evidence_refs", "policy_basis",
    "side_effect_preview", "downstream_impact", "rollback_plan", "alternatives", "answers", "free_answer",
    "response_schema", "subject_url",
)  # fmt: skip
_CLAIMS: Fields = {name: {**ASKED, **REASONS}[name] for name in _CLAIMED}
_SHORT = ("confidence", "recommendation", "data_classes", "allowed_decisions", "expires_at", "run_id", "thread_id")
_DESCRIPTION: Fields = {"proposed_action": ASKED["proposed_action"]}
_HANDOVER: Fields = {"takeover": ASKED["takeover"]}


def _agents_words(dossier: Dossier) -> Iterator[Chapter]:
    package = dossier.package
    if package is None:
        yield Chapter("", (paragraph(EMPTIED),))
        return
    proposal_room, claims_room = _PROPOSAL_ROOM, _CLAIMS_ROOM
    if package.takeover:
        proposal_room, claims_room = _PROPOSAL_ROOM_BESIDE_HANDOVER, _CLAIMS_ROOM_BESIDE_HANDOVER
        yield _bounded("Where the agent stopped", field_blocks(package, _HANDOVER), _HANDOVER_ROOM)
    yield _bounded("Exactly what is proposed", _proposal(dossier, package), proposal_room)
    claims = (*field_blocks(package, _CLAIMS), *short_field_blocks(package, _SHORT))
    yield _bounded("What the agent says about it", claims, claims_room)


def _proposal(dossier: Dossier, package: DecisionPackage) -> Iterator[Block]:
    """The action type is covered by an approval like the rest of it."""
    yield rich(paragraph(bold("Action type: "), code(package.action_type)))
    yield from field_blocks(package, _DESCRIPTION)
    yield from full_content(dossier)


def _bounded(heading: str, blocks: Iterable[Block], room: int) -> Chapter:
    """As many blocks as fit into so many bytes of HTML, but at least one."""
    parts, shown_characters, total_characters, full = list[Element](), 0, 0, False
    for block in blocks:
        total_characters += count_characters(block)
        room -= sum(len(html_part(part).encode()) for part in block["elements"])
        full = full or (room < 0 and bool(parts))
        if not full:
            parts += block["elements"]
            shown_characters += count_characters(block)
    size = f"{shown_characters:,} of {total_characters:,} characters shown"
    left_out = f"Shortened: {size}. Details on the card shows all of it."
    return Chapter(heading, (*parts, *((aside(left_out),) if full else ())))
