"""Parsing the text of a policy, and the faults that are reported."""

from __future__ import annotations

import json
import pickle
import re
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rules.policy import types
from rules.policy.model import Policy
from rules.policy.parse import Fault, PolicyError, read_policy
from rules.policy.summary import summary
from rules.policy.tiers import Tiers

OURS = Path(__file__).parents[3] / "policy.toml"
# The smallest valid policy. Tests append to it.
LEAST = 'version = "1"\n[roles]\nreviewer = {}\nsenior_reviewer = {}\nsupervisor = {}\n'


def faults(text: str | bytes) -> list[str]:
    with pytest.raises(PolicyError) as caught:
        read_policy(text)
    return [str(fault) for fault in caught.value.faults]


# Valid texts.


def test_a_minimal_policy_has_every_default() -> None:
    policy = read_policy(LEAST)
    assert (policy.version, policy.tiers, policy.actions) == ("1", Tiers(), {})


@pytest.mark.parametrize(
    "same",
    [
        pytest.param(LEAST + "# why\n", id="comment"),
        pytest.param(LEAST.replace("\n", "\r\n"), id="line ends"),
        pytest.param("\ufeff" + LEAST, id="byte order mark"),
        pytest.param(LEAST + '[windows]\nrejection = "1440m"', id="a default spelled out"),
    ],
)
def test_the_digest_depends_on_the_content_and_not_on_its_formatting(same: str) -> None:
    assert read_policy(same).digest == read_policy(LEAST).digest


def test_the_order_of_keys_and_tables_does_not_change_the_digest() -> None:
    windows, soft = '[windows]\nrejection = "1h"\noutcome = "2h"\n', "[soft]\nsample = 0.2\n"
    other = '[windows]\noutcome = "2h"\nrejection = "1h"\n'
    assert read_policy(LEAST + windows + soft).digest == read_policy(LEAST + soft + other).digest


def test_another_value_makes_another_digest() -> None:
    assert read_policy(LEAST + "[soft]\nsample = 0.2").digest != read_policy(LEAST).digest


def test_text_and_its_bytes_are_the_same_policy() -> None:
    assert read_policy(LEAST + "# für alle") == read_policy((LEAST + "# für alle").encode())


def test_a_partial_tier_in_the_file_keeps_the_rest_of_its_default() -> None:
    policy = read_policy(LEAST + "[tiers.high]\nquorum = 3")
    assert policy.tiers.high == Tiers().high.model_copy(update={"quorum": 3})


# Invalid texts.


