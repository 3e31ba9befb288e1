"""The inputs of the forms, one function for each field. The tables say how a label differs between verbs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from blocks.kit.elements import Block, Element, input_block, option, plain, text_input
from blocks.kit.ids import Field
from blocks.kit.limits import INPUT_TEXT, OPTION_TEXT
from blocks.kit.parameters import compact_json, exact_json
from blocks.words.dossier import Dossier
from blocks.words.sentences import reversibility_sentence
from rules.canonical import sha256_of
from rules.state.commands import OverrideDecision, Verb, Verdict
from rules.wording import humanize

# These verbs always need a comment; approvals need one only if the policy says so.
_NEEDS_COMMENT = frozenset([Verb.REJECT, Verb.DEFER, Verb.COMMENT, Verb.REVOKE, Verb.WITHDRAW])
_PROCEEDING = frozenset([Verb.APPROVE, Verb.APPROVE_WITH_EDITS])

_COMMENT: Mapping[Verb, str] = {
    Verb.APPROVE: "Why you approve",
    Verb.APPROVE_WITH_EDITS: "Why you edit it",
    Verb.REJECT: "Why you reject it",
    Verb.OBJECT: "What you object to",
    Verb.ESCALATE: "What the next role should know",
    Verb.DEFER: "What it waits for",
    Verb.RECUSE: "Why you step aside",
    Verb.REVOKE: "Why you revoke it",
    Verb.WITHDRAW: "Why it is withdrawn",
}
_INSTRUCTIONS: Mapping[Verb, str] = {
    Verb.REVISE: "What the agent should change",
    Verb.REQUEST_MORE_EVIDENCE: "What the agent should show",
}
_UNTIL: Mapping[Verb, str] = {Verb.DEFER: "Ask again at", Verb.EXTEND: "The new deadline"}
_OVERRIDES = (
    option("Go ahead", OverrideDecision.PROCEED, "The agent may do this, once, whatever it recommends itself."),
    option("Stop", OverrideDecision.STOP, "The agent must not do this, whatever it recommends itself."),
    option("Something else", OverrideDecision.OTHER, "The agent must not do this; your reason says what instead."),
)
_VERDICTS = (
    option("Sound", Verdict.SOUND, "It was right to let it go ahead."),
    option("Unsound", Verdict.UNSOUND, "It should not have gone ahead."),
)


def comment(verb: Verb, dossier: Dossier) -> Block:
    required = verb in _NEEDS_COMMENT or (verb in _PROCEEDING and dossier.terms.comment_required)
    hint = "It is kept with the decision, and the agent can read it." if verb in _COMMENT else None
    return input_block(Field.COMMENT, _COMMENT.get(verb, "Comment"), text_input(), hint=hint, optional=not required)


def instructions(verb: Verb, _: Dossier) -> Block:
    hint = "The agent gets these words as they are."
    return input_block(Field.INSTRUCTIONS, _INSTRUCTIONS[verb], text_input(), hint=hint)


def answer(_: Verb, __: Dossier) -> Block:
    return input_block(Field.ANSWER, "Your answer", text_input(), hint="The agent gets these words as they are.")


def until(verb: Verb, dossier: Dossier) -> Block:
    begin = dossier.state.task.due_at if verb is Verb.EXTEND else dossier.state.updated_at
    return input_block(Field.UNTIL, _UNTIL[verb], datetime_picker(begin + dossier.terms.defer_for))


def datetime_picker(initial: datetime | None = None) -> Element:
    at = {"initial_date_time": int(initial.timestamp())} if initial else {}
    return {"type": "datetimepicker"} | at


def to_role(_: Verb, dossier: Dossier) -> Block:
    above = dossier.terms.ladder[dossier.state.task.rung :]
    options = [option(humanize(role), role) for role in above]
    return input_block(Field.TO_ROLE, "Who should decide", _one_of("static_select", options, options[0]))


def override_decision(_: Verb, __: Dossier) -> Block:
    return input_block(Field.OVERRIDE_DECISION, "Your decision", _one_of("radio_buttons", _OVERRIDES))


def override_reason(_: Verb, __: Dossier) -> Block:
    return input_block(Field.OVERRIDE_REASON, "Why you override it", text_input())


def evidence_refs(_: Verb, __: Dossier) -> Block:
    hint = "One on each line, at most 20: a document, a ticket, who told you."
    return input_block(Field.EVIDENCE_REFS, "Evidence", text_input(), hint=hint)


def verdict(_: Verb, __: Dossier) -> Block:
    return input_block(Field.VERDICT, "Looking back", _one_of("radio_buttons", _VERDICTS))


def parameters(_: Verb, dossier: Dossier) -> Block:
    return parameters_from(dossier.package.action_parameters if dossier.package else None)


def parameters_from(value: object) -> Block:
    """The input for parameters that fit into a form (see `editable`)."""
    hint = "JSON. What draws nothing is written as an escape, such as \\u200b."
    return input_block(Field.PARAMETERS, "The exact parameters", text_input(initial=editable(value)), hint=hint)


def editable(value: object) -> str | None:
    """The parameters as indented JSON, or as compact JSON if that is too long; None if both are."""
    return next((text for to_json in (exact_json, compact_json) if len(text := to_json(value)) <= INPUT_TEXT), None)


def confirmed(_: Verb, dossier: Dossier) -> Block:
    return confirmed_for(dossier, dossier.state.action_digest)


def confirmed_for(dossier: Dossier, digest: str) -> Block:
    """The value of the box is the digest of what is confirmed: a box ticked for one thing confirms no other."""
    tick = option("The agent may then do exactly this", digest, reversibility_sentence(dossier.state))
    return input_block(Field.CONFIRMED, "Consequence", {"type": "checkboxes", "options": [tick]})


def confirmation(parameters: Any) -> str:
    """The value of the ticked box if these edited parameters are confirmed."""
    return sha256_of(parameters)


def _one_of(kind: str, options: Any, initial: Element | None = None) -> Element:
    return {"type": kind, "options": list(options)} | ({"initial_option": initial} if initial else {})


def away_fields() -> list[Block]:
    delegate = {"type": "users_select", "placeholder": plain("Nobody", OPTION_TEXT)}
    hint = "Your open tasks go to them if they may decide them. Delegation moves tasks, never authority."
    return [
        input_block(Field.UNTIL, "Away until", datetime_picker()),
        input_block(Field.DELEGATE, "Who stands in for you", delegate, hint=hint, optional=True),
    ]


FIELD_BLOCKS: Mapping[Field, Callable[[Verb, Dossier], Block]] = {
    Field.COMMENT: comment,
    Field.INSTRUCTIONS: instructions,
    Field.UNTIL: until,
    Field.TO_ROLE: to_role,
    Field.OVERRIDE_DECISION: override_decision,
    Field.OVERRIDE_REASON: override_reason,
    Field.EVIDENCE_REFS: evidence_refs,
    Field.PARAMETERS: parameters,
    Field.ANSWER: answer,
    Field.VERDICT: verdict,
    Field.CONFIRMED: confirmed,
}
