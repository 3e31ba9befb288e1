"""By which policy a command answers: the one in force, or the file's where nothing can be read from the database."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy.exc import DBAPIError

from bot.cli.common.faults import CommandError, first_line
from bot.cli.common.session import database, policy_of
from bot.settings import Settings
from rules.policy.model import Policy
from store.commands.policies import in_force
from store.installation.policy_texts import UnreadablePolicyError, kept_policy


class Ruling(NamedTuple):
    policy: Policy
    source: str


def ruling(settings: Settings) -> Ruling:
    try:
        with database(settings) as engine, engine.connect() as connection:
            return Ruling(kept_policy(connection, in_force(connection)), "in force")
    except (CommandError, UnreadablePolicyError) as fault:
        why = str(fault)
    except DBAPIError as fault:
        why = f"the database: {first_line(str(fault.orig))}"
    return Ruling(policy_of(settings), f"from the file {settings.policy}; {why}")
