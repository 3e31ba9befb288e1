"""Reads what one person may see of a thread.

A person sees a thread if they may see one of its packages, or may give the thread a command. Packages that they may not
see are only counted; one that they judge blindly is shown as it was proposed. `/reviews` and clicks on threads use it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from itertools import islice

from sqlalchemy import Connection

from blocks.threads.dossier import ThreadDossier, ThreadEvent, ThreadPackage
from bot.slack.context.listener_context import ListenerContext
from bot.slack.context.tap import person
from rules.authority.blindness import Knows, as_proposed, hides_event, knowledge
from rules.authority.visibility import may_see
from rules.people.directory import Roster
from rules.reasons import Reason, Refusal, refuse
from rules.record.chain import Event
from rules.state.events import EventType
from rules.state.model import PackageState
from rules.threads.commands import ThreadVerb
from rules.threads.decide import try_thread_verbs
from rules.threads.situation import ThreadSituation
from store.agents.agents import agent_names
from store.packages.content import load_words
from store.packages.events import count_events_of, load_latest_events
from store.threads.members import reached_packages
from store.threads.records import LoadedThread, list_threads, load_thread_by_key

LISTED = 10  # threads in a list, and packages of a thread
_EVENTS = 25  # the newest ones that are shown
# Events of packages that repeat an event of the thread itself, or say that someone saw a card, Details or a form.
_LEFT_OUT = frozenset([
    EventType.PACKAGE_HELD, EventType.PACKAGE_RESUMED, EventType.PACKAGE_THREAD_CHANGED, EventType.PACKAGE_HANDED_OVER,
    EventType.PACKAGE_SHOWN, EventType.PACKAGE_DETAILS_OPENED, EventType.PACKAGE_FORM_OPENED,
])  # fmt: skip
_MAX_TRIED = 200  # of the newest packages: which of them the reader may see


async def load_thread_dossier(
    context: ListenerContext, user_id: str, thread_key: str, name: str = "of this name"
) -> ThreadDossier | Refusal:
    """The thread, or why this person does not see it. `name`: what the refusal calls the thread."""
    now = context.store.clock()

    def read(connection: Connection) -> ThreadDossier | Refusal:
        if seen := _read(connection, context, user_id, thread_key, now):
            return seen
        roster = context.store.installation.roster(connection)
        if not roster.directory.is_fresh(roster.policy, now):
            return refuse(Reason.DIRECTORY_STALE)
        return refuse(Reason.THREAD_NOT_VISIBLE, thread=name)

    return await context.store.read(read)


async def load_thread_dossiers(context: ListenerContext, user_id: str) -> list[ThreadDossier]:
    """Held threads and those with open packages that this person may see, the latest first. Up to `LISTED` + 1."""
    tenant_id, now = context.store.installation.tenant_id, context.store.clock()

    def read(connection: Connection) -> list[ThreadDossier]:
        sees = partial(may_see, context.store.installation.roster(connection), user_id=user_id, now=now)
        keys = list_threads(connection, tenant_id, sees, LISTED + 1)
        dossiers = (_read(connection, context, user_id, key, now) for key in keys)
        return list(islice(filter(None, dossiers), LISTED + 1))

    return await context.store.read(read)


def _read(
    connection: Connection, context: ListenerContext, user_id: str, thread_key: str, now: datetime
) -> ThreadDossier | None:
    installation = context.store.installation
    loaded = load_thread_by_key(connection, installation.tenant_id, thread_key)
    if loaded is None:
        return None
    roster, state = installation.roster(connection), loaded.state
    packages = reached_packages(connection, state)
    visible = [package for package in packages[:_MAX_TRIED] if may_see(roster, package, user_id, now)]
    situation = ThreadSituation(roster=roster, now=now, fresh_id="", actor=person(user_id), packages=packages)
    refusals = try_thread_verbs(state, situation)
    if not visible and all(refusals.values()):
        return None
    return _dossier(connection, roster, loaded, packages, visible, user_id=user_id, refusals=refusals)


def _dossier(
    connection: Connection,
    roster: Roster,
    loaded: LoadedThread,
    packages: tuple[PackageState, ...],
    visible: list[PackageState],
    *,
    user_id: str,
    refusals: Mapping[ThreadVerb, Refusal | None],
) -> ThreadDossier:
    state, agents = loaded.state, agent_names(connection, loaded.state.tenant_id)
    listed_packages = visible[:LISTED]
    titles = _titles(connection, state.tenant_id, listed_packages)
    fully_visible = [package for package in listed_packages if knowledge(package, user_id) is not Knows.PROPOSAL]
    chains = (state.thread_key, *(package.decision_package_id for package in fully_visible))
    latest = load_latest_events(connection, state.tenant_id, chains, _EVENTS, _LEFT_OUT)
    shown_events = [event for event in latest if _may_know(event, listed_packages, user_id)]
    words = load_words(
        connection,
        state.tenant_id,
        *(event["event_id"] for event in shown_events),
        *([state.event_id] if state.event_id else []),
    )
    return ThreadDossier(
        state=state,
        agent=agents.get(state.owner_agent, state.owner_agent),
        packages=tuple(
            ThreadPackage(
                state=package if package in fully_visible else as_proposed(package),
                title=titles.get(package.decision_package_id),
            )
            for package in listed_packages
        ),
        unseen=len(packages) - len(listed_packages),
        history=tuple(
            ThreadEvent(
                at=datetime.fromisoformat(event["occurred_at"]),
                event_type=event["event_type"],
                actor=event["actor"],
                about=titles.get(event["decision_package_id"]),
                decision=event.get("decision"),
                words=words.get(event["event_id"], {}),
            )
            for event in shown_events
        ),
        left_out=count_events_of(connection, state.tenant_id, chains) - len(shown_events),
        words=words.get(state.event_id or "", {}),
        names={**roster.names, **agents},
        refusals=refusals,
    )


def _may_know(event: Event, packages: list[PackageState], user_id: str) -> bool:
    about = next((one for one in packages if one.decision_package_id == event["decision_package_id"]), None)
    at = datetime.fromisoformat(event["occurred_at"])
    return about is None or not hides_event(about, event["event_type"], event["actor"], at, user_id)


def _titles(connection: Connection, tenant_id: str, packages: list[PackageState]) -> dict[str, str]:
    words = load_words(connection, tenant_id, *(package.version_event_id for package in packages))
    contents = {
        package.decision_package_id: words.get(package.version_event_id, {}).get("package") for package in packages
    }
    return {key: str(content["title"]) for key, content in contents.items() if isinstance(content, dict)}
