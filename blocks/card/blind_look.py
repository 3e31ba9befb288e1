"""The card of a package that someone judges in a blind second look: for that person, and for everyone in a channel.

The judge sees the proposal as it was made and not the decision; everyone else is told to open Details. What the card
must hide is taken out before, by `blocks.card.blindness`; `card` draws this instead of the usual card.
"""

from __future__ import annotations

from blocks.card import claims, facts
from blocks.card.blindness import ASKED, HIDDEN
from blocks.card.buttons import details_button
from blocks.kit.elements import Block, Element, actions, moment, paragraph, rich
from blocks.kit.frame import Parts
from blocks.kit.text import in_utc
from blocks.words.dossier import Dossier, LookView
from blocks.words.sentences import EMPTIED

ICON = "🎲"
DECIDED = "People have decided this, and someone else is judging it without knowing how."


def label(look: LookView) -> str:
    return "Your blind second look" if look.is_own else "Decided"


def look_text(look: LookView) -> str:
    """What everyone may know, as plain text."""
    before, after = _text_around_time(look)
    return f"{before}{in_utc(look.until)}{after}"


def look_line(look: LookView) -> Element:
    before, after = _text_around_time(look)
    return paragraph(before, moment(look.until), after)


def _text_around_time(look: LookView) -> tuple[str, str]:
    """The words before and after the time at which the look ends: cards show it in the reader's zone."""
    if look.is_own:
        return f"{ASKED} {HIDDEN} You have until ", "."
    return f"{DECIDED} Everyone else finds the decision in Details. This card shows it by ", " at the latest."


def look_blocks(dossier: Dossier, look: LookView, title: str) -> tuple[Block, ...]:
    proposal = _proposal(dossier) if look.is_own else ()
    return (rich(look_line(look), *proposal), actions([details_button(dossier, title)]))


def _proposal(dossier: Dossier) -> Parts:
    package = dossier.package
    if package is None:
        return (paragraph(EMPTIED),)
    return (*claims.proposal(dossier, package), *claims.claims(package), *facts.look_alikes(package))
