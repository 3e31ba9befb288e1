"""`Standard`: what a verb can require of a person. The standard of each verb is in its row (`rules.verbs.table`)."""

from __future__ import annotations

from enum import Enum


class Standard(Enum):
    """What a verb requires of a person, besides an active identity."""

    PROCEED = "role, scope, authority and independence"
    STOP = "role, or being the requester or the owner"
    ROUTE = "role and scope"
    TAKE_OVER = "role, scope and authority"
    PARTY = "being the requester or the owner"
    ADMIN = "being an admin of the policy"
    OWN_RULE = "what the verb's own rule checks"
