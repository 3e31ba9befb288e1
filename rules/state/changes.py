"""`StateChanges`: the fields of a package's state that an event may change, checked by the type checker.

Nothing is validated at run time, because changes are made on every request. `revision` and `updated_at` are missing on
purpose: only `Move.record` sets them.
"""

from __future__ import annotations

from typing import TypedDict

from rules.mail.mailed import Mailed
from rules.package.exceptions import ExceptionUse, PolicyException
from rules.scales import HITLLevel, Reversibility, RiskLevel
from rules.state.commands import Verdict
from rules.state.decisions import BlindLook, Decision, Execution, Hold, Recovery, Vote
from rules.state.model import Bar, PackageState, ReviewTask, Status, Terms, Why
from rules.state.noes import No
from rules.state.sightings import Details, FormStep, Shown
from rules.values import Moment


class StateChanges(TypedDict, total=False):
    agent_id: str
    owner: str
    version: int
    version_event_id: str
    status: Status

    action_digest: str
    risk: RiskLevel
    confidence: float
    reversibility: Reversibility
    level: HITLLevel
    why: tuple[Why, ...]
    terms: Terms
    warnings: tuple[str, ...]
    allowed_decisions: tuple[str, ...] | None
    whole_on_card: bool
    exception: PolicyException | None
    exception_uses: tuple[ExceptionUse, ...]

    barred: dict[str, Bar]
    task: ReviewTask
    votes: tuple[Vote, ...]
    decision: Decision | None
    execution: Execution
    recovery: Recovery | None
    retry_votes: tuple[Vote, ...]
    asks_recovery: bool

    asked_at: Moment
    expires_at: Moment | None
    answer_by: Moment | None
    wake_at: Moment | None
    lapses_at: Moment | None
    outcome_by: Moment | None
    put_off: int
    shown: Shown | None
    details: tuple[Details, ...]
    forms: tuple[FormStep, ...]
    noes: tuple[No, ...]
    earlier_no: No | None
    message_count: int
    holds_thread: bool
    hold: Hold | None
    followed: str | None
    sampled: bool
    verdict: Verdict | None
    audit_rate: float | None
    look: BlindLook | None
    mailed: tuple[Mailed, ...]


def apply_changes(state: PackageState, changes: StateChanges) -> PackageState:
    """The state with these changes, without recording an event."""
    return state.model_copy(update=changes)
