"""What happens at a gate, written once for sync and async: asked, settled, claimed, run, reported."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from countersign.canonical import action_digest, digest_of
from countersign.document import StatusDocument
from countersign.errors import (
    AlreadyClaimedError,
    ApprovalLapsedError,
    MayNotProceedError,
    refusal,
)
from countersign.outcomes import Approved, Consented, Outcome, Overridden, Revoked, outcome_of, spent
from countersign.package import Package, submitted
from countersign.proposal import MAX_SENTENCE, MAX_TITLE, one_line
from countersign.run import current, opened
from countersign.settling import Wanted, settled
from countersign.signature import Signature
from countersign.wire import Flow, Patience, Perform

Refusals = Literal["raise", "return"]


@dataclass(frozen=True, kw_only=True)
class Gate:
    """What is asked before a function runs, and what is done with the answer."""

    function: Callable[..., Any]
    action_type: str
    said: Mapping[str, Any]
    signature: Signature
    rework: Callable[..., Any] | None = None
    revisions: int = 3
    timeout: float | None = None
    asked: Callable[[StatusDocument], None] | None = None
    refusals: Refusals = "raise"

    @property
    def is_async(self) -> bool:
        return inspect.iscoroutinefunction(self.function)

    def flow(self, args: Sequence[Any], kwargs: Mapping[str, Any], patience: Patience) -> Flow[Any]:
        asked, context = self.signature.bound(args, kwargs)
        proposal, key, step = self._proposal(asked)
        package = yield from submitted(proposal, key, step, patience)
        taken = yield from self._permission(package, proposal, asked, context)
        if isinstance(taken, Revoked) and taken.can_be_asked_again:
            # The key is derived, so that an agent that starts again asks for the same second package.
            proposal, again = self._proposal(asked)[0], digest_of([package.id, "asked again"])
            package = yield from submitted(proposal, again, step, patience)
            taken = yield from self._permission(package, proposal, asked, context)
        return self._refused(taken) if isinstance(taken, Outcome) else (yield from self._executed(package, taken))

    def _permission(
        self, package: Package, proposal: Mapping[str, Any], asked: dict[str, Any], context: Mapping[str, Any]
    ) -> Flow[Outcome | inspect.BoundArguments]:
        """Waits for the decision and claims it: the call that may be made now, or the outcome that forbids it."""
        if self.asked:
            self.asked(package.document)
        rework = self._reworked(asked, context) if self.rework else None
        outcome = yield from settled(package, rework, self.revisions, self.timeout)
        if not (outcome.permits and isinstance(outcome, Approved | Consented | Overridden)):
            return outcome
        # Built before it is claimed: a call that cannot be made takes no permission.
        call = self.signature.call(outcome.parameters, context)
        subject = (proposal.get("subject_type"), proposal.get("subject_id"))
        taken = yield from _claimed(package, action_digest(self.action_type, outcome.parameters, *subject))
        return taken or call

    def _executed(self, package: Package, call: inspect.BoundArguments) -> Flow[Any]:
        """What ends it from outside (a signal, a cancelled task) tells nothing: its outcome stays unknown."""
        try:
            result = yield Perform(lambda: self._within(call))
        except Exception as fault:
            yield from package.report_failure(fault)
            raise
        yield from package.report_success(result)
        return result

    def _within(self, call: inspect.BoundArguments) -> Any:
        if self.is_async:
            return self._awaited(call)
        with opened(self.action_type):
            result = self.function(*call.args, **call.kwargs)
        if inspect.iscoroutine(result):
            result.close()
            raise TypeError(f"{self.function.__qualname__} gave a coroutine, which nobody ran: make it an async def")
        return result

    async def _awaited(self, call: inspect.BoundArguments) -> Any:
        with opened(self.action_type):
            return await self.function(*call.args, **call.kwargs)

    def _refused(self, outcome: Outcome) -> Outcome:
        if self.refusals == "raise":
            raise refusal(outcome)
        return outcome

    def _proposal(self, asked: Mapping[str, Any]) -> tuple[dict[str, Any], str | None, str]:
        """With what the function says of itself, as far as nothing else was said; its key, if any, and its step."""
        now = current()
        belongs = {"run_id": now.run_id, "thread_id": now.thread_id}
        said = {name: _spoken(value, asked) for name, value in self.said.items()}
        key, step = said.pop("idempotency_key", None), said.pop("step", now.step)
        text = inspect.getdoc(self.function) or self.action_type.replace("_", " ").capitalize()
        own = {
            "title": one_line(text.partition("\n")[0], MAX_TITLE),
            "proposed_action": one_line(_spelled(self.function.__name__, asked), MAX_SENTENCE),
            "rationale": text,
            "action_type": self.action_type,
            "action_parameters": dict(asked),
        }
        return {**own, **{name: value for name, value in belongs.items() if value}, **said}, key, step

    def _reworked(
        self, asked: dict[str, Any], context: Mapping[str, Any]
    ) -> Callable[[Wanted], Flow[Mapping[str, Any]]]:
        """New arguments are checked as the first ones were, and what is said of them follows them."""

        def flow(wanted: Wanted) -> Flow[Mapping[str, Any]]:
            changes = yield Perform(lambda: _spoken(self.rework, asked, wanted))
            asked.update(changes.get("action_parameters", {}))
            self.signature.call(asked, context)
            return {**self._proposal(asked)[0], **changes, "action_parameters": dict(asked)}

        return flow


def _claimed(package: Package, digest: str) -> Flow[Outcome | None]:
    """None where the permission is ours now; else what became of it."""
    try:
        yield from package.claim(digest)
    except (AlreadyClaimedError, ApprovalLapsedError):
        yield from package.refresh()
        return spent(package.document)
    except MayNotProceedError:
        yield from package.refresh()
        return _withdrawn(package)
    return None


def _withdrawn(package: Package) -> Outcome:
    outcome = outcome_of(package.document)
    if outcome is None or outcome.permits:
        raise MayNotProceedError(409, "may-not-proceed", f"{package.id} is {package.document['status']}")
    return outcome


def _spoken(value: Any, asked: Mapping[str, Any], *first: Any) -> Any:
    """A value, or what a function makes of those arguments that it names."""
    if not callable(value):
        return value
    names = inspect.signature(value).parameters
    if any(each.kind is each.VAR_KEYWORD for each in names.values()):
        return value(*first, **asked)
    return value(*first, **{name: asked[name] for name in list(names)[len(first) :] if name in asked})


def _spelled(name: str, asked: Mapping[str, Any]) -> str:
    return f"{name}({', '.join(f'{each}={value!r}' for each, value in asked.items())})"
