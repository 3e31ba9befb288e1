"""One modal for each verb that needs words. A table says which fields a verb has; the forms are drawn from it.

What is submitted comes back under the same names: the input of `Field.UNTIL` is `values["until"]["until"]`. In it,
Slack gives a text as `value`, a choice as `selected_option`, ticked boxes as `selected_options`, a time as
`selected_date_time` in seconds, a person as `selected_user`. The verb and the reference stand in the private metadata,
which `read_metadata` reads; making a command of it all is the listener's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from blocks import form_fields
from blocks.changes import in_brief
from blocks.claims import standing
from blocks.dossier import Dossier
from blocks.elements import Block, context, rich, section, words
from blocks.form_fields import FIELD, editable
from blocks.frame import boxed, quoted
from blocks.ids import Field, FormId, Ref
from blocks.limits import INPUT_TEXT
from blocks.measure import Measure
from blocks.refusals import spoken
from blocks.text import counted
from blocks.verbs import LABELS, consequence, meaning
from blocks.views import View, about, modal
from rules.commands import Verb
from rules.difference import difference
from rules.package import DecisionPackage
from rules.reasons import Reason, Refusal, refuse

# `CONFIRMED` stands in an approval only where the package is grave, and in an edit only once its changes are shown.
FIELDS: Mapping[Verb, tuple[Field, ...]] = {
    Verb.APPROVE: (Field.CONFIRMED, Field.COMMENT),
    Verb.ANSWER: (Field.ANSWER,),
    Verb.REJECT: (Field.COMMENT,),
    Verb.REVISE: (Field.INSTRUCTIONS,),
    Verb.ESCALATE: (Field.TO_ROLE, Field.COMMENT),
    Verb.OBJECT: (Field.COMMENT,),
    Verb.REQUEST_MORE_EVIDENCE: (Field.INSTRUCTIONS,),
    Verb.DEFER: (Field.UNTIL, Field.COMMENT),
    Verb.OVERRIDE: (Field.OVERRIDE_DECISION, Field.OVERRIDE_REASON, Field.EVIDENCE_REFS),
    Verb.TAKE_OVER: (Field.COMMENT,),
    Verb.RECUSE: (Field.COMMENT,),
    Verb.APPROVE_WITH_EDITS: (Field.PARAMETERS, Field.CONFIRMED, Field.COMMENT),
    Verb.COMMENT: (Field.COMMENT,),
    Verb.EXTEND: (Field.UNTIL, Field.COMMENT),
    Verb.WAKE: (Field.COMMENT,),
    Verb.WITHDRAW: (Field.COMMENT,),
    Verb.REVOKE: (Field.COMMENT,),
    Verb.HAND_BACK: (Field.COMMENT,),
    Verb.JUDGE: (Field.VERDICT, Field.COMMENT),
}

_CHANGES = 30  # drawn beside an edit; its parameters fit a text field, so that this is nearly all there can be
_SAID = 2_000
_LINES = 30
_ROOM = Measure(3.0, 3.0)  # a form is a page of its own


def form(verb: Verb, dossier: Dossier) -> View:
    """The form of a verb that `FIELDS` knows; where nothing could be submitted, a view that says why."""
    if reason := _in_vain(verb, dossier):
        return _nothing_to_fill_in(verb, dossier, reason)
    fields = [field for field in FIELDS[verb] if field is not Field.CONFIRMED or _to_confirm(verb, dossier)]
    inputs = [FIELD[field](verb, dossier) for field in fields]
    return _form(verb, dossier, [*_shown(verb, dossier), *inputs])


def _form(verb: Verb, dossier: Dossier, blocks: list[Block]) -> View:
    opening = [about(dossier), section(meaning(verb, dossier))]
    return modal(
        FormId.DECISION, LABELS[verb], [*opening, *blocks], submit=LABELS[verb], metadata=f"{verb} {dossier.ref}"
    )


def _nothing_to_fill_in(verb: Verb, dossier: Dossier, reason: list[Block]) -> View:
    return modal(FormId.DECISION, LABELS[verb], [about(dossier), *reason])


def read_metadata(text: str) -> tuple[Verb, Ref] | None:
    """What a form is for. Whatever is not exactly one of ours is none at all."""
    word, _, written = text.partition(" ")
    ref = Ref.read(written)
    return (Verb(word), ref) if ref and word in FIELDS else None


def _to_confirm(verb: Verb, dossier: Dossier) -> bool:
    return verb is Verb.APPROVE and dossier.grave


def _in_vain(verb: Verb, dossier: Dossier) -> list[Block] | None:
    """Why there is nothing to fill in, where there is not."""
    state, package = dossier.state, dossier.package
    if verb is Verb.ESCALATE and state.task.rung >= dossier.terms.top:
        return [_refused(refuse(Reason.TOP_OF_LADDER, role=state.task.required_role))]
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
    return [section(f"{told} Use *{LABELS[Verb.REVISE]}* and tell the agent what to change.")]


def _shown(verb: Verb, dossier: Dossier) -> Iterator[Block]:
    """What this decision has to be made on, and is not among its inputs."""
    package = dossier.package
    if package is None:
        return
    match verb:
        case Verb.APPROVE:
            yield from _released(dossier, package)
        case Verb.ANSWER:
            yield _quoted("The question", package.proposed_action)
        case Verb.OVERRIDE:
            yield section(_recommended(package))
        case Verb.TAKE_OVER if package.takeover:
            yield rich(*standing(package.takeover, _ROOM))


def _released(dossier: Dossier, package: DecisionPackage) -> Iterator[Block]:
    yield _quoted("What the agent says it does", package.proposed_action)
    if package.action_parameters is not None:
        yield rich(*boxed("With exactly these parameters", package.action_parameters, _SAID, _LINES))
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

    The ticked box comes back with `form_fields.confirmation(parameters)` of the parameters that were shown.
    """
    verb, package = Verb.APPROVE_WITH_EDITS, dossier.package
    reason = _in_vain(verb, dossier) or _too_long(parameters)
    if package is None or reason:
        return _nothing_to_fill_in(verb, dossier, reason or [])
    inputs = [
        form_fields.parameters_from(parameters),
        form_fields.confirmed_for(dossier, form_fields.confirmation(parameters)),
        form_fields.comment(verb, dossier),
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
    return modal(FormId.AWAY, "Away", form_fields.away(), submit="Save")
