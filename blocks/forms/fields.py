"""The inputs of the forms, one for each field; what a verb needs of its own in them stands in the tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from blocks.kit.elements import Block, Element, asked, option, plain, typed
from blocks.kit.ids import Field
from blocks.kit.limits import INPUT_TEXT, OPTION_TEXT
from blocks.kit.parameters import exactly, tightly
from blocks.words.dossier import Dossier
from blocks.words.sentences import undoing
from rules.canonical import sha256_of
from rules.state.commands import OverrideDecision, Verb, Verdict
from rules.wording import humanize

# The verbs that nobody gives without a word; where the policy asks for one, so do those that let something go ahead.
_TELLING = frozenset([Verb.REJECT, Verb.DEFER, Verb.COMMENT, Verb.REVOKE, Verb.WITHDRAW])
_PROCEEDING = frozenset([Verb.APPROVE, Verb.APPROVE_WITH_EDITS])

_COMMENT: Mapping[Verb, str] = {
    Verb.APPROVE: "Why you approve",
    Verb.APPROVE_WITH_EDITS: "Why you change it",
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
    needed = verb in _TELLING or (verb in _PROCEEDING and dossier.terms.comment_required)
    hint = "It is kept with the decision, and the agent can read it." if verb in _COMMENT else None
    return asked(Field.COMMENT, _COMMENT.get(verb, "Comment"), typed(), hint=hint, optional=not needed)


def instructions(verb: Verb, _: Dossier) -> Block:
    hint = "The agent gets these words as they are."
    return asked(Field.INSTRUCTIONS, _INSTRUCTIONS[verb], typed(), hint=hint)


def answer(_: Verb, __: Dossier) -> Block:
    return asked(Field.ANSWER, "Your answer", typed(), hint="The agent gets these words as they are.")


def until(verb: Verb, dossier: Dossier) -> Block:
    begin = dossier.state.task.due_at if verb is Verb.EXTEND else dossier.state.updated_at
    return asked(Field.UNTIL, _UNTIL[verb], at_what_time(begin + dossier.terms.defer_for))


def at_what_time(initial: datetime | None = None) -> Element:
    at = {"initial_date_time": int(initial.timestamp())} if initial else {}
    return {"type": "datetimepicker"} | at


def to_role(_: Verb, dossier: Dossier) -> Block:
    above = dossier.terms.ladder[dossier.state.task.rung :]
    options = [option(humanize(role), role) for role in above]
    return asked(Field.TO_ROLE, "Who should decide", _one_of("static_select", options, options[0]))


def override_decision(_: Verb, __: Dossier) -> Block:
    return asked(Field.OVERRIDE_DECISION, "Your decision", _one_of("radio_buttons", _OVERRIDES))


def override_reason(_: Verb, __: Dossier) -> Block:
    return asked(Field.OVERRIDE_REASON, "Why you override it", typed())


def evidence_refs(_: Verb, __: Dossier) -> Block:
    hint = "One on each line, at most 20: a document, a ticket, who told you."
    return asked(Field.EVIDENCE_REFS, "What you go by", typed(), hint=hint)


def verdict(_: Verb, __: Dossier) -> Block:
    return asked(Field.VERDICT, "Looking back", _one_of("radio_buttons", _VERDICTS))


def parameters(_: Verb, dossier: Dossier) -> Block:
    return parameters_from(dossier.package.action_parameters if dossier.package else None)


def parameters_from(value: object) -> Block:
    """Of a value that is `editable`."""
    hint = "JSON. What draws nothing is written as an escape, such as \\u200b."
    return asked(Field.PARAMETERS, "The exact parameters", typed(initial=editable(value)), hint=hint)


def editable(value: object) -> str | None:
    """As it stands in a form, as legible as there is room for; None where there is not room enough."""
    return next((written for write in (exactly, tightly) if len(written := write(value)) <= INPUT_TEXT), None)


def confirmed(_: Verb, dossier: Dossier) -> Block:
    return confirmed_for(dossier, dossier.state.action_digest)


def confirmed_for(dossier: Dossier, digest: str) -> Block:
    """The box bears the digest of what is confirmed, so that a box ticked for one thing confirms no other."""
    tick = option("The agent may then do exactly this", digest, undoing(dossier.state))
    return asked(Field.CONFIRMED, "What you let happen", {"type": "checkboxes", "options": [tick]})


def confirmation(parameters: Any) -> str:
    """What stands in the ticked box when these edited parameters were the ones confirmed."""
    return sha256_of(parameters)


def _one_of(kind: str, options: Any, initial: Element | None = None) -> Element:
    return {"type": kind, "options": list(options)} | ({"initial_option": initial} if initial else {})


def away() -> list[Block]:
    delegate = {"type": "users_select", "placeholder": plain("Nobody", OPTION_TEXT)}
    hint = "Your open tasks go to them if they may decide them. Delegation moves tasks, never authority."
    return [
        asked(Field.UNTIL, "Away until", at_what_time()),
        asked(Field.DELEGATE, "Who stands in for you", delegate, hint=hint, optional=True),
    ]


FIELD: Mapping[Field, Callable[[Verb, Dossier], Block]] = {
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
