"""Who gets a task: the person with the fewest open tasks of those who could decide, or a person who is named."""

from __future__ import annotations

from collections.abc import Mapping

from rules.authority.authorization import Question, authorize, eligible_users, question_asked
from rules.authority.standards import Standard
from rules.reasons import Reason, Refusal, refuse
from rules.state.model import PackageState, ReviewTask
from rules.state.situation import Situation

# Why a person who is named could not decide, in the third person. `{…}` are facts of the refusal.
_WHY_NOT: Mapping[Reason, str] = {
    Reason.DIRECTORY_STALE: "the directory of people is out of date",
    Reason.UNKNOWN_PERSON: "they are not in this workspace's directory",
    Reason.DEACTIVATED: "their account is deactivated",
    Reason.A_BOT: "this account is a bot",
    Reason.A_GUEST: "they are a guest",
    Reason.A_STRANGER: "they belong to another workspace",
    Reason.WRONG_ROLE: "none of their roles is asked",
    Reason.OUT_OF_SCOPE: "their role does not cover {action_type}",
    Reason.ABOVE_AUTHORITY: "this is {risk} risk, and their authority ends at {max_risk}",
    Reason.IS_REQUESTER: "they asked for it",
    Reason.IS_ON_CHAIN: "it is done on their behalf",
    Reason.IS_OWNER: "they own the agent",
    Reason.IS_EARLIER_IN_THREAD: "they had a part in its thread before it was handed over",
    Reason.IS_EDITOR: "they edited it",
    Reason.IS_RECUSED: "they recused themselves",
    Reason.INDEPENDENCE_UNKNOWN: "the directory has no e-mail address for them, so they could be the requester",
}


def assign_task(state: PackageState, situation: Situation) -> ReviewTask:
    """The package's task with an assignee; unchanged if the policy lets people pull tasks from the queue."""
    if situation.policy.queue.assign == "pull":
        return state.task
    people = (
        situation.roster.person(user) for user in eligible_users(situation.roster, question_asked(state), situation.now)
    )
    present = [person.user_id for person in people if person and not person.is_away(situation.now)]
    assignee = min(present, key=lambda user: (situation.open_items.get(user, 0), user), default=None)
    return state.task.model_copy(update={"assigned_to": assignee})


def check_assignee(user_id: str, question: Question, situation: Situation) -> Refusal | None:
    """Refuse a person who could not decide."""
    able = authorize(situation.roster, user_id, Standard.PROCEED, question, situation.now)
    return _not_eligible(user_id, able.tell(_WHY_NOT[able.reason])) if isinstance(able, Refusal) else None


def check_free(user_id: str, state: PackageState, situation: Situation) -> Refusal | None:
    """Refuse a person who is away, or whose vote already counts."""
    person, now = situation.roster.person(user_id), situation.now
    if person and person.is_away(now) and person.away_until:
        return _not_eligible(user_id, f"they are away until {person.away_until.isoformat(timespec='minutes')}")
    voted = any(vote.reviewer_id == user_id for vote in state.votes)
    return _not_eligible(user_id, "they have already voted") if voted else None


def _not_eligible(user_id: str, because: str) -> Refusal:
    return refuse(Reason.ASSIGNEE_NOT_ELIGIBLE, assignee=user_id, because=because)
