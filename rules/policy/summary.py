"""The summary and the warnings that `countersign policy check` prints for a valid policy."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import wrap
from typing import NamedTuple

from rules.policy.actions import Action
from rules.policy.model import Policy
from rules.policy.roles import Role
from rules.policy.tiers import OnTimeout, Tier
from rules.scales import HITLLevel, Reversibility, RiskLevel
from rules.values import write_duration

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
    """The same as sections of lines. The first line of a longer section is its heading."""
    spans = ", ".join(f"{name} {write_duration(span)}" for name, span in policy.windows)
    soft = f"on; {policy.soft.sample:.0%} of silent approvals are reviewed afterwards"
    off = "off: a person must approve instead"
    return [
        [Line(f"Policy {policy.full_version}")],
        [Line(f"Soft approval is {soft if policy.soft.enabled else off}.")],
        *([Line(f"Warning: {warning}")] for warning in warnings(policy)),
        [Line("What each risk level requires"), *(_tier(risk, policy.tiers.of(risk)) for risk in RiskLevel)],
        [Line("Actions (unlisted types count as irreversible_high)"), *_catalogue(policy)],
        [Line("Who holds each role"), *_holders(policy)],
        [Line("Windows"), Line(spans, 2)],
    ]


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
    HITLLevel.HARD_APPROVAL: "nothing happens until it is approved",
    HITLLevel.HUMAN_TAKEOVER: "a person takes over the work",
}


def _tier(risk: RiskLevel, tier: Tier) -> Line:
    parts = [f"{count} of them as {role}" for role, count in tier.of_role.items()]
    people = "1 person" if tier.quorum == 1 else f"{tier.quorum} people"
    before = " and ".join(write_duration(span) for span in tier.reminders)
    who = ", ".join([f"{people} as {tier.role}", *parts])
    asked = "If someone is asked, it needs" if tier.level <= HITLLevel.NOTIFY_ONLY else "It needs"
    text = f"{risk}: {tier.level}, {_MEANING[tier.level]}. {asked} {who}."
    if tier.level < HITLLevel.HARD_APPROVAL:
        text += f" Soft approval waits {write_duration(tier.soft_timeout)}."
    text += f" Hard approval waits {write_duration(tier.hard_timeout)}{_hours_text(tier)}, then {_timeout_text(tier)}."
    text += f" Reminders {before} before the end." if before else " No reminders."
    return Line(f"{text} Unused approvals expire after {write_duration(tier.approval_expiry)}.", 2)


def _hours_text(tier: Tier) -> str:
    return " of its role's working hours" if tier.timeout_in_working_hours else ""


def _timeout_text(tier: Tier) -> str:
    match tier.on_timeout:
        case OnTimeout.ESCALATE:
            return f"{_climb_text(tier)}it expires, which denies it"
        case OnTimeout.CANCEL:
            return "it is cancelled"
        case OnTimeout.DEFER:
            return f"it is deferred for {write_duration(tier.defer_for)}, at most twice"
        case OnTimeout.AUTO_REJECT:
            return "it expires, which denies it"


def _climb_text(tier: Tier) -> str:
    if not tier.ladder:
        return ""
    kept = ", and earlier roles may still decide" if tier.ladder_keeps else ""
    return f"it climbs to {', then '.join(tier.ladder)}{kept}; at the top "


def _catalogue(policy: Policy) -> Iterator[Line]:
    for kind in Reversibility:
        listed = {name: action for name, action in policy.actions.items() if action.reversibility is kind}
        width = min(max(map(len, listed), default=0), 30)
        yield Line(f"{kind}: at least {policy.reversibility.of(kind)}", 2)
        for name, action in listed.items():
            yield Line(f"{name:<{width}}  {action.risk:<8}  {_requirements(action)}".rstrip(), 4)


def _requirements(action: Action) -> str:
    own = [f"{name} {getattr(action, name)}" for name in ("floor", "role", "channel", "look") if getattr(action, name)]
    tool = [f"tool {action.tool.min_reviewer_role}"] if action.tool and action.tool.min_reviewer_role else []
    return ", ".join([*own, *tool, *action.data_classes])


def _role(name: str, role: Role) -> Line:
    parts = [f"{name}: {_names(role.members + role.groups)}", f"up to {role.max_risk} risk"]
    parts += [f"also acts as {', '.join(role.includes)}"] if role.includes else []
    parts += [f"only for {', '.join(role.scopes)}"] if role.scopes != ("*",) else []
    parts += [f"at work {role.hours.start:%H:%M} to {role.hours.end:%H:%M} {role.hours.timezone}"] if role.hours else []
    return Line("; ".join(parts), 2)
