"""Why something was refused: an enum for programs, with one sentence each for people.

The sentence says what prevents the command and, if possible, what to do next. `{…}` are facts of the refusal.
"""

from __future__ import annotations

from typing import Self

from rules.string_enum import StringEnum
from rules.values import Value
from rules.wording import humanize, with_article


class Reason(StringEnum):
    """The name for programs, and the sentence for people."""

    sentence: str

    def __new__(cls, name: str, sentence: str) -> Self:
        reason = str.__new__(cls, name)
        reason._value_, reason.sentence = name, sentence
        return reason

    # Who are you?
    UNKNOWN_PERSON = (
        "unknown-person",
        "The directory of people does not list {who}. Try again in a few minutes, or ask an admin to look.",
    )
    DIRECTORY_STALE = (
        "directory-stale",
        "The directory of people is out of date, so nobody can decide. An admin can run `countersign doctor`.",
    )
    DEACTIVATED = "deactivated", "This account is deactivated and cannot decide. Ask someone else to decide."
    A_BOT = "a-bot", "Only people can decide, and this account is a bot. Use your own account."
    A_GUEST = (
        "a-guest",
        "Guests cannot decide unless the policy names them. Ask a member to decide, or an admin to name you.",
    )
    A_STRANGER = (
        "a-stranger",
        "Only members of this workspace can decide, and this account belongs to another one. Ask a member.",
    )
    ANOTHER_WORKSPACE = "another-workspace", "This came from another Slack workspace. Do it from your own workspace."
    NOT_ADMIN = "not-admin", "Only the policy's admins can do this. /reviews help lists what you can do."
    # Also for a package that does not exist, so that the answer does not tell which packages there are.
    NOT_VISIBLE = (
        "not-visible",
        "There is no package {package} that you can see. /reviews queue lists those that you can.",
    )
    # May you?
    WRONG_ROLE = "wrong-role", "You need the {role} role to decide this. A role that includes it will do."
    OUT_OF_SCOPE = (
        "out-of-scope",
        "You are {a_role}, but your role does not cover {action_type}. Ask someone whose role does.",
    )
    ABOVE_AUTHORITY = (
        "above-authority",
        "This is {risk} risk, and your authority ends at {max_risk}. Escalate it instead.",
    )
    IS_REQUESTER = "is-requester", "You asked for this, so someone else must approve it. You can still reject it."
    IS_ON_CHAIN = "is-on-delegation-chain", "This is done on your behalf, so someone else must approve it."
    IS_OWNER = (
        "is-owner",
        "You own the agent that proposes this, so someone else must approve it. You can still reject it.",
    )
    IS_EARLIER_IN_THREAD = "is-earlier-in-thread", "You had a part in this thread before; someone else must approve."
    IS_EDITOR = "is-editor", "You edited this package, so someone else must approve it."
    IS_RECUSED = "is-recused", "You recused yourself from this package, so someone else must decide it."
    INDEPENDENCE_UNKNOWN = (
        "independence-unknown",
        (
            "An e-mail address asked for this, and the directory has none for you, so it could be yours. Someone else"
            " must approve it."
        ),
    )
    ALREADY_COUNTED = "already-counted", "Your decision already counts. Someone else must decide now."
    # Is it still what you saw?
    STALE_VERSION = (
        "stale-version",
        "Version {seen} is out of date: the current version is {current}. Look at the card again.",
    )
    STALE_RUNG = "stale-rung", "This was escalated to {a_role} after you opened it. Look at the newer card."
    ALREADY_DECIDED = "already-decided", "This is already {status} by {by}. Nothing was changed."
    AWAITS_AGENT = "awaits-agent", "This waits for the agent ({status}). You can decide on the version that it sends."
    IS_DEFERRED = "is-deferred", "This is deferred until {until}. Use Wake in Details before you decide."
    NOT_IN_THIS_STATE = (
        "not-in-this-state",
        "This package is {status} now, so “{verb}” is not possible. Look at its current state first.",
    )
    # Is it allowed for this package?
    DECISION_NOT_ALLOWED = (
        "decision-not-allowed",
        "The agent does not accept “{verb}” for this package. It accepts: {decisions}.",
    )
    LEVEL_IS_TAKEOVER = "level-is-takeover", "This cannot be approved. Use Take over, or reject it."
    NOT_SOFT = "not-soft", "Silence does not count here, so there is nothing to object to. Reject it instead."
    SILENCE_COUNTS = (
        "silence-counts",
        "This goes ahead by silence, so its deadline cannot be extended. Object to it, or defer it.",
    )
    A_QUESTION = "a-question", "This is a question. Use Answer."
    NOT_A_QUESTION = "not-a-question", "This is not a question. Approve or reject it."
    TAG_NOT_OFFERED = "tag-not-offered", "The policy does not offer the reason “{tag}” any more. Open the form again."
    ANSWER_NOT_OFFERED = "answer-not-offered", "Choose one of the answers that the question offers."
    ANSWER_NOT_VALID = "answer-not-valid", "This answer is not valid: {fault}."
    COMMENT_REQUIRED = "comment-required", "At this risk a decision needs a comment. Say why in a sentence."
    DETAILS_FIRST = (
        "details-first",
        "Open Details first, and read every page of what is proposed. The policy requires that at this risk.",
    )
    NOT_SHOWN_WHOLE = (
        "not-shown-whole",
        "You have not seen all of this. Press the button again, and go through all steps of the form.",
    )
    NO_PARAMETERS = "no-parameters", "This package has no parameters to edit. Use Revise to ask the agent for changes."
    EDIT_NOT_VALID = "edit-not-valid", "The edited parameters are not valid: {fault}."
    NOTHING_EDITED = "nothing-edited", "You changed nothing. Edit the parameters, or use Approve."
    TOP_OF_LADDER = (
        "top-of-ladder",
        "Nobody is above {a_role}, so this cannot be escalated. Take it over, defer it or reject it.",
    )
    NOT_ON_LADDER = "not-on-ladder", "This can only be escalated to: {ladder}."
    TIME_NOT_AHEAD = "time-not-ahead", "Choose a time later than {of}."
    TIME_TOO_FAR = "time-too-far", "That is too late. Choose a time up to {latest}."
    NOT_YOUR_DEADLINE = "not-your-deadline", "Only {a_role} can extend this deadline now. You may still decide."
    TASK_CLAIMED = "task-claimed", "<@{assignee}> has taken this up. Others may still decide."
    ASSIGNEE_NOT_ELIGIBLE = "assignee-not-eligible", "This person cannot decide it: {because}. Name someone else."
    NOT_YOURS_TO_HAND_BACK = "not-yours-to-hand-back", "Only {by}, who took this over, or an admin can hand it back."
    NOT_YOURS_TO_WITHDRAW = (
        "not-yours-to-withdraw",
        "Only the agent, its owner or the requester can withdraw this. A reviewer can reject it.",
    )
    RECOVERY_DECIDED = "recovery-decided", "{by} already decided this: {decision}. Nothing was changed."
    RETRY_UNCONFIRMED = (
        "retry-unconfirmed",
        "The action may have happened already. Tick the box, and say in a sentence why it may run again.",
    )
    NOT_SAMPLED = "not-sampled", "This was not picked for a second look. /reviews sampled lists what was."
    ASKED_TO_LOOK = "asked-to-look", "You were picked for a blind second look at this. Open Details and judge it first."
    LOOK_HAS_ENDED = "look-has-ended", "This second look has ended. Nothing was changed."
    ALREADY_JUDGED = "already-judged", "This was already judged {verdict}. Nothing was changed."
    # Is it possible for this thread?
    THREAD_NOT_VISIBLE = (
        "thread-not-visible",
        "There is no thread {thread} that you can see. /reviews threads lists those that you can.",
    )
    THREAD_ALREADY_HELD = "thread-already-held", "This thread is already on hold, by {by}. Nothing was changed."
    THREAD_HELD_AGAIN = (
        "thread-held-again",
        "This was put on hold by {by} after you opened it. Look at it again before you resume it.",
    )
    THREAD_NOT_HELD = "thread-not-held", "This thread is not on hold. Nothing was changed."
    CHECKPOINT_UNKNOWN = (
        "checkpoint-unknown",
        "The agent has reported no checkpoint {checkpoint} lately. Choose one of: {known}.",
    )
    NOT_YOUR_THREAD = (
        "not-your-thread",
        "Only reviewers of a package in this thread, its requester, the agent's owner or an admin can do this.",
    )
    NOT_YOURS_TO_RESUME = (
        "not-yours-to-resume",
        "This thread was put on hold by {by}. Ask them, or a reviewer who is independent of it, to resume it.",
    )
    # Refusals of agents' requests
    NOT_FOUND = "not-found", "There is no such package among your own."
    AGENT_PAUSED = (
        "agent-paused",
        "This agent is paused: nothing new is accepted and nothing can be claimed until it is resumed.",
    )
    BEYOND_KEY = (
        "beyond-key",
        (
            "This agent's key does not cover {asked}; it covers {allowed}. An operator can change that with"
            " `countersign agents change`."
        ),
    )
    RATE_LIMITED = "rate-limited", "{limit} Send the same request again in {after} seconds."
    ALREADY_REJECTED = (
        "already-rejected",
        (
            "Someone said no to exactly this action ({package}) within the last {window}. Change it, or declare a"
            " material_change; either way someone must approve it."
        ),
    )
    THREAD_TAKEN_OVER = (
        "thread-taken-over",
        "A person has taken over this thread or run ({package}). Wait until it is handed back.",
    )
    THREAD_HELD = "thread-held", "A person has put this thread or run on hold. Wait until it is resumed."
    THREAD_CANCELLED = "thread-cancelled", "This thread was cancelled for good. Nothing was changed."
    THREAD_UNKNOWN = (
        "thread-unknown",
        "You don't own a thread with this name. The agent that submits its first package owns it.",
    )
    HANDOFF_UNKNOWN = "handoff-unknown", "There is no such handoff to or from this agent."
    HANDOFF_NOT_ALLOWED = "handoff-not-allowed", "This thread cannot be handed over: {because}. Nothing was changed."
    HANDOFF_NEEDS_PERSON = (
        "handoff-needs-person",
        "A person must allow this. Submit a {action_type} package, claim it, and send this again with its id.",
    )
    HANDOFF_NOT_OPEN = "handoff-not-open", "This handoff is {status}. Nothing was changed."
    REQUESTER_UNKNOWN = (
        "requester-unknown",
        (
            "Countersign does not know the person in {fields}. Name a member by Slack user id or e-mail address, a"
            " registered agent, or an address from a domain that the policy lists in [directory] outsiders."
        ),
    )
    EXCEPTION_NOT_VALID = "exception-not-valid", "This exception cannot be asked for: {because}."
    NO_ELIGIBLE_REVIEWER = (
        "no-eligible-reviewer",
        "Nobody could decide this: no active, independent {role} has {action_type} in scope at {risk} risk.",
    )
    QUALITY_GAPS = "quality-gaps", "At {risk} risk reviewers need more. Add these fields: {gaps}."
    TOO_LONG_TO_SHOW = (
        "too-long-to-show",
        (
            "A person must approve this, and it is longer than the {most} characters that a form can show. Send less,"
            " or split it into several packages."
        ),
    )
    ALREADY_EXPIRED = (
        "already-expired",
        "Its own deadline (expires_at) has passed, so this cannot be approved any more.",
    )
    CONTENT_UNREADABLE = (
        "content-unreadable",
        (
            "The stored content of this package was emptied or changed since it was approved, so it permits nothing."
            " Ask an operator to run `countersign audit verify`, and submit the action again."
        ),
    )
    KEEPS_ITS_SUBJECT = (
        "keeps-its-subject",
        "A new version keeps its kind, action_type and subject. Submit a new package to change: {fields}.",
    )
    IDEMPOTENCY_CONFLICT = (
        "idempotency-conflict",
        "This idempotency key was used with different content ({package}). Use a new key.",
    )
    MAY_NOT_PROCEED = "may-not-proceed", "This package is {status}: it gives no permission to act."
    ALREADY_CLAIMED = "already-claimed", "This approval was already claimed under another claim_id ({claim_id})."
    APPROVAL_LAPSED = "approval-lapsed", "This approval expired unused at {lapsed_at}. Submit the action again."
    DIGEST_MISMATCH = (
        "digest-mismatch",
        "The approval is for {approved}, not for {claimed}: only the approved action may run.",
    )
    APPROVAL_NO_LONGER_VALID = (
        "approval-no-longer-valid",
        "This approval is no longer valid: {because} Submit the action again with a new idempotency key.",
    )
    NOT_CLAIMED = "not-claimed", "This execution was not claimed under that claim_id; claim it first."
    ALREADY_REPORTED = "already-reported", "The outcome was already reported as {state}."
    CLAIM_REPLACED = (
        "claim-replaced",
        "A retry was claimed after this attempt ({claim_id}), so its outcome can no longer be reported.",
    )
    UNKNOWN_MESSAGE = (
        "unknown-message",
        "This package has no message {message}. List its messages for their ids, or leave in_reply_to out.",
    )
    # Refusals of the clock's commands
    NOT_DUE = "not-due", "Nothing is due for this package."
    # Refusals by the store
    TOO_BUSY = "too-busy", "This package is being changed by others just now, so nothing was done. Try again."


class Refusal(Value):
    """A refusal is a result, not an exception: its reason, and the facts that its sentence needs."""

    reason: Reason
    facts: dict[str, str] = {}

    @property
    def sentence(self) -> str:
        return self.tell(self.reason.sentence)

    def tell(self, sentence: str) -> str:
        """The sentence with the facts of this refusal in it."""
        return sentence.format_map(_Facts(self._display_facts()))

    def _display_facts(self) -> dict[str, str]:
        """The facts with names in plain words. Programs get the names as the policy or the API writes them."""
        names = {fact: self.facts[fact] for fact in _NAMES if fact in self.facts}
        plain = {fact: humanize(name) for fact, name in names.items()}
        return self.facts | plain | {f"a_{fact}": with_article(name) for fact, name in names.items()}


_NAMES = ("role", "ladder", "status", "verb", "decisions")  # the facts that are names of roles, statuses or verbs


class _Facts(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return f"(no {key})"


def refuse(reason: Reason, **facts: object) -> Refusal:
    return Refusal(reason=reason, facts={name: str(fact) for name, fact in facts.items()})
