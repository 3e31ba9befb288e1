"""The buttons and the menu of a card: exactly the verbs that the rules offer, in one fixed order.

A question may offer answers. Short ones that cannot be taken for a label of the service are buttons of their own.
"""

from __future__ import annotations

from collections.abc import Iterator

from blocks.kit.elements import Block, Element, actions, button, menu, option
from blocks.kit.ids import ANSWER_BUTTONS, ActionId
from blocks.words.dossier import Dossier
from blocks.words.verb_look import Position
from blocks.words.verbs import LOOKS, offered_at
from rules.package.alphabets import alphabets_mixed_in
from rules.spelling import normalize_name
from rules.state.commands import Verb
from rules.verbs.trials import requested_verb

OTHER_ANSWER = "Another answer …"
_MAX_ANSWER = 24  # characters of an answer on a button


def details_button(dossier: Dossier, title: str) -> Element:
    return button("Details", ActionId.DETAILS, str(dossier.ref), accessible_label=f"Details: {title}")


def buttons(dossier: Dossier, title: str) -> tuple[Block, ...]:
    """The buttons of an open package or after a failure, and Details."""
    verbs = verbs_on_buttons(dossier)
    elements = [element for verb in verbs for element in _buttons_of(verb, dossier, title)]
    more = [verb for verb in _at(Position.MENU, dossier) if verb not in verbs]
    return (actions([*elements, details_button(dossier, title), *_more(more, dossier, title)]),)


def _more(verbs: list[Verb], dossier: Dossier, title: str) -> Iterator[Element]:
    """A menu; or a button, if the menu would hold one item."""
    ref = str(dossier.ref)
    if len(verbs) == 1:
        yield _button(verbs[0], ref, title)
    elif verbs:
        yield menu(ActionId.MORE, [option(LOOKS[verb].label, f"{verb} {ref}") for verb in verbs])


def recovery_buttons(dossier: Dossier, title: str) -> tuple[Block, ...]:
    """The answers to a failure; nothing if there is none."""
    verbs = [verb for verb in offered_at(Position.CARD, dossier.offered) if LOOKS[verb].after_failure]
    return (actions([_button(verb, str(dossier.ref), title) for verb in verbs]),) if verbs else ()


def verbs_on_buttons(dossier: Dossier) -> list[Verb]:
    """Take over replaces Approve if the level is human takeover."""
    takes_over = requested_verb(dossier.state) is Verb.TAKE_OVER and Verb.TAKE_OVER in _at(Position.MENU, dossier)
    return [*([Verb.TAKE_OVER] if takes_over else []), *_at(Position.CARD, dossier)]


def _at(position: Position, dossier: Dossier) -> list[Verb]:
    ended = dossier.state.status.terminal
    return [verb for verb in offered_at(position, dossier.offered) if LOOKS[verb].after_failure or not ended]


def _buttons_of(verb: Verb, dossier: Dossier, title: str) -> Iterator[Element]:
    answers = answers_on_buttons(dossier) if verb is Verb.ANSWER else ()
    if not answers:
        yield _button(verb, str(dossier.ref), title)
        return
    for action, text in zip(ANSWER_BUTTONS, answers, strict=False):
        yield button(text, action, str(dossier.ref), accessible_label=f"Answer {text}: {title}")
    if dossier.package and dossier.package.free_answer:
        yield button(OTHER_ANSWER, verb, str(dossier.ref), accessible_label=f"{OTHER_ANSWER}: {title}")


def _button(verb: Verb, ref: str, title: str) -> Element:
    look = LOOKS[verb]
    return button(look.label, verb, ref, accessible_label=f"{look.label}: {title}", style=look.style)


def answers_on_buttons(dossier: Dossier) -> tuple[str, ...]:
    """The offered answers, if each can be a button and the card shows the whole question; otherwise none."""
    answers = dossier.package.answers if dossier.package and dossier.state.whole_on_card else ()
    fit = len(answers) <= len(ANSWER_BUTTONS) and all(len(text) <= _MAX_ANSWER for text in answers)
    distinct = {*map(_comparable, answers)} - _OWN_LABELS
    return answers if fit and len(distinct) == len(answers) else ()


def _comparable(text: str) -> str:
    """The letters and digits of a label, so that "APPROVE!" equals "Approve".

    A label in mixed alphabets could imitate any other. It is empty here, which no answer may be.
    """
    letters = "".join(filter(str.isalnum, normalize_name(text)))
    return "" if alphabets_mixed_in(text) else letters


_OWN_LABELS = frozenset(map(_comparable, (*(look.label for look in LOOKS.values()), "Details", OTHER_ANSWER, "")))
