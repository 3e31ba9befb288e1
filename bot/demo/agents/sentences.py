"""Turns a status document into the sentences on an agent's panel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def describe(document: Mapping[str, Any]) -> str:
    """What the agent waits for; or the decision, by whom and with which words, and what it means."""
    if document["status"] == "pending":
        return _waiting(document)
    return f"{_decision_line(document)} {document['agent_message']}"


def _waiting(document: Mapping[str, Any]) -> str:
    level = _plain(document["level"])
    quorum = document["interrupt"]["quorum"]
    first_sentence, *_ = document["agent_message"].split(". ")
    votes = _votes(quorum) if quorum["needed"] > 1 else ""
    return f"Pending, {level}: {first_sentence[:1].lower()}{first_sentence[1:]}.{votes}"


def _votes(quorum: Mapping[str, Any]) -> str:
    have, needed = quorum["have"], quorum["needed"]
    of_role = quorum["of_role"].items()
    missing = [f"a {_plain(role)}" for role, part in of_role if part["have"] < part["needed"]]
    if missing and have >= needed:
        return f" {have} people have approved, and it still takes {' and '.join(missing)}."
    roles = f"; one of them must be {' and one '.join(missing)}" if missing else ""
    return f" {have} of {needed} people have approved{roles}."


def _decision_line(document: Mapping[str, Any]) -> str:
    status, decision = _plain(document["status"]).capitalize(), document["decision"]
    if not decision:
        return f"{status}."
    if status == "Consented":
        return "Nobody objected."
    people = " and ".join(reviewer["name"] for reviewer in decision["reviewers"]) or _plain(decision["basis"])
    words = next((decision[name] for name in ("instructions", "answer", "comment") if decision[name]), None)
    return f"{status} by {people}{f': “{words}”' if words else '.'}"


def _plain(word: str) -> str:
    return word.replace("_", " ")
