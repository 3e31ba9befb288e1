"""`countersign policy explain`: evaluates a package by the rules of its submission, without writing anything.

It calls `assess` and `terms_for`, as a submission does, for an agent without earned autonomy and with an unknown
owner. If the database or the directory cannot be used, it names the members and groups that the policy lists, and says
why. `policy apply` uses `describe_quorum`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from textwrap import wrap
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from bot.cli.common.command_error import CommandError
from bot.cli.common.faults import first_line
from bot.cli.common.session import database
from bot.cli.common.text import WIDTH, plain
from bot.cli.policy.effective import effective_policy
from bot.settings import Settings
from rules.authority.authorization import Question, eligible_users
from rules.authority.parties import Parties, has_outsider, resolve_parties, unresolved_parties
from rules.package.completeness import missing_fields, must_be_complete
from rules.package.exceptions import excepted_types
from rules.package.model import DecisionPackage
from rules.people.directory import Directory, Roster
from rules.policy.model import Policy
from rules.policy.tiers import OnTimeout
from rules.reasons import Refusal
from rules.record.status_document import display_name
from rules.scales import HITLLevel
from rules.state.case import Background
from rules.state.level import Assessment, assess
from rules.state.model import Bar, Terms
from rules.state.terms import terms_for, terms_for_exception
from rules.values import write_duration
from store.agents import parties
from store.installation.installation import Installation, load_directory
from store.installation.tenancy import read_tenant_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A step of the escalation ladder: its role, and the people by name or, while unknown, as the policy lists them."""

    role: str
    people: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """`people_unknown` says why nobody can be named, `party_refusal` why a requester or delegate is refused."""

    package: DecisionPackage
    policy_version: str
    policy_source: str
    assessment: Assessment
    terms: Terms
    missing: tuple[str, ...]
    steps: tuple[Step, ...]
    people_unknown: str | None
    party_refusal: str | None = None

    @property
    def settled(self) -> bool:
        return self.assessment.level <= HITLLevel.NOTIFY_ONLY

    @property
    def refusal(self) -> str | None:
        """Why the package would be refused at submission, if so."""
        if self.missing and must_be_complete(self.assessment.risk):
            return f"at {self.assessment.risk} risk it would be refused without these: {', '.join(self.missing)}"
        if self.party_refusal:
            return f"it would be refused: {self.party_refusal}"
        if self.settled or self.people_unknown:
            return None
        return None if self.steps[0].people else f"it would be refused: nobody could decide it as {self.terms.role}"

    def document(self) -> dict[str, Any]:
        """For `--json`. The assessment and the terms have their own field names."""
        return {
            "policy_version": self.policy_version,
            "policy_source": self.policy_source,
            **self.assessment.model_dump(mode="json", exclude={"earlier_no"}),
            **self.terms.model_dump(mode="json"),
            "asked": [{"role": step.role, "people": list(step.people)} for step in self.steps],
            "people_unknown": self.people_unknown,
            "quality_gaps": list(self.missing),
            "refusal": self.refusal,
        }


def explain_package(package: DecisionPackage, settings: Settings, now: datetime) -> Explanation:
    """Evaluate the package for an agent without earned autonomy and with an unknown owner."""
    policy, source = effective_policy(settings)
    roster, user_of_party, unknown = _roster(settings, package, policy, now)
    package_parties = resolve_parties(package, "", roster, user_of_party)
    barred = package_parties.barred if isinstance(package_parties, Parties) else {}
    assessment = assess(
        package, Background(outsider=has_outsider(barred), clicks_provable=settings.can_prove_clicks), policy
    )
    excepted, risk = excepted_types(package), assessment.risk
    terms = terms_for_exception(policy, excepted, risk) if excepted else terms_for(policy, package.action_type, risk)

    def step(roles: tuple[str, ...]) -> Step:
        people = _eligible_people(_question(roles, package, assessment, barred), roster, now)
        return Step(role=" or ".join(roles), people=people or _listed_people(roles, policy, unknown))

    return Explanation(
        package=package,
        policy_version=policy.full_version,
        policy_source=source,
        assessment=assessment,
        terms=terms,
        missing=missing_fields(package, assessment.risk, policy),
        steps=tuple(map(step, _asked_roles(assessment, terms))),
        people_unknown=unknown,
        party_refusal=package_parties.sentence if isinstance(package_parties, Refusal) and unknown is None else None,
    )


def _asked_roles(assessment: Assessment, terms: Terms) -> Iterator[tuple[str, ...]]:
    """The roles of each step of the escalation ladder; none if no person is asked."""
    if assessment.level > HITLLevel.NOTIFY_ONLY:
        yield (terms.role, *terms.of_role)
        yield from ((role,) for role in terms.ladder)


def _roster(
    settings: Settings, package: DecisionPackage, policy: Policy, now: datetime
) -> tuple[Roster, Mapping[str, str], str | None]:
    """Return the people whom the database knows, the known addresses, and why nobody could decide, if so."""
    try:
        with database(settings) as engine, engine.connect() as connection:
            roster, user_of_party = _read_roster(connection, package, policy)
    except CommandError as fault:
        return Roster(policy, Directory()), {}, str(fault)
    except DBAPIError as fault:
        return Roster(policy, Directory()), {}, f"the database: {first_line(str(fault.orig))}"
    as_of, most = roster.directory.as_of, write_duration(policy.directory.max_age)
    if as_of is None:
        return roster, user_of_party, "the directory of people was not filled yet; `countersign serve` does that"
    stale = f"the directory of people is older than {most}, so nobody could decide"
    return roster, user_of_party, None if roster.directory.is_fresh(policy, now) else stale


