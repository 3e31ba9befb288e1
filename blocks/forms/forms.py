"""One modal for each verb that needs input. `VerbLook.fields` says which inputs it has.

An input's block id and action id are its field's name: that of `Field.UNTIL` is `values["until"]["until"]`. In it,
Slack gives a text as `value`, a choice as `selected_option`, ticked boxes as `selected_options`, a time as
`selected_date_time` in seconds, a person as `selected_user`. Fields with several inputs are read by `read_slots`. The
verb and the reference are in the private metadata, which `read_metadata` parses. The listener turns all of it into a
command.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from json import dumps
from typing import Any, NamedTuple

from blocks.card.claims import handover
from blocks.card.content import full_content, split_into_steps
from blocks.forms import fields
from blocks.forms.slots import Slot, slot_blocks
from blocks.kit.changes import change_in_brief
from blocks.kit.elements import Block, Element, button, context, paragraph, quote, rich, section
from blocks.kit.frame import framed_quote
from blocks.kit.ids import ActionId, Field, FormId, Ref
from blocks.kit.limits import INPUT_TEXT
from blocks.kit.text import cut, pluralize
from blocks.words.dossier import Dossier
from blocks.words.refusals import sentence_runs
from blocks.words.sentences import consequence
from blocks.words.verbs import LOOKS, meaning
from blocks.words.views import View, about_block, modal
from rules.form_schema import FormSchema
from rules.package.diff import value_changes
from rules.package.layout import EMAIL_PARTS, FORM_CHARACTERS, Content, fits_in_form
from rules.package.model import CALLS, DecisionPackage
from rules.reasons import Reason, Refusal, refuse
from rules.state.commands import Verb
from rules.verbs.table import SPEC_OF_VERB

# Forms that let something go ahead show the complete content, over as many steps as it needs.
SHOWS_CONTENT = frozenset(verb for verb, row in SPEC_OF_VERB.items() if row.lets_go_ahead)
_EDITED_IN_INPUTS = frozenset(
    [Content.PARAMETERS, Content.MEMORY, Content.EXCEPTION, Content.JUSTIFICATION, *EMAIL_PARTS]
)

_CHANGES = 30  # shown with an edit; the inputs below them show everything
_EDIT_FIELDS = 50  # Slack takes 100 blocks in a view
_EDIT_BYTES = 100_000  # Slack takes 250 KB in a view
_LABEL = 200  # characters of a parameter's name
_REVISE_INSTEAD = f"Use *{LOOKS[Verb.REVISE].label}* and tell the agent what to change."
_QUOTE_LENGTH = 2_000
_TOO_LONG = (
    f"This is longer than the {FORM_CHARACTERS:,} characters that a form can show, so nobody can let it go ahead in"
    f" Slack. Use *{LOOKS[Verb.REVISE].label}* to ask the agent for something shorter, or *{LOOKS[Verb.REJECT].label}*."
)
_NUMBER = re.compile("[1-9][0-9]{0,5}")
_QUOTE_LINES = 30


class Step(NamedTuple):
    """One view of a form: which one, and of how many. Only the last step can be submitted."""

    view: View
    number: int
    of: int


def form(verb: Verb, dossier: Dossier) -> View:
    """The first step of the form of a verb with fields."""
    return step(verb, dossier, 1).view


def step(verb: Verb, dossier: Dossier, number: int) -> Step:
    """The step of this number, or the nearest one. A verb that cannot be submitted has zero steps and says why."""
    if reason := _obstacle(verb, dossier):
        return Step(_dead_end(verb, dossier, reason), 1, 0)
    steps = split_into_steps(_content(verb, dossier))
    number = min(max(number, 1), len(steps))
    description = _call_description(verb, dossier) if number == 1 else ()
    blocks = [*description, *_step_header(verb, dossier, number, len(steps)), *steps[number - 1]]
    is_last = number == len(steps)
    view = _last_step(verb, dossier, blocks) if is_last else _earlier_step(verb, dossier, number, blocks)
    return Step(view, number, len(steps))


def _last_step(verb: Verb, dossier: Dossier, blocks: list[Block]) -> View:
    shown = [field for field in LOOKS[verb].fields if fields.is_shown(field, verb, dossier)]
    inputs = [block for field in shown for block in fields.input_blocks(field, verb, dossier)]
    submit = "Next" if verb is Verb.APPROVE_WITH_EDITS else None
    return _form(verb, dossier, [*blocks, *_basis_blocks(verb, dossier), *inputs], submit=submit)


def _earlier_step(verb: Verb, dossier: Dossier, number: int, blocks: list[Block]) -> View:
    more = section(f"{LOOKS[verb].label} is on the last step.", _step_button(verb, dossier, number + 1, "Next"))
    return modal(FormId.DECISION, LOOKS[verb].label, [about_block(dossier), *blocks, more])


def _step_header(verb: Verb, dossier: Dossier, number: int, of: int) -> Iterator[Block]:
    """The number of the step. Back and Next are in different blocks because both have the same action id."""
    if of > 1:
        back = _step_button(verb, dossier, number - 1, "Back") if number > 1 else None
        yield section(f"Step {number} of {of}", back)


def _step_button(verb: Verb, dossier: Dossier, number: int, label: str) -> Element:
    return button(label, ActionId.STEP, f"{number} {verb} {dossier.ref}", accessible_label=f"{label}: step {number}")


def read_step(value: str) -> tuple[int, Verb, Ref] | None:
    """The step, verb and reference in a button's value; None if the value is not exactly one of ours."""
    number, _, rest = value.partition(" ")
    parsed = read_metadata(rest)
    return (int(number), *parsed) if parsed and _NUMBER.fullmatch(number) else None


