"""Status documents, made from the states of packages and the words that belong to them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection

from rules.people.directory import Roster
from rules.reasons import Reason, sentence_of
from rules.record.status_document import Document, status_document
from rules.state.model import PackageState
from rules.state.transition import Words
from store.packages.content import load_words

# Nobody may act on what cannot be read as it was approved.
_WITHHELD = {"may_proceed": False, "agent_message": sentence_of(Reason.CONTENT_UNREADABLE)}


def build_documents(
    connection: Connection,
    states: list[PackageState],
    roster: Roster,
    now: datetime,
    known: Mapping[str, Words] | None = None,
) -> list[Document]:
    """One query for the words of all of them, as far as they are not known already."""
    if not states:
        return []
    at_hand = known or {}
    events = {event for state in states for event in (state.version_event_id, _made_in(state))} - at_hand.keys()
    words = {**at_hand, **load_words(connection, states[0].tenant_id, *events)}
    return [_document(state, words, roster, now) for state in states]


def document_words(connection: Connection, state: PackageState) -> dict[str, Words]:
    """The words that the document of one package holds, by event; nothing where there are none to be read."""
    events = (state.version_event_id, _made_in(state))
    words = load_words(connection, state.tenant_id, *dict.fromkeys(events))
    return {event: words.get(event, {}) for event in events}


def _made_in(state: PackageState) -> str:
    return state.decision.event_id if state.decision else state.version_event_id


def _document(state: PackageState, words: dict[str, Words], roster: Roster, now: datetime) -> Document:
    content = words.get(state.version_event_id, {}).get("package")
    package = content if isinstance(content, dict) else None
    made = status_document(state, package, words.get(_made_in(state)), roster, now)
    return made | _WITHHELD if package is None and made["may_proceed"] else made
