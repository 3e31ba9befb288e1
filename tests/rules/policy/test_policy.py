"""Validation of policies, and the methods of `Policy`."""

from __future__ import annotations

from datetime import date, time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from rules.policy.actions import Action
from rules.policy.model import ConfidenceBands, Policy
from rules.policy.roles import Role, WorkingHours
from rules.policy.tiers import Need, Tier, Tiers
from rules.policy.types import PositiveDuration
from rules.scales import HITLLevel, Reversibility, RiskLevel
from rules.state.terms import terms_for
from rules.values import parse_duration, write_duration

ROLES: dict[str, Any] = {"reviewer": {}, "senior_reviewer": {}, "supervisor": {}}


def policy(**settings: Any) -> Policy:
    return Policy.model_validate({"version": "1", "roles": ROLES, **settings})


# Durations.


@pytest.mark.parametrize(
    ("text", "span"),
    [
        pytest.param("250ms", timedelta(milliseconds=250), id="milliseconds"),
        pytest.param("90s", timedelta(seconds=90), id="seconds"),
        pytest.param("5m", timedelta(minutes=5), id="minutes"),
        pytest.param("24h", timedelta(days=1), id="hours"),
        pytest.param("7d", timedelta(days=7), id="days"),
        pytest.param("1h30m", timedelta(minutes=90), id="two units"),
        pytest.param("0s", timedelta(0), id="nothing"),
    ],
)
def test_a_duration_is_parsed_as_people_write_it(text: str, span: timedelta) -> None:
    assert parse_duration(text) == span


@pytest.mark.parametrize(
    "text", ["", "5", "5 m", "5M", "-5m", "1.5h", "m5", "5m!", "٣d", "1h 30m", 300, 5.0, True, None]
)
def test_a_text_that_is_not_a_duration_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match="write a duration such as"):
        parse_duration(text)


def test_a_duration_that_is_too_large_is_refused_like_any_other_mistake() -> None:
    with pytest.raises(ValueError, match="must be shorter"):
        parse_duration("999999999d999999999d")


@given(st.integers(min_value=0, max_value=10**12))
def test_a_written_duration_is_parsed_back_to_the_same_value(milliseconds: int) -> None:
    span = timedelta(milliseconds=milliseconds)
    assert parse_duration(write_duration(span)) == span


