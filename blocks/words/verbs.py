"""How each verb that people can use looks: label, meaning, place and form. The order is that of the buttons.

`LOOKS` has one row for each verb that can be offered. `check_complete` runs at import, so a verb without a look keeps
the process from starting. Cards, lists, forms and mails take their labels from here; a meaning that depends on the
package is a function of its dossier. What a verb does is in `rules.verbs.table`.
"""

from __future__ import annotations

from collections.abc import Container, Mapping

from blocks.kit.ids import Field
from blocks.kit.text import format_duration, slack_date
from blocks.words.dossier import Dossier
from blocks.words.sentences import quorum_sentence, risk_label
from blocks.words.verb_look import Position, RowPosition, VerbLook, check_complete
from rules.authority.ladder import who_may_decide
from rules.package.takeover_reach import has_thread_or_run
from rules.state.commands import Verb
from rules.state.decisions import ExecutionState


def _approve(dossier: Dossier) -> str:
    expiry = f"Unused approvals expire after {format_duration(dossier.terms.approval_expiry)}."
    return " ".join(filter(None, ("The agent may then do exactly this, once.", quorum_sentence(dossier), expiry)))


def _edit(dossier: Dossier) -> str:
    alone = dossier.terms.quorum == 1 and not dossier.second_pair
    others = "Your approval is enough, unless the edit makes it graver." if alone else "Someone else must approve it."
    return f"Your edit becomes a new version by you, and earlier votes no longer count. {others}"


def _send_back(dossier: Dossier) -> str:
    until = format_duration(dossier.terms.agent_answer)
    return f"The agent has {until} to send a new version; then this expires. Votes on this version no longer count."


def _extend(dossier: Dossier) -> str:
    return f"Due {slack_date(dossier.state.task.due_at)}. You can only choose a later time."


def _escalate(dossier: Dossier) -> str:
    silence = " Silence no longer counts." if dossier.state.soft else ""
    return f"From then on only the role that you choose decides, with a new deadline.{silence}"


def _defer(dossier: Dossier) -> str:
    return f"This waits until the time that you choose, then asks {who_may_decide(dossier.state, dossier.terms)} again."


def _take_over(dossier: Dossier) -> str:
    part = "thread" if dossier.state.thread_id else "run"
    work = f"Its {part} is yours until you hand it back." if has_thread_or_run(dossier.state) else "It is yours."
    return f"The agent stops here and does not do this. {work}"


def _override(dossier: Dossier) -> str:
    enough = quorum_sentence(dossier) or "Your decision alone is enough."
    return f"You decide against the agent's recommendation. {enough} It may be reviewed."


def _allow_retry(dossier: Dossier) -> str:
    state, expiry = dossier.state, format_duration(dossier.terms.approval_expiry)
    unsure = "Nobody knows whether the action happened. " if state.execution.state is ExecutionState.UNKNOWN else ""
    once = f"{unsure}The agent may try exactly this once more, within {expiry}."
    return " ".join(filter(None, (once, quorum_sentence(dossier))))


def _judge(dossier: Dossier) -> str:
    asked = "Would you" if dossier.look else "Was it right to"
    return f"This was picked for a second look ({risk_label(dossier.state)}). {asked} let it go ahead?"


def _comment(dossier: Dossier) -> str:
    """Whoever asks the agent a question may expect that this stops the clock, so the sentence says that it does not."""
    silence = " Silence still counts: use Object to stop that." if dossier.state.soft else ""
    return f"The comment is shown in Details. It decides nothing.{silence}"


