"""The audit proves that each use of an exception cites one that held, and finds each that does not."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from rules.record.chain import package_event
from rules.record.evidence import Fault, Trail
from rules.record.references import ExceptionUses
from rules.state import agent_commands, service_commands
from rules.state.commands import Approve, Revoke
from rules.state.model import PackageState
from rules.state.transition import Transition
from tests.rules.exceptions.excepting import MARKED, asking, costly
from tests.rules.exceptions.test_holding import TRUSTED
from tests.rules.world import AGENT, DAY, HOUR, NOW, SENTA, SUSI, SVEN, ask, submission, transition_of

LATER = NOW + HOUR


class Story:
    """A package's events, with the exceptions that hold for it."""

    def __init__(self, package_id: str, content: Any, *, now: datetime = NOW, **bearing: Any) -> None:
        self.trail, self._bearing = Trail(package_id), {"policy": MARKED, "profile": TRUSTED, **bearing}
        self.state: PackageState
        self._keep(transition_of(None, submission(content, package_id), by=AGENT.actor, now=now, **self._bearing))

    def then(self, kind: Any, by: Any = None, now: datetime = NOW) -> Story:
        actor = {"by": by} if by else {}
        self._keep(transition_of(self.state, ask(kind, self.state), now=now, **actor, **self._bearing))
        return self

    def _keep(self, moved: Transition) -> None:
        before = moved.before
        for occurrence in moved.occurrences:
            self.trail.events.append(package_event(occurrence, before, "salt"))
            before = occurrence.after
        self.state = moved.after


def granted() -> Story:
    story = Story("pkg_ex", asking())
    return story.then(Approve, SENTA).then(Approve, SVEN)


def using(exception: Story, now: datetime = LATER) -> Story:
    return Story("pkg_use", costly(), now=now, exceptions=(exception.state,))


def sentences(*stories: Story, whole: bool = True) -> list[str]:
    ledger = ExceptionUses()
    faults: list[Fault] = [fault for story in stories for fault in ledger.read(story.trail)]
    return [fault.sentence for fault in (*faults, *ledger.faults(whole=whole))]


def test_a_use_of_an_exception_that_held_is_sound_in_any_order() -> None:
    exception = granted()
    use = using(exception).then(agent_commands.ClaimExecution, AGENT.actor, now=LATER)
    assert sentences(exception, use) == sentences(use, exception) == []


def test_a_use_after_its_revocation_is_found() -> None:
    exception = granted()
    use = using(exception, now=LATER)
    exception.then(Revoke, SUSI, now=NOW + HOUR / 2)
    assert sentences(exception, use) == ["it cites the exception pkg_ex, which did not hold then"]


def test_a_claim_after_its_revocation_is_found() -> None:
    exception = granted()
    use = using(exception).then(agent_commands.ClaimExecution, AGENT.actor, now=NOW + 2 * HOUR)
    exception.then(Revoke, SUSI, now=NOW + HOUR + HOUR / 2)
    assert sentences(exception, use) == ["it cites the exception pkg_ex, which did not hold then"]


def test_a_use_before_its_grant_or_after_its_end_is_found() -> None:
    exception = granted()
    exception.then(service_commands.EndException, now=NOW + 3 * DAY)
    use = using(granted())
    for at in (NOW - HOUR, NOW + 4 * DAY):
        use.trail.events[0]["occurred_at"] = at.isoformat()
        assert sentences(exception, use) == ["it cites the exception pkg_ex, which did not hold then"]


def test_clocks_of_replicas_may_differ_by_seconds() -> None:
    exception = granted()
    use = using(exception, now=LATER)
    exception.then(Revoke, SUSI, now=LATER - HOUR / 120)
    assert sentences(exception, use) == []


def test_an_exception_that_nobody_granted_is_found_and_in_a_part_of_a_record_it_may_be_missing() -> None:
    use = using(granted())
    assert sentences(use) == ["it cites the exception pkg_ex, and no people granted it"]
    assert sentences(Story("pkg_ex", asking()).then(Approve, SENTA), use) == sentences(use)
    assert sentences(use, whole=False) == []


FORGED: dict[str, tuple[dict[str, Any], str]] = {
    "agent": ({"agent_id": "agt_9"}, "agent"),
    "owner": ({"owner": "URITA"}, "agent"),
    "type": ({"action_type": "mail.send"}, "action type"),
    "rule": ({"exception_uses": [{"exception_id": "pkg_ex", "rule": "floor", "asked": "hard_approval"}]}, "rule"),
}


@pytest.mark.parametrize(("change", "part"), FORGED.values(), ids=FORGED)
def test_a_use_for_something_that_was_not_granted_is_found(change: dict[str, Any], part: str) -> None:
    exception = granted()
    use = using(exception)
    use.trail.events[0]["change"] |= change
    assert sentences(exception, use) == [f"it cites the exception pkg_ex, which was granted for another {part}"]


def test_a_decision_by_an_exception_must_name_one_that_the_package_used() -> None:
    exception = granted()
    use = using(exception)
    use.trail.events[-1]["change"]["decision"] |= {"grant_id": "pkg_other"}
    assert sentences(exception, use) == ["it was decided by an exception that it does not cite"]


def test_what_cannot_be_read_is_a_fault() -> None:
    use = using(granted())
    use.trail.events[0]["change"]["exception_uses"] = [{"exception_id": 1}]
    assert "what it says of exceptions cannot be read" in sentences(use)
