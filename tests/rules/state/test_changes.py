"""`StateChanges` has all fields of the state except those that never change."""

from __future__ import annotations

from typing import get_type_hints

from rules.record import replay
from rules.state.changes import StateChanges
from rules.state.model import PackageState

BY_HANDOFF = {"agent_id", "owner"}
NEVER = {*replay.PACKAGES.fixed} - BY_HANDOFF | {"requester", "subject_digest", "run_id", "thread_id", "policy_version"}
BY_EVERY_EVENT = {"revision", "updated_at"}


def test_state_changes_name_each_field_that_may_change_and_no_other() -> None:
    assert set(get_type_hints(StateChanges)) == set(PackageState.model_fields) - NEVER - BY_EVERY_EVENT


def test_state_changes_and_the_state_agree_on_the_type_of_each_field() -> None:
    of_state = get_type_hints(PackageState)  # without the metadata of `Annotated`
    of_changes = get_type_hints(StateChanges)
    assert of_changes == {name: of_state[name] for name in of_changes}
