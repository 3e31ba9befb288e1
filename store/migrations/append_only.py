"""Triggers: the database itself refuses to change or delete events, and to change content except by emptying it.

The migrations call `protect_events` and `protect_content`. Someone who owns the database can drop the triggers; the
digests of the chain are what finds that out.
"""

from sqlalchemy import Connection

TABLES = {"events": ("package_id", "revision"), "tenant_events": ("sequence",)}


def append_only_message(table: str) -> str:
    """The error of the triggers. On SQLite, INSERT raises it too, if the primary key exists."""
    return f"{table} is append-only"


_POSTGRES_FUNCTION = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION USING MESSAGE = TG_TABLE_NAME || ' is append-only'; END $$
"""


def protect_events(connection: Connection) -> None:
    """Create the triggers by which the database refuses to change or delete events."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(_POSTGRES_FUNCTION)
        for table in TABLES:
            _protect_postgres(connection, table)
    else:
        for table, key in TABLES.items():
            _protect_sqlite(connection, table, key)


def _protect_postgres(connection: Connection, table: str) -> None:
    connection.exec_driver_sql(
        f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )


def _protect_sqlite(connection: Connection, table: str, key: tuple[str, ...]) -> None:
    for change in ("UPDATE", "DELETE"):
        _raise_before(connection, table, change)
    # INSERT OR REPLACE deletes the existing row without firing the trigger on DELETE.
    same = " AND ".join(f"{column} = NEW.{column}" for column in ("tenant_id", *key))
    also = " OR (tenant_id = NEW.tenant_id AND event_id = NEW.event_id)" if table == "events" else ""
    there = f"SELECT 1 FROM {table} WHERE ({same}){also}"  # noqa: S608 - our own names
    _raise_before(connection, table, "INSERT", f"WHEN EXISTS ({there})")


def _raise_before(connection: Connection, table: str, change: str, when: str = "") -> None:
    connection.exec_driver_sql(
        f"CREATE TRIGGER {table}_no_{change.lower()} BEFORE {change} ON {table} {when}"
        f" BEGIN SELECT RAISE(ABORT, '{append_only_message(table)}'); END"
    )


_KEPT = ("tenant_id", "event_id", "package_id", "created_at")
_EMPTIED = " AND ".join(["NEW.words IS NULL", "NEW.salt IS NULL", *(f"NEW.{name} = OLD.{name}" for name in _KEPT)])
_CONTENT = "content can be emptied, and not changed"
_THERE = "SELECT 1 FROM content WHERE tenant_id = NEW.tenant_id AND event_id = NEW.event_id"
_CONTENT_FUNCTION = f"""
CREATE FUNCTION refuse_content_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION '{_CONTENT}'; END $$
"""


def protect_content(connection: Connection) -> None:
    """Retention may empty words and salt together. Any other change is refused."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(_CONTENT_FUNCTION)
        refuse = "EXECUTE FUNCTION refuse_content_change()"
        connection.exec_driver_sql(
            "CREATE TRIGGER content_emptied_only BEFORE UPDATE ON content"
            f" FOR EACH ROW WHEN (NOT ({_EMPTIED})) {refuse}"
        )
        connection.exec_driver_sql(
            f"CREATE TRIGGER content_stays BEFORE DELETE OR TRUNCATE ON content FOR EACH STATEMENT {refuse}"
        )
    else:
        for name, change in (
            ("content_emptied_only", f"UPDATE ON content WHEN NOT ({_EMPTIED})"),
            ("content_stays", "DELETE ON content"),
            ("content_not_replaced", f"INSERT ON content WHEN EXISTS ({_THERE})"),
        ):
            connection.exec_driver_sql(
                f"CREATE TRIGGER {name} BEFORE {change} BEGIN SELECT RAISE(ABORT, '{_CONTENT}'); END"
            )
