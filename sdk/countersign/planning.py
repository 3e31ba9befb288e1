"""The interactive plan: proposed, bettered by what people say, and worked through as it was agreed on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, Unpack

from countersign.client import AsyncClient, Client
from countersign.errors import refusal
from countersign.handle import AsyncHandle, Handle
from countersign.outcomes import Approved, Consented, Overridden
from countersign.package import Package, submitted
from countersign.proposal import MAX_SENTENCE, MAX_TITLE, Changes, one_line
from countersign.settling import Wanted, settled
from countersign.wire import Flow, Patience, Perform

H = TypeVar("H", Handle, AsyncHandle)


@dataclass(frozen=True, slots=True)
class Plan:
    """What an agent means to do, and what it needs people for."""

    steps: tuple[str, ...]
    decisions: tuple[str, ...] = ()  # what needs a person's word
    risks: tuple[str, ...] = ()
    questions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AgreedPlan(Generic[H]):
    """As people approved it, their edits included. Work through it inside `handle.executing()`."""

    steps: tuple[str, ...]
    comment: str | None
    handle: H


Agreed = tuple[Package, Approved | Consented | Overridden]
Incorporate = Callable[[Plan, str], Any]  # the plan so far and what a person said of it, to the next plan


@dataclass(frozen=True)
class _Planning:
    propose_plan: Callable[[str], Any]
    incorporate_feedback: Incorporate
    said: Changes
    revisions: int
    timeout: float | None

    def flow(self, goal: str, patience: Patience) -> Flow[Agreed]:
        plan = yield Perform(lambda: self.propose_plan(goal))
        proposal = {**_proposed(goal), **_written(plan), **self.said}
        package = yield from submitted(proposal, None, "", patience)
        outcome = yield from settled(package, self._bettering(plan), self.revisions, self.timeout)
        if not (isinstance(outcome, Approved | Consented | Overridden) and outcome.permits):
            raise refusal(outcome)
        return package, outcome

    def _bettering(self, first: Plan) -> Callable[[Wanted], Flow[Mapping[str, Any]]]:
        plans = [first]

        def flow(wanted: Wanted) -> Flow[Mapping[str, Any]]:
            plans.append((yield Perform(lambda: self.incorporate_feedback(plans[-1], wanted.instructions))))
            return _written(plans[-1])

        return flow


def _proposed(goal: str) -> Changes:
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


def _written(plan: Plan) -> Changes:
    return {
        "action_parameters": {"steps": list(plan.steps)},
        "rationale": "\n".join(f"{number}. {step}" for number, step in enumerate(plan.steps, 1)),
        "known_uncertainties": [*plan.questions, *plan.risks],
        "side_effect_preview": {"decisions for people": list(plan.decisions)} if plan.decisions else {},
    }


class InteractivePlan:
    """`propose_plan` makes the first plan for a goal, `incorporate_feedback` the next from what a person said."""

    def __init__(
        self,
        client: Client,
        propose_plan: Callable[[str], Plan],
        incorporate_feedback: Callable[[Plan, str], Plan],
        *,
        revisions: int = 3,
        timeout: float | None = None,
        **said: Unpack[Changes],
    ) -> None:
        self._client = client
        self._its = _Planning(propose_plan, incorporate_feedback, said, revisions, timeout)

    def agree(self, goal: str) -> AgreedPlan[Handle]:
        """The plan that people agreed to; NotPermittedError if they did not."""
        package, outcome = self._client.run(self._its.flow(goal, self._client.patience))
        return AgreedPlan(_steps(outcome), outcome.comment, Handle(self._client, package))


class AsyncInteractivePlan:
    """The same for async code."""

    def __init__(
        self,
        client: AsyncClient,
        propose_plan: Callable[[str], Awaitable[Plan]],
        incorporate_feedback: Callable[[Plan, str], Awaitable[Plan]],
        *,
        revisions: int = 3,
        timeout: float | None = None,
        **said: Unpack[Changes],
    ) -> None:
        self._client = client
        self._its = _Planning(propose_plan, incorporate_feedback, said, revisions, timeout)

    async def agree(self, goal: str) -> AgreedPlan[AsyncHandle]:
        package, outcome = await self._client.run(self._its.flow(goal, self._client.patience))
        return AgreedPlan(_steps(outcome), outcome.comment, AsyncHandle(self._client, package))
