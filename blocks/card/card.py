"""The card of a package: one message, in every state that a package can be in.

Its order is fixed. First what is asked, of whom, until when, what hangs on it and who has approved: all that a phone
shows before anybody scrolls. Then what is proposed and what follows; why a person is asked; doubts before grounds;
what people said; what the service checked; and last what can be done.
"""

from __future__ import annotations

from blocks.card import claims, facts
from blocks.card.buttons import buttons, details
from blocks.card.fallback import spoken
from blocks.card.mentions import calling
from blocks.kit.elements import Block, header, rich, statement, words
from blocks.kit.frame import Parts
from blocks.kit.limits import CARD_TEXT
from blocks.kit.message import Message
from blocks.kit.room import MEASURES, Measure, characters
from blocks.kit.text import when
from blocks.words.dossier import Dossier
from blocks.words.outcome import because, figures, standing, told
from blocks.words.quotes import remarks
from blocks.words.sentences import EMPTIED, request, risk, stakes, timing, title_of
from rules.package.model import DecisionPackage
from rules.scales import HITLLevel
from rules.state.model import Status


def card(dossier: Dossier) -> Message:
    title = title_of(dossier)
    return Message(spoken(dossier, title), _fitting(dossier, title))


def _fitting(dossier: Dossier, title: str) -> tuple[Block, ...]:
    """In the first measure in which it fits. A test holds the last one to fit whatever a package contains."""
    draw = _pending if dossier.state.status is Status.PENDING else _settled
    blocks: tuple[Block, ...] = ()
    for measure in MEASURES:
        blocks = tuple(draw(dossier, title, measure))
        if characters(blocks) <= CARD_TEXT:
            break
    return blocks


def _pending(dossier: Dossier, title: str, measure: Measure) -> list[Block]:
    state = dossier.state
    return [
        header(f"{risk(state).capitalize()} · {title}"),
        statement(request(dossier), (*timing(dossier, when), *stakes(dossier)), details(dossier, title)),
        *_block(facts.votes(dossier), facts.course(dossier, measure)),
        *(_body(dossier, dossier.package, measure) if dossier.package else _emptied()),
        *_block(facts.earlier(dossier), remarks(dossier, measure.less(220))),
        *facts.gaps(state),
        *_block(facts.look_alikes(dossier.package, measure) if dossier.package else ()),
        facts.checked(dossier),
        *calling(dossier),
        *buttons(dossier, title),
    ]


def _body(dossier: Dossier, package: DecisionPackage, measure: Measure) -> list[Block]:
    state = dossier.state
    taken = state.level is HITLLevel.HUMAN_TAKEOVER
    return [
        *_block(claims.standing(package.takeover, measure) if taken else ()),
        *_block(claims.proposal(dossier, package, measure)),
        *_block(claims.effects(package, state, measure)),
        *_block(facts.reasons(state)),
        *_block(claims.grounds(package, measure)),
    ]


def _block(*parts: Parts) -> tuple[Block, ...]:
    """One block for parts that belong together; none where there are none."""
    together = [element for each in parts for element in each]
    return (rich(*together),) if together else ()


def _settled(dossier: Dossier, title: str, measure: Measure) -> list[Block]:
    """Nobody is asked now: what became of it, why, and what it was about. While it is open, it can be stopped."""
    state, package = dossier.state, dossier.package
    return [
        header(f"{standing(state)} · {title}"),
        statement(told(dossier), figures(state), details(dossier, title)),
        *_block(because(dossier)),
        *_block(claims.standing(package.takeover, measure) if package and state.status is Status.TAKEN_OVER else ()),
        *(_block(claims.core(package, measure)) if package else _emptied()),
        facts.checked(dossier),
        *buttons(dossier, title),
    ]


def _emptied() -> tuple[Block, ...]:
    return (rich(words(EMPTIED)),)
