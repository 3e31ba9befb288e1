"""Why something was refused: an enum for programs, with one sentence each for people.

The sentence says what prevents the command and, if possible, what to do next. `{…}` are facts of the refusal.
"""

from __future__ import annotations

from enum import StrEnum
from typing import assert_never

from rules.values import Value
from rules.wording import humanize, with_article


class Reason(StrEnum):
    # Who are you?
    UNKNOWN_PERSON = "unknown-person"
    DIRECTORY_STALE = "directory-stale"
    DEACTIVATED = "deactivated"
    A_BOT = "a-bot"
    A_GUEST = "a-guest"
    A_STRANGER = "a-stranger"
    ANOTHER_WORKSPACE = "another-workspace"
    NOT_ADMIN = "not-admin"
    NOT_VISIBLE = "not-visible"
    # May you?
    WRONG_ROLE = "wrong-role"
    OUT_OF_SCOPE = "out-of-scope"
    ABOVE_AUTHORITY = "above-authority"
    IS_REQUESTER = "is-requester"
    IS_ON_CHAIN = "is-on-delegation-chain"
    IS_OWNER = "is-owner"
    IS_EDITOR = "is-editor"
    IS_RECUSED = "is-recused"
    INDEPENDENCE_UNKNOWN = "independence-unknown"
    ALREADY_COUNTED = "already-counted"
    # Is it still what you saw?
    STALE_VERSION = "stale-version"
    STALE_RUNG = "stale-rung"
    ALREADY_DECIDED = "already-decided"
    AWAITS_AGENT = "awaits-agent"
    IS_DEFERRED = "is-deferred"
    NOT_IN_THIS_STATE = "not-in-this-state"
    # Is it allowed for this package?
    DECISION_NOT_ALLOWED = "decision-not-allowed"
    LEVEL_IS_TAKEOVER = "level-is-takeover"
    NOT_SOFT = "not-soft"
    SILENCE_COUNTS = "silence-counts"
    A_QUESTION = "a-question"
    NOT_A_QUESTION = "not-a-question"
    ANSWER_NOT_OFFERED = "answer-not-offered"
    ANSWER_NOT_VALID = "answer-not-valid"
    COMMENT_REQUIRED = "comment-required"
    DETAILS_FIRST = "details-first"
    NOT_SHOWN_WHOLE = "not-shown-whole"
    NO_PARAMETERS = "no-parameters"
    EDIT_NOT_VALID = "edit-not-valid"
    NOTHING_EDITED = "nothing-edited"
    TOP_OF_LADDER = "top-of-ladder"
    NOT_ON_LADDER = "not-on-ladder"
    TIME_NOT_AHEAD = "time-not-ahead"
    TIME_TOO_FAR = "time-too-far"
    TASK_CLAIMED = "task-claimed"
    ASSIGNEE_NOT_ELIGIBLE = "assignee-not-eligible"
    NOT_YOURS_TO_HAND_BACK = "not-yours-to-hand-back"
    NOT_YOURS_TO_WITHDRAW = "not-yours-to-withdraw"
    NOT_SAMPLED = "not-sampled"
    ALREADY_JUDGED = "already-judged"
    # Refusals of agents' requests
    NOT_FOUND = "not-found"
    AGENT_PAUSED = "agent-paused"
    BEYOND_KEY = "beyond-key"
    RATE_LIMITED = "rate-limited"
    ALREADY_REJECTED = "already-rejected"
    THREAD_TAKEN_OVER = "thread-taken-over"
    REQUESTER_UNKNOWN = "requester-unknown"
    NO_ELIGIBLE_REVIEWER = "no-eligible-reviewer"
    QUALITY_GAPS = "quality-gaps"
    TOO_LONG_TO_SHOW = "too-long-to-show"
    ALREADY_EXPIRED = "already-expired"
    CONTENT_UNREADABLE = "content-unreadable"
    KEEPS_ITS_SUBJECT = "keeps-its-subject"
    IDEMPOTENCY_CONFLICT = "idempotency-conflict"
    MAY_NOT_PROCEED = "may-not-proceed"
    ALREADY_CLAIMED = "already-claimed"
    APPROVAL_LAPSED = "approval-lapsed"
    DIGEST_MISMATCH = "digest-mismatch"
    APPROVAL_NO_LONGER_VALID = "approval-no-longer-valid"
    NOT_CLAIMED = "not-claimed"
    ALREADY_REPORTED = "already-reported"
    # Refusals of the clock's commands
    NOT_DUE = "not-due"
    # Refusals by the store
    TOO_BUSY = "too-busy"


