"""What a person may know of a package whose approval is judged blindly.

While a look is open, its judge knows the package as it was proposed, and a card that everyone sees says no more. Others
see what was decided. The verdict is for the judge and those whose approval it was. For all others it is only counted.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import Enum, auto
from typing import Any

from rules.state.decisions import Execution
from rules.state.events import Cause, EventType
from rules.state.model import Bar, PackageState, Status

WITHHELD = "withheld"
_CAUSES = frozenset(cause.value for cause in Cause)  # also the rules of the reasons that were added after submission
_BY_REVIEWERS = (Bar.EDITOR, Bar.RECUSED)


class Knows(Enum):
    PROPOSAL = auto()
    DECISION = auto()
    VERDICT = auto()


def knowledge(state: PackageState, viewer: str | None) -> Knows:
    """What this person may know. None: everyone who sees a card in a channel."""
    look = state.look
    if look is None:
        return Knows.VERDICT
    if state.open_look:
        return Knows.PROPOSAL if viewer in (None, look.judge) else Knows.DECISION
    is_concerned = viewer == look.judge or (viewer in look.of and state.verdict is not None)
    return Knows.VERDICT if is_concerned else Knows.DECISION


# What a judge does while the look is open.
_BY_JUDGE = frozenset([
    EventType.REVIEW_JUDGED, EventType.AUTONOMY_CHANGED, EventType.PACKAGE_DETAILS_OPENED,
    EventType.PACKAGE_FORM_OPENED, EventType.HUMAN_DECISION_REFUSED,
])  # fmt: skip


_ABOUT_A_LOOK = (EventType.REVIEW_PICKED, EventType.REVIEW_ENDED)
_WITHHELD_CHANGES = ("look", "verdict")  # also in events that tell something else: a failure ends a look


def hides_event(state: PackageState, event_type: str, actor: str, at: datetime, viewer: str | None) -> bool:
    """Whether the event would tell this person who the judge is or how they judged. Events before the look do not."""
    look = state.look
    if look is None or actor != look.judge or (look.since and at < look.since):
        return False
    return event_type in _BY_JUDGE and knowledge(state, viewer) is not Knows.VERDICT


def events_for_agent(events: Iterable[dict[str, Any]], state: PackageState) -> list[dict[str, Any]]:
    """Agents follow the chain of their packages, and learn neither who the judge is nor how they judged."""
    return [_event_for_agent(event, state) for event in events]


def _event_for_agent(event: dict[str, Any], state: PackageState) -> dict[str, Any]:
    if event["revision"] == 1:
        return event  # the whole state of a new package, which nobody looked at; its digest can be computed again
    about_look, at = event["event_type"] in _ABOUT_A_LOOK, datetime.fromisoformat(event["occurred_at"])
    if about_look or hides_event(state, event["event_type"], event["actor"], at, None):
        return withheld_event(event)
    change = {name: value for name, value in event["change"].items() if name not in _WITHHELD_CHANGES}
    return event | {"change": change}


def withheld_event(event: dict[str, Any]) -> dict[str, Any]:
    """The event without who did what. Its digest stays, so the chain can still be followed."""
    return event | {"actor": WITHHELD, "change": {}} | dict.fromkeys(("authority", "outcome", "reason", "rendering_id"))


def as_proposed(state: PackageState) -> PackageState:
    """The package without anything that people did with it, and without what came of it."""
    task = state.task.model_copy(update={"assigned_to": None, "stands_in_for": None})
    return state.model_copy(
        update={
            "status": Status.PENDING,
            "task": task,
            "why": tuple(why for why in state.why if why.rule not in _CAUSES),
            "barred": {party: bar for party, bar in state.barred.items() if bar not in _BY_REVIEWERS},
            "updated_at": state.asked_at,
            "execution": Execution(),
            "message_count": 0,
            **dict.fromkeys(("votes", "retry_votes", "details", "forms", "noes", "mailed"), ()),
            **dict.fromkeys(("holds_thread", "sampled"), False),
            **dict.fromkeys(_UNKNOWN),
        }
    )


_UNKNOWN = (
    "decision", "recovery", "lapses_at", "outcome_by", "hold", "followed", "shown", "verdict", "audit_rate", "look",
)  # fmt: skip


def without_verdict(state: PackageState) -> PackageState:
    return state.model_copy(update={"sampled": False, "verdict": None})
