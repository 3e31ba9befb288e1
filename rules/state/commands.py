"""The commands of people, one class for each verb, parsed once at the edge. Others are in the modules beside this one.

A person's command names the version, rung and rendering that they saw, but no revision: even a comment changes that.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field, JsonValue, StringConstraints

from rules.policy.types import UserId
from rules.state.sightings import Page
from rules.string_enum import StringEnum
from rules.values import Moment, Value

FreeText = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=3000)]
Id = Annotated[str, StringConstraints(min_length=1, max_length=255)]


class Verb(StringEnum):
    """Every verb that can be applied to a package."""

    SUBMIT = "submit"
    APPROVE = "approve"
    APPROVE_WITH_EDITS = "approve_with_edits"
    REJECT = "reject"
    OBJECT = "object"
    REVISE = "revise"
    REQUEST_MORE_EVIDENCE = "request_more_evidence"
    ESCALATE = "escalate"
    DEFER = "defer"
    OVERRIDE = "override"
    TAKE_OVER = "take_over"
    HAND_BACK = "hand_back"
    ANSWER = "answer"
    RECUSE = "recuse"
    CLAIM_TASK = "claim_task"
    ASSIGN = "assign"
    COMMENT = "comment"
    SAY = "say"
    EXTEND = "extend"
    WAKE = "wake"
    REVOKE = "revoke"
    ALLOW_RETRY = "allow_retry"
    ASK_ROLLBACK = "ask_rollback"
    CLOSE = "close"
    WITHDRAW = "withdraw"
    JUDGE = "judge"
    END_LOOK = "end_look"
    SHOW = "show"
    OPEN_DETAILS = "open_details"
    OPEN_FORM = "open_form"
    NEW_VERSION = "new_version"
    CLAIM_EXECUTION = "claim_execution"
    REPORT_EXECUTION = "report_execution"
    HOLD_WITH_THREAD = "hold_with_thread"
    RESUME_WITH_THREAD = "resume_with_thread"
    CANCEL_WITH_THREAD = "cancel_with_thread"
    REVOKE_WITH_THREAD = "revoke_with_thread"
    HAND_OVER_WITH_THREAD = "hand_over_with_thread"
    REVOKE_WITH_HANDOFF = "revoke_with_handoff"
    REMIND = "remind"
    CONSENT = "consent"
    CLIMB = "climb"
    RELIEVE = "relieve"
    HARDEN = "harden"
    EXPIRE = "expire"
    LAPSE = "lapse"
    LOSE_TRACK = "lose_track"
    RECORD_MAILS = "record_mails"
    ANNOUNCE_END = "announce_end"
    SHORTEN_EXCEPTION = "shorten_exception"
    END_EXCEPTION = "end_exception"


class HumanDecisionType(StringEnum):
    """The verbs that are decisions, by the same names."""

    APPROVE = "approve"
    APPROVE_WITH_EDITS = "approve_with_edits"
    REJECT = "reject"
    OBJECT = "object"
    REVISE = "revise"
    REQUEST_MORE_EVIDENCE = "request_more_evidence"
    ESCALATE = "escalate"
    DEFER = "defer"
    OVERRIDE = "override"
    TAKE_OVER = "take_over"
    ANSWER = "answer"


class Command(Value):
    """Base class. `command_id` comes from the click or the request, so that one click is one command."""

    verb: ClassVar[Verb]
    command_id: Id
    decision_package_id: Id


class SeenCommand(Command):
    """A person's command that rests on the version, the rung and the rendering that they saw."""

    expected_package_version: int = Field(ge=1)
    expected_rung: int = Field(default=0, ge=0)
    rendering_id: Id | None = None
    comment: FreeText | None = None

    @property
    def lets_go_ahead(self) -> bool:
        """Whether the action goes ahead if this decision counts. Then the person must have read all of it."""
        return True

    @property
    def grounds(self) -> str | None:
        """The reason given, for policies that require one."""
        return self.comment


class HumanDecisionCommand(SeenCommand):
    @property
    def decision(self) -> HumanDecisionType:
        return HumanDecisionType(self.verb.value)


class Approve(HumanDecisionCommand):
    verb = Verb.APPROVE


