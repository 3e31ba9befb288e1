"""Alembic's entry point: uses the connection that `store.migrations.upgrade` passes."""

from alembic import context
from sqlmodel import SQLModel

import store.schema.agent_tables
import store.schema.exception_tables
import store.schema.feed_tables
import store.schema.installation_tables
import store.schema.mail_tables
import store.schema.outbox_tables
import store.schema.oversight_tables
import store.schema.tables  # noqa: F401 - alembic needs the tables

context.configure(connection=context.config.attributes["connection"], target_metadata=SQLModel.metadata)
with context.begin_transaction():
    context.run_migrations()
