"""The audit proves that each use of an exception cites one that held, and finds each that does not."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from datetime import datetime
from typing import Any

import pytest

from rules.policy.exceptions import Exceptions
from rules.policy.model import Policy
from rules.record.chain import package_event
from rules.record.evidence import Fault, Trail
from rules.record.references import ExceptionUses, Longest
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

    def under(self, policy: Policy) -> Story:
        self._bearing["policy"] = policy
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


def sentences(*stories: Story, whole: bool = True, longest: Longest = lambda _: None) -> list[str]:
    ledger = ExceptionUses()
    faults: list[Fault] = [fault for story in stories for fault in ledger.read(story.trail)]
    return [fault.sentence for fault in (*faults, *ledger.faults(whole=whole, longest=longest))]


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


def test_a_use_after_a_policy_shortened_it_is_found() -> None:
    shorter = MARKED.model_copy(update={"exceptions": Exceptions(at_most=HOUR)})
    exception = granted()
    use = using(granted(), now=NOW + 3 * HOUR)
    assert sentences(exception, use) == []
    exception.under(shorter).then(service_commands.ShortenException, now=NOW + 2 * HOUR)
    exception.under(MARKED).then(service_commands.EndException, now=NOW + 4 * HOUR)
    assert sentences(exception, use) == ["it cites the exception pkg_ex, which did not hold then"]


def test_a_use_before_a_policy_shortened_it_is_sound_also_if_the_new_end_is_earlier() -> None:
    shorter = MARKED.model_copy(update={"exceptions": Exceptions(at_most=HOUR)})
    exception = granted()
    before, after = using(granted(), now=NOW + 3 * HOUR), using(granted(), now=NOW + 5 * HOUR)
    exception.under(shorter).then(service_commands.ShortenException, now=NOW + 4 * HOUR)
    assert sentences(exception, before) == []
    assert sentences(exception, after) == ["it cites the exception pkg_ex, which did not hold then"]


def test_a_grant_for_longer_than_people_approved_ends_when_they_approved() -> None:
    exception = granted()
    exception.trail.events[-1]["change"]["exception"] |= {"ends_at": (NOW + 90 * DAY).isoformat()}
    use = using(granted())
    use.trail.events[0]["occurred_at"] = (NOW + 4 * DAY).isoformat()
    assert sentences(exception, use) == ["it cites the exception pkg_ex, which did not hold then"]


def test_a_second_grant_is_found_and_gives_no_more_time() -> None:
    exception = granted()
    again = deepcopy(exception.trail.events[-1]) | {"occurred_at": (NOW + 2 * DAY).isoformat()}
    exception.then(service_commands.EndException, now=NOW + 3 * DAY)
    exception.trail.events.append(again)
    use = using(granted())
    use.trail.events[0]["occurred_at"] = (NOW + 4 * DAY).isoformat()
    assert sentences(exception, use) == [
        "it grants the exception a second time",
        "it cites the exception pkg_ex, which did not hold then",
    ]


def test_a_grant_of_an_earlier_release_had_no_end_of_its_own_so_policies_did_not_shorten_it() -> None:
    exception, use = granted(), using(granted(), now=NOW + 3 * HOUR)
    del exception.trail.events[-1]["change"]["exception"]["ends_at"]
    assert sentences(exception, use, longest=lambda begins: begins + HOUR) == []


def test_a_use_after_the_policies_of_the_record_allowed_it_is_found() -> None:
    exception, use = granted(), using(granted(), now=NOW + 3 * HOUR)
    assert sentences(exception, use, longest=lambda begins: begins + 4 * HOUR) == []
    assert sentences(exception, use, longest=lambda begins: begins + HOUR) == [
        "it cites the exception pkg_ex, which did not hold then"
    ]


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


def test_a_grant_that_people_did_not_approve_is_found_and_grants_nothing() -> None:
    exception, use = granted(), using(granted())
    kept = ("package.submitted", "exception.granted")
    exception.trail.events = [event for event in exception.trail.events if event["event_type"] in kept]
    assert sentences(exception, use) == [
        "it grants an exception that 0 of 2 people approved",
        "it cites the exception pkg_ex, and no people granted it",
    ]


def approve_once(exception: Story) -> None:
    for event in exception.trail.events:
        if decision := event["change"].get("decision"):
            decision["reviewers"] = decision["reviewers"][:1] * 2


def bar_an_approver(exception: Story) -> None:
    exception.trail.events[0]["change"]["barred"] |= {SENTA: "requester"}


def approve_an_earlier_version(exception: Story) -> None:
    exception.trail.events[-1]["change"]["version"] = 2


UNAPPROVED: dict[str, tuple[Callable[[Story], None], int]] = {
    "the same person twice": (approve_once, 1),
    "a person who may not": (bar_an_approver, 1),
    "an earlier version": (approve_an_earlier_version, 0),
}


@pytest.mark.parametrize(("forge", "approved"), UNAPPROVED.values(), ids=UNAPPROVED)
def test_a_grant_needs_two_people_who_may_approve_its_present_version(
    forge: Callable[[Story], None], approved: int
) -> None:
    exception = granted()
    forge(exception)
    assert sentences(exception) == [f"it grants an exception that {approved} of 2 people approved"]


def test_a_grant_of_more_than_was_asked_is_found() -> None:
    exception = granted()
    exception.trail.events[-1]["change"]["exception"] |= {
        "action_types": ["refund", "wire"],
        "until": "2030-01-01T00:00:00Z",
    }
    assert sentences(exception) == ["it grants an exception with another action_types, until than people approved"]


def test_a_use_for_a_package_on_which_an_approver_may_not_decide_is_found() -> None:
    exception = granted()
    use = using(exception)
    use.trail.events[0]["change"]["barred"] |= {SENTA: "requester"}
    assert sentences(exception, use) == [
        "it cites the exception pkg_ex, which people approved who may not decide on this package"
    ]


def test_a_decision_by_an_exception_must_name_one_that_the_package_used() -> None:
    exception = granted()
    use = using(exception)
    use.trail.events[-1]["change"]["decision"] |= {"grant_id": "pkg_other"}
    assert sentences(exception, use) == ["it was decided by an exception that it does not cite"]


def test_what_cannot_be_read_is_a_fault() -> None:
    use = using(granted())
    use.trail.events[0]["change"]["exception_uses"] = [{"exception_id": 1}]
    assert "what it says of exceptions cannot be read" in sentences(use)
