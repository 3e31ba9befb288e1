"""What a verb can ask of the person who gives it. Which verb asks for what stands in its row (`rules.verbs.table`)."""

from __future__ import annotations

from enum import Enum


class Standard(Enum):
    """What a verb asks of a person, beside an active identity."""

    PROCEED = "role, scope, authority and independence"
    STOP = "role, or being the requester or the owner"
    ROUTE = "role and scope"
    TAKE_OVER = "role, scope and authority"
    PARTY = "being the requester or the owner"
    ADMIN = "being an admin of the policy"
    OWN_RULE = "what the verb's own rule checks"
