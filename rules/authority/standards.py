"""What each verb asks of the person who gives it: every verb that a person may give stands here exactly once.

A verb that is left out, or entered twice, keeps this module from being imported: a missing entry can never mean
that a verb asks for nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from enum import Enum

from rules.state.commands import Command, HumanDecisionCommand, PersonCommand, Verb


class Standard(Enum):
    """What a verb asks of a person, beside an active identity."""

    PROCEED = "role, scope, authority and independence"
    STOP = "role, or being the requester or the owner"
    ROUTE = "role and scope"
    TAKE_OVER = "role, scope and authority"
    PARTY = "being the requester or the owner"
    ADMIN = "being an admin of the policy"
    OWN_RULE = "what the verb's own rule checks"


Groups = Mapping[Standard, tuple[Verb, ...]]

GROUPS: Groups = {
    Standard.PROCEED: (
        Verb.APPROVE,
        Verb.APPROVE_WITH_EDITS,
        Verb.OVERRIDE,
        Verb.ANSWER,
        Verb.EXTEND,
        Verb.JUDGE,
    ),
    Standard.STOP: (
        Verb.REJECT,
        Verb.OBJECT,
        Verb.REVOKE,
    ),
    Standard.ROUTE: (
        Verb.REVISE,
        Verb.REQUEST_MORE_EVIDENCE,
        Verb.ESCALATE,
        Verb.DEFER,
        Verb.RECUSE,
        Verb.CLAIM_TASK,
        Verb.COMMENT,
        Verb.WAKE,
    ),
    Standard.TAKE_OVER: (Verb.TAKE_OVER,),
    Standard.PARTY: (Verb.WITHDRAW,),
    Standard.ADMIN: (Verb.ASSIGN,),
    Standard.OWN_RULE: (
        Verb.HAND_BACK,  # who took over, an admin, or where nobody did, who could have
        Verb.OPEN_DETAILS,  # anyone known: it changes only what is recorded of their own reading
        Verb.OPEN_FORM,  # likewise
    ),
}


def concrete(*bases: type[Command]) -> set[type[Command]]:
    """Every command class below these that has a verb."""
    found: set[type[Command]] = set()
    for base in bases:
        found |= {base} if hasattr(base, "verb") else set()
        found |= concrete(*base.__subclasses__())
    return found


def standards_of(groups: Groups, needed: Iterable[type[Command]]) -> dict[Verb, Standard]:
    """The standard of each verb, or an error that names the verbs that are missing, entered twice or misplaced."""
    needed = tuple(needed)
    entries = Counter(verb for verbs in groups.values() for verb in verbs)
    wanted = {command.verb for command in needed}
    decisions = {command.verb for command in needed if issubclass(command, HumanDecisionCommand)}
    faults = {
        "no standard": wanted - set(entries),
        "more than one standard": {verb for verb, count in entries.items() if count > 1},
        "a standard that no person needs": set(entries) - wanted,
        "a decision without a standard of its own": decisions.intersection(groups.get(Standard.OWN_RULE, ())),
    }
    found = [f"{fault}: {', '.join(sorted(verbs))}" for fault, verbs in faults.items() if verbs]
    if found:
        raise TypeError(f"the table of standards is wrong; {'; '.join(found)}")
    return {verb: standard for standard, verbs in groups.items() for verb in verbs}


STANDARDS = standards_of(GROUPS, concrete(HumanDecisionCommand, PersonCommand))