def _read_roster(connection: Connection, package: DecisionPackage, policy: Policy) -> tuple[Roster, Mapping[str, str]]:
    tenant_id = read_tenant_id(connection)
    status = Installation(tenant_id, policy).status(connection)
    roster = Roster(policy, load_directory(connection, status.directory_as_of))
    return roster, parties.resolve_parties(connection, tenant_id, unresolved_parties(package, roster))


def _question(
    roles: tuple[str, ...], package: DecisionPackage, assessment: Assessment, barred: dict[str, Bar]
) -> Question:
    return Question(
        tenant_id="",
        action_type=package.action_type,
        risk=assessment.risk,
        roles=roles,
        barred=barred,
        requester="",
        owner="",
        excepted=excepted_types(package),
    )


def _eligible_people(question: Question, roster: Roster, now: datetime) -> tuple[str, ...]:
    return tuple(f"{display_name(roster, user)} ({user})" for user in sorted(eligible_users(roster, question, now)))


def _listed_people(roles: tuple[str, ...], policy: Policy, unknown: str | None) -> tuple[str, ...]:
    """While nobody is known: members and groups that the policy gives one of these roles, directly or by inclusion."""
    if unknown is None:
        return ()
    sufficient = [role for name, role in policy.roles.items() if policy.roles_implied_by(name).intersection(roles)]
    return tuple(dict.fromkeys(name for role in sufficient for name in (*role.members, *role.groups)))


def render_explanation(explanation: Explanation) -> str:
    return "\n".join(line for paragraph in _paragraphs(explanation) for line in (*paragraph, "")).rstrip()


def _paragraphs(explanation: Explanation) -> Iterator[list[str]]:
    package, assessment = explanation.package, explanation.assessment
    yield [
        plain(package.title),
        f"{package.action_type} ({package.kind})",
        *_wrap(f"policy {explanation.policy_version}, {plain(explanation.policy_source)}", indent=""),
    ]
    by_agent = "" if assessment.risk is package.risk_level else f" (the agent says {package.risk_level})"
    reversibility = str(assessment.reversibility)
    look = {"look": str(explanation.terms.look)} if explanation.terms.look else {}
    yield _facts(level=str(assessment.level), risk=f"{assessment.risk}{by_agent}", reversibility=reversibility, **look)
    yield ["Why", *(line for why in assessment.why for line in _wrap(f"{why.rule}: {why.level}, {plain(why.because)}"))]
    yield ["Who is asked", *_who_is_asked(explanation)]
    if not explanation.settled:
        yield ["Time", *_times(explanation)]
    missing = ", ".join(explanation.missing)
    yield ["Quality", *_wrap(f"missing: {missing}" if missing else "nothing is missing")]
    if explanation.refusal:
        yield _wrap(explanation.refusal, indent="")


def _facts(**facts: str) -> list[str]:
    width = max(map(len, facts))
    return [f"{name:<{width}}  {fact}" for name, fact in facts.items()]


def _wrap(text: str, indent: str = "  ") -> list[str]:
    return wrap(text, WIDTH, initial_indent=indent, subsequent_indent=indent + "  ", break_on_hyphens=False)


def _who_is_asked(explanation: Explanation) -> Iterator[str]:
    if explanation.settled:
        yield "  nobody: it goes ahead" + (", and people are told" if explanation.assessment.level else "")
        return
    yield from _wrap(describe_quorum(explanation.terms))
    for number, step in enumerate(explanation.steps):
        when = "first" if number == 0 else "then"
        yield from _wrap(f"{when} {step.role}: {', '.join(map(plain, step.people)) or 'nobody'}")
    if reason := explanation.people_unknown:
        yield from _wrap(f"nobody is known by name yet: {reason}. What stands above is the policy's own list.")
    elif explanation.package.requested_by is None:
        yield from _wrap("the agent's owner stands as the requester, and cannot approve it")


def describe_quorum(terms: Terms) -> str:
    parts = [f"{count} of them as {role}" for role, count in terms.of_role.items()]
    people = "1 person" if terms.quorum == 1 else f"{terms.quorum} people"
    extras = [*(["a comment is required"] if terms.comment_required else [])]
    extras += ["Details must be opened first"] if terms.details_first else []
    return "; ".join([f"it takes {', '.join([f'{people} as {terms.role}', *parts])}", *extras])


_TIMEOUT_SENTENCES = {
    OnTimeout.CANCEL: "it is cancelled",
    OnTimeout.DEFER: "it is deferred, at most twice",
    OnTimeout.AUTO_REJECT: "it expires, which denies it",
}


def _timeout_sentence(terms: Terms) -> str:
    if terms.on_timeout is not OnTimeout.ESCALATE:
        return _TIMEOUT_SENTENCES[terms.on_timeout]
    kept = ", and earlier roles may still decide" if terms.ladder_keeps and terms.ladder else ""
    return f"it climbs the ladder{kept}; at its top it expires, which denies it"


def _times(explanation: Explanation) -> Iterator[str]:
    terms = explanation.terms
    if explanation.assessment.level is HITLLevel.SOFT_APPROVAL:
        yield from _wrap(f"silence consents after {write_duration(terms.soft_timeout)}")
    hours = " of its role's working hours" if terms.timeout_in_working_hours else ""
    yield from _wrap(f"it waits {write_duration(terms.hard_timeout)}{hours}, then {_timeout_sentence(terms)}")
    if terms.reminders:
        before = " and ".join(write_duration(span) for span in terms.reminders)
        yield from _wrap(f"people are reminded {before} before the end")
    yield from _wrap(f"unused approvals expire after {write_duration(terms.approval_expiry)}")
