"""The policy that a command uses: the one in force or, if the database cannot be read, the one in the file."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy.exc import DBAPIError

from bot.cli.common.command_error import CommandError
from bot.cli.common.faults import first_line
from bot.cli.common.session import database
from bot.settings import Settings
from rules.policy.model import Policy
from rules.policy.parse import read_policy
from store.commands.policies import active_digest
from store.installation.policy_texts import UnreadablePolicyError, load_policy


class EffectivePolicy(NamedTuple):
    """`source` says for the operator where the policy is from and, if from the file, why."""

    policy: Policy
    source: str


def effective_policy(settings: Settings) -> EffectivePolicy:
    try:
        with database(settings) as engine, engine.connect() as connection:
            return EffectivePolicy(load_policy(connection, active_digest(connection)), "in force")
    except (CommandError, UnreadablePolicyError) as fault:
        reason = str(fault)
    except DBAPIError as fault:
        reason = f"the database: {first_line(str(fault.orig))}"
    return EffectivePolicy(read_policy(settings.policy.read_bytes()), f"from the file {settings.policy}; {reason}")