@pytest.mark.parametrize(
    ("more", "line"),
    [
        pytest.param("[tiers.high]\nquorum = 0", "tiers.high.quorum = 0: must be at least 1", id="too few"),
        pytest.param("[tiers.high]\nquorum = 11", "tiers.high.quorum = 11: must be at most 10", id="too many"),
        pytest.param("[tiers.high]\nquorum = 1.5", "tiers.high.quorum = 1.5: must be a whole number", id="a half"),
        pytest.param(
            "[tiers.high]\nquorum = 0x" + "f" * 6000,
            "tiers.high.quorum = an enormous number: must be at most 10",
            id="more digits than Python prints",
        ),
        pytest.param(
            "[matrix]\nsoft_abov = 0.7",
            "matrix.soft_abov = 0.7: unknown key; did you mean irreversible_soft_above? allowed here: "
            "irreversible_soft_above, reversible_auto_above, sensitive, cost_over, failures, failure_window",
            id="an unknown key that resembles another",
        ),
        pytest.param(
            "[tiers.extreme]",
            "tiers.extreme: unknown key; allowed here: low, medium, high, critical",
            id="an unknown table that resembles none",
        ),
        pytest.param(
            '[actions.x]\nreversibility = "reversible"\ntool = { reviewer_role = "reviewer" }',
            'actions.x.tool.reviewer_role = "reviewer": unknown key; did you mean min_reviewer_role? allowed here: '
            "tool_name, effect_type, min_reviewer_role, approval_required",
            id="an unknown key deep inside",
        ),
        pytest.param(
            '[roles.clerk.hours]\nzone = "UTC"',
            'roles.clerk.hours.zone = "UTC": unknown key; did you mean timezone? allowed here: '
            "timezone, days, start, end, holidays",
            id="an unknown key in an optional table",
        ),
        pytest.param(
            '[autonomy]\nstart = "soft"',
            'autonomy.start = "soft": must be one of: '
            "full_auto, notify_only, soft_approval, hard_approval, human_takeover",
            id="an unknown level",
        ),
        pytest.param(
            '[tiers.high]\non_timeout = "approve"',
            'tiers.high.on_timeout = "approve": must be one of: escalate, cancel, defer, auto_reject',
            id="consent is no end of a hard approval",
        ),
        pytest.param(
            '[queue]\nassign = "push"', 'queue.assign = "push": must be one of: pull, balanced', id="a literal"
        ),
        pytest.param(
            '[tiers.low]\nsoft_timeout = "5 minutes"',
            'tiers.low.soft_timeout = "5 minutes": write a duration such as 90s, 5m, 24h, 7d or 1h30m',
            id="no duration",
        ),
        pytest.param(
            "[tiers.low]\nsoft_timeout = 300",
            "tiers.low.soft_timeout = 300: write a duration such as 90s, 5m, 24h, 7d or 1h30m",
            id="a bare number is no duration",
        ),
        pytest.param(
            '[windows]\noutcome = "0s"', 'windows.outcome = "0s": must be longer than nothing', id="no time at all"
        ),
        pytest.param(
            '[windows]\noutcome = "99999d"', 'windows.outcome = "99999d": must be at most 36500d', id="for ever"
        ),
        pytest.param('[soft]\nenabled = "maybe"', 'soft.enabled = "maybe": must be true or false', id="a bool"),
        pytest.param("[soft]\nsample = 2", "soft.sample = 2: must be at most 1", id="a share"),
        pytest.param('[soft]\nsample = "x"', 'soft.sample = "x": must be a number', id="no number"),
        pytest.param("[soft]\nsample = nan", "soft.sample = nan: must be at most 1", id="not a number"),
        pytest.param(
            "[matrix]\ncost_over = { EUR = inf }",
            "matrix.cost_over.EUR = inf: must be a finite number",
            id="an endless amount",
        ),
        pytest.param(
            "[matrix]\ncost_over = { euro = 1 }",
            "matrix.cost_over.euro: must be a currency in three capital letters such as EUR",
            id="a wrong key is named without its value",
        ),
        pytest.param(
            '[roles.clerk]\nmembers = ["@bob"]',
            'roles.clerk.members.0 = "@bob": must be the id of a Slack user such as U0123ABCD',
            id="a name instead of an id",
        ),
        pytest.param(
            '[roles.clerk]\ngroups = ["U0123ABCD"]',
            'roles.clerk.groups.0 = "U0123ABCD": must be the id of a Slack user group such as S0123ABCD',
            id="a user among the groups",
        ),
        pytest.param(
            '[channels]\ndefault = "#general"',
            'channels.default = "#general": must be the id of a Slack channel such as C0123ABCD',
            id="a channel by name",
        ),
        pytest.param(
            '[roles.clerk]\nincludes = "reviewer"',
            'roles.clerk.includes = "reviewer": must be a list, in [ ]',
            id="one instead of a list",
        ),
        pytest.param(
            "[soft]\n[matrix]\nsensitive = [[1]]", "matrix.sensitive.0 = [1]: must be text in quotes", id="a list"
        ),
        pytest.param(
            "[roles.Clerk]",
            "roles.Clerk: must be a name such as senior_reviewer: a-z, 0-9, _ and -, at most 50",
            id="a role in capitals",
        ),
        pytest.param(
            '[actions."drop table"]\nreversibility = "reversible"',
            'actions."drop table": must be an action type such as send_email, or a pattern such as db.*',
            id="a key that TOML quotes is quoted",
        ),
        pytest.param(
            "[actions.x]",
            "actions.x.reversibility: is missing; write one of: "
            "reversible, partially_reversible, irreversible_low, irreversible_high",
            id="a required key deep inside",
        ),
        pytest.param(
            '[actions.x]\nreversibility = "reversible"\ntool = { tool_name = "' + "n" * 101 + '" }',
            f'actions.x.tool.tool_name = "{"n" * 58}…: must be at most 100 characters',
            id="a long value is cut",
        ),
        pytest.param(
            '[actions.x]\nreversibility = "reversible"\nfloor = "a\\nb"',
            'actions.x.floor = "a\\nb": must be one of: '
            "full_auto, notify_only, soft_approval, hard_approval, human_takeover",
            id="a line break cannot make a second line",
        ),
        pytest.param(
            '[tiers.high]\nlevel = "soft_approval"',
            'tiers.high.level = "soft_approval": must be hard_approval or human_takeover',
            id="a silent high tier",
        ),
        pytest.param(
            '[tiers.critical]\nladder = ["boss"]',
            "tiers.critical.ladder = [\"boss\"]: there is no role 'boss'; "
            "the roles are: reviewer, senior_reviewer, supervisor",
            id="an undefined role",
        ),
        pytest.param(
            '[actions."db.*"]\nreversibility = "reversible"\nrole = "boss"',
            'actions."db.*".role = "boss": there is no role \'boss\'; '
            "the roles are: reviewer, senior_reviewer, supervisor",
            id="an undefined role under a pattern",
        ),
        pytest.param(
            "[tiers.high]\nof_role = { reviewer = 2 }",
            "tiers.high.of_role: asks for more people than the quorum of 1",
            id="more of a role than the quorum",
        ),
        pytest.param(
            '[tiers.high]\nhard_timeout = "3h"',
            "tiers.high.reminders: each must be shorter than hard_timeout, which is 3h "
            "(it is not written, so the default stands)",
            id="a fault of a default that is not written",
        ),
        pytest.param(
            "[confidence]\nhard_below = 0.1",
            "confidence: must rise: takeover_below, hard_below, soft_below",
            id="order",
        ),
        pytest.param(
            '[roles.clerk]\nhours = { timezone = "Mars/Base" }',
            'roles.clerk.hours.timezone = "Mars/Base": is unknown; write one such as Europe/Berlin',
            id="a timezone",
        ),
        pytest.param(
            '[actions.x]\nreversibility = "reversible"\nlook = "letter"',
            'actions.x.look = "letter": must be one of: email',
            id="an unknown look",
        ),
        pytest.param(
            "[roles.clerk]\nhours = { start = 18:00:00 }",
            "roles.clerk.hours.start = 18:00:00: must come before end, which is 17:00",
            id="a day that ends before it starts",
        ),
        pytest.param(
            "[roles.clerk]\nhours = { start = 9 }",
            'roles.clerk.hours.start = 9: write a time of day such as "09:00"',
            id="a number is not a time",
        ),
        pytest.param(
            '[roles.clerk]\nhours = { holidays = ["Christmas"] }',
            'roles.clerk.hours.holidays.0 = "Christmas": write a date such as 2026-12-25',
            id="a name is no date",
        ),
    ],
)
def test_each_fault_of_a_policy_is_reported_with_its_place_and_what_is_allowed(more: str, line: str) -> None:
    assert faults(LEAST + more) == [line]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        pytest.param(
            "", "the policy is empty; start from the policy.toml that Countersign comes with", id="an empty file"
        ),
        pytest.param(
            "# soon\n",
            "the policy is empty; start from the policy.toml that Countersign comes with",
            id="only comments",
        ),
        pytest.param("a = 1\n b = ?", "line 2, column 6: Invalid value; text stands in quotes", id="syntax"),
        pytest.param("a =", "line 1, column 4: Invalid value; text stands in quotes", id="syntax at the very end"),
        pytest.param("[soft\n", "line 1, column 6: Expected ']' at the end of a table declaration", id="a bracket"),
        pytest.param(
            "a = 1\na = 2\n", "line 2, column 6: Cannot overwrite a value; this key is written twice", id="twice"
        ),
        pytest.param("a = 1\nb = '\0'", "line 2, column 6: a NUL character; a policy is a text file", id="NUL"),
        pytest.param("version = '\udc80'", "line 1: this is not UTF-8; save the file as UTF-8", id="a lone surrogate"),
        pytest.param(b"a = 1\n# f\xfcr", "line 2: this is not UTF-8; save the file as UTF-8", id="Latin-1"),
        pytest.param("a = " + "[" * 5000, "lists or tables are nested too deep", id="too deep"),
        pytest.param("a = " + "9" * 5000, "a number has thousands of digits", id="too many digits"),
        pytest.param(
            "[roles.reviewer]\n[roles.senior_reviewer]\n[roles.supervisor]", "version: is missing", id="version"
        ),
        pytest.param("version = '1'", "roles: is missing", id="no roles"),
        pytest.param("version = '1'\nroles = 3", "roles = 3: must be a table of keys and values", id="roles no table"),
        pytest.param(
            "version = 1\n" + LEAST.partition("\n")[2], "version = 1: must be text in quotes", id="version a number"
        ),
        pytest.param(
            "version = 'a b'\n" + LEAST.partition("\n")[2],
            'version = "a b": must be a short name such as 2026-01: letters, digits, dots, _ and -, at most 50',
            id="version with a blank",
        ),
        pytest.param(
            "version = 2026-01-01\n" + LEAST.partition("\n")[2],
            "version = 2026-01-01: must be text in quotes",
            id="version a date",
        ),
    ],
)
def test_a_text_that_is_not_a_policy_is_refused_with_the_reason(text: str | bytes, line: str) -> None:
    assert faults(text) == [line]


