"""The policy.toml of the product writes out every setting with its default."""

from __future__ import annotations

import re
import tomllib
from typing import Any

import pytest
from pydantic import BaseModel

from rules.policy.model import Policy
from rules.policy.parse import read_policy
from tests.rules.policy.test_parse import LEAST, OURS


def ours() -> dict[str, Any]:
    return tomllib.loads(OURS.read_text())


_WITHOUT_DEFAULT = {"version", "digest", "roles", "actions"}


@pytest.mark.parametrize("section", sorted(set(Policy.model_fields) - _WITHOUT_DEFAULT))
def test_our_policy_writes_out_the_defaults(section: str) -> None:
    assert getattr(read_policy(OURS.read_bytes()), section) == getattr(read_policy(LEAST), section)


def spelled_out(model: BaseModel | dict[str, BaseModel], written: dict[str, Any]) -> bool:
    """Whether every setting that has a value is written, in this table and in those below it."""
    given_values = {name: value for name, value in dict(model).items() if value is not None}
    tables = {name: value for name, value in given_values.items() if isinstance(value, BaseModel)}
    return written.keys() == given_values.keys() and all(
        spelled_out(table, written[name]) for name, table in tables.items()
    )


@pytest.mark.parametrize("section", sorted(set(Policy.model_fields) - _WITHOUT_DEFAULT - {"admins", "visibility"}))
def test_our_policy_writes_out_every_setting(section: str) -> None:
    assert spelled_out(getattr(read_policy(LEAST), section), ours()[section])


def test_our_policys_commented_examples_are_valid() -> None:
    examples = re.sub(r'(?m)^#(?=["a-z])', "", OURS.read_text())
    parsed = read_policy(examples)
    assert None not in (
        parsed.channels.default,
        parsed.channels.fallback,
        parsed.channels.admins,
        parsed.retention.content,
    )
    assert None not in (parsed.roles["reviewer"].channel, parsed.roles["reviewer"].hours, parsed.action("crm.note"))


def test_our_policys_roles_include_one_another_up_to_the_director() -> None:
    parsed = read_policy(OURS.read_bytes())
    assert (
        parsed.roles_implied_by("director")
        == parsed.roles.keys()
        == {"reviewer", "senior_reviewer", "supervisor", "director"}
    )
    assert all(role.members == role.groups == () for role in parsed.roles.values())


def test_our_policys_highly_irreversible_actions_are_those_with_a_required_reviewer_role() -> None:
    actions = read_policy(OURS.read_bytes()).actions
    grave = {name for name, action in actions.items() if action.reversibility == "irreversible_high"}
    assert grave == {name for name, action in actions.items() if action.tool and action.tool.min_reviewer_role}
    assert {"delete_data", "deploy_to_prod", "execute_payment", "send_mass_email"} <= grave
