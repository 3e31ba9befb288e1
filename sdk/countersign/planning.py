"""An interactive plan: the agent proposes it, people comment, the agent improves it until people approve.

Your `propose_plan` makes the first plan, your `incorporate_feedback` the next one from each comment.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, Unpack

from countersign.client import AsyncClient, Client
from countersign.errors import refusal
from countersign.handle import AsyncHandle, Handle
from countersign.outcomes import Approved, Consented, Overridden
from countersign.package import Package, submit_proposal
from countersign.proposal import MAX_SENTENCE, MAX_TITLE, Changes, one_line
from countersign.settling import Wanted, wait_until_settled
from countersign.wire import Flow, Patience, Perform

H = TypeVar("H", Handle, AsyncHandle)


@dataclass(frozen=True, slots=True)
class Plan:
    """The steps that an agent plans, and what people should know before they approve them."""

    steps: tuple[str, ...]
    decisions: tuple[str, ...] = ()  # that a person must make
    risks: tuple[str, ...] = ()
    questions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AgreedPlan(Generic[H]):
    """The plan as people approved it, with their edits. Carry it out inside `handle.executing()`."""

    steps: tuple[str, ...]
    comment: str | None
    handle: H


Agreed = tuple[Package, Approved | Consented | Overridden]  # the plan's package, and the outcome that permits it
Incorporate = Callable[[Plan, str], Any]  # takes the current plan and a person's comment, returns the next plan


@dataclass(frozen=True)
class _Planning:
    propose_plan: Callable[[str], Any]
    incorporate_feedback: Incorporate
    fields: Changes
    revisions: int
    timeout: float | None

    def flow(self, goal: str, patience: Patience) -> Flow[Agreed]:
        plan = yield Perform(lambda: self.propose_plan(goal))
        proposal = {**_goal_fields(goal), **_plan_fields(plan), **self.fields}
        package = yield from submit_proposal(proposal, None, "", patience)
        outcome = yield from wait_until_settled(package, self._rework(plan), self.revisions, self.timeout)
        if not (isinstance(outcome, Approved | Consented | Overridden) and outcome.permits):
            raise refusal(outcome)
        return package, outcome

    def _rework(self, first: Plan) -> Callable[[Wanted], Flow[Mapping[str, Any]]]:
        plans = [first]

        def flow(wanted: Wanted) -> Flow[Mapping[str, Any]]:
            plans.append((yield Perform(lambda: self.incorporate_feedback(plans[-1], wanted.instructions))))
            return _plan_fields(plans[-1])

        return flow


def _goal_fields(goal: str) -> Changes:
    return {
        "kind": "plan",
        "title": one_line(goal, MAX_TITLE),
        "action_type": "follow_plan",
        "risk_level": "medium",
        "confidence": 0.8,
        "proposed_action": one_line(f"Follow this plan: {goal}", MAX_SENTENCE),
    }


def _steps(outcome: Approved | Consented | Overridden) -> tuple[str, ...]:
    return tuple(outcome.parameters["steps"])


def _plan_fields(plan: Plan) -> Changes:
    return {
        "action_parameters": {"steps": list(plan.steps)},
        "rationale": "\n".join(f"{number}. {step}" for number, step in enumerate(plan.steps, 1)),
        "known_uncertainties": [*plan.questions, *plan.risks],
        "side_effect_preview": {"decisions for people": list(plan.decisions)} if plan.decisions else {},
    }


class InteractivePlan:
    """Agrees on a plan with people. Further keywords (`risk_level`, `run_id` …) go into the proposal.

    After `revisions` improved plans the package is withdrawn. `timeout` is how many seconds `agree` waits for people
    before it raises `StillPendingError`.
    """

    def __init__(
        self,
        client: Client,
        propose_plan: Callable[[str], Plan],
        incorporate_feedback: Callable[[Plan, str], Plan],
        *,
        revisions: int = 3,
        timeout: float | None = None,
        **fields: Unpack[Changes],
    ) -> None:
        self._client = client
        self._planning = _Planning(propose_plan, incorporate_feedback, fields, revisions, timeout)

    def agree(self, goal: str) -> AgreedPlan[Handle]:
        """Returns the plan that people approved. Raises `NotPermittedError` if they did not approve one."""
        package, outcome = self._client.run(self._planning.flow(goal, self._client.patience))
        return AgreedPlan(_steps(outcome), outcome.comment, Handle(self._client, package))


class AsyncInteractivePlan:
    """`InteractivePlan` for async code: both callbacks are async functions."""

    def __init__(
        self,
        client: AsyncClient,
        propose_plan: Callable[[str], Awaitable[Plan]],
        incorporate_feedback: Callable[[Plan, str], Awaitable[Plan]],
        *,
        revisions: int = 3,
        timeout: float | None = None,
        **fields: Unpack[Changes],
    ) -> None:
        self._client = client
        self._planning = _Planning(propose_plan, incorporate_feedback, fields, revisions, timeout)

    async def agree(self, goal: str) -> AgreedPlan[AsyncHandle]:
        package, outcome = await self._client.run(self._planning.flow(goal, self._client.patience))
        return AgreedPlan(_steps(outcome), outcome.comment, AsyncHandle(self._client, package))