def _content(verb: Verb, dossier: Dossier) -> Iterator[Block]:
    """The content that the verb releases. Parts that can be edited are in the input instead."""
    if verb in SHOWS_CONTENT:
        yield from full_content(dossier, _EDITED_IN_INPUTS if verb is Verb.APPROVE_WITH_EDITS else ())


def _call_description(verb: Verb, dossier: Dossier) -> Iterator[Block]:
    """The agent's description of a call, before the call itself."""
    package = dossier.package
    if package and verb in (Verb.APPROVE, Verb.ALLOW_RETRY) and package.kind in CALLS:
        yield _quote_block("The agent's description", package.proposed_action)


def _form(
    verb: Verb, dossier: Dossier, blocks: list[Block], *, title: str | None = None, submit: str | None = None
) -> View:
    opening, label = [about_block(dossier), section(meaning(verb, dossier))], LOOKS[verb].label
    metadata = f"{verb} {dossier.ref}"
    return modal(FormId.DECISION, title or label, [*opening, *blocks], submit=submit or label, metadata=metadata)


def _dead_end(verb: Verb, dossier: Dossier, reason: list[Block]) -> View:
    return modal(FormId.DECISION, LOOKS[verb].label, [about_block(dossier), *reason])


def read_metadata(text: str) -> tuple[Verb, Ref] | None:
    """The verb and the reference in a form's metadata; None if the text is not exactly one of ours."""
    word, _, rest = text.partition(" ")
    ref = Ref.read(rest)
    return (Verb(word), ref) if ref and word in LOOKS and LOOKS[Verb(word)].fields else None


def _obstacle(verb: Verb, dossier: Dossier) -> list[Block] | None:
    """Why the form cannot be filled in; None if it can."""
    state, package = dossier.state, dossier.package
    if verb is Verb.ESCALATE and state.task.rung >= dossier.terms.top:
        return [_refusal_block(refuse(Reason.TOP_OF_LADDER, role=state.task.required_role))]
    if verb in SHOWS_CONTENT and package and not fits_in_form(package):
        return [section(_TOO_LONG)]
    if verb is not Verb.APPROVE_WITH_EDITS:
        return None
    if package is None or package.action_parameters is None:
        return [_refusal_block(refuse(Reason.NO_PARAMETERS))]
    return _not_editable(fields.slots_of(Field.PARAMETERS, dossier), package.action_parameters)


def _refusal_block(refusal: Refusal) -> Block:
    return rich(paragraph(*sentence_runs(refusal.sentence)))


def _not_editable(slots: Sequence[Slot], values: Mapping[str, Any]) -> list[Block] | None:
    """Why the parameters do not fit into a form, and what to do instead; None if they fit."""
    if len(slots) > _EDIT_FIELDS:
        return [section(f"This has {len(slots)} parameters, and a form holds {_EDIT_FIELDS}. {_REVISE_INSTEAD}")]
    blocks = slot_blocks(slots, Field.PARAMETERS, values)
    long = [slot.label for slot, block in zip(slots, blocks, strict=True) if _is_too_long(slot, block)]
    if long:
        problem = f"This parameter is longer than the {INPUT_TEXT:,} characters that a form field holds:"
        return [section(problem), rich(quote(cut(long[0], _LABEL))), section(_REVISE_INSTEAD)]
    if len(dumps(blocks)) > _EDIT_BYTES:
        return [section(f"Together these parameters are longer than a form can hold. {_REVISE_INSTEAD}")]
    return None


