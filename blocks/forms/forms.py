"""One modal for each verb that needs words. The look of a verb says which fields it has.

What is submitted comes back under the same names: the input of `Field.UNTIL` is `values["until"]["until"]`. In it,
Slack gives a text as `value`, a choice as `selected_option`, ticked boxes as `selected_options`, a time as
`selected_date_time` in seconds, a person as `selected_user`. The verb and the reference stand in the private metadata,
which `read_metadata` reads; making a command of it all is the listener's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from blocks.card.approved import in_steps, whole
from blocks.card.claims import standing
from blocks.forms import fields
from blocks.forms.fields import FIELD, editable
from blocks.kit.changes import in_brief
from blocks.kit.elements import Block, Element, button, context, rich, section, words
from blocks.kit.frame import quoted
from blocks.kit.ids import ActionId, Field, FormId, Ref
from blocks.kit.limits import INPUT_TEXT
from blocks.kit.room import Measure
from blocks.kit.text import counted
from blocks.words.dossier import Dossier
from blocks.words.refusals import spoken
from blocks.words.verbs import LOOKS, consequence, meaning
from blocks.words.views import View, about, modal
from rules.package.diff import difference
from rules.package.layout import FORM_CHARACTERS, Content, fits_in_form
from rules.package.model import CALLS, DecisionPackage
from rules.reasons import Reason, Refusal, refuse
from rules.state.commands import Verb
from rules.verbs.table import SPEC_OF_VERB

# They let something go ahead: their form shows all of it, over as many steps as it takes.
SHOWING_ALL = frozenset(verb for verb, row in SPEC_OF_VERB.items() if row.lets_go_ahead)
_IN_THE_INPUT = frozenset([Content.PARAMETERS, Content.MEMORY, Content.EXCEPTION, Content.JUSTIFICATION])

_CHANGES = 30  # drawn beside an edit; its parameters fit a text field, so that this is nearly all there can be
_SAID = 2_000
_TOO_LONG = (
    f"This is longer than the {FORM_CHARACTERS:,} characters that a form can show, so nobody can let it go ahead in"
    f" Slack. Use *{LOOKS[Verb.REVISE].label}* to ask the agent for something shorter, or *{LOOKS[Verb.REJECT].label}*."
)
_NUMBER = re.compile("[1-9][0-9]{0,5}")
_LINES = 30
_ROOM = Measure(3.0, 3.0)  # a form is a page of its own


class Step(NamedTuple):
    """One view of a form. Only the last one can be submitted."""

    view: View
    number: int
    of: int


def form(verb: Verb, dossier: Dossier) -> View:
    """The first step of the form of a verb that has fields."""
    return step(verb, dossier, 1).view


def step(verb: Verb, dossier: Dossier, number: int) -> Step:
    """A step of the form, or the nearest one. Where nothing could be submitted, it says why and is the last of none."""
    if reason := _in_vain(verb, dossier):
        return Step(_nothing_to_fill_in(verb, dossier, reason), 1, 0)
    each = in_steps(_exactly(verb, dossier))
    number = min(max(number, 1), len(each))
    at = Step({}, number, len(each))
    blocks = [*_words_of_a_call(verb, dossier, at), *_back(verb, dossier, at), *each[number - 1]]
    drawn = _last if number == len(each) else _further
    return at._replace(view=drawn(verb, dossier, at, blocks))


def _last(verb: Verb, dossier: Dossier, _: Step, blocks: list[Block]) -> View:
    named = [field for field in LOOKS[verb].fields if field is not Field.CONFIRMED or _to_confirm(verb, dossier)]
    inputs = [FIELD[field](verb, dossier) for field in named]
    return _form(verb, dossier, [*blocks, *_shown(verb, dossier), *inputs])


def _further(verb: Verb, dossier: Dossier, at: Step, blocks: list[Block]) -> View:
    more = section(f"{LOOKS[verb].label} stands on the last step.", _to(verb, dossier, at.number + 1, "Next"))
    return modal(FormId.DECISION, LOOKS[verb].label, [about(dossier), *blocks, more])


def _back(verb: Verb, dossier: Dossier, at: Step) -> Iterator[Block]:
    """Which step this is. Back stands in another block than Next, because both have the same action id."""
    if at.of > 1:
        back = _to(verb, dossier, at.number - 1, "Back") if at.number > 1 else None
        yield section(f"Step {at.number} of {at.of}", back)


def _to(verb: Verb, dossier: Dossier, number: int, label: str) -> Element:
    return button(label, ActionId.STEP, f"{number} {verb} {dossier.ref}", spoken=f"{label}: step {number}")


def read_step(value: str) -> tuple[int, Verb, Ref] | None:
    """Which step of which form a button leads to. Anything that is not exactly one of ours is None."""
    number, _, rest = value.partition(" ")
    asks = read_metadata(rest)
    return (int(number), *asks) if asks and _NUMBER.fullmatch(number) else None


def _exactly(verb: Verb, dossier: Dossier) -> Iterator[Block]:
    """What the verb would let happen; what is edited stands in the input instead."""
    if dossier.package and verb in SHOWING_ALL:
        yield from whole(dossier.package, _IN_THE_INPUT if verb is Verb.APPROVE_WITH_EDITS else ())


def _words_of_a_call(verb: Verb, dossier: Dossier, at: Step) -> Iterator[Block]:
    """How the agent puts it, before what it would call."""
    package = dossier.package
    if package and verb is Verb.APPROVE and at.number == 1 and package.kind in CALLS:
        yield _quoted("What the agent says it does", package.proposed_action)


def _form(verb: Verb, dossier: Dossier, blocks: list[Block]) -> View:
    opening, label = [about(dossier), section(meaning(verb, dossier))], LOOKS[verb].label
    return modal(FormId.DECISION, label, [*opening, *blocks], submit=label, metadata=f"{verb} {dossier.ref}")


def _nothing_to_fill_in(verb: Verb, dossier: Dossier, reason: list[Block]) -> View:
    return modal(FormId.DECISION, LOOKS[verb].label, [about(dossier), *reason])


def read_metadata(text: str) -> tuple[Verb, Ref] | None:
    """What a form is for. Whatever is not exactly one of ours is none at all."""
    word, _, written = text.partition(" ")
    ref = Ref.read(written)
    return (Verb(word), ref) if ref and word in LOOKS and LOOKS[Verb(word)].fields else None


def _to_confirm(verb: Verb, dossier: Dossier) -> bool:
    return verb is Verb.APPROVE and dossier.grave


def _in_vain(verb: Verb, dossier: Dossier) -> list[Block] | None:
    """Why there is nothing to fill in, where there is not."""
    state, package = dossier.state, dossier.package
    if verb is Verb.ESCALATE and state.task.rung >= dossier.terms.top:
        return [_refused(refuse(Reason.TOP_OF_LADDER, role=state.task.required_role))]
    if verb in SHOWING_ALL and package and not fits_in_form(package):
        return [section(_TOO_LONG)]
    if verb is not Verb.APPROVE_WITH_EDITS:
        return None
    if package is None or package.action_parameters is None:
        return [_refused(refuse(Reason.NO_PARAMETERS))]
    return _too_long(package.action_parameters)


def _refused(refusal: Refusal) -> Block:
    return rich(words(*spoken(refusal.sentence)))


def _too_long(parameters: object) -> list[Block] | None:
    if editable(parameters) is not None:
        return None
    told = f"These parameters are longer than the {INPUT_TEXT:,} characters that a form can hold."
    return [section(f"{told} Use *{LOOKS[Verb.REVISE].label}* and tell the agent what to change.")]


def _shown(verb: Verb, dossier: Dossier) -> Iterator[Block]:
    """What this decision has to be made on, and is not among its inputs."""
    package = dossier.package
    if package is None:
        return
    match verb:
        case Verb.APPROVE:
            yield from _released(dossier, package)
        case Verb.OVERRIDE:
            yield section(_recommended(package))
        case Verb.TAKE_OVER if package.takeover:
            yield rich(*standing(package.takeover, _ROOM))


def _released(dossier: Dossier, package: DecisionPackage) -> Iterator[Block]:
    if package.consequence:
        yield _quoted("What the agent says follows", package.consequence)
    yield context(consequence(dossier))


def _recommended(package: DecisionPackage) -> str:
    said = package.recommendation
    return f"The agent recommends to {said}." if said else "The agent recommends nothing beyond its proposal."


def _quoted(name: str, text: str) -> Block:
    return rich(*quoted(name, text, _SAID, _LINES))


def edited(dossier: Dossier, parameters: dict[str, Any]) -> View:
    """The edit once more, with what it changes, to be confirmed; where it is changed again, it is shown again.

    The ticked box comes back with `fields.confirmation(parameters)` of the parameters that were shown.
    """
    verb, package = Verb.APPROVE_WITH_EDITS, dossier.package
    reason = _in_vain(verb, dossier) or _too_long(parameters)
    if package is None or reason:
        return _nothing_to_fill_in(verb, dossier, reason or [])
    inputs = [
        fields.parameters_from(parameters),
        fields.confirmed_for(dossier, fields.confirmation(parameters)),
        fields.comment(verb, dossier),
    ]
    return _form(verb, dossier, [*_changed(package, parameters), *inputs])


def _changed(package: DecisionPackage, parameters: dict[str, Any]) -> Iterator[Block]:
    changes = difference(package, package.model_copy(update={"action_parameters": parameters}))
    yield section(f"*Your edit changes {counted(len(changes), 'value')}:*")
    yield from map(in_brief, changes[:_CHANGES])
    if changes[_CHANGES:]:
        yield context(f"{counted(len(changes) - _CHANGES, 'more change')} below.")


def notice(title: str, sentence: str) -> View:
    """A modal that only tells. People named in it are told by their names; all else in it is taken literally."""
    return modal(FormId.DECISION, title, [rich(words(*spoken(sentence)))])


def away_form() -> View:
    return modal(FormId.AWAY, "Away", fields.away(), submit="Save")
