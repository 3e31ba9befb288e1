"""The summary and the warnings that `countersign policy check` prints for a valid policy.

`/reviews policy` draws the same sections, `policy apply` compares the summaries of two policies line by line, and the
service logs the warnings at its start. So each fact has its own line, and its wording is stable.
"""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import wrap
from typing import NamedTuple

from rules.policy.actions import Action
from rules.policy.model import Policy
from rules.policy.roles import Role
from rules.policy.tiers import OnTimeout, Tier
from rules.scales import HITLLevel, Reversibility, RiskLevel
from rules.wording import humanize, spell_duration, with_article

FILL_ROLES = "Put Slack ids into `members` or `groups` of each role"
NOBODY_ALERTED = "nobody is told if Slack refuses calls"
NAME_ADMINS = "Put Slack ids into `admins`, or a channel's id into `admins` of [channels]"


class Line(NamedTuple):
    text: str
    indent: int = 0


def summary(policy: Policy) -> str:
    """The policy in prose, at most 80 columns wide."""
    return "\n\n".join("\n".join(map(_wrap_line, section)) for section in summary_sections(policy))


def summary_sections(policy: Policy) -> list[list[Line]]:
    """The summary as sections of lines. The first line of a section with several lines is its heading."""
    soft = f"on; {policy.soft.sample:.0%} of silent approvals are reviewed afterwards"
    off = "off: a person must approve instead"
    return [
        [Line(f"Policy {policy.full_version}")],
        [Line(f"Soft approval is {soft if policy.soft.enabled else off}.")],
        *([Line(f"Warning: {warning}")] for warning in warnings(policy)),
        [Line("What each risk level requires"), *(_tier(risk, policy.tiers.of(risk)) for risk in RiskLevel)],
        [Line("Actions (others count as irreversible, high impact)"), *_catalogue(policy)],
        [Line("Who holds each role"), *_holders(policy)],
        [Line("Time limits"), *(Line(text.format(_windows(policy)[name]), 2) for name, text in _WINDOWS.items())],
        *(
            [[Line("Reports may name reviewers. Each reading of such a report is recorded.")]]
            if policy.oversight.names
            else []
        ),
    ]


_WINDOWS = {
    "rejection": "A rejected action is refused for {}.",
    "same_digest": "The same action, asked for again within {}, needs at least as much approval as before.",
    "agent_answer": "An agent has {} to answer a reviewer.",
    "outcome": "An agent has {} to report an outcome.",
    "defer_at_most": "A package can be deferred for at most {}.",
    "key_overlap": "After a rotation, an agent's old key works for {}.",
}


def _windows(policy: Policy) -> dict[str, str]:
    return {name: spell_duration(span) for name, span in policy.windows}


def _holders(policy: Policy) -> Iterator[Line]:
    yield from (_role(name, role) for name, role in policy.roles.items())
    yield Line(f"admins: {_names(policy.admins)}", 2)


def warnings(policy: Policy) -> list[str]:
    """What the policy leaves out although the service needs it. The service starts anyway and logs these."""
    sentences = []
    if roles := ", ".join(policy.unheld_roles):
        sentences.append(f"nobody holds these roles, so packages that need them are refused: {roles}. {FILL_ROLES}")
    if not policy.alert_recipients:
        sentences.append(f"{NOBODY_ALERTED}. {NAME_ADMINS}")
    return sentences


def _wrap_line(line: Line) -> str:
    indent = " " * line.indent
    following = indent + "  "
    return "\n".join(wrap(line.text, 80, initial_indent=indent, subsequent_indent=following, break_on_hyphens=False))


def _names(names: tuple[str, ...]) -> str:
    return ", ".join(names) or "nobody yet"


