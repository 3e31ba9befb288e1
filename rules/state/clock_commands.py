"""The commands of the clock, one class for each verb."""

from __future__ import annotations

from typing import Literal

from rules.state.commands import Command, Verb
from rules.state.events import Cause
from rules.state.sightings import Silence


class ClockCommand(Command):
    """Base class. `decide` checks again that it is due: late, twice or from two machines, it changes nothing."""


class Remind(ClockCommand):
    verb = Verb.REMIND


class Consent(ClockCommand):
    verb = Verb.CONSENT
    silence: Silence


class Climb(ClockCommand):
    verb = Verb.CLIMB


class Relieve(ClockCommand):
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
    verb = Verb.LAPSE


class LoseTrack(ClockCommand):
    verb = Verb.LOSE_TRACK
