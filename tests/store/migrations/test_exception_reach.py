"""The migration enters exceptions that hold already, so that submissions go on finding them."""

from __future__ import annotations

import json

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


async def test_a_type_that_an_earlier_release_recorded_twice_has_one_row(database_url: str) -> None:
    async with open_world(database_url, MARKED) as world:
        await grant(world)
    engine = make_engine(make_url(database_url))
    with engine.begin() as connection, migrating(connection) as config:
        twice = 'REPLACE(state, \'"action_types":["refund"]\', \'"action_types":["refund","refund"]\')'
        connection.execute(text(f"UPDATE packages SET state = {twice}"))
        connection.execute(text("DROP TABLE exception_reach"))
        connection.execute(text("UPDATE alembic_version SET version_num = '0033'"))
        command.upgrade(config, "0035")
        rows = connection.execute(text("SELECT action_type FROM exception_reach")).scalars().all()
        state = connection.execute(text("SELECT state FROM packages")).scalar_one()
    assert json.loads(state)["exception"]["action_types"] == ["refund", "refund"]
    assert rows == ["refund"]
    engine.dispose()
