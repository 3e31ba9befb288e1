"""The summary of a policy."""

from __future__ import annotations

import pytest

from rules.policy.parse import read_policy
from rules.policy.summary import summary
from rules.policy.tiers import OnTimeout
from tests.rules.policy.test_parse import LEAST, OURS


def test_the_summary_begins_with_the_policys_version() -> None:
    policy = read_policy(OURS.read_bytes())
    assert summary(policy).splitlines()[0] == f"Policy {policy.full_version}"


def test_the_summary_fits_a_terminal() -> None:
    assert max(map(len, summary(read_policy(OURS.read_bytes())).splitlines())) <= 80


def test_the_summary_fits_a_terminal_however_long_the_names() -> None:
    users = ", ".join(f'"U{number:019}"' for number in range(40))
    action = f'[actions.{"a" * 100}]\nreversibility = "reversible"\ndata_classes = ["{"b" * 50}", "{"c" * 50}"]'
    text = summary(read_policy(LEAST + f"[roles.{'r' * 50}]\nmembers = [{users}]\n{action}"))
    assert max(map(len, text.splitlines())) <= 80
    assert "U0000000000000000039" in text


def on_one_line(text: str) -> str:
    """The text on one line, because line breaks do not matter here."""
    return " ".join(summary(read_policy(text)).split())


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        pytest.param("", "Soft approval is on; 10% of silent approvals are reviewed afterwards.", id="soft"),
        pytest.param("[soft]\nenabled = false", "Soft approval is off: a person must approve instead.", id="soft off"),
        pytest.param("", "Low: nobody is asked unless another rule says so.", id="level"),
        pytest.param(
            "",
            "Critical: someone must approve. It needs 2 people who are senior reviewer, 1 of them supervisor.",
            id="quorum",
        ),
        pytest.param(
            "", "There are 5 minutes to object. They have 1 day, then a senior reviewer is asked", id="timeouts"
        ),
        pytest.param(
            "",
            "then a supervisor is asked; earlier roles may still decide. If nobody decides, it expires, which denies it.",
            id="ladder",
        ),
        pytest.param(
            "[tiers.high]\nladder_keeps = false",
            "then a supervisor is asked. If nobody decides, it expires, which denies it.",
            id="a ladder that keeps no earlier role",
        ),
        pytest.param("", "Reminders come 4 hours and 1 hour before the end.", id="reminders"),
        pytest.param("", "Unused approvals expire after 2 days.", id="expiry"),
        pytest.param("[tiers.low]\nladder = []", "They have 1 day, then it expires, which denies it.", id="no ladder"),
        pytest.param('[tiers.low]\non_timeout = "cancel"', "then it is cancelled.", id="cancel"),
        pytest.param('[tiers.low]\non_timeout = "defer"', "then it is deferred for 1 day, at most twice.", id="defer"),
        pytest.param('[tiers.low]\non_timeout = "auto_reject"', "then it expires, which denies it.", id="auto_reject"),
        pytest.param(
            '[actions."db.*"]\nreversibility = "irreversible_low"\nfloor = "hard_approval"\ndata_classes = ["pii"]',
            "Irreversible, low impact: at least a chance to object db.* low risk at least approval, pii data",
            id="an action",
        ),
        pytest.param(
            '[actions."mail.*"]\nreversibility = "reversible"\nlook = "email"',
            "mail.* low risk shown as an email",
            id="a look",
        ),
        pytest.param("", "reviewer: nobody yet; up to medium risk", id="a role that nobody holds"),
        pytest.param(
            '[roles.clerk]\nmembers = ["U012"]\ngroups = ["S012"]\nincludes = ["reviewer"]\nscopes = ["db.*"]\nhours = {}',
            "clerk: U012, S012; up to medium risk; also acts as reviewer; only for db.*; at work 09:00 to 17:00 UTC",
            id="a role in full",
        ),
        pytest.param(
            '[windows]\nrejection = "90m"',
            "Time limits A rejected action is refused for 1 hour 30 minutes.",
            id="windows",
        ),
    ],
)
def test_the_summary_describes_the_policy(more: str, sentence: str) -> None:
    assert sentence in on_one_line(LEAST + more)


@pytest.mark.parametrize("end", list(OnTimeout))
def test_the_summary_describes_every_timeout(end: OnTimeout) -> None:
    assert "They have 1 day, then " in on_one_line(LEAST + f'[tiers.low]\non_timeout = "{end}"')


def test_the_summary_has_no_wire_names() -> None:
    words = ("hard_approval", "soft_approval", "full_auto", "irreversible_high", "same_digest")
    assert [word for word in words if word in on_one_line(LEAST)] == []
