"""A function's arguments as JSON for people to approve, and back.

The call is built from the approved JSON alone, never from the objects that were passed: these may have changed while
people were deciding. Arguments that would not come back unchanged are refused before anybody is asked.
"""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Mapping, Sequence
from functools import update_wrapper
from typing import Any

from countersign.canonical import canonical
from countersign.errors import MisfitError
from countersign.jsonable import MISFITS, from_json, is_convertible, to_json

_IMPLICIT = ("self", "cls")


class Signature:
    """A function's parameters. People approve all of them except `self`, `cls` and those named as context."""

    def __init__(self, function: Callable[..., Any], context: Sequence[str] = ()) -> None:
        self._signature = inspect.signature(function)
        names = list(self._signature.parameters)
        self._context = {*context, *(name for name in names[:1] if name in _IMPLICIT)}
        if unknown := self._context - set(names):
            raise TypeError(f"{function.__qualname__} has no parameter {', '.join(sorted(unknown))} to be context")
        hints = _hints(function)
        self._types = {name: hints.get(name, Any) for name in names}
        for parameter in self._signature.parameters.values():
            if parameter.name not in self._context:
                self._require_convertible(parameter)

    def _require_convertible(self, parameter: inspect.Parameter) -> None:
        if parameter.kind is parameter.VAR_POSITIONAL:
            raise TypeError(f"*{parameter.name} cannot be gated: what is approved needs a name; take a list instead")
        kind = self._types[parameter.name]
        if not is_convertible(kind):
            raise TypeError(
                f"{parameter.name}: {kind} has no way to JSON and back; pass an id, or name it in `context`"
            )

    def bind(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """The arguments of a call: those to approve (as JSON), and the context."""
        bound = self._signature.bind(*args, **kwargs)
        bound.apply_defaults()
        parameters, context = dict[str, Any](), dict[str, Any]()
        for name, value in self._flatten(bound.arguments).items():
            if name in self._context:
                context[name] = value
            else:
                parameters[name] = self._to_checked_json(name, value)
        return parameters, context

    def _flatten(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments with those that `**kwargs` collected at the same level."""
        flat: dict[str, Any] = {}
        for name, value in arguments.items():
            gathered = self._signature.parameters[name].kind is inspect.Parameter.VAR_KEYWORD
            flat |= value if gathered else {name: value}
        return flat

    def _to_checked_json(self, name: str, value: Any) -> Any:
        try:
            as_json = to_json(value)
            canonical(as_json)
            restored = from_json(as_json, self._type_of(name))
        except MISFITS as fault:
            raise MisfitError(name, str(fault)) from fault
        if _without_tuples(restored) != _without_tuples(value):
            raise MisfitError(name, f"{value!r} would come back from approval as {restored!r}; annotate the parameter")
        return as_json

    def call(self, approved: Mapping[str, Any], context: Mapping[str, Any]) -> inspect.BoundArguments:
        """The approved call. Raises MisfitError if a reviewer's edits do not fit the function."""
        named = {**context, **{name: self._from_approved(name, value) for name, value in approved.items()}}
        positional = [
            named.pop(parameter.name)
            for parameter in self._signature.parameters.values()
            if parameter.kind is parameter.POSITIONAL_ONLY and parameter.name in named
        ]
        try:
            return self._signature.bind(*positional, **named)
        except TypeError as fault:
            raise MisfitError("action_parameters", f"as approved they do not fit: {fault}") from fault

    def _from_approved(self, name: str, value: Any) -> Any:
        if name in self._context:
            raise MisfitError(name, "is not for reviewers to give")
        try:
            return from_json(value, self._type_of(name))
        except MISFITS as fault:
            raise MisfitError(name, f"as approved it does not fit: {fault}") from fault

    def _type_of(self, name: str) -> Any:
        catch_alls = [
            parameter.name
            for parameter in self._signature.parameters.values()
            if parameter.kind is parameter.VAR_KEYWORD
        ]
        parameter_name = name if name in self._signature.parameters else next(iter(catch_alls), name)
        return self._types.get(parameter_name, Any)


def imitate(wrapper: Any, function: Callable[..., Any]) -> Any:
    """Makes the wrapper look like the function to frameworks that read signatures and annotations.

    `__wrapped__` is removed, because a framework that unwraps would call the function without its gate.
    """
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise TypeError(f"{function.__qualname__} is a generator, which would be reported as done before it began")
    update_wrapper(wrapper, function)
    del wrapper.__wrapped__
    wrapper.__annotations__ = _hints(function)
    wrapper.__signature__ = _with_types(inspect.signature(function), wrapper.__annotations__)
    return wrapper


def _with_types(signature: inspect.Signature, hints: Mapping[str, Any]) -> inspect.Signature:
    """The signature with types instead of their names as strings."""
    parameters = [
        parameter.replace(annotation=hints.get(parameter.name, parameter.empty))
        for parameter in signature.parameters.values()
    ]
    return signature.replace(parameters=parameters, return_annotation=hints.get("return", signature.empty))


def _hints(function: Callable[..., Any]) -> dict[str, Any]:
    try:
        return typing.get_type_hints(function, include_extras=True)
    except NameError as fault:
        raise TypeError(
            f"{function.__qualname__}: {fault.name} is annotated, but cannot be resolved at run time"
        ) from fault


def _without_tuples(value: Any) -> Any:
    """The value with lists for tuples: JSON does not tell them apart."""
    if isinstance(value, Mapping):
        return {name: _without_tuples(item) for name, item in value.items()}
    return [_without_tuples(item) for item in value] if isinstance(value, list | tuple) else value
