"""What each person must be told by mail, and which mails they want.

A mail is a row of the callbacks, with the kind "mail" and the person's id as `agent_id`. Nobody has two that are due.
"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    op.create_table(
        "mail_needs",
        sa.Column("tenant_id", sa.String(), nullable=False),
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("package_id", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("occasion", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("mail_id", sa.String(), nullable=True),
        sa.Column("digest", sa.String(), nullable=True),
        sa.Column("dropped", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "user_id", "package_id", "reason", "occasion"),
    )
    _partial_index("ix_mail_needs_due", "mail_needs", ["tenant_id", "due_at"], "state = 'due'")
    _partial_index("ix_mail_needs_sent", "mail_needs", ["tenant_id", "package_id"], "state = 'sent'")
    for name, column in (("mail", "mail_id"), ("package", "package_id"), ("time", "created_at")):
        op.create_index(f"ix_mail_needs_{name}", "mail_needs", ["tenant_id", column])
    op.create_table(
        "mail_preferences",
        sa.Column("tenant_id", sa.String(), nullable=False),
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("takeovers_only", sa.Boolean(), nullable=False, server_default=sa.text("FALSE")),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "user_id"),
    )
    op.add_column("callbacks", sa.Column("kind", sa.String(), nullable=False, server_default="callback"))
    op.add_column("callbacks", sa.Column("unanswered", sa.Integer(), nullable=False, server_default=sa.text("0")))
    open_mails = "kind = 'mail' AND state = 'due'"
    _partial_index("ix_callbacks_open_mail", "callbacks", ["tenant_id", "agent_id"], open_mails, unique=True)
    _partial_index("ix_callbacks_mails", "callbacks", ["tenant_id", "agent_id", "created_at"], "kind = 'mail'")
    op.add_column("presences", sa.Column("unreached_since", sa.DateTime(timezone=True), nullable=True))


def _partial_index(name: str, table: str, columns: list[str], where: str, *, unique: bool = False) -> None:
    condition = sa.text(where)
    op.create_index(name, table, columns, unique=unique, sqlite_where=condition, postgresql_where=condition)
