"""How alembic reaches the database: through the connection that `store.migrations.upgrade` hands it."""

from alembic import context
from sqlmodel import SQLModel

import store.schema.agent_tables
import store.schema.installation_tables
import store.schema.outbox_tables
import store.schema.tables  # noqa: F401 - the tables are what is migrated to

context.configure(connection=context.config.attributes["connection"], target_metadata=SQLModel.metadata)
with context.begin_transaction():
    context.run_migrations()