_COMMENT = (Field.COMMENT,)
# `CONFIRMED` is shown for an approval only if the package is grave, and for an edit only with its changes. Of the
# fields of an answer, the question decides which are shown.
LOOKS: Mapping[Verb, VerbLook] = {
    Verb.ALLOW_RETRY: VerbLook(
        label="Allow a retry",
        meaning=_allow_retry,
        position=Position.CARD,
        fields=(Field.CONFIRMED, Field.COMMENT),
        labels={Field.COMMENT: "Why it may run again"},
        after_failure=True,
    ),
    Verb.ASK_ROLLBACK: VerbLook(
        label="Ask for rollback",
        meaning="The agent is asked to undo what it did. It gets your words.",
        position=Position.CARD,
        fields=_COMMENT,
        labels={Field.COMMENT: "What the agent should undo"},
        after_failure=True,
    ),
    Verb.CLOSE: VerbLook(
        label="Close",
        meaning="It stays as it is: the agent neither tries again nor undoes anything.",
        position=Position.CARD,
        fields=_COMMENT,
        labels={Field.COMMENT: "Why it stays as it is"},
        after_failure=True,
    ),
    Verb.APPROVE: VerbLook(
        label="Approve",
        meaning=_approve,
        position=Position.CARD,
        fields=(Field.CONFIRMED, Field.COMMENT),
        labels={Field.COMMENT: "Why you approve"},
        style="primary",
        remark="approves",
        past="approved this",
    ),
    Verb.ANSWER: VerbLook(
        label="Answer",
        meaning="The agent continues with your answer. An answer is not a permission to act.",
        position=Position.CARD,
        fields=(Field.ANSWER_CHOICE, Field.ANSWER, Field.ANSWER_DATA),
        style="primary",
        remark="answers",
        past="answered this",
    ),
    Verb.REJECT: VerbLook(
        label="Reject",
        meaning="The agent must not do this. It gets your reason.",
        position=Position.CARD,
        row=RowPosition.BUTTON,
        fields=(Field.TAGS, Field.COMMENT),
        labels={Field.COMMENT: "Why you reject it"},
        comment_required=True,
        style="danger",
        remark="rejects",
        past="rejected this",
    ),
    Verb.REVISE: VerbLook(
        label="Revise",
        meaning=_send_back,
        position=Position.CARD,
        row=RowPosition.MENU,
        fields=(Field.TAGS, Field.INSTRUCTIONS),
        labels={Field.INSTRUCTIONS: "What the agent should change"},
        remark="asks for changes",
        past="asked for changes",
    ),
    Verb.ESCALATE: VerbLook(
        label="Escalate",
        meaning=_escalate,
        position=Position.CARD,
        row=RowPosition.MENU,
        fields=(Field.TO_ROLE, Field.TO_PERSON, Field.COMMENT),
        labels={Field.COMMENT: "What the next role should know"},
        remark="escalates",
        past="escalated this",
    ),
    Verb.OBJECT: VerbLook(
        label="Object",
        meaning="Silence no longer counts. Explicit approval is required.",
        position=Position.CARD,
        row=RowPosition.BUTTON,
        fields=_COMMENT,
        labels={Field.COMMENT: "What you object to"},
        at_once=True,
        remark="objects",
        past="objected to this",
    ),
    Verb.REQUEST_MORE_EVIDENCE: VerbLook(
        label="Request evidence",
        meaning=_send_back,
        position=Position.MENU,
        row=RowPosition.MENU,
        fields=(Field.INSTRUCTIONS,),
        labels={Field.INSTRUCTIONS: "What the agent should show"},
        remark="asks for evidence",
        past="asked for evidence",
    ),
    Verb.DEFER: VerbLook(
        label="Defer",
        meaning=_defer,
        position=Position.MENU,
        row=RowPosition.MENU,
        fields=(Field.UNTIL, Field.COMMENT),
        labels={Field.UNTIL: "Ask again at", Field.COMMENT: "What it waits for"},
        comment_required=True,
        remark="defers it",
        past="deferred this",
    ),
    Verb.OVERRIDE: VerbLook(
        label="Override",
        meaning=_override,
        position=Position.MENU,
        fields=(Field.OVERRIDE_DECISION, Field.OVERRIDE_REASON, Field.EVIDENCE_REFS),
        remark="overrides",
        past="overrode this",
    ),
    Verb.TAKE_OVER: VerbLook(
        label="Take over",
        meaning=_take_over,
        position=Position.MENU,
        fields=_COMMENT,
        style="primary",
        remark="takes it over",
        past="took this over",
    ),
    Verb.RECUSE: VerbLook(
        label="Recuse",
        meaning="You will not be asked about this again, in any version. If you voted, your vote is withdrawn.",
        position=Position.MENU,
        fields=_COMMENT,
        labels={Field.COMMENT: "Why you step aside"},
    ),
    Verb.CLAIM_TASK: VerbLook(
        label="Claim",
        meaning="This is yours, and others see that.",
        position=Position.DETAILS,
        row=RowPosition.MENU,
    ),
    Verb.APPROVE_WITH_EDITS: VerbLook(
        label="Edit and approve",
        meaning=_edit,
        position=Position.DETAILS,
        fields=(Field.PARAMETERS, Field.CONFIRMED, Field.COMMENT),
        labels={Field.COMMENT: "Why you edit it"},
        remark="approves with edits",
        past="approved with edits",
    ),
    Verb.COMMENT: VerbLook(
        label="Comment",
        meaning=_comment,
        position=Position.DETAILS,
        row=RowPosition.MENU,
        fields=(Field.COMMENT, Field.AUDIENCE),
        comment_required=True,
    ),
    Verb.EXTEND: VerbLook(
        label="Extend deadline",
        meaning=_extend,
        position=Position.DETAILS,
        row=RowPosition.MENU,
        fields=(Field.UNTIL, Field.COMMENT),
        labels={Field.UNTIL: "The new deadline"},
    ),
    Verb.WAKE: VerbLook(
        label="Wake",
        meaning="This asks for a decision again now, with a new deadline.",
        position=Position.DETAILS,
        row=RowPosition.BUTTON,
        fields=_COMMENT,
        at_once=True,
    ),
    Verb.WITHDRAW: VerbLook(
        label="Withdraw",
        meaning="Nothing is done, and nobody is asked again.",
        position=Position.DETAILS,
        row=RowPosition.MENU,
        fields=_COMMENT,
        labels={Field.COMMENT: "Why it is withdrawn"},
        comment_required=True,
    ),
    Verb.REVOKE: VerbLook(
        label="Revoke",
        meaning="The agent may no longer do this. Once it has begun, it is too late.",
        position=Position.DETAILS,
        row=RowPosition.BUTTON,
        fields=_COMMENT,
        labels={Field.COMMENT: "Why you revoke it"},
        comment_required=True,
    ),
    Verb.HAND_BACK: VerbLook(
        label="Hand back",
        meaning="The agent may continue in its thread. The package stays as it is.",
        position=Position.DETAILS,
        row=RowPosition.BUTTON,
        fields=_COMMENT,
    ),
    Verb.JUDGE: VerbLook(
        label="Judge",
        meaning=_judge,
        position=Position.DETAILS,
        row=RowPosition.BUTTON,
        fields=(Field.VERDICT, Field.COMMENT),
    ),
}

check_complete(LOOKS)


def offered_at(position: Position, offered: Container[Verb]) -> list[Verb]:
    """The offered verbs that belong at this position, in order."""
    return [verb for verb, look in LOOKS.items() if look.position is position and verb in offered]


def meaning(verb: Verb, dossier: Dossier) -> str:
    """What happens if the verb is used. The sentence contains no names."""
    means = LOOKS[verb].meaning
    return means if isinstance(means, str) else means(dossier)
