"""The statuses of a package as a Mermaid diagram, generated from the table of verbs."""

from __future__ import annotations

from collections.abc import Iterator

from rules.state.commands import Verb
from rules.state.model import Status
from rules.verbs.table import SPEC_OF_VERB

# A verb that is accepted in all statuses of a group is drawn once, from the group.
GROUPS: dict[str, tuple[Status, ...]] = {
    "open": tuple(status for status in Status if not status.terminal),
    "granted": SPEC_OF_VERB[Verb.REVOKE].taken_in,
}
BEGINNINGS = (Status.PENDING, Status.APPROVED)  # waiting for a person, or settled at once if the policy needs none

Edge = tuple[str, Status, str]


def mermaid_diagram() -> str:
    """The diagram: statuses, and the verbs that lead from one to another."""
    frames = [f"    state {name} {{\n{_members(members)}\n    }}" for name, members in GROUPS.items()]
    arrows = [
        f"    {source} --> {target} : {', '.join(verbs)}" for (source, target), verbs in _verbs_of_arrows().items()
    ]
    return "\n".join(["stateDiagram-v2", *frames, *arrows])


def verbs_without_transition() -> tuple[Verb, ...]:
    """The verbs that never change the status."""
    return tuple(verb for verb, row in SPEC_OF_VERB.items() if row.rule and not row.leads_to)


def _members(members: tuple[Status, ...]) -> str:
    return "\n".join(f"        {status}" for status in members)


def _verbs_of_arrows() -> dict[tuple[str, Status], list[str]]:
    bundles: dict[tuple[str, Status], list[str]] = {}
    for source, target, verb in _edges():
        bundles.setdefault((source, target), []).append(verb)
    return bundles


def _edges() -> Iterator[Edge]:
    for status in BEGINNINGS:
        yield "[*]", status, Verb.SUBMIT
    for verb, row in SPEC_OF_VERB.items():
        for target in row.leads_to:
            yield from ((source, target, verb) for source in _sources(row.leads_from, target))


def _sources(accepted: tuple[Status, ...], target: Status) -> Iterator[str]:
    rest = [status for status in accepted if status is not target]
    for name, members in GROUPS.items():
        if target not in members and set(members) <= set(rest):
            yield name
            rest = [status for status in rest if status not in members]
    yield from rest
