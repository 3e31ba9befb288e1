"""The steps of a gated call, written once for sync and async code: propose, wait, claim, run, report.

`Gate.flow` is a generator (see `countersign.wire`). It turns the call's arguments into a proposal, waits until people
have decided, claims the permission with the digest of the approved arguments, runs the function with exactly these
arguments and reports the outcome. A permission is claimed once, before the function runs. So one approval runs the
function at most once, even if the agent is killed at any point.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from countersign.canonical import action_digest, digest_of
from countersign.document import StatusDocument
from countersign.errors import (
    AlreadyClaimedError,
    ApprovalLapsedError,
    CountersignError,
    MayNotProceedError,
    NotFoundError,
    ThreadChangedError,
    ThreadHeldError,
    refusal,
)
from countersign.outcomes import Approved, Consented, Outcome, Overridden, Revoked, outcome_of, spent_outcome
from countersign.package import Package, submit_proposal
from countersign.proposal import MAX_SENTENCE, MAX_TITLE, one_line
from countersign.run import current_run, open_gate
from countersign.settling import Wanted, wait_until_settled
from countersign.signature import Signature
from countersign.threads import ThreadFlows
from countersign.wire import Flow, Patience, Perform

Refusals = Literal["raise", "return"]


@dataclass(frozen=True, kw_only=True)
class Gate:
    """A function together with everything that its gate needs: what to propose and how to wait."""

    function: Callable[..., Any]
    action_type: str
    fields: Mapping[str, Any]
    signature: Signature
    rework: Callable[..., Any] | None = None
    revisions: int = 3
    timeout: float | None = None
    asked: Callable[[StatusDocument], None] | None = None
    on_message: Callable[..., Any] | None = None
    retries: int = 0
    refusals: Refusals = "raise"

    @property
    def is_async(self) -> bool:
        return inspect.iscoroutinefunction(self.function)

    def flow(self, args: Sequence[Any], kwargs: Mapping[str, Any], patience: Patience) -> Flow[Any]:
        """One call of the function: propose, wait, then run it or refuse. Some revocations are asked again."""
        arguments, context = self.signature.bind(args, kwargs)
        proposal, key, step = self._proposal(arguments)
        package = yield from self._submit(proposal, key, step, patience)
        result = yield from self._permission(package, proposal, arguments, context)
        if isinstance(result, Revoked) and result.can_be_asked_again:
            # The key is derived from the first package, so that a restarted agent finds the same second package.
            proposal, again = self._proposal(arguments)[0], digest_of([package.id, "asked again"])
            package = yield from self._submit(proposal, again, step, patience)
            result = yield from self._permission(package, proposal, arguments, context)
        return self._refuse(result) if isinstance(result, Outcome) else (yield from self._execute(package, result))

    def _submit(self, proposal: Mapping[str, Any], key: str | None, step: str, patience: Patience) -> Flow[Package]:
        """Submits the proposal. While a person holds its thread, it waits until they resume it."""
        while True:
            try:
                return (yield from submit_proposal(proposal, key, step, patience))
            except ThreadHeldError as held:
                yield from self._until_running(proposal.get("thread_id"), patience, held)

    def _until_running(self, thread_id: str | None, patience: Patience, held: ThreadHeldError) -> Flow[None]:
        """Only the agent that owns a thread can read it; for any other, the refusal stands."""
        if thread_id is None:
            raise held
        try:
            yield from ThreadFlows(thread_id, patience).until_running(self.timeout)
        except NotFoundError:
            raise held from None

    def _permission(
        self, package: Package, proposal: Mapping[str, Any], arguments: dict[str, Any], context: Mapping[str, Any]
    ) -> Flow[Outcome | inspect.BoundArguments]:
        """Waits for the decision and claims it. Returns the approved call, or the outcome that forbids it."""
        if self.asked:
            self.asked(package.document)
        while True:
            try:
                return (yield from self._decided(package, proposal, arguments, context))
            except ThreadHeldError as held:  # a person may also have ended the approval, so look at it again
                yield from self._until_running(package.document["thread_id"], package.patience, held)
                yield from package.refresh()

    def _decided(
        self, package: Package, proposal: Mapping[str, Any], arguments: dict[str, Any], context: Mapping[str, Any]
    ) -> Flow[Outcome | inspect.BoundArguments]:
        rework = self._rework_flow(arguments, context) if self.rework else None
        hear = partial(_evaluate, self.on_message, arguments) if self.on_message else None
        outcome = yield from wait_until_settled(package, rework, self.revisions, self.timeout, hear)
        if not (outcome.permits and isinstance(outcome, Approved | Consented | Overridden)):
            return outcome
        # The call is built before the claim: if the arguments do not fit the function, the permission is not used up.
        call = self.signature.call(outcome.parameters, context)
        subject = (proposal.get("subject_type"), proposal.get("subject_id"))
        refused = yield from _claim(package, action_digest(self.action_type, outcome.parameters, *subject))
        return refused or call

    def _execute(self, package: Package, call: inspect.BoundArguments) -> Flow[Any]:
        """Runs the call, and again after a failure if people allow a retry."""
        for _ in range(self.retries):
            try:
                return (yield from self._attempt(package, call))
            except CountersignError:
                raise
            except Exception as fault:
                if not (yield from package.may_retry(fault, self.timeout)):
                    raise
            yield from package.claim(None)
        return (yield from self._attempt(package, call))

    def _attempt(self, package: Package, call: inspect.BoundArguments) -> Flow[Any]:
        """Runs the call and reports its outcome.

        A BaseException (a signal, a cancelled task) reports nothing, because the function may have done part of its
        work: the service then shows the outcome as unknown.
        """
        yield from self._respect_hold(package)
        try:
            result = yield Perform(lambda: self._call_function(call))
        except Exception as fault:
            yield from package.report_failure(fault)
            raise
        yield from package.report_success(result)
        return result

    def _respect_hold(self, package: Package) -> Flow[None]:
        """A person may hold or cancel the thread between the claim and the call.

        The call then waits, and does not run if the thread is cancelled, goes on with another plan, or is held for
        longer than the outcome can wait.
        """
        if (thread_id := package.document["thread_id"]) is None:
            return
        flows = ThreadFlows(thread_id, package.patience)
        try:
            if (yield from flows.read())["state"] == "running":
                return
            resumed = yield from flows.until_running(self.timeout)
            if resumed["modified_state"] is not None:
                raise ThreadChangedError(409, "thread-changed", resumed["agent_message"])
        except NotFoundError:
            return
        except CountersignError as fault:
            yield from package.report("failed", f"It did not run: {fault}")
            raise
        yield from package.refresh()
        if package.document["execution"]["state"] != "claimed":
            raise refusal(spent_outcome(package.document))

    def _call_function(self, call: inspect.BoundArguments) -> Any:
        if self.is_async:
            return self._await_function(call)
        with open_gate(self.action_type):
            result = self.function(*call.args, **call.kwargs)
        if inspect.iscoroutine(result):
            result.close()
            raise TypeError(
                f"{self.function.__qualname__} returned a coroutine, which nobody awaits: make it an async def"
            )
        return result

    async def _await_function(self, call: inspect.BoundArguments) -> Any:
        with open_gate(self.action_type):
            return await self.function(*call.args, **call.kwargs)

    def _refuse(self, outcome: Outcome) -> Outcome:
        if self.refusals == "raise":
            raise refusal(outcome)
        return outcome

    def _proposal(self, arguments: Mapping[str, Any]) -> tuple[dict[str, Any], str | None, str]:
        """The proposal, its idempotency key (if any) and its step.

        Fields that the gate was not given come from the function: its docstring, its name and the call itself.
        """
        run = current_run()
        run_fields = {"run_id": run.run_id, "thread_id": run.thread_id}
        fields = {name: _evaluate(value, arguments) for name, value in self.fields.items()}
        key, step = fields.pop("idempotency_key", None), fields.pop("step", run.step)
        text = inspect.getdoc(self.function) or self.action_type.replace("_", " ").capitalize()
        defaults = {
            "title": one_line(text.partition("\n")[0], MAX_TITLE),
            "proposed_action": one_line(_call_text(self.function.__name__, arguments), MAX_SENTENCE),
            "rationale": text,
            "action_type": self.action_type,
            "action_parameters": dict(arguments),
        }
        return {**defaults, **{name: value for name, value in run_fields.items() if value}, **fields}, key, step

    def _rework_flow(
        self, arguments: dict[str, Any], context: Mapping[str, Any]
    ) -> Callable[[Wanted], Flow[Mapping[str, Any]]]:
        """The gate's `revise` callback as a flow: checks new arguments and computes the other fields from them."""

        def flow(wanted: Wanted) -> Flow[Mapping[str, Any]]:
            changes = yield Perform(lambda: _evaluate(self.rework, arguments, wanted))
            arguments.update(changes.get("action_parameters", {}))
            self.signature.call(arguments, context)
            return {**self._proposal(arguments)[0], **changes, "action_parameters": dict(arguments)}

        return flow


