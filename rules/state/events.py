"""The names of event types and of causes in the record.

An event type is written `subject.what_happened`. The subject is one word: what the event is about (`package`, `task`,
`execution` …). What happened is a past participle, or the new status of the subject, in lower case with underscores. A
cause is written in lower case with hyphens. `package.message` is named after its callback.

Records outlive releases, so never change a name, and never remove one that a record may hold. Readers of the record
treat the names as text, because another release may have written other names.
"""

from __future__ import annotations

from typing import NewType, Self

from rules.string_enum import StringEnum

DetailedReason = NewType("DetailedReason", str)  # a reason with more than a cause: only made in this module


class _Names(StringEnum):
    @classmethod
    def of(cls, subject: str, state: str) -> Self:
        """The event by which the subject enters a state, such as a package its status."""
        return cls(f"{subject}.{state}")


class EventType(_Names):
    """The events of a package's chain."""

    PACKAGE_SUBMITTED = "package.submitted"
    PACKAGE_VERSION_ADDED = "package.version_added"
    PACKAGE_SHOWN = "package.shown"
    PACKAGE_DETAILS_OPENED = "package.details_opened"
    PACKAGE_FORM_OPENED = "package.form_opened"
    PACKAGE_HARDENED = "package.hardened"
    PACKAGE_ESCALATED = "package.escalated"
    PACKAGE_HELD = "package.held"
    PACKAGE_RESUMED = "package.resumed"
    PACKAGE_THREAD_CHANGED = "package.thread_changed"  # held, resumed or cancelled while the action was running
    PACKAGE_HANDED_OVER = "package.handed_over"  # to another agent
    PACKAGE_MESSAGE = "package.message"  # by a person to the agent, or by the agent
    PACKAGE_MAILED = "package.mailed"  # people were told by e-mail

    # People decide after a failure.
    PACKAGE_RETRY_VOTED = "package.retry_voted"
    PACKAGE_RETRY_ALLOWED = "package.retry_allowed"
    PACKAGE_RETRY_EXPIRED = "package.retry_expired"
    PACKAGE_ROLLBACK_REQUESTED = "package.rollback_requested"
    PACKAGE_CLOSED = "package.closed"

    # A package enters a status.
    PACKAGE_PENDING = "package.pending"
    PACKAGE_REVISION_REQUESTED = "package.revision_requested"
    PACKAGE_EVIDENCE_REQUESTED = "package.evidence_requested"
    PACKAGE_DEFERRED = "package.deferred"
    PACKAGE_APPROVED = "package.approved"
    PACKAGE_CONSENTED = "package.consented"
    PACKAGE_OVERRIDDEN = "package.overridden"
    PACKAGE_REJECTED = "package.rejected"
    PACKAGE_TAKEN_OVER = "package.taken_over"
    PACKAGE_REVOKED = "package.revoked"
    PACKAGE_EXPIRED = "package.expired"
    PACKAGE_CANCELLED = "package.cancelled"

    HUMAN_DECISION_RECORDED = "human.decision_recorded"
    HUMAN_DECISION_REFUSED = "human.decision_refused"
    HUMAN_COMMENTED = "human.commented"

    TASK_CLAIMED = "task.claimed"
    TASK_ASSIGNED = "task.assigned"
    TASK_EXTENDED = "task.extended"
    TASK_REMINDED = "task.reminded"
    TASK_RECUSED = "task.recused"

    EXCEPTION_GRANTED = "exception.granted"
    EXCEPTION_USED = "exception.used"  # it set a rule aside for this package
    EXCEPTION_SHORTENED = "exception.shortened"  # a new policy allows it less time
    EXCEPTION_ANNOUNCED = "exception.announced"  # it ends soon
    EXCEPTION_ENDED = "exception.ended"

    THREAD_HANDED_BACK = "thread.handed_back"
    REVIEW_PICKED = "review.picked"  # for a blind second look
    REVIEW_NOT_POSSIBLE = "review.not_possible"  # it was picked, and nobody could look
    REVIEW_ENDED = "review.ended"  # nobody judged in time, or the judge left
    REVIEW_JUDGED = "review.judged"
    AUTONOMY_CHANGED = "autonomy.changed"

    EXECUTION_REMINDED = "execution.reminded"
    # An execution enters a state.
    EXECUTION_CLAIMED = "execution.claimed"
    EXECUTION_SUCCEEDED = "execution.succeeded"
    EXECUTION_FAILED = "execution.failed"
    EXECUTION_ROLLED_BACK = "execution.rolled_back"
    EXECUTION_UNKNOWN = "execution.unknown"
    EXECUTION_LAPSED = "execution.lapsed"


