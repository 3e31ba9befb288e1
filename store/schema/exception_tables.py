"""The tables of exceptions to rules. Only packages that ask for one, or that used one, have rows."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Field, SQLModel

from store.schema.tables import partial_index

HOLDING = "holding"


class ExceptionRow(SQLModel, table=True):
    """A package that asks for an exception, or whose exception holds or has held. `ends_at`: until when at most."""

    __tablename__ = "exceptions"
    __table_args__ = (partial_index("ix_exceptions_holding", "tenant_id", "ends_at", where=HOLDING),)
    tenant_id: str = Field(primary_key=True)
    package_id: str = Field(primary_key=True)
    holding: bool
    ends_at: datetime
    changed_at: datetime


class ExceptionReachRow(SQLModel, table=True):
    """An agent and an action type that a granted exception names, until it ends. Submissions find exceptions by it."""

    __tablename__ = "exception_reach"
    tenant_id: str = Field(primary_key=True)
    agent_id: str = Field(primary_key=True)
    action_type: str = Field(primary_key=True)
    exception_id: str = Field(primary_key=True)


class ExceptionUseRow(SQLModel, table=True):
    """A package for which an exception set its rule aside. It counts once, however many versions it has."""

    __tablename__ = "exception_uses"
    tenant_id: str = Field(primary_key=True)
    exception_id: str = Field(primary_key=True)
    package_id: str = Field(primary_key=True)
    used_at: datetime
