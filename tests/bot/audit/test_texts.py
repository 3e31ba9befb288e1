"""Renderings and policies are part of the record: changing or removing them is found."""

from __future__ import annotations

import asyncio
import json

from sqlalchemy import text

from bot.audit.check import ExportCheck
from bot.audit.export import export_jsonl
from rules.policy.parse import read_policy
from store.audit.reader import snapshot, verify_database
from store.commands.policies import PolicyFile, activate_policy
from tests.bot.audit.exports import OURS
from tests.bot.slack.office import HARD, POLICY, RITA, SENTA, SOFT, Office
from tests.rules.world import NOW
from tests.store.audit_record import tamper


def faults(office: Office) -> list[str]:
    """The faults in the database; its export must have the same ones."""
    with snapshot(office.store.database.engine) as connection:
        found_faults = [str(fault) for fault in verify_database(connection)]
        lines = list(export_jsonl(connection, OURS, NOW))
    assert sorted(str(fault) for fault in ExportCheck(OURS.public).faults(lines)) == sorted(found_faults)
    return found_faults


async def test_forged_renderings_and_policies_are_found(
    office: Office,
) -> None:
    response, card = await office.submit_with_card(HARD)
    await office.read_first(card, SENTA)
    await office.approve(SENTA, card)
    _, soft = await office.submit_with_card(SOFT | {"action_parameters": {"text": "long " * 2000}})
    await office.click(RITA, soft, "approve")
    assert (await office.slack.submit(RITA, {})).ok
    await office.reviews(SENTA, f"show {response.id}")
    another = POLICY.replace("test-1", "test-2")
    file = PolicyFile(read_policy(another), another)
    await office.store.write(lambda connection: activate_policy(connection, file, office.clock()))
    await office.store.write(lambda connection: connection.execute(text(_EMPTIED), {"id": response.id}))
    assert faults(office) == []
    engine = office.store.database.engine
    with engine.connect() as connection:
        kept = [row.rendering_id for row in connection.execute(text(_RENDERINGS))]
        named = [json.loads(row.body)["rendering_id"] for row in connection.execute(text("SELECT body FROM events"))]
    seen = next(rendering for rendering in kept if rendering in named)
    await asyncio.to_thread(
        tamper,
        engine,
        "UPDATE renderings SET body = replace(body, 'record', 'rekord') WHERE rendering_id = :id",
        id=seen,
    )
    assert [fault.partition(": ")[2] for fault in faults(office)] == [
        f"the rendering {seen} was changed: its id is not the digest of its content"
    ]
    await asyncio.to_thread(tamper, engine, "DELETE FROM renderings WHERE rendering_id = :id", id=seen)
    assert {fault.partition(": ")[2] for fault in faults(office)} == {
        f"the rendering {seen} is gone: retention empties renderings and never removes them"
    }
    before = len(faults(office))
    digest = read_policy(POLICY).digest
    await asyncio.to_thread(
        tamper, engine, "UPDATE policies SET text = '# ' || text WHERE digest = :digest", digest=digest
    )
    what = f"the text of policy {digest} was changed: it is not the one that was put in force"
    assert faults(office)[0] == f"tenant: {what}"
    await asyncio.to_thread(tamper, engine, "DELETE FROM policies WHERE digest = :digest", digest=digest)
    assert faults(office)[0] == f"tenant: the text of policy {digest} is gone"
    assert len(faults(office)) == before + 1


_EMPTIED = (
    "UPDATE renderings SET body = NULL WHERE rendering_id IN"
    " (SELECT min(rendering_id) FROM renderings WHERE package_id = :id)"
)
_RENDERINGS = "SELECT rendering_id FROM renderings WHERE body LIKE '%record%' ORDER BY rendering_id"