_MEANING = {
    HITLLevel.FULL_AUTO: "nobody is asked unless another rule says so",
    HITLLevel.NOTIFY_ONLY: "people are told, and asked only if another rule says so",
    HITLLevel.SOFT_APPROVAL: "approved if nobody objects in time; after an objection someone must approve",
    HITLLevel.HARD_APPROVAL: "someone must approve",
    HITLLevel.HUMAN_TAKEOVER: "a person takes over the work",
}
_MINIMUM = {
    HITLLevel.FULL_AUTO: "no approval by itself",
    HITLLevel.NOTIFY_ONLY: "at least a notice",
    HITLLevel.SOFT_APPROVAL: "at least a chance to object",
    HITLLevel.HARD_APPROVAL: "at least approval",
    HITLLevel.HUMAN_TAKEOVER: "a takeover",
}
_REVERSIBILITY = {
    Reversibility.REVERSIBLE: "Reversible",
    Reversibility.PARTIALLY_REVERSIBLE: "Partly reversible",
    Reversibility.IRREVERSIBLE_LOW: "Irreversible, low impact",
    Reversibility.IRREVERSIBLE_HIGH: "Irreversible, high impact",
}


def _tier(risk: RiskLevel, tier: Tier) -> Line:
    needs = "If someone is asked, it needs" if tier.level <= HITLLevel.NOTIFY_ONLY else "It needs"
    text = f"{risk.value.capitalize()}: {_MEANING[tier.level]}. {needs} {_people(tier)}."
    if tier.level < HITLLevel.HARD_APPROVAL:
        text += f" There are {spell_duration(tier.soft_timeout)} to object."
    text += f" {_timeout_text(tier)}"
    before = " and ".join(map(spell_duration, tier.reminders))
    text += f" Reminders come {before} before the end." if before else " There are no reminders."
    return Line(f"{text} Unused approvals expire after {spell_duration(tier.approval_expiry)}.", 2)


def _people(tier: Tier) -> str:
    people = with_article(tier.role) if tier.quorum == 1 else f"{tier.quorum} people who are {humanize(tier.role)}"
    return ", ".join([people, *(f"{count} of them {humanize(role)}" for role, count in tier.of_role.items())])


def _timeout_text(tier: Tier) -> str:
    hours = " of their working hours" if tier.timeout_in_working_hours else ""
    first = f"They have {spell_duration(tier.hard_timeout)}{hours}"
    match tier.on_timeout:
        case OnTimeout.ESCALATE if tier.ladder:
            earlier_roles = "; earlier roles may still decide" if tier.ladder_keeps else ""
            climb = ", then ".join(map(with_article, tier.ladder))
            return f"{first}, then {climb} is asked{earlier_roles}. If nobody decides, it expires, which denies it."
        case OnTimeout.CANCEL:
            return f"{first}, then it is cancelled."
        case OnTimeout.DEFER:
            return f"{first}, then it is deferred for {spell_duration(tier.defer_for)}, at most twice."
        case _:
            return f"{first}, then it expires, which denies it."


def _catalogue(policy: Policy) -> Iterator[Line]:
    for kind in Reversibility:
        listed = {name: action for name, action in policy.actions.items() if action.reversibility is kind}
        width = min(max(map(len, listed), default=0), 30)
        yield Line(f"{_REVERSIBILITY[kind]}: {_MINIMUM[policy.reversibility.of(kind)]}", 2)
        for name, action in listed.items():
            yield Line(f"{name:<{width}}  {f'{action.risk} risk':<13}  {_requirements(action)}".rstrip(), 4)


def _requirements(action: Action) -> str:
    tool = action.tool.min_reviewer_role if action.tool else None
    own = [
        _MINIMUM[action.floor] if action.floor else "",
        f"asks {with_article(action.role)}" if action.role else "",
        f"in {action.channel}" if action.channel else "",
        f"shown as {with_article(action.look)}" if action.look else "",
        f"by {with_article(tool)} or above" if tool else "",
    ]
    return ", ".join([*filter(None, own), *(f"{name} data" for name in action.data_classes)])


def _role(name: str, role: Role) -> Line:
    parts = [f"{humanize(name)}: {_names(role.members + role.groups)}", f"up to {role.max_risk} risk"]
    parts += [f"also acts as {', '.join(map(humanize, role.includes))}"] if role.includes else []
    parts += [f"only for {', '.join(role.scopes)}"] if role.scopes != ("*",) else []
    parts += [f"at work {role.hours.start:%H:%M} to {role.hours.end:%H:%M} {role.hours.timezone}"] if role.hours else []
    return Line("; ".join(parts), 2)
