"""How things are written in a policy: names, ids, spans, times of day. What is written otherwise is refused."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

from rules.values import Duration

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,49}$")]
UserId = Annotated[str, StringConstraints(pattern=r"^[UW][A-Z0-9]{1,20}$")]
GroupId = Annotated[str, StringConstraints(pattern=r"^S[A-Z0-9]{1,20}$")]
ChannelId = Annotated[str, StringConstraints(pattern=r"^[CG][A-Z0-9]{1,20}$")]
Pattern = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.:*-]{1,100}$")]
Domain = Annotated[
    str,
    AfterValidator(str.lower),
    StringConstraints(pattern=r"^([A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z0-9-]{2,63}$", max_length=253),
]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]


def within_reason(span: timedelta) -> timedelta:
    if span <= timedelta(0):
        raise ValueError("must be longer than nothing")
    if span > timedelta(days=36_500):
        raise ValueError("must be at most 36500d")  # so that now plus a span is always a date
    return span


Span = Annotated[Duration, AfterValidator(within_reason)]


def _time_of_day(written: Any) -> Any:
    # Pydantic would read 9 as nine seconds past midnight, and a zone here would contradict `timezone`.
    if isinstance(written, str) and re.fullmatch(r"[0-2][0-9]:[0-5][0-9](:[0-5][0-9])?", written) and written < "24":
        return time.fromisoformat(written)
    if isinstance(written, time) and written.tzinfo is None:
        return written
    raise ValueError('write a time of day such as "09:00"')


def _day(written: Any) -> Any:
    if isinstance(written, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", written):
        return written
    if isinstance(written, date) and not isinstance(written, datetime):
        return written
    raise ValueError("write a date such as 2026-12-25")


TimeOfDay = Annotated[time, BeforeValidator(_time_of_day)]
Day = Annotated[date, BeforeValidator(_day)]
