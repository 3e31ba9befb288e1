"""Who gets a mail about a package, and why. Nobody without authority or standing does."""

from __future__ import annotations

from typing import Any

import pytest

from rules.authority.mailing import mail_obstacle, mail_reasons, tellings_after, tellings_of
from rules.mail.reasons import MailReason
from rules.people.directory import Directory, Roster
from rules.state.agent_commands import NewVersion
from rules.state.commands import AskRollback, ClaimTask, Comment, Defer, Escalate, Recuse, Reject, Revise, TakeOver
from rules.state.model import PackageState
from rules.state.service_commands import LoseTrack
from tests.rules.world import (
    AGENT,
    CRITICAL,
    DORA,
    HARD,
    HOUR,
    NOW,
    OWEN,
    POLICY,
    RITA,
    ROSS,
    SAUL,
    SENTA,
    SILA,
    SUSI,
    SVEN,
    TAKEOVER,
    after,
    approved_state,
    ask,
    claimed_state,
    people,
    policy,
    reported_state,
    submitted_state,
)

SUPERVISORS = (SAUL, SILA, SUSI)


def roster(**changes: dict[str, Any]) -> Roster:
    return Roster(POLICY, Directory(people=people(**changes), as_of=NOW))


def told_after(before: PackageState | None, now: PackageState, **changes: dict[str, Any]) -> dict[str, list[str]]:
    """The people by reason."""
    people_by_reason: dict[str, list[str]] = {}
    for telling in tellings_after(before, now, roster(**changes), NOW):
        people_by_reason.setdefault(telling.reason.value, []).append(telling.user_id)
    return people_by_reason


def obstacle(state: PackageState, reason: MailReason, user: str, *, away: bool = True, **changes: Any) -> str | None:
    return mail_obstacle(state, reason, user, roster(**changes), NOW, slack_is_away=away)


@pytest.mark.parametrize(
    ("package", "receivers"),
    [
        pytest.param(HARD, {}, id="high risk is shown in Slack alone"),
        pytest.param(TAKEOVER, {"takeover": [RITA, ROSS]}, id="a takeover"),
        pytest.param(CRITICAL, {"critical": list(SUPERVISORS)}, id="critical"),
    ],
)
def test_a_new_package_is_mailed_if_it_is_grave(package: Any, receivers: dict[str, list[str]]) -> None:
    assert told_after(None, submitted_state(package)) == receivers


def test_the_last_rung_is_mailed_and_no_rung_before() -> None:
    first = submitted_state(HARD)
    second = after(first, ask(Escalate, first), by=SENTA)
    third = after(second, ask(Escalate, second), by=SUSI)
    assert [told_after(first, second), told_after(second, third)] == [{}, {"last_rung": [DORA]}]


def test_a_package_that_comes_back_from_a_deferral_says_so_again_to_nobody_new() -> None:
    state = submitted_state(CRITICAL)
    assert told_after(state, after(state, ask(Comment, state), by=SUSI)) == {}


def test_a_takeover_that_goes_to_the_next_role_is_mailed_to_those_who_are_newly_asked() -> None:
    first = submitted_state(TAKEOVER)
    second = after(first, ask(Escalate, first), by=RITA)
    assert told_after(first, second) == {"takeover": [SENTA, SVEN]}


def test_a_critical_package_that_comes_back_as_a_new_version_is_mailed_again() -> None:
    first = submitted_state(CRITICAL)
    sent_back = after(first, ask(Revise, first), by=SUSI)
    second = after(sent_back, ask(NewVersion, sent_back, package=CRITICAL), by=AGENT.actor)
    assert told_after(sent_back, second) == {"critical": list(SUPERVISORS)}
    assert {telling.occasion for telling in tellings_after(sent_back, second, roster(), NOW)} == {2}


@pytest.mark.parametrize("outcome", ["failed", "rolled_back"])
def test_a_failure_is_mailed_to_those_who_approved_and_to_the_owner(outcome: str) -> None:
    claimed = claimed_state(approved_state())
    assert told_after(claimed, reported_state(claimed, outcome)) == {"failed": [SENTA, OWEN]}


def test_a_success_is_mailed_to_nobody() -> None:
    claimed = claimed_state(approved_state())
    assert told_after(claimed, reported_state(claimed)) == {}


def test_an_outcome_that_is_not_reported_is_mailed_and_a_late_report_of_a_failure_too() -> None:
    claimed = claimed_state(approved_state())
    unknown = after(claimed, ask(LoseTrack, claimed), now=NOW + 2 * HOUR)
    failed = reported_state(unknown, "failed")
    assert told_after(claimed, unknown) == {"unknown": [SENTA, OWEN]}
    assert told_after(unknown, failed) == {"failed": [SENTA, OWEN]}


def test_a_rollback_that_people_asked_for_is_no_news() -> None:
    failed = reported_state(claimed_state(approved_state()), "failed")
    asked = after(failed, ask(AskRollback, failed), by=SENTA)
    assert told_after(asked, reported_state(asked, "rolled_back")) == {}


def test_two_failures_of_two_attempts_are_two_occasions() -> None:
    claimed = claimed_state(approved_state())
    failed = reported_state(claimed, "failed")
    again = failed.model_copy(update={"execution": failed.execution.model_copy(update={"earlier_claims": ("clm_0",)})})
    occasions = [tellings_of(state, MailReason.FAILED, roster(), NOW)[0].occasion for state in (failed, again)]
    assert occasions == [1, 2]


