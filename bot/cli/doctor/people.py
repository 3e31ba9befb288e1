"""Compares the people and user groups of the policy with those in Slack.

It reads all people and the policy's groups from Slack, and judges them by the service's own rule (`identify`). So the
service refuses as reviewers exactly those whom this check reports.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterator, Mapping

from bot.cli.common.session import now
from bot.cli.doctor.answers import answer_or_error
from bot.cli.doctor.findings import MISSING_SCOPE, Finding
from bot.slack.outgoing.client import SlackClient
from rules.authority.authorization import identify
from rules.people.directory import Directory, Person, Roster
from rules.policy.model import Policy
from rules.reasons import Reason, Refusal

_REFUSALS: Mapping[Reason, tuple[str, str]] = {
    Reason.UNKNOWN_PERSON: ("Slack has no user with this id", "correct it in the policy; their profile shows it"),
    Reason.DEACTIVATED: ("their account is closed", "take them out of the policy"),
    Reason.A_BOT: ("it is a bot, and bots cannot decide", "take it out of the policy"),
    Reason.A_STRANGER: ("they are of another workspace", "take them out of the policy"),
    Reason.A_GUEST: ("they are a guest", "take them out of the policy, or put them into `guests` of [directory]"),
}
_UNKNOWN_GROUP = "no_such_subteam"


async def people_findings(
    slack: SlackClient, policy: Policy, roles: Collection[str], *, mailed: bool
) -> AsyncIterator[Finding]:
    """`mailed`: whether mails are on, so that people need addresses."""
    people = await answer_or_error(slack.all_people())
    if isinstance(people, str):
        yield _unreadable_people(people)
        return
    groups = {group: await answer_or_error(slack.group(group)) for group in sorted(policy.groups)}
    for group, members in groups.items():
        yield _group(group, members)
    readable = {group: members for group, members in groups.items() if not isinstance(members, str)}
    directory = Directory(people={person.user_id: person for person in people}, groups=readable, as_of=now())
    roster = Roster(policy, directory)
    addresses = _addresses(roster) if mailed else ()
    for finding in (*_people(roster), *addresses, *_outsiders(roster), *_roles(roster, roles)):
        yield finding


def _unreadable_people(error: str) -> Finding:
    if error == "missing_scope":
        return Finding("people and roles", unseen=MISSING_SCOPE)
    return Finding("people", f"Slack does not list them ({error})", "see that the app may call users.list")


def _group(group: str, members: frozenset[str] | str) -> Finding:
    subject = f"user group {group}"
    if not isinstance(members, str):
        return Finding(f"{subject}, of {len(members)}")
    if members == "missing_scope":
        return Finding(subject, unseen=MISSING_SCOPE)
    if members == _UNKNOWN_GROUP:
        return Finding(subject, f"Slack has no enabled group with this id ({members})", "correct it in the policy")
    fix = "name people as `members` in the policy instead: user groups belong to Slack's paid plans"
    return Finding(subject, f"Slack does not show it ({members})", fix)


def _people(roster: Roster) -> Iterator[Finding]:
    """Report each person who may not decide, and the number of those who may."""
    policy, moment = roster.policy, now()
    listed = [policy.admins, policy.directory.guests, *(role.members for role in policy.roles.values())]
    users = dict.fromkeys(user for members in listed for user in members)
    identities = {user: identify(roster, user, moment) for user in users}
    for user, identity in identities.items():
        if isinstance(identity, Refusal):
            yield Finding(f"person {user}", *_REFUSALS[identity.reason])
    active = sum(isinstance(identity, Person) for identity in identities.values())
    yield Finding(f"people, {active} of whom are known and active")


def _addresses(roster: Roster) -> Iterator[Finding]:
    """Report people who can never be told by mail."""
    people = (roster.person(user) for user in sorted(roster.reviewers.union(roster.policy.admins)))
    without_address = [person.user_id for person in people if person and person.active and not person.email]
    if without_address:
        fix = "let their profiles in Slack have one, and the app the scope users:read.email"
        yield Finding(
            "e-mail addresses", f"Slack shows none of {', '.join(without_address)}, so they get no mails", fix
        )


def _outsiders(roster: Roster) -> Iterator[Finding]:
    for domain in roster.policy.directory.outsiders:
        if domain in roster.domains:
            fix = "take it out of `outsiders` of [directory]: name people of that domain by their own address"
            yield Finding(f"outsiders {domain}", "members have addresses in this domain, so it counts for nothing", fix)


def _roles(roster: Roster, roles: Collection[str]) -> Iterator[Finding]:
    for role in roles:
        able = [user for user in roster.users_acting_as(role) if isinstance(identify(roster, user, now()), Person)]
        if able:
            yield Finding(f"role {role}, in which {len(able)} could decide")
        elif _has_unread_group(roster, role):
            yield Finding(f"role {role}", unseen="a user group that gives it could not be read")
        else:
            fix = f"put an active member into `members` or `groups` of [roles.{role}], or of a role that includes it"
            yield Finding(f"role {role}", "nobody who holds it could decide", fix)


def _has_unread_group(roster: Roster, role: str) -> bool:
    policy = roster.policy
    groups = {
        group for name in policy.roles if role in policy.roles_implied_by(name) for group in policy.roles[name].groups
    }
    return not groups <= roster.directory.groups.keys()
