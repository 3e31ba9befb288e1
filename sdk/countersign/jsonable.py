"""Values as JSON, and back by their type: exactly, nothing is bent to fit."""

from __future__ import annotations

import dataclasses
import enum
import types
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path, PurePath
from typing import Any, Literal, Union
from uuid import UUID

from countersign.canonical import canonical

MISFITS = (TypeError, ValueError, ArithmeticError)  # what reading a value that does not fit can raise

_WRITTEN: Mapping[Any, Callable[[str], Any]] = {
    datetime: datetime.fromisoformat,
    date: date.fromisoformat,
    time: time.fromisoformat,
    Decimal: Decimal,
    UUID: UUID,
    Path: Path,
}
_LISTS: Mapping[Any, Callable[[list[Any]], Any]] = {
    list: list,
    Sequence: list,
    tuple: tuple,
    set: set,
    frozenset: frozenset,
}
_OBJECTS = (dict, Mapping)
_UNIONS = (Union, types.UnionType)
_ANYTHING = (Any, object)
_PLAIN: Mapping[Any, tuple[type, ...]] = {bool: (bool,), int: (int,), float: (int, float), str: (str,)}


def to_json(value: Any) -> Any:  # noqa: PLR0911 - one line a kind of value
    match value:
        case enum.Enum():
            return to_json(value.value)
        case None | bool() | int() | float() | str():
            return value
        case Mapping():
            return {_name(name): to_json(item) for name, item in value.items()}
        case list() | tuple():
            return [to_json(item) for item in value]
        case set() | frozenset():
            return sorted((to_json(item) for item in value), key=canonical)
        case datetime() | date() | time():
            return value.isoformat()
        case Decimal() | UUID() | PurePath():
            return str(value)
        case _:
            return _record_to_json(value)


def _name(name: Any) -> str:
    if not isinstance(name, str):
        raise TypeError(f"the names in an object must be strings, and {name!r} is none")
    return name


def _record_to_json(value: Any) -> Any:
    if hasattr(value, "model_dump"):  # pydantic, which is known by its manners and not imported
        return value.model_dump(mode="json", by_alias=False, round_trip=True)  # nothing that is only computed
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {each.name: to_json(getattr(value, each.name)) for each in dataclasses.fields(value)}
    raise TypeError(f"a {type(value).__name__} cannot be shown as JSON")


def carriable(kind: Any) -> bool:
    """Whether values of this type have a way there and back."""
    origin, parts = _taken_apart(kind)
    if origin is Literal:
        return True
    if origin in (*_UNIONS, *_LISTS, *_OBJECTS):
        return all(part is Ellipsis or carriable(part) for part in parts)
    if origin in (*_ANYTHING, None, type(None), *_PLAIN, *_WRITTEN):
        return True
    return isinstance(origin, type) and (issubclass(origin, enum.Enum) or _is_record(origin))


def _is_record(kind: Any) -> bool:
    return dataclasses.is_dataclass(kind) or hasattr(kind, "model_validate") or typing.is_typeddict(kind)


def _taken_apart(kind: Any) -> tuple[Any, tuple[Any, ...]]:
    origin, parts = typing.get_origin(kind), typing.get_args(kind)
    return _taken_apart(parts[0]) if origin is typing.Annotated else (origin or kind, parts)


def from_json(value: Any, kind: Any) -> Any:  # noqa: PLR0911 - one line a kind of type
    origin, parts = _taken_apart(kind)
    if origin in _ANYTHING:
        return value
    if origin in _UNIONS:
        return _first_fit(value, parts)
    if origin is Literal:
        return _literal(value, parts)
    if origin in _LISTS:
        return _list(value, origin, parts)
    if origin in _OBJECTS:
        item_kind = parts[1] if parts else Any
        return {name: from_json(item, item_kind) for name, item in _instance(value, dict).items()}
    if origin in (None, type(None)):
        return _instance(value, type(None))
    if origin in _PLAIN:
        return origin(_instance(value, *_PLAIN[origin]))
    if origin in _WRITTEN:
        return _WRITTEN[origin](_instance(value, str))
    return origin(value) if issubclass(origin, enum.Enum) else _record(value, origin)


def _instance(value: Any, *kinds: type) -> Any:
    """In Python a boolean is an integer; in JSON it is not."""
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        raise ValueError(f"{value!r} is no {' or '.join(kind.__name__ for kind in kinds)}")
    return value


def _first_fit(value: Any, kinds: Sequence[Any]) -> Any:
    for kind in kinds:
        try:
            return from_json(value, kind)
        except MISFITS:
            continue
    raise ValueError(f"{value!r} is none of {', '.join(getattr(kind, '__name__', str(kind)) for kind in kinds)}")


def _literal(value: Any, allowed: Sequence[Any]) -> Any:
    if not any(value == each and type(value) is type(each) for each in allowed):
        raise ValueError(f"{value!r} is none of {', '.join(map(repr, allowed))}")
    return value


def _list(value: Any, origin: Any, parts: tuple[Any, ...]) -> Any:
    items = _instance(value, list)
    if origin is tuple and parts and parts[-1] is not Ellipsis:
        return tuple(from_json(item, part) for item, part in zip(items, parts, strict=True))
    return _LISTS[origin]([from_json(item, parts[0] if parts else Any) for item in items])


def _record(value: Any, kind: Any) -> Any:
    if hasattr(kind, "model_validate"):
        return _model(value, kind)
    _instance(value, dict)
    hints = typing.get_type_hints(kind)
    if unknown := value.keys() - hints.keys():
        raise ValueError(f"{kind.__name__} has no {', '.join(sorted(unknown))}")
    if missing := set[str](getattr(kind, "__required_keys__", ())) - value.keys():
        raise ValueError(f"{kind.__name__} needs {', '.join(sorted(missing))}")
    return kind(**{name: from_json(item, hints[name]) for name, item in value.items()})


def _model(value: Any, kind: Any) -> Any:
    """To the letter: by itself pydantic turns some values into others, and leaves out what it does not know.

    By the fields' own names, as it was shown: aliases need not be the same in both directions.
    """
    model = kind.model_validate_json(canonical(value), strict=True, by_alias=False, by_name=True)
    if unknown := list(_left_out(value, to_json(model))):
        raise ValueError(f"{kind.__name__} has no {', '.join(unknown)}")
    return model


def _left_out(value: Any, taken: Any) -> Iterator[str]:
    """The names in a value that are not in what was made of it."""
    if isinstance(value, dict) and isinstance(taken, dict):
        for name, item in value.items():
            yield from _left_out(item, taken[name]) if name in taken else [name]
    elif isinstance(value, list) and isinstance(taken, list):
        for item, other in zip(value, taken, strict=False):
            yield from _left_out(item, other)
