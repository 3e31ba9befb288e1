"""The commands that only agents give, one class for each verb. Agents withdraw packages by the command of people."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from rules.package.model import DecisionPackage
from rules.state.commands import Command, FreeText, Id, Verb


class Say(Command):
    """A message to the people who read the package. `in_reply_to` is the id of a message that the agent can read."""

    verb = Verb.SAY
    text: FreeText
    in_reply_to: Id | None = None


class NewVersion(Command):
    verb = Verb.NEW_VERSION
    expected_package_version: int = Field(ge=1)
    package: DecisionPackage


class ClaimExecution(Command):
    verb = Verb.CLAIM_EXECUTION
    claim_id: Id
    action_digest: str


class ReportExecution(Command):
    verb = Verb.REPORT_EXECUTION
    claim_id: Id
    outcome: Literal["succeeded", "failed", "rolled_back"]
    detail: FreeText | None = None
