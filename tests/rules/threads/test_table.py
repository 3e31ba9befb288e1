"""The table of a thread's verbs is complete, and each rule keeps to it."""

from __future__ import annotations

import pytest

from rules.people.directory import Actor, ActorKind, Directory, Roster
from rules.reasons import Reason, Refusal
from rules.threads.commands import CancelThread, HoldThread, ReportCheckpoint, ResumeThread, ThreadCommand
from rules.threads.decide import ThreadTransition, decide_thread, try_thread_verbs
from rules.threads.model import CHECKPOINTS_KEPT, ThreadState, ThreadStatus, thread_key
from rules.threads.situation import ThreadSituation
from rules.threads.table import THREAD_VERBS, build_thread_table
from tests.rules.world import ADAM, NOW, OWEN, POLICY, RITA, people

RUNNING = ThreadState(
    tenant_id="inst_1", thread_key=thread_key("case-1"), thread_id="case-1", owner_agent="agt_1", owner=OWEN
)
COMMANDS = {
    HoldThread: HoldThread(command_id="c", thread_id="case-1", reason="Wait."),
    ResumeThread: ResumeThread(command_id="c", thread_id="case-1"),
    CancelThread: CancelThread(command_id="c", thread_id="case-1", reason="No."),
    ReportCheckpoint: ReportCheckpoint(command_id="c", thread_id="case-1", checkpoint_id="1", summary="Read."),
}


def situation(by: str = ADAM, kind: ActorKind = ActorKind.PERSON) -> ThreadSituation:
    return ThreadSituation(
        roster=Roster(POLICY, Directory(people=people(), as_of=NOW)),
        now=NOW,
        fresh_id="1",
        actor=Actor(kind=kind, actor_id=by),
    )


def in_status(status: ThreadStatus, by: str = RITA) -> ThreadState:
    return RUNNING.model_copy(update={"status": status, "by": by, "since": NOW, "revision": 1})


@pytest.mark.parametrize("left_out", list(THREAD_VERBS))
def test_without_one_of_its_rows_the_table_cannot_be_built(left_out: type[ThreadCommand]) -> None:
    rows = [row for command, row in THREAD_VERBS.items() if command is not left_out]
    with pytest.raises(TypeError, match=f"no row for {left_out.__name__}"):
        build_thread_table(rows)


@pytest.mark.parametrize("status", list(ThreadStatus))
@pytest.mark.parametrize("kind", list(COMMANDS))
def test_a_command_is_taken_only_in_the_statuses_of_its_row_and_leads_where_it_says(
    kind: type[ThreadCommand], status: ThreadStatus
) -> None:
    row = THREAD_VERBS[kind]
    agent = situation("agt_1", ActorKind.AGENT)
    state = in_status(status, by=OWEN)  # whose hold others may take over
    result = decide_thread(state, COMMANDS[kind], agent if ActorKind.AGENT in row.by else situation())
    if status not in row.taken_in:
        assert isinstance(result, Refusal)
        return
    assert isinstance(result, ThreadTransition)
    assert result.after.status is (row.leads_to or status)


@pytest.mark.parametrize("kind", [HoldThread, ResumeThread, CancelThread])
def test_an_agent_gives_no_command_of_people(kind: type[ThreadCommand]) -> None:
    refusal = decide_thread(in_status(ThreadStatus.HELD), COMMANDS[kind], situation("agt_1", ActorKind.AGENT))
    assert isinstance(refusal, Refusal)
    assert refusal.reason is Reason.A_BOT


def test_only_the_latest_checkpoints_stay_in_the_state() -> None:
    state = RUNNING
    for number in range(CHECKPOINTS_KEPT + 5):
        command = ReportCheckpoint(command_id="c", thread_id="case-1", checkpoint_id=str(number), summary="Read.")
        result = decide_thread(state, command, situation("agt_1", ActorKind.AGENT))
        assert isinstance(result, ThreadTransition)
        state = result.after
    assert [point.checkpoint_id for point in state.checkpoints] == [str(number) for number in range(5, 25)]


def test_an_admin_is_offered_what_the_status_allows() -> None:
    tried = {status: try_thread_verbs(in_status(status), situation()) for status in ThreadStatus}
    assert {status: tuple(verb for verb in verbs if verbs[verb] is None) for status, verbs in tried.items()} == {
        ThreadStatus.RUNNING: ("hold", "cancel"),
        ThreadStatus.HELD: ("resume", "cancel"),
        ThreadStatus.CANCELLED: (),
    }
