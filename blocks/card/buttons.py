"""The buttons and the menu of a card: exactly the verbs that the rules offer, in one fixed order."""

from __future__ import annotations

from blocks.kit.elements import Block, Element, actions, button, menu, option
from blocks.kit.ids import ActionId
from blocks.words.dossier import Dossier
from blocks.words.verbs import LOOKS, Place, offered_at
from rules.scales import HITLLevel
from rules.state.commands import Verb


def details_button(dossier: Dossier, title: str) -> Element:
    return button("Details", ActionId.DETAILS, str(dossier.ref), accessible_label=f"Details: {title}")


def buttons(dossier: Dossier, title: str) -> tuple[Block, ...]:
    """The buttons of an open package. Take over replaces Approve if the level is human takeover."""
    if dossier.state.status.terminal:
        return ()
    offered, ref = dossier.offered, str(dossier.ref)
    first = (Verb.TAKE_OVER,) if dossier.state.level is HITLLevel.HUMAN_TAKEOVER else ()
    elements = [_button(verb, ref, title) for verb in (*first, *offered_at(Place.CARD, offered)) if verb in offered]
    more = [option(LOOKS[verb].label, f"{verb} {ref}") for verb in offered_at(Place.MENU, offered) if verb not in first]
    elements += [menu(ActionId.MORE, more)] if more else []
    return (actions(elements),) if elements else ()


def _button(verb: Verb, ref: str, title: str) -> Element:
    look = LOOKS[verb]
    return button(look.label, verb, ref, accessible_label=f"{look.label}: {title}", style=look.style)
