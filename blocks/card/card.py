"""The card of a package: one Slack message for every state of the package.

It fits one screen and answers, in this order: what exactly, who wants it and until when, how bad it can be, what speaks
against it, what to press. Everything else is in Details. A decided card has three lines.
"""

from __future__ import annotations

from blocks.card import blind_look, claims, facts
from blocks.card.buttons import buttons
from blocks.card.fallback import fallback_text, with_full_stop
from blocks.card.mentions import mention_line
from blocks.kit.elements import Block, context, header, paragraph, rich
from blocks.kit.frame import Parts, framed_runs
from blocks.kit.limits import HEADER
from blocks.kit.message import Message
from blocks.kit.text import cut, escape, one_line
from blocks.words.dossier import Dossier
from blocks.words.outcome import outcome_line, outcome_sentence, outcome_words
from blocks.words.quotes import latest_remark
from blocks.words.sentences import EMPTIED, request_icon, risk_label, title_of
from blocks.words.status import card_label, status_icon
from blocks.words.stops import stop_on_card
from rules.scales import HITLLevel
from rules.state.model import Status

_REMARK = 100  # characters of the latest remark
NOT_READ = "Replies here are not read: use Comment in Details."


def card(dossier: Dossier) -> Message:
    title = title_of(dossier)
    if look := dossier.look:
        heading = _header(blind_look.ICON, title, blind_look.label(look))
        text = f"{blind_look.label(look)}: {with_full_stop(title)} {blind_look.look_text(look)}"
        return Message(escape(one_line(text)), (heading, *blind_look.look_blocks(dossier, look, title)))
    draw = _pending if dossier.state.status is Status.PENDING else _outcome
    return Message(fallback_text(dossier, title), draw(dossier, title))


def _pending(dossier: Dossier, title: str) -> tuple[Block, ...]:
    return (
        _header(request_icon(dossier.state), title, risk_label(dossier.state)),
        rich(
            facts.request(dossier),
            *stop_on_card(dossier),
            *facts.progress(dossier),
            *_body(dossier),
            facts.why_line(dossier),
        ),
        *mention_line(dossier),
        *buttons(dossier, title),
        context(NOT_READ),
    )


def _header(sign: str, title: str, label: str) -> Block:
    """The title is cut if necessary, never the label."""
    beside = f" · {label[:1].lower()}{label[1:]}"
    return header(f"{sign} {cut(title, HEADER - len(beside) - len(sign) - 1)}{beside}")


def _body(dossier: Dossier) -> Parts:
    """The proposal, the agent's words about it, warnings of the service, and the latest remark."""
    state, package = dossier.state, dossier.package
    if package is None:
        return (paragraph(EMPTIED),)
    taken = state.level is HITLLevel.HUMAN_TAKEOVER
    return (
        *claims.proposal(dossier, package),
        *(claims.handover(package.takeover, in_brief=True) if taken and package.takeover else claims.claims(package)),
        *framed_runs([latest_remark(dossier, _REMARK)]),
        *facts.no_on_same_subject(dossier),
        *facts.missing_fields(state),
        *facts.look_alikes(package),
    )


def _outcome(dossier: Dossier, title: str) -> tuple[Block, ...]:
    """No decision is needed now: the outcome, and the words or times that tell most."""
    state = dossier.state
    return (
        _header(status_icon(state), title, card_label(state)),
        rich(paragraph(outcome_sentence(dossier)), *_last_line(dossier), *stop_on_card(dossier)),
        *buttons(dossier, title),
    )


def _last_line(dossier: Dossier) -> Parts:
    """Words or times. An open package shows both: until when it waits matters."""
    spoken = framed_runs([outcome_words(dossier)])
    if not dossier.state.status.terminal:
        return (outcome_line(dossier), *spoken)
    return spoken or (paragraph(EMPTIED) if dossier.package is None else outcome_line(dossier),)
