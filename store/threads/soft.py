"""The packages of a thread to which silence would be consent."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from rules.people.directory import Actor, ActorKind
from rules.reasons import Reason
from rules.state.model import Status
from rules.threads.commands import ThreadVerb
from rules.threads.decide import try_thread_verbs
from rules.threads.situation import ThreadSituation
from store.installation.installation import Installation
from store.threads.members import reached_packages
from store.threads.records import load_thread_by_key

_UNCERTAIN = frozenset([Reason.DIRECTORY_STALE, Reason.UNKNOWN_PERSON])


def list_soft_stopped_by(
    connection: Connection, installation: Installation, key: str, user_id: str, now: datetime
) -> list[str]:
    """Packages to which silence would no longer be consent if this person held the thread now.

    None if the person may not hold it. While that is not known, they are listed all the same.
    """
    loaded = load_thread_by_key(connection, installation.tenant_id, key)
    if loaded is None:
        return []
    packages, roster = reached_packages(connection, loaded.state), installation.roster(connection)
    actor = Actor(kind=ActorKind.PERSON, actor_id=user_id)
    situation = ThreadSituation(roster=roster, now=now, fresh_id="", actor=actor, packages=packages)
    refusal = try_thread_verbs(loaded.state, situation)[ThreadVerb.HOLD]
    if refusal and refusal.reason not in _UNCERTAIN:
        return []
    return [state.decision_package_id for state in packages if state.soft and state.status is Status.PENDING]
