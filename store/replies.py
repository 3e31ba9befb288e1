"""What the store answers to agents."""

from __future__ import annotations

from typing import NamedTuple

from rules.reasons import Refusal
from rules.record.status_document import Document


class PackageDocument(NamedTuple):
    revision: int
    document: Document


class AgentReply(NamedTuple):
    """Answer to an agent's command: the document as of that transaction, or the refusal.

    `replayed`: the same command was answered before, and this is that answer again.
    """

    document: Document
    refusal: Refusal | None
    replayed: bool
