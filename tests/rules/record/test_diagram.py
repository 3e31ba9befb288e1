"""The diagram in docs/life.md is generated from the table of verbs."""

from __future__ import annotations

from docs.generate import LIFE, regenerate
from rules.record.diagram import mermaid_diagram, verbs_without_transition
from rules.state.model import Status
from rules.verbs.table import SPEC_OF_VERB


def test_the_diagram_in_the_documents_is_current() -> None:
    text = LIFE.read_text()
    assert "```mermaid" in text
    assert regenerate(text) == text, "run: python -m docs.generate"


def test_every_status_can_be_reached() -> None:
    targets = {line.split("-->")[1].split(":")[0].strip() for line in mermaid_diagram().splitlines() if "-->" in line}
    assert targets == {status.value for status in Status}


def test_every_verb_leads_somewhere_or_is_listed_as_staying() -> None:
    drawn = {
        verb.strip()
        for line in mermaid_diagram().splitlines()
        if "-->" in line
        for verb in line.split(" : ")[1].split(",")
    }
    standing = {verb for verb, row in SPEC_OF_VERB.items() if row.rule and set(row.taken_in) == set(row.leads_to)}
    assert drawn | set(verbs_without_transition()) | standing == set(SPEC_OF_VERB)


def test_only_revoked_permissions_leave_a_terminal_status() -> None:
    ends = {f"{status}" for status in Status if status.terminal}
    leaving = [
        line.strip() for line in mermaid_diagram().splitlines() if line.split("-->")[0].strip() in {*ends, "granted"}
    ]
    assert [line for line in leaving if "-->" in line] == [
        "granted --> revoked : revoke, revoke_with_handoff, revoke_with_thread"
    ]
