"""The `gate` decorator: the function runs only after approval, once, with exactly the approved arguments.

This module holds the decorator and its types. `countersign.gate_flow` holds what happens during a call.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Literal, ParamSpec, Protocol, TypeVar, Unpack, overload

from countersign.client import AsyncClient, Client
from countersign.document import StatusDocument
from countersign.gate_flow import Gate, Refusals
from countersign.outcomes import Outcome
from countersign.proposal import CallFields, PerCall, RiskLevel
from countersign.signature import Signature, imitate

P = ParamSpec("P")
T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])


class Raising(Protocol):
    """A decorator that keeps the function's type: a refusal raises."""

    def __call__(self, function: F, /) -> F: ...


class Returning(Protocol):
    """A decorator whose function may also return the outcome that did not permit the call."""

    @overload
    def __call__(
        self, function: Callable[P, Coroutine[Any, Any, T]], /
    ) -> Callable[P, Coroutine[Any, Any, T | Outcome]]: ...
    @overload
    def __call__(self, function: Callable[P, T], /) -> Callable[P, T | Outcome]: ...


class Options(CallFields, total=False):
    """The optional keywords of `gate`: the package's fields, and how the gate behaves."""

    context: Sequence[str]
    revise: Callable[..., Any] | None
    revisions: int
    timeout: float | None
    asked: Callable[[StatusDocument], None] | None
    on_message: Callable[..., Any] | None
    retries: int
    client: Client | AsyncClient | None


@overload
def gate(
    action_type: str | None = None,
    *,
    risk_level: PerCall[RiskLevel],
    confidence: PerCall[float],
    refusals: Literal["raise"] = "raise",
    **options: Unpack[Options],
) -> Raising: ...
@overload
def gate(
    action_type: str | None = None,
    *,
    risk_level: PerCall[RiskLevel],
    confidence: PerCall[float],
    refusals: Literal["return"],
    **options: Unpack[Options],
) -> Returning: ...
def gate(
    action_type: str | None = None,
    *,
    risk_level: PerCall[RiskLevel],
    confidence: PerCall[float],
    refusals: Refusals = "raise",
    **options: Unpack[Options],
) -> Any:
    """Asks people before each call of the decorated function, and runs it with the arguments that they approved.

    The call's arguments become the package's parameters. `action_type` defaults to the function's name. Each field of
    the package (`rationale`, `evidence_refs` …) is a value, or a function of those call arguments that its parameters
    name. Fields that are left out come from the function's docstring and the call.

    If the call is not permitted, it raises a `NotPermittedError` such as `RejectedError` or `ExpiredError`, and the
    function does not run. With `refusals="return"` it returns the `Outcome` instead.

    - `context` names arguments that people do not decide on (connections, run contexts). They are passed on unseen.
    - `timeout` is how many seconds this call waits before it raises `StillPendingError`. The package stays open.
    - `revise` answers a reviewer's wish for changes or evidence. It gets the wish and those arguments that it names,
      and returns the fields that the next version changes. After `revisions` versions the gate withdraws the package.
    - `on_message` gets each message that a person writes to the agent meanwhile, and those arguments that it names. If
      it returns a text, that is sent as the answer.
    - `retries` is how many times the function may run again after a failure, each time only if people allow it. The
      gate waits for them, and raises the function's exception if they do not.
    - `asked` is called with the status document as soon as people are asked.
    - `client` is a client of your own; without one, each call makes one from the environment.
    - `step` and `idempotency_key` identify the proposal, as in `Client.request`.
    """
    if unknown := options.keys() - Options.__annotations__.keys():
        raise TypeError(f"a gate knows no {', '.join(sorted(unknown))}")
    context, client = options.pop("context", ()), options.pop("client", None)
    revise, revisions, timeout = options.pop("revise", None), options.pop("revisions", 3), options.pop("timeout", None)
    asked, on_message = options.pop("asked", None), options.pop("on_message", None)
    retries = options.pop("retries", 0)

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        guard = Gate(
            function=function,
            action_type=action_type or function.__name__,
            fields={"risk_level": risk_level, "confidence": confidence, **options},
            signature=Signature(function, context),
            rework=revise,
            revisions=revisions,
            timeout=timeout,
            asked=asked,
            on_message=on_message,
            retries=retries,
            refusals=refusals,
        )
        gated = imitate(_asynchronous(guard, client) if guard.is_async else _synchronous(guard, client), function)
        gated.gate = guard
        return gated  # type: ignore[no-any-return]

    return decorate


def _synchronous(guard: Gate, client: Client | AsyncClient | None) -> Callable[..., Any]:
    if isinstance(client, AsyncClient):
        raise TypeError(f"{guard.function.__qualname__} is not async: give its gate a Client")

    def gated(*args: Any, **kwargs: Any) -> Any:
        if client is not None:
            return client.run(guard.flow(args, kwargs, client.patience))
        with Client() as own:
            return own.run(guard.flow(args, kwargs, own.patience))

    return gated


def _asynchronous(guard: Gate, client: Client | AsyncClient | None) -> Callable[..., Any]:
    if isinstance(client, Client):
        raise TypeError(f"{guard.function.__qualname__} is async: give its gate an AsyncClient")

    async def gated(*args: Any, **kwargs: Any) -> Any:
        if client is not None:
            return await client.run(guard.flow(args, kwargs, client.patience))
        async with AsyncClient() as own:
            return await own.run(guard.flow(args, kwargs, own.patience))

    return gated
