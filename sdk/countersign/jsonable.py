"""Convert arguments to JSON, and back by their annotated types.

The conversion back is strict: a value that does not fit its type raises one of `MISFITS` and is never coerced. Pydantic
models are recognised by their methods, so pydantic is not a dependency.
"""

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

MISFITS = (TypeError, ValueError, ArithmeticError)  # raised by `from_json` for a value that does not fit its type

_FROM_STRING: Mapping[Any, Callable[[str], Any]] = {
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


def to_json(value: Any) -> Any:  # noqa: PLR0911 - one line for each kind of value
    """The value as JSON; TypeError if it has no JSON form."""
    match value:
        case enum.Enum():
            return to_json(value.value)
        case None | bool() | int() | float() | str():
            return value
        case Mapping():
            return {_object_key(name): to_json(item) for name, item in value.items()}
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


def _object_key(name: Any) -> str:
    if not isinstance(name, str):
        raise TypeError(f"the names in an object must be strings, and {name!r} is none")
    return name


def _record_to_json(value: Any) -> Any:
    if hasattr(value, "model_dump"):  # a pydantic model
        return value.model_dump(mode="json", by_alias=False, round_trip=True)  # without computed fields
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_json(getattr(value, field.name)) for field in dataclasses.fields(value)}
    raise TypeError(f"a {type(value).__name__} cannot be shown as JSON")


def is_convertible(kind: Any) -> bool:
    """Whether values of this type can be converted to JSON and back."""
    origin, parts = _origin_and_args(kind)
    if origin is Literal:
        return True
    if origin in (*_UNIONS, *_LISTS, *_OBJECTS):
        return all(part is Ellipsis or is_convertible(part) for part in parts)
    if origin in (*_ANYTHING, None, type(None), *_PLAIN, *_FROM_STRING):
        return True
    return isinstance(origin, type) and (issubclass(origin, enum.Enum) or _is_record(origin))


def _is_record(kind: Any) -> bool:
    return dataclasses.is_dataclass(kind) or hasattr(kind, "model_validate") or typing.is_typeddict(kind)


def _origin_and_args(kind: Any) -> tuple[Any, tuple[Any, ...]]:
    origin, parts = typing.get_origin(kind), typing.get_args(kind)
    return _origin_and_args(parts[0]) if origin is typing.Annotated else (origin or kind, parts)


def from_json(value: Any, kind: Any) -> Any:  # noqa: PLR0911 - one line for each kind of type
    """The JSON value as a value of this type; one of `MISFITS` if it does not fit."""
    origin, parts = _origin_and_args(kind)
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
        return {name: from_json(item, item_kind) for name, item in _require_type(value, dict).items()}
    if origin in (None, type(None)):
        return _require_type(value, type(None))
    if origin in _PLAIN:
        return origin(_require_type(value, *_PLAIN[origin]))
    if origin in _FROM_STRING:
        return _FROM_STRING[origin](_require_type(value, str))
    return origin(value) if issubclass(origin, enum.Enum) else _record(value, origin)


def _require_type(value: Any, *kinds: type) -> Any:
    """The value, if it has one of these types. A boolean is not an integer here, as in JSON and unlike in Python."""
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
    if not any(value == option and type(value) is type(option) for option in allowed):
        raise ValueError(f"{value!r} is none of {', '.join(map(repr, allowed))}")
    return value


def _list(value: Any, origin: Any, parts: tuple[Any, ...]) -> Any:
    items = _require_type(value, list)
    if origin is tuple and parts and parts[-1] is not Ellipsis:
        return tuple(from_json(item, part) for item, part in zip(items, parts, strict=True))
    return _LISTS[origin]([from_json(item, parts[0] if parts else Any) for item in items])


def _record(value: Any, kind: Any) -> Any:
    if hasattr(kind, "model_validate"):
        return _model(value, kind)
    _require_type(value, dict)
    hints = typing.get_type_hints(kind)
    if unknown := value.keys() - hints.keys():
        raise ValueError(f"{kind.__name__} has no {', '.join(sorted(unknown))}")
    if missing := set[str](getattr(kind, "__required_keys__", ())) - value.keys():
        raise ValueError(f"{kind.__name__} needs {', '.join(sorted(missing))}")
    return kind(**{name: from_json(item, hints[name]) for name, item in value.items()})


def _model(value: Any, kind: Any) -> Any:
    """Validates strictly: by default pydantic coerces some values and ignores unknown fields.

    Fields go by their own names, as people saw them, because a field's alias may differ between input and output.
    """
    model = kind.model_validate_json(canonical(value), strict=True, by_alias=False, by_name=True)
    if unknown := list(_ignored_names(value, to_json(model))):
        raise ValueError(f"{kind.__name__} has no {', '.join(unknown)}")
    return model


def _ignored_names(value: Any, read: Any) -> Iterator[str]:
    """The names in the JSON value that the model ignored."""
    if isinstance(value, dict) and isinstance(read, dict):
        for name, item in value.items():
            yield from _ignored_names(item, read[name]) if name in read else [name]
    elif isinstance(value, list) and isinstance(read, list):
        for item, read_item in zip(value, read, strict=False):
            yield from _ignored_names(item, read_item)
