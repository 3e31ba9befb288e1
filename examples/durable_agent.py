"""A durable agent: it saves its state before each step, and interrupts itself when it needs a person.

It reads a file that cannot be read at first (people say whether to try again), drafts a letter (a person may revise it)
and asks before it sends it. End it at any moment and start it again with the same folder: it goes on at its checkpoint.
People can hold it, correct it, send it back to a checkpoint and cancel it: /reviews hold parcel-456.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Literal

from countersign import Answered, Client, Handle, NotFoundError, Outcome, StillPendingError, ThreadCancelledError
from countersign.threads import ThreadDocument

FOLDER = Path(sys.argv[1] if sys.argv[1:] else "durable_agent")
THREAD = "parcel-456"

State = dict[str, Any]


class InterruptType(Enum):
    APPROVAL = "approval"
    USER_REVISION = "user_revision"
    ERROR_RECOVERY = "error_recovery"
    CANCEL = "cancel"


@dataclass(frozen=True)
class Interrupt:
    type: InterruptType
    checkpoint_id: str
    state: State
    request: Mapping[str, Any]  # what people are shown


@dataclass(frozen=True)
class InterruptResponse:
    status: Literal["approved", "rejected", "modified"]
    modified_state: State
    handle: Handle


class SteeredError(Exception):
    """A person held the thread while a step waited, and resumed it."""


class Checkpointer:
    """Keeps the state at each checkpoint in a file."""

    def __init__(self) -> None:
        self._file = FOLDER / "checkpoints.json"
        self.states: dict[str, State] = json.loads(self._file.read_text()) if self._file.exists() else {}

    @property
    def last_id(self) -> str:
        return list(self.states)[-1]

    def save(self, checkpoint_id: str, state: State) -> None:
        self.states = {name: saved for name, saved in self.states.items() if name != checkpoint_id}
        self.states[checkpoint_id] = dict(state)
        self._file.write_text(json.dumps(self.states))


class DurableAgent:
    def __init__(self, client: Client, checkpointer: Checkpointer) -> None:
        self.client, self.checkpointer, self.thread = client, checkpointer, client.thread(THREAD)
        self.steps: dict[str, Callable[[State], State]] = {"read": self.read, "draft": self.draft, "send": self.send}
        self.reads = 0

    def execute_with_interrupts(self, task: str) -> str:
        saved = self.checkpointer.states
        state = dict(saved[self.checkpointer.last_id]) if saved else {"task": task}
        name: str | None = self.checkpointer.last_id if saved else "read"
        try:
            while name is not None:
                self.checkpointer.save(name, state)
                try:
                    state |= self.steps[name](state)
                    name = self.follow_people(state, self.step_after(name))
                except SteeredError:
                    name = self.follow_people(state, name)
        except ThreadCancelledError as cancelled:
            return self.clean_up(self.interrupt(InterruptType.CANCEL, state, {}), cancelled)
        return str(state["result"])

    def step_after(self, name: str) -> str | None:
        names = [*self.steps, None]
        return names[names.index(name) + 1]

    def follow_people(self, state: State, name: str | None) -> str | None:
        """The next step: this one, or the one that a person named. What they say counts once."""
        try:
            thread = self.thread.wait_until_running()
        except NotFoundError:  # nothing was asked yet, so nobody knows of the thread
            return name
        if not self.is_steered(thread, state):
            return name
        state |= {"resumed_at": thread["since"], **(thread["modified_state"] or {})}
        return thread["resume_checkpoint_id"] or name

    def is_steered(self, thread: ThreadDocument, state: State) -> bool:
        return thread["since"] != state.get("resumed_at")

    def interrupt(self, kind: InterruptType, state: State, request: Mapping[str, Any]) -> Interrupt:
        return Interrupt(kind, self.checkpointer.last_id, state, request)

    def wait_for_interrupt(self, interrupt: Interrupt) -> InterruptResponse:
        """The package has the same key after a restart, so people are asked once."""
        proposal: dict[str, Any] = {
            **interrupt.request,
            "interrupt_type": interrupt.type.value,
            "checkpoint_id": interrupt.checkpoint_id,
            "thread_id": THREAD,
            "run_id": THREAD,
        }
        handle = self.client.request(**proposal, step=interrupt.checkpoint_id)
        self.thread.checkpoint(interrupt.checkpoint_id, f"Before “{interrupt.checkpoint_id}”", interrupt.state)
        return response_to(self.settle(handle, interrupt.state), handle)

    def settle(self, handle: Handle, state: State) -> Outcome:
        """The decision. If a person holds the thread meanwhile, their resumption comes first."""
        outcome = None
        while outcome is None:
            with suppress(StillPendingError):
                outcome = handle.settle(timeout=2)
            thread = self.thread.wait_until_running()
            if self.is_steered(thread, state):
                if outcome is None and (thread["modified_state"] or thread["resume_checkpoint_id"]):
                    handle.cancel("People corrected the plan.")
                raise SteeredError
        return outcome

    # ---- The steps, in which a model would do the work

    def read(self, state: State) -> State:
        try:
            return {"day": self.read_list()}
        except ConnectionError as fault:
            request = {
                "title": "The list of parcels cannot be read",
                "action_type": "read_parcels",
                "action_parameters": {"list": "parcels of today"},
                "proposed_action": "Read the list once more.",
                "rationale": str(fault),
                "risk_level": "medium",
                "confidence": 0.9,
            }
        response = self.wait_for_interrupt(self.interrupt(InterruptType.ERROR_RECOVERY, state, request))
        return {"day": self.read_list()} if response.status == "approved" else {}

    def read_list(self) -> str:
        self.reads += 1
        if self.reads == 1:
            raise ConnectionError("The file server did not answer.")
        return "on Tuesday"

    def draft(self, state: State) -> State:
        text = f"Your parcel comes {state.get('day', 'soon')}."
        question = {
            "kind": "question",
            "title": "Is this letter right?",
            "action_type": "letter_text",
            "proposed_action": text,
            "rationale": state["task"],
            "risk_level": "low",
            "confidence": 0.7,
            "answers": ["Yes"],  # people can always write another answer: then that is the letter
        }
        response = self.wait_for_interrupt(self.interrupt(InterruptType.USER_REVISION, state, question))
        return {"text": text, **response.modified_state}

    def send(self, state: State) -> State:
        action = {
            "title": "Send the letter about parcel 456",
            "action_type": "send_customer_email",
            "action_parameters": {"to": "ada@example.com", "text": state["text"]},
            "proposed_action": "Send the letter to the customer.",
            "rationale": state["task"],
            "risk_level": "medium",
            "confidence": 0.9,
            "consequence": "The customer reads it; it cannot be called back.",
        }
        response = self.wait_for_interrupt(self.interrupt(InterruptType.APPROVAL, state, action))
        if response.status == "rejected":
            return {"result": "Not sent"}
        with response.handle.executing() as approved:
            return {"result": f"Sent to {approved['to']}: {approved['text']}"}

    def clean_up(self, interrupt: Interrupt, cancelled: ThreadCancelledError) -> str:
        rollback = self.thread.read()["rollback_requested"]
        return f"Cancelled at “{interrupt.checkpoint_id}”{', and rolled back' if rollback else ''}. {cancelled.detail}"


def response_to(outcome: Outcome, handle: Handle) -> InterruptResponse:
    if isinstance(outcome, Answered):
        revised = {} if outcome.answer == "Yes" else {"text": outcome.answer}
        return InterruptResponse("modified" if revised else "approved", revised, handle)
    return InterruptResponse("approved" if outcome.permits else "rejected", {}, handle)


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    with Client() as client:
        agent = DurableAgent(client, Checkpointer())
        print(agent.execute_with_interrupts("Tell the customer of parcel 456 when it comes."))


if __name__ == "__main__":
    main()