def test_a_policy_text_cannot_state_its_own_digest() -> None:
    (line,) = faults('digest = "sha256:00"\n' + LEAST)
    assert line.startswith('digest = "sha256:00": unknown key; allowed here: version, admins, ')


def test_all_faults_are_reported_at_once() -> None:
    text = 'digest = "x"\nadmins = ["bob", 3]\n[roles]\n[tiers.high]\nquorum = 0\n[soft]\nsampel = 1\n'
    assert [line.split(": ")[0] for line in faults(text)] == [
        'digest = "x"',
        "version",
        'admins.0 = "bob"',
        "admins.1 = 3",
        "tiers.high.quorum = 0",
        "soft.sampel = 1",
    ]


def test_each_place_that_names_an_undefined_role_is_reported() -> None:
    text = LEAST + '[roles.clerk]\nincludes = ["boss"]\n[tiers]\nlow = { role = "boss", ladder = ["chief"] }'
    assert [line.partition(" = ")[0] for line in faults(text)] == [
        "roles.clerk.includes",
        "tiers.low.role",
        "tiers.low.ladder",
    ]


def test_both_high_tiers_are_reported_if_both_are_silent() -> None:
    text = LEAST + '[tiers]\nhigh = { level = "full_auto" }\ncritical = { level = "full_auto" }'
    assert [line.partition(" = ")[0] for line in faults(text)] == ["tiers.high.level", "tiers.critical.level"]


