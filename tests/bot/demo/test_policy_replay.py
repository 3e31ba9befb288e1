"""The demo's policy, replayed on the stories of the demo, says what the record says."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy.engine import make_url

from bot.demo.folder import Folder
from rules.oversight.asking import Shift
from rules.policy.parse import read_policy
from rules.state.commands import Verb
from store.audit.policy_replay import Trial, replay_policy
from store.audit.reader import snapshot
from store.engine.engines import make_engine
from tests.bot.demo.visitor import RITA, SENTA, Visitor, running
from tests.rules.world import DAY


async def test_the_stories_of_the_demo_are_replayed_exactly(visitor: Visitor, tmp_path: Path) -> None:
    waiting = [name for name, is_running in running(await visitor.state()).items() if not is_running]
    for story in waiting:
        await visitor.begin(story)
    await visitor.over("reading")
    await visitor.give(RITA, await visitor.card("Send e-mail"), Verb.APPROVE)
    await visitor.over("mail")
    notice = "Send enforcement notice draft #456"
    await visitor.give(SENTA, await visitor.card(notice), Verb.REVISE, {"instructions": "Give them 21 days."})
    await visitor.card(notice, "Version 2")
    folder, now = Folder(tmp_path / "demo"), visitor.demo.service.store.clock()
    engine = make_engine(make_url(folder.database_url))
    with snapshot(engine) as connection:
        trial = Trial(read_policy(folder.policy.read_bytes()), now - DAY, now, clicks_provable=True)
        total = replay_policy(connection, trial).comparison.total
    engine.dispose()
    assert (total.obstacles, total.shifts) == ({}, {Shift.SAME: total.packages})
    assert total.packages > len(waiting)