# ---- never without authority or standing


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"active": False}, id="deactivated"),
        pytest.param({"is_guest": True}, id="a guest"),
        pytest.param({"is_stranger": True}, id="a stranger"),
        pytest.param({"is_bot": True}, id="a bot"),
        pytest.param({"email": None}, id="without an address"),
        pytest.param({"away_until": NOW + HOUR}, id="away"),
    ],
)
def test_a_person_who_cannot_act_gets_no_mail(changes: dict[str, Any]) -> None:
    assert told_after(None, submitted_state(TAKEOVER), URITA=changes) == {"takeover": [ROSS]}


def test_people_who_may_not_decide_on_this_package_get_no_mail() -> None:
    """Sila asked for it, and Saul stepped aside. Two people are needed, and Susi alone holds the asked role."""
    state = submitted_state(CRITICAL.model_copy(update={"requested_by": SILA}))
    state = after(state, ask(Recuse, state), by=SAUL)
    assert [telling.user_id for telling in tellings_of(state, MailReason.CRITICAL, roster(), NOW)] == [DORA, SUSI]


def test_if_nobody_of_the_asked_role_could_decide_others_who_may_act_in_it_are_told() -> None:
    gone = {user: {"active": False} for user in (RITA, ROSS)}
    assert told_after(None, submitted_state(TAKEOVER), **gone) == {
        "takeover": sorted([SENTA, SVEN, *SUPERVISORS, DORA])
    }


def test_if_no_holder_of_the_asked_role_has_an_address_others_who_could_take_over_are_told() -> None:
    unreached = {user: {"email": None} for user in (RITA, ROSS)}
    assert told_after(None, submitted_state(TAKEOVER), **unreached) == {
        "takeover": sorted([SENTA, SVEN, *SUPERVISORS, DORA])
    }


def test_if_the_holders_who_want_mails_are_too_few_others_who_could_decide_are_told_too() -> None:
    state = submitted_state(CRITICAL)
    asked = {telling.user_id for telling in tellings_of(state, MailReason.CRITICAL, roster(), NOW, {SUSI, SAUL})}
    assert asked == {SILA, DORA}


def test_nobody_can_turn_off_mails_about_takeovers() -> None:
    everybody = people()
    tellings = tellings_of(submitted_state(TAKEOVER), MailReason.TAKEOVER, roster(), NOW, everybody)
    assert [telling.user_id for telling in tellings] == [RITA, ROSS]


def test_if_the_person_who_took_the_task_wants_no_mail_the_others_are_told() -> None:
    state = submitted_state(HARD)
    state = after(state, ask(ClaimTask, state), by=SVEN)
    asked = [telling.user_id for telling in tellings_of(state, MailReason.WAITING, roster(), NOW, {SVEN})]
    obstacles = [
        mail_obstacle(state, MailReason.WAITING, SENTA, roster(), NOW, slack_is_away=True, quiet=quiet)
        for quiet in ({SVEN}, ())
    ]
    assert (asked, obstacles) == ([SENTA], [None, "someone else has taken it"])


def test_the_person_who_took_the_task_is_told_alone_if_one_is_enough() -> None:
    state = submitted_state(HARD)
    state = after(state, ask(ClaimTask, state), by=SVEN)
    assert [telling.user_id for telling in tellings_of(state, MailReason.WAITING, roster(), NOW)] == [SVEN]


def test_an_approver_who_lost_the_role_is_not_told_of_a_failure() -> None:
    failed = reported_state(claimed_state(approved_state()), "failed")
    without = Roster(policy(roles={"senior_reviewer": {"members": [SVEN]}}), Directory(people=people(), as_of=NOW))
    assert [telling.user_id for telling in tellings_of(failed, MailReason.FAILED, without, NOW)] == [OWEN]


# ---- asked again before a mail is sent


def test_while_everything_is_as_it_was_nothing_is_in_the_way() -> None:
    assert obstacle(submitted_state(TAKEOVER), MailReason.TAKEOVER, RITA) is None
    assert obstacle(submitted_state(HARD), MailReason.WAITING, SENTA) is None


@pytest.mark.parametrize("verb", [Reject, TakeOver, Defer])
def test_what_somebody_acted_on_is_not_told_any_more(verb: Any) -> None:
    state = submitted_state(TAKEOVER)
    moved = after(state, ask(verb, state), by=RITA)
    assert obstacle(moved, MailReason.TAKEOVER, ROSS) == "it no longer waits for this: someone acted meanwhile"


def test_what_waits_is_not_told_if_slack_is_back() -> None:
    state = submitted_state(HARD)
    assert obstacle(state, MailReason.WAITING, SENTA, away=False) == "Slack can be reached again"


def test_a_person_without_the_role_is_not_told() -> None:
    state = submitted_state(TAKEOVER)
    assert obstacle(state, MailReason.TAKEOVER, RITA, URITA={"active": False}) == (
        "this person can no longer act on it"
    )


def test_a_package_that_nobody_has_to_be_told_of_has_no_reasons() -> None:
    claimed = claimed_state(approved_state(), agent=AGENT)
    assert [mail_reasons(state) for state in (submitted_state(HARD), claimed, reported_state(claimed))] == [(), (), ()]
