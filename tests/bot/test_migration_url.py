"""`COUNTERSIGN_MIGRATION_URL`: one database role migrates the schema, and another one serves."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
from sqlalchemy.engine import make_url

from bot.running import open_service
from bot.settings import SettingsError, read_settings
from tests.bot.service import POLICY
from tests.bot.terminal import make_terminal


@pytest.mark.parametrize("empty_database_url", ["postgresql"], indirect=True)
async def test_migrations_run_as_their_own_role_and_the_service_as_another(
    empty_database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    where = make_url(empty_database_url)
    role = f"app_{where.database}"
    as_role = where.set(username=role).render_as_string(hide_password=False)
    terminal = make_terminal(tmp_path, as_role, monkeypatch, capsys)
    terminal.file("policy.toml", POLICY)
    with psycopg.connect(empty_database_url, autocommit=True) as owner:
        owner.execute(f"CREATE ROLE {role} LOGIN")
        owner.execute(f"ALTER DEFAULT PRIVILEGES GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {role}")
        try:
            result = terminal("migrate")
            assert (result.code, result.line) == (
                1,
                (
                    "countersign: the schema must be migrated, and this database role may not do that; "
                    "run: countersign migrate, with COUNTERSIGN_MIGRATION_URL set to a role that may"
                ),
            )
            monkeypatch.setenv("COUNTERSIGN_MIGRATION_URL", empty_database_url)
            async with open_service(read_settings()) as service:  # migrates as one role, serves as the other
                assert (await service.store.read(service.store.installation.roster)).policy.version == "test-1"
            monkeypatch.delenv("COUNTERSIGN_MIGRATION_URL")
            async with open_service(read_settings()):  # the schema is current now
                assert terminal("migrate").code == 0
        finally:
            owner.execute(f"DROP OWNED BY {role}")
            owner.execute(f"DROP ROLE {role}")


@pytest.mark.parametrize("url", ["sqlite:///countersign.db", "nonsense", "mysql://host/name"])
def test_the_migration_url_must_be_postgresql_like_the_database(url: str) -> None:
    with pytest.raises(SettingsError, match="COUNTERSIGN_MIGRATION_URL: must be the PostgreSQL of"):
        read_settings(
            COUNTERSIGN_DATABASE_URL="postgresql://app@one/its", COUNTERSIGN_MIGRATION_URL=url, _env_file=None
        )
