"""What all values of the rules share: frozen, closed, and never a naive time."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Annotated, Any, Self

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, PlainSerializer


class Value(BaseModel):
    """A frozen value: compared whole, changed only by making another one."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=False)

    @classmethod
    def from_valid(cls, **values: Any) -> Self:
        """Made of values that were checked before. Those left out have their defaults, which all values share."""
        blank: Self = _blank(cls)
        return blank.model_copy(update=values)


@lru_cache(maxsize=64)
def _blank(kind: type[Value]) -> Any:
    """With every field in its order, and nothing yet in those that have no default."""
    required = [name for name, field in kind.model_fields.items() if field.is_required()]
    return kind.model_construct(**dict.fromkeys(required))


class CrossFieldError(ValueError):
    """Parts that are right alone and wrong together: for each, its place below the whole, and what would be right."""

    def __init__(self, *faults: tuple[tuple[str, ...], str]) -> None:
        super().__init__("; ".join(f"{'.'.join(place)} {sentence}".strip() for place, sentence in faults))
        self.faults = faults


def _in_utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)


Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]

_UNITS = {"ms": "milliseconds", "s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_DURATIONS = "write a duration such as 90s, 5m, 24h, 7d or 1h30m"
_DURATION = re.compile(r"([0-9]{1,9})(ms|s|m|h|d)")


def parse_duration(text: Any) -> Any:
    """`5m`, `24h`, `1h30m`: what a person writes into a policy. Anything else is refused, bare numbers too."""
    if isinstance(text, timedelta):
        return text
    if isinstance(text, str):
        return _total(text)
    raise ValueError(_DURATIONS)


@lru_cache(maxsize=1024)  # every state spells a dozen of them out, and a policy has few
def _total(text: str) -> timedelta:
    if not text or _DURATION.sub("", text):
        raise ValueError(_DURATIONS)
    try:
        return timedelta(**_amounts(text))
    except OverflowError:
        raise ValueError("must be shorter than that") from None


def _amounts(text: str) -> dict[str, int]:
    amounts: dict[str, int] = {}
    for number, unit in _DURATION.findall(text):
        amounts[_UNITS[unit]] = amounts.get(_UNITS[unit], 0) + int(number)
    return amounts


@lru_cache(maxsize=1024)
def write_duration(span: timedelta) -> str:
    """The shortest spelling that `parse_duration` reads back to the same span."""
    left = round(span / timedelta(milliseconds=1))
    parts = []
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)):
        count, left = divmod(left, size)
        parts.append(f"{count}{unit}" if count else "")
    return "".join(parts) or "0s"


Duration = Annotated[timedelta, BeforeValidator(parse_duration), PlainSerializer(write_duration)]
