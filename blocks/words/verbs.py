"""How each verb that people can use looks: label, meaning, place and form. The order is that of the buttons."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass
from enum import Enum

from blocks.kit.ids import Field
from blocks.kit.text import format_duration, slack_date
from blocks.words.dossier import Dossier
from blocks.words.sentences import quorum_sentence, reversibility_sentence, risk_label
from rules.authority.ladder import who_may_decide
from rules.package.takeover_reach import has_thread_or_run
from rules.state.commands import HumanDecisionType, Verb
from rules.state.decisions import ExecutionState
from rules.verbs.table import SPEC_OF_VERB


class Place(Enum):
    """Where the verb is offered."""

    CARD = "a button of the card"
    MENU = "the menu of the card"
    DETAILS = "a button in Details"


@dataclass(frozen=True, slots=True, kw_only=True)
class VerbLook:
    label: str
    meaning: str | Callable[[Dossier], str]  # what happens if the verb is used
    place: Place
    fields: tuple[Field, ...] = ()  # the fields of its form; without fields, one press is enough
    at_once: bool = False  # one press is enough although it has a form
    style: str | None = None
    remark: str | None = None  # introduces the comment of a decision: "Rita approves: …"
    past: str | None = None  # the same for someone who decided: "You approved"


def _approve(dossier: Dossier) -> str:
    lapses = f"Unused approvals expire after {format_duration(dossier.terms.approval_expiry)}."
    released = "The agent may then do exactly this, once."
    return " ".join(filter(None, (released, quorum_sentence(dossier), lapses)))


def _edit(_: Dossier) -> str:
    return (
        "Your edit becomes a new version by you, and earlier votes no longer count. "
        "If the policy requires a second person, someone else must approve it too."
    )


def _send_back(dossier: Dossier) -> str:
    until = format_duration(dossier.terms.agent_answer)
    return f"The agent has {until} to send a new version; then this expires. Votes on this version no longer count."


def _extend(dossier: Dossier) -> str:
    return f"Due {slack_date(dossier.state.task.due_at)}. You can only choose a later time."


def _defer(dossier: Dossier) -> str:
    return f"Nothing is done until then. Then {who_may_decide(dossier.state, dossier.terms)} is asked again."


def _take_over(dossier: Dossier) -> str:
    held = "thread" if dossier.state.thread_id else "run"
    thread = (
        f"Its {held} is yours until you hand it back." if has_thread_or_run(dossier.state) else "The work is yours."
    )
    return f"The agent stops here and does not do this. {thread}"


def _override(dossier: Dossier) -> str:
    quorum = quorum_sentence(dossier)
    enough = quorum or "Your decision alone is enough."
    return f"You decide against the agent's recommendation. {enough} It may be reviewed."


def _allow_retry(dossier: Dossier) -> str:
    state, expiry = dossier.state, format_duration(dossier.terms.approval_expiry)
    unsure = "Nobody knows whether the action happened. " if state.execution.state is ExecutionState.UNKNOWN else ""
    enough = quorum_sentence(dossier)
    return " ".join(filter(None, (f"{unsure}The agent may try exactly this once more, within {expiry}.", enough)))


def _judge(dossier: Dossier) -> str:
    return f"This was picked for a second look ({risk_label(dossier.state)}). Was it right to let it go ahead?"


def _comment(dossier: Dossier) -> str:
    """A question to the agent does not stop the clock, which its writer may expect."""
    silence = " Silence still counts: use Object to stop that." if dossier.state.soft else ""
    return f"The comment is shown in Details. It decides nothing.{silence}"


_COMMENT = (Field.COMMENT,)

# `CONFIRMED` is shown for an approval only if the package is grave, and for an edit only with its changes. Of the
# fields of an answer, the question decides which are shown.
LOOKS: Mapping[Verb, VerbLook] = {
    Verb.ALLOW_RETRY: VerbLook(
        label="Allow a retry",
        meaning=_allow_retry,
        place=Place.CARD,
        fields=(Field.CONFIRMED, Field.COMMENT),
    ),
    Verb.ASK_ROLLBACK: VerbLook(
        label="Ask for rollback",
        meaning="The agent is asked to undo what it did. It gets your words.",
        place=Place.CARD,
        fields=_COMMENT,
    ),
    Verb.CLOSE: VerbLook(
        label="Close",
        meaning="It stays as it is: the agent neither tries again nor undoes anything.",
        place=Place.CARD,
        fields=_COMMENT,
    ),
    Verb.APPROVE: VerbLook(
        label="Approve",
        meaning=_approve,
        place=Place.CARD,
        fields=(Field.CONFIRMED, Field.COMMENT),
        style="primary",
        remark="approves",
        past="approved this",
    ),
    Verb.ANSWER: VerbLook(
        label="Answer",
        meaning="The agent continues with your answer. An answer is not a permission to act.",
        place=Place.CARD,
        fields=(Field.ANSWER_CHOICE, Field.ANSWER, Field.ANSWER_DATA),
        style="primary",
        remark="answers",
        past="answered this",
    ),
    Verb.REJECT: VerbLook(
        label="Reject",
        meaning="The agent must not do this. It gets your reason.",
        place=Place.CARD,
        fields=(Field.TAGS, Field.COMMENT),
        style="danger",
        remark="rejects",
        past="rejected this",
    ),
    Verb.REVISE: VerbLook(
        label="Revise",
        meaning=_send_back,
        place=Place.CARD,
        fields=(Field.TAGS, Field.INSTRUCTIONS),
        remark="asks for changes",
        past="asked for changes",
    ),
    Verb.ESCALATE: VerbLook(
        label="Escalate",
        meaning="From then on only the role that you choose decides, with a new deadline. Silence will not count.",
        place=Place.CARD,
        fields=(Field.TO_ROLE, Field.TO_PERSON, Field.COMMENT),
        remark="escalates",
        past="escalated this",
    ),
    Verb.OBJECT: VerbLook(
        label="Object",
        meaning="Silence no longer counts. Explicit approval is required.",
        place=Place.CARD,
        fields=_COMMENT,
        at_once=True,
        remark="objects",
        past="objected to this",
    ),
    Verb.REQUEST_MORE_EVIDENCE: VerbLook(
        label="Request evidence",
        meaning=_send_back,
        place=Place.MENU,
        fields=(Field.INSTRUCTIONS,),
        remark="asks for evidence",
        past="asked for evidence",
    ),
    Verb.DEFER: VerbLook(
        label="Defer",
        meaning=_defer,
        place=Place.MENU,
        fields=(Field.UNTIL, Field.COMMENT),
        remark="defers it",
        past="deferred this",
    ),
    Verb.OVERRIDE: VerbLook(
        label="Override",
        meaning=_override,
        place=Place.MENU,
        fields=(Field.OVERRIDE_DECISION, Field.OVERRIDE_REASON, Field.EVIDENCE_REFS),
        remark="overrides",
        past="overrode this",
    ),
    Verb.TAKE_OVER: VerbLook(
        label="Take over",
        meaning=_take_over,
        place=Place.MENU,
        fields=_COMMENT,
        style="primary",
        remark="takes it over",
        past="took this over",
    ),
    Verb.RECUSE: VerbLook(
        label="Recuse",
        meaning="You will not be asked about this again, in any version. If you voted, your vote is withdrawn.",
        place=Place.MENU,
        fields=_COMMENT,
    ),
    Verb.CLAIM_TASK: VerbLook(
        label="Claim",
        meaning="This is yours, and others see that.",
        place=Place.DETAILS,
    ),
    Verb.APPROVE_WITH_EDITS: VerbLook(
        label="Edit and approve",
        meaning=_edit,
        place=Place.DETAILS,
        fields=(Field.PARAMETERS, Field.CONFIRMED, Field.COMMENT),
        remark="approves with edits",
        past="approved with edits",
    ),
    Verb.COMMENT: VerbLook(
        label="Comment",
        meaning=_comment,
        place=Place.DETAILS,
        fields=(Field.COMMENT, Field.AUDIENCE),
    ),
    Verb.EXTEND: VerbLook(
        label="Extend deadline",
        meaning=_extend,
        place=Place.DETAILS,
        fields=(Field.UNTIL, Field.COMMENT),
    ),
    Verb.WAKE: VerbLook(
        label="Wake",
        meaning="This asks for a decision again now, with a new deadline.",
        place=Place.DETAILS,
        fields=_COMMENT,
        at_once=True,
    ),
    Verb.WITHDRAW: VerbLook(
        label="Withdraw",
        meaning="Nothing is done, and nobody is asked again.",
        place=Place.DETAILS,
        fields=_COMMENT,
    ),
    Verb.REVOKE: VerbLook(
        label="Revoke",
        meaning="The agent may no longer do this. Once it has begun, it is too late.",
        place=Place.DETAILS,
        fields=_COMMENT,
    ),
    Verb.HAND_BACK: VerbLook(
        label="Hand back",
        meaning="The agent may continue in its thread. The package stays as it is.",
        place=Place.DETAILS,
        fields=_COMMENT,
    ),
    Verb.JUDGE: VerbLook(
        label="Judge",
        meaning=_judge,
        place=Place.DETAILS,
        fields=(Field.VERDICT, Field.COMMENT),
    ),
}


def check_complete(looks: Mapping[Verb, VerbLook]) -> None:
    """Raises at import if an offered verb has no look, or a decision has no words to introduce its comment."""
    shown = {verb for verb, row in SPEC_OF_VERB.items() if row.offered}
    if differing := shown ^ looks.keys():
        raise TypeError(f"verbs that are offered and verbs that have a look differ by {', '.join(sorted(differing))}")
    decisions = [(verb, look) for verb, look in looks.items() if verb.value in {*HumanDecisionType}]
    if wordless := [verb for verb, look in decisions if not look.remark]:
        raise TypeError(f"no remark can be introduced for {', '.join(wordless)}")
    if timeless := [verb for verb, look in decisions if not look.past]:
        raise TypeError(f"no past tense is known for {', '.join(timeless)}")


check_complete(LOOKS)


def offered_at(place: Place, offered: Container[Verb]) -> list[Verb]:
    """The offered verbs that belong at this place, in order."""
    return [verb for verb, look in LOOKS.items() if look.place is place and verb in offered]


def meaning(verb: Verb, dossier: Dossier) -> str:
    """What happens if the verb is used. The sentence contains no names."""
    means = LOOKS[verb].meaning
    return means if isinstance(means, str) else means(dossier)


def consequence(dossier: Dossier) -> str:
    """The sentence that must be confirmed before something grave may go ahead."""
    return f"{risk_label(dossier.state).capitalize()}. {reversibility_sentence(dossier.state)}"
