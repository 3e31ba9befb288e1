"""Builds status documents from the states of packages and their content."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection

from rules.people.directory import Roster
from rules.reasons import Reason
from rules.record.status_document import Document, status_document
from rules.state.model import PackageState
from rules.state.transition import Words
from store.packages.content import load_words

# An agent must not act if the approved content cannot be read.
_WITHHELD = {"may_proceed": False, "agent_message": Reason.CONTENT_UNREADABLE.sentence}


def build_documents(
    connection: Connection,
    states: list[PackageState],
    roster: Roster,
    now: datetime,
    known: Mapping[str, Words] | None = None,
) -> list[Document]:
    """Load the content of all states with one query, except for the content in `known`."""
    if not states:
        return []
    loaded = known or {}
    events = {
        event for state in states for event in (state.version_event_id, _decision_event_id(state))
    } - loaded.keys()
    words = {**loaded, **load_words(connection, states[0].tenant_id, *events)}
    return [_document(state, words, roster, now) for state in states]


def document_words(connection: Connection, state: PackageState) -> dict[str, Words]:
    """The content that the document of one package needs, by event; empty if it cannot be read."""
    events = (state.version_event_id, _decision_event_id(state))
    words = load_words(connection, state.tenant_id, *dict.fromkeys(events))
    return {event: words.get(event, {}) for event in events}


def _decision_event_id(state: PackageState) -> str:
    return state.decision.event_id if state.decision else state.version_event_id


def _document(state: PackageState, words: dict[str, Words], roster: Roster, now: datetime) -> Document:
    content = words.get(state.version_event_id, {}).get("package")
    package = content if isinstance(content, dict) else None
    built = status_document(state, package, words.get(_decision_event_id(state)), roster, now)
    return built | _WITHHELD if package is None and built["may_proceed"] else built
