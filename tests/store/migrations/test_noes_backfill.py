"""The migration enters rejections from before the table of rejections existed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text
from sqlalchemy.engine import make_url

from rules.state.commands import Approve, Object, Reject, Revoke
from store.engine.engines import make_engine
from tests.rules.world import MINUTE, RITA, SENTA, ask, package
from tests.store.world import World, submission

_KEPT = text("SELECT package_id, verb, reviewer_id, settled FROM noes ORDER BY at")


@contextmanager
def migrating(connection: Connection) -> Iterator[Config]:
    config = Config()
    config.set_main_option("script_location", "store:migrations")
    config.attributes["connection"] = connection
    yield config


def before_noes(url: str) -> None:
    """The database of the earlier release: complete but for the table of rejections."""
    engine = make_engine(make_url(url))
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE noes"))
        connection.execute(text("DROP TABLE asked_addresses"))
        connection.execute(text("UPDATE alembic_version SET version_num = '0005'"))
    engine.dispose()


def upgrade_and_read(url: str) -> list[tuple[str, str, str, bool]]:
    engine = make_engine(make_url(url))
    with engine.begin() as connection, migrating(connection) as config:
        command.upgrade(config, "0006")
        kept = [(row[0], row[1], row[2], bool(row[3])) for row in connection.execute(_KEPT)]
    engine.dispose()
    return kept


async def test_rejections_objections_and_revocations_before_the_migration_are_remembered(world: World) -> None:
    rejected, objected, settled, revoked = [
        await world.submit(package(action_parameters={"record": str(number)})) for number in range(4)
    ]
    for step, (state, by) in enumerate(
        [
            (ask(Reject, rejected), RITA),
            (ask(Object, objected), RITA),
            (ask(Object, settled), RITA),
            (ask(Approve, settled), SENTA),
            (ask(Approve, revoked), SENTA),
            (ask(Revoke, revoked), SENTA),
        ]
    ):
        world.clock.passes(MINUTE * step)
        await world.after(state, by)
    before_noes(world.url)
    assert upgrade_and_read(world.url) == [
        (rejected.decision_package_id, "reject", RITA, False),
        (objected.decision_package_id, "object", RITA, False),
        (settled.decision_package_id, "object", RITA, True),
        (revoked.decision_package_id, "revoke", SENTA, False),
    ]
    refused = (await world.execute_for_agent(submission(package(action_parameters={"record": "0"})))).refusal
    assert refused is not None
    assert refused.facts["package"] == rejected.decision_package_id
