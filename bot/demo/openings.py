"""Where a visitor can act now: by the service's own rules, who may decide what waits, and where its card is."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from bot.demo.workspace import MEMBERS
from rules.state.sightings import CardLocation
from store.agents.agent_admin import list_agents
from store.installation.installation import Installation
from store.outbox.cards import posted_cards
from store.packages.queue import list_offered

MAX_OPEN = 100  # open packages per person


class Opening(NamedTuple):
    people: tuple[str, ...]  # who may decide; after an escalation, those to whom it went
    card: CardLocation


def find_openings(connection: Connection, installation: Installation, now: datetime) -> Mapping[str, Opening]:
    """By the agent's name: what waits for a person, if it has a card."""
    able, names = _able_people(connection, installation, now), _names(connection, now)
    cards = posted_cards(connection, installation.tenant_id, [package for _, package in able])
    return {
        names[agent]: Opening(tuple(people), min(cards[package]))
        for (agent, package), people in able.items()
        if cards[package]
    }


def _names(connection: Connection, now: datetime) -> dict[str, str]:
    return {agent.agent_id: agent.name for agent in list_agents(connection, now)}


def _able_people(connection: Connection, installation: Installation, now: datetime) -> dict[tuple[str, str], list[str]]:
    """By agent and package."""
    able: dict[tuple[str, str], list[str]] = {}
    roster, tenant = installation.roster(connection), installation.tenant_id
    for user in MEMBERS:
        for state in list_offered(connection, tenant, roster, user, now, limit=MAX_OPEN).items:
            if state.task.rung == 0 or state.task.required_role in roster.roles_of(user):
                able.setdefault((state.agent_id, state.decision_package_id), []).append(user)
    return able