def _claim(package: Package, digest: str) -> Flow[Outcome | None]:
    """Claims the permission. Returns None if this attempt now holds it, else the outcome that explains why not."""
    try:
        yield from package.claim(digest)
    except (AlreadyClaimedError, ApprovalLapsedError):
        yield from package.refresh()
        return spent_outcome(package.document)
    except MayNotProceedError:
        yield from package.refresh()
        return _outcome_without_permission(package)
    return None


def _outcome_without_permission(package: Package) -> Outcome:
    """What ended the permission between the decision and the claim."""
    outcome = outcome_of(package.document)
    if outcome is None or outcome.permits:
        raise MayNotProceedError(409, "may-not-proceed", f"{package.id} is {package.document['status']}")
    return outcome


def _evaluate(value: Any, arguments: Mapping[str, Any], *first: Any) -> Any:
    """The value itself; if it is a function, its result for those arguments that its parameters name."""
    if not callable(value):
        return value
    names = inspect.signature(value).parameters
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in names.values()):
        return value(*first, **arguments)
    return value(*first, **{name: arguments[name] for name in list(names)[len(first) :] if name in arguments})


def _call_text(function_name: str, arguments: Mapping[str, Any]) -> str:
    return f"{function_name}({', '.join(f'{parameter}={value!r}' for parameter, value in arguments.items())})"