class Refusal(Value):
    """A refusal is a result, not an exception: its reason, and the facts that its sentence needs."""

    reason: Reason
    facts: dict[str, str] = {}

    @property
    def sentence(self) -> str:
        return self.tell(sentence_of(self.reason))

    def tell(self, sentence: str) -> str:
        """The sentence with the facts of this refusal in it."""
        return sentence.format_map(_Facts(self._display_facts()))

    def _display_facts(self) -> dict[str, str]:
        """The facts with roles in plain words. Programs get the names as the policy writes them."""
        roles = {name: self.facts[name] for name in _ROLES if name in self.facts}
        plain = {name: humanize(role) for name, role in roles.items()}
        return self.facts | plain | {f"a_{name}": with_article(role) for name, role in roles.items()}


_ROLES = ("role", "ladder")  # the facts that are roles


class _Facts(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return f"(no {key})"


def refuse(reason: Reason, **facts: object) -> Refusal:
    return Refusal(reason=reason, facts={name: str(fact) for name, fact in facts.items()})


def sentence_of(reason: Reason) -> str:  # noqa: C901, PLR0911, PLR0912, PLR0915 - one line a reason, checked for completeness
    match reason:
        case Reason.UNKNOWN_PERSON:
            return "The directory of people does not list {who}. Try again in a few minutes, or ask an admin to look."
        case Reason.DIRECTORY_STALE:
            return (
                "The directory of people is out of date, so nobody can decide. An admin can run `countersign doctor`."
            )
        case Reason.DEACTIVATED:
            return "This account is deactivated and cannot decide. Ask someone else to decide."
        case Reason.A_BOT:
            return "Only people can decide, and this account is a bot. Use your own account."
        case Reason.A_GUEST:
            return "Guests cannot decide unless the policy names them. Ask a member to decide, or an admin to name you."
        case Reason.A_STRANGER:
            return "Only members of this workspace can decide, and this account belongs to another one. Ask a member."
        case Reason.ANOTHER_WORKSPACE:
            return "This came from another Slack workspace. Do it from your own workspace."
        case Reason.NOT_ADMIN:
            return "Only the policy's admins can do this. /reviews help lists what you can do."
        case Reason.NOT_VISIBLE:  # the same for what does not exist
            return "There is no package {package} that you can see. /reviews queue lists those that you can."
        case Reason.WRONG_ROLE:
            return "You need the {role} role to decide this. Ask someone who has it."
        case Reason.OUT_OF_SCOPE:
            return "You are {a_role}, but your role does not cover {action_type}. Ask someone whose role does."
        case Reason.ABOVE_AUTHORITY:
            return "This is {risk} risk, and your authority ends at {max_risk}. Escalate it instead."
        case Reason.IS_REQUESTER:
            return "You asked for this, so someone else must approve it. You can still reject it."
        case Reason.IS_ON_CHAIN:
            return "This is done on your behalf, so someone else must approve it."
        case Reason.IS_OWNER:
            return "You own the agent that proposes this, so someone else must approve it. You can still reject it."
        case Reason.IS_EDITOR:
            return "You edited this package, so someone else must approve it."
        case Reason.IS_RECUSED:
            return "You recused yourself from this package, so someone else must decide it."
        case Reason.INDEPENDENCE_UNKNOWN:
            return (
                "An e-mail address asked for this, and the directory has none for you, so it could be yours."
                " Someone else must approve it."
            )
        case Reason.ALREADY_COUNTED:
            return "Your decision already counts. Someone else must decide now."
        case Reason.STALE_VERSION:
            return "Version {seen} is out of date: the current version is {current}. Look at the card again."
        case Reason.STALE_RUNG:
            return "This was escalated to {a_role} after you opened it. Look at the newer card."
        case Reason.ALREADY_DECIDED:
            return "This is already {status} by {by}. Nothing was changed."
        case Reason.AWAITS_AGENT:
            return "This waits for the agent ({status}). You can decide on the version that it sends."
        case Reason.IS_DEFERRED:
            return "This is deferred until {until}. Use Wake in Details before you decide."
        case Reason.NOT_IN_THIS_STATE:
            return "This package is {status}, so {verb} is not possible. Details shows what is."
        case Reason.DECISION_NOT_ALLOWED:
            return "The agent does not accept “{verb}” here. It accepts: {allowed}."
        case Reason.LEVEL_IS_TAKEOVER:
            return "This cannot be approved. Use Take over, or reject it."
        case Reason.NOT_SOFT:
            return "Silence does not count here, so there is nothing to object to. Reject it instead."
        case Reason.SILENCE_COUNTS:
            return "Silence lets this go ahead whatever the deadline is. Object to it, or defer it."
        case Reason.A_QUESTION:
            return "This is a question. Use Answer."
        case Reason.NOT_A_QUESTION:
            return "This is not a question. Approve or reject it."
        case Reason.ANSWER_NOT_OFFERED:
            return "Choose one of the answers that the question offers."
        case Reason.ANSWER_NOT_VALID:
            return "This answer is not valid: {fault}."
        case Reason.COMMENT_REQUIRED:
            return "At this risk a decision needs a comment. Say why in a sentence."
        case Reason.DETAILS_FIRST:
            return "Open Details first, and read every page of what is proposed. The policy requires that at this risk."
        case Reason.NOT_SHOWN_WHOLE:
            return "You have not seen all of this. Press the button again, and go through all steps of the form."
        case Reason.NO_PARAMETERS:
            return "This package has no parameters to edit. Use Revise to ask the agent for changes."
        case Reason.EDIT_NOT_VALID:
            return "The edited parameters are not valid: {fault}."
        case Reason.NOTHING_EDITED:
            return "You changed nothing. Edit the parameters, or use Approve."
        case Reason.TOP_OF_LADDER:
            return "Nobody is above {a_role}, so this cannot be escalated. Take it over, defer it or reject it."
        case Reason.NOT_ON_LADDER:
            return "This can only be escalated to: {ladder}."
        case Reason.TIME_NOT_AHEAD:
            return "Choose a time later than {of}."
        case Reason.TIME_TOO_FAR:
            return "That is too late. Choose a time up to {latest}."
        case Reason.TASK_CLAIMED:
            return "<@{assignee}> has taken this up. Others may still decide."
        case Reason.ASSIGNEE_NOT_ELIGIBLE:
            return "This person cannot decide it: {because}. Name someone else."
        case Reason.NOT_YOURS_TO_HAND_BACK:
            return "Only {by}, who took this over, or an admin can hand it back."
        case Reason.NOT_YOURS_TO_WITHDRAW:
            return "Only the agent, its owner or the requester can withdraw this. A reviewer can reject it."
        case Reason.NOT_SAMPLED:
            return "This was not picked for a second look. /reviews sampled lists what was."
        case Reason.ALREADY_JUDGED:
            return "This was already judged {verdict}. Nothing was changed."
        case Reason.NOT_FOUND:
            return "There is no such package among your own."
        case Reason.AGENT_PAUSED:
            return "This agent is paused: nothing new is accepted and nothing can be claimed until it is resumed."
        case Reason.BEYOND_KEY:
            return (
                "This agent's key does not cover {asked}; it covers {allowed}. An operator can change that with"
                " `countersign agents change`."
            )
        case Reason.RATE_LIMITED:
            return "{limit} Send the same request again in {after} seconds."
        case Reason.ALREADY_REJECTED:
            return (
                "Someone said no to exactly this action ({package}) within the last {window}. Change it, or declare"
                " a material_change; either way someone has to approve it."
            )
        case Reason.THREAD_TAKEN_OVER:
            return "A person has taken over this thread or run ({package}). Wait until it is handed back."
        case Reason.REQUESTER_UNKNOWN:
            return (
                "No one is known by what {fields} says. Name a member by Slack user id or e-mail address, a registered"
                " agent, or an address from a domain that the policy lists in [directory] outsiders."
            )
        case Reason.NO_ELIGIBLE_REVIEWER:
            return "Nobody could decide this: no active, independent {role} has {action_type} in scope at {risk} risk."
        case Reason.QUALITY_GAPS:
            return "At {risk} risk a reviewer needs more than this package says; missing: {gaps}."
        case Reason.TOO_LONG_TO_SHOW:
            return (
                "A person has to approve this, and it is longer than the {most} characters that a form can show."
                " Send less, or split it into several packages."
            )
        case Reason.ALREADY_EXPIRED:
            return "The expires_at of this package lies in the past: nothing can be granted any more."
        case Reason.CONTENT_UNREADABLE:
            return (
                "The stored content of this package was emptied or changed since it was approved, so it permits"
                " nothing. Ask an operator to run `countersign audit verify`, and submit the action again."
            )
        case Reason.KEEPS_ITS_SUBJECT:
            return "A new version keeps its kind, action_type and subject; changed: {fields}. Submit a new package."
        case Reason.IDEMPOTENCY_CONFLICT:
            return "This idempotency key was used for another content ({package}); use a new key."
        case Reason.MAY_NOT_PROCEED:
            return "This package is {status}: it gives no permission to act."
        case Reason.ALREADY_CLAIMED:
            return "This approval was already claimed under another claim_id ({claim_id})."
        case Reason.APPROVAL_LAPSED:
            return "This approval lapsed at {lapsed_at} unclaimed; submit the action again."
        case Reason.DIGEST_MISMATCH:
            return "The approval is for {approved}, not for {claimed}: only the approved action may run."
        case Reason.APPROVAL_NO_LONGER_VALID:
            return "This approval is no longer valid: {because} Submit the action again with a new idempotency key."
        case Reason.NOT_CLAIMED:
            return "This execution was not claimed under that claim_id; claim it first."
        case Reason.ALREADY_REPORTED:
            return "The outcome was already reported as {state}."
        case Reason.NOT_DUE:
            return "Nothing is due for this package."
        case Reason.TOO_BUSY:
            return "Too many people are deciding this just now. Try again."
        case _:
            assert_never(reason)
