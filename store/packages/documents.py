"""Builds status documents from the states of packages and their content.

Routes, long polls and callbacks all get their documents here, with one query for the content of many packages. If
approved content was changed in the database, the document says that the agent must not act.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from rules.people.directory import Roster
from rules.reasons import Reason
from rules.record.status_document import Document, Message, message_document, status_document
from rules.state.model import PackageState
from rules.state.transition import Words
from store.installation.installation import Installation
from store.packages.content import load_words
from store.packages.messages import list_messages, newest_messages
from store.packages.packages import load_own_package

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
    events = {event for state in states for event in _events_with_words(state)} - loaded.keys()
    words = {**loaded, **load_words(connection, states[0].tenant_id, *events)}
    return [_document(state, words, _messages(connection, state, loaded), roster, now) for state in states]


class MessageDocuments(NamedTuple):
    """A page of messages, and the revision after which the next page begins, if there is one."""

    messages: list[Document]
    following: int | None


def message_documents(
    connection: Connection, installation: Installation, package_id: str, agent_id: str, *, limit: int, after: int | None
) -> MessageDocuments | None:
    """The messages of an agent's own package, oldest first."""
    state = load_own_package(connection, installation.tenant_id, package_id, agent_id)
    if state is None:
        return None
    page = list_messages(connection, state.tenant_id, package_id, limit=limit, after=after)
    roster = installation.roster(connection)
    return MessageDocuments([message_document(sent, roster) for sent in page.messages], page.following)


def _messages(connection: Connection, state: PackageState, known: Mapping[str, Words]) -> list[Message]:
    if not state.message_count:
        return []
    return newest_messages(connection, state.tenant_id, state.decision_package_id, known)


def document_words(connection: Connection, state: PackageState) -> dict[str, Words]:
    """The content that the document of one package needs, by event; empty if it cannot be read."""
    events = (state.version_event_id, _decision_event_id(state))
    words = load_words(connection, state.tenant_id, *dict.fromkeys(events))
    return {event: words.get(event, {}) for event in events}


def _events_with_words(state: PackageState) -> tuple[str, ...]:
    own = (state.version_event_id, _decision_event_id(state))
    return (*own, state.recovery.event_id) if state.recovery else own


def _decision_event_id(state: PackageState) -> str:
    return state.decision.event_id if state.decision else state.version_event_id


def _document(
    state: PackageState, words: dict[str, Words], messages: list[Message], roster: Roster, now: datetime
) -> Document:
    content = words.get(state.version_event_id, {}).get("package")
    package = content if isinstance(content, dict) else None
    built = status_document(
        state,
        package,
        words.get(_decision_event_id(state)),
        roster,
        now,
        messages=messages,
        recovery_words=words.get(state.recovery.event_id) if state.recovery else None,
    )
    return built | _WITHHELD if package is None and built["may_proceed"] else built
