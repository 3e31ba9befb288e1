"""The buttons and the menu with which one person acts on a package, in Details and in rows of lists."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence

from blocks.kit.elements import Block, Element, button, menu, option, paragraph, rich
from blocks.kit.ids import ActionId, Ref
from blocks.kit.limits import OVERFLOW_OPTIONS
from blocks.words.refusals import sentence_runs
from blocks.words.verb_look import Position, RowPosition
from blocks.words.verbs import LOOKS, offered_at
from rules.state.commands import Verb
from rules.verbs.trials import Offer

OPEN_CARD = "Open card"  # the text of its link


def row_choices(offered: Container[Verb], requested: Verb, ref: Ref, title: str, details: Element) -> list[Element]:
    """The frequent verbs, without colours, and Details: a list has many rows."""
    buttons = [verb for verb in (requested, *_in_rows(RowPosition.BUTTON)) if verb in offered]
    more = [verb for verb in _in_rows(RowPosition.MENU) if verb in offered]
    buttons, more = _without_short_menu(buttons, more[:OVERFLOW_OPTIONS])
    return [*(_verb_button(verb, ref, title) for verb in buttons), details, *_menu(more, ref)]


def all_choices(offered: Container[Verb], requested: Verb, ref: Ref, title: str) -> list[Element]:
    """Every offered verb: the rare decisions in a menu, the rest as buttons."""
    frequent = [*offered_at(Position.CARD, offered), *offered_at(Position.DETAILS, offered)]
    buttons = [*([requested] if requested in offered else []), *(verb for verb in frequent if verb is not requested)]
    rare = [verb for verb in offered_at(Position.MENU, offered) if verb is not requested]
    buttons, rare = _without_short_menu(buttons, rare)
    return [*(_verb_button(verb, ref, title, LOOKS[verb].style) for verb in buttons), *_menu(rare, ref)]


def _without_short_menu(buttons: list[Verb], more: list[Verb]) -> tuple[list[Verb], list[Verb]]:
    """A menu with a single item would be a click too many: the item becomes a button."""
    return ([*buttons, *more], []) if len(more) == 1 else (buttons, more)


def _in_rows(position: RowPosition) -> list[Verb]:
    return [verb for verb, look in LOOKS.items() if look.row is position]


def missing_line(offer: Offer | None) -> Iterator[Block]:
    """Why the requested decision is not offered: what the person lacks, or must do first."""
    if offer and offer.missing:
        yield rich(paragraph(*sentence_runs(offer.missing.sentence)))


def _verb_button(verb: Verb, ref: Ref, title: str, style: str | None = None) -> Element:
    label = LOOKS[verb].label
    return button(label, verb, str(ref), accessible_label=f"{label}: {title}", style=style)


def _menu(verbs: Sequence[Verb], ref: Ref) -> list[Element]:
    options = [option(LOOKS[verb].label, f"{verb} {ref}") for verb in verbs]
    return [menu(ActionId.MORE, options)] if options else []
