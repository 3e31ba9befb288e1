"""What an exception to a rule allows, in words of the service; on the card, in forms, in Details and in lists."""

from __future__ import annotations

from collections.abc import Mapping

from blocks.kit.elements import Run, bold, code, moment, paragraph
from blocks.kit.frame import Parts
from blocks.kit.text import cut, one_line
from blocks.words.dossier import Dossier
from blocks.words.sentences import NAME, agent_name, join_names
from rules.package.exceptions import PolicyException
from rules.package.model import DecisionPackage
from rules.state.model import PackageState

RULE_WORDS: Mapping[str, str] = {
    "risk-low": "what low risk requires",
    "risk-medium": "what medium risk requires",
    "reversible": "what a reversible action requires",
    "partially-reversible": "what a partly reversible action requires",
    "irreversible-low": "what an irreversible action of low impact requires",
    "confidence": "what a low confidence requires",
    "matrix-reversible": "the confidence that a reversible action needs",
    "matrix-irreversible": "the confidence that an irreversible action needs",
    "cost": "any amount, in any currency",
    "floor": "the least that your policy requires for the type",
    "kind-action": "what an action requires",
    "kind-tool_call": "what a tool call requires",
    "kind-output": "what an output requires",
    "kind-plan": "what a plan requires",
    "kind-memory": "what a memory requires",
}
UNTOUCHED = "All other rules stay. High and critical risk and irreversible actions of high impact still need approval."


def allowance(dossier: Dossier) -> Parts:
    """What the exception would let through, or lets through; nothing for other packages."""
    exception = dossier.state.exception
    if exception is None:
        return ()
    return (paragraph(*allowance_runs(dossier.state, exception, _agents(dossier, exception))), paragraph(UNTOUCHED))


def allowance_runs(state: PackageState, exception: PolicyException, agents: str) -> list[Run]:
    about = "on the subject named here" if state.subject_digest else "on any subject"
    types: list[Run] = [run for action_type in exception.action_types for run in (", ", code(action_type))][1:]
    rule = RULE_WORDS.get(exception.rule, exception.rule)
    return [
        *("Until ", moment(exception.end), ", ", bold(agents), " may do ", *types),
        f" {about} without the rule ",
        code(exception.rule),
        f" ({rule}).",
    ]


def _agents(dossier: Dossier, exception: PolicyException) -> str:
    """The asking agent, or all that the package names. The service has found each of these names."""
    if exception.agents == (dossier.state.agent_id,):
        return agent_name(dossier)
    return join_names(named_agents(dossier.package) or exception.agents)


def named_agents(package: DecisionPackage | None) -> list[str]:
    parameters = (package.action_parameters if package else None) or {}
    return [cut(one_line(str(name)), NAME) for name in parameters.get("agents") or ()]
