"""What a card can be clicked for: only what is offered, in one order, under one set of labels."""

from __future__ import annotations

from blocks.kit.elements import Block, Element, actions, button, menu, option
from blocks.kit.ids import ActionId
from blocks.words.dossier import Dossier
from blocks.words.verbs import LOOKS, Place, offered_at
from rules.scales import HITLLevel
from rules.state.commands import Verb


def details(dossier: Dossier, title: str) -> Element:
    return button("Details", ActionId.DETAILS, str(dossier.ref), spoken=f"Details: {title}")


def buttons(dossier: Dossier, title: str) -> tuple[Block, ...]:
    """Of a package that is still open. Where a person is to take over, that stands in the place of Approve."""
    if dossier.state.status.terminal:
        return ()
    offered, ref = dossier.offered, str(dossier.ref)
    first = (Verb.TAKE_OVER,) if dossier.state.level is HITLLevel.HUMAN_TAKEOVER else ()
    made = [_button(verb, ref, title) for verb in (*first, *offered_at(Place.CARD, offered)) if verb in offered]
    more = [option(LOOKS[verb].label, f"{verb} {ref}") for verb in offered_at(Place.MENU, offered) if verb not in first]
    made += [menu(ActionId.MORE, more)] if more else []
    return (actions(made),) if made else ()


def _button(verb: Verb, ref: str, title: str) -> Element:
    look = LOOKS[verb]
    return button(look.label, verb, ref, spoken=f"{look.label}: {title}", style=look.style)
