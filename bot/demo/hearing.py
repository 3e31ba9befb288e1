"""What an agent makes of a status document: the sentence that stands on its panel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def heard(told: Mapping[str, Any]) -> str:
    """One sentence of what was decided, by whom, and with which words; and Countersign's own, of what to do now."""
    sentences = (_standing(told), _votes(told) if told["status"] == "pending" else "", told["agent_message"])
    return " ".join(filter(None, sentences))


def _standing(told: Mapping[str, Any]) -> str:
    status, decision = _plain(told["status"]).capitalize(), told["decision"]
    if told["status"] == "pending":
        why = told["why"][0]
        return f"Pending, {_plain(told['level'])} ({why['rule']}: {_plain(why['because'])})."
    if not decision:
        return f"{status}."
    people = " and ".join(seat["name"] for seat in decision["reviewers"])
    by = f" by {people}" if people else f" by {_plain(decision['basis'])}"
    words = next((decision[name] for name in ("instructions", "answer", "comment") if decision[name]), None)
    return f"{status}{by}{f': “{words}”' if words else '.'}"


def _votes(told: Mapping[str, Any]) -> str:
    """How many people it takes and how many have spoken, where it takes more than one."""
    quorum = told["interrupt"]["quorum"]
    if quorum["needed"] == 1:
        return ""
    roles = ", ".join(f"one of them a {_plain(role)}" for role in quorum["of_role"])
    return f"{quorum['have']} of {quorum['needed']} people have approved{f' ({roles})' if roles else ''}."


def _plain(word: str) -> str:
    return word.replace("_", " ")
