"""What a card can be clicked for: only what is offered, in one order, under one set of labels."""

from __future__ import annotations

from collections.abc import Mapping

from blocks.kit.elements import Block, Element, actions, button, menu, option
from blocks.kit.ids import ActionId
from blocks.words.dossier import Dossier
from blocks.words.verbs import LABELS
from rules.scales import HITLLevel
from rules.state.commands import Verb

_SHOWN = (Verb.APPROVE, Verb.ANSWER, Verb.REJECT, Verb.REVISE, Verb.ESCALATE, Verb.OBJECT)
_MENU = (Verb.REQUEST_MORE_EVIDENCE, Verb.DEFER, Verb.OVERRIDE, Verb.TAKE_OVER, Verb.RECUSE)
_STYLE: Mapping[Verb, str] = {
    Verb.APPROVE: "primary",
    Verb.ANSWER: "primary",
    Verb.TAKE_OVER: "primary",
    Verb.REJECT: "danger",
}


def details(dossier: Dossier, title: str) -> Element:
    return button("Details", ActionId.DETAILS, str(dossier.ref), spoken=f"Details: {title}")


def buttons(dossier: Dossier, title: str) -> tuple[Block, ...]:
    """Of a package that is still open. Where a person is to take over, that stands in the place of Approve."""
    if dossier.state.status.terminal:
        return ()
    offered, ref = dossier.offered, str(dossier.ref)
    first = (Verb.TAKE_OVER,) if dossier.state.level is HITLLevel.HUMAN_TAKEOVER else ()
    made = [_button(verb, ref, title) for verb in (*first, *_SHOWN) if verb in offered]
    more = [option(LABELS[verb], f"{verb} {ref}") for verb in _MENU if verb in offered and verb not in first]
    made += [menu(ActionId.MORE, more)] if more else []
    return (actions(made),) if made else ()


def _button(verb: Verb, ref: str, title: str) -> Element:
    label = LABELS[verb]
    return button(label, ActionId(verb.value), ref, spoken=f"{label}: {title}", style=_STYLE.get(verb))
