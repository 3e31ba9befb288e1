"""What an agent makes of a status document: the sentences that stand on its panel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def heard(told: Mapping[str, Any]) -> str:
    """What is waited for; or what was decided, by whom and with which words, and what to make of it."""
    if told["status"] == "pending":
        return _waiting(told)
    return f"{_decided(told)} {told['agent_message']}"


def _waiting(told: Mapping[str, Any]) -> str:
    level, rule = _plain(told["level"]), told["why"][0]["rule"]
    role, quorum = _plain(told["interrupt"]["required_role"]), told["interrupt"]["quorum"]
    return f"Pending, {level} ({rule}): waits for a {role}.{_votes(quorum) if quorum['needed'] > 1 else ''}"


def _votes(quorum: Mapping[str, Any]) -> str:
    have, needed = quorum["have"], quorum["needed"]
    of_role = quorum["of_role"].items()
    missing = [f"a {_plain(role)}" for role, part in of_role if part["have"] < part["needed"]]
    if missing and have >= needed:
        return f" {have} people have approved, and it still takes {' and '.join(missing)}."
    roles = f"; one of them must be {' and one '.join(missing)}" if missing else ""
    return f" {have} of {needed} people have approved{roles}."


def _decided(told: Mapping[str, Any]) -> str:
    status, decision = _plain(told["status"]).capitalize(), told["decision"]
    if not decision:
        return f"{status}."
    people = " and ".join(seat["name"] for seat in decision["reviewers"]) or _plain(decision["basis"])
    words = next((decision[name] for name in ("instructions", "answer", "comment") if decision[name]), None)
    return f"{status} by {people}{f': “{words}”' if words else '.'}"


def _plain(word: str) -> str:
    return word.replace("_", " ")
