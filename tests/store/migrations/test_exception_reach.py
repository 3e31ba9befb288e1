"""The migration enters exceptions that hold already, so that submissions go on finding them."""

from __future__ import annotations

from alembic import command
from sqlalchemy import make_url, text

from rules.state.commands import Revoke
from store.engine.engines import make_engine
from tests.rules.world import SENTA, ask
from tests.store.migrations.test_noes_backfill import migrating
from tests.store.packages.test_exceptions import MARKED, grant
from tests.store.world import open_world


async def test_exceptions_that_hold_before_the_migration_are_found_after_it(database_url: str) -> None:
    async with open_world(database_url, MARKED) as world:
        holding = await grant(world, action_types=["refund", "mail.send"])
        await world.after(ask(Revoke, await grant(world, requested_exception="Another.")), SENTA)
    engine = make_engine(make_url(database_url))
    with engine.begin() as connection, migrating(connection) as config:
        connection.execute(text("DROP TABLE exception_reach"))
        connection.execute(text("UPDATE alembic_version SET version_num = '0033'"))
        command.upgrade(config, "0035")
        rows = connection.execute(text("SELECT exception_id, action_type FROM exception_reach ORDER BY action_type"))
        assert [tuple(row) for row in rows] == [
            (holding.decision_package_id, "mail.send"),
            (holding.decision_package_id, "refund"),
        ]
    engine.dispose()
