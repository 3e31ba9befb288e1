"""How long the policies of a record let an exception hold, whatever the exception itself says."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from rules.record.chain import rfc3339
from rules.record.evidence import StoredPolicy
from rules.record.stored_texts import PoliciesInForce
from rules.state.events import TenantEventType
from tests.rules.world import DAY, HOUR, NOW, policy, policy_text


def activation(digest: str, at: datetime) -> dict[str, Any]:
    change = {"policy_digest": digest, "text_digest": None}
    return {"event_type": TenantEventType.POLICY_ACTIVATED, "occurred_at": rfc3339(at), "change": change}


def in_force(*policies: tuple[str, datetime, str]) -> PoliciesInForce:
    """Policies by digest, each with the time from which it was in force, and its text."""
    known = PoliciesInForce()
    for digest, since, _ in policies:
        known.record_activation(activation(digest, since))
    list(known.faults([StoredPolicy(digest, "1", text) for digest, _, text in policies]))
    return known


def allowing(time: str) -> str:
    return policy_text(policy(exceptions={"at_most": time}))


def test_the_policy_in_force_at_the_grant_bounds_it() -> None:
    known = in_force(("a", NOW - DAY, allowing("2d")), ("b", NOW, allowing("9d")))
    assert known.exception_end(NOW + HOUR) == NOW + HOUR + 9 * DAY


def test_a_later_policy_shortens_it_and_never_before_it_was_in_force() -> None:
    known = in_force(("a", NOW - DAY, allowing("9d")), ("b", NOW + 3 * DAY, allowing("2d")))
    assert known.exception_end(NOW) == NOW + 3 * DAY
    assert known.exception_end(NOW + 2 * DAY) == NOW + 4 * DAY


def test_a_policy_that_allows_more_again_does_not_lengthen_it() -> None:
    known = in_force(
        ("a", NOW - DAY, allowing("9d")), ("b", NOW + HOUR, allowing("1d")), ("a", NOW + 2 * HOUR, allowing("9d"))
    )
    assert known.exception_end(NOW) == NOW + DAY


def test_a_policy_of_another_release_that_cannot_be_read_sets_no_end() -> None:
    known = in_force(("a", NOW - DAY, "from_the_future = true"))
    assert known.exception_end(NOW) is None
