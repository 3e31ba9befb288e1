"""`gate`: a function that runs only after approval, once, with exactly the arguments that were approved."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Literal, ParamSpec, Protocol, TypeVar, Unpack, overload

from countersign.client import AsyncClient, Client
from countersign.document import StatusDocument
from countersign.gated import Gate, Refusals
from countersign.outcomes import Outcome
from countersign.proposal import RiskLevel, Said, SaidOfACall
from countersign.signature import Signature, dressed

P = ParamSpec("P")
T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])


class Raising(Protocol):
    """Decorates a function, and leaves its type as it is."""

    def __call__(self, function: F, /) -> F: ...


class Returning(Protocol):
    """Decorates a function, which then may also give back the outcome that did not permit it."""

    @overload
    def __call__(
        self, function: Callable[P, Coroutine[Any, Any, T]], /
    ) -> Callable[P, Coroutine[Any, Any, T | Outcome]]: ...
    @overload
    def __call__(self, function: Callable[P, T], /) -> Callable[P, T | Outcome]: ...


class Options(SaidOfACall, total=False):
    """What is said of each call, and how the gate goes about it."""

    context: Sequence[str]
    revise: Callable[..., Any] | None
    revisions: int
    timeout: float | None
    asked: Callable[[StatusDocument], None] | None
    client: Client | AsyncClient | None


@overload
def gate(
    action_type: str | None = None,
    *,
    risk_level: Said[RiskLevel],
    confidence: Said[float],
    refusals: Literal["raise"] = "raise",
    **options: Unpack[Options],
) -> Raising: ...
@overload
def gate(
    action_type: str | None = None,
    *,
    risk_level: Said[RiskLevel],
    confidence: Said[float],
    refusals: Literal["return"],
    **options: Unpack[Options],
) -> Returning: ...
def gate(
    action_type: str | None = None,
    *,
    risk_level: Said[RiskLevel],
    confidence: Said[float],
    refusals: Refusals = "raise",
    **options: Unpack[Options],
) -> Any:
    """Asks before each call, with the call's own arguments as the package's parameters.

    What is said of it (`rationale`, `evidence_refs` and the rest) is a value, or a function of those arguments that it
    names. `context` names the arguments that decide nothing (connections, run contexts): they are passed on unseen.
    `revise` is called with what a person wants and the arguments that it names, and gives what the next version says
    otherwise. `asked` is called with the status document once it is asked, before anybody is waited for.
    `refusals="return"` gives back the outcome where `"raise"` raises it.
    """
    if unknown := options.keys() - Options.__annotations__.keys():
        raise TypeError(f"a gate knows no {', '.join(sorted(unknown))}")
    context, client = options.pop("context", ()), options.pop("client", None)
    revise, revisions, timeout = options.pop("revise", None), options.pop("revisions", 3), options.pop("timeout", None)
    asked = options.pop("asked", None)

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        its = Gate(
            function=function,
            action_type=action_type or function.__name__,
            said={"risk_level": risk_level, "confidence": confidence, **options},
            signature=Signature(function, context),
            rework=revise,
            revisions=revisions,
            timeout=timeout,
            asked=asked,
            refusals=refusals,
        )
        gated = dressed(_asynchronous(its, client) if its.is_async else _synchronous(its, client), function)
        gated.gate = its
        return gated  # type: ignore[no-any-return]

    return decorate


def _synchronous(its: Gate, client: Client | AsyncClient | None) -> Callable[..., Any]:
    if isinstance(client, AsyncClient):
        raise TypeError(f"{its.function.__qualname__} is not async: give its gate a Client")

    def gated(*args: Any, **kwargs: Any) -> Any:
        if client is not None:
            return client.run(its.flow(args, kwargs, client.patience))
        with Client() as own:
            return own.run(its.flow(args, kwargs, own.patience))

    return gated


def _asynchronous(its: Gate, client: Client | AsyncClient | None) -> Callable[..., Any]:
    if isinstance(client, Client):
        raise TypeError(f"{its.function.__qualname__} is async: give its gate an AsyncClient")

    async def gated(*args: Any, **kwargs: Any) -> Any:
        if client is not None:
            return await client.run(its.flow(args, kwargs, client.patience))
        async with AsyncClient() as own:
            return await own.run(its.flow(args, kwargs, own.patience))

    return gated
