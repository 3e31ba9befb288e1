"""To whom a task is handed, where the policy hands tasks out: of those who could decide, who has least to do."""

from __future__ import annotations

from rules.authority.authorization import eligible_users, question_of
from rules.state.model import PackageState, ReviewTask
from rules.state.situation import Situation


def assign_task(state: PackageState, situation: Situation) -> ReviewTask:
    """The package's task, with its assignee. Where people pull their work from the queue it has none."""
    if situation.policy.queue.assign == "pull":
        return state.task
    people = (
        situation.roster.person(user) for user in eligible_users(situation.roster, question_of(state), situation.now)
    )
    present = [person.user_id for person in people if person and not person.is_away(situation.now)]
    least = min(present, key=lambda user: (situation.open_items.get(user, 0), user), default=None)
    return state.task.model_copy(update={"assigned_to": least})