def _is_too_long(slot: Slot, block: Block) -> bool:
    return len(block["element"].get("initial_value", "")) > INPUT_TEXT or len(slot.label) > _LABEL


def _basis_blocks(verb: Verb, dossier: Dossier) -> Iterator[Block]:
    """What the decision depends on, apart from the inputs."""
    package = dossier.package
    if package is None:
        return
    match verb:
        case Verb.APPROVE | Verb.ALLOW_RETRY:
            yield from _consequence_blocks(dossier, package)
        case Verb.APPROVE_WITH_EDITS:
            yield from _limits_note(dossier, package)
        case Verb.ANSWER if package.response_schema:
            yield from _schema_blocks(package.response_schema)
        case Verb.OVERRIDE:
            yield section(_recommendation_sentence(package))
        case Verb.TAKE_OVER if package.takeover:
            yield rich(*handover(package.takeover))


def _limits_note(dossier: Dossier, package: DecisionPackage) -> Iterator[Block]:
    """If only the agent's own schema limits what can be entered, the form says so."""
    if package.parameters_schema and not dossier.parameters_schema:
        yield context("The agent set the types and limits of these fields.")


def _schema_blocks(schema: FormSchema) -> Iterator[Block]:
    yield context("The agent wrote the labels and hints of these fields.")
    if text := "\n".join(filter(None, (schema.title, schema.description))):
        yield _quote_block("About the form", text)


def _consequence_blocks(dossier: Dossier, package: DecisionPackage) -> Iterator[Block]:
    if package.consequence:
        yield _quote_block("If approved", package.consequence)
    if not dossier.grave:  # otherwise it is beside the box to tick
        yield context(consequence(dossier.state))


def _recommendation_sentence(package: DecisionPackage) -> str:
    recommendation = package.recommendation
    return f"The agent recommends to {recommendation}." if recommendation else "The agent gives no recommendation."


def _quote_block(name: str, text: str) -> Block:
    return rich(*framed_quote(name, text, _QUOTE_LENGTH, _QUOTE_LINES))


def edit_confirmation(dossier: Dossier, parameters: dict[str, Any]) -> View:
    """The changes of an edit, to be confirmed. If the parameters are edited again here, this view is shown again.

    The ticked box comes back with `fields.confirmation(parameters)` of the parameters that were shown.
    """
    verb, package = Verb.APPROVE_WITH_EDITS, dossier.package
    slots = fields.slots_of(Field.PARAMETERS, dossier)
    reason = _obstacle(verb, dossier) or _not_editable(slots, parameters)
    if package is None or reason:
        return _dead_end(verb, dossier, reason or [])
    blocks = [
        *_change_blocks(package.action_parameters or {}, parameters, slots),
        fields.confirmed_for(dossier, fields.confirmation(parameters)),
        fields.comment(verb, dossier),
        section("*Anything else to change?* Change it here, and the changes are shown again."),
        *_limits_note(dossier, package),
        *slot_blocks(slots, Field.PARAMETERS, parameters),
    ]
    return _form(verb, dossier, blocks, title="Check your changes")


def _change_blocks(before: dict[str, Any], after: dict[str, Any], slots: Sequence[Slot]) -> Iterator[Block]:
    changes = value_changes(before, after, {slot.name: slot.label for slot in slots})
    yield section(f"*Your edit changes {pluralize(len(changes), 'value')}:*")
    yield from map(change_in_brief, changes[:_CHANGES])
    if changes[_CHANGES:]:
        yield context(f"{pluralize(len(changes) - _CHANGES, 'more change')} in the fields below.")


def notice_modal(title: str, sentence: str) -> View:
    """A modal without inputs. `<@U…>` and times become Slack's own; the rest is literal text."""
    return modal(FormId.DECISION, title, [rich(paragraph(*sentence_runs(sentence)))])


def away_form() -> View:
    return modal(FormId.AWAY, "Away", fields.away_fields(), submit="Save")
