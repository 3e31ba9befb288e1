"""The types of values in a policy: names, Slack ids, durations, times of day; each with a sentence for mistakes.

`rules.policy.model` uses them as types of its fields. The sentence is what an operator reads after the field's name:
“must be …”. A type with a pattern and its sentence is one object, so neither can be changed alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError, core_schema

from rules.values import Duration


@dataclass(frozen=True)
class TextFormat:
    """A pattern for a text, and the sentence for the operator if it does not match."""

    pattern: str
    sentence: str

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> core_schema.CoreSchema:
        return core_schema.no_info_after_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(self, schema: core_schema.CoreSchema, handler: Any) -> dict[str, Any]:
        return {**handler(schema), "pattern": f"^{self.pattern}$"}

    def _check(self, text: str) -> str:
        if re.fullmatch(self.pattern, text):
            return text
        raise PydanticCustomError("not_as_written", "{sentence}", {"sentence": self.sentence})


_LABEL = "[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?"

Name = Annotated[
    str, TextFormat("[a-z][a-z0-9_-]{0,49}", "must be a name such as senior_reviewer: a-z, 0-9, _ and -, at most 50")
]
UserId = Annotated[str, TextFormat("[UW][A-Z0-9]{1,20}", "must be the id of a Slack user such as U0123ABCD")]
GroupId = Annotated[str, TextFormat("S[A-Z0-9]{1,20}", "must be the id of a Slack user group such as S0123ABCD")]
ChannelId = Annotated[str, TextFormat("[CG][A-Z0-9]{1,20}", "must be the id of a Slack channel such as C0123ABCD")]
Pattern = Annotated[
    str,
    TextFormat("[A-Za-z0-9_.:*-]{1,100}", "must be an action type such as send_email, or a pattern such as db.*"),
]
Domain = Annotated[
    str,
    AfterValidator(str.lower),
    StringConstraints(max_length=253),
    TextFormat(rf"({_LABEL}\.)+[A-Za-z0-9-]{{2,63}}", "must be a domain such as partner.example"),
]
Currency = Annotated[str, TextFormat("[A-Z]{3}", "must be a currency in three capital letters such as EUR")]
Tag = Annotated[
    str, TextFormat(r"\S(.{0,58}\S)?", "must be a short reason such as Wrong amount: at most 60 characters on one line")
]
RowPath = Annotated[
    str,
    TextFormat(
        r"comment|answer_data|edits|package(\.[^.\s]{1,100}){0,20}",
        "must be comment, answer_data, edits, package, or a path in the package such as package.action_parameters.iban",
    ),
]
ShortName = Annotated[
    str,
    TextFormat(
        "[A-Za-z0-9_.-]{1,50}", "must be a short name such as 2026-01: letters, digits, dots, _ and -, at most 50"
    ),
]
Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]


def check_span(span: timedelta) -> timedelta:
    if span <= timedelta(0):
        raise ValueError("must be longer than nothing")
    if span > timedelta(days=36_500):
        raise ValueError("must be at most 36500d")  # so that now plus a duration is always a valid date
    return span


PositiveDuration = Annotated[Duration, AfterValidator(check_span)]


def _time_of_day(toml_value: Any) -> Any:
    # Pydantic would read 9 as nine seconds past midnight. A zone in the value could contradict `timezone`.
    if (
        isinstance(toml_value, str)
        and re.fullmatch(r"[0-2][0-9]:[0-5][0-9](:[0-5][0-9])?", toml_value)
        and toml_value < "24"
    ):
        return time.fromisoformat(toml_value)
    if isinstance(toml_value, time) and toml_value.tzinfo is None:
        return toml_value
    raise ValueError('write a time of day such as "09:00"')


def _day(toml_value: Any) -> Any:
    if isinstance(toml_value, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", toml_value):
        return toml_value
    if isinstance(toml_value, date) and not isinstance(toml_value, datetime):
        return toml_value
    raise ValueError("write a date such as 2026-12-25")


TimeOfDay = Annotated[time, BeforeValidator(_time_of_day)]
Day = Annotated[date, BeforeValidator(_day)]
