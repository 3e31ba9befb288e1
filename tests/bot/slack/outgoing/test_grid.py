"""Who counts as a member in an Enterprise Grid with many workspaces."""

from __future__ import annotations

from typing import Any

import pytest

from bot.slack.outgoing.people import person_of

OURS, ANOTHER = "T1", "T2"


@pytest.mark.parametrize(
    ("fields", "enterprise_id", "is_stranger"),
    [
        pytest.param({"team_id": OURS}, None, False, id="of our workspace"),
        pytest.param({"team_id": ANOTHER}, None, True, id="of another workspace"),
        pytest.param(
            {"team_id": ANOTHER, "enterprise_user": {"enterprise_id": "E1"}}, "E1", False, id="of our company"
        ),
        pytest.param(
            {"team_id": ANOTHER, "enterprise_user": {"enterprise_id": "E2"}}, "E1", True, id="of another company"
        ),
        pytest.param(
            {"team_id": ANOTHER, "enterprise_user": {"enterprise_id": "E2"}}, None, True, id="we in no company"
        ),
        pytest.param(
            {"team_id": ANOTHER, "enterprise_user": {}}, "E1", True, id="of a company that Slack does not name"
        ),
        pytest.param({"team_id": OURS, "is_stranger": True}, None, True, id="by Slack's own word"),
    ],
)
def test_a_person_of_another_company_is_a_stranger(
    fields: dict[str, Any], enterprise_id: str | None, is_stranger: bool
) -> None:
    assert person_of({"id": "USOME", **fields}, OURS, enterprise_id).is_stranger is is_stranger
