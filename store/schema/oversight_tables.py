"""The tables that the measures of human control count."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index
from sqlmodel import Field, SQLModel


class OutcomeRow(SQLModel, table=True):
    """What came of each package whose review has ended, as `rules.oversight.outcomes` derives it from the record.

    `facts` are words such as `approved sent_back allowed`. One column is counted several times as fast as ten.
    `rules.oversight.judgments.DecisionTimes` says what the times are.
    """

    __tablename__ = "outcomes"
    __table_args__ = (Index("ix_outcomes_time", "tenant_id", "ended_at"),)
    tenant_id: str = Field(primary_key=True)
    package_id: str = Field(primary_key=True)
    ended_at: datetime
    agent_id: str
    action_type: str
    role: str
    risk: str
    facts: str
    decided_ms: int | None = None
    waiting_ms: int | None = None
    seen_ms: int | None = None
    reading_ms: int | None = None


class JudgmentRow(SQLModel, table=True):
    """What each person did with a package whose review has ended, as `rules.oversight.judgments` derives it.

    `judgment` and `facts` are words; `facts` are those of the package's outcome. The times are the person's own.
    """

    __tablename__ = "judgments"
    __table_args__ = (
        Index("ix_judgments_reviewer", "tenant_id", "reviewer_id", "ended_at"),
        Index("ix_judgments_time", "tenant_id", "ended_at"),
    )
    tenant_id: str = Field(primary_key=True)
    package_id: str = Field(primary_key=True)
    reviewer_id: str = Field(primary_key=True)
    ended_at: datetime
    decided: bool
    judgment: str
    facts: str
    decided_ms: int | None = None
    waiting_ms: int | None = None
    seen_ms: int | None = None
    reading_ms: int | None = None
