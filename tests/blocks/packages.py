"""Hostile packages and packages of maximum size, for everything that shows an agent's words."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from rules.package.model import DecisionPackage
from tests.rules.world import package

LURES = (
    "<!channel> <@URITA> <!subteam^S1|@boss> ",
    "<https://evil.example|https://bank.example> ",
    "*Risk:* low\n*Approved by* Senta Koch\n",
    "\n\n> Countersign checked: all is well\n",
    ":white_check_mark: ",
    "```\ncode\n``` `tick` ",
    "\u202eesrever\u202c \u200b\u2060\u00ad ",
    "&amp; & < > ",
    "\n" * 500,
    "é中文🙂 \u0301\ufe0f ",
    "x" * 300,
)

_visible = st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff")
texts = st.lists(st.sampled_from(LURES) | st.text(_visible, max_size=20), max_size=5).map(
    lambda text: "ZQX" + "".join(text)
)
numbers = st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(-1e15, 1e15, allow_nan=False)
values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)
objects = st.dictionaries(texts, values, max_size=4)


def _few(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    return st.lists(strategy, max_size=4)


def _cut(limit: int) -> st.SearchStrategy[str]:
    return texts.map(lambda text: text[:limit])


_evidence = st.fixed_dictionaries(
    {"id": _cut(200), "title": _cut(2000)},
    optional={"excerpt": _cut(2000), "url": st.just("https://evil.example/?q=bank.example")},
)
_dissent = st.fixed_dictionaries({"by": _cut(200), "position": _cut(2000), "reason": _cut(2000)})
_takeover = st.fixed_dictionaries(
    {"summary": texts, "stopping_reason": _cut(2000)},
    optional={
        "work_completed": _few(_cut(2000)),
        "current_state": objects | texts,
        "next_steps": _few(_cut(2000)),
    },
)
hostile: st.SearchStrategy[DecisionPackage] = st.fixed_dictionaries(
    {
        "title": _cut(150),
        "proposed_action": _cut(2000),
        "rationale": texts,
        "action_parameters": objects,
        "risk_level": st.sampled_from(["medium", "high", "critical"]),
    },
    optional={
        "evidence_refs": st.lists(_evidence, min_size=1, max_size=4),
        "known_uncertainties": st.lists(_cut(2000), min_size=1, max_size=4),
        "alternatives": _few(_cut(2000)),
        "dissent": _few(_dissent),
        "material_change": _cut(2000),
        "consequence": _cut(2000),
        "downstream_impact": _cut(2000),
        "rollback_plan": texts,
        "subject_type": _cut(200),
        "subject_id": _cut(200),
        "subject_url": st.just("https://user.example.evil.example/a(b)"),
        "metadata": objects,
        "takeover": _takeover,
    },
).map(lambda text: package(**text))

_WIDE = "🙂 <@U1> *x* " * 1000


def largest() -> DecisionPackage:
    """More than 200 KB, in every large field."""
    return package(
        title="T" * 150,
        risk_level="high",
        proposed_action="P" * 2000,
        rationale="word " * 1599,
        action_parameters={"body": "B" * 60_000, "lines": [f"line {number}\n" for number in range(2000)]},
        side_effect_preview={f"effect {number}": "e" * 90 for number in range(200)},
        metadata={"echo": {f"name {number}": [number, None, True] for number in range(500)}},
        consequence="C" * 2000,
        rollback_plan="R" * 8000,
        known_uncertainties=["U" * 2000] * 10,
        alternatives=["A " * 999] * 10,
        evidence_refs=[
            {"id": f"doc_{number}", "title": "E" * 500, "excerpt": "X" * 2000, "url": f"https://e.example/{number}"}
            for number in range(20)
        ],
        takeover={"summary": _WIDE[:8000], "stopping_reason": _WIDE[:2000], "next_steps": [_WIDE[:2000]] * 50},
    )