def test_a_fault_is_a_value_and_the_error_lists_them_line_by_line() -> None:
    with pytest.raises(PolicyError) as caught:
        read_policy(LEAST + "[tiers.high]\nquorum = 0\n[soft]\nsample = 2")
    first, second = caught.value.faults
    assert first == Fault(key="tiers.high.quorum", value="0", sentence="must be at least 1")
    assert str(caught.value) == f"{first}\n{second}"
    assert pickle.loads(pickle.dumps(caught.value)).faults == (first, second)  # noqa: S301 (our own bytes)


def test_every_pattern_of_the_policy_has_its_sentence() -> None:
    schema = json.dumps(Policy.model_json_schema(mode="serialization"))
    patterns = {json.loads(match) for match in re.findall(r'"\^[^"]*\$"', schema)}
    written = [kind.__metadata__[-1] for kind in vars(types).values() if hasattr(kind, "__metadata__")]
    assert patterns == {
        f"^{text_format.pattern}$" for text_format in written if isinstance(text_format, types.TextFormat)
    }
    assert "'pattern':" not in repr(
        Policy.__pydantic_core_schema__
    )  # so pydantic never explains a pattern in its own words


# Any text is a policy or is refused with a reason.

_KEYS = st.sampled_from(
    [
        "version",
        "admins",
        "roles",
        "reviewer",
        "tiers",
        "high",
        "quorum",
        "of_role",
        "actions",
        "matrix",
        "hours",
        "start",
    ]
) | st.sampled_from(["x", '"[key]"', '""', '"ä.b"', '"\\n"', '"\\u2028"'])
_VALUES = st.sampled_from(
    ["1", "2.5", "inf", "nan", "true", '""', '"x"', '"5m"', "[]", "{}", "{ a = 1 }", "2026-01-01", "09:00:00"]
) | st.sampled_from(["[[]]", "[{}]", "2026-01-01T00:00:00Z", '"\\u0000"', '"\\u2028"', "0x" + "f" * 5000, "[", "'"])
_PATHS = st.lists(_KEYS, min_size=1, max_size=4).map(".".join)
_LINES = st.one_of(
    st.builds("{} = {}".format, _PATHS, _VALUES), _PATHS.map("[{}]".format), st.just("[[roles]]"), st.text(max_size=10)
)


def is_policy_or_refused(text: str | bytes) -> bool:
    """Whether the text is a policy or is refused with one-line faults without pydantic's terms."""
    try:
        policy = read_policy(text)
    except PolicyError as error:
        lines = [str(fault) for fault in error.faults]
        return bool(lines) and all(len(line.splitlines()) == 1 and "Input should" not in line for line in lines)
    return summary(policy) != ""


@pytest.mark.slow
@settings(deadline=None)
@given(st.lists(_LINES, max_size=12).map("\n".join))
@example('version = "1"\n[roles."[key]"]\n"[key]" = 1')
@example("a" + ".a" * 1500 + " = 1")
@example("[[admins" + ".a" * 1500 + "]]")
def test_any_text_is_a_policy_or_is_refused_with_a_reason(text: str) -> None:
    assert is_policy_or_refused(text)
    assert is_policy_or_refused(LEAST + text)


@given(st.binary())
def test_any_bytes_are_a_policy_or_are_refused_with_a_reason(raw: bytes) -> None:
    assert is_policy_or_refused(raw)


@settings(deadline=None)
@given(st.data())
def test_our_policy_with_a_changed_line_is_a_policy_or_is_refused_with_a_reason(data: st.DataObject) -> None:
    lines = OURS.read_text().splitlines()
    lines[data.draw(st.integers(0, len(lines) - 1))] = data.draw(_LINES)
    assert is_policy_or_refused("\n".join(lines))