@pytest.mark.parametrize("text", ["0s", "36501d"], ids=["nothing", "over a century"])
def test_a_time_limit_is_longer_than_nothing_and_shorter_than_a_century(text: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(PositiveDuration).validate_python(text)


# Tiers.


def test_a_partial_tier_keeps_its_other_defaults() -> None:
    assert Tiers.model_validate({"high": {"quorum": 3}}).high == Tiers().high.model_copy(update={"quorum": 3})


def test_a_partial_tier_changes_no_other_tier() -> None:
    tiers = Tiers.model_validate({"high": {"quorum": 3}})
    assert (tiers.low, tiers.medium, tiers.critical) == (Tiers().low, Tiers().medium, Tiers().critical)


def test_a_partial_tier_replaces_lists_and_tables_whole() -> None:
    tiers = Tiers.model_validate({"critical": {"of_role": {"director": 2}, "ladder": ["director"]}})
    assert (tiers.critical.of_role, tiers.critical.ladder) == ({"director": 2}, ("director",))
    assert tiers.critical.quorum == 2


def test_a_tier_object_is_accepted_unchanged() -> None:
    own = Tier(level=HITLLevel.HUMAN_TAKEOVER, role="director")
    assert Tiers(low=own).low == own


@pytest.mark.parametrize("risk", ["high", "critical"])
@pytest.mark.parametrize("level", ["full_auto", "notify_only", "soft_approval"])
def test_high_risk_is_never_approved_by_silence(risk: str, level: str) -> None:
    with pytest.raises(ValidationError, match=rf"{risk}\.level must be hard_approval or human_takeover"):
        Tiers.model_validate({risk: {"level": level}})


def test_a_tier_cannot_ask_for_more_people_of_a_role_than_it_asks_for_at_all() -> None:
    with pytest.raises(ValidationError, match="more people than the quorum of 1"):
        Tiers.model_validate({"high": {"of_role": {"supervisor": 2}}})


def test_a_reminder_comes_before_the_end_that_it_reminds_of() -> None:
    with pytest.raises(ValidationError, match="shorter than hard_timeout, which is 4h"):
        Tiers.model_validate({"high": {"hard_timeout": "4h"}})


def test_the_built_in_tiers_rise_with_the_risk() -> None:
    levels = [Tiers().of(risk).level for risk in RiskLevel]
    hard = HITLLevel.HARD_APPROVAL
    assert levels == [HITLLevel.FULL_AUTO, HITLLevel.SOFT_APPROVAL, hard, hard]
    assert set(Tiers().critical.needs) == set(Need)


# The other tables.


@pytest.mark.parametrize(
    ("section", "says", "because"),
    [
        pytest.param(
            "reversibility",
            {"irreversible_high": "soft_approval"},
            "irreversible_high must be hard_approval or human_takeover",
            id="irreversible actions are never silent",
        ),
        pytest.param("kinds", {"question": "soft_approval"}, "silence is no answer", id="a question is never silent"),
        pytest.param("confidence", {"hard_below": 0.4}, "must rise", id="bands in order"),
        pytest.param("matrix", {"cost_over": {"EUR": float("inf")}}, "finite", id="no endless threshold"),
        pytest.param("soft", {"sample": float("nan")}, "less than or equal to 1", id="a share is a number"),
    ],
)
def test_a_table_that_makes_no_sense_is_refused(section: str, says: dict[str, Any], because: str) -> None:
    with pytest.raises(ValidationError, match=because):
        policy(**{section: says})


def test_confidence_bands_may_touch() -> None:
    assert ConfidenceBands(takeover_below=0.6, hard_below=0.6).hard_below == 0.6


def test_working_hours_are_read_from_strings_and_from_tomls_own_times() -> None:
    spoken = WorkingHours.model_validate({"start": "08:30", "end": time(12), "holidays": ["2026-12-25"]})
    assert spoken == WorkingHours(start=time(8, 30), end=time(12), holidays=(date(2026, 12, 25),))


@pytest.mark.parametrize(
    "says",
    [
        pytest.param({"start": 9}, id="a number would be seconds past midnight"),
        pytest.param({"start": "09:00Z"}, id="a zone would contradict the timezone"),
        pytest.param({"start": "24:00"}, id="no such time"),
        pytest.param({"holidays": [86400]}, id="a number would be seconds since 1970"),
        pytest.param({"holidays": ["2026-02-30"]}, id="no such date"),
        pytest.param({"start": "17:00", "end": "09:00"}, id="backwards"),
        pytest.param({"timezone": "Europe/Atlantis"}, id="no such timezone"),
        pytest.param({"timezone": "../../etc/passwd"}, id="no timezone but a file"),
        pytest.param({"days": ["monday"]}, id="no such day"),
    ],
)
def test_invalid_working_hours_are_refused(says: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        WorkingHours.model_validate(says)


# The action catalogue.


@pytest.mark.parametrize(
    ("action_type", "expected"),
    [
        pytest.param("db.drop", "db.drop", id="the exact name before every pattern"),
        pytest.param("db.drop.table", "db.drop.*", id="the longest pattern that fits"),
        pytest.param("db.read", "db.*", id="the only pattern that fits"),
        pytest.param("mail", "*", id="the pattern that fits all"),
        pytest.param("DB.read", "db.*", id="capital letters make no difference"),
        pytest.param("db.*", "db.*", id="a name that looks like a pattern"),
    ],
)
def test_an_action_type_is_looked_up_by_name_and_then_by_the_longest_pattern(action_type: str, expected: str) -> None:
    names = ["*", "db.*", "db.drop.*", "db.drop"]
    catalogue = {name: Action(reversibility=Reversibility.REVERSIBLE, tool=None, data_classes=()) for name in names}
    parsed = policy(actions=catalogue)
    assert parsed.listing(action_type).own is parsed.actions[expected]


def test_an_action_type_without_a_matching_entry_is_unlisted() -> None:
    assert policy(actions={"db.*": {"reversibility": "reversible"}}).action("mail") is None


# Roles.


def test_the_holder_of_a_role_may_act_in_all_roles_that_it_includes_at_any_depth() -> None:
    roles = {
        "reviewer": {},
        "senior_reviewer": {"includes": ["reviewer"]},
        "supervisor": {"includes": ["senior_reviewer"]},
        "clerk": {},
    }
    parsed = policy(roles=roles)
    assert parsed.roles_implied_by("supervisor") == {"supervisor", "senior_reviewer", "reviewer"}
    assert parsed.roles_implied_by("reviewer") == {"reviewer"}


def test_roles_that_include_each_other_are_simply_held_together() -> None:
    roles = {**ROLES, "reviewer": {"includes": ["supervisor"]}, "supervisor": {"includes": ["reviewer"]}}
    parsed = policy(roles=roles)
    assert parsed.roles_implied_by("reviewer") == parsed.roles_implied_by("supervisor") == {"reviewer", "supervisor"}


@given(st.dictionaries(st.sampled_from("abcde"), st.lists(st.sampled_from("abcde")), min_size=5))
def test_included_roles_include_their_own_included_roles(includes: dict[str, list[str]]) -> None:
    parsed = policy(roles={**ROLES, **{role: {"includes": names} for role, names in includes.items()}})
    for role in parsed.roles:
        assert all(
            parsed.roles_implied_by(held) <= parsed.roles_implied_by(role) for held in parsed.roles_implied_by(role)
        )


@pytest.mark.parametrize(
    "says",
    [
        pytest.param({"roles": {**ROLES, "reviewer": {"includes": ["ghost"]}}}, id="included"),
        pytest.param({"tiers": {"low": {"role": "ghost"}}}, id="role of a tier"),
        pytest.param({"tiers": {"low": {"ladder": ["ghost"]}}}, id="on a ladder"),
        pytest.param({"tiers": {"low": {"of_role": {"ghost": 1}}}}, id="part of a quorum"),
        pytest.param({"actions": {"x": {"reversibility": "reversible", "role": "ghost"}}}, id="asked by an action"),
        pytest.param({"actions": {"x": {"reversibility": "reversible", "ladder": ["ghost"]}}}, id="an action's ladder"),
        pytest.param(
            {"actions": {"x": {"reversibility": "reversible", "tool": {"min_reviewer_role": "ghost"}}}}, id="by a tool"
        ),
    ],
)
def test_an_undefined_role_is_refused_wherever_it_is_named(says: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="there is no role 'ghost'; the roles are: reviewer, senior_reviewer"):
        policy(**says)


def test_a_role_covers_the_action_types_of_its_scopes_only() -> None:
    role = Role(scopes=("send_*", "read_data"))
    assert [role.covers(name) for name in ("send_email", "read_data", "delete_data")] == [True, True, False]


def test_a_policy_is_named_by_its_version_and_the_start_of_its_digest() -> None:
    assert policy(digest="sha256:" + "ab" * 32).full_version == "1+abababababab"


@pytest.mark.parametrize("value", ["", "a b", "x" * 51])
def test_a_policy_version_is_a_short_name(value: str) -> None:
    with pytest.raises(ValidationError):
        policy(version=value)


def test_two_policies_with_one_version_each_apply_by_their_own_text() -> None:
    one, other = policy(), policy(tiers={"medium": {"quorum": 3}})
    asked = [terms_for(either, "send_notice", RiskLevel.MEDIUM).quorum for either in (one, other, one)]
    assert (one.version, asked) == (other.version, [1, 3, 1])
