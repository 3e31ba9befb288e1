"""The database's URL, with one host or several."""

from __future__ import annotations

from typing import Any

import pytest

from store.engine.address import connect_options, parse_database_url

SEVERAL = {"host": "one,two", "port": "5432,5433"}


def options(url: str) -> dict[str, Any]:
    where = parse_database_url(url).set(drivername="postgresql+psycopg")
    _, given = where.get_dialect()().create_connect_args(where)
    return {**connect_options(where), **given}


@pytest.mark.parametrize(
    ("url", "where"),
    [
        ("postgresql://app:p%40ss@one:5432,two:5433/its", SEVERAL | {"password": "p@ss"}),
        ("postgresql://app:word@one,two:5433/its", SEVERAL | {"password": "word"}),
        ("postgresql://app:wo,rd@one,two:5433/its", SEVERAL | {"password": "wo,rd"}),
        ("postgresql+psycopg://one,two:5433/its", SEVERAL),
        ("postgresql:///its?host=one:5432&host=two:5433", SEVERAL),
        ("postgresql:///its?host=one,two&port=5432,5433", SEVERAL),
        ("postgresql://[::1]:5432,[::2]:5433/its", {"host": "::1,::2", "port": "5432,5433"}),
    ],
)
def test_the_host_that_accepts_writes_is_used(url: str, where: dict[str, str]) -> None:
    parsed = options(url)
    assert {name: parsed.get(name) for name in where} == where
    assert (parsed["dbname"], parsed["target_session_attrs"]) == ("its", "read-write")


@pytest.mark.parametrize(
    "url", ["postgresql://app:wo,rd@one/its", "postgresql://app:wo,rd@one:5432/its?sslmode=require"]
)
def test_a_comma_in_a_password_names_no_second_host(url: str) -> None:
    parsed = options(url)
    assert (parsed["host"], parsed["user"], parsed["password"], parsed["dbname"]) == ("one", "app", "wo,rd", "its")
    assert "wo,rd" not in parse_database_url(url).render_as_string(hide_password=True)


def test_a_single_host_is_taken_as_it_is_and_what_the_url_says_wins() -> None:
    assert "target_session_attrs" not in options("postgresql://app@one/its")
    assert options("postgresql://one,two/its?target_session_attrs=primary")["target_session_attrs"] == "primary"
    assert options("postgresql://one/its?connect_timeout=3")["connect_timeout"] == "3"
