"""How a graph runs under the control of people, written once for sync and async code.

`GraphRun.to_the_end` is a flow (see `countersign.wire`). It runs the graph one step at a time. After each step it
reports the checkpoint to the graph's thread, whose answer says what people want: to hold it, to cancel it, or to go on
from another checkpoint or with another state. LangGraph saves a checkpoint before the next step, so nothing is lost
when a run is left there.

A resumption is followed once, also by a graph that was restarted: the metadata of each checkpoint after it has the
time of the resumption.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, TypeAlias

from langchain_core.runnables import RunnableConfig
from langgraph.errors import InvalidUpdateError
from langgraph.types import Command, Interrupt, StateSnapshot, StateUpdate

from countersign.canonical import digest_of
from countersign.document import StatusDocument
from countersign.errors import (
    AlreadyDecidedError,
    NotFoundError,
    ThreadCancelledError,
    ThreadHeldError,
    UnreachableError,
)
from countersign.langgraph_calls import Calls
from countersign.package import OnMessage, Package, fetch_package, submit_proposal
from countersign.settling import wait_until_settled
from countersign.threads import ThreadDocument, ThreadFlows
from countersign.wire import Flow, Patience, Pause, Perform

# Takes the thread that a person resumed, and returns the update of the graph's state: as `update_state` takes it, or
# None for no change. With an AsyncClient it may be async.
OnResume: TypeAlias = Callable[[ThreadDocument], Any]

PROPOSAL, REVISES = "countersign_proposal", "countersign_revises"
_INTERRUPT_ID = "langgraph_interrupt_id"
_FOLLOWED = "countersign_resumed"
_MAX_UNREPORTED = 20  # checkpoints; the service keeps so many for people to choose from
_OPEN = ("pending", "revision_requested", "evidence_requested", "deferred")


class _ResumedError(Exception):
    """A person resumed the thread in another way than to just go on. It never leaves this module."""

    def __init__(self, thread: ThreadDocument) -> None:
        super().__init__(thread["agent_message"])
        self.thread = thread


class GraphRun:
    """One call of `run_graph`."""

    def __init__(
        self,
        calls: Calls,
        config: RunnableConfig,
        patience: Patience,
        *,
        timeout: float | None,
        on_message: OnMessage | None,
        on_resume: OnResume | None,
    ) -> None:
        self._calls, self._config, self._patience, self._timeout = calls, config, patience, timeout
        self._on_message, self._on_resume = on_message, on_resume
        self._thread = ThreadFlows(str(config["configurable"]["thread_id"]), patience)
        self._is_ours = True  # whether this agent owns the thread: only its owner can read it
        self._unreported: deque[tuple[str, str]] = deque(maxlen=_MAX_UNREPORTED)  # ids and summaries of checkpoints
        self._followed: str | None = None  # the time of the last resumption that this run knows

    def to_the_end(self, graph_input: Any) -> Flow[Any]:
        """Runs the graph, waits for people each time it asks, resumes it, and returns its final state."""
        waits = graph_input is None and bool(_open_interrupts((yield from self._state())))
        times_held = 0
        while True:
            try:
                if waits:
                    yield from self._look()
                else:
                    yield from self._run(graph_input)
                return (yield from self._ask_until_done())
            except _ResumedError as resumed:
                yield from self._follow(resumed.thread)
            except ThreadHeldError:  # a node was refused a claim, or a proposal was refused
                if not self._is_ours:
                    raise
                yield Pause(self._patience.rest(times_held, 0.0))  # it may be another thread that is held
                times_held += 1
            graph_input, waits = None, False

    def _ask_until_done(self) -> Flow[Any]:
        while interrupts := _open_interrupts(state := (yield from self._state())):
            decided = yield from self._decisions(interrupts, state)
            yield from self._run(Command(resume=decided))
        return state.values

    def _state(self) -> Flow[StateSnapshot]:
        return (yield Perform(lambda: self._calls.state(self._config)))  # type: ignore[no-any-return]

    # ---- Running

    def _run(self, graph_input: Any) -> Flow[None]:
        """Runs the graph until it ends or asks. Between two steps it does what people want."""
        yield from self._look(before_input=graph_input is not None and not isinstance(graph_input, Command))
        stream = self._calls.start(graph_input, self._config)
        try:
            while (step := (yield Perform(lambda: self._calls.step(stream)))) is not None:
                self._config = _without_checkpoint(self._config)
                self._note(step)
                yield from self._report()
        except Exception:
            yield Perform(lambda: self._calls.close(stream))
            raise

    def _note(self, step: Mapping[str, Any]) -> None:
        if step["metadata"]["source"] == "input":  # no node has seen it
            return
        checkpoint_id, nodes = step["config"]["configurable"]["checkpoint_id"], ", ".join(step["next"])
        summary = f"Step {step['metadata']['step']}. " + (f"Next: {nodes}" if nodes else "The end")
        self._unreported.append((checkpoint_id, summary))

    def _report(self) -> Flow[None]:
        """Reports the checkpoints, and does what the answer says.

        A thread begins with its first package, and an agent may not report as often as it likes. So what is refused
        is reported later, and no step waits for it.
        """
        thread = None
        try:
            while self._unreported:
                thread = yield from self._thread.checkpoint(*self._unreported[0], None, time.monotonic())
                self._unreported.popleft()
        except NotFoundError:
            self._is_ours = False
            return
        except UnreachableError:
            thread = None
        if thread is None:
            yield from self._look()
        else:
            self._is_ours = True
            yield from self._heed(thread)

    # ---- What people want

    def _look(self, *, before_input: bool = False) -> Flow[None]:
        """Waits while a person holds the thread. A new input is saved first, and then what they said is followed."""
        try:
            thread = yield from self._thread.read()
        except NotFoundError:
            self._is_ours = False
            return
        self._is_ours = True
        if before_input:
            yield from self._wait_while_held(thread)
        else:
            yield from self._heed(thread)

    def _wait_while_held(self, thread: ThreadDocument) -> Flow[ThreadDocument]:
        return (yield from self._thread.until_running(self._timeout)) if thread["state"] == "held" else thread

    def _watch(self) -> Flow[None]:
        """While the graph waits for a decision, a hold changes nothing: people can still decide."""
        with suppress(NotFoundError):
            thread = yield from self._thread.read()
            if thread["state"] != "held":
                yield from self._heed(thread)

    def _heed(self, thread: ThreadDocument) -> Flow[None]:
        thread = yield from self._wait_while_held(thread)
        if thread["state"] == "cancelled":
            raise ThreadCancelledError(409, "thread-cancelled", thread["agent_message"])
        if thread["state"] == "running" and (yield from self._is_resumed_anew(thread)):
            raise _ResumedError(thread)

    def _is_resumed_anew(self, thread: ThreadDocument) -> Flow[bool]:
        """Whether a person gave the thread another checkpoint or state, and the graph has not followed that yet."""
        if thread["since"] in (None, self._followed):
            return False
        known = yield Perform(lambda: self._calls.find(self._newest_config, {_FOLLOWED: thread["since"]}))
        if known is None and (thread["resume_checkpoint_id"] or self._has_update(thread)):
            return True
        self._followed = thread["since"]
        return False

    def _has_update(self, thread: ThreadDocument) -> bool:
        return thread["modified_state"] is not None or (self._on_resume is not None and bool(thread["instruction"]))

    def _follow(self, thread: ThreadDocument) -> Flow[None]:
        """Goes to the checkpoint and the state with which a person resumed the thread."""
        newest = yield Perform(lambda: self._calls.state(self._newest_config))
        base = (yield from self._state_at(thread["resume_checkpoint_id"])) if thread["resume_checkpoint_id"] else newest
        update = yield from self._update(thread)
        self._followed = thread["since"]
        metadata = {**self._config.get("metadata", {}), _FOLLOWED: thread["since"]}
        configurable = {**self._config["configurable"], **base.config["configurable"]}
        self._config = {**self._config, "configurable": configurable, "metadata": metadata}
        if update is not None or base.config != newest.config:
            yield from self._withdraw(thread)
        if update is not None:
            yield from self._save(update, base)
            self._config = self._newest_config

    def _state_at(self, checkpoint_id: str) -> Flow[StateSnapshot]:
        configurable = {**self._config["configurable"], "checkpoint_id": checkpoint_id}
        state = yield Perform(lambda: self._calls.state({**self._config, "configurable": configurable}))
        if state.created_at is None:
            raise ValueError(f"the thread was resumed from checkpoint {checkpoint_id}, which this graph does not have")
        return state  # type: ignore[no-any-return]

    def _update(self, thread: ThreadDocument) -> Flow[Any]:
        if self._on_resume and (thread["instruction"] or thread["modified_state"] is not None):
            on_resume = self._on_resume
            return (yield Perform(lambda: on_resume(thread)))
        update = thread["modified_state"]
        if unknown := sorted((update or {}).keys() - self._calls.graph.channels.keys()):
            raise ValueError(f"the thread was resumed with {', '.join(unknown)}, which the graph's state does not have")
        return update

    def _save(self, update: Any, base: StateSnapshot) -> Flow[None]:
        """Saves the update as if it came from the node that ran last or, if several ran at once, from all of them."""
        try:
            yield Perform(lambda: self._calls.update(self._config, [StateUpdate(update)]))
        except InvalidUpdateError:
            if (parent := base.parent_config) is None:
                raise
            before = yield Perform(lambda: self._calls.state(parent))
            updates = [StateUpdate({} if number else update, name) for number, name in enumerate(before.next)]
            yield Perform(lambda: self._calls.update(self._config, updates))

    def _withdraw(self, thread: ThreadDocument) -> Flow[None]:
        """What the graph asked before belongs to the old plan. It asks again if it still needs to."""
        for entry in thread["packages"]:
            if entry["status"] not in _OPEN:
                continue
            package = yield from fetch_package(entry["decision_package_id"], None, self._patience)
            if _INTERRUPT_ID in package.document["metadata"]:
                with suppress(AlreadyDecidedError):
                    yield from package.cancel("The thread was resumed from another point or with another state.")

    @property
    def _newest_config(self) -> RunnableConfig:
        return _without_checkpoint(self._config)

    # ---- Asking

    def _decisions(self, interrupts: Sequence[Interrupt], state: StateSnapshot) -> Flow[Mapping[str, StatusDocument]]:
        """The decided documents by interrupt id.

        All interrupts are proposed before the first wait, because a step of the graph ends only when all its nodes have
        ended.
        """
        packages = {}
        for entry in interrupts:
            packages[entry.id] = yield from self._propose(entry, state)
        if self._unreported:
            yield from self._report()
        for package in packages.values():
            yield from wait_until_settled(package, None, 0, self._timeout, self._on_message, watch=self._watch)
        return {name: package.document for name, package in packages.items()}

    def _propose(self, entry: Interrupt, state: StateSnapshot) -> Flow[Package]:
        """Proposes an interrupt's package. Its key is made of thread, interrupt and content, so a restart finds it."""
        configurable = state.config["configurable"]
        proposal: dict[str, Any] = {
            "thread_id": configurable["thread_id"],
            "run_id": configurable["thread_id"],
            "checkpoint_id": configurable.get("checkpoint_id"),
            "interrupt_type": "approval",
            **entry.value[PROPOSAL],
        }
        proposal["metadata"] = {**proposal.get("metadata", {}), _INTERRUPT_ID: entry.id}
        if revises := entry.value.get(REVISES):
            package = yield from fetch_package(revises["package_id"], None, self._patience)
            with suppress(AlreadyDecidedError):  # then that decision is the outcome
                yield from package.revise(proposal, revises["version"])
            return package
        key = digest_of([configurable["thread_id"], entry.id, entry.value])
        return (yield from submit_proposal(proposal, key, "", self._patience))


def _open_interrupts(state: StateSnapshot) -> Sequence[Interrupt]:
    return [entry for entry in state.interrupts if isinstance(entry.value, dict) and PROPOSAL in entry.value]


def _without_checkpoint(config: RunnableConfig) -> RunnableConfig:
    """The same thread at its newest checkpoint. A config that names a checkpoint would always return to that one."""
    configurable = {name: value for name, value in config.get("configurable", {}).items() if name != "checkpoint_id"}
    return {**config, "configurable": configurable}
