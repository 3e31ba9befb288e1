"""Tables of mails to people: what a person must be told, and which mails they want."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, Text, text
from sqlmodel import Field, SQLModel

from store.schema.tables import partial_index

DUE, SENT = "state = 'due'", "state = 'sent'"


class MailNeed(SQLModel, table=True):
    """What one person must be told by mail, once. Written in the transaction of the change that it is about.

    `occasion` tells apart what can happen twice to a package: the number of the attempt that failed, or the version
    that waits. `mail_id` is the callback that carries it, `digest` that of the mail's text. `created_at`: when this
    was last noted. All times are real times.
    """

    __tablename__ = "mail_needs"
    __table_args__ = (
        partial_index("ix_mail_needs_due", "tenant_id", "due_at", where=DUE),
        partial_index("ix_mail_needs_sent", "tenant_id", "package_id", where=SENT),
        Index("ix_mail_needs_mail", "tenant_id", "mail_id"),
        Index("ix_mail_needs_package", "tenant_id", "package_id"),
        Index("ix_mail_needs_time", "tenant_id", "created_at"),
    )
    tenant_id: str = Field(primary_key=True)
    user_id: str = Field(primary_key=True)
    package_id: str = Field(primary_key=True)
    reason: str = Field(primary_key=True)
    occasion: int = Field(primary_key=True)
    state: str
    due_at: datetime
    mail_id: str | None = None
    digest: str | None = None
    dropped: str | None = Field(default=None, sa_type=Text)  # why it was not sent
    created_at: datetime


class MailPreference(SQLModel, table=True):
    """Which mails a person wants. Without a row: all."""

    __tablename__ = "mail_preferences"
    tenant_id: str = Field(primary_key=True)
    user_id: str = Field(primary_key=True)
    takeovers_only: bool = Field(sa_column_kwargs={"server_default": text("FALSE")})
    changed_at: datetime
