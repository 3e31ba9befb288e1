"""A function's arguments as they are approved: as JSON to people, and back from the approved JSON alone.

Never from the objects that were passed: those may have changed while people were deciding.
"""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Mapping, Sequence
from functools import update_wrapper
from typing import Any

from countersign.canonical import canonical
from countersign.errors import MisfitError
from countersign.jsonable import MISFITS, carriable, from_json, to_json

_GIVEN_BY_PYTHON = ("self", "cls")


class Signature:
    """All arguments are approved but `self`, and those that are named as context."""

    def __init__(self, function: Callable[..., Any], context: Sequence[str] = ()) -> None:
        self._its = inspect.signature(function)
        names = list(self._its.parameters)
        self._context = {*context, *(name for name in names[:1] if name in _GIVEN_BY_PYTHON)}
        if unknown := self._context - set(names):
            raise TypeError(f"{function.__qualname__} has no parameter {', '.join(sorted(unknown))} to be context")
        hints = _hints(function)
        self._types = {name: hints.get(name, Any) for name in names}
        for parameter in self._its.parameters.values():
            if parameter.name not in self._context:
                self._assert_carriable(parameter)

    def _assert_carriable(self, parameter: inspect.Parameter) -> None:
        if parameter.kind is parameter.VAR_POSITIONAL:
            raise TypeError(f"*{parameter.name} cannot be gated: what is approved needs a name; take a list instead")
        kind = self._types[parameter.name]
        if not carriable(kind):
            raise TypeError(
                f"{parameter.name}: {kind} has no way to JSON and back; pass an id, or name it in `context`"
            )

    def bound(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """What is to be approved, as JSON; and what is only passed on."""
        bound = self._its.bind(*args, **kwargs)
        bound.apply_defaults()
        asked, context = dict[str, Any](), dict[str, Any]()
        for name, value in self._flat(bound.arguments).items():
            if name in self._context:
                context[name] = value
            else:
                asked[name] = self._shown(name, value)
        return asked, context

    def _flat(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """What `**more` took are arguments like the others."""
        flat: dict[str, Any] = {}
        for name, value in arguments.items():
            gathered = self._its.parameters[name].kind is inspect.Parameter.VAR_KEYWORD
            flat |= value if gathered else {name: value}
        return flat

    def _shown(self, name: str, value: Any) -> Any:
        try:
            shown = to_json(value)
            canonical(shown)
            back = from_json(shown, self._type_of(name))
        except MISFITS as fault:
            raise MisfitError(name, str(fault)) from fault
        if _plain(back) != _plain(value):
            raise MisfitError(name, f"{value!r} would come back from approval as {back!r}; annotate the parameter")
        return shown

    def call(self, approved: Mapping[str, Any], context: Mapping[str, Any]) -> inspect.BoundArguments:
        """The call that was approved; MisfitError where a reviewer's edit made it one that cannot be."""
        given = {**context, **{name: self._read(name, value) for name, value in approved.items()}}
        first = [
            given.pop(parameter.name)
            for parameter in self._its.parameters.values()
            if parameter.kind is parameter.POSITIONAL_ONLY and parameter.name in given
        ]
        try:
            return self._its.bind(*first, **given)
        except TypeError as fault:
            raise MisfitError("action_parameters", f"as approved they do not fit: {fault}") from fault

    def _read(self, name: str, value: Any) -> Any:
        if name in self._context:
            raise MisfitError(name, "is not for reviewers to give")
        try:
            return from_json(value, self._type_of(name))
        except MISFITS as fault:
            raise MisfitError(name, f"as approved it does not fit: {fault}") from fault

    def _type_of(self, name: str) -> Any:
        gathers = [each.name for each in self._its.parameters.values() if each.kind is each.VAR_KEYWORD]
        known = name if name in self._its.parameters else next(iter(gathers), name)
        return self._types.get(known, Any)


def dressed(instead: Any, function: Callable[..., Any]) -> Any:
    """Looks like the function to frameworks that read signatures, and leads to it by no other way than its own."""
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise TypeError(f"{function.__qualname__} is a generator, which would be reported as done before it began")
    update_wrapper(instead, function)
    del instead.__wrapped__
    instead.__annotations__ = _hints(function)
    instead.__signature__ = _spelled_out(inspect.signature(function), instead.__annotations__)
    return instead


def _spelled_out(its: inspect.Signature, hints: Mapping[str, Any]) -> inspect.Signature:
    """With types, where the function may have only their names."""
    parameters = [each.replace(annotation=hints.get(each.name, each.empty)) for each in its.parameters.values()]
    return its.replace(parameters=parameters, return_annotation=hints.get("return", its.empty))


def _hints(function: Callable[..., Any]) -> dict[str, Any]:
    try:
        return typing.get_type_hints(function, include_extras=True)
    except NameError as fault:
        raise TypeError(f"{function.__qualname__}: {fault.name} is annotated, and not there at run time") from fault


def _plain(value: Any) -> Any:
    """In JSON, lists and tuples are one thing."""
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value
