"""The scope and the rates of an agent's key."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from rules.authority.key_limits import check_action_type, check_open_packages, check_rate, check_requester, check_risk
from rules.people.agent_keys import UNLIMITED, KeyScope, Load, Rates
from rules.people.directory import Directory, Roster
from rules.reasons import Reason
from rules.scales import Reversibility, RiskLevel
from tests.rules.world import NOW, OWEN, POLICY, ROSE, package, people

ROSTER = Roster(POLICY, Directory(people=people(**{ROSE: {"email": "Rose@Example.com"}}), as_of=NOW))


@pytest.mark.parametrize(
    ("may", "action_type", "covered"),
    [
        (["mail.*"], "mail.send", True),
        (["mail.*", "crm.read"], "crm.read", True),
        (["mail.*"], "mail", False),
        (["mail.*"], "mailbox.delete", False),
        (["mail.*"], "Mail.send", False),
        (["*"], "anything", True),
    ],
)
def test_a_key_covers_exactly_the_action_types_that_it_names(
    may: list[str], action_type: str, *, covered: bool
) -> None:
    refusal = check_action_type(KeyScope.model_validate({"may": may}), package(action_type=action_type))
    assert (refusal is None) is covered


@pytest.mark.parametrize(
    ("requesters", "requested_by", "covered"),
    [
        ([ROSE], ROSE, True),
        ([ROSE], "rose@example.com", True),
        (["*@example.com"], ROSE, True),
        (["ROSE@example.com"], ROSE, True),
        ([OWEN], ROSE, False),
        (["*@elsewhere.com"], ROSE, False),
        ([OWEN], None, True),
        ([ROSE], None, False),
    ],
)
def test_a_key_covers_a_requester_by_user_id_or_by_their_address_in_the_directory(
    requesters: list[str], requested_by: str | None, *, covered: bool
) -> None:
    scope, requester = KeyScope.model_validate({"requesters": requesters}), OWEN if requested_by is None else ROSE
    assert (check_requester(scope, requester, package(requested_by=requested_by), ROSTER) is None) is covered


@pytest.mark.parametrize(
    ("risk", "reversibility", "fields", "field"),
    [
        (RiskLevel.MEDIUM, Reversibility.REVERSIBLE, {}, None),
        (RiskLevel.HIGH, Reversibility.REVERSIBLE, {"risk_level": "high"}, "risk_level"),
        (RiskLevel.LOW, Reversibility.IRREVERSIBLE_HIGH, {"risk_level": "low"}, "action_type"),
        (RiskLevel.LOW, Reversibility.IRREVERSIBLE_HIGH, {"reversibility": "irreversible_high"}, "reversibility"),
        (RiskLevel.CRITICAL, Reversibility.REVERSIBLE, {"risk_level": "low"}, "action_type"),
    ],
)
def test_the_keys_highest_risk_limits_the_graver_of_the_agents_and_the_catalogues_risk(
    risk: RiskLevel, reversibility: Reversibility, fields: dict[str, Any], field: str | None
) -> None:
    refusal = check_risk(KeyScope(max_risk=RiskLevel.MEDIUM), risk, reversibility, package(**fields))
    assert (refusal and refusal.facts["field"]) == field


AGO = NOW - timedelta(seconds=20)


@pytest.mark.parametrize(
    ("rates", "load", "settled", "after"),
    [
        (Rates(), Load(waiting=119, waiting_since=AGO), False, None),
        (Rates(), Load(waiting=120, waiting_since=AGO), False, "40"),
        (Rates(), Load(waiting=120, waiting_since=AGO), True, None),
        (Rates(per_minute=5), Load(waiting=5, waiting_since=AGO), False, "40"),
        (Rates(per_minute=5), Load(new=5, new_since=AGO), True, "40"),
        (Rates(per_minute=UNLIMITED), Load(waiting=10_000, new=10_000), False, None),
    ],
)
def test_the_default_rate_limits_only_packages_that_wait_for_people(
    rates: Rates, load: Load, after: str | None, *, settled: bool
) -> None:
    refusal = check_rate(rates, load, NOW, settled=settled)
    assert (refusal and refusal.facts["after"]) == after


def test_an_agent_may_have_a_limited_number_of_open_packages() -> None:
    assert check_open_packages(Rates(), Load(open=499)) is None
    assert check_open_packages(Rates(max_open=UNLIMITED), Load(open=10_000)) is None
    refusal = check_open_packages(Rates(), Load(open=500))
    assert refusal is not None
    assert (refusal.reason, refusal.facts["after"]) == (Reason.RATE_LIMITED, "60")
    assert refusal.sentence.startswith("This agent has 500 open packages and may have 500.")