class TenantEventType(_Names):
    """The events of the tenant's chain, which belong to no package."""

    TENANT_FROZEN = "tenant.frozen"
    TENANT_THAWED = "tenant.thawed"
    TENANT_RESTORED = "tenant.restored"

    POLICY_ACTIVATED = "policy.activated"
    KEY_ROTATED = "key.rotated"

    PERSON_AWAY = "person.away"
    PERSON_BACK = "person.back"
    PERSON_MAILS_CHANGED = "person.mails_changed"  # which mails the person wants
    PERSON_MAILED = "person.mailed"  # about a trouble of the service

    OVERSIGHT_NAMES_READ = "oversight.names_read"  # someone read the measures of reviewers under their names

    AGENT_ADDED = "agent.added"
    AGENT_ROTATED = "agent.rotated"
    AGENT_CALLBACK_CHANGED = "agent.callback_changed"
    AGENT_SCOPE_CHANGED = "agent.scope_changed"
    # The standing of an agent changes.
    AGENT_ACTIVE = "agent.active"
    AGENT_PAUSED = "agent.paused"
    AGENT_REVOKED = "agent.revoked"


class Cause(StringEnum):
    """Why something happened, if the command alone does not say it. Refusals have a `Reason` instead."""

    # Silence cannot count: the rules of `package.hardened`.
    OBJECTION = "objection"
    EARLIER_NO = "earlier-no"
    POLICY_CHANGED = "policy-changed"
    NOT_SHOWN_WHOLE = "not-shown-whole"
    SILENCE_UNPROVEN = "silence-unproven"
    CLICK_FAILED = "click-failed"
    EXCEPTION_LOST = "exception-lost"
    PROOF_LOST = "proof-lost"

    # Another role is asked, or another person.
    ESCALATION = "escalation"
    NOBODY_LEFT = "nobody-left"
    ABSENT = "absent"
    BACK = "back"

    # A blind second look ends.
    JUDGE_LEFT = "judge-left"

    # Time.
    TIMEOUT = "timeout"
    TIME_REACHED = "time-reached"
    END_REACHED = "end-reached"
    AGENT_DID_NOT_ANSWER = "agent-did-not-answer"
    NOBODY_FURTHER_UP = "nobody-further-up"
    TOP_OF_LADDER = "top-of-ladder"
    AUTO_REJECT = "auto-reject"

    # An exception set a rule aside.
    EXCEPTION = "exception"

    # What a person or an agent did.
    WOKEN = "woken"
    WITHDRAWN = "withdrawn"
    OBJECTION_SETTLED = "objection-settled"

    # A person held, resumed or cancelled the thread, or an agent handed it over.
    THREAD_HELD = "thread-held"
    THREAD_RESUMED = "thread-resumed"
    THREAD_CANCELLED = "thread-cancelled"
    THREAD_CHANGED = "thread-changed"
    THREAD_HANDED_OVER = "thread-handed-over"

    # A permission or a vote no longer counts.
    VOTES_NO_LONGER_VALID = "votes-no-longer-valid"
    VOTE_NO_LONGER_COUNTS = "vote-no-longer-counts"
    QUORUM_NO_LONGER_COMPLETE = "quorum-no-longer-complete"

    # Who can see a card.
    SEEN_BY_ELIGIBLE = "seen-by-eligible"
    SEEN_BY_NOBODY_ELIGIBLE = "seen-by-nobody-eligible"
    OLDER_VERSION = "older-version"

    def of_event(self, event_id: str) -> DetailedReason:
        """The cause, with the event that it is about."""
        return DetailedReason(f"{self} {event_id}")


def level_change(before: str, after: str) -> DetailedReason:
    """The reason of `autonomy.changed`."""
    return DetailedReason(f"{before} to {after}")
