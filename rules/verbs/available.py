"""What a package can still be given by people: what is not offered here is on no card.

Whether the person who looks at it may do it is asked at the click, by `rules.verbs.decide`, and there alone.
"""

from __future__ import annotations

from rules.package.model import DECISION_NAMES
from rules.state.commands import Verb
from rules.state.model import PackageState
from rules.verbs.spec import VerbSpec
from rules.verbs.table import SPEC_OF_VERB


def offered_verbs(state: PackageState) -> tuple[Verb, ...]:
    """Every verb that somebody with the right authority could give this package now."""
    return tuple(verb for verb, row in SPEC_OF_VERB.items() if accepts_verb(state, verb) and _is_offered(state, row))


def accepts_verb(state: PackageState, verb: Verb) -> bool:
    """Whether a package in this status takes this verb at all."""
    return state.status in SPEC_OF_VERB[verb].taken_in


def _is_offered(state: PackageState, row: VerbSpec) -> bool:
    return row.offered is not None and _allowed(state, row.verb) and row.offered(state)


def _allowed(state: PackageState, verb: Verb) -> bool:
    allowed = state.allowed_decisions
    return allowed is None or verb is Verb.OBJECT or verb.value not in DECISION_NAMES or verb.value in allowed