class ApproveWithEdits(HumanDecisionCommand):
    verb = Verb.APPROVE_WITH_EDITS
    action_parameters: dict[str, JsonValue]


class Reject(HumanDecisionCommand):
    verb = Verb.REJECT
    tags: tuple[FreeText, ...] = ()


class Object(HumanDecisionCommand):
    verb = Verb.OBJECT


class Revise(HumanDecisionCommand):
    verb = Verb.REVISE
    tags: tuple[FreeText, ...] = ()
    instructions: FreeText


class RequestMoreEvidence(HumanDecisionCommand):
    verb = Verb.REQUEST_MORE_EVIDENCE
    instructions: FreeText


class Escalate(HumanDecisionCommand):
    """To a role further up the ladder. A named person gets the task in their own role, which may be one asked now."""

    verb = Verb.ESCALATE
    to_role: str | None = None
    to_person: UserId | None = None


class Defer(HumanDecisionCommand):
    verb = Verb.DEFER
    until: Moment
    comment: FreeText


class OverrideDecision(StringEnum):
    PROCEED = "proceed"
    STOP = "stop"
    OTHER = "other"


class HumanOverrideCommand(HumanDecisionCommand):
    verb = Verb.OVERRIDE
    override_decision: OverrideDecision
    override_reason: FreeText
    evidence_refs: Annotated[tuple[FreeText, ...], Field(min_length=1, max_length=20)]

    @property
    def lets_go_ahead(self) -> bool:
        return self.override_decision is OverrideDecision.PROCEED

    @property
    def grounds(self) -> str | None:
        return self.override_reason


class TakeOver(HumanDecisionCommand):
    verb = Verb.TAKE_OVER


class Answer(HumanDecisionCommand):
    """An answer in words, or the data of a form if the question has a schema."""

    verb = Verb.ANSWER
    answer: FreeText | None = None
    answer_data: dict[str, JsonValue] | None = None

    @property
    def grounds(self) -> str | None:
        return self.answer or "a filled-in form"


class AllowRetry(SeenCommand):
    verb = Verb.ALLOW_RETRY
    confirmed: tuple[str, ...] = ()  # digests of the actions whose box was ticked


class PersonCommand(Command):
    """What a person does around a decision. It names no rung, because it applies on any."""

    expected_package_version: int | None = Field(default=None, ge=1)
    comment: FreeText | None = None


class HandBack(PersonCommand):
    verb = Verb.HAND_BACK


class Recuse(PersonCommand):
    verb = Verb.RECUSE


class ClaimTask(PersonCommand):
    verb = Verb.CLAIM_TASK


class Assign(PersonCommand):
    verb = Verb.ASSIGN
    assignee: UserId


class Audience(StringEnum):
    AGENT = "agent"  # and the reviewers
    REVIEWERS = "reviewers"


class Comment(PersonCommand):
    verb = Verb.COMMENT
    comment: FreeText
    audience: Audience = Audience.REVIEWERS  # the forms of earlier releases did not ask


class Extend(PersonCommand):
    verb = Verb.EXTEND
    until: Moment


class Wake(PersonCommand):
    verb = Verb.WAKE


class Revoke(PersonCommand):
    """`operator`: the name of the person at the command line."""

    verb = Verb.REVOKE
    comment: FreeText
    operator: FreeText | None = None


class AskRollback(PersonCommand):
    verb = Verb.ASK_ROLLBACK


class Close(PersonCommand):
    verb = Verb.CLOSE


class Withdraw(PersonCommand):  # given by the agent over HTTP, or by the requester or the owner in Slack
    verb = Verb.WITHDRAW
    comment: FreeText


class Verdict(StringEnum):
    SOUND = "sound"
    UNSOUND = "unsound"


class Judge(PersonCommand):
    verb = Verb.JUDGE
    verdict: Verdict


class OpenDetails(Page, PersonCommand):
    verb = Verb.OPEN_DETAILS
    from_card: bool = False  # the click came from a message of the service that shows this package


class OpenForm(Page, PersonCommand):
    verb = Verb.OPEN_FORM
    shown: dict[str, JsonValue]  # the view itself, kept in the record
