"""What the buttons say, and what pressing one of them comes to."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from blocks.kit.text import span, when
from blocks.words.dossier import Dossier
from blocks.words.sentences import quorum_asked, risk, undoing
from rules.state.commands import Verb
from rules.state.takeover_reach import has_reach
from rules.wording import a

LABELS: Mapping[Verb, str] = {
    Verb.APPROVE: "Approve",
    Verb.ANSWER: "Answer",
    Verb.REJECT: "Reject",
    Verb.REVISE: "Revise",
    Verb.ESCALATE: "Escalate",
    Verb.OBJECT: "Object",
    Verb.REQUEST_MORE_EVIDENCE: "Request evidence",
    Verb.DEFER: "Defer",
    Verb.OVERRIDE: "Override",
    Verb.TAKE_OVER: "Take over",
    Verb.RECUSE: "Recuse",
    Verb.CLAIM_TASK: "Claim",
    Verb.APPROVE_WITH_EDITS: "Edit and approve",
    Verb.COMMENT: "Comment",
    Verb.EXTEND: "Extend deadline",
    Verb.WAKE: "Wake",
    Verb.WITHDRAW: "Withdraw",
    Verb.REVOKE: "Revoke",
    Verb.HAND_BACK: "Hand back",
    Verb.JUDGE: "Judge",
}


def _approve(dossier: Dossier) -> str:
    lapses = f"An approval that is not used lapses after {span(dossier.terms.approval_expiry)}."
    released = "The agent may then do exactly this, once."
    return " ".join(filter(None, (released, quorum_asked(dossier), lapses)))


def _edit(_: Dossier) -> str:
    return (
        "Your edit becomes a new version, with you as its author; earlier votes do not count for it. "
        "Where the policy asks for a second pair of eyes, somebody else then has to approve it."
    )


def _sent_back(dossier: Dossier) -> str:
    until = span(dossier.terms.agent_answer)
    return f"The agent has {until} to send a new version; after that this expires. Votes on this version end with it."


def _extend(dossier: Dossier) -> str:
    return f"It is due {when(dossier.state.task.due_at)}. A deadline can only be moved to a later time."


def _defer(dossier: Dossier) -> str:
    return f"Nothing is done until then; it then asks {a(dossier.state.task.required_role)} again."


def _take_over(dossier: Dossier) -> str:
    held = "thread" if dossier.state.thread_id else "run"
    thread = f"Its {held} is yours until you hand it back." if has_reach(dossier.state) else "The work is yours."
    return f"The agent does not do this, and stops here. {thread}"


def _override(dossier: Dossier) -> str:
    quorum = quorum_asked(dossier)
    return f"You decide against what the agent recommends. {quorum or 'Your word alone is enough.'} It may be reviewed."


def _judge(dossier: Dossier) -> str:
    return f"This was picked for a second look ({risk(dossier.state)}). Was it right to let it go ahead?"


_MEANS: Mapping[Verb, str | Callable[[Dossier], str]] = {
    Verb.APPROVE: _approve,
    Verb.ANSWER: "The agent goes on with your answer. An answer is no permission to act.",
    Verb.REJECT: "The agent must not do this. It is told so, and why.",
    Verb.REVISE: _sent_back,
    Verb.ESCALATE: "Another role is asked from now on, with the whole of its time. Silence will not count.",
    Verb.OBJECT: "Silence no longer counts: from now on this waits until somebody approves it.",
    Verb.REQUEST_MORE_EVIDENCE: _sent_back,
    Verb.DEFER: _defer,
    Verb.OVERRIDE: _override,
    Verb.TAKE_OVER: _take_over,
    Verb.RECUSE: "You are not asked about this any more, in any version. If you voted, your vote is taken back.",
    Verb.APPROVE_WITH_EDITS: _edit,
    Verb.COMMENT: "It is kept with the package and shown in Details. It decides nothing.",
    Verb.EXTEND: _extend,
    Verb.WAKE: "It asks for a decision again now, with the whole of its time.",
    Verb.WITHDRAW: "Nothing is done, and nobody is asked any more.",
    Verb.REVOKE: "The agent may no longer do this. Once it has begun, it is too late to revoke.",
    Verb.HAND_BACK: "The agent may go on in its thread. The package itself stays as it is.",
    Verb.JUDGE: _judge,
}


def meaning(verb: Verb, dossier: Dossier) -> str:
    """What comes of it, in the service's words; nobody is named."""
    said = _MEANS[verb]
    return said if isinstance(said, str) else said(dossier)


def consequence(dossier: Dossier) -> str:
    """What somebody confirms who lets something grave go ahead."""
    return f"{risk(dossier.state).capitalize()}. {undoing(dossier.state)}"
