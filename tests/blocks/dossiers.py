"""Sample dossiers in every state a package can be in, each reached by `rules.verbs.decide.decide`: none is made up.

`Story(NOTICE).then(Approve, SENTA).dossier()` is what the store would gather after that. `STATES` has one of each.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from blocks.words.dossier import Dossier, EarlierPackage, HistoryEvent
from rules.state import agent_commands, commands, service_commands
from rules.state.model import Status
from tests.blocks.proposals import CRITICAL, KINDS, NOTICE, READ, REFUND, TAKEOVER
from tests.blocks.story import NAMES, Story
from tests.rules.world import DAY, HOUR, MINUTE, NO_SECOND_EYES, NOW, ROSS, SENTA, SUSI, SVEN, package
from tests.rules.world import policy as changed_policy

__all__ = ["EARLIER", "KINDS", "NAMES", "NOTICE", "REFUSED", "STATES", "Story", "dossier", "emptied_dossier", "of_kind"]


def _read_first(story: Story, who: str) -> Story:
    return story.then(commands.OpenDetails, who)


def _one_of_two() -> Story:
    trusting = changed_policy(roles={"senior_reviewer": {"max_risk": "critical"}})
    return _read_first(Story(CRITICAL, policy=trusting), SENTA).then(
        commands.Approve, SENTA, comment="The draft is right."
    )


def _approved() -> Story:
    return Story().then(commands.Approve, SENTA, comment="I checked both reminders.")


def _revoked_at_claim() -> Story:
    """The approver has lost the role meanwhile."""
    without_senta = changed_policy(roles={"senior_reviewer": {"members": [SVEN]}})
    return _approved().under(without_senta).agent(agent_commands.ClaimExecution)


def _claimed() -> Story:
    return _approved().agent(agent_commands.ClaimExecution)


def _reported(outcome: str, detail: str) -> Story:
    return _claimed().agent(agent_commands.ReportExecution, outcome=outcome, detail=detail)


def _overridden(decision: str) -> Story:
    reason = "The register confirms the address by phone."
    return Story().then(commands.HumanOverrideCommand, SENTA, override_decision=decision, override_reason=reason)


def _shown() -> Story:
    return Story(REFUND).then(service_commands.Show)


def _revised() -> Story:
    return Story().then(commands.Revise, SENTA, instructions="Name the clause, and copy the case officer.")


def _second_version() -> Story:
    changed = NOTICE | {
        "action_parameters": NOTICE["action_parameters"] | {"cc": "officer@agency.example"},
        "proposed_action": "Send notice draft 457 to ACME Ltd under policy P-2026-04, clause 3.",
    }
    return _revised().agent(agent_commands.NewVersion, package=package(**changed))


def _escalated() -> Story:
    return Story().then(commands.Escalate, SENTA, comment="This needs somebody who knows the appeal.")


def _notified() -> Story:
    """Reversible, but the catalogue sets notify_only as the floor."""
    notifying = changed_policy(actions={"record.read": {"floor": "notify_only"}})
    return Story(READ | {"risk_level": "low"}, policy=notifying)


def _edited() -> Story:
    edit = NOTICE["action_parameters"] | {"to": "office@acme.example"}
    alone = Story(policy=NO_SECOND_EYES)
    return alone.then(
        commands.ApproveWithEdits, SENTA, action_parameters=edit, comment="The register has this address."
    )


def _edited_for_another() -> Story:
    edit = NOTICE["action_parameters"] | {"to": "office@acme.example"}
    return Story().then(commands.ApproveWithEdits, SENTA, action_parameters=edit, comment="The address was old.")


def _answered() -> Story:
    return Story(KINDS["question"]).then(commands.Answer, ROSS, answer="The one in Leeds.")


def _nobody_came() -> Story:
    """Through the whole ladder, one day per rung."""
    climbed = Story().clock(service_commands.Climb, after=DAY).clock(service_commands.Climb, after=DAY)
    return climbed.clock(service_commands.Expire, after=DAY)


def _cancelled_by_time() -> Story:
    return Story(policy=changed_policy(tiers={"high": {"on_timeout": "cancel"}})).clock(
        service_commands.Expire, after=DAY
    )


STATES: dict[str, Callable[[], Story]] = {
    "pending": Story,
    "pending_soft": _shown,
    "pending_soft_unseen": lambda: Story(REFUND),
    "pending_takeover": lambda: Story(TAKEOVER),
    "pending_critical": lambda: Story(CRITICAL),
    "one_of_two": _one_of_two,
    "claimed_task": lambda: Story().then(commands.ClaimTask, SENTA),
    "commented": lambda: Story().then(commands.Comment, SVEN, comment="The May record came in today."),
    "objected": lambda: _shown().then(commands.Object, ROSS, comment="The customer wrote from a new address."),
    "silence_unproven": lambda: _shown().clock(
        service_commands.Consent,
        after=10 * MINUTE,
        silence={"counted": 10 * MINUTE, "could_be_answered": True},
    ),
    "escalated": _escalated,
    "handed_over": lambda: Story().then(commands.Escalate, SENTA, to_person=SVEN, comment="You know the applicant."),
    "escalated_by_time": lambda: Story().clock(service_commands.Climb, after=DAY),
    "deferred": lambda: Story().then(
        commands.Defer, SENTA, until=NOW + 2 * DAY, comment="The court decides on Tuesday."
    ),
    "revision_requested": _revised,
    "evidence_requested": lambda: Story().then(
        commands.RequestMoreEvidence, SENTA, instructions="Show the inspection record for May."
    ),
    "second_version": _second_version,
    "edited_version": _edited_for_another,
    "approved": _approved,
    "approved_by_quorum": lambda: _read_first(_one_of_two(), SUSI).then(commands.Approve, SUSI, comment="Agreed."),
    "approved_with_edits": _edited,
    "answered": _answered,
    "consented": lambda: _shown().clock(service_commands.Consent, after=5 * MINUTE),
    "rejected": lambda: Story().then(commands.Reject, SENTA, comment="The May record excuses the first date."),
    "taken_over": lambda: Story().then(commands.TakeOver, SENTA, comment="I will call ACME."),
    "handed_back": lambda: (
        Story()
        .then(commands.TakeOver, SENTA, comment="I will call ACME.")
        .then(commands.HandBack, SENTA, comment="Called; they will file on Monday.")
    ),
    "overridden_proceed": lambda: _overridden("proceed"),
    "overridden_stop": lambda: _overridden("stop"),
    "overridden_other": lambda: _overridden("other"),
    "expired": _nobody_came,
    "expired_awaiting_agent": lambda: _revised().clock(service_commands.Expire, after=2 * DAY),
    "withdrawn": lambda: Story().agent(commands.Withdraw, comment="ACME filed this morning."),
    "cancelled_by_time": _cancelled_by_time,
    "revoked": lambda: _approved().then(commands.Revoke, SUSI, comment="ACME filed this morning."),
    "revoked_at_claim": _revoked_at_claim,
    "claimed": _claimed,
    "succeeded": lambda: _reported("succeeded", "Notice 456 was delivered at 12:03."),
    "failed": lambda: _reported("failed", "The mail server refused the address."),
    "rolled_back": lambda: _reported("rolled_back", "The letter of withdrawal was sent."),
    "lapsed": lambda: _approved().clock(service_commands.Lapse, after=2 * DAY),
    "lost_track": lambda: _claimed().clock(service_commands.LoseTrack, after=HOUR),
    "notified": _notified,
}

EARLIER = (
    EarlierPackage(package_id="pkg_0", status=Status.APPROVED, at=NOW - 9 * DAY, by=(SENTA,)),
    EarlierPackage(package_id="pkg_00", status=Status.EXPIRED, at=NOW - 30 * DAY),
)


REFUSED = EarlierPackage(package_id="pkg_000", status=Status.REJECTED, at=NOW - 2 * DAY, by=(SENTA,))


def dossier(name: str, **changes: Any) -> Dossier:
    return STATES[name]().dossier(**changes)


def of_kind(kind: str, **changes: Any) -> Dossier:
    return Story(KINDS[kind]).dossier(**changes)


def emptied_dossier(name: str) -> Dossier:
    """After retention: the record is there, the content is not."""
    full = dossier(name)
    history = tuple(
        HistoryEvent(
            revision=one.revision,
            at=one.at,
            event_type=one.event_type,
            actor=one.actor,
            decision=one.decision,
            basis=one.basis,
            reason=one.reason,
            outcome=one.outcome,
            version=one.version,
        )
        for one in full.history
    )
    return dossier(name, package=None, before=None, decision_words={}, history=history)
