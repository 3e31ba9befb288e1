"""Where a visitor can act now: who may decide, by the service's own rules, and on which card."""

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


class OpenDecision(NamedTuple):
    people: tuple[str, ...]  # user ids of those who may decide; after an escalation, of those to whom it went
    card: CardLocation


def find_open_decisions(
    connection: Connection, installation: Installation, now: datetime
) -> Mapping[str, OpenDecision]:
    """The decision for which each agent waits, by the agent's name. Only packages with a card count."""
    deciders, names = _deciders(connection, installation, now), _agent_names(connection, now)
    cards = posted_cards(connection, installation.tenant_id, [package for _, package in deciders])
    return {
        names[agent]: OpenDecision(tuple(people), min(cards[package]))
        for (agent, package), people in deciders.items()
        if cards[package]
    }


def _agent_names(connection: Connection, now: datetime) -> dict[str, str]:
    return {agent.agent_id: agent.name for agent in list_agents(connection, now)}


def _deciders(connection: Connection, installation: Installation, now: datetime) -> dict[tuple[str, str], list[str]]:
    """The ids of those who may decide, by the ids of the agent and the package."""
    deciders: dict[tuple[str, str], list[str]] = {}
    roster, tenant = installation.roster(connection), installation.tenant_id
    for user in MEMBERS:
        for state in list_offered(connection, tenant, roster, user, now, limit=MAX_OPEN).items:
            if state.task.rung == 0 or state.task.required_role in roster.roles_of(user):
                deciders.setdefault((state.agent_id, state.decision_package_id), []).append(user)
    return deciders
