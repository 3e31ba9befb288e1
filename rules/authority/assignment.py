"""Automatic assignment of tasks: to the person with the fewest open tasks among those who could decide."""

from __future__ import annotations

from rules.authority.authorization import eligible_users, question_of
from rules.state.model import PackageState, ReviewTask
from rules.state.situation import Situation


def assign_task(state: PackageState, situation: Situation) -> ReviewTask:
    """The package's task with an assignee; unchanged if the policy lets people pull tasks from the queue."""
    if situation.policy.queue.assign == "pull":
        return state.task
    people = (
        situation.roster.person(user) for user in eligible_users(situation.roster, question_of(state), situation.now)
    )
    present = [person.user_id for person in people if person and not person.is_away(situation.now)]
    assignee = min(present, key=lambda user: (situation.open_items.get(user, 0), user), default=None)
    return state.task.model_copy(update={"assigned_to": assignee})
