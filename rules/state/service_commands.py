"""The commands of the clock and of the delivery of cards, one class for each verb.

They take the same path as those of people: `decide` checks each of them, and a late or repeated one changes nothing.
Consequences of a thread's commands for its packages are here too.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from rules.state.commands import Command, Id, Verb
from rules.state.events import Cause
from rules.state.model import Bar
from rules.state.sightings import CardLocation, Silence
from rules.values import Moment


class ClockCommand(Command):
    """Base class. `decide` checks again that it is due: late, twice or from two machines, it changes nothing."""


class Remind(ClockCommand):
    verb = Verb.REMIND


class Consent(ClockCommand):
    verb = Verb.CONSENT
    silence: Silence


class Climb(ClockCommand):
    """Ask the next role of the ladder."""

    verb = Verb.CLIMB


class Relieve(ClockCommand):
    """Give the task of someone who is absent to someone else, give it back, or ask the next role."""

    verb = Verb.RELIEVE


class Harden(ClockCommand):
    """Stop counting silence, because an objection may have been lost.

    `clicked_by` is the person whose click failed, if one did.
    """

    verb = Verb.HARDEN
    cause: Literal[Cause.CLICK_FAILED, Cause.PROOF_LOST]
    clicked_by: str | None = None


class Expire(ClockCommand):
    verb = Verb.EXPIRE


class WakeUp(ClockCommand):
    verb = Verb.WAKE


class Lapse(ClockCommand):
    """A permission was not used in time."""

    verb = Verb.LAPSE


class LoseTrack(ClockCommand):
    """The agent did not report the outcome in time."""

    verb = Verb.LOSE_TRACK


class EndLook(ClockCommand):
    """Nobody judged in time, or the judge left."""

    verb = Verb.END_LOOK


class RecordMails(ClockCommand):
    """People were told of the package by e-mail. Each mail is recorded once."""

    verb = Verb.RECORD_MAILS


class AnnounceEnd(ClockCommand):
    """An exception ends soon."""

    verb = Verb.ANNOUNCE_END


class ShortenException(ClockCommand):
    """A policy came in force that allows an exception less time."""

    verb = Verb.SHORTEN_EXCEPTION


class EndException(ClockCommand):
    verb = Verb.END_EXCEPTION


class ThreadConsequence(Command):
    """What follows for a package from a command for its thread. Base class.

    `thread_event_id` is the event of the thread's own record, and `since` its time. `role` is the role of the person
    who gave that command, or the id of the agent that gave it.
    """

    thread_key: str
    thread_event_id: str
    since: Moment
    role: str


class HoldWithThread(ThreadConsequence):
    verb = Verb.HOLD_WITH_THREAD


class ResumeWithThread(ThreadConsequence):
    """`new_plan`: the thread resumes with a modified state, so an action that is running belongs to another plan."""

    verb = Verb.RESUME_WITH_THREAD
    new_plan: bool = False


class CancelWithThread(ThreadConsequence):
    verb = Verb.CANCEL_WITH_THREAD


class RevokeWithThread(ThreadConsequence):
    """An approval that was given to another plan or, `for_good`, in a thread that is cancelled."""

    verb = Verb.REVOKE_WITH_THREAD
    for_good: bool = False


class HandOverWithThread(ThreadConsequence):
    """The thread goes to another agent, and the package with it."""

    verb = Verb.HAND_OVER_WITH_THREAD
    agent_id: str
    owner: str
    bars: dict[str, Bar]


class RevokeWithHandoff(ThreadConsequence):
    """The thread went to another agent. A permission that no person gave was for the former agent only."""

    verb = Verb.REVOKE_WITH_HANDOFF


class Show(Command):
    """Slack has the card. `seen_by`: the people who can see it there and could decide."""

    verb = Verb.SHOW
    package_version: int = Field(ge=1)
    rendering_id: Id
    channel: Id
    ts: Id
    seen_by: frozenset[str]

    @property
    def location(self) -> CardLocation:
        return CardLocation(self.channel, self.ts)
