"""The summary and the warnings that `countersign policy check` prints for a valid policy."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import wrap

from rules.policy.actions import Action
from rules.policy.model import Policy
from rules.policy.roles import Role
from rules.policy.tiers import OnTimeout, Tier
from rules.scales import HITLLevel, Reversibility, RiskLevel
from rules.values import write_duration

FILL_ROLES = "Put Slack ids into `members` or `groups` of each role"
NOBODY_ALERTED = "if Slack refuses the service something, nobody is told"
NAME_ADMINS = "Put Slack ids into `admins`, or a channel's id into `admins` of [channels]"


def summary(policy: Policy) -> str:
    """The policy in prose, at most 80 columns wide."""
    tiers = [_tier(risk, policy.tiers.of(risk)) for risk in RiskLevel]
    roles = [_role(name, role) for name, role in policy.roles.items()]
    spans = [f"{name} {write_duration(span)}" for name, span in policy.windows]
    soft = f"on; {policy.soft.sample:.0%} of what silence let pass is judged afterwards"
    off = "off: what would be soft waits for a person"
    sections = [
        _wrap_line("", f"Policy {policy.full_version}"),
        _wrap_line("", f"Soft approval is {soft if policy.soft.enabled else off}."),
        *(_wrap_line("", f"Warning: {warning}") for warning in warnings(policy)),
        "\n".join(["What a risk level takes", *tiers]),
        "\n".join(["Actions (what is not listed counts as irreversible_high)", *_catalogue(policy)]),
        "\n".join(["Who holds each role", *roles, _wrap_line("  ", f"admins: {_names(policy.admins)}")]),
        "\n".join(["Windows", _wrap_line("  ", ", ".join(spans))]),
    ]
    return "\n\n".join(sections)


def warnings(policy: Policy) -> list[str]:
    """What the policy leaves out although the service needs it. The service starts anyway and logs these."""
    sentences = []
    if roles := ", ".join(policy.unheld_roles):
        sentences.append(f"nobody holds these roles, so packages that need them are refused: {roles}. {FILL_ROLES}")
    if not policy.alert_recipients:
        sentences.append(f"{NOBODY_ALERTED}. {NAME_ADMINS}")
    return sentences


def _wrap_line(indent: str, text: str) -> str:
    return "\n".join(wrap(text, 80, initial_indent=indent, subsequent_indent=indent + "  ", break_on_hyphens=False))


def _names(names: tuple[str, ...]) -> str:
    return ", ".join(names) or "nobody yet"


_MEANING = {
    HITLLevel.FULL_AUTO: "nobody is asked unless another rule says so",
    HITLLevel.NOTIFY_ONLY: "people are told, and asked only if another rule says so",
    HITLLevel.SOFT_APPROVAL: "silence consents, an objection makes it hard",
    HITLLevel.HARD_APPROVAL: "nothing happens until it is approved",
    HITLLevel.HUMAN_TAKEOVER: "a person takes the work over",
}


def _tier(risk: RiskLevel, tier: Tier) -> str:
    parts = [f"{count} of them as {role}" for role, count in tier.of_role.items()]
    people = "1 person" if tier.quorum == 1 else f"{tier.quorum} people"
    before = " and ".join(write_duration(span) for span in tier.reminders)
    text = f"{risk}: {tier.level}, {_MEANING[tier.level]}. It takes {', '.join([f'{people} as {tier.role}', *parts])}."
    if tier.level < HITLLevel.HARD_APPROVAL:
        text += f" Soft approval waits {write_duration(tier.soft_timeout)}."
    text += f" Hard approval waits {write_duration(tier.hard_timeout)}{_hours_text(tier)}, then {_timeout_text(tier)}."
    text += f" Reminders {before} before the end." if before else " No reminders."
    return _wrap_line("  ", f"{text} Unused approvals expire after {write_duration(tier.approval_expiry)}.")


def _hours_text(tier: Tier) -> str:
    return " of its role's working hours" if tier.timeout_in_working_hours else ""


def _timeout_text(tier: Tier) -> str:
    match tier.on_timeout:
        case OnTimeout.ESCALATE:
            climb = f"it climbs to {', then '.join(tier.ladder)}; at the top " if tier.ladder else ""
            return f"{climb}it expires, which denies it"
        case OnTimeout.CANCEL:
            return "it is cancelled"
        case OnTimeout.DEFER:
            return f"it is deferred for {write_duration(tier.defer_for)}, at most twice"
        case OnTimeout.AUTO_REJECT:
            return "it expires, which denies it"


def _catalogue(policy: Policy) -> Iterator[str]:
    for kind in Reversibility:
        listed = {name: action for name, action in policy.actions.items() if action.reversibility is kind}
        width = min(max(map(len, listed), default=0), 30)
        yield f"  {kind}: at least {policy.reversibility.of(kind)}"
        for name, action in listed.items():
            yield _wrap_line("    ", f"{name:<{width}}  {action.risk:<8}  {_requirements(action)}".rstrip())


def _requirements(action: Action) -> str:
    own = [f"{name} {getattr(action, name)}" for name in ("floor", "role", "channel") if getattr(action, name)]
    tool = [f"tool {action.tool.min_reviewer_role}"] if action.tool and action.tool.min_reviewer_role else []
    return ", ".join([*own, *tool, *action.data_classes])


def _role(name: str, role: Role) -> str:
    parts = [f"{name}: {_names(role.members + role.groups)}", f"up to {role.max_risk} risk"]
    parts += [f"also acts as {', '.join(role.includes)}"] if role.includes else []
    parts += [f"only for {', '.join(role.scopes)}"] if role.scopes != ("*",) else []
    parts += [f"at work {role.hours.start:%H:%M} to {role.hours.end:%H:%M} {role.hours.timezone}"] if role.hours else []
    return _wrap_line("  ", "; ".join(parts))
