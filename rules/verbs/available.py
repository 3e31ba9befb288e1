"""Which verbs a package offers to people: a card shows these and no others.

Whether the person who clicks may give the verb is checked by `rules.verbs.decide`, and only there.
"""

from __future__ import annotations

from rules.package.model import DECISION_NAMES
from rules.state.commands import Verb
from rules.state.model import PackageState
from rules.verbs.spec import VerbSpec
from rules.verbs.table import SPEC_OF_VERB


def offered_verbs(state: PackageState) -> tuple[Verb, ...]:
    """Every verb that a person with the right authority could give this package now."""
    return tuple(verb for verb, spec in SPEC_OF_VERB.items() if accepts_verb(state, verb) and _is_offered(state, spec))


def accepts_verb(state: PackageState, verb: Verb) -> bool:
    """Whether the verb is accepted in this status, by anyone."""
    return state.status in SPEC_OF_VERB[verb].taken_in


def _is_offered(state: PackageState, spec: VerbSpec) -> bool:
    return spec.offered is not None and _agent_allows(state, spec.verb) and spec.offered(state)


def _agent_allows(state: PackageState, verb: Verb) -> bool:
    allowed = state.allowed_decisions
    return allowed is None or verb is Verb.OBJECT or verb.value not in DECISION_NAMES or verb.value in allowed
