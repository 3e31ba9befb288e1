"""`Value`, the frozen base model of the rules, and the types `Moment` (never naive) and `Duration`."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Annotated, Any, Self

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, PlainSerializer


class Value(BaseModel):
    """A frozen model: compared by value, changed only by making another one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @classmethod
    def from_valid(cls, **values: Any) -> Self:
        """Build the value without validation, from validated fields. Missing fields get their defaults."""
        blank: Self = _template(cls)
        return blank.model_copy(update=values)


@lru_cache(maxsize=64)
def _template(kind: type[Value]) -> Any:
    """An instance with all defaults, and None in the required fields."""
    required = [name for name, field in kind.model_fields.items() if field.is_required()]
    return kind.model_construct(**dict.fromkeys(required))


class CrossFieldError(ValueError):
    """Fields that are valid alone and invalid together: for each fault, the path of the field and a sentence."""

    def __init__(self, *faults: tuple[tuple[str, ...], str]) -> None:
        super().__init__("; ".join(f"{'.'.join(path)} {sentence}".strip() for path, sentence in faults))
        self.faults = faults


def _in_utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)


Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]

_UNITS = {"ms": "milliseconds", "s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_DURATION_HINT = "write a duration such as 90s, 5m, 24h, 7d or 1h30m"
_DURATION = re.compile(r"([0-9]{1,9})(ms|s|m|h|d)")


def parse_duration(text: Any) -> Any:
    """Parse `5m`, `24h`, `1h30m`, as written in a policy. Anything else is refused, bare numbers included."""
    if isinstance(text, timedelta):
        return text
    if isinstance(text, str):
        return _parse_text(text)
    raise ValueError(_DURATION_HINT)


@lru_cache(maxsize=1024)  # every stored state has a dozen durations, and a policy has few different ones
def _parse_text(text: str) -> timedelta:
    if not text or _DURATION.sub("", text):
        raise ValueError(_DURATION_HINT)
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
    """The shortest text that `parse_duration` reads back as the same duration."""
    rest = round(span / timedelta(milliseconds=1))
    parts = []
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)):
        count, rest = divmod(rest, size)
        parts.append(f"{count}{unit}" if count else "")
    return "".join(parts) or "0s"


Duration = Annotated[timedelta, BeforeValidator(parse_duration), PlainSerializer(write_duration)]
