"""The card of a package: one Slack message for every state of the package.

The order is fixed. What a phone shows without scrolling comes first: the request, the role, the deadline, the stakes,
the votes. Then the proposal and its effects, why a person is asked, doubts before reasons, what people said, what the
service checked, and the buttons. If the card is too long, it is drawn again with a smaller `Measure`.
"""

from __future__ import annotations

from blocks.card import claims, facts
from blocks.card.buttons import buttons, details_button
from blocks.card.fallback import fallback_text
from blocks.card.mentions import mention_line
from blocks.kit.elements import Block, header, rich, statement, words
from blocks.kit.frame import Parts
from blocks.kit.limits import CARD_TEXT
from blocks.kit.message import Message
from blocks.kit.room import MEASURES, Measure, characters
from blocks.kit.text import slack_date
from blocks.words.dossier import Dossier
from blocks.words.outcome import explanation, outcome_fields, outcome_sentence, status_label
from blocks.words.quotes import remarks
from blocks.words.sentences import EMPTIED, request_sentence, risk_label, stakes_fields, timing_fields, title_of
from rules.package.model import DecisionPackage
from rules.scales import HITLLevel
from rules.state.model import Status


def card(dossier: Dossier) -> Message:
    title = title_of(dossier)
    return Message(fallback_text(dossier, title), _fit(dossier, title))


def _fit(dossier: Dossier, title: str) -> tuple[Block, ...]:
    """Drawn in the first measure that fits. A test proves that any package fits in the last one."""
    draw = _pending if dossier.state.status is Status.PENDING else _outcome_blocks
    blocks: tuple[Block, ...] = ()
    for measure in MEASURES:
        blocks = tuple(draw(dossier, title, measure))
        if characters(blocks) <= CARD_TEXT:
            break
    return blocks


def _pending(dossier: Dossier, title: str, measure: Measure) -> list[Block]:
    state = dossier.state
    return [
        header(f"{risk_label(state).capitalize()} · {title}"),
        statement(
            request_sentence(dossier),
            (*timing_fields(dossier, slack_date), *stakes_fields(dossier)),
            details_button(dossier, title),
        ),
        *_block(facts.votes_so_far(dossier), facts.progress(dossier, measure)),
        *(_body(dossier, dossier.package, measure) if dossier.package else _emptied_block()),
        *_block(facts.earlier_decisions(dossier), remarks(dossier, measure.support(220))),
        *facts.missing_fields(state),
        *_block(facts.look_alikes(dossier.package, measure) if dossier.package else ()),
        facts.verified_facts(dossier),
        *mention_line(dossier),
        *buttons(dossier, title),
    ]


def _body(dossier: Dossier, package: DecisionPackage, measure: Measure) -> list[Block]:
    state = dossier.state
    taken = state.level is HITLLevel.HUMAN_TAKEOVER
    return [
        *_block(claims.handover(package.takeover, measure) if taken else ()),
        *_block(claims.proposal(dossier, package, measure)),
        *_block(claims.effects(package, measure)),
        *_block(facts.reasons(state)),
        *_block(claims.agent_reasons(package, measure)),
    ]


def _block(*parts: Parts) -> tuple[Block, ...]:
    """One block for all these parts; nothing if they are all empty."""
    elements = [element for part in parts for element in part]
    return (rich(*elements),) if elements else ()


def _outcome_blocks(dossier: Dossier, title: str, measure: Measure) -> list[Block]:
    """No decision is needed now: the outcome, why, and what it was about. An open package keeps its buttons."""
    state, package = dossier.state, dossier.package
    return [
        header(f"{status_label(state)} · {title}"),
        statement(outcome_sentence(dossier), outcome_fields(state), details_button(dossier, title)),
        *_block(explanation(dossier)),
        *_block(claims.handover(package.takeover, measure) if package and state.status is Status.TAKEN_OVER else ()),
        *(_block(claims.decided_proposal(package, measure)) if package else _emptied_block()),
        facts.verified_facts(dossier),
        *buttons(dossier, title),
    ]


def _emptied_block() -> tuple[Block, ...]:
    return (rich(words(EMPTIED)),)
