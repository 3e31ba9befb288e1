"""The inputs of the forms, one function for each field. Labels that differ between verbs are in `LOOKS`.

`blocks.forms.forms` draws the fields of a verb's look that `is_shown` allows. What comes back is read by
`bot.slack.clicks.forms` and checked again by the rules: a form is an offer, never a proof.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from blocks.forms.slots import Slot, parameter_slots, response_slots, slot_blocks
from blocks.kit.elements import Block, Element, choice_of, input_block, option, plain, text_input
from blocks.kit.ids import Field
from blocks.kit.limits import OPTION_TEXT
from blocks.words.dossier import Dossier
from blocks.words.sentences import agent_name, consequence
from blocks.words.verbs import LOOKS
from rules.canonical import sha256_of
from rules.package.model import DecisionPackage
from rules.state.commands import Audience, OverrideDecision, Verb, Verdict
from rules.state.decisions import ExecutionState
from rules.verbs.table import SPEC_OF_VERB
from rules.wording import humanize

OTHER_ANSWER = "other"  # the choice of an answer that the question does not offer

_OVERRIDES = (
    option("Go ahead", OverrideDecision.PROCEED, "The agent may do this, once."),
    option("Stop", OverrideDecision.STOP, "The agent must not do this."),
    option(
        "Something else", OverrideDecision.OTHER, "The agent must not do this. Write below what it should do instead."
    ),
)
_VERDICTS = (
    option("Sound", Verdict.SOUND, "It was right to let it go ahead."),
    option("Unsound", Verdict.UNSOUND, "It should not have gone ahead."),
)

_BLIND_VERDICTS = (
    option("Sound", Verdict.SOUND, "It should go ahead as it is proposed."),
    option("Unsound", Verdict.UNSOUND, "It should not go ahead as it is proposed."),
)


def comment(verb: Verb, dossier: Dossier) -> Block:
    look, label = LOOKS[verb], LOOKS[verb].labels.get(Field.COMMENT)
    must_say_why = dossier.terms.comment_required or (verb is Verb.ALLOW_RETRY and may_have_happened(dossier))
    looks_blindly = verb is Verb.JUDGE and dossier.look is not None
    required = look.comment_required or looks_blindly or (SPEC_OF_VERB[verb].lets_go_ahead and must_say_why)
    hint = "It is kept with the decision, and the agent can read it." if label else None
    hint = "Besides you, those who decided it can read it." if looks_blindly else hint
    label = "Why you think so" if looks_blindly else label or "Comment"
    return input_block(Field.COMMENT, label, text_input(), hint=hint, optional=not required)


def instructions(verb: Verb, _: Dossier) -> Block:
    hint = "The agent gets these words as they are."
    return input_block(Field.INSTRUCTIONS, LOOKS[verb].labels[Field.INSTRUCTIONS], text_input(), hint=hint)


def tags(_: Verb, dossier: Dossier) -> Block:
    ticks = {"type": "checkboxes", "options": [option(tag, tag) for tag in dossier.tags]}
    return input_block(
        Field.TAGS, "Reasons", ticks, hint="They are counted. The agent gets the words below.", optional=True
    )


def answer_choice(_: Verb, dossier: Dossier) -> Block:
    package = dossier.package
    options = [option(text, str(number)) for number, text in enumerate(package.answers)] if package else []
    options += [option("Another answer, written below", OTHER_ANSWER)] if package and package.free_answer else []
    return input_block(Field.ANSWER_CHOICE, "Your answer", choice_of("radio_buttons", options))


def answer(_: Verb, dossier: Dossier) -> Block:
    hint = "The agent gets these words as they are."
    if dossier.package and dossier.package.answers:
        return input_block(Field.ANSWER, "Another answer", text_input(), hint=hint, optional=True)
    return input_block(Field.ANSWER, "Your answer", text_input(), hint=hint)


def chosen_answer(package: DecisionPackage, choice: object) -> str | None:
    """The offered answer at the chosen position; None if there is no such answer."""
    positions = {str(number): text for number, text in enumerate(package.answers)}
    return positions.get(choice) if isinstance(choice, str) else None


def until(verb: Verb, dossier: Dossier) -> Block:
    begin = dossier.state.task.due_at if verb is Verb.EXTEND else dossier.state.updated_at
    return input_block(Field.UNTIL, LOOKS[verb].labels[Field.UNTIL], datetime_picker(begin + dossier.terms.defer_for))


def datetime_picker(initial: datetime | None = None) -> Element:
    at = {"initial_date_time": int(initial.timestamp())} if initial else {}
    return {"type": "datetimepicker"} | at


def to_role(_: Verb, dossier: Dossier) -> Block:
    above = dossier.terms.ladder[dossier.state.task.rung :]
    options = [option(humanize(role), role) for role in above]
    return input_block(Field.TO_ROLE, "Which role should decide", choice_of("static_select", options, options[0]))


def to_person(_: Verb, __: Dossier) -> Block:
    hint = "Someone who can decide this now gets it without a change of role. Anyone else needs the role above."
    return input_block(Field.TO_PERSON, "Person", _person(), hint=hint, optional=True)


def _person() -> Element:
    return {"type": "users_select", "placeholder": plain("Nobody", OPTION_TEXT)}


def override_decision(_: Verb, __: Dossier) -> Block:
    return input_block(Field.OVERRIDE_DECISION, "Your decision", choice_of("radio_buttons", _OVERRIDES))


def override_reason(_: Verb, __: Dossier) -> Block:
    return input_block(Field.OVERRIDE_REASON, "Why you override it", text_input())


def evidence_refs(_: Verb, __: Dossier) -> Block:
    hint = "One on each line, at most 20: a document, a ticket, who told you."
    return input_block(Field.EVIDENCE_REFS, "Evidence", text_input(), hint=hint)


def verdict(_: Verb, dossier: Dossier) -> Block:
    label, verdicts = ("Your judgment", _BLIND_VERDICTS) if dossier.look else ("Looking back", _VERDICTS)
    return input_block(Field.VERDICT, label, choice_of("radio_buttons", verdicts))


def audience(_: Verb, dossier: Dossier) -> Block:
    readers = [
        option("The agent and the reviewers", Audience.AGENT, f"{agent_name(dossier)} gets these words as they are."),
        option("Reviewers only", Audience.REVIEWERS, "The agent does not get them."),
    ]
    return input_block(Field.AUDIENCE, "Who reads it", choice_of("radio_buttons", readers, readers[0]))


def may_have_happened(dossier: Dossier) -> bool:
    return dossier.state.execution.state is ExecutionState.UNKNOWN


def confirmed(verb: Verb, dossier: Dossier) -> Block:
    digest = dossier.state.action_digest
    if verb is not Verb.ALLOW_RETRY or not may_have_happened(dossier):
        return confirmed_for(dossier, digest)
    tick = option("The action may have happened already", digest, "If it did, a retry does it twice.")
    return input_block(Field.CONFIRMED, "Outcome unknown", {"type": "checkboxes", "options": [tick]})


def confirmed_for(dossier: Dossier, digest: str) -> Block:
    """The value of the box is the digest of what is confirmed: a box ticked for one thing confirms no other."""
    tick = option("The agent may then do exactly this", digest, consequence(dossier.state))
    return input_block(Field.CONFIRMED, "Confirm", {"type": "checkboxes", "options": [tick]})


def confirmation(parameters: Any) -> str:
    """The value of the ticked box if these edited parameters are confirmed."""
    return sha256_of(parameters)


def away_fields() -> list[Block]:
    hint = "Your open tasks go to them if they may decide them. Delegation moves tasks, never authority."
    return [
        input_block(Field.UNTIL, "Away until", datetime_picker()),
        input_block(Field.DELEGATE, "Who stands in for you", _person(), hint=hint, optional=True),
    ]


FIELD_BLOCKS: Mapping[Field, Callable[[Verb, Dossier], Block]] = {
    Field.COMMENT: comment,
    Field.INSTRUCTIONS: instructions,
    Field.TAGS: tags,
    Field.UNTIL: until,
    Field.TO_ROLE: to_role,
    Field.TO_PERSON: to_person,
    Field.OVERRIDE_DECISION: override_decision,
    Field.OVERRIDE_REASON: override_reason,
    Field.EVIDENCE_REFS: evidence_refs,
    Field.ANSWER_CHOICE: answer_choice,
    Field.ANSWER: answer,
    Field.VERDICT: verdict,
    Field.AUDIENCE: audience,
    Field.CONFIRMED: confirmed,
}


def is_shown(field: Field, verb: Verb, dossier: Dossier) -> bool:
    """Whether the form has this field now."""
    package = dossier.package
    match field:
        case Field.CONFIRMED:
            return needs_tick(verb, dossier)
        case Field.TAGS:
            return bool(dossier.tags)
        case Field.ANSWER_CHOICE:
            return package is not None and bool(package.answers)
        case Field.ANSWER_DATA:
            return package is not None and package.response_schema is not None
        case Field.ANSWER:
            return package is None or (not package.response_schema and (package.free_answer or not package.answers))
        case _:
            return True


def needs_tick(verb: Verb, dossier: Dossier) -> bool:
    """Whether a box must be ticked before the action may go ahead. An edit has a box of its own."""
    unsure = verb is Verb.ALLOW_RETRY and may_have_happened(dossier)
    return unsure or (verb in (Verb.APPROVE, Verb.ALLOW_RETRY) and dossier.grave)


def input_blocks(field: Field, verb: Verb, dossier: Dossier) -> list[Block]:
    """The inputs of a field, as they are when the form opens."""
    if field in (Field.PARAMETERS, Field.ANSWER_DATA):
        parameters = dossier.package.action_parameters if dossier.package and field is Field.PARAMETERS else None
        return slot_blocks(slots_of(field, dossier), field, parameters or {})
    return [FIELD_BLOCKS[field](verb, dossier)]


def slots_of(field: Field, dossier: Dossier) -> list[Slot]:
    """The slots of a field that has several inputs, from what the service itself knows."""
    package = dossier.package
    if package is None:
        return []
    if field is Field.PARAMETERS:
        return parameter_slots(package, dossier.parameters_schema)
    return response_slots(package.response_schema) if package.response_schema else []
