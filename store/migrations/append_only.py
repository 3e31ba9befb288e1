"""Makes the database itself refuse to change or delete an event, whoever asks."""

from sqlalchemy import Connection

TABLES = {"events": ("package_id", "revision"), "tenant_events": ("sequence",)}

_POSTGRES_FUNCTION = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION USING MESSAGE = TG_TABLE_NAME || ' is append-only'; END $$
"""


def protect(connection: Connection) -> None:
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
    # INSERT OR REPLACE deletes the row in its way, and no trigger on DELETE hears of it.
    same = " AND ".join(f"{column} = NEW.{column}" for column in ("tenant_id", *key))
    also = " OR (tenant_id = NEW.tenant_id AND event_id = NEW.event_id)" if table == "events" else ""
    there = f"SELECT 1 FROM {table} WHERE ({same}){also}"  # noqa: S608 - our own names
    _raise_before(connection, table, "INSERT", f"WHEN EXISTS ({there})")


def _raise_before(connection: Connection, table: str, change: str, when: str = "") -> None:
    connection.exec_driver_sql(
        f"CREATE TRIGGER {table}_no_{change.lower()} BEFORE {change} ON {table} {when}"
        f" BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
    )
